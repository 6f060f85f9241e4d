"""A folder of photographs through the pipeline: resumed where it stopped, broken pictures listed, the rest right."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from gk_utils.formats.coco import write_coco
from gk_utils.grounded_sam.grounded import Grounded, to_coco
from gk_utils.grounded_sam.journal import Journal, read_finished
from gk_utils.grounded_sam.pipeline import GroundedSam

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
Read = Callable[[Path], UInt8[np.ndarray, "h w 3"]]


@dataclass(frozen=True)
class FolderResult:
    """What came of a folder: a result for each picture that could be read, and why each of the others could not.

    `broken` are pairs (name, reason); names are paths inside the folder, with slashes.
    """

    results: tuple[Grounded, ...]
    broken: tuple[tuple[str, str], ...]


def find_pictures(folder: str | Path) -> list[str]:
    """The picture files of a folder and its subfolders, by their endings, sorted; hidden ones are left out.

    Raises:
        ValueError: no folder, or no picture in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f"FOLDER: expected a folder, got {str(folder)!r}. Check the path.")
    paths = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    if not names:
        raise ValueError(f"FOLDER: expected pictures, got none in {str(folder)!r}. They end in {', '.join(PICTURES)}.")
    return names


def ground_folder(
    folder: str | Path,
    phrases: Sequence[str],
    out: str | Path,
    pipeline: GroundedSam,
    read: Read,
    *,
    model: str = "",
    progress: Callable[[Iterable[Any], int], Iterable[Any]] | None = None,
) -> FolderResult:
    """Ground phrases in every picture of a folder, and write the result to `out` (JSON; see `read_result`).

    Interrupted or killed at any moment, the same call goes on where it stopped, and asks nothing twice but the batch
    it was at. A picture that has changed since (its length or its time) is done again; one that is gone is left out.

    Args:
        folder: of pictures.
        phrases: to look for in each.
        out: the file to write; `journal` says what lies beside it meanwhile.
        pipeline: the loaded models; its `batch` pictures are read at once.
        read: a file to RGB; whatever ValueError it raises is the reason why a picture is broken.
        model: the models in words, kept in the result. Other models are another job.
        progress: wraps the batches that are left, told how many pictures were done before; tqdm, say.

    Raises:
        ValueError: no folder, no pictures, or an `out` that holds another job's results. OSError: it cannot be written.
    """
    root, names = Path(folder), find_pictures(folder)
    journal = Journal(out, {"phrases": list(phrases), "model": model})
    stamps = {name: _stamp(root / name) for name in names}
    left = [name for name in names if journal.entries.get(name, {}).get("stamp") != stamps[name]]
    batches = [left[start : start + pipeline.batch] for start in range(0, len(left), pipeline.batch)]
    for batch in progress(batches, len(names) - len(left)) if progress else batches:
        entries = _ground([root / name for name in batch], batch, phrases, pipeline, read)
        journal.add({**entry, "stamp": stamps[entry["name"]]} for entry in entries)
    journal.finish(names)
    return read_result(out)


def read_result(path: str | Path) -> FolderResult:
    """What `ground_folder` wrote, checked.

    Raises:
        ValueError: another file, or a damaged one; names the file and the entry.
    """
    results, broken = [], []
    for entry in read_finished(path)[1]:
        if "broken" in entry:
            broken.append((entry["name"], str(entry["broken"])))
        else:
            results.append(Grounded.from_dict(entry, f"{Path(path).name}: {entry['name']}"))
    return FolderResult(tuple(results), tuple(broken))


def write_folder_coco(result: FolderResult, path: str | Path) -> None:
    """Write the results as a COCO file; broken pictures are not in it."""
    write_coco(to_coco(result.results), path)


def _ground(
    paths: list[Path], names: list[str], phrases: Sequence[str], pipeline: GroundedSam, read: Read
) -> list[dict[str, Any]]:
    """The entries of one batch, in the order of the names."""
    images, entries = {}, {}
    for path, name in zip(paths, names, strict=True):
        try:
            images[name] = torch.from_numpy(read(path)).permute(2, 0, 1)
        except (ValueError, OSError) as error:
            entries[name] = {"name": name, "broken": " ".join(str(error).split())}
    results = pipeline(list(images.values()), phrases, list(images)) if images else []
    entries |= {result.name: result.as_dict() for result in results}
    return [entries[name] for name in names]


def _stamp(path: Path) -> list[int]:
    """Length and time of change of a file: what tells that it is another one now."""
    try:
        about = os.stat(path)
    except OSError:
        return [0, 0]
    return [about.st_size, about.st_mtime_ns]
