"""The pictures of the Triton kernels equal those of `render`. As a script, this file renders and saves them.

Without a GPU the kernels run in Triton's interpreter, which has to be switched on before anything imports Triton: in a
process of its own.
"""

import pickle
import sys
from pathlib import Path

import pytest
import torch
from interpreter import run_interpreted

from gk_utils.countertop import fused_render
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene, draw_scene, draw_scenes
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.things import COLOURS, KINDS, PATTERNS, Thing

FIELDS = ("images", "masks", "masks_full", "boxes", "boxes_full", "order", "exists")


def thing(category, number=0, **changes):
    facing = ("left", "right")[number % 2] if KINDS[category].facing else None
    look = {"size": ("large", "small")[number % 2], "pattern": PATTERNS[1 + number % 2], "facing": facing}
    place = {"x": (0.0, 0.4, 0.5, 1.0)[number % 4], "depth": (1.0, 0.5, 0.0)[number % 3], "state": None}
    return Thing(category, COLOURS[number % len(COLOURS)], **look | place | changes)


def inside(outer, *things):
    below = thing(outer, 0, x=0.5, depth=0.8, scale=1.5)
    within = [thing(name, 1, x=0.5, depth=0.8, relation="inside", support=0) for name in things]
    return Scene((below, *within), wall="sage")


def every_recipe():
    """Scenes with each category in each pose, in front of and over each other, some over the border."""
    looks = [look for look in RECIPES if look != ("spoon", "standing")]
    things = [thing(category, number, state=pose or None) for number, (category, pose) in enumerate(looks)]
    return [Scene(tuple(things[start::5]), counter="teal") for start in range(5)]


CASES = {
    "every recipe": (every_recipe(), (96, 96)),
    "inside": ([inside("mug", "spoon"), inside("bowl", "apple")], (64, 64)),
    "drawn": ([Scene(()), *draw_scenes([3])], (64, 100)),
    "nothing": ([Scene(()), Scene((), wall="sky")], (40, 64)),
    "loads": ([draw_scene(seed, n=2) for seed in range(3)], (64, 64)),
}

if __name__ == "__main__":
    fused_render.BLOCK, fused_render.TILE_HW = 2048, (64, 64)  # what an operation costs here is to be started
    results = {}
    for name, (scenes, image_hw) in CASES.items():
        fused_render.LOAD = 1 if name == "loads" else 1_000_000
        rendered = render(scenes, image_hw)
        results[name] = {field: getattr(rendered, field) for field in FIELDS}
    Path(sys.argv[1]).write_bytes(
        pickle.dumps((results, [kernel.__name__ for kernel in fused_render._paint_kernels()]))
    )


def assert_equal_pictures(fused: Rendered, plain: Rendered):
    assert torch.equal(fused.order.cpu(), plain.order)
    assert torch.equal(fused.exists.cpu(), plain.exists)
    torch.testing.assert_close(fused.images.cpu(), plain.images, atol=2e-5, rtol=0)
    for name in ("masks", "masks_full"):
        got, expected = getattr(fused, name).cpu(), getattr(plain, name)
        assert got.dtype == torch.bool
        assert got.shape == expected.shape
        assert (got != expected).sum() <= 1e-4 * expected.sum()  # a pixel whose centre lies on an edge
    for name in ("boxes", "boxes_full"):
        torch.testing.assert_close(getattr(fused, name).cpu(), getattr(plain, name), atol=1, rtol=0)


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    return pickle.loads(run_interpreted(__file__, tmp_path_factory.mktemp("triton")).read_bytes())


class TestRenderFused:
    @pytest.mark.parametrize("name", CASES)
    def test_equals_render(self, interpreted, name):
        scenes, image_hw = CASES[name]
        assert_equal_pictures(Rendered(**interpreted[0][name]), render(scenes, image_hw))

    def test_a_kernel_for_each_recipe(self, interpreted):
        names = interpreted[1]
        assert len(set(names)) == len(RECIPES)
        assert names[:2] == ["paint_mug", "paint_mug_steaming"]

    def test_the_kernels_did_it(self, interpreted):
        """Equal pictures up to rounding, and somewhere rounded in another way."""
        scenes, image_hw = CASES["every recipe"]
        assert not torch.equal(interpreted[0]["every recipe"]["images"], render(scenes, image_hw).images)

    def test_the_cases_hold_what_they_should(self):
        scenes = every_recipe()
        things = [one for scene in scenes for one in scene.things]
        assert {(one.category, one.state or "") for one in things} == set(RECIPES) - {("spoon", "standing")}
        assert {one.pattern for one in things} == {"striped", "dotted"}
        rendered = render(scenes, (96, 96))
        assert (rendered.boxes_full[..., 0] == 0).any()
        assert (rendered.boxes_full[..., 2] == 96).any()
        assert (rendered.masks.sum((2, 3)) < rendered.masks_full.sum((2, 3))).any()

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    @pytest.mark.parametrize("image_hw", [(128, 128), (64, 200)])
    def test_equals_render_on_a_gpu(self, image_hw):
        scenes = [*every_recipe(), *draw_scenes(range(40)), inside("mug", "spoon"), inside("bowl", "banana")]
        assert_equal_pictures(render(scenes, image_hw, "cuda"), render(scenes, image_hw))
