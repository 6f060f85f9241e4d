import itertools

import torch

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing
from gk_utils.segment_anything.readings import Reading, all_readings, reading_masks, readings_of


def thing(category: str, support: int | None = None, relation: str | None = None) -> Thing:
    facing = "left" if category in ("mug", "spoon") else None
    return Thing(category, "red", "large", "plain", facing, None, 0.5, 0.5, relation=relation, support=support)


# A spoon in a mug on a plate, an apple beside the mug, and a bottle that stands alone.
STACK = Scene(
    (thing("plate"), thing("mug", 0, "on"), thing("spoon", 1, "inside"), thing("apple", 0, "on"), thing("bottle"))
)


class TestReadingsOf:
    def test_by_hand(self):
        members = [[reading.members for reading in readings_of(STACK, index)] for index in range(5)]
        assert members == [
            [(0,), (0, 1, 2, 3)],
            [(1,), (1, 2), (0, 1, 2, 3)],
            [(2,), (1, 2), (0, 1, 2, 3)],
            [(3,), (0, 1, 2, 3)],
            [(4,)],
        ]

    def test_storeys(self):
        assert [reading.storeys for reading in readings_of(STACK, 2)] == [0, 2, 3]

    def test_random_scenes_have_at_most_three_nested_ones(self):
        most = 0
        for seed in range(150):
            scene = draw_scene_for(seed)
            for index in range(len(scene)):
                found = [set(reading.members) for reading in readings_of(scene, index)]
                assert all(index in members for members in found)
                assert all(small < large for small, large in itertools.pairwise(found))
                most = max(most, len(found))
        assert 2 <= most <= 3


class TestAllReadings:
    def test_thing_by_thing(self):
        assert [reading.clicked for reading in all_readings(STACK)] == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4]

    def test_no_things(self):
        assert all_readings(Scene(())) == ()


class TestReadingMasks:
    def test_a_reading_is_the_union_of_what_is_seen(self):
        scene = next(
            scene for scene in map(draw_scene_for, range(50)) if any(one.support is not None for one in scene.things)
        )
        masks = render([scene], (64, 64)).masks[0]
        found, clicked = reading_masks(masks, all_readings(scene))
        for mask, index, reading in zip(found, clicked.tolist(), all_readings(scene), strict=True):
            assert index == reading.clicked
            assert int(mask.sum()) == sum(int(masks[member].sum()) for member in reading.members)

    def test_no_readings(self):
        masks, clicked = reading_masks(torch.zeros(2, 4, 5, dtype=torch.bool), ())
        assert (masks.shape, clicked.shape) == ((0, 4, 5), (0,))

    def test_order_is_that_of_the_readings(self):
        masks = torch.eye(2, dtype=torch.bool)[:, None]
        assert reading_masks(masks, [Reading(1, (1,), 0), Reading(0, (0,), 0)])[1].tolist() == [1, 0]
