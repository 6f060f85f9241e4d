"""The exercises of lesson 12."""

from gk_utils.classroom.exercises.kosmos2.moved_sides import MOVED_SIDES
from gk_utils.classroom.exercises.kosmos2.outermost import OUTERMOST
from gk_utils.classroom.exercises.kosmos2.pair_f1 import PAIR_F1
from gk_utils.classroom.exercises.kosmos2.plain_spans import PLAIN_SPANS

EXERCISES = (PLAIN_SPANS, MOVED_SIDES, OUTERMOST, PAIR_F1)
