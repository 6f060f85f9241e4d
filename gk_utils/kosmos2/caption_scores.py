"""How good grounded captions and answers are, against scenes in which the truth is known.

Every phrase of a caption is executed in the scene: it names things, and its boxes must be theirs. A phrase of which
fewer things are there than it names is hallucinated. Pairs of phrase and box are counted: right, wrong and missing,
which give precision, recall and F1. Notebook: 12.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.box_tokens.detector_recipe import scenes_of
from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.questions import QUESTIONS, Question, draw_question
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.kosmos2.kosmos_model import MiniKosmos, patch_features
from gk_utils.kosmos2.phrase_meaning import read_phrase
from gk_utils.models.trunk_grounder import frozen_trunk

BATCH = 64  # pictures at once
HW = (128, 128)


@dataclass(frozen=True, eq=False)
class CaptionScores:
    """Pairs of phrase and box of some captions, and their phrases.

    Attributes:
        said, true: (n) for each pair whether the caption has it and whether the scene does: both, right; said alone,
            wrong; true alone, missing.
        pair_picture: (n) which picture each pair is of.
        invented: (m) for each phrase whether it is hallucinated.
        phrase_picture: (m) which picture each phrase is of.
        named: (p) for each picture the share of its things that have a right box; a caption that says one safe thing
            again and again has an F1 of 1 and little here.
    """

    said: Bool[Tensor, " n"]
    true: Bool[Tensor, " n"]
    pair_picture: Int[Tensor, " n"]
    invented: Bool[Tensor, " m"]
    phrase_picture: Int[Tensor, " m"]
    named: Float[Tensor, " p"]

    @property
    def f1(self) -> float:
        """F1 of the pairs; 0 without any."""
        both, either = int((self.said & self.true).sum()), int(self.said.sum() + self.true.sum())
        return round(2 * both / max(either, 1), 4)

    @property
    def hallucinated(self) -> float:
        """Share of the phrases; 0 without any."""
        return round(float(self.invented.float().mean()), 4) if len(self.invented) else 0.0


@dataclass(frozen=True, eq=False)
class AnswerScores:
    """Answers to questions: (n) whether right, which picture, and the kinds of question."""

    right: Bool[Tensor, " n"]
    picture: Int[Tensor, " n"]
    kinds: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return round(float(self.right.float().mean()), 4)

    def by_kind(self) -> dict[str, float]:
        """The accuracy on each kind of question."""
        rows = {kind: torch.tensor([one == kind for one in self.kinds]) for kind in dict.fromkeys(self.kinds)}
        return {kind: round(float(self.right[mine].float().mean()), 4) for kind, mine in rows.items()}


@dataclass(frozen=True, eq=False)
class Asked:
    """A picture to measure on: its scene, the features a model sees, the boxes of its things as parts of it."""

    scene: Scene
    features: Float[Tensor, "p f"]
    boxes_unit: Float[Tensor, "n 4"]


def pictures_of(split: str, n: int | None, trunk_name: str, device: str | torch.device = "cpu") -> list[Asked]:
    """The first n pictures of a frozen split as a trunk sees them; all if None."""
    trunk, scenes, asked = frozen_trunk(trunk_name, device), scenes_of(split, n), []
    side = trunk.settings.image_side
    with torch.no_grad():
        for start in range(0, len(scenes), BATCH):
            some = scenes[start : start + BATCH]
            rendered = render(some, (side, side), device)
            features = patch_features(trunk, trunk.see(rendered.images)).half().cpu()
            boxes = rendered.boxes.cpu() / side
            asked += [Asked(scene, features[i], boxes[i, : len(scene)]) for i, scene in enumerate(some)]
    return asked


def score_caption(
    said: GroundedText, scene: Scene, boxes_unit: Float[Tensor, "n 4"], threshold: float = 0.5
) -> tuple[list[tuple[bool, bool]], list[bool]]:
    """One caption: its pairs as (said, true), and for each phrase whether it is hallucinated.

    A box is right if its IoU with a thing that the phrase fits reaches the threshold; a thing counts once a phrase. As
    many things are missing as the phrase names and no box hits.

    Args:
        said: the caption.
        scene: what is in the picture.
        boxes_unit: of the n things, as parts of the picture.
        threshold: of the IoU.
    """
    pairs: list[tuple[bool, bool]] = []
    invented: list[bool] = []
    for index, phrase in enumerate(said.phrases):
        meaning = read_phrase(phrase)
        fits = list(meaning.fits(scene)) if meaning else []
        count = meaning.count if meaning else 1
        boxes, hits = said.boxes(index, (1, 1)), 0
        iou = pairwise_iou(boxes, boxes_unit[fits].float())
        for row in range(len(boxes)):
            best = int(iou[row].argmax()) if fits else 0
            if fits and float(iou[row, best]) >= threshold:
                hits += 1
                iou[:, best] = -1  # taken
        pairs += [(True, True)] * hits + [(True, False)] * (len(boxes) - hits)
        pairs += [(False, True)] * max(min(count, len(fits)) - hits, 0)
        invented.append(len(fits) < count)
    return pairs, invented


def tally(captions: Sequence[GroundedText], pictures: Sequence[Asked]) -> CaptionScores:
    """The scores of one caption for each picture."""
    pairs, places, invented, owners, named = [], [], [], [], []
    for number, (said, picture) in enumerate(zip(captions, pictures, strict=True)):
        some, flags = score_caption(said, picture.scene, picture.boxes_unit)
        pairs += some
        places += [number] * len(some)
        invented += flags
        owners += [number] * len(flags)
        named.append(share_named(said, picture.scene, picture.boxes_unit))
    table = torch.tensor(pairs, dtype=torch.bool).reshape(-1, 2)
    return CaptionScores(
        table[:, 0],
        table[:, 1],
        torch.tensor(places, dtype=torch.long),
        torch.tensor(invented, dtype=torch.bool),
        torch.tensor(owners, dtype=torch.long),
        torch.tensor(named),
    )


def share_named(said: GroundedText, scene: Scene, boxes_unit: Float[Tensor, "n 4"], threshold: float = 0.5) -> float:
    """The share of the n things of a scene that a phrase fits and that one of its boxes hits; 0 without things."""
    named: set[int] = set()
    for index, phrase in enumerate(said.phrases):
        meaning = read_phrase(phrase)
        fits = list(meaning.fits(scene)) if meaning else []
        iou = pairwise_iou(boxes_unit[fits].float(), said.boxes(index, (1, 1)))
        named.update(thing for thing, row in zip(fits, iou, strict=True) if len(row) and float(row.max()) >= threshold)
    return len(named) / max(len(scene), 1)


def questions_for(pictures: Sequence[Asked]) -> list[tuple[int, Question]]:
    """One question of each kind about each picture, where it allows one; always the same."""
    drawn = []
    for number, picture in enumerate(pictures):
        for place, kind in enumerate(QUESTIONS):
            question = draw_question(picture.scene, kind, np.random.default_rng([number, place, 99]))
            drawn += [(number, question)] if question else []
    return drawn


def write_captions(kosmos: MiniKosmos, pictures: Sequence[Asked]) -> list[GroundedText]:
    """The model's caption of each picture."""
    device, said = next(kosmos.parameters()).device, []
    for start in range(0, len(pictures), BATCH):
        features = torch.stack([one.features for one in pictures[start : start + BATCH]]).float().to(device)
        said += [read.grounded for read in kosmos.captions(features)]
    return said


