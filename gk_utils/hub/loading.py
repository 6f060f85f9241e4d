"""`load` a published model by its name, behind the protocols of the course; `try_load` in a lesson.

A folder on this machine takes the place of the download and goes through the same code.
"""

import importlib
from pathlib import Path
from typing import Any

import torch

from gk_utils.errors import check_device
from gk_utils.hub.fetch import fetch, free_gpu_gb
from gk_utils.hub.half_precision import Loaded, half_for
from gk_utils.hub.hub_errors import HubError, explain, memory_too_small
from gk_utils.hub.published_models import KINDS, Published, find


def load(
    name: str, device: str | None = None, *, folder: str | Path | None = None, dtype: torch.dtype | None = None
) -> Any:
    """A published model as a detector, grounder, segmenter ...: see `offers` of its kind in the table.

    Args:
        name: a name of the table, `published_models.MODELS`.
        device: cuda if there is one, else cpu, if left out.
        folder: a copy of the model on this machine, as save_pretrained or a download leaves it, instead of a download.
        dtype: what it computes in; what suits the device if left out (`half_precision.half_for`).

    Raises:
        ValueError: an unknown name or device.
        HubError: it cannot be had or run here; one line that says what to do.
    """
    row = find(name)
    loaded = _loaded(row, device, folder, dtype)
    kind = KINDS[row.kind]
    return getattr(importlib.import_module(f"gk_utils.hub.{kind.module}"), kind.adapter)(loaded)


def try_load(
    name: str, device: str | None = None, *, folder: str | Path | None = None, dtype: torch.dtype | None = None
) -> Any | None:
    """The same for a lesson: where the model cannot be had it prints why, in one line, and returns None."""
    try:
        return load(name, device, folder=folder, dtype=dtype)
    except HubError as error:
        print(f"{error}\nGoing on in the mini tier.")
        return None


def load_transformers(
    name: str, device: str | None = None, *, folder: str | Path | None = None, dtype: torch.dtype = torch.float32
) -> tuple[Any, Any]:
    """The model and the processor of transformers themselves, in eval mode, to be compared with; weights in `dtype`.

    Raises:
        ValueError: an unknown name or device.
        HubError: it cannot be had or run here; one line that says what to do.
    """
    loaded = _loaded(find(name), device, folder, dtype)
    return loaded.model.to(dtype), loaded.processor


def _loaded(row: Published, device: str | None, folder: str | Path | None, dtype: torch.dtype | None) -> Loaded:
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_device(device)
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise explain(error, row) from error
    if folder is None:
        _check_memory(row, device, dtype)
    return Loaded(row, fetch(row, folder, device=device), device, dtype)


def _check_memory(row: Published, device: str, dtype: torch.dtype | None) -> None:
    """Raise before a download that the GPU could not hold."""
    free_gb = free_gpu_gb(device)
    full = (dtype or half_for(device, KINDS[row.kind].halved)) == torch.float32
    needed_gb = row.full_gb if full else row.half_gb
    if free_gb is not None and free_gb < needed_gb:
        raise memory_too_small(row, needed_gb, free_gb)
