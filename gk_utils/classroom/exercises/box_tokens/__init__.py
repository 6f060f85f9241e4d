"""The exercises of lesson 03."""

from gk_utils.classroom.exercises.box_tokens.legal import LEGAL
from gk_utils.classroom.exercises.box_tokens.near_mean import NEAR_MEAN
from gk_utils.classroom.exercises.box_tokens.wrote import WROTE

EXERCISES = (WROTE, LEGAL, NEAR_MEAN)
