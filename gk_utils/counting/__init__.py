"""Counting: scenes with 1 to 120 things of a kind, and counters that read the number off a picture in seven ways.

- `counting_scenes`: draws and paints the scenes; `counting_trials`: frozen sets of them, each made to show one thing.
- `counters`: `load_counter`, and what a counter answers.
- `counting_model`, `density_maps`, `set_cells`, `exemplar_prompts`: how counters are made. `counting_start`,
  `counting_recipe`, `questions_to_count`: how they learn.
- `tiling`, `classical`: counting a part at a time, and without learning. `count_exports` writes the scenes in public
  formats.
"""

from gk_utils.counting.counters import Counted, Counter, load_counter
from gk_utils.counting.counting_scenes import CountingScene, draw_counting_scene, render_counting
from gk_utils.counting.density_maps import density_map

__all__ = [
    "Counted",
    "Counter",
    "CountingScene",
    "density_map",
    "draw_counting_scene",
    "load_counter",
    "render_counting",
]
