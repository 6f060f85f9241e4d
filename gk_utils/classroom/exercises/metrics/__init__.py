"""The exercises of lesson 02."""

from gk_utils.classroom.exercises.metrics.by_picture import RESAMPLED, VERDICT
from gk_utils.classroom.exercises.metrics.tied import TIED
from gk_utils.classroom.exercises.metrics.true_accuracy import TRUE_ACCURACY

EXERCISES = (TIED, RESAMPLED, VERDICT, TRUE_ACCURACY)
