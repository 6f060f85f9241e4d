"""What a training run asks of the machine: a device and its precision, and processes that draw samples ahead."""

import importlib
import os
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset


def accelerator_for(device: str | None) -> Any:
    """Accelerate on a device: bf16 on CUDA from compute capability 8.0 on, fp16 below, float32 elsewhere.

    Args:
        device: "cpu", "cuda", "cuda:1"; None for the fastest there is, or for what `accelerate launch` says.

    Raises:
        ValueError: a device that is not there.

    >>> accelerator_for("cpu").mixed_precision
    'no'
    """
    from accelerate import Accelerator
    from accelerate.utils import parse_flag_from_env

    cpu = device == "cpu" or parse_flag_from_env("ACCELERATE_USE_CPU")
    precision = "no"
    if torch.cuda.is_available() and not cpu:
        if device is not None and torch.device(device).index is not None:
            torch.cuda.set_device(device)
        precision = "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    accelerator = Accelerator(cpu=cpu, mixed_precision=precision)
    if device is not None and torch.device(device).type != accelerator.device.type:
        raise ValueError(
            f"device: expected one that is here, got {device!r} where there is {accelerator.device.type!r}. "
            "Leave it out for the fastest one."
        )
    return accelerator


def hardware(device: torch.device, processes: int) -> str:
    """The machine in words, for a card.

    >>> hardware(torch.device("mps"), 1)
    'one mps'
    """
    if device.type == "cpu":
        return f"{os.cpu_count()} CPU cores, {processes} x {torch.get_num_threads()} threads"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{'one' if processes == 1 else processes} {name}"


def draw_ahead(task: str, settings: dict[str, Any], seed: int, steps: range, workers: int | None) -> DataLoader:
    """Iterate over `task.draw(settings, seed, step)` for the steps, in order, as it returns them.

    Args:
        task: import path of the module with `draw`; each process imports it.
        settings: handed on.
        seed: handed on.
        steps: which to draw.
        workers: how many processes draw; cores - 1 if None, shared by the processes that train, but at least 1; 0 draws
            in this one.

    >>> for second in draw_ahead("operator", {}, 0, range(0), workers=0):
    ...     print("there is nothing to draw")
    """
    if workers is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = max(1, (cores - 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    draws = _Draws(task, settings, seed)
    return DataLoader(draws, batch_size=None, sampler=steps, num_workers=workers, collate_fn=_as_it_is)


class _Draws(Dataset):
    def __init__(self, task: str, settings: dict[str, Any], seed: int):
        self.task, self.settings, self.seed = task, settings, seed

    def __getitem__(self, step: int) -> Any:
        return importlib.import_module(self.task).draw(self.settings, self.seed, step)


def _as_it_is(sample: Any) -> Any:
    return sample
