"""The tests that every lesson's exercises pass; a lesson's test file names its own right answers."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from gk_utils.classroom import check
from gk_utils.classroom.exercise import Exercise, problems, reference


def exercise_tests(exercises: Sequence[Exercise], right_answers: Mapping[str, Sequence[Callable]]) -> type:
    """The test class of a lesson: `TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)`."""

    class TestExercises:
        @pytest.mark.parametrize("exercise", exercises, ids=lambda exercise: exercise.id)
        def test_is_sound_and_names_three_mistakes(self, exercise):
            assert problems(exercise, reference(exercise.id)) == []
            assert len(exercise.mistakes) >= 3

        @pytest.mark.parametrize("exercise", exercises, ids=lambda exercise: exercise.id)
        @pytest.mark.parametrize("hidden", [False, True])
        def test_other_right_answers_pass(self, exercise, hidden, capsys):
            assert len(right_answers[exercise.id]) >= 2
            for answer in right_answers[exercise.id]:
                check(exercise.id, answer, hidden=hidden)
                assert f"{exercise.id} passed" in capsys.readouterr().out

    return TestExercises
