"""Witnesses: the trunk as a list of things and as answers, and pictures as told."""

import pytest
import torch
from some_views import HW, told_view

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.grounded_conversation.witnesses import View, view_pictures
from gk_utils.models.trunk_grounder import load_grounder

MUG = (10.0, 10.0, 30.0, 30.0)


class TestViewPictures:
    def test_sees_what_is_there(self):
        scenes = [draw_scene(seed, n=4) for seed in (3, 5)]
        rendered = render(scenes, (96, 128))
        views = view_pictures(load_grounder()[0], list(rendered.images))
        named, right = 0, 0
        for row, (scene, view) in enumerate(zip(scenes, views, strict=True)):
            assert view.image_hw == (96, 128)
            assert len(view.maybe) >= len(view.arrangement)
            assert view.colour_shares.shape == (len(view.arrangement), 8)
            for index, thing in enumerate(scene.things):
                named += 1
                at = view.thing_at(rendered.boxes[row, index])
                if at is not None:
                    seen = view.arrangement.things[at]
                    right += (seen.name, seen.attributes["colour"]) == (thing.category, thing.colour)
        assert right >= named - 1

    def test_no_pictures(self):
        assert view_pictures(load_grounder()[0], []) == []


class TestView:
    def test_thing_at(self):
        view = told_view([("mug", "red", MUG), ("cat", "red", (50, 50, 90, 90))])
        assert view.thing_at(torch.tensor([12.0, 10, 30, 30])) == 0
        assert view.thing_at(torch.tensor([60.0, 10, 70, 30])) is None
        assert told_view([]).thing_at(torch.tensor(MUG)) is None

    def test_a_phrase_is_asked_once(self):
        view = told_view([], {"mug": MUG, "cat": None})
        assert view.ask("mug").boxes.tolist() == [list(MUG)]
        assert view.ask("cat").none == 1
        assert len(view.ask("cat").boxes) == 0
        view.ask("mug")
        assert view.grounder.asked == ["mug", "cat"]

    def test_asked_ahead(self):
        views = [told_view([], {"mug": MUG, "cat": None}), told_view([], {"mug": None})]
        views[1].grounder = views[0].grounder  # one model answers for all
        View.ask_all(views, [["mug", "cat", "mug"], ["mug"]])
        assert views[0].grounder.asked == ["mug", "cat", "mug"]
        View.ask_all(views, [["mug"], []])
        assert len(views[0].grounder.asked) == 3

    def test_as_many_lists_as_pictures(self, unhooked):
        with pytest.raises(ValueError, match="phrases"):
            View.ask_all([told_view([])], [])

    def test_the_words_about_another_picture(self):
        view, other = told_view([("mug", "red", MUG)]), told_view([("cat", "red", MUG)])
        view.image = torch.ones(3, *HW)
        mixed = view.elsewhere(other)
        assert mixed.arrangement.things[0].name == "cat"
        assert float(mixed.image.min()) == 1
