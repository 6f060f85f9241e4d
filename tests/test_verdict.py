import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.spatial_relations.verdict import (
    Verdict,
    all_of,
    any_of,
    at_least,
    decided,
    exactly,
    graded,
    opposite,
    unknown,
)

YES, NO, PERHAPS = decided(1.0), decided(-1.0), unknown("needs depth")
THREE = {True: YES, False: NO, None: PERHAPS}
some_verdicts = st.lists(st.sampled_from([0.7, 0.2, -0.3, -1.0, None]), max_size=5)


def verdicts_of(scores):
    return [PERHAPS if score is None else decided(score) for score in scores]


def completions(truths):
    """Every way in which the undecided ones may fall."""
    return itertools.product(*[(True, False) if truth is None else (truth,) for truth in truths])


class TestVerdict:
    def test_the_sign_of_the_score_is_the_truth(self, unhooked):
        for truth, score in ((True, -0.1), (False, 0.1), (None, 0.1), (True, 1.5)):
            with pytest.raises(ValueError, match="^score: expected"):
                Verdict(truth, score, "why")

    def test_undecided_needs_a_reason(self, unhooked):
        with pytest.raises(ValueError, match="^reason: expected one where nothing was decided"):
            Verdict(None)

    def test_in_words(self):
        assert [str(verdict) for verdict in (decided(0.5, "edges"), NO, PERHAPS)] == [
            "true (+0.50): edges",
            "false (-1.00)",
            "unknown: needs depth",
        ]
        assert [verdict.known for verdict in (YES, NO, PERHAPS)] == [True, True, False]


class TestKleene:
    """The tables of Kleene's strong logic, by hand."""

    @pytest.mark.parametrize(
        ("first", "second", "both", "either"),
        [
            (True, True, True, True),
            (True, None, None, True),
            (True, False, False, True),
            (None, None, None, None),
            (None, False, False, None),
            (False, False, False, False),
        ],
    )
    def test_and_or(self, first, second, both, either):
        for pair in ((first, second), (second, first)):
            assert all_of([THREE[truth] for truth in pair]).truth is both
            assert any_of([THREE[truth] for truth in pair]).truth is either

    def test_not(self):
        assert [opposite(THREE[truth]).truth for truth in (True, None, False)] == [False, None, True]
        assert opposite(decided(0.0)).score == 0.0

    def test_of_nothing(self):
        assert (all_of([]).truth, any_of([]).truth, at_least(0, []).truth, exactly(0, []).truth) == (
            True,
            False,
            True,
            True,
        )

    @given(some_verdicts, st.integers(0, 6))
    def test_decides_just_what_every_completion_agrees_on(self, scores, number):
        verdicts = verdicts_of(scores)
        truths = [verdict.truth for verdict in verdicts]
        for found, meant in (
            (all_of(verdicts), all),
            (any_of(verdicts), any),
            (at_least(number, verdicts), lambda some: sum(some) >= number),
            (exactly(number, verdicts), lambda some: sum(some) == number),
        ):
            answers = {bool(meant(some)) for some in completions(truths)}
            assert found.truth is (answers.pop() if len(answers) == 1 else None)

    @given(some_verdicts)
    def test_de_morgan_with_margins(self, scores):
        verdicts = verdicts_of(scores)
        left, right = opposite(all_of(verdicts)), any_of([opposite(verdict) for verdict in verdicts])
        assert (left.truth, left.score) == (right.truth, right.score)

    def test_the_margin_is_that_of_the_weakest_part(self):
        assert all_of([decided(0.8), decided(0.3)]).score == 0.3
        assert any_of([decided(-0.8), decided(-0.3)]).score == -0.3
        assert at_least(2, [decided(0.8), decided(0.3), decided(0.5)]).score == 0.5


class TestGraded:
    @given(st.floats(-2, 2), st.floats(-0.9, 0.9))
    def test_keeps_the_sign_and_the_ends(self, ratio, least):
        score = graded(ratio, least)
        assert -1 <= score <= 1
        assert (score > 0) == (min(ratio, 1) > least)
        assert graded(1, least) == 1
        assert graded(-1, least) == -1

    def test_decided_cuts(self):
        assert (decided(3.0).score, decided(-3.0).score, decided(0.0).truth) == (1.0, -1.0, False)
