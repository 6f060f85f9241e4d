"""Scenes to count in."""

import numpy as np
import pytest
import torch

from gk_utils.countertop.render import render
from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.counting_scenes import (
    SEEN,
    SEVENS,
    THREES,
    UNSEEN,
    CountingScene,
    draw_counting_scene,
    render_counting,
)


class TestCountingScene:
    def test_counts_what_it_was_drawn_for(self):
        scene = draw_counting_scene(3, n=6, category="mug", clutter=0.5)
        assert (scene.count(), len(scene), len(scene.things)) == (6, 9, 9)
        assert sum(scene.count(name) for name in CATEGORIES) == 9
        assert {scene.things[index].category for index in scene.select()} == {"mug"}

    def test_unknown_category(self):
        with pytest.raises(ValueError, match="category: expected one of"):
            draw_counting_scene(3, n=2).count("car")

    def test_seen_and_unseen_share_the_categories_out(self):
        assert sorted(SEEN + UNSEEN) == sorted(CATEGORIES)


class TestDrawCountingScene:
    def test_one_seed_one_scene(self):
        assert draw_counting_scene(11) == draw_counting_scene(11)
        assert draw_counting_scene(11) != draw_counting_scene(12)

    @pytest.mark.parametrize("n", [1, 20, 100, 120])
    def test_as_many_as_wanted(self, n):
        scene = draw_counting_scene(n, n=n, clutter=0)
        assert (scene.count(), len(scene)) == (n, n)
        assert len(scene.layers) == (1 if n <= 100 else 2)

    def test_layers_go_from_back_to_front(self):
        far, near = draw_counting_scene(0, n=120, clutter=0).layers
        assert max(thing.depth for thing in far.things) <= min(thing.depth for thing in near.things)

    def test_numbers_are_uniform_in_the_logarithm(self):
        counts = np.array([draw_counting_scene(seed, clutter=0, size=1, overlap=0.4).count() for seed in range(120)])
        assert (counts <= 11).mean() == pytest.approx(0.5, abs=0.15)
        assert counts.max() > 80

    def test_priors(self):
        drawn = [draw_counting_scene(seed, category="apple", priors=THREES) for seed in range(4)]
        assert [scene.count() for scene in drawn] == [3] * 4
        assert draw_counting_scene(0, category="apple", priors=SEVENS).count() == 7
        assert draw_counting_scene(0, n=5, category="apple", priors=THREES).count() == 5

    def test_what_has_a_usual_number_is_never_among_the_others(self):
        for seed in range(6):
            scene = draw_counting_scene(
                seed, n=4, category="mug", categories=("mug", "apple", "bowl"), clutter=2, priors=THREES
            )
            assert (scene.count("apple"), scene.count("bowl")) == (0, 8)

    def test_alike_or_not(self):
        alike, mixed = (draw_counting_scene(2, n=12, clutter=0, alike=value) for value in (True, False))
        looks = [{(thing.colour, thing.size, thing.pattern) for thing in scene.things} for scene in (alike, mixed)]
        assert len(looks[0]) == 1
        assert len(looks[1]) > 6

    def test_smaller_on_request(self):
        large, small = (draw_counting_scene(5, n=10, clutter=0, size=size) for size in (1, 0.4))
        scales = [np.mean([thing.scale for thing in scene.things]) for scene in (large, small)]
        assert scales[1] == pytest.approx(0.4 * scales[0], rel=0.1)

    def test_no_overlap_leaves_all_in_sight(self):
        scenes = [draw_counting_scene(seed, n=25, overlap=0) for seed in range(3)]
        painted = render_counting(scenes)
        visible = painted.masks.flatten(2).sum(-1) / painted.masks_full.flatten(2).sum(-1).clamp(min=1)
        assert visible[painted.exists].min() > 0.9

    def test_overlap_is_bounded_for_each_thing(self):
        painted = render_counting([draw_counting_scene(seed, n=40, overlap=0.5) for seed in range(2)], (256, 256))
        visible = painted.masks.flatten(2).sum(-1) / painted.masks_full.flatten(2).sum(-1).clamp(min=1)
        assert 0.25 < visible[painted.exists].min() < 0.8

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n": 121}, "n: expected 1 to 120, got 121"),
            ({"n": 0}, "n: expected 1 to 120, got 0"),
            ({"clutter": 3}, "clutter: expected 0 to 2, got 3"),
            ({"size": 0.1}, "size: expected 0.3 to 1, got 0.1"),
            ({"overlap": 0.9}, "overlap: expected 0 to 0.7, got 0.9"),
            ({"categories": ()}, "categories: expected at least one"),
            ({"category": "car"}, "category: expected one of"),
            ({"priors": {"car": 3}}, "category: expected one of"),
        ],
    )
    def test_errors(self, options, message):
        with pytest.raises(ValueError, match=message):
            draw_counting_scene(0, **options)


class TestRenderCounting:
    def test_one_layer_is_what_the_renderer_paints(self):
        scene = draw_counting_scene(0, n=7)
        ours, theirs = render_counting([scene], (64, 64)), render([scene.layers[0]], (64, 64))
        assert all(torch.equal(value, getattr(theirs, name)) for name, value in vars(ours).items())

    def test_two_layers_paint_as_one_would(self, monkeypatch):
        """With room for 160 things in one scene the renderer itself paints the same picture, but for edges."""
        scene = draw_counting_scene(1, n=110, clutter=0.2)
        ours = render_counting([scene], (128, 128))
        monkeypatch.setattr("gk_utils.countertop.scene.MAX_THINGS", 200)
        whole = type(scene.layers[0])(scene.things, 0, scene.layers[0].wall, scene.layers[0].counter)
        theirs = render([whole], (128, 128))
        apart = (ours.images - theirs.images).abs().amax(1)
        assert (apart > 0.1).float().mean() < 0.01
        assert torch.equal(ours.masks_full, theirs.masks_full)
        assert torch.equal(ours.masks, theirs.masks)
        assert torch.equal(ours.order, theirs.order)

    def test_a_batch_of_both(self):
        scenes = [draw_counting_scene(0, n=3, clutter=0), draw_counting_scene(1, n=105, clutter=0)]
        painted = render_counting(scenes, (64, 64))
        assert painted.exists.sum(1).tolist() == [3, 105]
        assert (painted.masks.sum(1) <= 1).all()
        assert torch.equal(painted.images[:1], render([scenes[0].layers[0]], (64, 64)).images)

    def test_nothing(self):
        assert render_counting([], (64, 64)).images.shape == (0, 3, 64, 64)
        assert isinstance(draw_counting_scene(0), CountingScene)
