"""Run a file of benchmarks/, which compares the course's code with what a user would take instead.

Each file has a function `rows(device, scale)` and, where its rows make a curve, `picture(result)`.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from gk_utils.errors import check_choice
from gk_utils.training.machine import hardware

FOLDER = Path(__file__).parents[2] / "benchmarks"


def names() -> tuple[str, ...]:
    """The benchmarks there are, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py")))


@cache
def load(name: str) -> ModuleType:
    """The module of a benchmark.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, names(), "name")
    spec = importlib.util.spec_from_file_location(f"benchmarks.{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bench(name: str, device: str = "cpu", scale: float = 1.0) -> dict[str, Any]:
    """Run a benchmark; the result is what `bench NAME --json` prints.

    Args:
        name: of a file in benchmarks/.
        device: "cpu" or "cuda".
        scale: makes its cases smaller for a quick look.

    Raises:
        ValueError: an unknown name.
    """
    return {"name": name, "machine": machine(device), "rows": load(name).rows(device, scale)}


def machine(device: str) -> str:
    """The machine in words: the processor and the threads in use, or the accelerator."""
    where = torch.device(device)
    if where.type != "cpu":
        return hardware(where, 1)
    threads = torch.get_num_threads()
    return f"{_processor()}, {os.cpu_count()} CPU cores, {threads} {'thread' if threads == 1 else 'threads'}"


def versions() -> str:
    """The installed versions of what is compared and of what it runs on."""
    found = []
    for name in ("torch", "torchvision", "triton", "transformers", "pycocotools", "numpy", "ray"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name).partition('+')[0]}")
    return ", ".join(found)


def devices_here() -> Sequence[str]:
    """The kinds of device that a benchmark knows and this machine has."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def _processor() -> str:
    """The processor's name; Linux says it in a file only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
