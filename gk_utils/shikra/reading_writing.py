"""Reading a region against writing one: the same things, the same model, asked both ways.

To read: given the box, what is in it? To write: given the name, where is it? Both directions are asked about the same
things, each the only one of its colour and category, so neither direction has an excuse that the other has not. What it
takes to be right differs all the same: a name is one of 112, a box must overlap by half.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import paired_iou
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.programs import Program, referents
from gk_utils.countertop.render import render
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.talk import Conversation
from gk_utils.shikra.talk_measure import HELD_OUT, STEPS, boxes_of
from gk_utils.shikra.talk_tasks import ask_for, sentence, short_name
from gk_utils.shikra.talk_views import View, views_of

PAIRED = HELD_OUT + 2**30  # seeds of the scenes


@dataclass(frozen=True, eq=False)
class BothWays:
    """Answers about n things.

    Attributes:
        named, found: (n) whether its name was said rightly; whether its box was written, IoU 0.5 or more.
        iou: (n) of the box with the true one; 0 without a box.
        boxes: (n 4) as written, fractions of the picture; zeros without a box.
        picture: (n) which one the thing is in.
    """

    named: Bool[Tensor, " n"]
    found: Bool[Tensor, " n"]
    iou: Float[Tensor, " n"]
    boxes: Float[Tensor, "n 4"]
    picture: Int[Tensor, " n"]


def ask_both_ways(talker: Talker, pictures: int, shift: int = 0) -> BothWays:
    """Ask about every thing that has its colour and category for itself, in this many held-out pictures.

    With `shift`, each question is asked about the picture that many further on: what is right then needs no look.
    """
    side = talker.trunk.settings.image_side
    scenes = [draw_scene_for(PAIRED + k) for k in range(pictures)]
    rendered = render(scenes, (side, side))
    views = views_of(scenes, rendered, np.random.default_rng(0))
    pairs = [(row, index) for row, view in enumerate(views) for index in named_alone(view)]
    look, rows = talker.look(rendered.images), [(row + shift) % pictures for row, _ in pairs]
    names = [short_name(views[row].scene.things[index]) for row, index in pairs]
    reads = [Conversation((ask_for("region", (views[row].boxes[index],)),)) for row, index in pairs]
    writes = [Conversation((ask_for("rec", f"the {name.split(' ', 1)[1]}"),)) for name in names]
    answers = talker.answer(look, rows, reads, STEPS["region"])
    named = [answer.text == sentence(name) for answer, name in zip(answers, names, strict=True)]
    boxes, there = boxes_of(talker.answer(look, rows, writes, steps=32))
    iou = paired_iou(boxes, torch.tensor([views[row].boxes[index] for row, index in pairs])) * there
    return BothWays(torch.tensor(named), iou >= 0.5, iou, boxes, torch.tensor([row for row, _ in pairs]))


def named_alone(view: View) -> list[int]:
    """The things that can be seen and are the only one of their colour and category."""
    things = view.scene.things
    looks = {index: Program(things[index].category, (("colour", things[index].colour),)) for index in view.seen}
    return [index for index, look in looks.items() if referents(look, view.scene) == (index,)]
