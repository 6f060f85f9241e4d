"""The exercises of lesson 06."""

from gk_utils.classroom.exercises.roi_align.kinks import KINKS
from gk_utils.classroom.exercises.roi_align.overreach import OVERREACH
from gk_utils.classroom.exercises.roi_align.worst_bin import WORST_BIN

EXERCISES = (OVERREACH, WORST_BIN, KINKS)
