import json

import pytest
import torch
from tiny_sam import TINY
from torch.testing import assert_close

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.models.trunk_recipe import TRAINING_SEEDS
from gk_utils.segment_anything.clicks import MOST
from gk_utils.segment_anything.prompt_encoder import LOWER_RIGHT, ON, PADDING, UPPER_LEFT
from gk_utils.segment_anything.readings import all_readings
from gk_utils.segment_anything.sam_recipe import (
    Pictures,
    ask_for,
    build,
    draw,
    evaluate,
    first_prompts,
    loss,
    pictures_of,
)

DRAWN = draw(TINY, 0, 0)


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return pictures_of(DRAWN.scenes, 64, "cpu")


class TestBuild:
    def test_a_click_begins_with_the_cells_around_it(self):
        torch.manual_seed(0)
        sam = build({**TINY, "out_width": 64})
        places = sam.prompt_encoder.places
        attention = sam.mask_decoder.transformer.layers[0].from_picture
        with torch.no_grad():
            query = attention.query(places(torch.tensor([[(5.5) / 8, (2.5) / 8]])))
            scores = (query @ attention.key(places.of_grid(8).flatten(1).T).T).view(8, 8)
        assert divmod(int(scores.argmax()), 8) == (2, 5)

    def test_is_the_same_for_the_same_seed(self):
        torch.manual_seed(3)
        first = build(TINY).state_dict()
        torch.manual_seed(3)
        assert all(value.equal(first[name]) for name, value in build(TINY).state_dict().items())


class TestDraw:
    def test_depends_on_seed_and_step_alone(self):
        assert draw(TINY, 0, 0).scenes == DRAWN.scenes
        assert draw(TINY, 0, 1).scenes != DRAWN.scenes
        assert draw(TINY, 1, 0).scenes != DRAWN.scenes

    def test_every_second_scene_has_something_on_something(self):
        found = [draw(TINY, 0, step).scenes[0] for step in range(8)]
        assert sum(any(thing.support is not None for thing in scene.things) for scene in found) >= 7

    def test_no_scene_of_a_frozen_split(self):
        assert all(scene.seed < TRAINING_SEEDS for scene in DRAWN.scenes)

    def test_a_pool_comes_again(self):
        settings = {**TINY, "pool": 3}
        assert draw(settings, 0, 2).scenes is not None
        assert (draw(settings, 0, 5).number, draw(settings, 0, 5).scenes) == (2, None)


class TestPicturesOf:
    def test_owners_are_the_masks(self, pictures):
        rendered = render(DRAWN.scenes, (64, 64))
        for index in range(rendered.masks.shape[1]):
            assert (pictures.owner == index).equal(rendered.masks[:, index])
        assert (pictures.owner == rendered.masks.shape[1]).equal(~rendered.masks.any(1))

    def test_members_and_chances(self, pictures):
        for index, scene in enumerate(DRAWN.scenes):
            listed = all_readings(scene)
            for row, reading in enumerate(listed):
                assert pictures.members[index, row].nonzero()[:, 0].tolist() == list(reading.members)
            things = {reading.clicked for reading in listed}
            weight = pictures.chance[index].sum().item()
            assert weight == pytest.approx(round(weight))
            assert 1 <= weight <= len(things)
            assert pictures.chance[index, len(listed) :].sum() == 0


class TestAskFor:
    def test_truth_is_the_reading_and_holds_the_click(self, pictures):
        torch.manual_seed(0)
        asked = ask_for(pictures, pictures.owner, 30)
        assert asked.picture.tolist() == [0] * 30 + [1] * 30
        assert (asked.truth | ~asked.clicked).all()
        assert asked.clicked.flatten(1).any(1).all()
        larger = asked.truth.flatten(1).sum(1) > asked.clicked.flatten(1).sum(1)
        assert larger.any(), "some readings are more than the clicked thing"
        assert not larger.all()


class TestFirstPrompts:
    def test_boxes_and_clicks(self, pictures):
        torch.manual_seed(0)
        asked = ask_for(pictures, pictures.owner, 4)
        points, labels = first_prompts(asked, torch.arange(8) < 4)
        assert labels.tolist() == [[UPPER_LEFT, LOWER_RIGHT]] * 4 + [[ON, PADDING]] * 4
        x, y = points[4:, 0].long().unbind(1)
        assert asked.clicked[torch.arange(4, 8), y, x].all()
        for row in range(4):
            y, x = asked.truth[row].nonzero().unbind(1)
            want = torch.tensor([[x.min(), y.min()], [x.max() + 1, y.max() + 1]]) - 0.5
            assert (points[row] - want).abs().max() <= MOST * 64 + 1e-4


class TestLoss:
    def test_everything_learns(self):
        torch.manual_seed(0)
        sam = build(TINY)
        lost = loss(sam, DRAWN, TINY)
        lost["loss"].backward()
        assert_close(lost["loss"], lost["readings"] + lost["single"] + lost["quality"])
        asleep = [name for name, value in sam.named_parameters() if value.grad is None or not value.grad.any()]
        # A reading that is best for no prompt of this batch learns nothing from it.
        assert all(name.startswith("mask_decoder.hypernetworks") for name in asleep), asleep

    def test_a_step_along_the_gradient_helps(self):
        torch.manual_seed(0)
        sam, settings = build(TINY), {**TINY, "pool": 1}
        optimizer = torch.optim.AdamW(sam.parameters(), 3e-3)
        losses = []
        for step in range(8):
            torch.manual_seed(1)
            lost = loss(sam, draw(settings, 0, step), settings)["loss"]
            optimizer.zero_grad()
            lost.backward()
            optimizer.step()
            losses.append(lost.item())
        assert losses[-1] < 0.8 * losses[0]

    def test_is_the_same_for_the_same_chance(self):
        torch.manual_seed(0)
        sam = build(TINY)
        torch.manual_seed(1)
        first = loss(sam, DRAWN, TINY)["loss"]
        torch.manual_seed(1)
        assert loss(sam, DRAWN, TINY)["loss"].equal(first)

    def test_a_pool_of_another_seed_is_another_pool(self):
        torch.manual_seed(0)
        sam, settings = build(TINY), {**TINY, "pool": 1}
        losses = []
        for seed in (0, 1):
            torch.manual_seed(1)
            losses.append(loss(sam, draw(settings, seed, 3), settings)["loss"].item())
        assert losses[0] != losses[1]


class TestEvaluate:
    def test_goes_onto_a_card(self):
        torch.manual_seed(0)
        found = evaluate(build(TINY).eval(), TINY, 9)
        assert json.loads(json.dumps(found)) == found
        assert found["n"] >= 9
        assert 0 <= found["miou_box"] <= 1


def test_scenes_with_supports_are_not_rare():
    """What the readings live on: about one scene in four has something on or in something."""
    count = sum(any(thing.support is not None for thing in draw_scene_for(seed).things) for seed in range(60))
    assert 8 <= count <= 40
