"""What an answer of a grounder rests on, in numbers and words: which thing has how much of it, and what came close.

Notebook: 00.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.programs import Program, referents
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene
from gk_utils.models.trunk_grounder import ScoreMap
from gk_utils.models.trunk_recipe import owners
from gk_utils.protocols import Grounding

Role = Literal["meant", "same noun", "other"]
SHOWN_HW = (384, 384)


@runtime_checkable
class Looks(Protocol):
    """A grounder that shows where it looks, as `TrunkGrounder` does."""

    def look(self, image: Float[Tensor, "3 h w"], phrase: str) -> tuple[ScoreMap, Grounding]:
        """The map and the answer."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A scene and its picture.

    Attributes:
        scene: what is there.
        rendered: a batch of this one scene.
        names: a name for each thing, no two alike.
    """

    scene: Scene
    rendered: Rendered
    names: tuple[str, ...]

    @property
    def image(self) -> Float[Tensor, "3 h w"]:
        """The picture, RGB in [0, 1]."""
        return self.rendered.images[0]

    @property
    def boxes(self) -> Float[Tensor, "n 4"]:
        """The box of what can be seen of each thing, in pixels."""
        return self.rendered.boxes[0]


@dataclass(frozen=True)
class ThingShare:
    """How sure the model is of one thing: `share` in [0, 1], summed over the patches that belong to the thing.

    `role`: "meant" by the expression; the "same noun" fits it, and so the thing distracts; or "other".
    """

    name: str
    share: float
    role: Role


@dataclass(frozen=True, eq=False)
class Explanation:
    """An answer, opened. `things`, `beside` and `none` sum to 1.

    Attributes:
        phrase: what was asked.
        scores, grounding: what the model said.
        things: every thing of the scene, the largest share first.
        beside: share of the patches that belong to no thing.
        none: share of "there is no such thing".
        meant: (m 4) boxes of the things that are meant; None where nobody knows, since there is no program.
        right: whether the answer is, at IoU 0.5; None where nobody knows.
        sentence: the answer in words.
    """

    phrase: str
    scores: ScoreMap
    grounding: Grounding
    things: tuple[ThingShare, ...]
    beside: float
    none: float
    meant: Float[Tensor, "m 4"] | None
    right: bool | None
    sentence: str


def set_stage(scene: Scene, image_hw: tuple[int, int] = SHOWN_HW) -> Stage:
    """Paint a scene and name its things by colour and noun, counted from the left where that is not enough.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> two = [{"category": "mug", "colour": "red"}] * 2
    >>> sorted(set_stage(draw_scene(0, n=3, wanted=[*two, {"category": "cat", "colour": "pink"}]), (64, 64)).names)
    ['pink cat', 'red mug 1', 'red mug 2']
    """
    plain = [f"{thing.colour} {thing.category}" for thing in scene.things]
    names = list(plain)
    for name in set(plain):
        alike = [index for index in scene.left_to_right() if plain[index] == name]
        for number, index in enumerate(alike, 1):
            names[index] = f"{name} {number}" if len(alike) > 1 else name
    return Stage(scene, render([scene], image_hw), tuple(names))


def explain(grounder: Looks, stage: Stage, phrase: str, program: Program | None = None) -> Explanation:
    """Ask for a phrase, and share out the answer among the things of the scene.

    Args:
        grounder: who is asked.
        stage: about what.
        phrase: the words.
        program: what they stand for; without it nobody knows what is right.

    Raises:
        ValueError: a phrase without words.
    """
    scores, grounding = grounder.look(stage.image, phrase)
    owner = owners(stage.rendered, tuple(scores.shares.shape))[0]
    sums = torch.zeros(1 + len(stage.scene)).index_add(0, owner + 1, scores.shares.flatten())
    means = () if program is None else referents(program, stage.scene)
    alike = (
        () if program is None else stage.scene.select(**({"category": program.category} if program.category else {}))
    )
    things = [
        ThingShare(name, share, "meant" if index in means else "same noun" if index in alike else "other")
        for index, (name, share) in enumerate(zip(stage.names, sums[1:].tolist(), strict=True))
    ]
    meant = None if program is None else stage.boxes[list(means)]
    right = None if meant is None else _is_right(grounding, meant)
    return Explanation(
        phrase=phrase,
        scores=scores,
        grounding=grounding,
        things=tuple(sorted(things, key=lambda thing: -thing.share)),
        beside=float(sums[0]),
        none=scores.none,
        meant=meant,
        right=right,
        sentence=_sentence(stage, scores, grounding, means, right),
    )


def in_words(explanation: Explanation) -> str:
    """An explanation for those who cannot see it: the sentence, then every share from 1 % up, a line each."""
    rows = [(thing.name, thing.share, thing.role) for thing in explanation.things]
    rows += [("beside the things", explanation.beside, "other"), ("none", explanation.none, "other")]
    lines = [f"{name}: {percent(share)}{'' if role == 'other' else f' ({role})'}" for name, share, role in rows]
    seen = [line for line, row in zip(lines, rows, strict=True) if row[1] >= 0.01]
    return "\n".join([f"{explanation.phrase}. {explanation.sentence}", *seen])


def percent(share: float) -> str:
    """A share in whole percent.

    >>> percent(0.714)
    '71 %'
    """
    return f"{100 * share:.0f} %"


def _sentence(stage: Stage, scores: ScoreMap, grounding: Grounding, means: tuple[int, ...], right: bool | None) -> str:
    """What was answered, whether it is right, and what is."""
    if grounding.absent:
        said = f'The answer is "none", with {percent(scores.none)}.'
    else:
        fits = pairwise_iou(grounding.boxes[:1], stage.boxes)[0]
        on = f"on the {stage.names[int(fits.argmax())]}" if len(fits) and fits.max() >= 0.5 else "around no thing"
        said = f"The box is {on}, with {percent(float(grounding.scores[0]))}."
    if right is None:
        return f"{said} Nobody wrote down what is right: you judge."
    meant = " and ".join(f"the {stage.names[index]}" for index in means) or "nothing"
    return f"{said} Right." if right else f"{said} Wrong: {meant} is meant."


def _is_right(grounding: Grounding, meant: Float[Tensor, "m 4"]) -> bool:
    """Whether it is "none" for nothing, or a box with an IoU of at least 0.5 with one of those that are meant."""
    if grounding.absent or not len(meant):
        return grounding.absent and not len(meant)
    return bool((pairwise_iou(grounding.boxes[:1], meant) >= 0.5).any())
