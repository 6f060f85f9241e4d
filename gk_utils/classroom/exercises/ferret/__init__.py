"""The exercises of lesson 14."""

from gk_utils.classroom.exercises.ferret.fold import FOLD
from gk_utils.classroom.exercises.ferret.next_point import NEXT_POINT
from gk_utils.classroom.exercises.ferret.same_box import SAME_BOX
from gk_utils.classroom.exercises.ferret.written import WRITTEN

EXERCISES = (WRITTEN, SAME_BOX, NEXT_POINT, FOLD)
