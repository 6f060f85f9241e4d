"""What it takes to make rows of so many pairs: machines, days, storage and failures, from the cost of one pair.

    python -m gk_utils.scale.planning     # writes book/scale.md from the stored measurement

The cost is measured by `python -m gk_utils bench scale --out benchmarks/results`. The rest are assumptions that the
page names; put your own into `plan`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gk_utils.formats.files import write_whole
from gk_utils.scale.jobs import MOST

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "book" / "scale.md"
MEASURED = ROOT / "benchmarks" / "results" / "scale-cpu.json"
PAIRS = 91_000_000  # GrIT
DAY = 86_400.0  # seconds


@dataclass(frozen=True)
class Plan:
    """What a job takes.

    Attributes:
        machines, days: so many machines are busy for so many days.
        worker_hours: of all workers together, work that is lost included.
        lost_hours: of these, what was done and lost when machines failed, and starting again.
        failures: of machines, as many as are to be expected.
        undisturbed: the chance that none fails at all, from 0 to 1.
        shards: how many files, at most.
        shard_minutes: that one worker is at a shard.
        broken, rows: pairs that cannot be done; pairs that make a row.
        pictures_tb, rows_gb: storage, in 10^12 and 10^9 bytes.
    """

    machines: int
    days: float
    worker_hours: float
    lost_hours: float
    failures: float
    undisturbed: float
    shards: int
    shard_minutes: float
    broken: int
    rows: int
    pictures_tb: float
    rows_gb: float


def plan(
    pairs: int,
    seconds_per_pair: float,
    *,
    days: float = 7.0,
    workers_a_machine: int = 16,
    side_by_side: float = 1.0,
    days_between_failures: float = 30.0,
    start_seconds: float = 30.0,
    shard_items: int = MOST,
    broken: float = 0.05,
    kept: float = 1.0,
    picture_bytes: float = 100e3,
    row_bytes: float = 500.0,
) -> Plan:
    """How many machines finish a job within `days`, and what else it takes.

    A machine that fails loses on average half a shard of each of its workers, and the start of another in its place.

    Args:
        pairs: to do.
        seconds_per_pair: of one worker alone.
        days: within which it must be done.
        workers_a_machine: a CPU or a GPU each.
        side_by_side: speed of a worker beside others, as a share of its speed alone.
        days_between_failures: of one machine, on average.
        start_seconds: until a new machine's workers have their models.
        shard_items: pairs in a shard.
        broken: share of the pairs that cannot be done: pictures that are gone or damaged.
        kept: share of the others that makes a row.
        picture_bytes: of a picture's file.
        row_bytes: of a row in its compressed file.

    Raises:
        ValueError: a number that makes no sense, or shards so long that machines fail faster than they finish any.

    >>> made = plan(172_800, 1.0, days=1, workers_a_machine=1, days_between_failures=math.inf, broken=0, row_bytes=1000)
    >>> made.machines, made.days, made.worker_hours, made.rows_gb, made.undisturbed
    (2, 1.0, 48.0, 0.1728, 1.0)
    """
    positive = {"pairs": pairs, "seconds_per_pair": seconds_per_pair, "days": days, "shard_items": shard_items}
    positive |= {"workers_a_machine": workers_a_machine, "days_between_failures": days_between_failures}
    for name, value in positive.items():
        if not value > 0:
            raise ValueError(f"{name}: expected a number above 0, got {value:g}.")
    for name, value in {"side_by_side": side_by_side, "broken": broken, "kept": kept}.items():
        if not 0 <= value <= 1 or (name == "side_by_side" and value == 0):
            raise ValueError(f"{name}: expected a share from 0 to 1, got {value:g}.")
    shard_seconds = shard_items * seconds_per_pair / side_by_side
    lost = (shard_seconds / 2 + start_seconds) / (days_between_failures * DAY)  # share of all the work
    if lost >= 1:
        raise ValueError(
            f"shard_items: expected shards that end before a machine fails, got {shard_items}. Take fewer."
        )
    total = pairs * seconds_per_pair / side_by_side / (1 - lost)
    machines = max(1, math.ceil(total / (workers_a_machine * days * DAY) - 1e-9))
    taken = total / (machines * workers_a_machine * DAY)
    failures = machines * taken / days_between_failures
    gone = round(pairs * broken)
    rows = round((pairs - gone) * kept)
    return Plan(
        **{"machines": machines, "days": taken, "worker_hours": total / 3600, "lost_hours": total * lost / 3600},
        **{"failures": failures, "undisturbed": math.exp(-failures)},
        **{"shards": math.ceil(pairs / shard_items), "shard_minutes": shard_seconds / 60},
        **{
            "broken": gone,
            "rows": rows,
            "pictures_tb": pairs * picture_bytes / 1e12,
            "rows_gb": rows * row_bytes / 1e9,
        },
    )


def steady_rate(entries: Sequence[Mapping[str, Any]]) -> float:
    """Items a second while all workers of a job were busy: without their start and first shard, and without the end.

    Args:
        entries: of the job's manifest, with `worker`, `began`, `seconds` and `items`.

    Raises:
        ValueError: too few shards: there was no time in which all were busy.

    >>> entry = {"worker": "a:1", "seconds": 2.0, "items": 10}
    >>> steady_rate([{**entry, "began": began} for began in (0.0, 2.0, 4.0)])
    5.0
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    for entry in entries:
        spans.setdefault(entry["worker"], []).append((entry["began"], entry["began"] + entry["seconds"]))
    first = max(min(end for _, end in own) for own in spans.values())
    last = min(max(end for _, end in own) for own in spans.values())
    if last <= first:
        raise ValueError(f"entries: expected two shards or more of each worker, got {len(entries)}. Take more pairs.")
    done = 0.0
    for entry in entries:
        began, ended = entry["began"], entry["began"] + entry["seconds"]
        inside = max(0.0, min(ended, last) - max(began, first))
        done += entry["items"] * inside / max(entry["seconds"], 1e-9)
    return done / (last - first)


def read_measured(path: str | Path = MEASURED) -> dict[str, Any]:
    """What the benchmark measured: machine, date, seconds_per_pair, side_by_side, row_bytes, kept.

    Raises:
        FileNotFoundError, ValueError: no such file, or one without these numbers.
    """
    from gk_utils.bench.results import read

    result = read(Path(path))
    rows = [row for row in result["rows"] if row.get("seconds_per_pair")]
    if not rows:
        raise ValueError(f"{Path(path).name}: expected what `bench scale` wrote, got no cost of a pair. Measure again.")
    names = ("seconds_per_pair", "side_by_side", "row_bytes", "kept")
    return {"machine": result["machine"], "date": result["date"], **{name: rows[0][name] for name in names}}


def main() -> None:
    """Write the page anew.

    >>> main()  # doctest: +SKIP
    written: book/scale.md
    """
    from gk_utils.scale.planning_page import as_page

    write_whole(PAGE, as_page(read_measured()))
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
