"""From a row of the table to a folder on this machine: looked for, announced, downloaded, checked to be whole."""

import json
import shutil
from pathlib import Path

import torch

from gk_utils.hub.hub_errors import HubError, cache_folder, explain
from gk_utils.hub.published_models import Published

# Weights in safetensors alone, and what configures them: no pickles, no other formats of the same weights.
WANTED = ("model*.safetensors", "model.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja")
UNWANTED = ("*/*", "model.fp16*", "*.msgpack.index.json", "*.bin.index.json", "*.h5.index.json")
SPARE = 1.05  # of the download: what a disk must have free


def fetch(row: Published, folder: str | Path | None = None, *, device: str = "cpu") -> Path:
    """The folder that holds the model: `folder` if one is given, else its place among the downloads.

    What is on this machine already is taken without asking the network. Before a download its size, its licence and
    the free room are printed; one that broke off goes on where it stopped.

    Raises:
        HubError: why the model cannot be had, in one line that says what to do.
    """
    if folder is not None:
        return _whole(Path(folder), row)
    try:
        return _kept(row) or _download(row, device)
    except Exception as error:
        raise explain(error, row) from error


def is_here(row: Published) -> bool:
    """Whether the model is on this machine, whole."""
    try:
        return _kept(row) is not None
    except (HubError, OSError):
        return False


def announcement(row: Published, device: str = "cpu") -> str:
    """What a download costs, and what is there for it.

    >>> from gk_utils.hub.published_models import MODELS
    >>> print(announcement(MODELS["sam-vit-base"]))
    sam-vit-base (facebook/sam-vit-base, 94 M parameters, licence Apache-2.0): downloading 0.4 GB, ... GB free on disk.
    """
    free_gb = shutil.disk_usage(_standing(cache_folder())).free / 1e9
    said = (
        f"{row.name} ({row.repository}, {row.millions:.0f} M parameters, licence {row.licence}): "
        f"downloading {row.download_gb} GB, {free_gb:.0f} GB free on disk."
    )
    if (free := free_gpu_gb(device)) is not None:
        said += f" Needs about {row.half_gb} GB of GPU memory, {free:.1f} GB are free."
    return said


def free_gpu_gb(device: str) -> float | None:
    """Free memory of a CUDA device in 10^9 bytes; None for anything else."""
    if torch.device(device).type != "cuda":
        return None
    return torch.cuda.mem_get_info(torch.device(device))[0] / 1e9


def _kept(row: Published) -> Path | None:
    """The model among the downloads, if all of it is there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(
            row.repository,
            revision=row.revision,
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
            local_files_only=True,
        )
        return _whole(Path(found), row)
    except (LocalEntryNotFoundError, HubError):  # nothing of it, or not all of it
        return None


def _download(row: Published, device: str) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import OfflineModeIsEnabled

    if constants.HF_HUB_OFFLINE:
        raise OfflineModeIsEnabled(row.repository)
    if shutil.disk_usage(_standing(cache_folder())).free < row.download_gb * 1e9 * SPARE:
        raise OSError(28, "No space left on device")
    print(announcement(row, device), flush=True)
    found = snapshot_download(
        row.repository, revision=row.revision, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED)
    )
    return _whole(Path(found), row)


def _whole(folder: Path, row: Published) -> Path:
    """The folder, checked to hold a configuration, all its weights in safetensors, and a processor."""

    def lacking(what: str) -> HubError:
        return HubError(
            f"{row.name}: {folder} has no {what}. Expected the files of {row.repository}, as save_pretrained or a "
            "download leaves them.",
            circumstance=False,
        )

    if not (folder / "config.json").is_file():
        raise lacking("config.json")
    index = folder / "model.safetensors.index.json"
    files = ["model.safetensors"]
    if index.is_file():
        files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    for name in files:
        if not (folder / name).is_file():
            raise lacking(f"{name}: the course reads no pickles")
    if not any((folder / name).is_file() for name in ("processor_config.json", "preprocessor_config.json")):
        raise lacking("processor_config.json")
    return folder


def _standing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())
