"""The exercises of lesson 10."""

from gk_utils.classroom.exercises.spatial_relations.clock import CLOCK
from gk_utils.classroom.exercises.spatial_relations.conflicts import CONFLICTS
from gk_utils.classroom.exercises.spatial_relations.from_to import FROM_TO
from gk_utils.classroom.exercises.spatial_relations.refuse import REFUSE

EXERCISES = (CONFLICTS, CLOCK, FROM_TO, REFUSE)
