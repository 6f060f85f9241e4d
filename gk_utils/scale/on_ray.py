"""Shards over the workers of a Ray cluster, by Ray Data: a pool of actors, each with the models loaded once.

What travels to a worker is the task, once, and the description of a shard; what comes back is the shard's entry. The
rows go from the worker to the job's folder. The next shard waits at the worker, which would else idle until the driver
has sent one. A worker that dies is started again, and its shard with it: the file of a shard has one content whoever
writes it, and appears under its name by one rename, so a shard done twice is there once.
"""

import contextlib
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gk_utils.scale.cluster import Pool, require_ray
from gk_utils.scale.jobs import Spread
from gk_utils.scale.shard_work import Shard, ShardWorker, Task

_REASON = re.compile(r"[\w.]*(Error|Exception): ")
RESTARTS = 20  # of one worker: one that dies while it loads its models shall not be tried for ever


def on_ray(pool: Pool) -> Spread:
    """A way to spread shards: over the workers of `pool`, on the Ray that this process is connected to."""

    def spread(task: Task, shards: Sequence[Shard], out: Path) -> Iterator[dict[str, Any]]:
        ray = require_ray()
        rows = [{"shard": json.dumps(asdict(shard))} for shard in shards]
        workers = min(pool.workers, len(shards))
        described = {"task": task, "out": str(Path(out).resolve()), "device": pool.device}
        with _quiet():
            context = ray.data.DataContext.get_current()
            context.enable_progress_bars = False
            context.print_on_execution_start = False
            made = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                ShardWorker,
                fn_constructor_kwargs=described,
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
                num_cpus=1,
                num_gpus=pool.gpus_each or None,
                max_restarts=RESTARTS,
                max_task_retries=-1,
            )
            entries = iter(made.iter_rows())
        while True:
            with _quiet():
                row = next(entries, None)
            if row is None:
                return
            yield json.loads(row["entry"])

    return spread


def why_it_failed(error: BaseException) -> str:
    """The reason of a failed job in one line: what a worker raised, without Ray's own words around it.

    >>> why_it_failed(ValueError("no such file"))
    'ValueError: no such file'
    """
    chain = [error]
    while (under := getattr(chain[-1], "cause", None) or chain[-1].__cause__) is not None and under not in chain:
        chain.append(under)
    for each in reversed(chain):
        if not type(each).__module__.startswith("ray"):
            return f"{type(each).__name__}: {' '.join(str(each).split()) or 'no reason given'}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reasons = [line for line in lines if _REASON.match(line)]
    return (reasons or lines or [type(error).__name__])[-1]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that Ray gives of its own settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
