"""`python -m gk_utils bench`: which benchmarks to run on which device, and what to do with the results."""

import json as json_format
import sys
import traceback
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from gk_utils.bench.results import STORED, as_text, keep, take, write_page
from gk_utils.bench.running import bench, devices_here, names
from gk_utils.errors import check_choice, check_device


def run(
    chosen: Sequence[str],
    *,
    device: str | None = None,
    scale: float = 1.0,
    out: str | None = None,
    report: str | None = None,
    json: bool = False,
) -> int:
    """Run the benchmarks, print each as it ends, and return the exit status: 1 if one of them failed, else 0.

    Args:
        chosen: names of benchmarks. None are all: their results are kept, and RESULTS.md is written.
        device: "cpu" or "cuda"; None is the CPU for what was chosen, and every device there is for all.
        scale: makes the cases smaller.
        out: a folder to keep results in; it leaves RESULTS.md alone.
        report: write RESULTS.md again from what is kept, and from the results in this folder unless it is "".
        json: print JSON, at the end.

    Raises:
        ValueError, OSError: an unknown name or device, a scale outside (0, 1], a folder that cannot be.
    """
    _check(chosen, device, scale, out, report)
    if report is not None:
        taken = take(Path(report)) if report else []
        _say(*[f"taken: {name}" for name in taken], f"written: {write_page()}")
        return 0
    folder = Path(out) if out else None if chosen else STORED
    if folder:
        folder.mkdir(parents=True, exist_ok=True)  # before anything is measured

    results, failed = [], []
    devices = [device] if device else ["cpu"] if chosen else devices_here()
    for name, each in product(chosen or names(), devices):
        result = _try(name, each, scale)
        if result is None:
            failed.append(f"failed: {name} on {each}")
            continue
        results.append(result)
        if folder:
            keep(result, each, folder)
        if not json:
            _say(as_text(result))
    if json and results:
        _say(json_format.dumps(results[0] if len(chosen) == 1 else results, indent=2))
    if not chosen and not out:
        print(f"written: {write_page()}", file=sys.stderr if json else sys.stdout)
    print(*failed, sep="\n", end="\n" * bool(failed), file=sys.stderr)
    return 1 if failed else 0


def _check(chosen: Sequence[str], device: str | None, scale: float, out: str | None, report: str | None) -> None:
    if report is not None and (chosen or out or device):
        raise ValueError("report: expected no other argument, since nothing is measured, got one. Leave it out.")
    for name in chosen:
        check_choice(name, names(), "name")
    if not 0 < scale <= 1:
        raise ValueError(f"scale: expected a number above 0, at most 1, got {scale:g}. 0.05 is a quick look.")
    if not chosen and scale < 1 and out is None:
        raise ValueError(f"scale: expected 1 for RESULTS.md, got {scale:g}. Keep a quick look elsewhere: --out FOLDER.")
    if device is not None:
        check_device(device)


def _try(name: str, device: str, scale: float) -> dict[str, Any] | None:
    """The result, or None where the benchmark failed: the others still run."""
    try:
        return bench(name, device, scale)
    except Exception:
        traceback.print_exc()
        return None


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)
