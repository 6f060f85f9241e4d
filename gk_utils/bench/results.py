"""What benchmarks measured: for people, kept in files, and as the page benchmarks/RESULTS.md.

A file holds one benchmark on one kind of device, so that a machine without a GPU keeps what was measured on one.
"""

import ast
import datetime
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gk_utils.bench.running import FOLDER, load, names, versions
from gk_utils.figure_image import to_image

STORED = FOLDER / "results"
DEVICES = {"cpu": "CPU", "cuda": "CUDA"}
LEAST_FLOOR = 0.001  # ms: below it a call takes longer than the work
MISSING = "not run: no CUDA device on this machine"
HEAD = """# How fast the code of the course is

Written by `make bench`, from the files in `results/`. Each row compares the course's code with what a user would take
instead: by turns, in one process, on the same data. Times are medians in ms. The ratio is ours / peer, the median over
the rounds, below 1 where ours is faster; in brackets the middle 80 % of the rounds. The difference is the largest
absolute one between the results (gradients too, where there are any). The floor is the time that no version can beat on
that machine: the bytes that must be moved, at the rate of a large copy, or the operations, at the rate of a float32
matrix product, whichever is longer; × floor is our time over it. What fits in a CPU's cache can come below the floor.

On CUDA times are the device's, with inputs that are not in its cache; "one call" is the time from a call on an idle
device until its result is there, ours and the peer's, in ms, which is what counts for a few small calls.
"""


def as_text(result: Mapping[str, Any]) -> str:
    """The result for people, one line a row.

    >>> row = {"case": "2 scenes", "device": "cpu", "pass": "forward", "ours_ms": 1.0, "per_second": 1000.0}
    >>> print(as_text({"name": "render", "machine": "CPU", "rows": [{**row, "peer": None}]}))
    render on CPU
      2 scenes, cpu, forward: 1.000 ms, 1,000 a second
    """
    lines = [f"{result['name']} on {result['machine']}"]
    for row in result["rows"]:
        line = "  " + ", ".join(row[key] for key in ("case", "device", "dtype", "pass") if row.get(key))
        if row.get("not_run"):
            lines.append(f"{line}: not run: {row['not_run']}")
            continue
        line += f": {row['ours_ms']:.3f} ms"
        if row.get("per_second"):
            line += f", {row['per_second']:,.0f} a second"
        if row["peer"]:
            line += f"; {row['peer']} {row['peer_ms']:.3f} ms"
            line += f"; ratio {row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        lines.append(line)
    return "\n".join(lines)


def keep(result: Mapping[str, Any], device: str, folder: Path = STORED) -> Path:
    """Write the result of one device, with the day and the versions, to NAME-DEVICE.json."""
    path = folder / f"{result['name']}-{torch.device(device).type}.json"
    dated = {"date": datetime.date.today().isoformat(), "versions": versions(), **result}
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dated, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def read(path: Path) -> dict[str, Any]:
    """A kept result.

    Raises:
        ValueError: not such a file; the message names it.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        kept = {key: result[key] for key in ("date", "versions", "name", "machine", "rows")}
        as_text(kept)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path.name}: expected a result that `bench --out` wrote, got a fault ({error!r}). Measure again."
        ) from error
    return kept


def take(folder: Path, stored: Path = STORED) -> list[str]:
    """Copy the results in a folder, measured elsewhere, to those stored here; the names of the files.

    Raises:
        ValueError: no result there, or a file that is none; then nothing is copied.
    """
    paths = sorted(folder.glob("*-*.json"))
    if not paths:
        raise ValueError(f"{folder}: expected a folder with results, NAME-DEVICE.json, got none. Is it the right one?")
    contents = {path.name: (read(path), path.read_text(encoding="utf-8"))[1] for path in paths}
    stored.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (stored / name).write_text(content, encoding="utf-8")
    return list(contents)


def write_page(folder: Path = FOLDER, stored: Path = STORED) -> Path:
    """Write RESULTS.md and the pictures it shows into `folder`, from what is stored."""
    for path, result, draw in _drawable(stored):
        (folder / f"{path.stem}.png").write_bytes(to_image(draw(result))[1])
    page = folder / "RESULTS.md"
    page.write_text(as_page(stored), encoding="utf-8")
    return page


def as_page(stored: Path = STORED) -> str:
    """The text of RESULTS.md: for each benchmark a table a device."""
    parts = [HEAD]
    for name in names():
        about = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))).split("\n\n")[0]
        parts.append(f"## {name}\n\n{about}\n")
        for device, words in DEVICES.items():
            path = stored / f"{name}-{device}.json"
            if not path.is_file():
                parts.append(f"{words}: {MISSING if device == 'cuda' else 'not run'}.\n")
                continue
            result = read(path)
            parts.append(f"{words}: {result['machine']}; {result['versions']}; {result['date']}.\n")
            parts.append(_table(result["rows"]) + "\n")
            if hasattr(load(name), "picture"):
                parts.append(f"![{name} on {result['machine']}; the numbers are in the table]({path.stem}.png)\n")
    return "\n".join(parts)


def _drawable(stored: Path) -> list[tuple[Path, dict[str, Any], Any]]:
    paths = [stored / f"{name}-{device}.json" for name in names() for device in DEVICES]
    loaded = [(path, load(path.stem.rpartition("-")[0])) for path in paths if path.is_file()]
    return [(path, read(path), module.picture) for path, module in loaded if hasattr(module, "picture")]


def _table(rows: list[Mapping[str, Any]]) -> str:
    """A Markdown table; a column that no row fills is left out."""
    columns = [*("case", "dtype", "pass", "ours (ms)", "peer", "peer (ms)", "ratio", "difference", "floor (ms)")]
    columns += ["× floor", "a second", "one call (ms)"]
    cells = [_cells(row) for row in rows]
    columns = [column for column in columns if any(line.get(column) for line in cells)]
    lines = [columns, ["---:" if column not in ("case", "dtype", "pass", "peer") else "---" for column in columns]]
    lines += [[line.get(column, "") for column in columns] for line in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    found = {key: row[key] for key in ("case", "dtype", "pass", "peer") if row.get(key)}
    if row.get("not_run"):
        return {**found, "case": f"{row['case']}: not run: {row['not_run']}"}
    found["ours (ms)"] = _short(row["ours_ms"])
    if row["peer"]:
        found["peer (ms)"] = _short(row["peer_ms"])
        found["ratio"] = f"{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
    if row.get("max_error") is not None:
        found["difference"] = _power(row["max_error"])
    if row.get("peer_error") is not None:
        found["difference"] += f" (the peer's {_power(row['peer_error'])})"
    if row.get("floor_ms"):
        tiny = row["floor_ms"] < LEAST_FLOOR
        found["floor (ms)"] = f"< {LEAST_FLOOR}" if tiny else _short(row["floor_ms"])
        found["× floor"] = "" if tiny else _short(row["ours_ms"] / row["floor_ms"])
    if row.get("per_second"):
        found["a second"] = f"{row['per_second']:,.0f}"
    if row.get("call_ms"):
        found["one call (ms)"] = f"{_short(row['call_ms'])}, {_short(row['peer_call_ms'])}"
    return found


def _short(number: float) -> str:
    """Three digits that count: 0.0123, 1.23, 12.3, 1,234."""
    return f"{number:,.{max(0, 2 - math.floor(math.log10(number)))}f}" if number > 0 else "0"


def _power(number: float) -> str:
    return f"{number:.1e}" if number else "0"
