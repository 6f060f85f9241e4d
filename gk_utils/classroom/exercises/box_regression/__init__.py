"""The exercises of lesson 04."""

from gk_utils.classroom.exercises.box_regression.delta import DELTA
from gk_utils.classroom.exercises.box_regression.hedge import HEDGE
from gk_utils.classroom.exercises.box_regression.pulls import PULLS
from gk_utils.classroom.exercises.box_regression.regret import REGRET

EXERCISES = (PULLS, REGRET, HEDGE, DELTA)
