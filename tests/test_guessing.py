"""Answers without a look at the picture."""

import pytest

from gk_utils.assistant.exam import read_exam
from gk_utils.assistant.guessing import always_none, always_yes, language_only, usual_answer
from gk_utils.assistant.sitting import lay_out, sit_blind


@pytest.fixture(scope="module")
def sheets():
    return lay_out([one for one in read_exam() if one.kind in ("absent", "count", "describe")][:15])


class TestGuesses:
    def test_always_yes_shows_the_middle(self, sheets):
        answer = always_yes(next(sheet for sheet in sheets if sheet.question.kind == "absent"))
        assert (answer.value, answer.shown[0].box) == ("yes", (32, 32, 96, 96))

    def test_always_none_is_right_where_nothing_is_there(self, sheets):
        marked = sit_blind(always_none, sheets)
        for one in marked:
            truth = one.question.truth
            assert one.answer.shown == ()
            assert one.mark.right == (one.question.kind in ("absent", "count") and truth.groups == ((),))
        assert 0 < sum(one.mark.right for one in marked) < len(marked)

    def test_a_side_is_claimed_as_a_relation(self):
        sheets = lay_out([one for one in read_exam() if one.kind == "relate" and not one.truth.absent][:2])
        answer = always_yes(sheets[0])
        assert [(one.relation, one.rows) for one in answer.decisions] == [("left_of", (0, 1))]
        assert always_none(sheets[0]).decisions == ()

    def test_the_usual_answer(self, sheets):
        guess = usual_answer(sheets)
        counts = [sheet for sheet in sheets if sheet.question.kind == "count"]
        said = {guess(sheet).value for sheet in counts}
        truths = [sheet.question.truth.answer for sheet in counts]
        assert len(said) == 1
        assert truths.count(said.pop()) == max(map(truths.count, truths))

    def test_words_alone_take_another_picture(self, sheets):
        guess = language_only(sheets)
        for sheet in sheets:
            answer = guess(sheet)
            others = [
                one.question.truth.answer for one in sheets if one is not sheet and one.question.kind == answer.kind
            ]
            assert answer.value in others

    def test_all_lose(self, sheets):
        for guess in (always_yes, always_none, usual_answer(sheets), language_only(sheets)):
            marked = sit_blind(guess, sheets)
            assert sum(one.mark.right for one in marked) <= len(marked) / 2

    def test_alone_in_its_kind(self, sheets):
        assert language_only(sheets[:1])(sheets[0]).value == always_yes(sheets[0]).value
