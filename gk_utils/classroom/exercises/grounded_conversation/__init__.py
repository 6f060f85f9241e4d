"""The exercises of lesson 15."""

from gk_utils.classroom.exercises.grounded_conversation.caught import CAUGHT
from gk_utils.classroom.exercises.grounded_conversation.made_up import MADE_UP
from gk_utils.classroom.exercises.grounded_conversation.matched import MATCHED
from gk_utils.classroom.exercises.grounded_conversation.tempting import TEMPTING

EXERCISES = (CAUGHT, TEMPTING, MADE_UP, MATCHED)
