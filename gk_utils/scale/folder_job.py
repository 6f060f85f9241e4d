"""Phrases in a folder of pictures over many workers: what `grounded_sam.folder` does in one process.

A row holds what was found in one picture, masks as COCO's run lengths. The list of pictures is part of the job: a
folder that has gained or lost some since is another job. A picture whose shard is done is not looked at again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from gk_utils.grounded_sam.folder import FolderResult, find_pictures
from gk_utils.grounded_sam.grounded import Grounded
from gk_utils.scale.jobs import Manifest, items_in_a_shard
from gk_utils.scale.shard_work import Broken, Outcome, Shard, Work, reason_of

AT_ONCE = 8  # pictures, as in the pipeline


@dataclass(frozen=True)
class FolderTask:
    """Phrases to look for in the pictures of a folder; see `folder_task`, which makes it.

    Attributes:
        folder: on a cluster every machine has it under this path.
        names: of the pictures, inside the folder.
        phrases: to look for in each.
        model, weights: the two models in words, and the beginning of the checksum of each one's weights.
        checkpoint: folder of another detector.
    """

    folder: str
    names: tuple[str, ...] = field(repr=False)
    phrases: tuple[str, ...]
    model: str
    weights: tuple[str, ...]
    checkpoint: str | None = None
    at_once: ClassVar[int] = AT_ONCE
    columns: ClassVar[dict[str, str]] = {
        **{"name": "text", "image_hw": "[int]", "asked": "[text]", "boxes": "[[float]]", "phrases": "[text]"},
        **{"scores": "[float]", "masks": "[text]"},
    }

    def settings(self) -> dict[str, Any]:
        """What the rows depend on, beside the pictures themselves."""
        digest = hashlib.sha256("\n".join(self.names).encode("utf-8", errors="surrogateescape")).hexdigest()
        return {
            **{"job": "folder", "folder": self.folder, "names_sha256": digest, "pictures": len(self.names)},
            **{"phrases": list(self.phrases), "model": self.model, "weights": list(self.weights)},
        }

    def shards(self) -> list[Shard]:
        """Slices of the names, a whole number of batches each."""
        most = -(-items_in_a_shard(len(self.names)) // AT_ONCE) * AT_ONCE
        starts = range(0, len(self.names), most)
        parts = [list(self.names[start : start + most]) for start in starts]
        return [Shard(number, starts[number], len(part), part) for number, part in enumerate(parts)]

    def items(self, shard: Shard) -> list[str]:
        """The names of a slice."""
        return list(shard.where)

    def name_of(self, item: str) -> str:
        """The name itself."""
        return item

    def load(self, device: str) -> Work:
        """Load detector and segmenter.

        Raises:
            ValueError: other weights than the driver has.
        """
        from gk_utils.grounded_sam.mini import load_pipeline

        if (found := weights_here(self.checkpoint)) != self.weights:
            raise ValueError(f"weights: expected {self.weights}, got {found}. Copy the checkpoints here.")
        pipeline = load_pipeline(self.checkpoint, device)[0]

        def work(names: Sequence[str]) -> list[Outcome]:
            return self._rows(names, pipeline)

        return work

    def _rows(self, names: Sequence[str], pipeline: Any) -> list[Outcome]:
        import torch

        from gk_utils.ground import read_picture

        images, outcomes = {}, {}
        for name in names:
            try:
                name.encode()  # a name that is no UTF-8 fits in no table
                images[name] = torch.from_numpy(read_picture(Path(self.folder) / name)).permute(2, 0, 1)
            except UnicodeEncodeError:
                outcomes[name] = Broken("name: expected UTF-8, got other bytes. Rename the file.")
            except Exception as error:
                outcomes[name] = Broken(reason_of(error))
        results = pipeline(list(images.values()), self.phrases, list(images)) if images else []
        outcomes |= {result.name: row_of(result) for result in results}
        return [outcomes[name] for name in names]


def folder_task(folder: str | Path, phrases: Sequence[str], checkpoint: str | None = None) -> FolderTask:
    """The task of a folder, with the course's models, or the detector in the folder `checkpoint`.

    Raises:
        ValueError: no folder, no pictures, no phrases; ValueError, FileNotFoundError: no checkpoint, a damaged one.
    """
    from gk_utils.grounded_sam.mini import load_pipeline

    if not phrases or isinstance(phrases, str):
        raise ValueError(f"phrases: expected a list of them, got {phrases!r}. Say what to look for.")
    names = tuple(find_pictures(folder))
    model = load_pipeline(checkpoint)[1]
    return FolderTask(str(Path(folder).resolve()), names, tuple(phrases), model, weights_here(checkpoint), checkpoint)


def weights_here(checkpoint: str | None = None) -> tuple[str, ...]:
    """The beginning of the checksum of the detector's and of the segmenter's weights on this machine."""
    from gk_utils import checkpoints
    from gk_utils.grounded_sam.mini import load_detector, load_segmenter

    folders = [checkpoint or checkpoints.SHIPPED / load_detector()[1], checkpoints.SHIPPED / load_segmenter()[1]]
    return tuple(checkpoints.verify(folder).sha256[:12] for folder in folders)


def row_of(result: Grounded) -> dict[str, Any]:
    """What was found in a picture as a row; `result_of` reads it back."""
    return {**result.as_dict(), "masks": [json.dumps(one["counts"]) for one in result.masks]}


def result_of(row: dict[str, Any]) -> Grounded:
    """The result that `row_of` wrote, checked.

    Raises:
        ValueError: anything malformed.
    """
    masks = [{"size": list(row["image_hw"]), "counts": json.loads(text)} for text in row["masks"]]
    return Grounded.from_dict({**row, "masks": masks}, str(row["name"]))


def read_folder(manifest: Manifest) -> FolderResult:
    """The results of a finished job as `grounded_sam.folder` gives them, in the order of the names.

    Raises:
        ValueError: a damaged shard, or one that holds other rows.
    """
    return FolderResult(tuple(result_of(row) for row in manifest.rows()), manifest.broken)
