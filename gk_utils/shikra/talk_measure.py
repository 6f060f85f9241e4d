"""How well the dialogue model does each task, answer by answer, and what it is measured on.

A REC answer is right when its first box has an IoU of at least 0.5 with the true one, or when it says that there is
none and there is none. A REG answer is right when it singles out the region: it is executed in the scene. Region and
point answers are right when every word is, true or false statements when the answer is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import paired_iou
from gk_utils.countertop.dataset import rendered_batches
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.splits import Sample, read_split
from gk_utils.shikra.expression_reader import singles_out
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.surest_patches import Look, join_looks
from gk_utils.shikra.talk import Conversation, Utterance
from gk_utils.shikra.talk_tasks import NONE, Exchange, ask_for, draw_task
from gk_utils.shikra.talk_views import View, views_of

HELD_OUT = 2**41 + 2**40  # seeds of the scenes that are asked about: no split and no training has them
EACH = 4  # questions of a task about one picture
STEPS = {"reg": 20, "region": 8, "point": 8, "truth": 4, "talk": 50}  # tokens that the longest true answer needs
ASKED = tuple(STEPS)
WAYS = ("its picture", "another picture", "no picture")


@dataclass(frozen=True, eq=False)
class Asked:
    """Questions with their true answers.

    Attributes:
        views: the pictures; images: (s 3 h w) as the trunk wants them.
        exchanges: the questions; pictures: the row of the picture of each.
        before: what was said before each question.
    """

    views: tuple[View, ...]
    images: Float[Tensor, "s 3 h w"]
    exchanges: tuple[Exchange, ...]
    pictures: tuple[int, ...]
    before: tuple[tuple[Utterance, ...], ...]

    @property
    def conversations(self) -> list[Conversation]:
        """Each question behind what was said before it."""
        pairs = zip(self.before, self.exchanges, strict=True)
        return [Conversation((*before, exchange.question)) for before, exchange in pairs]


def draw_asked(task: str, n: int, side: int = 128, each: int = EACH) -> Asked:
    """At least n questions of a task (fewer than `each` more) about held-out scenes; the same ones on every call.

    >>> asked = draw_asked("region", 6)
    >>> len(asked.exchanges) >= 6, asked.exchanges[0].task
    (True, 'region')
    """
    scenes, exchanges, pictures, before, views, images = [], [], [], [], [], []
    at = HELD_OUT
    while len(exchanges) < n:
        scenes = [draw_scene_for(at + k) for k in range(16)]
        rendered = render(scenes, (side, side))
        for row, view in enumerate(views_of(scenes, rendered, np.random.default_rng([at, 3]))):
            if len(exchanges) >= n:
                break
            rng = np.random.default_rng([at + row, 4])
            asked: list[tuple[Exchange, tuple[Utterance, ...]]] = []
            for _ in range(each if task != "talk" else 1):
                said: tuple[Utterance, ...] = ()
                for exchange in draw_task(view, task, rng):
                    if all(exchange.question != other.question for other, _ in asked):
                        asked.append((exchange, said))
                    said = (*said, exchange.question, exchange.answer)
            exchanges += [exchange for exchange, _ in asked]
            before += [said for _, said in asked]
            pictures += [len(views)] * len(asked)
            views.append(view)
            images.append(rendered.images[row])
        at += 16
    return Asked(tuple(views), torch.stack(images), tuple(exchanges), tuple(pictures), tuple(before))


def answers_to(talker: Talker, asked: Asked, shift: int = 0, *, blind: bool = False) -> list[Utterance]:
    """The model's answers; with `shift`, each question is asked about the picture that many further on.

    Blind: the model sees no patch at all.
    """
    look = talker.look(asked.images)
    look = look.blind() if blind else look
    n = len(asked.views)
    rows = [(picture + shift) % n for picture in asked.pictures]
    return talker.answer(look, rows, asked.conversations, STEPS[asked.exchanges[0].task])


def answer_three_ways(
    talker: Talker, look: Look, pictures: Sequence[int], asked: Sequence[Conversation], *, steps: int, shift: int
) -> dict[str, list[Utterance]]:
    """Answers to the same questions about their picture, about the one `shift` further on, and about none.

    All at once: fewer and larger batches.
    """
    n, m = len(look), len(pictures)
    rows = [*pictures, *((picture + shift) % n for picture in pictures), *[n] * m]
    answers = talker.answer(join_looks([look, look[:1].blind()]), rows, [*asked] * len(WAYS), steps)
    return {way: answers[k * m : (k + 1) * m] for k, way in enumerate(WAYS)}


def is_right(exchange: Exchange, answer: Utterance, view: View) -> bool:
    """Whether an answer is right, by the rule of its task."""
    if exchange.task == "reg":
        return singles_out(answer.plain, exchange.things[0], view.scene)
    if exchange.task == "talk":
        return answer.plain == exchange.answer.plain
    return answer.text == exchange.answer.text


def right_of(asked: Asked, answers: Sequence[Utterance]) -> Bool[Tensor, " n"]:
    """Which answers are right."""
    rows = zip(asked.exchanges, answers, asked.pictures, strict=True)
    return torch.tensor([is_right(exchange, answer, asked.views[picture]) for exchange, answer, picture in rows])


def boxes_of(answers: Sequence[Utterance]) -> tuple[Float[Tensor, "n 4"], Bool[Tensor, " n"]]:
    """The first box of each answer as fractions, zeros where it has none; and which have one."""
    boxes, there = torch.zeros(len(answers), 4), torch.zeros(len(answers), dtype=torch.bool)
    for row, answer in enumerate(answers):
        place = next((mark.places[0] for mark in answer.marks if mark.kind == "boxes"), None)
        if place is not None:
            boxes[row], there[row] = torch.tensor(place), True
    return boxes, there


@dataclass(frozen=True, eq=False)
class Found:
    """What came of REC questions: (n) IoU with the true box, 0 without one; whether the answer is right."""

    iou: Float[Tensor, " n"]
    right: Bool[Tensor, " n"]
    answers: tuple[Utterance, ...]


def find_all(talker: Talker, samples: Sequence[Sample], *, shift: int = 0, blind: bool = False) -> Found:
    """Ask where each sample of a split is; with `shift`, in the picture of the sample that many further on."""
    side = talker.trunk.settings.image_side
    batches = list(rendered_batches(samples, 64, (side, side)))
    look = join_looks([talker.look(batch.images) for batch in batches])
    look = look.blind() if blind else look
    conversations = [Conversation((ask_for("rec", sample.text),)) for sample in samples]
    rows = [(row + shift) % len(samples) for row in range(len(samples))]
    answers = talker.answer(look, rows, conversations, steps=32)
    truths, present = torch.cat([b.boxes for b in batches]) / side, torch.cat([b.present for b in batches])
    boxes, there = boxes_of(answers)
    iou = paired_iou(boxes, truths) * there * present
    none = torch.tensor([answer.text == NONE for answer in answers])
    return Found(iou, torch.where(present, iou >= 0.5, none), tuple(answers))


def measure_rec(talker: Talker, n: int) -> dict[str, Any]:
    """acc@0.5 on the first n expressions of val, and by type: for a card."""
    samples = read_split("val")[:n]
    right = find_all(talker, samples).right
    by_type = {
        type: _mean(right[torch.tensor([sample.type == type for sample in samples])])
        for type in sorted({sample.type for sample in samples})
    }
    return {"acc@0.5": _mean(right), "by_type": by_type}


def measure_tasks(talker: Talker, n: int) -> dict[str, float]:
    """The share of right answers to about n fresh questions of each other task: for a card."""
    found = {}
    for task in ASKED:
        asked = draw_asked(task, n, talker.trunk.settings.image_side)
        found[task] = _mean(right_of(asked, answers_to(talker, asked)))
    return found


def pictures_of(asked: Asked) -> Int[Tensor, " n"]:
    """The picture of each question, for intervals over pictures."""
    return torch.tensor(asked.pictures)


def _mean(values: Bool[Tensor, " n"]) -> float:
    return round(float(values.float().mean()), 4)
