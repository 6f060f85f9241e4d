"""Better detector, better data, better model: the same small pupil, taught by what two detectors found.

The pupil is as small as a grounder can be: a phrase is a bag of words, a picture the frozen features of a trunk's
patches, the answer the patch that fits best, with the box that the trunk says it belongs to. It learns from rows of
GrIT alone, so what it gets wrong that another pupil gets right, the detector taught it. Notebook: 12.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gk_utils.boxes import paired_iou, pairwise_iou
from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.countertop.wording import vocabulary, words
from gk_utils.kosmos2.grit_audit import Captioned, StageCount, audit, run_pipeline
from gk_utils.kosmos2.grit_stages import Stages
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.protocols import Detector, Grounder

EYES = "trunk_small"  # whose features the pupil sees
WORDS = {word: number for number, word in enumerate(vocabulary())}


@dataclass(frozen=True, eq=False)
class Seeing:
    """What the pupil sees of n pictures: features (n p d) of the patches and the boxes (n p 4) they belong to."""

    features: Float[Tensor, "n p d"]
    boxes_unit: Float[Tensor, "n p 4"]


@dataclass(frozen=True)
class Taught:
    """One thing to learn: in this picture, this phrase is at this box, in parts of the picture."""

    picture: int
    phrase: str
    box_unit: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Report:
    """One teacher: its data, held against the truth, and how well the pupil does.

    Attributes:
        data: the count of boxes after NMS.
        lessons: how many pairs of phrase and box the pupil had.
        right: for each question of the examination whether the pupil answered it.
    """

    data: StageCount
    lessons: int
    right: tuple[bool, ...]

    @property
    def accuracy(self) -> float:
        """Share of the examination."""
        return sum(self.right) / max(len(self.right), 1)


class Pupil(nn.Module):
    """A bag of words against patches.

    >>> pupil = Pupil(8)
    >>> pupil(torch.zeros(2, 5, 8), bag(["the red mug", "a cat"])).shape
    torch.Size([2, 5])
    """

    def __init__(self, features: int, width: int = 64) -> None:
        """Random weights, for features of this width."""
        super().__init__()
        self.word = nn.Linear(len(WORDS), width, bias=False)
        self.ask = nn.Sequential(nn.GELU(), nn.Linear(width, width))
        self.see = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, features: Float[Tensor, "b p d"], bags: Float[Tensor, "b w"]) -> Float[Tensor, "b p"]:
        """How well each patch fits each picture's phrase."""
        query = self.ask(self.word(bags))
        return (self.see(features) @ query[..., None])[..., 0] / query.shape[-1] ** 0.5


def bag(phrases: Sequence[str]) -> Float[Tensor, "b w"]:
    """Which words of the countertop's vocabulary each phrase has; order and other words are lost.

    >>> bag(["the mug"]).sum().item()
    2.0
    """
    table = torch.zeros(len(phrases), len(WORDS))
    for row, phrase in enumerate(phrases):
        for word in words(phrase):
            if word in WORDS:
                table[row, WORDS[word]] = 1
    return table


def look_at(images: Float[Tensor, "n 3 h w"]) -> Seeing:
    """What the pupil sees of pictures of the trunk's size."""
    trunk, parts = frozen_trunk(EYES), []
    with torch.no_grad():
        parts = [trunk.see(some) for some in images.split(64)]
    return Seeing(torch.cat([one.features for one in parts]), torch.cat([one.boxes_unit for one in parts]))


def lessons_of(rows: Sequence[Stages]) -> list[Taught]:
    """The phrases and boxes in rows of GrIT; the number of a row is that of its picture."""
    return [
        Taught(number, row.caption[slice(*span)], tuple(box))
        for number, row in enumerate(rows)
        if row.sample
        for span, box in zip(row.sample.noun_chunks.spans, row.sample.noun_chunks.boxes_unit.tolist(), strict=True)
    ]


