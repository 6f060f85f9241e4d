import numpy as np

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.shikra.talk_views import LEAST_VISIBLE, views_of


class TestViewsOf:
    def test_agrees_with_the_masks(self):
        scenes = [draw_scene_for(seed) for seed in range(4)]
        rendered = render(scenes)
        for row, view in enumerate(views_of(scenes, rendered, np.random.default_rng(0))):
            masks, full = rendered.masks[row], rendered.masks_full[row]
            for index in range(len(view.scene)):
                is_seen = masks[index].sum() > LEAST_VISIBLE * full[index].sum()
                assert (index in view.seen) == bool(is_seen)
                for x, y in view.points[index]:
                    assert masks[index, int(y * 128), int(x * 128)]
                if index in view.seen:
                    x1, y1, x2, y2 = (round(number * 128) for number in view.boxes[index])
                    assert masks[index].any(0).nonzero().flatten().tolist()[0] == x1
                    assert masks[index].any(1).nonzero().flatten().tolist()[-1] == y2 - 1
                    assert x1 < x2
                    assert y1 < y2
            for x, y in view.empty:
                assert not masks[:, int(y * 128), int(x * 128)].any()

    def test_no_scenes(self):
        assert views_of([], render([draw_scene_for(0)]), np.random.default_rng(0)) == []
