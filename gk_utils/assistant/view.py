"""One picture as the assistant knows it: its things, what the grounder says of a phrase, masks, and relations.

Everything is computed when it is first asked for, and once. Relations that boxes do not decide well (in front of,
behind, on, inside, near) are put to the grounder as a phrase: "the red mug that is behind the toaster" finds the red
mug, or nothing.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.assistant.sight import Sight, look_around
from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.wording import words
from gk_utils.grounded_sam.pipeline import GroundedSam
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.models.trunk_grounder import ScoreMap, TrunkGrounder
from gk_utils.protocols import Grounding
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.finding import Finding
from gk_utils.spatial_relations.parser import parse_phrase
from gk_utils.spatial_relations.statement import Exists, NounPhrase
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, unknown
from gk_utils.spatial_relations.verifier import verify

# Relations that the grounder decides, and how they are put to it.
ASKED = {
    **{"in_front_of": "in front of", "behind": "behind", "near": "near", "next_to": "near", "beside": "near"},
    **{"on": "on", "on_top_of": "on", "inside": "inside"},
}
SIDES = {"left_of": "to the left of", "right_of": "to the right of"}  # it can be asked for these too
# Words that no expression of the trunk has and that change nothing, or are in the parser's business.
PASSED = frozenset({"a", "an", "one", "of", "this", "there", "are", "which", "any", "some", "all"})
# Words of statements beside nouns, adjectives and relations.
VERBS = frozenset(
    {
        *("is", "are", "there", "has", "have", "and", "or", "not", "no", "both", "every", "each", "most", "more"),
        *("fewer", "than", "exactly", "at", "least", "two", "three", "four", "five", "six", "it", "its", "them"),
        *("they", "same", "different", "thing", "things", "picture"),
    }
)
SAME = 0.5  # IoU from which two boxes are of one thing


@runtime_checkable
class Captioner(Protocol):
    """Says what a picture shows, phrases linked to boxes."""

    def caption(self, image: Float[Tensor, "3 h w"], start: str = "") -> GroundedText:
        """A caption that begins with `start`."""


@dataclass(frozen=True)
class Models:
    """The models of an assistant, loaded; `captioner` may be missing, and is then not asked."""

    grounder: TrunkGrounder
    pipeline: GroundedSam
    captioner: Captioner | None = None
    name: str = ""


class View:
    """A picture before the models, float RGB (3 h w) in [0, 1], with pixels (`Assistant.look` checks it).

    One question or many.
    """

    def __init__(self, models: Models, image: Float[Tensor, "3 h w"]) -> None:
        self.models, self.image = models, image
        self.image_hw = (int(image.shape[1]), int(image.shape[2]))
        self._asked: dict[str, tuple[ScoreMap, Grounding]] = {}

    @functools.cached_property
    def sight(self) -> Sight:
        """The things that are surely there; `doubtful` holds the others."""
        return self._all.only(self._all.sure())

    @functools.cached_property
    def doubtful(self) -> Sight:
        """Things that may be there."""
        return self._all.only([index for index in range(len(self._all)) if index not in self._all.sure()])

    @functools.cached_property
    def _all(self) -> Sight:
        return look_around(self.models.grounder.trunk, self.image)

    @functools.cached_property
    def arrangement(self) -> Arrangement:
        """The things that are surely there, with relations by boxes or by the grounder."""
        return AskedArrangement(self.sight.arrangement.things, ask=self.relation)

    @functools.cached_property
    def caption(self) -> GroundedText:
        """What the captioner says; nothing where there is none."""
        return GroundedText("") if self.models.captioner is None else self.models.captioner.caption(self.image)

    def ask(self, *phrases: str) -> list[tuple[ScoreMap, Grounding]]:
        """The map and the boxes of each phrase; the picture is seen once for all that are new."""
        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._asked]
        if new:
            found = self.models.grounder.look_all([self.image], [new])[0]
            self._asked |= dict(zip(new, found, strict=True))
        return [self._asked[phrase] for phrase in phrases]

    def strange(self, phrase: str) -> tuple[str, ...]:
        """The words of a phrase that the grounder has never seen."""
        known = {*self.models.grounder.trunk.settings.words, *PASSED}
        if not words(phrase):  # of another script, or signs alone
            return (phrase,)
        return tuple(word for word in words(phrase) if word not in known and word.removesuffix("s") not in known)

    def strange_noun(self, text: str) -> str:
        """The first word of a statement that neither the grounder nor the parser knows; "" if there is none."""
        from gk_utils.spatial_relations.lexicon import wordings

        known = {word for wording in wordings() for word in words(wording)} | VERBS
        return next((word for word in self.strange(text) if word not in known), "")

    def at(self, box: Float[Tensor, " 4"]) -> int | None:
        """The thing of `sight` that a box is of."""
        if not len(self.sight):
            return None
        overlaps = pairwise_iou(box[None].float(), self.sight.boxes)[0]
        return int(overlaps.argmax()) if float(overlaps.max()) >= SAME else None

    def read(self, phrase: str) -> NounPhrase | None:
        """The logical form of a phrase; None where the parser of lesson 10 cannot read it."""
        try:
            return parse_phrase(phrase)
        except ValueError:
            return None

    def fitting(self, phrase: NounPhrase, things: Arrangement | None = None) -> tuple[tuple[int, ...], Finding]:
        """The things of the arrangement that fit a phrase, and what was looked at for that."""
        finding = verify(Exists(phrase), self.arrangement if things is None else things)
        return finding.references.get(phrase, ()), finding

    def cut(self, boxes: Sequence[Sequence[float]]) -> tuple[dict[str, Any], ...]:
        """The masks of boxes, as run lengths."""
        return self.models.pipeline.cut(self.image, torch.tensor(boxes, dtype=torch.float32).view(-1, 4))

    def call(self, index: int) -> str | None:
        """A phrase that fits this thing of `sight` and no other, without article; None where looks do not tell."""
        things = self.sight.arrangement.things
        mine = things[index]
        looks = [name for name in ("colour", "pattern", "size", "state") if mine.attributes.get(name)]
        for length in range(len(looks) + 1):
            for chosen in itertools.combinations(looks, length):
                if not any(_alike(mine, other, chosen) for place, other in enumerate(things) if place != index):
                    return _phrase(mine, chosen)
        rows = [place for place, other in enumerate(things) if other.name == mine.name]
        across = sorted(rows, key=lambda row: things[row].centre[0])
        return {across[0]: f"leftmost {mine.name}", across[-1]: f"rightmost {mine.name}"}.get(index)

    def ask_relations(self, relations: Sequence[str], pairs: Sequence[tuple[int, int]]) -> None:
        """Ask all that `relation` will need for these pairs at once: the picture is then seen once."""
        phrases = [self._related(relation, *pair) for relation in relations for pair in pairs]
        self.ask(*(phrase for phrase in phrases if phrase))

    def relation(self, relation: str, first: int, second: int) -> Verdict:
        """What the grounder says of a relation: it is asked for the first thing by way of the second."""
        phrase = self._related(relation, first, second)
        if not phrase:
            return unknown("no phrase tells one of the two from the others")
        ((scores, grounding),) = self.ask(phrase)
        if grounding.absent:
            return Verdict(False, -min(1.0, scores.none), f"asked for {phrase!r}, the model finds none")
        if self.at(grounding.boxes[0]) != first:
            return unknown(f"asked for {phrase!r}, the model points at something else")
        return Verdict(True, min(1.0, float(grounding.scores[0])), f"asked for {phrase!r}, the model finds it")

    def _related(self, relation: str, first: int, second: int) -> str:
        """The phrase that asks for the first thing by way of the second; "" where looks do not tell which is meant."""
        names = self.call(first), self.call(second)
        return "" if None in names else f"the {names[0]} {(ASKED | SIDES)[relation]} the {names[1]}"


@dataclass(frozen=True, eq=False)
class AskedArrangement(Arrangement):
    """Things whose relations in ASKED somebody decides: `ask(relation, first, second)`; boxes decide the others."""

    ask: Callable[[str, int, int], Verdict] = field(kw_only=True)

    def relate(self, relation: str, *indices: int, frame: str = "viewer") -> Verdict:
        """Whether the first of these things stands in a relation to the others."""
        if relation in ASKED and len(indices) == 2 and frame == "viewer":
            key = (relation, indices, frame)
            if key not in self._found:
                self._found[key] = self.ask(relation, *indices)
            return self._found[key]
        return super().relate(relation, *indices, frame=frame)


def _alike(one: Thing, other: Thing, aspects: Sequence[str]) -> bool:
    return one.name == other.name and all(one.attributes.get(name) == other.attributes.get(name) for name in aspects)


def _phrase(thing: Thing, aspects: Sequence[str]) -> str:
    """Adjectives in the order that the countertop's expressions have: state, size, colour, pattern."""
    state = thing.attributes["state"] if "state" in aspects else None
    behind = {"toast up": " with toast up", "with flowers": " with flowers"}.get(state or "", "")
    before = [state] if state and not behind else []
    before += [thing.attributes[name] for name in ("size", "colour", "pattern") if name in aspects]
    return " ".join([*before, thing.name]) + behind
