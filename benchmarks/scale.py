"""How fast the GrIT stages run over processes: two workers against one, and one against no Ray at all.

Times are of one pair. The start of Ray and of its workers (importing torch, loading the trunk) is not counted: the rate
is that of the time in which all workers were busy, their first shard left out; see `scale.planning.steady_rate`. Each
worker has one thread. The rounds go by turns: a job in this process, one with one worker, one with two, on one Ray.
`max_error` is 0 where the files of all are the same, byte for byte. A quick look (a scale below 0.1) starts no Ray.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gk_utils.kosmos2.grit_audit import draw_captioned
from gk_utils.scale.cluster import cluster, pool_of
from gk_utils.scale.grit_job import grit_task
from gk_utils.scale.jobs import Manifest, in_this_process, run_job
from gk_utils.scale.on_ray import on_ray
from gk_utils.scale.planning import steady_rate
from gk_utils.scale.shards import write_shard

PAIRS, ROUNDS = 640, 3
WHOLE = 0.1
WORKERS = 2


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """One process; one worker against it; two workers against one. On CUDA nothing: its workers want a GPU each."""
    if torch.device(device).type == "cuda":
        return []
    count = max(20, int(scale * PAIRS))
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        task = grit_task(*_write(Path(folder), count))
        if scale < WHOLE:
            return [_row(f"{count} pairs, one process", _ms(run_job(task, Path(folder) / "out", in_this_process)))]
        made: dict[int, list[Manifest]] = {workers: [] for workers in (0, 1, WORKERS)}  # 0: without Ray
        with cluster(WORKERS, device="cpu") as pool:
            for turn in range(ROUNDS):
                for workers in list(made)[:: 1 if turn % 2 == 0 else -1]:
                    spread = on_ray(pool_of({"CPU": pool.workers + 1}, workers)) if workers else in_this_process
                    made[workers].append(run_job(task, Path(folder) / f"{workers}-{turn}", spread))
        some = made[0][0]
        large, _ = write_shard(Path(folder) / "large.parquet", list(some.rows()), task.columns)
    times = {workers: [_ms(each) for each in jobs] for workers, jobs in made.items()}
    none, one, both = (float(np.median(each)) for each in times.values())
    error = 0.0 if len({_bytes(each) for jobs in made.values() for each in jobs}) == 1 else 1.0
    about = {
        **{"seconds_per_pair": one / 1e3, "side_by_side": min(1.0, one / both / WORKERS)},
        # Of all rows in one file: the job's own shards are small, and each has a foot.
        **{"row_bytes": large / some.total("rows"), "kept": some.total("rows") / some.total("items")},
    }
    against_none = {"peer": "one process", "peers": times[0], "ours": times[1], "error": error}
    against_one = {"peer": "one worker", "peers": times[1], "ours": times[WORKERS], "error": error}
    return [
        _row(f"{count} pairs, one process", none),
        _row(f"{count} pairs, one worker", one, **against_none),
        {**_row(f"{count} pairs, two workers", both, **against_one), **about},
    ]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for this process and for the workers that it starts; both as they were afterwards."""
    threads, before = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if before is None:
            os.environ.pop("OMP_NUM_THREADS")
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _write(folder: Path, count: int) -> tuple[Path, Path]:
    """Pictures and captions, all different."""
    (folder / "images").mkdir()
    lines = []
    for number, each in enumerate(draw_captioned(count, seed=1)):
        pixels = (each.image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        lines.append(json.dumps({"image": f"{number}.png", "caption": each.said.text}) + "\n")
    (folder / "captions.jsonl").write_text("".join(lines))
    return folder / "captions.jsonl", folder / "images"


def _ms(made: Manifest) -> float:
    return 1e3 / steady_rate(made.entries)


def _bytes(made: Manifest) -> tuple[str, ...]:
    return tuple(entry["sha256"] for entry in made.entries)


def _row(
    case: str,
    ms: float,
    *,
    peer: str | None = None,
    peers: list[float] | None = None,
    ours: list[float] | None = None,
    error: float | None = None,
) -> dict[str, Any]:
    """A row of milliseconds a pair; `peers` and `ours` are those of the rounds."""
    ratios = np.quantile(np.divide(ours, peers), [0.1, 0.5, 0.9]).tolist() if peers else [None] * 3
    return {
        **{"case": case, "device": "cpu", "dtype": "float32", "pass": "end-to-end", "ours_ms": ms, "peer": peer},
        **{"peer_ms": float(np.median(peers)) if peers else None, "low": ratios[0], "ratio": ratios[1]},
        **{"high": ratios[2], "max_error": error, "floor_ms": None, "per_second": 1e3 / ms},
    }
