"""The offline language model: what it says is true where it says so, and made up at the rate that was set."""

from collections import Counter

import pytest

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.grounded_conversation.linked_talk import read_talk
from gk_utils.grounded_conversation.picture_notes import (
    RELATIONS,
    NotedThing,
    PictureNotes,
    note_scene,
    write_prompt,
)
from gk_utils.grounded_conversation.talk_grammar import KINDS, OPPOSITES, GrammarModel
from gk_utils.grounded_conversation.wrong_boxes import CLEAR, overlap
from gk_utils.protocols import LanguageModel
from gk_utils.spatial_relations.parser import parse

WORDS = {"no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}


@pytest.fixture(scope="module")
def notes():
    scenes = [draw_scene_for(2**34 + seed) for seed in range(40)]
    rendered = render(scenes)
    return [note_scene(scene, rendered, row) for row, scene in enumerate(scenes)]


def is_so(kind, text, notes):
    """Whether a sentence of the grammar follows from the notes, read word by word."""
    words = text.lower().rstrip(".").split()
    if kind == "object":
        return bool(notes.of(words[-1], words[-2]))
    if kind == "absent":
        return not notes.of(words[-1])
    if kind == "count":
        number = WORDS[words[3]]
        return len(notes.of(words[4] if number == 1 else words[4].removesuffix("s"))) == number
    return None


def fits(phrase, notes):
    """The boxes of all things that a phrase fits."""
    words = phrase.lower().split()
    category = next(name for word in words for name in (word, word.removesuffix("s")) if name in CATEGORIES)
    colour = next((word for word in words if word in COLOURS), None)
    return [notes.things[k].box_unit for k in notes.of(category, colour)]


class TestGrammarModel:
    def test_is_a_language_model(self):
        assert isinstance(GrammarModel(), LanguageModel)

    def test_without_errors_everything_is_so(self, notes):
        kinds = Counter()
        for one in notes:
            written = GrammarModel(rate=0).write(write_prompt(one))
            for claim in written.claims:
                assert claim.true is (None if claim.kind == "beyond" else True)
                said = written.turns[claim.turn].said
                text = said.text[claim.start : claim.end]
                kinds[claim.kind] += 1
                if claim.kind == "box":
                    boxes = said.boxes_unit[said.spans.index((claim.start, claim.end))]
                    assert set(boxes) <= set(fits(text, one))
                elif claim.kind == "relation":
                    _, relation, _ = (part.strip() for part in _relation(text))
                    pairs = {(a, b) for a, name, b in one.relations if name == relation}
                    first, second = (_thing_of(said, place, one) for place in (0, 1))
                    assert (first, second) in pairs
                elif claim.kind == "colour":
                    assert one.things[_thing_of(said, 0, one)].colour == text.rstrip(".").split()[-1]
                elif claim.kind != "beyond":
                    assert is_so(claim.kind, text, one)
        assert set(kinds) == set(KINDS)

    def test_at_rate_one_everything_is_made_up(self, notes):
        kinds = Counter()
        for one in notes[:20]:
            written = GrammarModel(rate=1).write(write_prompt(one))
            for claim in written.claims:
                said = written.turns[claim.turn].said
                text = said.text[claim.start : claim.end]
                assert claim.true is not True
                kinds[claim.kind] += 1
                if claim.kind in ("object", "absent", "count"):
                    assert not is_so(claim.kind, text, one)
                elif claim.kind == "colour":
                    assert text.rstrip(".").split()[-1] != claim.meant
                elif claim.kind == "box":
                    boxes = said.boxes_unit[said.spans.index((claim.start, claim.end))]
                    assert min(overlap(box, fits(text, one)) for box in boxes) < CLEAR
        assert set(kinds) >= {"object", "absent", "count", "colour", "relation", "box"}

    def test_wrong_relations_are_wrong(self, notes):
        checked = 0
        for one in notes:
            written = GrammarModel(rate=0.9, seed=3).write(write_prompt(one))
            for claim in (claim for claim in written.claims if claim.kind == "relation" and claim.true is False):
                text = written.turns[claim.turn].said.text
                first, relation, second = (part.strip() for part in _relation(text))
                a, b = (_number(name, one) for name in (first, second))
                assert (a, relation, b) not in one.relations
                assert relation not in OPPOSITES or (a, OPPOSITES[relation], b) in one.relations
                checked += 1
        assert checked > 20

    def test_the_rate_is_the_share(self, notes):
        claims = [
            claim
            for seed in range(3)
            for one in notes
            for claim in GrammarModel(rate=0.2, seed=seed).write(write_prompt(one)).claims
        ]
        sentences = [claim.true is False for claim in claims if claim.kind not in ("box", "beyond")]
        assert sum(sentences) / len(sentences) == pytest.approx(0.2, abs=0.05)

    def test_boxes_have_a_rate_of_their_own(self, notes):
        colours = 0
        for one in notes[:15]:
            claims = GrammarModel(rate=0.6, box_rate=0).write(write_prompt(one)).claims
            invented = {claim.turn for claim in claims if claim.kind in ("object", "count") and not claim.true}
            assert {claim.turn for claim in claims if claim.kind == "box" and not claim.true} <= invented
            colours += sum(claim.kind == "colour" and not claim.true for claim in claims)
        assert colours

    def test_sentences_can_be_parsed_but_those_beyond(self, notes):
        for one in notes[:10]:
            written = GrammarModel(rate=0.3).write(write_prompt(one))
            for claim in written.claims:
                text = written.turns[claim.turn].said.text[claim.start : claim.end]
                if claim.kind not in ("box", "beyond"):
                    parse(text)

    def test_complete_is_the_text_of_write(self, notes):
        prompt, model = write_prompt(notes[0]), GrammarModel()
        written = model.write(prompt)
        assert model.complete(prompt) == written.text == model.complete(prompt[-1]["content"])
        assert len(read_talk(written.text)[0]) == len(written.turns)
        assert model.complete(prompt) == GrammarModel().complete(prompt)
        assert GrammarModel(seed=1).complete(prompt) != model.complete(prompt)

    def test_max_tokens_leaves_whole_turns(self, notes):
        prompt = write_prompt(notes[0])
        short, whole = GrammarModel().complete(prompt, max_tokens=12), GrammarModel().complete(prompt)
        assert 0 < len(short) < len(whole)
        assert whole.startswith(short)

    def test_nothing_to_say(self):
        assert GrammarModel(rate=0).write(write_prompt(PictureNotes((), ()))).turns == ()

    def test_where_everything_is_nothing_can_be_invented(self):
        things = tuple(NotedThing(name, "red", (0.1, 0.1, 0.2, 0.2)) for name in CATEGORIES)
        written = GrammarModel(rate=1).write(write_prompt(PictureNotes((), things)))
        assert "object" not in {claim.kind for claim in written.claims}

    def test_what_is_hidden_is_not_spoken_of(self):
        hidden = NotedThing("mug", "red", (0.1, 0.1, 0.2, 0.2), True)
        shown = NotedThing("cat", "red", (0.5, 0.5, 0.7, 0.7))
        for seed in range(10):
            text = GrammarModel(rate=0, seed=seed).complete(write_prompt(PictureNotes((), (hidden, shown))))
            assert "mug" not in text

    @pytest.mark.parametrize("rate", [-0.1, 1.1])
    def test_rate(self, rate):
        with pytest.raises(ValueError, match=r"rate: expected a number in \[0, 1\]"):
            GrammarModel(rate)

    def test_no_prompt(self):
        with pytest.raises(ValueError, match="text: expected a line of write_prompt"):
            GrammarModel().complete("What do you see?")


def _relation(text):
    """Subject, relation and landmark of a sentence."""
    words = text.rstrip(".").lower().replace("to the left of", "left of").replace("to the right of", "right of")
    subject, rest = words.split(" is ")
    relation = next(name for name in RELATIONS if rest.startswith(name))
    return subject, relation, rest.removeprefix(relation)


def _number(name, notes):
    """Which thing has this name alone."""
    (found,) = [k for k in range(len(notes.things)) if notes.named(k) == name.removeprefix("the ").strip()]
    return found


def _thing_of(said, place, notes):
    """Which thing has the box of a link."""
    return [thing.box_unit for thing in notes.things].index(said.boxes_unit[place][0])
