"""The exercises of lesson 13."""

from gk_utils.classroom.exercises.shikra.bracket import BRACKET
from gk_utils.classroom.exercises.shikra.judge import JUDGE
from gk_utils.classroom.exercises.shikra.learned import LEARNED
from gk_utils.classroom.exercises.shikra.tell_apart import TELL_APART

EXERCISES = (BRACKET, LEARNED, JUDGE, TELL_APART)
