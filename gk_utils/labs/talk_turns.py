"""One turn of a talk about a picture: every number and word of the lab of lesson 13.

`take_turn` is the pure function: a conversation, a question and what is marked to the conversation with its answer,
the boxes of that answer, and what the scene says to them.

Notebook: 13.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.programs import referents
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.drawing import BLUE, as_pixels
from gk_utils.labs.scribble_canvas import Stroke
from gk_utils.shikra.expression_reader import read_expression
from gk_utils.shikra.shikra_chat import Chat, Talker, respelled
from gk_utils.shikra.talk import NAMES, Conversation, Utterance, read

SIDE = 384  # pixels of a drawn picture
QUESTIONS = (  # what is marked stands for [box] or [point]
    "What is in [box]?",
    "What is at [point]?",
    "Which colour is at [point]?",
    "How many things like the one at [point] are there?",
    "Which thing is in [box]?",
    "Where is {name}?",
    "What colour is it?",
    "Is it true that {name} is near {other}?",
    "Describe the picture.",
)
_HOLE = re.compile(r"\[(box|point)\]")


@dataclass(frozen=True, eq=False)
class TalkStage:
    """A picture to talk about.

    Attributes:
        scene: what it shows; image: RGB in [0, 1]; masks, boxes: of each thing, pixels of the image.
        chat: the model that has looked at it.
        questions: to choose from; start: the strokes to begin with.
    """

    scene: Scene
    image: Float[Tensor, "3 h w"]
    masks: Bool[Tensor, "n h w"]
    boxes: Float[Tensor, "n 4"]
    chat: Chat
    questions: tuple[str, ...]
    start: tuple[Stroke, ...] = ()


@dataclass(frozen=True, eq=False)
class TalkReading:
    """A conversation, and what is to be seen of its last answer.

    Attributes:
        conversation: all that was said.
        boxes: in the last answer, pixels of the image; marked: the box or point of the last question, (1 4) or (1 2).
        facts: what the scene says to the last exchange, a sentence each.
        problem: why nothing was asked; empty if it was.
    """

    conversation: Conversation
    boxes: Float[Tensor, "n 4"]
    marked: Float[Tensor, "1 k"] | None
    facts: tuple[str, ...]
    problem: str = ""

    @property
    def sentence(self) -> str:
        """The last answer, or why there is none."""
        said = self.conversation.utterances
        return self.problem or (said[-1].text if said else "Nothing was said yet.") or "(no word)"

    def in_words(self) -> str:
        """The conversation line by line, then the facts."""
        lines = [f"{NAMES[each.role]} {each.text}" for each in self.conversation.utterances]
        return "\n".join([*lines, *([self.problem] if self.problem else self.facts)])


def marked_place(strokes: Sequence[Sequence[Sequence[float]]]) -> Float[Tensor, "1 k"] | None:
    """What the last stroke marks: a point (1 2) if it is a click, else its box (1 4); None for no strokes.

    >>> marked_place([[[3, 4]]]), marked_place([[[3, 4]], [[8, 9], [2, 5]]])
    (tensor([[3., 4.]]), tensor([[2., 5., 8., 9.]]))
    """
    if not strokes:
        return None
    points = torch.tensor([list(point) for point in strokes[-1]], dtype=torch.float)
    return points if len(points) == 1 else torch.cat([points.amin(0), points.amax(0)])[None]


def filled(question: str, place: Float[Tensor, "1 k"] | None, chat: Chat) -> str:
    """A question with numbers for [box] and [point]; the point of a box is its middle.

    Raises:
        ValueError: nothing is marked, or a point where a box is needed; says what to do.
    """

    def numbers(hole: re.Match[str]) -> str:
        if place is None:
            raise ValueError(f"{hole[0]}: nothing is marked. Click on the picture or go round a thing first.")
        if hole[1] == "point":
            return chat.bracket(place if place.shape[1] == 2 else (place[:, :2] + place[:, 2:]) / 2)
        if place.shape[1] == 2:
            raise ValueError("[box]: a click is a point. Go round the thing, or ask about [point].")
        return chat.bracket(place)

    return _HOLE.sub(numbers, question)


def take_turn(
    stage: TalkStage, before: Conversation, question: str, strokes: Sequence[Sequence[Sequence[float]]] = ()
) -> TalkReading:
    """Ask one more question. What cannot be asked leaves the conversation as it was and has a `problem`."""
    place, chat = marked_place(strokes), stage.chat
    try:
        asked = respelled(read("user", filled(question, place, chat)))
        talk = Conversation((*before.utterances, asked))
        (answer,) = chat.talker.answer(chat.look, [0], [talk])
    except ValueError as error:  # nothing marked, or a word that the model does not know
        return TalkReading(before, torch.zeros(0, 4), place, (), str(error))
    boxes = torch.cat([torch.zeros(0, 4), *(chat.boxes(mark) for mark in answer.marks if mark.kind == "boxes")])
    marked = place if asked.marks else None
    return TalkReading(Conversation((*talk.utterances, answer)), boxes, marked, facts_of(stage, marked, answer, boxes))


def facts_of(
    stage: TalkStage, marked: Float[Tensor, "1 k"] | None, answer: Utterance, boxes: Float[Tensor, "n 4"]
) -> tuple[str, ...]:
    """What the scene says: what is marked, which thing each box fits, what an expression leaves."""
    facts = []
    if marked is not None:
        facts.append(f"Marked is {_thing_at(stage, marked)}.")
    for number, (best, thing) in enumerate(zip(*pairwise_iou(boxes, stage.boxes).max(1), strict=True), 1):
        facts.append(f"Box {number} fits {name_of(stage.scene, int(thing))} best: IoU {best:.2f}.")
    program = read_expression(answer.plain) if answer.plain.lower().startswith("the ") else None
    if program is not None:
        left = referents(program, stage.scene)
        what = name_of(stage.scene, left[0]) if len(left) == 1 else f"{len(left)} things"
        facts.append(f"Executed in the scene, the answer leaves {what if left else 'nothing'}.")
    return tuple(facts)


def name_of(scene: Scene, index: int) -> str:
    """A thing by its colour and category.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> name_of(draw_scene(0, n=1, wanted=[{"category": "mug", "colour": "red"}]), 0)
    'the red mug'
    """
    thing = scene.things[index]
    return f"the {thing.colour} {thing.category}"


def paint_boxes(image: Float[Tensor, "3 h w"], boxes: Float[Tensor, "n 4"]) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with boxes, counted from 1.

    >>> paint_boxes(torch.ones(3, 40, 40), torch.tensor([[5.0, 5.0, 30.0, 30.0]]))[5, 15].tolist()
    [0, 114, 178]
    """
    picture = Image.fromarray(as_pixels(image.permute(1, 2, 0)))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=15)
    for number, (x1, y1, x2, y2) in enumerate(boxes.tolist(), 1):
        for colour, width, out in (("white", 5, 2), (BLUE, 3, 1)):
            pen.rectangle((x1 - out, y1 - out, max(x2, x1) + out, max(y2, y1) + out), outline=colour, width=width)
        pen.rectangle((x1, y1, x1 + 14, y1 + 18), fill=BLUE)
        pen.text((x1 + 3, y1), str(number), fill="white", font=font)
    return np.asarray(picture)


