import torch

from gk_utils.countertop.animals import ANIMALS
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing


def cat(facing, state=None):
    return Scene((Thing("cat", "black", "large", "plain", facing, state, x=0.5, depth=0.75, scale=1.6),))


class TestAnimals:
    """What test_shapes.py holds for every recipe holds for these; here is what makes an animal."""

    def test_poses(self):
        assert set(ANIMALS) == {
            ("cat", ""),
            ("cat", "sleeping"),
            ("cat", "reaching"),
            ("bird", ""),
            ("bird", "singing"),
        }

    def test_a_cat_looks_where_it_faces(self):
        for facing, side in (("left", slice(0, 80)), ("right", slice(80, 160))):
            rendered = render([cat(facing)], (160, 160))
            white = (rendered.images[0].amin(0) > 0.8) & rendered.masks[0, 0]  # eyes and muzzle
            assert white[:, side].sum() > 0.8 * white.sum() > 0

    def test_a_reaching_paw_makes_it_wider_and_sleep_lower(self):
        boxes = render([cat("right"), cat("right", "reaching"), cat("right", "sleeping")], (160, 160)).boxes[:, 0]
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        assert width[1] > 1.08 * width[0]
        assert height[2] < 0.6 * height[0]
        assert torch.equal(height[0], height[1])
