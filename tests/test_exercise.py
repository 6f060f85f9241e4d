import sys
import warnings

import numpy as np
import pytest
import synthetic_lesson
import torch

from gk_utils.classroom import exercise
from gk_utils.classroom.exercise import Exercise, attempt, cases_of, diagnose, find, problems, reference
from gk_utils.classroom.mistakes import Mistake, on_result, scaled, shifted, written


@pytest.fixture(autouse=True)
def lesson(tmp_path, monkeypatch):
    synthetic_lesson.open_lesson(tmp_path, monkeypatch)


def make(*mistakes, cases=None, **options):
    """An exercise on whole numbers: 1 to 7, and a random one."""

    def numbers(rng):
        return [(n,) for n in range(1, 8)] + [(int(rng.integers(9, 10**6)),)]

    return Exercise("90.numbers", cases or numbers, mistakes, **options)


def half(n):
    return n / 2


class TestFind:
    def test_known(self):
        assert find("90.visible_width") is synthetic_lesson.EXERCISES[1]

    @pytest.mark.parametrize("unknown", ["90.width", "88.areas", "", "areas"])
    def test_unknown(self, unknown):
        with pytest.raises(ValueError, match="expected one of"):
            find(unknown)


class TestReference:
    def test_is_the_lessons_solution(self):
        areas = reference("90.areas")
        assert areas(torch.tensor([[0.0, 0.0, 4.0, 3.0], [4.0, 4.0, 2.0, 1.0]])).tolist() == [12.0, 0.0]
        assert reference("90.areas") is areas

    def test_unknown(self):
        with pytest.raises(ValueError, match="got '90.nothing'"):
            reference("90.nothing")


class TestCasesOf:
    def test_a_seed_gives_the_same_cases_each_time(self):
        assert cases_of(make()) == cases_of(make())
        assert cases_of(make(), hidden=True) == cases_of(make(), hidden=True)

    def test_hidden_cases_share_the_hand_made_ones_only(self):
        visible, hidden = cases_of(make()), cases_of(make(), hidden=True)
        assert visible[:7] == hidden[:7]
        assert visible[7] != hidden[7]

    def test_a_cohort_has_hidden_cases_of_its_own(self, monkeypatch):
        usual = cases_of(make()), cases_of(make(), hidden=True)
        drawn = []
        for seed in ("0", "1", "2027"):
            monkeypatch.setenv("GK_COHORT_SEED", seed)
            assert cases_of(make()) == usual[0]
            drawn.append(cases_of(make(), hidden=True)[7])
        assert len({*drawn, usual[0][7], usual[1][7]}) == 5
        monkeypatch.setenv("GK_COHORT_SEED", "")
        assert cases_of(make(), hidden=True) == usual[1]

    @pytest.mark.parametrize("seed", ["autumn", "-1", "1.5", " "])
    def test_bad_cohort_seed(self, seed, monkeypatch):
        monkeypatch.setenv("GK_COHORT_SEED", seed)
        with pytest.raises(ValueError, match=r"GK_COHORT_SEED: expected a whole number, got .*\. Set it to digits"):
            cases_of(make(), hidden=True)


class TestAttempt:
    def test_keeps_value_print_and_arguments(self):
        given = ([1, 2],)

        def function(numbers):
            print("out")
            print("err", file=sys.stderr)
            warnings.warn("not kept", stacklevel=1)
            numbers.append(3)
            return len(numbers)

        outcome = attempt(function, given)
        assert (outcome.value, outcome.error, outcome.changed, outcome.printed) == (3, None, 0, "out\nerr\n")
        assert given == ([1, 2],)

    def test_says_which_argument_changed(self):
        def function(first, second):
            second[0, 0] = 7

        assert attempt(function, (1, torch.zeros(1, 1))).changed == 1
        assert attempt(lambda first, second: first, (1, np.array([np.nan]))).changed is None

    def test_a_later_call_cannot_change_an_earlier_result(self):
        buffer = []

        def function(n):
            buffer.append(n)
            return buffer

        first = attempt(function, (1,))
        attempt(function, (2,))
        assert first.value == [1]

    @pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), MemoryError(), GeneratorExit()])
    def test_keeps_what_is_raised(self, error):
        def function():
            print("before")
            raise error

        outcome = attempt(function, ())
        assert outcome.error is error
        assert outcome.printed == "before\n"

    def test_ctrl_c_gets_through(self):
        def function():
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            attempt(function, ())

    def test_streams_are_put_back(self):
        out, err = sys.stdout, sys.stderr
        attempt(lambda: 1 / 0, ())
        assert (sys.stdout, sys.stderr) == (out, err)


