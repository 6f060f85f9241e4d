"""Hard expressions with their pictures seen once, to ask several models or several prompts about the same things.

Hard: the noun fits two things of the scene or more, so that to find what the noun names is not enough.

Notebook: 07.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import cxcywh_to_xyxy, paired_iou, pairwise_iou
from gk_utils.countertop.dataset import Sample, read_split, rendered_batches
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.grounding_dino import GroundingDino, MiniGroundingDino, phrase_tokens, write_prompt
from gk_utils.grounding_dino.mini_dino import SEPARATORS, Vocabulary
from gk_utils.grounding_dino.phrases import phrase_scores
from gk_utils.grounding_dino.pyramid import Cells
from gk_utils.models.trunk import Trunk

BATCH = 30
IOU = 0.5  # from which on a box is right


@dataclass(frozen=True, eq=False)
class Trials:
    """n expressions, each with its picture and the thing it means.

    Attributes:
        samples: the expressions; nouns: the category of what each means.
        rivals: how many things of the scene have that category, 2 or more.
        images: pictures of the model's own size; cells: what the model sees in them, BATCH pictures in a row.
        truth: box of what is meant, in pixels of these pictures.
        picture: which scene each is about, for intervals.
    """

    samples: tuple[Sample, ...]
    nouns: tuple[str, ...]
    rivals: Int[Tensor, " n"]
    images: Float[Tensor, "n 3 side side"]
    cells: tuple[Cells, ...]
    truth: Float[Tensor, "n 4"]
    picture: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def texts(self) -> list[str]:
        """The expressions."""
        return [sample.text for sample in self.samples]

    def right(
        self, model: GroundingDino, words: Vocabulary, prompts: Sequence[str], most: int = 1
    ) -> Bool[Tensor, " n"]:
        """Whether one of the `most` best boxes is right, for one phrase a picture.

        A box scores the mean of the phrase's words.
        """
        boxes = []
        for number, cells in enumerate(self.cells):
            some = prompts[BATCH * number : BATCH * (number + 1)]
            ids, seen = words.encode([f"{prompt}." for prompt in some])
            with torch.no_grad():
                found = model.find(cells, ids, seen)
            spoken = seen & ~torch.isin(ids, torch.tensor(SEPARATORS))
            best = phrase_scores(found.logits, spoken[:, None])[..., 0].topk(most).indices  # b most
            boxes.append(found.boxes_cxcywh.gather(1, best[..., None].expand(-1, -1, 4)))
        return self._hit(self.images.shape[-1] * cxcywh_to_xyxy(torch.cat(boxes))).any(1)

    @torch.no_grad()
    def right_by_trunk(self, trunk: Trunk) -> Bool[Tensor, " n"]:
        """Whether the box of a trunk's surest patch is right, asked for the whole expression."""
        boxes = []
        for start in range(0, len(self), BATCH):
            rows = torch.arange(len(self.samples[start : start + BATCH]))
            boxes.append(trunk.answers(self.images[start : start + BATCH], self.texts[start : start + BATCH], rows)[0])
        return self._hit(torch.cat(boxes)[:, None])[:, 0]

    def other_pictures(self) -> "Trials":
        """The same expressions about each other's pictures: nothing should be right but by chance."""
        rows = [torch.arange(len(some.features)).roll(len(some.features) // 2) for some in self.cells]
        cells = tuple(some.of(row) for some, row in zip(self.cells, rows, strict=True))
        images = [part[row] for part, row in zip(self.images.split(BATCH), rows, strict=True)]
        return replace(self, images=torch.cat(images), cells=cells)

    def _hit(self, boxes: Float[Tensor, "n m 4"]) -> Bool[Tensor, "n m"]:
        truth = self.truth[:, None].expand(boxes.shape)
        return (paired_iou(boxes.flatten(0, 1), truth.flatten(0, 1)) >= IOU).view(boxes.shape[:2])


def hard_trials(mini: MiniGroundingDino, n: int = 250, split: str = "val") -> Trials:
    """The first n hard expressions of a frozen split, seen by a mini model.

    >>> from gk_utils.grounding_dino import build_mini
    >>> sizes = {"words": ["mug"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    >>> mini = build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 1})
    >>> trials = hard_trials(mini, 3)
    >>> len(trials), trials.right(mini.model, mini.words, trials.nouns, 5).dtype, int(trials.rivals.min()) >= 2
    (3, torch.bool, True)
    """
    samples, nouns, rivals = [], [], []
    for sample in read_split(split):
        if sample.referent is None:
            continue
        noun = sample.scene.things[sample.referent].category
        if (alike := len(sample.scene.select(category=noun))) > 1:
            samples.append(sample)
            nouns.append(noun)
            rivals.append(alike)
        if len(samples) == n:
            break
    batches = list(rendered_batches(samples, BATCH, (mini.image_side, mini.image_side)))
    with torch.no_grad():
        cells = tuple(mini.model.see(batch.images) for batch in batches)
    return Trials(
        samples=tuple(samples),
        nouns=tuple(nouns),
        rivals=torch.tensor(rivals),
        images=torch.cat([batch.images for batch in batches]),
        cells=cells,
        truth=torch.cat([batch.boxes for batch in batches]),
        picture=torch.tensor([sample.seed for sample in samples]),
    )


@torch.no_grad()
def ious_by_layer(mini: MiniGroundingDino, scenes: Sequence[Scene]) -> Float[Tensor, "n stages"]:
    """How well the best query's box fits, after the query selection and after each decoder layer.

    For each thing whose category is there once, when all categories are asked for at once. The query is the one that
    fits the category best at the end, whatever its box.
    """
    side = mini.image_side
    rendered = render(scenes, (side, side))
    found, ids = mini(rendered.images, [write_prompt(CATEGORIES)] * len(scenes))
    scores = phrase_scores(found.logits, phrase_tokens(ids[0], SEPARATORS).expand(len(scenes), -1, -1))
    stages = torch.cat([found.selected.boxes_cxcywh[None], found.decoded.boxes_cxcywh])  # stages b q 4
    rows = []
    for row, scene in enumerate(scenes):
        for index, thing in enumerate(scene.things):
            if len(scene.select(category=thing.category)) == 1:
                best = scores[row, :, CATEGORIES.index(thing.category)].argmax()
                boxes = side * cxcywh_to_xyxy(stages[:, row, best])
                rows.append(pairwise_iou(boxes, rendered.boxes[row, index : index + 1])[:, 0])
    return torch.stack(rows) if rows else torch.zeros(0, len(stages))
