import numpy as np
import pytest
import torch

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing
from gk_utils.ferret.region_forms import PointRegion, mask_box, region_mask
from gk_utils.ferret.region_questions import (
    ANSWERS,
    ASKS,
    FORMS,
    SHARES,
    askable,
    differing,
    draw_ask,
    draw_asks,
    draw_region,
    draw_region_scene,
    draw_regions,
    question_texts,
)


@pytest.fixture(scope="module")
def drawn():
    """Scenes with their masks and regions."""
    scenes = [draw_region_scene(seed) for seed in range(8)]
    masks = render(scenes).masks
    rng = np.random.default_rng(0)
    return [(scene, masks[row], draw_regions(scene, masks[row], rng, 10)) for row, scene in enumerate(scenes)]


class TestDrawRegionScene:
    def test_one_seed_is_one_scene(self):
        assert draw_region_scene(12) == draw_region_scene(12) != draw_region_scene(14)

    def test_what_stands_on_something_moves_with_it(self):
        for seed in range(20):
            scene = draw_region_scene(seed)
            for thing in scene.things:
                if thing.support is not None:
                    assert thing.depth == scene.things[thing.support].depth


class TestDrawRegions:
    def test_most_of_each_region_is_on_its_thing_but_for_boxes(self, drawn):
        for _, masks, regions in drawn:
            for one in regions:
                inside = (one.mask & masks[one.thing]).sum() / one.mask.sum()
                assert inside > {"box": 0, "point": 0.1}.get(one.form, 0.4)
                if one.form in ("mask", "handle", "twin"):
                    assert inside == 1

    def test_twins_have_one_box_and_two_answers(self, drawn):
        pairs = 0
        for scene, _, regions in drawn:
            twins = [one for one in regions if one.form == "twin"]
            for first, second in zip(twins[::2], twins[1::2], strict=True):
                assert mask_box(first.mask) == mask_box(second.mask)
                assert (first.thing, first.other) == (second.other, second.thing)
                assert differing(scene, first.thing, second.thing)
                assert first.hard
                pairs += 1
        assert pairs >= 4

    def test_every_form_comes(self, drawn):
        forms = {one.form for _, _, regions in drawn for one in regions}
        assert forms >= set(FORMS) - {"handle"}

    def test_hard_regions_show_another_thing_as_much_in_their_box(self, drawn):
        for _, masks, regions in drawn:
            for one in regions:
                x1, y1, x2, y2 = map(int, mask_box(one.mask))
                others = [int(mask[y1:y2, x1:x2].sum()) for k, mask in enumerate(masks) if k != one.thing]
                assert one.hard == (one.form == "twin" or max(others) >= int(one.mask.sum()))

    def test_nothing_to_be_seen(self):
        assert draw_regions(Scene(()), torch.zeros(3, 8, 8, dtype=torch.bool), np.random.default_rng(0), 4) == []


class TestDrawRegion:
    @pytest.mark.parametrize("facing", ["left", "right"])
    def test_a_handle_sticks_out_on_the_side_that_the_mug_faces(self, facing):
        scene = Scene((Thing("mug", "red", "large", "plain", facing, None, x=0.5, depth=0.6),))
        mask = render([scene]).masks[0, 0]
        handle = draw_region("handle", scene, 0, mask, np.random.default_rng(0))
        part = region_mask(handle, (128, 128))
        assert 0.03 < part.sum() / mask.sum() < 0.3
        middle = (mask_box(part)[0] + mask_box(part)[2]) / 2
        assert (middle > 64) == (facing == "right")

    def test_an_apple_has_no_handle(self):
        scene = Scene((Thing("apple", "red", "large", "plain", None, None, x=0.5, depth=0.6),))
        mask = render([scene]).masks[0, 0]
        assert draw_region("handle", scene, 0, mask, np.random.default_rng(0)) is None
        assert isinstance(draw_region("point", scene, 0, mask, np.random.default_rng(0)), PointRegion)


class TestAsking:
    def test_the_answer_is_the_thing_s_and_possible(self, drawn):
        rng = np.random.default_rng(1)
        for scene, _, regions in drawn:
            for one in regions:
                name, answer = draw_ask(scene, one, rng)
                assert getattr(scene.things[one.thing], name) == answer
                assert answer in ASKS[name][1]
                assert name in askable(scene.things[one.thing])
                if one.other is not None:
                    assert getattr(scene.things[one.other], name) != answer

    def test_twins_are_asked_the_same_and_answer_otherwise(self, drawn):
        rng = np.random.default_rng(2)
        for scene, _, regions in drawn:
            asks = draw_asks([scene] * len(regions), regions, rng)
            for first, second, one, other in zip(asks, asks[1:], regions, regions[1:], strict=False):
                if one.other is not None and (one.thing, one.other) == (other.other, other.thing):
                    assert first[0] == second[0]
                    assert first[1] != second[1]

    def test_tables_go_together(self):
        assert SHARES.keys() == ASKS.keys()
        assert len(set(ANSWERS)) == len(ANSWERS)
        assert sum(SHARES.values()) == pytest.approx(1)

    def test_texts(self):
        assert question_texts(["facing", "state"], ["<region_fea>", "[1, 2]"]) == [
            "Which way does <region_fea> face?",
            "What state is [1, 2] in?",
        ]
