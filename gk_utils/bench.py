"""What `python -m gk_utils bench NAME` does: run a file of benchmarks/ and say what it measured.

Each file has a function `rows(device, scale)`, which compares the course's code with what a user would take instead, in
interleaved runs of one process: `ratio` is ours / peer, below 1 where ours is faster, `low` and `high` its range.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gk_utils.errors import check_choice
from gk_utils.training.machine import hardware

FOLDER = Path(__file__).parents[1] / "benchmarks"


def bench(name: str, device: str = "cpu", scale: float = 1.0) -> dict[str, Any]:
    """Run a benchmark; the result is what `bench NAME --json` prints.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, tuple(sorted(path.stem for path in FOLDER.glob("*.py"))), "name")
    spec = importlib.util.spec_from_file_location(f"benchmarks.{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {"name": name, "machine": hardware(torch.device(device), 1), "rows": module.rows(device, scale)}


def as_text(result: Mapping[str, Any]) -> str:
    """The result for people, one line a row.

    >>> row = {"case": "2 scenes", "device": "cpu", "ours_ms": 1.0, "per_second": 1000.0}
    >>> print(as_text({"name": "render", "machine": "CPU", "rows": [{**row, "peer": None}]}))
    render on CPU
      2 scenes, cpu: 1.000 ms, 1,000 a second
    """
    lines = [f"{result['name']} on {result['machine']}"]
    for row in result["rows"]:
        line = f"  {row['case']}, {row['device']}: {row['ours_ms']:.3f} ms"
        if row.get("per_second"):
            line += f", {row['per_second']:,.0f} a second"
        if row["peer"]:
            line += f"; {row['peer']} {row['peer_ms']:.3f} ms"
            line += f"; ratio {row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        lines.append(line)
    return "\n".join(lines)
