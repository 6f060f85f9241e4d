"""The exercises of lesson 17."""

from gk_utils.classroom.exercises.capstone.backed import BACKED
from gk_utils.classroom.exercises.capstone.score_card import SCORE_CARD
from gk_utils.classroom.exercises.capstone.settle import SETTLE

EXERCISES = (BACKED, SETTLE, SCORE_CARD)