def teach(seeing: Seeing, lessons: Sequence[Taught], steps: int = 300, seed: int = 0) -> Pupil:
    """A pupil that has learned from these pairs, 64 at a time.

    The patches whose box reaches IoU 0.5 with the box taught are right, or the best one where none does. A box
    that overlaps no patch's box teaches nothing.

    Raises:
        ValueError: nothing to learn from.
    """
    if not lessons:
        raise ValueError("lessons: expected at least one, got none. Lower the score that a box needs.")
    picture = torch.tensor([one.picture for one in lessons])
    iou = torch.stack(
        [pairwise_iou(torch.tensor([one.box_unit]).float(), seeing.boxes_unit[one.picture])[0] for one in lessons]
    )
    right = (iou >= 0.5) | (iou == iou.amax(1, keepdim=True))
    bags, generator = bag([one.phrase for one in lessons]), torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pupil = Pupil(seeing.features.shape[-1])
    optimizer = torch.optim.AdamW(pupil.parameters(), 3e-3, weight_decay=0.05)
    for _ in range(steps):
        some = torch.randint(len(lessons), (64,), generator=generator)
        shares = pupil(seeing.features[picture[some]], bags[some]).log_softmax(1)
        lost = -shares.masked_fill(~right[some], -torch.inf).logsumexp(1).mean()
        optimizer.zero_grad()
        lost.backward()
        optimizer.step()
    return pupil.eval()


@torch.no_grad()
def examine(pupil: Pupil, limit: int = 400) -> tuple[bool, ...]:
    """The first `limit` expressions of val that a bag of words can understand (attributes): IoU of 0.5 or more."""
    right: list[bool] = []
    for seeing, phrases, boxes in _examination(limit):
        best = pupil(seeing.features, phrases).argmax(1)
        found = seeing.boxes_unit[torch.arange(len(best)), best] * 128
        right += (paired_iou(found, boxes) >= 0.5).tolist()
    return tuple(right)


@functools.lru_cache(maxsize=1)
def _examination(limit: int) -> list[tuple[Seeing, Tensor, Tensor]]:
    """The questions, 64 at a time: what is seen, the phrases as bags, the true boxes in pixels."""
    samples = [one for one in read_split("val") if one.type == "attribute"][:limit]
    return [
        (look_at(batch.images), bag([sample.text for sample in batch.samples]), batch.boxes)
        for batch in rendered_batches(samples, 64, (128, 128))
    ]


def spoil(lessons: Sequence[Taught], share: float, seed: int = 0) -> list[Taught]:
    """The same phrases, a share of them with the box of another phrase's lesson: a teacher who often points wrong.

    >>> lessons = [Taught(0, "a mug", (0.0, 0.0, 0.5, 0.5)), Taught(1, "a cat", (0.5, 0.5, 1.0, 1.0))]
    >>> [one.box_unit[0] for one in spoil(lessons, 1.0)], [one.phrase for one in spoil(lessons, 1.0)]
    ([0.5, 0.0], ['a mug', 'a cat'])
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(lessons), generator=generator)[: round(share * len(lessons))].tolist()
    moved = dict(zip(chosen, chosen[1:] + chosen[:1], strict=True))
    return [replace(one, box_unit=lessons[moved.get(place, place)].box_unit) for place, one in enumerate(lessons)]


def compare_teachers(
    finders: Mapping[str, Detector | Grounder],
    pictures: Sequence[Captioned],
    *,
    steps: int = 300,
    limit: int = 400,
    **options: float | str,
) -> dict[str, Report]:
    """Let each finder make training data of the same pictures, teach a pupil with it, and examine the pupil.

    Args:
        finders: by name.
        pictures: with their captions; 128 x 128 pixels.
        steps: of each pupil.
        limit: questions of the examination.
        options: of the pipeline, see `make_sample`.
    """
    seeing, reports = look_at(torch.stack([picture.image for picture in pictures])), {}
    for name, finder in finders.items():
        rows = run_pipeline(pictures, finder, **options)
        lessons = lessons_of(rows)
        pupil = teach(seeing, lessons, steps)
        reports[name] = Report(audit(pictures, rows)["nms"], len(lessons), examine(pupil, limit))
    return reports
