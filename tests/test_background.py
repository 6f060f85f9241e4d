import torch

from gk_utils.countertop.background import COUNTER_PAINTS, HORIZON, TILED, WALL_PAINTS, WOODEN, paint_background
from gk_utils.countertop.placement import BACK
from gk_utils.countertop.scene import COUNTERS, WALLS, Scene


class TestPaintBackground:
    def test_every_look_has_its_paint(self):
        assert (tuple(WALL_PAINTS), tuple(COUNTER_PAINTS)) == (WALLS, COUNTERS)
        assert set(TILED) < set(WALLS)
        assert set(WOODEN) < set(COUNTERS)
        assert HORIZON < BACK

    def test_wall_above_counter(self):
        image = paint_background([Scene((), wall="sand", counter="slate")], (100, 120))[0]
        wall, counter = image[:, :38].mean((1, 2)), image[:, 50:95].mean((1, 2))
        torch.testing.assert_close(wall, torch.tensor(WALL_PAINTS["sand"]), atol=0.03, rtol=0)
        torch.testing.assert_close(counter, torch.tensor(COUNTER_PAINTS["slate"]), atol=0.03, rtol=0)

    def test_in_range_and_each_its_own(self):
        scenes = [Scene((), wall=wall, counter=counter) for wall in WALLS for counter in COUNTERS]
        images = paint_background(scenes, (64, 64))
        assert images.min() >= 0
        assert images.max() <= 1
        assert len({tuple(image.mean((1, 2)).tolist()) for image in images}) == 36

    def test_no_scenes(self):
        assert paint_background([], (64, 80)).shape == (0, 3, 64, 80)
