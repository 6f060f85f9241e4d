"""The exercises of lesson 08."""

from gk_utils.classroom.exercises.segment_anything.calibration_error import CALIBRATION_ERROR
from gk_utils.classroom.exercises.segment_anything.next_click import NEXT_CLICK
from gk_utils.classroom.exercises.segment_anything.pick_reading import PICK_READING
from gk_utils.classroom.exercises.segment_anything.to_model import TO_MODEL

EXERCISES = (TO_MODEL, PICK_READING, NEXT_CLICK, CALIBRATION_ERROR)
