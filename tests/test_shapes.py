"""The recipes of `shapes` and of `animals`: there for every category and state, and within their stated reach."""

import pytest
import torch

from gk_utils.countertop.animals import ANIMALS
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.things import KINDS, PATTERNS, Thing, unit_of

HW = (160, 160)
POSES = [(category, state) for category, kind in KINDS.items() for state in (None, *kind.states)]


def alone(category, state=None, facing="left", **changes):
    look = {"colour": "blue", "size": "large", "pattern": "plain", "x": 0.5, "depth": 0.75, "scale": 1.6, **changes}
    return Scene((Thing(category, facing=facing if KINDS[category].facing else None, state=state, **look),))


class TestRecipes:
    def test_one_for_every_category_and_state(self):
        assert set(RECIPES) == {(name, state or "") for name, state in POSES} | {("spoon", "standing")}
        assert {name for name, _ in ANIMALS} == {name for name, kind in KINDS.items() if kind.animal}

    @pytest.mark.parametrize(("category", "state"), POSES)
    def test_the_kind_says_how_large_it_is(self, category, state):
        scene = alone(category, state)
        x1, y1, x2, y2 = render([scene], HW).boxes_full[0, 0].tolist()
        unit = unit_of(scene.things[0]) * HW[0]
        half_width, height = KINDS[category].extent(state)
        if state == "pouring":
            half_width -= 0.23  # the water, which is no part of the kettle
        ground = 0.8375 * HW[0]
        assert max(HW[1] / 2 - x1, x2 - HW[1] / 2) == pytest.approx(half_width * unit, abs=0.06 * unit)
        assert ground - y1 == pytest.approx(height * unit, abs=0.06 * unit)
        assert y2 == pytest.approx(ground, abs=0.06 * unit)

    @pytest.mark.parametrize(("category", "state"), POSES)
    def test_nothing_is_cut_off_by_the_patch(self, category, state):
        recipe = RECIPES[category, state or ""]
        scene = alone(category, state)
        image, empty = render([scene, Scene(())], HW).images
        changed = ((image - empty).abs().amax(0) > 0.004).nonzero()
        unit = unit_of(scene.things[0]) * HW[0]
        (top, left), (bottom, right) = changed.amin(0).tolist(), changed.amax(0).tolist()
        assert left > HW[1] / 2 - recipe.half_width * unit
        assert right < HW[1] / 2 + recipe.half_width * unit
        assert top > 0.8375 * HW[0] - recipe.up * unit
        assert bottom < 0.8375 * HW[0] + recipe.down * unit

    @pytest.mark.parametrize("category", KINDS)
    def test_patterns_and_colours_change_the_picture_and_not_the_mask(self, category):
        scenes = [alone(category, pattern=pattern) for pattern in PATTERNS] + [alone(category, colour="white")]
        rendered = render(scenes, HW)
        assert all(torch.equal(rendered.masks[0], mask) for mask in rendered.masks)
        for first in range(4):
            for second in range(first):
                difference = (rendered.images[first] - rendered.images[second]).abs().amax(0)
                assert (difference[rendered.masks[0, 0]] > 0.15).float().mean() > 0.05

    @pytest.mark.parametrize("category", [name for name, kind in KINDS.items() if kind.facing])
    def test_facing_right_mirrors_the_mask(self, category):
        masks = render([alone(category, facing=facing) for facing in ("left", "right")], HW).masks_full[:, 0]
        assert (masks[0] ^ masks[1].flip(1)).float().sum() <= 0.01 * masks[0].sum()
        assert (masks[0] ^ masks[1]).float().sum() > 0.02 * masks[0].sum()

    @pytest.mark.parametrize(("category", "state"), [pose for pose in POSES if pose[1]])
    def test_a_state_can_be_seen(self, category, state):
        plain, other = render([alone(category), alone(category, state)], HW).images
        assert ((plain - other).abs().amax(0) > 0.1).sum() > 30
