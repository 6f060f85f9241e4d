"""A trunk measured on a frozen split over many workers: the samples in slices, the measures from all their answers.

The batches are those of `evaluate rec`, so the answers are the same numbers, and so is what is measured of them. The
baselines are not asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gk_utils.scale.jobs import Manifest, items_in_a_shard
from gk_utils.scale.shard_work import Outcome, Shard, Work

AT_ONCE = 64  # samples, as in evaluate.rec


@dataclass(frozen=True)
class RecTask:
    """The first `count` samples of a split, asked of a trunk; see `rec_task`, which makes it."""

    split: str
    count: int
    model: str
    sha256: str
    checkpoint: str | None = None
    at_once: ClassVar[int] = AT_ONCE
    columns: ClassVar[dict[str, str]] = {"number": "int", "box": "[float]", "absent": "bool", "truth": "[float]"}

    def settings(self) -> dict[str, Any]:
        """What the rows depend on."""
        return {
            **{"job": "rec", "split": self.split, "samples": self.count},
            **{"model": self.model, "weights_sha256": self.sha256},
        }

    def shards(self) -> list[Shard]:
        """Slices of the samples, a whole number of batches each."""
        most = -(-items_in_a_shard(self.count) // AT_ONCE) * AT_ONCE
        starts = range(0, self.count, most)
        return [Shard(number, start, min(most, self.count - start), None) for number, start in enumerate(starts)]

    def items(self, shard: Shard) -> list[int]:
        """The numbers of the samples."""
        return list(range(shard.first, shard.first + shard.count))

    def name_of(self, item: int) -> str:
        """The split and the number."""
        return f"{self.split} {item}"

    def load(self, device: str) -> Work:
        """Load the trunk and the split.

        Raises:
            ValueError: other weights than the driver has.
        """
        import torch

        from gk_utils.countertop.dataset import read_split, rendered_batches
        from gk_utils.models.trunk_grounder import load_grounder

        samples = read_split(self.split)
        grounder, card = load_grounder(self.checkpoint, device)
        if card.sha256 != self.sha256:
            raise ValueError(f"weights: expected {self.sha256[:12]}, got {card.sha256[:12]}. Copy the checkpoint here.")
        trunk = grounder.trunk
        side = trunk.settings.image_side

        @torch.no_grad()
        def work(numbers: Sequence[int]) -> list[Outcome]:
            some = [samples[number] for number in numbers]
            (batch,) = rendered_batches(some, len(some), (side, side), device)
            picture = torch.arange(len(some), device=device)
            boxes, none = trunk.answers(batch.images, [sample.text for sample in some], picture)
            found = [value.cpu() * 128 / side for value in (boxes, batch.boxes)]
            rows = zip(numbers, found[0].tolist(), (none.cpu() > 0.5).tolist(), found[1].tolist(), strict=True)
            return [dict(zip(self.columns, row, strict=True)) for row in rows]

        return work


def rec_task(split: str = "val", limit: int | None = None, checkpoint: str | None = None) -> RecTask:
    """The task of a split, or its first `limit` samples, with the course's best trunk or another.

    Raises:
        ValueError: an unknown split, a limit below 1; ValueError, FileNotFoundError: no checkpoint, a damaged one.
    """
    from gk_utils import checkpoints
    from gk_utils.countertop.dataset import read_split
    from gk_utils.models.trunk_grounder import NAMES

    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for the whole split.")
    card = checkpoints.verify(checkpoints.first_shipped(*NAMES) if checkpoint is None else checkpoint)
    return RecTask(split, len(read_split(split)[:limit]), card.recipe, card.sha256, checkpoint)


def measure_rec(task: RecTask, manifest: Manifest) -> dict[str, Any]:
    """The metrics of a finished job: those that `evaluate rec` prints for the same trunk and samples.

    Raises:
        ValueError: a damaged shard, or rows of another job.
    """
    import torch

    from gk_utils.countertop.dataset import read_split
    from gk_utils.evaluate.rec import Answers, measure

    rows = list(manifest.rows())
    if [row["number"] for row in rows] != list(range(task.count)):
        raise ValueError(f"manifest: expected {task.count} answers, got {len(rows)}. Is it another job's?")
    boxes, truth = (torch.tensor([row[name] for row in rows], dtype=torch.float32) for name in ("box", "truth"))
    absent = torch.tensor([row["absent"] for row in rows])
    return measure(read_split(task.split)[: task.count], truth, Answers(boxes, absent))
