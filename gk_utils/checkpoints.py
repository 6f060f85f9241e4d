"""Checkpoints: weights in safetensors beside a card that says what they are; a crash never leaves half of one.

A checkpoint is a folder with two files, `card.json` and the weights it names, `weights-<12 hex digits>.safetensors`.
The digits are the beginning of the weights' sha256, so other weights have another name. Saving writes the new weights
beside the old, then replaces the card, then removes the old weights. Replacing the card is one atomic rename and the
only step that counts: wherever a crash, `kill -9`, a full disk or a power cut ends a save, the card that is there names
weights that are whole, the old ones before that step and the new ones after. What was left behind is removed by the
next save. Of two processes that save into one folder the second waits for the first (`formats.files.one_writer`);
anybody may read meanwhile.

Only safetensors are ever read, never a pickle, so a checkpoint cannot run code.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from gk_utils.formats.files import one_writer

CARD = "card.json"
SHIPPED = Path(__file__).parents[1] / "data" / "checkpoints"  # those that the course ships


@dataclass(frozen=True)
class Card:
    """What a checkpoint is and where it came from. Everything in it is JSON.

    Attributes:
        recipe: name of the training recipe.
        seed, steps: the run's seed and how many optimiser steps it took.
        hardware: in words, "one H100".
        minutes: of training, wall clock.
        metrics: what was measured, {"acc@0.5": 0.986} or nested.
        settings: what a reader needs to build the module again: sizes, vocabulary, learning rate.
        half: float weights are stored as float16, and come back as float32.
        weights, sha256, bytes: name, checksum and length of the weights' file; `save` fills these in.
        created_with: versions that wrote it; `save` fills it in.
    """

    recipe: str
    seed: int
    steps: int
    hardware: str
    minutes: float
    metrics: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    half: bool = False
    weights: str = ""
    sha256: str = ""
    bytes: int = 0
    created_with: str = ""


def save(state_dict: dict[str, Tensor], path: str | os.PathLike, card: Card) -> Card:
    """Write weights and card into the folder `path`, all or nothing; return the card as `load` will.

    With `card.half`, float tensors are stored as float16: 3 digits, and fewer below 6e-5. Tensors that share memory
    (tied weights) are stored once each.

    Raises:
        TypeError, ValueError: an entry that is not a tensor, a finite weight that float16 cannot hold, or a card that
            JSON cannot. Nothing has been written then.
        OSError: a full disk, a folder that cannot be written. A checkpoint that was there is still readable.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     card = save({"w": torch.ones(2)}, folder, Card("demo", 0, 10, "CPU", 0.1, {"acc@0.5": 0.5}))
    ...     load(folder)[0], card.recipe
    ({'w': tensor([1., 1.])}, 'demo')
    """
    folder = Path(path)
    data = safetensors.torch.save({name: _storable(name, value, card.half) for name, value in state_dict.items()})
    sha256 = hashlib.sha256(data).hexdigest()
    versions = f"gk-utils {_version('gk-utils')}, torch {torch.__version__}"
    card = replace(card, weights=_weights_name(sha256), sha256=sha256, bytes=len(data), created_with=versions)
    try:
        text = json.dumps(asdict(card), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"card: expected what JSON can hold, got: {error}. Use .item() on tensors, drop NaN."
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with one_writer(folder):  # or the one that is done first would clear away what the other has begun
            _write_whole(folder / card.weights, data)
            _write_whole(folder / CARD, text.encode())
            _clear_away(folder, folder / card.weights)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"path: expected to write {len(data)} bytes of weights and a card, got '{error.strerror}'. "
            "If there was a checkpoint, there still is one. Make room or choose another folder, and save again",
            str(folder),
        ) from error
    return Card(**json.loads(text))


def load(path: str | os.PathLike, device: str | torch.device = "cpu") -> tuple[dict[str, Tensor], Card]:
    """Read a checkpoint: its weights on `device`, sorted by name, and its card. Length and checksum are compared first.

    Weights stored as float16 because the card asked for it come back as float32.

    Raises:
        FileNotFoundError: no card, or no weights beside it.
        ValueError: a card or weights that are damaged, cut short or of another checkpoint.
    """
    data, card = _read(Path(path))
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise ValueError(f"{card.weights}: expected safetensors, got '{error}'. Train or fetch it again.") from error
    widen = {torch.float16: torch.float32} if card.half else {}
    return {name: value.to(device, widen.get(value.dtype)) for name, value in sorted(tensors.items())}, card


def verify(path: str | os.PathLike) -> Card:
    """Check a checkpoint as `load` does, with the same errors, and return its card."""
    return load(path)[1]


def load_into(module: nn.Module, path: str | os.PathLike) -> Card:
    """Load a checkpoint into `module`, on the device and in the dtype it has; every name and shape must agree.

    Raises:
        FileNotFoundError, ValueError: as `load`; or the first names that are missing, not expected or of another shape.
            The module is unchanged then.
    """
    tensors, card = load(path)
    wanted = module.state_dict()
    differences = [f"no {name!r}" for name in wanted if name not in tensors]
    differences += [f"{name!r}, which {type(module).__name__} has not" for name in tensors if name not in wanted]
    differences += [
        f"{name!r} of shape {tuple(tensors[name].shape)} where {tuple(value.shape)} is needed"
        for name, value in wanted.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise ValueError(
            f"{path}: expected the weights of {type(module).__name__}, got {'; '.join(differences[:3])}{more}. "
            f"It was trained by the recipe {card.recipe!r} with settings {card.settings}: build the module like that."
        )
    module.load_state_dict(tensors)
    return card


def first_shipped(*names: str) -> Path:
    """The folder of the first of these checkpoints that the course ships; the better one is named first.

    Raises:
        FileNotFoundError: it ships none of them; says how to train the last one.

    >>> first_shipped("not_there", "trunk_small").name
    'trunk_small'
    """
    for name in names:
        if (SHIPPED / name).is_dir():
            return SHIPPED / name
    raise FileNotFoundError(
        f"checkpoint: expected {' or '.join(names)} in {SHIPPED}, got none. "
        f"Restore data/checkpoints, or train one: python -m gk_utils train {names[-1]}"
    )


def _storable(name: str, value: Any, half: bool) -> Tensor:
    """A copy of one weight, as it goes to disk."""
    if not isinstance(value, Tensor):
        raise TypeError(f"state_dict: expected tensors, got {type(value).__name__} for {name!r}. Pass a state_dict().")
    stored = value.detach().to("cpu", torch.float16 if half and value.is_floating_point() else value.dtype)
    if half and not stored.isfinite().equal(value.isfinite().cpu()):
        largest = value[value.isfinite()].abs().max().item()
        raise ValueError(
            f"state_dict: expected values within 65504 for float16, got {largest:g} in {name!r}. Save with half=False."
        )
    return stored.clone(memory_format=torch.contiguous_format)


def _read(folder: Path) -> tuple[bytes, Card]:
    """The weights' bytes, known to be those the card describes, and the card."""
    card = _read_card(folder)
    try:
        data = (folder / card.weights).read_bytes()
    except FileNotFoundError:
        if _read_card(folder) != card:  # a save replaced the checkpoint between the two reads
            return _read(folder)
        raise FileNotFoundError(
            f"{folder}: expected the weights {card.weights} beside the card, got none. Fetch the whole folder."
        ) from None
    if len(data) != card.bytes:
        raise ValueError(
            f"{folder / card.weights}: expected {card.bytes} bytes, got {len(data)}. It was cut short; fetch it again."
        )
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != card.sha256:
        raise ValueError(
            f"{folder / card.weights}: expected sha256 {card.sha256[:12]}..., got {sha256[:12]}.... "
            "The file is damaged; fetch it again."
        )
    return data, card