def answer_questions(
    kosmos: MiniKosmos, pictures: Sequence[Asked], asked: Sequence[tuple[int, Question]], *, grounded: bool = False
) -> list[GroundedText]:
    """The model's answer to each question about the picture of that number."""
    device, answers = next(kosmos.parameters()).device, []
    for start in range(0, len(asked), 2 * BATCH):
        some = asked[start : start + 2 * BATCH]
        features = torch.stack([pictures[number].features for number, _ in some]).float().to(device)
        answers += kosmos.answers(features, [question.text for _, question in some], grounded=grounded)
    return answers


def score_answers(answers: Sequence[GroundedText], asked: Sequence[tuple[int, Question]]) -> AnswerScores:
    """Whether each answer is the word that it should be."""
    right = [said.text == question.answer for said, (_, question) in zip(answers, asked, strict=True)]
    pictures = torch.tensor([number for number, _ in asked], dtype=torch.long)
    return AnswerScores(torch.tensor(right, dtype=torch.bool), pictures, tuple(one.kind for _, one in asked))


def points_right(
    answers: Sequence[GroundedText], asked: Sequence[tuple[int, Question]], pictures: Sequence[Asked]
) -> Bool[Tensor, " n"]:
    """Whether each grounded answer has a box that hits a thing the question is about: an IoU of 0.5 or more."""
    hits = []
    for said, (number, question) in zip(answers, asked, strict=True):
        things = pictures[number].boxes_unit[list(question.referents)].float()
        boxes = [said.boxes(index, (1, 1)) for index in range(len(said.spans))]
        hits.append(bool((pairwise_iou(torch.cat([torch.zeros(0, 4), *boxes]), things) >= 0.5).any()))
    return torch.tensor(hits, dtype=torch.bool)


def measure_captions(kosmos: MiniKosmos, pictures: Sequence[Asked]) -> CaptionScores:
    """The scores of the model's captions."""
    return tally(write_captions(kosmos, pictures), pictures)


def measure_questions(kosmos: MiniKosmos, pictures: Sequence[Asked]) -> AnswerScores:
    """The scores of the model's answers to `questions_for` the pictures."""
    asked = questions_for(pictures)
    return score_answers(answer_questions(kosmos, pictures, asked), asked)
