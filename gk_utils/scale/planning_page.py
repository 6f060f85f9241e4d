"""The page book/scale.md: 91 million pairs planned from the measured cost of one; every number in it is computed."""

import inspect
from collections.abc import Mapping
from typing import Any

from gk_utils.scale.planning import PAIRS, Plan, plan

DAYS = (1.0, 7.0, 30.0)
DEARER = (1, 10, 100)  # times the measured cost: a larger detector, larger pictures
SHARDS = (256, 4096, 65_536)
FAILING = (365.0, 30.0, 1.0)  # days between failures: owned machines, rented ones, such as may be taken away any hour

_TEXT = """# Scaling out: {pairs:,} pairs

Written by `python -m gk_utils.scale.planning` from a measurement; do not edit.

Kosmos-2 was trained on GrIT, 91 million pictures with captions whose phrases carry boxes. Lesson 12 makes such rows
stage by stage: noun chunks, a detector's boxes, a threshold, NMS, referring expressions. The same stages run over many
processes and machines:

    python -m gk_utils grit --captions captions.tsv --images pictures --out grit
    python -m gk_utils grit --captions captions.tsv --images pictures --out grit --address auto

The first line takes the CPUs or GPUs of this machine, the second those of the Ray cluster that this machine is part of
(`ray start --head` on one, `ray start --address=...` on the others). On a cluster every machine must see captions,
pictures and `--out` under the same paths, and have the course installed.

## What one pair costs

{machine}; {date}. One worker, one core: **{cost_ms:.1f} ms a pair** with the course's own trunk (128 x 128 pixels),
reading the picture included, loading the model not. With two workers on two cores each runs at {beside:.0%} of that
speed. {kept:.0%} of the pairs made a row, of {row_bytes:,.0f} bytes where all are in one file.

A detector of published size costs many times as much; see the second table. Measure yours: run the command on a
thousand pairs and divide. `manifest.json` has the seconds of every shard.

## What {pairs:,} pairs take

`gk_utils.scale.planning.plan` computes what follows. Assumed, beside the measurement: {workers} workers a machine, a
failure of each machine every {between:.0f} days, {start:.0f} s until a new machine's workers have their models,
{items:,} pairs a shard, {broken:.0%} of the pictures gone or damaged, {picture_kb:.0f} kB a picture; and that {workers}
workers slow each other as two do, by {slower:.0%}, which was not measured. Put in your own numbers.

{by_days}

{rows_m:.1f} million rows are {rows_gb:.0f} GB; the pictures are {pictures_tb:.1f} TB, and must be read once: at the
measured cost the workers of one machine read {mb_s:.0f} MB a second. Where a disk or a network gives less, they wait.

With a dearer detector, within {week:.0f} days:

{by_cost}

## What fails, and what it costs

Over {machine_days:.1f} machine-days {failures:.2g} failures are expected; the chance of none is {undisturbed:.2g}.
What a failure costs is set by the shard, because a shard is what is done again:

{by_failure}

- **A worker dies**: it is started again and does its shard anew. The file appears under its name by one rename, so no
  row is there twice.
- **The driver dies**: its journal, `manifest.json.journal`, has every shard that was finished, on disk before the next
  was counted. The same command goes on with the rest.
- **A picture is broken**: it is listed at the end with its reason; the other rows are what they would have been. The
  same command, run again, tries the shards of such pictures once more.
- **A picture kills its worker**, three times: it is listed too. Without that, one bad file would hold up everything.
- **A file is damaged later**: each shard has its sha256 in the manifest. The same command makes it again.

Small shards lose less and make more files: {items:,} pairs a shard are {shards:,} files of {shard_minutes:.0f} minutes
each.

## How it is known to be right

The tests kill workers and the driver with SIGKILL in the middle of a job and compare what is there at the end with what
one process writes on the same kind of device: the same rows, the same bytes. Settings, the pictures' folder and the
checksum of the weights are in the manifest; with others the command refuses to go on in the same `--out`.
"""


def as_page(measured: Mapping[str, Any]) -> str:
    """The page's text, from what `read_measured` returns."""
    seconds = measured["seconds_per_pair"]
    known = {name: measured[name] for name in ("side_by_side", "row_bytes", "kept")}

    def of(**change: Any) -> Plan:
        cost = change.pop("seconds_per_pair", seconds)
        return plan(PAIRS, cost, **{**known, **change})

    usual = of()
    defaults = {name: parameter.default for name, parameter in inspect.signature(plan).parameters.items()}
    by_failure = [
        [f"{between:.0f}", f"{items:,}", f"{made.shard_minutes:.1f}", f"{made.failures:.1f}", _share(made)]
        for between in FAILING
        for items in SHARDS
        for made in [of(days_between_failures=between, shard_items=items)]
    ]
    dearer = [
        [f"{times} x", f"{times * seconds * 1e3:,.0f}", *_cells(of(seconds_per_pair=times * seconds))]
        for times in DEARER
    ]
    workers = defaults["workers_a_machine"]
    return _TEXT.format(
        **{"pairs": PAIRS, "machine": measured["machine"], "date": measured["date"], "cost_ms": 1e3 * seconds},
        **{"beside": known["side_by_side"], "slower": 1 - known["side_by_side"]},
        **{"kept": known["kept"], "row_bytes": known["row_bytes"]},
        **{"workers": workers, "between": defaults["days_between_failures"], "start": defaults["start_seconds"]},
        **{
            "items": defaults["shard_items"],
            "broken": defaults["broken"],
            "picture_kb": defaults["picture_bytes"] / 1e3,
        },
        by_days=_table(["done within, days", *_HEADS], [[f"{days:.0f}", *_cells(of(days=days))] for days in DAYS]),
        by_cost=_table(["cost of a pair", "ms", *_HEADS], dearer),
        by_failure=_table(_FAILURE_HEADS, by_failure),
        **{"rows_m": usual.rows / 1e6, "rows_gb": usual.rows_gb, "pictures_tb": usual.pictures_tb},
        mb_s=workers * known["side_by_side"] / seconds * defaults["picture_bytes"] / 1e6,
        **{"week": defaults["days"], "machine_days": usual.machines * usual.days, "failures": usual.failures},
        **{"undisturbed": usual.undisturbed, "shards": usual.shards, "shard_minutes": usual.shard_minutes},
    )


_HEADS = ["machines", "days", "worker-hours", "failures", "work lost"]
_FAILURE_HEADS = ["days between failures", "pairs a shard", "minutes a shard", "failures", "work lost"]


def _cells(made: Plan) -> list[str]:
    return [f"{made.machines:,}", f"{made.days:.1f}", f"{made.worker_hours:,.0f}", f"{made.failures:.1f}", _share(made)]


def _share(made: Plan) -> str:
    return f"{made.lost_hours / made.worker_hours:.2%}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---:"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
