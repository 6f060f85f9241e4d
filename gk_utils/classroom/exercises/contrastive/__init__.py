"""The exercises of lesson 11."""

from gk_utils.classroom.exercises.contrastive.best_blind import BEST_BLIND
from gk_utils.classroom.exercises.contrastive.least_loss import LEAST_LOSS
from gk_utils.classroom.exercises.contrastive.own_loss import OWN_LOSS
from gk_utils.classroom.exercises.contrastive.swap_adjectives import SWAP_ADJECTIVES

EXERCISES = (LEAST_LOSS, SWAP_ADJECTIVES, OWN_LOSS, BEST_BLIND)