def stage_of(talker: Talker, seed: int) -> TalkStage:
    """The scene of a seed, looked at; the first thing that can be seen is marked."""
    scene = draw_scene_for(seed)
    rendered = render([scene], (SIDE, SIDE))
    n = len(scene)
    boxes, masks = rendered.boxes[0, :n], rendered.masks[0, :n]
    order = masks.flatten(1).sum(1).argsort(descending=True).tolist()
    name, other = (name_of(scene, index) for index in (order[0], order[min(1, n - 1)]))
    x1, y1, x2, y2 = boxes[order[0]].clamp(0, SIDE - 1).tolist()
    corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]
    questions = tuple(question.format(name=name, other=other) for question in QUESTIONS)
    return TalkStage(scene, rendered.images[0], masks, boxes, Chat(talker, rendered.images[0]), questions, (corners,))


def _thing_at(stage: TalkStage, marked: Float[Tensor, "1 k"]) -> str:
    if marked.shape[1] == 2:
        x, y = (int(number) for number in marked[0].tolist())
        hit = stage.masks[:, y, x].nonzero()[:, 0].tolist()
        return name_of(stage.scene, hit[0]) if hit else "no thing"
    best, thing = pairwise_iou(marked, stage.boxes)[0].max(0)
    return f"most like the box of {name_of(stage.scene, int(thing))}: IoU {best:.2f}" if best > 0 else "no thing"
