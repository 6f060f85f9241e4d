"""The exercises of lesson 01."""

from gk_utils.classroom.exercises.boxes.overlap import COVERAGE, WASTE
from gk_utils.classroom.exercises.boxes.read_answer import READ_ANSWER
from gk_utils.classroom.exercises.boxes.which_frame import WHICH_FRAME

EXERCISES = (READ_ANSWER, WHICH_FRAME, COVERAGE, WASTE)
