"""What each stage of the GrIT pipeline lets through, held against scenes whose truth is known.

Yield is the share of what was there to find that is still there after a stage, precision the share of what is there
that is right. In the wild nobody knows either; on the countertop both are counted. Notebook: 12.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.kosmos2.alt_texts import AltText, TruePhrase, draw_alt_text
from gk_utils.kosmos2.grit_stages import Stages, make_sample
from gk_utils.protocols import Detector, Grounder

STAGES = ("chunks", "boxes", "score", "nms", "expressions")
HIT = 0.5  # IoU


@dataclass(frozen=True, eq=False)
class Captioned:
    """A picture with its caption, as found on the web, and the truth: the scene and the boxes of its n things."""

    image: Float[Tensor, "3 h w"]
    said: AltText
    scene: Scene
    boxes: Float[Tensor, "n 4"]


@dataclass(frozen=True)
class StageCount:
    """How many items a stage let through, how many of them are right, and how many right ones there are to find."""

    items: int
    right: int
    findable: int

    @property
    def precision(self) -> float:
        """Share of the items that are right; 0 without any."""
        return self.right / self.items if self.items else 0.0

    @property
    def recall(self) -> float:
        """The yield: share of what there is to find that was let through; 0 where there is nothing."""
        return self.right / self.findable if self.findable else 0.0


def draw_captioned(count: int, seed: int = 0, side: int = 128) -> list[Captioned]:
    """So many pictures of fresh scenes with a caption each."""
    pairs, number = [], 0
    while len(pairs) < count:
        scene = draw_scene_for(2**39 + seed * 2**20 + number)
        said = draw_alt_text(scene, np.random.default_rng([seed, number]))
        pairs += [(scene, said)] if said else []
        number += 1
    made = []
    for start in range(0, count, 64):
        some = pairs[start : start + 64]
        rendered = render([scene for scene, _ in some], (side, side))
        made += [
            Captioned(rendered.images[row], said, scene, rendered.boxes[row, : len(scene)])
            for row, (scene, said) in enumerate(some)
        ]
    return made


def run_pipeline(pictures: Sequence[Captioned], finder: Detector | Grounder, **options: float | str) -> list[Stages]:
    """The stages for each picture; the options are those of `make_sample`."""
    return [
        make_sample(picture.image, picture.said.text, finder, id=number, **options)
        for number, picture in enumerate(pictures)
    ]


def audit(pictures: Sequence[Captioned], made: Sequence[Stages]) -> dict[str, StageCount]:
    """Each of STAGES counted over all pictures.

    "chunks": a chunk is right if it is one of the caption's phrases that name things. "boxes", "score", "nms": a box is
    right if it reaches IoU 0.5 with a thing that its phrase refers to in this caption; there to find is one box a
    referent. "expressions": the same for the boxes in `ref_exps`, where the words must also be all of the
    phrase: "the mug on the plate", not "the mug".
    """
    total = {name: [0, 0, 0] for name in STAGES}
    for picture, stages in zip(pictures, made, strict=True):
        chunks = {(one.start, one.chunk_end): one for one in picture.said.phrases}
        referents = sum(len(one.referents) for one in picture.said.phrases)
        _count(total["chunks"], [span in chunks for span in stages.chunks], len(chunks))
        meant = [chunks.get(stages.chunks[number]) for number in stages.of_chunk]
        good = hits(stages.found.boxes, meant, picture.boxes)
        for name, rows in (("boxes", range(len(good))), ("score", stages.kept), ("nms", stages.distinct)):
            _count(total[name], [good[row] for row in rows], referents)
        whole = {(one.start, one.end): one for one in picture.said.phrases}
        spans, boxes = (), picture.boxes[:0]
        if stages.sample:
            spans = stages.sample.ref_exps.spans
            boxes = stages.sample.ref_exps.boxes(stages.sample.image_hw).float()
        _count(total["expressions"], hits(boxes, [whole.get(span) for span in spans], picture.boxes), referents)
    return {name: StageCount(*numbers) for name, numbers in total.items()}


def hits(boxes: Float[Tensor, "n 4"], meant: Sequence[TruePhrase | None], things: Float[Tensor, "m 4"]) -> list[bool]:
    """Whether each box is of a thing that its phrase refers to; a thing counts once a phrase."""
    iou, taken, good = pairwise_iou(boxes.float(), things.float()), set(), []
    for row, phrase in enumerate(meant):
        found = [
            (float(iou[row, thing]), thing)
            for thing in (phrase.referents if phrase else ())
            if (phrase.start, thing) not in taken
        ]
        best, thing = max(found, default=(0.0, -1))
        good.append(best >= HIT)
        if good[-1]:
            taken.add((phrase.start, thing))
    return good


def _count(numbers: list[int], right: Sequence[bool], findable: int) -> None:
    numbers[0] += len(right)
    numbers[1] += sum(right)
    numbers[2] += findable


def as_lines(counts: dict[str, StageCount]) -> list[str]:
    """The table for people.

    >>> as_lines({"chunks": StageCount(4, 3, 3)})
    ['stage          items  precision  yield', 'chunks             4      0.750  1.000']
    """
    rows = [f"{name:12s} {one.items:7d} {one.precision:10.3f} {one.recall:6.3f}" for name, one in counts.items()]
    return [f"{'stage':12s} {'items':>7s} {'precision':>10s} {'yield':>6s}", *rows]