class TestDiagnose:
    def outcomes(self, function, known):
        return [attempt(function, case) for case in cases_of(known)]

    def test_names_the_mistake_that_does_the_same(self):
        plus, times = shifted(3), scaled(7)
        known = make(plus, times)
        assert diagnose(known, half, self.outcomes(lambda n: n / 2 + 3, known)) is plus
        assert diagnose(known, half, self.outcomes(lambda n: n * 3.5, known)) is times

    def test_must_do_the_same_on_every_case(self):
        known = make(scaled(7))
        assert diagnose(known, half, self.outcomes(lambda n: n * 3.5 if n < 8 else 0.0, known)) is None

    def test_must_differ_from_the_reference(self):
        known = make(scaled(1))
        assert diagnose(known, half, self.outcomes(half, known)) is None

    def test_the_exercises_own_come_before_the_general_ones(self):
        own = scaled(2)
        assert diagnose(make(own), half, self.outcomes(float, make())) is own
        assert diagnose(make(), half, self.outcomes(float, make())).name == own.name

    def test_an_error_is_a_result_too(self):
        known = make(written("no guard", "Guard it.", lambda n: 1 / (n - 3)))
        assert diagnose(known, lambda n: 0.0 if n == 3 else 1 / (n - 3), self.outcomes(lambda n: 1 / (n - 3), known))
        assert diagnose(known, half, self.outcomes(lambda n: 1 / 0, known)) is None

    def test_an_error_does_not_look_like_a_general_mistake(self):
        def text(n):
            return str(n)

        def raising(n):
            raise TypeError

        assert diagnose(make(), text, self.outcomes(raising, make())) is None

    def test_given_cases(self):
        known = make(scaled(7))
        cases = cases_of(known, hidden=True)
        outcomes = [attempt(lambda n: n * 3.5, case) for case in cases]
        assert diagnose(known, half, outcomes, cases) is known.mistakes[0]
        assert diagnose(known, half, outcomes) is None

    def test_results_that_refuse_to_be_compared(self):
        class Weird(float):
            __hash__ = None

            def __eq__(self, other):
                raise RuntimeError

        assert diagnose(make(scaled(7)), half, self.outcomes(Weird, make())) is None


class TestProblems:
    @pytest.mark.parametrize("known", synthetic_lesson.EXERCISES)
    def test_none(self, known):
        assert problems(known, reference(known.id)) == []

    @pytest.mark.parametrize(
        ("known", "reference", "problem"),
        [
            (
                make(scaled(7), cases=lambda rng: [(int(rng.integers(99)),)] * 3),
                half,
                "expected 8 cases or more, got 3",
            ),
            (
                make(scaled(7), cases=lambda rng: [(n,) for n in range(9)]),
                half,
                "the hidden cases are the visible ones",
            ),
            (make(), half, "names no mistake"),
            (make(scaled(7)), lambda n: 1 / (n - 3), "visible case 3: the reference raises ZeroDivisionError"),
            (
                make(scaled(7)),
                lambda n: float("nan") if n == 2 else 1.0,
                "visible case 2: the reference does not equal",
            ),
            (make(scaled(7)), lambda n: None, "the reference returns None for every visible case"),
            (make(scaled(1)), half, "the mistake 'the result 1 times too large' passes"),
            (
                make(scaled(7), Mistake("7", "It is.", scaled(7).wrong)),
                half,
                "is taken for 'the result 7 times too large'",
            ),
            (make(on_result("only small", "No.", lambda x: x + (x < 1))), lambda n: n - 0.5, ""),
        ],
    )
    def test_each(self, known, reference, problem):
        found = problems(known, reference)
        assert any(problem in line for line in found) or not (problem or found)

    def test_cases_that_differ_from_call_to_call(self):
        calls = []
        known = make(scaled(7), cases=lambda rng: calls.append(1) or [(len(calls) + n,) for n in range(8)])
        assert any("differ between two calls" in line for line in problems(known, half))

    def test_a_reference_that_changes_its_argument(self):
        known = make(scaled(7), cases=lambda rng: [([n, int(rng.integers(9))],) for n in range(8)])
        assert any("changes argument 1" in line for line in problems(known, lambda pair: pair.pop() + pair.pop()))

    def test_a_mistake_that_only_the_visible_cases_show(self):
        special = int(np.random.default_rng(exercise.VISIBLE_SEED).integers(9, 10**6)) / 2
        known = make(on_result("one wrong", "No.", lambda x: 2 * x if x == special else x))
        assert problems(known, half) == [
            "90.numbers: on the hidden cases the mistake 'one wrong' passes, or does something else each time"
        ]
