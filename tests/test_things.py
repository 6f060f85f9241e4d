import pytest

from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS, SMALL, Kind, Thing, unit_of


def thing(**changes):
    plain = {"category": "mug", "colour": "red", "size": "large", "pattern": "plain", "facing": "left", "state": None}
    return Thing(**{**plain, "x": 0.5, "depth": 0.75, **changes})


class TestKinds:
    def test_enough_to_tell_apart(self):
        assert len(CATEGORIES) == 14
        assert len(set(COLOURS)) == 8
        assert {name for name, kind in KINDS.items() if kind.animal} == {"cat", "bird"}

    def test_what_carries_has_a_surface_and_room(self):
        for kind in KINDS.values():
            assert bool(kind.carries) == (kind.room > 0) == (kind.top is not None or kind.opening is not None)
            assert set(kind.carries) <= set(CATEGORIES)

    def test_extent_by_state(self):
        kind = Kind(0.5, 1.0, poses={"lit": (0.5, 1.5)})
        assert (kind.extent(None), kind.extent("lit"), kind.extent("other")) == ((0.5, 1.0), (0.5, 1.5), (0.5, 1.0))

    def test_floor(self):
        assert Kind(1, 1).floor == 0
        assert Kind(1, 1, top=(0.3, 1)).floor == 0.3
        assert Kind(1, 1, opening=(0.6, 1, 1)).floor == 0.3


class TestThing:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"category": "fork"}, "category: expected one of 'mug', .* got 'fork'"),
            ({"colour": "grey"}, "colour: expected one of 'red'"),
            ({"facing": None}, "facing of the mug: expected one of 'left', 'right', got None"),
            ({"category": "apple"}, "facing of the apple: expected one of None, got 'left'"),
            ({"state": "lit"}, "state of the mug: expected one of None, 'steaming', got 'lit'"),
            ({"x": 12.0}, r"x: expected a number in \[0, 1\], got 12.0. Divide"),
            ({"depth": float("nan")}, "depth: expected a number"),
            ({"scale": 0.0}, r"scale: expected a number in \(0, 2\], got 0.0"),
            ({"relation": "on"}, "support: expected an index with a relation and None without, got 'on' and None"),
            ({"relation": "under", "support": 0}, "relation: expected one of None, 'on', 'inside', got 'under'"),
        ],
    )
    def test_error_text(self, changes, message, unhooked):
        with pytest.raises(ValueError, match=message):
            thing(**changes)


class TestUnitOf:
    def test_by_hand(self):
        assert unit_of(thing()) == pytest.approx(0.2)
        assert unit_of(thing(size="small", scale=0.5, depth=0)) == pytest.approx(0.2 * SMALL * 0.5 * 0.85)

    def test_small_at_the_front_is_smaller_than_large_at_the_wall(self):
        assert unit_of(thing(size="small", depth=1, scale=1.04)) < unit_of(thing(depth=0, scale=0.96))
