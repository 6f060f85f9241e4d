"""Training of the mini models: recipes as data, and one loop that a kill at any moment cannot spoil.

`loop` is where to begin: what a task is, what a run writes, and `train`. `recipes` holds the recipes, `optimisation`
the schedule, the weight decay and the average, `machine` the device and the processes that draw samples, `run_files`
the state and the curve.
"""

from gk_utils.training.loop import train
from gk_utils.training.recipes import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe", "train"]
