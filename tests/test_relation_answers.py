"""Where is it from there, and is it so."""

import pytest
from some_assistant import ask

from gk_utils.assistant.relation_answers import phrases_of
from gk_utils.spatial_relations.parser import parse


class TestRelateAnswer:
    @pytest.mark.parametrize(
        ("question", "value"),
        [
            ("Is the red mug to the left or to the right of the plate?", "left"),
            ("Is the plate to the left or to the right of the red mug?", "right"),
            ("Is the bottle in front of or behind the red mug?", "behind"),
            ("Is the blue mug in front of or behind the kettle?", "in front"),
            ("Where is the red mug relative to the kettle?", "left and in front"),
        ],
    )
    def test_with_what_decided(self, question, value):
        answer = ask(question)
        assert answer.value == value
        assert [len(one.rows) for one in answer.named] == [1, 1]
        holding = [one for one in answer.decisions if one.truth]
        assert len(holding) == value.count(" and ") + 1
        assert holding[0].rows == (answer.named[0].rows[0], answer.named[1].rows[0])

    def test_none_where_one_is_missing(self):
        answer = ask("Is the cat in front of or behind the kettle?")
        assert (answer.value, answer.text) == ("none", "There is no cat.")
        assert [len(one.rows) for one in answer.named] == [0, 1]

    def test_a_thing_and_itself(self):
        assert ask("Is the red mug in front of or behind the red mug?").value == "unknown"


class TestVerifyAnswer:
    @pytest.mark.parametrize(
        ("statement", "value"),
        [
            ("the red mug is left of the plate", "yes"),
            ("the red mug is right of the plate", "no"),
            ("the bottle is behind the red mug", "yes"),
            ("there are exactly two mugs", "yes"),
            ("there are exactly three mugs", "no"),
            ("there is no cat", "yes"),
            ("the red mug is left of the plate and the kettle is green", "no"),
            ("the red mug is facing the plate", "unknown"),
        ],
    )
    def test_truth(self, statement, value):
        assert ask(f"Is it true that {statement}?").value == value

    def test_evidence(self):
        answer = ask("The red mug is left of the plate.")
        assert [(one.phrase, len(one.rows)) for one in answer.named] == [("The red mug", 1), ("the plate", 1)]
        assert [(one.relation, one.truth) for one in answer.decisions] == [("left_of", True)]

    def test_the_surest_evidence_comes_first(self):
        answer = ask("There are exactly two things left of the kettle.")
        assert len(answer.decisions) >= 2
        agrees = [(one.truth is True) == (answer.value == "yes") for one in answer.decisions]
        assert agrees == sorted(agrees, reverse=True)
        for same in (True, False):
            margins = [
                abs(one.margin) for one, agreeing in zip(answer.decisions, agrees, strict=True) if agreeing is same
            ]
            assert margins == sorted(margins, reverse=True)

    def test_what_is_missing_and_what_is_not(self):
        answer = ask("The cat is left of the plate.")
        assert answer.value == "no"
        assert "there is no cat" in answer.text
        assert [(one.phrase, len(one.rows)) for one in answer.named] == [("The cat", 0), ("the plate", 1)]

    def test_a_stranger_is_named(self):
        answer = ask("Is it true that the elephant is left of the plate?")
        assert answer.value == "unknown"
        assert "'elephant' is no word of mine" in answer.text
        assert "'elephant' is no word of mine" in answer.notes[0]
        assert ask("Is it true that there is no elephant?").value == "unknown"

    def test_no_statement(self):
        answer = ask("Is it true that mug plate the of?")
        assert answer.value == "unknown"
        assert "I cannot read that as a statement" in answer.text


class TestPhrasesOf:
    def test_inner_ones_too(self):
        form = parse("the mug that is near a cat is on the plate and there are two spoons")
        assert sorted(phrase.noun for phrase in phrases_of(form)) == ["cat", "mug", "plate", "spoon"]
