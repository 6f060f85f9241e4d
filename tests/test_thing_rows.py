import pickle

import numpy as np
import pytest

from gk_utils.countertop.scene import Scene, base_of, draw_scene
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.thing_rows import KEYS, ROW, rows_of
from gk_utils.countertop.things import COLOURS, KINDS, PATTERNS, Thing, unit_of

BOWL = Thing("bowl", "blue", "large", "dotted", None, None, x=0.3, depth=0.5)
APPLE = Thing("apple", "red", "small", "plain", None, "bitten", 0.35, 0.5, relation="inside", support=0)
MUG = Thing("mug", "white", "small", "striped", "left", None, 0.7, 0.9)
SPOON = Thing("spoon", "green", "large", "plain", "right", None, 0.7, 0.9, relation="inside", support=2)
SCENE = Scene((BOWL, APPLE, MUG, SPOON))


class TestRowsOf:
    def test_by_hand(self):
        bowl, apple, mug, spoon = rows_of([SCENE])
        assert [KEYS[row["key"]] for row in (bowl, apple, mug, spoon)] == [
            *[("bowl", "", "large"), ("apple", "bitten", "small"), ("mug", "", "small"), ("spoon", "standing", "large")]
        ]
        assert [COLOURS[row["colour"]] for row in (bowl, apple)] == ["blue", "red"]
        assert [PATTERNS[row["pattern"]] for row in (bowl, mug)] == ["dotted", "striped"]
        assert [row["flip"] for row in (bowl, mug, spoon)] == [1, -1, 1]
        assert [row["inside"] for row in (bowl, apple, mug, spoon)] == [0, 1, 0, 1]
        up, half_w, half_h = KINDS["bowl"].opening
        unit = unit_of(BOWL)
        rim = [apple[name] for name in ("rim_x", "rim_lift", "rim_half_w", "rim_half_h")]
        assert rim == pytest.approx([0.3, up * unit, half_w * unit, half_h * unit])

    @pytest.mark.parametrize("seed", range(8))
    def test_places_are_those_of_the_scene(self, seed):
        """In a square of side 1, the ground less the lift is where `base_of` says that the thing stands."""
        scene = draw_scene(seed, n=12)
        rows = rows_of([scene])
        for index, row in enumerate(rows):
            assert (row["x"], row["ground"] - row["lift"]) == pytest.approx(base_of(scene, index), abs=2e-6)
            assert row["unit"] == unit_of(scene.things[index])
        assert np.argsort(rows["order"]).tolist() == list(scene.paint_order())

    def test_a_scene_is_computed_once_and_stays_what_it_is(self):
        first, other = draw_scene(5), draw_scene(5)
        rows_of([first])
        assert first == other
        assert hash(first) == hash(other)
        assert first.to_dict() == other.to_dict()
        again = pickle.loads(pickle.dumps(first))
        assert again == first
        assert rows_of([again]).tobytes() == rows_of([other]).tobytes()

    def test_a_caller_may_write_into_its_rows(self):
        rows_of([SCENE])["x"][:] = 9
        assert rows_of([SCENE])["x"].max() < 1

    def test_nothing(self):
        assert rows_of([]).dtype == ROW
        assert len(rows_of([Scene(()), Scene(())])) == 0

    def test_every_recipe_has_a_key_in_both_sizes(self):
        assert len(KEYS) == len(set(KEYS)) == 2 * len(RECIPES)
