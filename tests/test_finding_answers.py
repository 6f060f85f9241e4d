"""Where is it, cut it out, which one, is there one."""

from dataclasses import replace

import pytest
from some_assistant import ask, kitchen_view, some_assistant

from gk_utils.assistant.finding_answers import DOUBT, bare_phrase, resolve


def names(answer, group=0):
    return [answer.shown[row].name for row in answer.named[group].rows]


class TestResolve:
    def test_both_witnesses_agree(self):
        found = resolve(kitchen_view(), "the red mug")
        assert kitchen_view().sight.name(found.thing) == "red mug"
        assert found.note == ""
        assert found.none < 0.5

    def test_none(self):
        found = resolve(kitchen_view(), "the green mug")
        assert (found.thing, found.box, found.note) == (None, None, "")
        assert found.none > 0.5

    @pytest.mark.parametrize(("none", "taken"), [(0.9 * DOUBT, True), (DOUBT, False), (0.4, False)])
    def test_what_is_pointed_at_in_doubt_is_not_taken(self, none, taken):
        view = some_assistant().look(kitchen_view().image)
        ((scores, grounding),) = view.ask("the red mug")
        view._asked["the red mug"] = (replace(scores, none=none), grounding)
        found = resolve(view, "the red mug")
        assert (found.box is not None, found.thing is not None) == (taken, taken)
        assert found.note == ("" if taken else "by what was seen, one thing would fit")

    def test_a_word_it_has_never_seen_is_not_guessed_at(self):
        found = resolve(kitchen_view(), "the elephant")
        assert found.box is None
        assert "'elephant' is no word of mine" in found.note

    def test_another_script(self):
        assert "no word of mine" in resolve(kitchen_view(), "\u732b").note

    @pytest.mark.parametrize("phrase", ["the third mug from the left", "the fifth mug from the right"])
    def test_a_rank_needs_as_many_things(self, phrase):
        found = resolve(kitchen_view(), phrase)
        assert found.box is None

    def test_the_verifier_is_heard(self):
        assert "2 things fit" in resolve(kitchen_view(), "the mug").note


class TestFindAnswer:
    def test_locate(self):
        answer = ask("Where is the red mug?")
        assert (answer.kind, answer.value, names(answer)) == ("locate", "here", ["red mug"])
        assert answer.shown[0].numbers["share"] > 0.5
        assert answer.parts == {"00.thing_shares": "reference"}

    def test_none_shows_nothing(self):
        answer = ask("Where is the green mug?")
        assert (answer.value, answer.shown, answer.named[0].rows) == ("none", (), ())
        assert "no green mug" in answer.text

    def test_segment(self):
        answer = ask("Cut out the white plate.")
        assert answer.mask(answer.named[0].rows[0]).any()
        assert answer.shown[0].numbers["area"] > 0

    def test_ordinal_and_its_colour(self):
        answer = ask("What colour is the second mug from the left?")
        assert (answer.kind, answer.value, names(answer)) == ("ordinal", "blue", ["blue mug"])

    def test_is_there_one(self):
        assert ask("Is there a kettle?").value == "yes"
        assert ask("Is there an orange kettle?").text == "No, there is no orange kettle."
        assert ask("Is there a mug?").named[0].rows == (0,)

    def test_a_plural_shows_all(self):
        answer = ask("Where are the mugs?")
        assert sorted(names(answer)) == ["blue mug", "red mug"]
        assert ask("Where are the cats?").value == "none"
        assert len([one for one in ask("Cut out the mugs.").shown if one.mask]) == 2

    def test_what_came_close_is_shown_beside(self):
        answer = ask("Where is the mug?")  # two of them
        assert len(answer.shown) >= 1
        for row in range(1, len(answer.shown)):
            assert row not in answer.named[0].rows
            assert "came close" in answer.notes[-1]


class TestBarePhrase:
    def test_articles(self):
        assert [bare_phrase(text) for text in ("the red mug", "A mug", "an apple", "mugs")] == [
            *("red mug", "mug", "apple", "mugs")
        ]
