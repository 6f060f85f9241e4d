"""What the assistant sees before anybody asks."""

from dataclasses import replace

import pytest
import torch
from some_assistant import KITCHEN, kitchen_view, models, painted
from torch.nn import functional

from gk_utils.assistant.sight import look_around
from gk_utils.boxes import paired_iou
from gk_utils.models.trunk import LABELS


class TestLookAround:
    def test_names_looks_and_boxes(self):
        sight = kitchen_view().sight
        seen = {sight.name(row): row for row in range(len(sight))}
        assert sorted(seen) == sorted(f"{thing.colour} {thing.category}" for thing in KITCHEN.things)
        rows = [seen[f"{thing.colour} {thing.category}"] for thing in KITCHEN.things]
        assert paired_iou(sight.boxes[rows], painted().boxes[0]).min() > 0.7
        assert all(sight.arrangement.things[row].attributes["pattern"] == "plain" for row in rows)

    def test_each_thing_once_and_surest_first(self):
        sight = kitchen_view().sight
        assert len(sight) == len(KITCHEN)
        assert (sight.scores[1:] <= sight.scores[:-1]).all()

    def test_a_pattern_without_agreement_is_not_said(self, monkeypatch):
        trunk, see = models().grounder.trunk, models().grounder.trunk.see

        def undecided(images):
            seen = see(images)
            tilted = torch.zeros_like(seen.labels["pattern"])
            tilted[..., 1] = 1.5  # logits: the second pattern leads, with less than AGREED
            return replace(seen, labels={**seen.labels, "pattern": tilted})

        monkeypatch.setattr(trunk, "see", undecided)
        sight = look_around(trunk, painted().images[0])
        assert sight.unsaid == frozenset(range(len(sight)))
        for row in range(len(sight)):
            thing = sight.arrangement.things[row]
            assert thing.attributes["pattern"] == LABELS["pattern"][1]
            assert (sight.look(row, "pattern"), sight.look(row, "colour")) == (None, thing.attributes["colour"])
            assert sight.name(row) == f"{thing.attributes['colour']} {thing.name}"
        assert sight.only([3, 1]).unsaid == {0, 1}
        assert not kitchen_view().sight.unsaid

    def test_a_picture_that_is_not_square(self):
        image = functional.interpolate(painted().images, (128, 128))[0][:, 24:]  # 104 high
        sight = look_around(models().grounder.trunk, image)
        assert sight.image_hw == (104, 128)
        assert (sight.boxes[:, 3] <= 104).all()
        assert "white plate" in {sight.name(row) for row in sight.sure()}

    def test_nothing_to_see(self):
        sight = look_around(models().grounder.trunk, torch.full((3, 40, 60), 0.5))
        assert sight.sure() == ()
        assert sight.only([]).boxes.shape == (0, 4)

    def test_no_pixels(self):
        with pytest.raises(ValueError, match="image: expected pixels"):
            look_around(models().grounder.trunk, torch.zeros(3, 0, 4))


class TestSight:
    def test_only_some(self):
        sight = kitchen_view().sight
        some = sight.only([2, 0])
        assert [some.name(0), some.name(1)] == [sight.name(2), sight.name(0)]
        assert torch.equal(some.boxes, sight.boxes[[2, 0]])