def _read_card(folder: Path) -> Card:
    """The card of a folder, with every field there and the name of the weights inside the folder."""
    file = folder / CARD
    try:
        entries = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{folder}: expected a folder with {CARD}, got none. Is this the checkpoint's folder, and was it saved?"
        ) from None
    except ValueError as error:  # not JSON, or not UTF-8
        raise ValueError(f"{file}: expected JSON, got '{error}'. Fetch it again.") from error
    names, given = {item.name for item in fields(Card)}, set(entries) if isinstance(entries, dict) else set()
    if given != names:
        raise ValueError(
            f"{file}: expected the entries of a card, got none for {sorted(names - given)} and unknown "
            f"{sorted(given - names)}. Was it written by another version?"
        )
    card = Card(**entries)
    if not re.fullmatch(r"[0-9a-f]{64}", str(card.sha256)) or card.weights != _weights_name(card.sha256):
        raise ValueError(
            f"{file}: expected a sha256 and weights named after it, got {card.sha256!r} and {card.weights!r}. "
            "The card was edited; fetch it again."
        )
    return card


def _weights_name(sha256: str) -> str:
    return f"weights-{sha256[:12]}.safetensors"


def _write_whole(file: Path, data: bytes) -> None:
    """Make `file` hold `data`, or leave it as it was: another name, synced to disk, then renamed."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the rename is safe from a power cut once the folder is on disk too
        handle = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network drives cannot sync a folder
                raise
        finally:
            os.close(handle)


def _clear_away(folder: Path, weights: Path) -> None:
    """Remove other weights, and what saves that did not end have left."""
    for left in {*folder.glob("weights-*.safetensors"), *folder.glob("*.partial")} - {weights}:
        with contextlib.suppress(OSError):  # the new checkpoint stands; the next save tries again
            left.unlink()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"
