"""What `doctor --hub` says: whether each published model loads here, and grounds the labelled photographs.

PASS, FAIL or SKIPPED, one line a model. SKIPPED: this machine or its connection does not allow it now, and the line
says what would. FAIL: the model loads and answers wrongly, or something about it is broken.
"""

import contextlib
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils import doctor, photos
from gk_utils.boxes import boxes_from_masks, paired_iou
from gk_utils.hub.fetch import is_here
from gk_utils.hub.hub_errors import HubError, explain
from gk_utils.hub.loading import load
from gk_utils.hub.published_models import KINDS, MODELS, Published, find

# Photographs with one large thing that is easily named: whoever misses these is not working.
ASKED = (
    ("coffee", "the cup"),
    ("astronaut", "the woman"),
    ("chelsea", "the cat"),
    ("rocket", "the rocket"),
    ("motorcycle", "the motorcycle"),
    ("camera", "the tripod"),
)
ENOUGH = 4  # of these six
RIGHT = 0.5  # least IoU of a box with the label


@dataclass(frozen=True)
class Verdict:
    """One line: a model, what became of it, and why; seconds for loading and all photographs."""

    name: str
    state: Literal["PASS", "FAIL", "SKIPPED"]
    reason: str
    seconds: float


def examine_hub(asked: Sequence[str] = (), device: str | None = None) -> Iterator[Verdict]:
    """A verdict for each model asked for, as it comes; for all of the table if none is.

    Args:
        asked: names of the table; NAME=FOLDER takes a copy on this machine.
        device: cuda if there is one, else cpu, if left out.

    Raises:
        ValueError: a name that is not in the table, before anything is loaded.
    """
    pairs = [one.partition("=")[::2] for one in asked] or [(name, "") for name in MODELS]
    wanted = [(find(name), folder or None) for name, folder in pairs]
    silent = _hub_is_silent(wanted)
    for row, folder in wanted:
        start = time.perf_counter()
        state, reason = _judge(row, folder, device, silent)
        yield Verdict(row.name, state, reason, round(time.perf_counter() - start, 1))


def run(asked: Sequence[str] = (), *, device: str | None = None, as_json: bool = False) -> int:
    """Print the verdicts as they come; the exit status is 1 if one is FAIL, else 0.

    Raises:
        ValueError: a name that is not in the table.
    """
    verdicts = []
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):  # a download announces itself
        for verdict in examine_hub(asked, device):
            verdicts.append(verdict)
            print(f"{verdict.state:7}  {verdict.name:22}  {verdict.reason} ({verdict.seconds:.1f} s)", flush=True)
    failed = [verdict.name for verdict in verdicts if verdict.state == "FAIL"]
    passed = [verdict.name for verdict in verdicts if verdict.state == "PASS"]
    if as_json:
        print(json.dumps({"ready": not failed, "models": [asdict(verdict) for verdict in verdicts]}, indent=1))
    else:
        print(f"\n{len(passed)} PASS, {len(failed)} FAIL, {len(verdicts) - len(passed) - len(failed)} SKIPPED.")
    return int(bool(failed))


def _hub_is_silent(wanted: Sequence[tuple[Published, str | None]]) -> bool:
    """Whether something must be downloaded and the hub does not answer: asked once, not once a model."""
    try:
        missing = any(folder is None and not is_here(row) for row, folder in wanted)
    except ImportError:
        return False  # said by each load
    return missing and doctor.check_hub()[0].state != "OK"


def _judge(row: Published, folder: str | None, device: str | None, silent: bool) -> tuple[Any, str]:
    """The state of one model and the reason."""
    if silent and folder is None and not is_here(row):
        return "SKIPPED", _without_name(_unreachable(row), row)
    try:
        good, said = LOOKS[_look_of(row)](load(row.name, device, folder=folder))
    except HubError as error:
        return ("SKIPPED" if error.circumstance else "FAIL"), _without_name(error, row)
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        return "FAIL", f"{type(error).__name__}: {first}"
    if torch.cuda.is_available():  # room for the next one
        gc.collect()
        torch.cuda.empty_cache()
    return ("PASS" if good >= ENOUGH else "FAIL"), f"{good} of {len(ASKED)} photographs: {said}"


def _without_name(error: HubError, row: Published) -> str:
    return str(error).removeprefix(f"{row.name}: ")


def _unreachable(row: Published) -> HubError:
    from huggingface_hub.errors import LocalEntryNotFoundError

    return explain(LocalEntryNotFoundError(row.repository), row)


def _look_of(row: Published) -> str:
    first = KINDS[row.kind].offers[0]
    return first if first in LOOKS else "Grounder"


def _photographs() -> Iterator[tuple[Float[Tensor, "3 _ _"], str, Float[Tensor, " 4"]]]:
    """Each photograph as a model takes it, a phrase, and the labelled box of the phrase."""
    for name, phrase in ASKED:
        photo = photos.load(name)
        yield torch.from_numpy(photo.image).permute(2, 0, 1) / 255, phrase, photo.boxes[photo.index(phrase)]


def _ground(adapter: Any) -> tuple[int, str]:
    """How many phrases are found, by the IoU of the best box with the label."""
    overlaps = {}
    for image, phrase, truth in _photographs():
        found = adapter.ground(image, phrase)
        overlaps[phrase] = float(paired_iou(found.boxes[:1], truth[None])[0]) if len(found) else 0.0
    return _count(overlaps)


def _segment(adapter: Any) -> tuple[int, str]:
    """How many masks, asked for with the labelled box, fill that box."""
    overlaps = {}
    for image, phrase, truth in _photographs():
        adapter.set_image(image)
        around = boxes_from_masks(adapter.segment(boxes=truth[None]).masks)
        overlaps[phrase] = float(paired_iou(around.float(), truth[None])[0])
    return _count(overlaps)


def _match(adapter: Any) -> tuple[int, str]:
    """How many photographs go with their own phrase rather than with those of the others."""
    images, phrases, _ = zip(*_photographs(), strict=True)
    best = adapter.similarities(list(images), [f"a photo of {phrase}" for phrase in phrases]).argmax(-1).tolist()
    right = [phrase for number, phrase in enumerate(phrases) if best[number] == number]
    return len(right), "matched " + (", ".join(right) or "none")


def _count(overlaps: dict[str, float]) -> tuple[int, str]:
    said = ", ".join(f"{phrase.removeprefix('the ')} {overlap:.2f}" for phrase, overlap in overlaps.items())
    return sum(overlap >= RIGHT for overlap in overlaps.values()), f"IoU {said}"


LOOKS: dict[str, Callable[[Any], tuple[int, str]]] = {
    "Grounder": _ground,
    "Segmenter": _segment,
    "similarity": _match,
}
