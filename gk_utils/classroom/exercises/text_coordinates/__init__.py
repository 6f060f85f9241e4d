"""The exercises of lesson 05."""

from gk_utils.classroom.exercises.text_coordinates.leaders import LEADERS
from gk_utils.classroom.exercises.text_coordinates.possible import POSSIBLE
from gk_utils.classroom.exercises.text_coordinates.read_box import READ_BOX
from gk_utils.classroom.exercises.text_coordinates.spoiled import SPOILED

EXERCISES = (POSSIBLE, READ_BOX, SPOILED, LEADERS)
