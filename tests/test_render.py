import dataclasses
import sys

import pytest
import torch

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.render import _lay_together, render
from gk_utils.countertop.scene import Scene, draw_scene, draw_scenes
from gk_utils.countertop.things import Thing

SCENES = draw_scenes(range(24))
RENDERED = render(SCENES)


def thing(category="apple", colour="red", **changes):
    look = {"size": "large", "pattern": "plain", "facing": None, "state": None, "x": 0.5, "depth": 0.5, **changes}
    return Thing(category, colour, **look)


class TestRender:
    def test_shapes(self):
        n = max(len(scene) for scene in SCENES)
        assert RENDERED.images.shape == (24, 3, 128, 128)
        assert RENDERED.masks.shape == RENDERED.masks_full.shape == (24, n, 128, 128)
        assert RENDERED.exists.sum(1).tolist() == [len(scene) for scene in SCENES]
        assert RENDERED.images.min() >= 0
        assert RENDERED.images.max() <= 1

    def test_the_same_pixels_again_alone_and_in_company(self):
        again = render(SCENES)
        assert torch.equal(again.images, RENDERED.images)
        assert torch.equal(again.masks, RENDERED.masks)
        alone = render([SCENES[5]])
        n = len(SCENES[5])
        assert torch.equal(alone.masks[0], RENDERED.masks[5, :n])
        torch.testing.assert_close(alone.images[0], RENDERED.images[5], atol=1e-5, rtol=0)

    def test_masks_are_disjoint_and_inside_the_full_ones(self):
        assert RENDERED.masks.sum(1).max() == 1
        assert not (RENDERED.masks & ~RENDERED.masks_full).any()
        assert not RENDERED.masks_full[~RENDERED.exists].any()

    def test_boxes_are_those_of_the_masks(self):
        for masks, boxes in ((RENDERED.masks, RENDERED.boxes), (RENDERED.masks_full, RENDERED.boxes_full)):
            assert torch.equal(boxes_from_masks(masks.flatten(0, 1)), boxes.flatten(0, 1))
        seen = RENDERED.masks.any(-1).any(-1)
        assert (RENDERED.boxes[seen][:, :2] >= RENDERED.boxes_full[seen][:, :2]).all()
        assert (RENDERED.boxes[seen][:, 2:] <= RENDERED.boxes_full[seen][:, 2:]).all()

    def test_every_thing_can_be_seen(self):
        visible = RENDERED.masks.sum((2, 3)) / RENDERED.masks_full.sum((2, 3)).clamp(min=1)
        assert visible[RENDERED.exists].min() > 0.1
        assert (visible[RENDERED.exists] > 0.5).float().mean() > 0.85

    def test_what_is_painted_later_hides(self):
        """Where two full masks overlap, the pixel is not the earlier one's; things inside others are clipped."""
        for position, scene in enumerate(SCENES):
            full, visible, order = RENDERED.masks_full[position], RENDERED.masks[position], RENDERED.order[position]
            assert order[: len(scene)].tolist() == [scene.paint_order().index(i) for i in range(len(scene))]
            for first in range(len(scene)):
                for second in range(len(scene)):
                    inside = scene.things[second].relation == "inside"
                    if order[first] < order[second] and not inside:
                        assert not (full[first] & full[second] & visible[first]).any()

    def test_near_hides_far(self):
        far, near = thing(depth=0.5), thing(colour="blue", depth=0.6)
        rendered = render([Scene((near, far))])
        assert rendered.order.tolist() == [[1, 0]]
        assert torch.equal(rendered.masks[0, 0], rendered.masks_full[0, 0])
        assert 0 < rendered.masks[0, 1].sum() < rendered.masks_full[0, 1].sum()
        centre = rendered.boxes[0, 0].reshape(2, 2).mean(0).long()
        red, _, blue = rendered.images[0, :, centre[1], centre[0]]
        assert blue > red

    def test_a_spoon_in_a_mug_shows_above_the_rim_only(self):
        mug = thing("mug", "white", facing="left", depth=0.8, scale=1.5)
        spoon = thing("spoon", "red", facing="left", depth=0.8, scale=1.5, relation="inside", support=0)
        rendered = render([Scene((mug, spoon))], (256, 256))
        visible, full = rendered.boxes[0, 1], rendered.boxes_full[0, 1]
        mug_top = rendered.boxes_full[0, 0, 1]
        assert visible[1] == full[1] < mug_top
        assert mug_top < visible[3] < mug_top + 14 < full[3]

    def test_twice_the_size_is_twice_the_boxes(self):
        twice = render(SCENES, (256, 256))
        apart = (twice.boxes_full - 2 * RENDERED.boxes_full)[RENDERED.exists].abs()
        assert (apart <= 2).float().mean() > 0.99
        assert apart.max() <= 4  # a tip thinner than a pixel
        share = twice.masks_full.float().mean((2, 3)) - RENDERED.masks_full.float().mean((2, 3))
        assert share.abs().max() < 0.004
        small = torch.nn.functional.avg_pool2d(twice.images, 2)
        assert (small - RENDERED.images).abs().mean() < 0.01

    def test_a_wide_picture_spreads_things(self):
        apple = thing(x=0.25)
        wide, square = (render([Scene((apple,))], hw).boxes[0, 0] for hw in ((128, 256), (128, 128)))
        assert (wide[2:] - wide[:2]).tolist() == (square[2:] - square[:2]).tolist()
        assert (wide[0] + wide[2]) / 2 == pytest.approx(64, abs=1)

    def test_a_thing_at_the_border_is_cut_off(self):
        rendered = render([Scene((thing(x=0.0, depth=1.0),))])
        assert rendered.boxes[0, 0, 0] == 0
        assert rendered.boxes[0, 0, 3] <= 128

    def test_nothing_to_paint(self):
        empty = render([Scene(()), Scene((), wall="sky")], (64, 96))
        assert empty.images.shape == (2, 3, 64, 96)
        assert (empty.masks.shape, empty.boxes.shape) == ((2, 0, 64, 96), (2, 0, 4))
        none = render([], (64, 96))
        assert (none.images.shape, none.boxes.shape) == ((0, 3, 64, 96), (0, 0, 4))

    def test_a_hundred_things(self):
        rendered = render([draw_scene(3, n=100)])
        assert rendered.exists.sum() == 100
        assert (rendered.masks.sum((2, 3)) > 0).float().mean() > 0.95

    def test_many_loads_equal_one(self, monkeypatch):
        monkeypatch.setitem(__import__("gk_utils.countertop.render", fromlist=["LOAD"]).LOAD, "cpu", 40_000)
        split = render(SCENES)
        assert torch.equal(split.masks, RENDERED.masks)
        torch.testing.assert_close(split.images, RENDERED.images, atol=1e-5, rtol=0)

    def test_both_ways_to_lay_patches_agree(self, monkeypatch):
        """The way of the GPU, run here: with spoons in mugs, and things over every border."""
        border = [thing(x=x, depth=depth, scale=2.0) for x, depth in ((0.0, 1.0), (1.0, 0.0), (0.3, 0.5))]
        scenes = [*SCENES, Scene(tuple(border)), Scene(())]
        for hw in ((64, 64), (40, 120)):
            each = render(scenes, hw)
            with monkeypatch.context() as patch:
                patch.setattr(sys.modules[render.__module__], "_lay_each", _lay_together)
                together = render(scenes, hw)
            assert torch.equal(together.masks, each.masks)
            assert torch.equal(together.masks_full, each.masks_full)
            torch.testing.assert_close(together.images, each.images, atol=1e-6, rtol=0)

    def test_the_result_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            RENDERED.images = None

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match=r"image_hw: expected \(height, width\), both above 0, got \(0, 64\)"):
            render(SCENES, (0, 64))
        with pytest.raises(ValueError, match=r"image_hw: expected whole numbers, got \(64.5, 64\)"):
            render(SCENES, (64.5, 64))
