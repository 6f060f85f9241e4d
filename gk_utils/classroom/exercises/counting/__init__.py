"""The exercises of lesson 16."""

from gk_utils.classroom.exercises.counting.best_cut import BEST_CUT
from gk_utils.classroom.exercises.counting.by_true import BY_TRUE
from gk_utils.classroom.exercises.counting.kept_mass import KEPT_MASS
from gk_utils.classroom.exercises.counting.once import ONCE

EXERCISES = (KEPT_MASS, BEST_CUT, ONCE, BY_TRUE)
