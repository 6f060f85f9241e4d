"""Ferret: regions of any shape in a sentence, as coordinates and as features. Notebook: 14.

- `region_forms`: points, boxes, scribbles, polygons, free forms, and the pixels of each. `hybrid_reference` writes them
  in a text.
- `point_sets`, `region_sampler`: the spatial-aware visual sampler, from 512 points to one vector; `slow_sampler` is the
  same to be read. `two_resolutions` is what Ferret-v2 adds.
- `twin_regions`, `region_questions`: questions about regions of the countertop, with some that no box can answer.
- `region_reader`, `ferret_recipe`, `mini_ferret`: a tiny reader of such questions, its training, its use. `patch_votes`
  is the peer that learns nothing.
"""

from gk_utils.ferret.hybrid_reference import HybridReference, read_references, reference_of
from gk_utils.ferret.mini_ferret import MiniFerret, RegionAnswer, load_mini
from gk_utils.ferret.point_sets import farthest_points, nearest_points, points_inside
from gk_utils.ferret.region_forms import (
    BoxRegion,
    FreeFormRegion,
    PointRegion,
    PolygonRegion,
    Region,
    ScribbleRegion,
    region_mask,
)
from gk_utils.ferret.region_sampler import SamplerSettings, SpatialAwareVisualSampler, read_at
from gk_utils.ferret.slow_sampler import sampler_loop
from gk_utils.ferret.twin_regions import Twins, find_twins

__all__ = [
    "BoxRegion",
    "FreeFormRegion",
    "HybridReference",
    "MiniFerret",
    "PointRegion",
    "PolygonRegion",
    "Region",
    "RegionAnswer",
    "SamplerSettings",
    "ScribbleRegion",
    "SpatialAwareVisualSampler",
    "Twins",
    "farthest_points",
    "find_twins",
    "load_mini",
    "nearest_points",
    "points_inside",
    "read_at",
    "read_references",
    "reference_of",
    "region_mask",
    "sampler_loop",
]
