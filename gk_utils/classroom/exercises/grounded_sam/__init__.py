"""The exercises of lesson 09."""

from gk_utils.classroom.exercises.grounded_sam.encoder_calls import ENCODER_CALLS
from gk_utils.classroom.exercises.grounded_sam.moved import MOVED
from gk_utils.classroom.exercises.grounded_sam.overlap import OVERLAP
from gk_utils.classroom.exercises.grounded_sam.rates import RATES

EXERCISES = (ENCODER_CALLS, OVERLAP, MOVED, RATES)
