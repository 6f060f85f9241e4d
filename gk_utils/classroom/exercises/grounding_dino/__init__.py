"""The exercises of lesson 07."""

from gk_utils.classroom.exercises.grounding_dino.best_threshold import BEST_THRESHOLD
from gk_utils.classroom.exercises.grounding_dino.label_kind import LABEL_KIND
from gk_utils.classroom.exercises.grounding_dino.leaks import LEAKS
from gk_utils.classroom.exercises.grounding_dino.mean_place import MEAN_PLACE

EXERCISES = (MEAN_PLACE, LEAKS, LABEL_KIND, BEST_THRESHOLD)
