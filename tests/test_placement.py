import numpy as np

from gk_utils.countertop.placement import GROUND, place_things
from gk_utils.countertop.things import KINDS, Thing, unit_of


def look(category, size="small", state=None):
    return Thing(category, "red", size, "plain", "left" if KINDS[category].facing else None, state, x=0.5, depth=0.5)


def place(*looks, seed=0, scale=1.0):
    return place_things(np.random.default_rng(seed), looks, scale)


class TestPlaceThings:
    def test_nothing(self):
        assert place() == ()

    def test_the_same_seed_gives_the_same_places(self):
        looks = [look("mug"), look("spoon"), look("cat")]
        assert place(*looks, seed=4) == place(*looks, seed=4) != place(*looks, seed=5)

    def test_scales_stay_close(self):
        assert all(0.48 <= thing.scale <= 0.52 for thing in place(*[look("apple")] * 20, scale=0.5))

    def test_a_spoon_goes_into_the_mug_and_an_apple_onto_the_plate(self):
        found = [
            place(look("mug"), look("plate", "large"), look("spoon"), look("apple"), seed=seed) for seed in range(20)
        ]
        spoons, apples = ({(things[i].relation, things[i].support) for things in found} for i in (2, 3))
        assert spoons == {("inside", 0), (None, None)}
        assert apples == {("on", 1), (None, None)}
        assert all(things[2].depth == things[0].depth for things in found if things[2].support == 0)

    def test_two_apples_lie_side_by_side(self):
        for seed in range(40):
            plate, one, two = place(look("plate", "large"), look("apple"), look("apple"), seed=seed)
            if one.support == two.support == 0:
                half = KINDS["apple"].half_width
                assert abs((two.x - one.x) - half * (unit_of(one) + unit_of(two))) < 0.003
                assert one.depth == two.depth == plate.depth
                return
        raise AssertionError("no plate carried both apples")

    def test_too_wide_for_its_support(self):
        assert all(place(look("book"), look("cat", "large"), seed=seed)[1].support is None for seed in range(20))

    def test_toast_in_the_way(self):
        assert all(
            place(look("toaster", "large", "toast up"), look("bird"), seed=s)[1].support is None for s in range(20)
        )

    def test_things_on_the_counter_share_no_ground(self):
        for seed in range(30):
            things = place(*[look(name) for name in ("kettle", "bottle", "vase", "cat", "candle", "apple")], seed=seed)
            for i, one in enumerate(things):
                for two in things[:i]:
                    half = [KINDS[t.category].half_width * unit_of(t) for t in (one, two)]
                    beside = abs(one.x - two.x) >= sum(half) - 1e-3
                    behind = 0.45 * abs(one.depth - two.depth) >= GROUND * sum(half) - 1e-3
                    assert beside or behind

    def test_full_counter(self):
        assert place(*[look("cat", "large")] * 60) is None
