"""What `python -m gk_utils grit` does: rows of GrIT from captions and pictures, over workers, stopped and resumed."""

import contextlib
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gk_utils.scale.cluster import cluster, require_ray
from gk_utils.scale.grit_job import grit_task
from gk_utils.scale.jobs import Manifest, run_job
from gk_utils.scale.on_ray import on_ray, why_it_failed


class JobFailed(Exception):
    """A worker could not go on: its reason, in one line."""


def make_grit(
    captions: str, images: str, out: str, *, workers: int | None = None, address: str | None = None
) -> Manifest:
    """Run the job, or what is left of it, with a progress bar on stderr.

    Raises:
        ValueError, FileNotFoundError, ConnectionError, ModuleNotFoundError: bad arguments; no Ray.
        JobFailed: Ray did not start, or a worker failed. What was made stays.
    """
    task = grit_task(captions, images)
    if Path(out).exists() and not Path(out).is_dir():
        raise ValueError(f"--out: expected a folder, got the file {out!r}. Name another.")
    require_ray()
    from ray.exceptions import RayError

    try:
        # Ray tells of each dead worker on stdout, where the result belongs.
        with contextlib.redirect_stdout(io.StringIO()), cluster(workers, address) as pool:
            return run_job(task, out, on_ray(pool), show_progress)
    except (RayError, RuntimeError) as error:
        raise JobFailed(f"{why_it_failed(error)}; what was made stays, the same command goes on from here") from None


def show_progress(entries: Iterable[dict[str, Any]], items: int, done: int) -> Iterator[dict[str, Any]]:
    """The entries, while a bar on stderr counts their pairs."""
    from tqdm import tqdm

    with tqdm(total=items, initial=done, unit="pair", file=sys.stderr) as bar:
        for entry in entries:
            yield entry
            bar.update(entry["items"])


def as_text(manifest: Manifest) -> str:
    """For people: what was made, and the broken pictures with their reasons."""
    counts = {key: manifest.total(key) for key in ("items", "rows", "empty", "bytes")}
    lines = [
        f"{manifest.folder}: {counts['rows']} rows of {counts['items']} pairs in {len(manifest.entries)} shards, "
        f"{counts['bytes'] / 1e6:.1f} MB; {counts['empty']} pairs without a box"
    ]
    if manifest.broken:
        lines.append(f"{len(manifest.broken)} could not be done:")
        lines += [f"  {name}: {reason}" for name, reason in manifest.broken]
    return "\n".join(lines)


def as_json(manifest: Manifest) -> str:
    """The same as one JSON object."""
    counts = {"pairs": manifest.total("items"), **{key: manifest.total(key) for key in ("rows", "empty", "bytes")}}
    broken = [{"name": name, "reason": reason} for name, reason in manifest.broken]
    return json.dumps({"out": str(manifest.folder), **counts, "shards": len(manifest.entries), "broken": broken})
