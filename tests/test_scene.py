import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.countertop.placement import BACK, FRONT
from gk_utils.countertop.scene import Scene, base_of, draw_scene, draw_scenes, height_of_support
from gk_utils.countertop.things import ATTRIBUTES, CATEGORIES, COLOURS, KINDS, Thing, unit_of

SCENES = draw_scenes(range(300))
KNOWN = [("mug", "black", 0.4734, 0.3889), ("banana", "red", 0.6156, 0.1246), ("mug", "green", 0.2339, 0.8689)]
MUG = Thing("mug", "red", "large", "plain", "left", None, x=0.3, depth=0.2)
SPOON = Thing("spoon", "blue", "small", "plain", "right", None, x=0.3, depth=0.2, relation="inside", support=0)
PLATE = Thing("plate", "white", "large", "dotted", None, None, x=0.7, depth=0.75)
APPLE = Thing("apple", "red", "small", "plain", None, "bitten", x=0.7, depth=0.75, relation="on", support=2)
SMALL_SCENE = Scene((MUG, SPOON, PLATE, APPLE), seed=5)


class TestScene:
    def test_by_hand(self):
        scene = SMALL_SCENE
        assert len(scene) == 4
        assert scene.select(colour="red") == (0, 3)
        assert scene.select(colour="red", category="apple", state="bitten") == (3,)
        assert scene.select() == (0, 1, 2, 3)
        assert scene.left_to_right() == (0, 1, 2, 3)
        assert scene.left_to_right([3, 0]) == (0, 3)
        assert scene.near_to_far() == (2, 3, 0, 1)
        assert (scene.inside(0), scene.on(0), scene.on(2), scene.inside(2)) == ((1,), (), (3,), ())
        assert (scene.root(1), scene.root(3), scene.root(2)) == (0, 2, 2)
        assert scene.on_counter() == (0, 2)
        assert scene.paint_order() == (0, 1, 2, 3)
        assert dataclasses.replace(scene, things=(PLATE, MUG)).paint_order() == (1, 0)

    def test_empty(self):
        scene = Scene(())
        assert (scene.left_to_right(), scene.paint_order(), scene.select(colour="red")) == ((), (), ())
        assert Scene.from_dict(scene.to_dict()) == scene

    @pytest.mark.parametrize(
        ("things", "message"),
        [
            ((SPOON, MUG), "expected a support before thing 0, got 0"),
            ((PLATE, SPOON), "expected thing 1 inside something that allows it, got a plate"),
            ((MUG, dataclasses.replace(APPLE, support=0)), "expected thing 1 on something that allows it, got a mug"),
            ((MUG,) * 101, "things: expected at most 100, got 101"),
        ],
    )
    def test_error_text(self, things, message):
        with pytest.raises(ValueError, match=message):
            Scene(things)

    def test_unknown_look_and_attribute(self):
        with pytest.raises(ValueError, match="wall: expected one of 'cream'"):
            Scene((), wall="pink")
        with pytest.raises(ValueError, match="attribute: expected one of 'category'"):
            Scene(()).select(weight="heavy")


class TestFromDict:
    def test_round_trip_through_json(self):
        for scene in SCENES[:60]:
            assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene

    def test_error_text(self):
        data = SMALL_SCENE.to_dict()
        with pytest.raises(ValueError, match=r"scene: expected the keys \['counter', 'seed', 'things', 'wall'\]"):
            Scene.from_dict({**data, "weather": "fine"})
        with pytest.raises(ValueError, match=r"things\[1\]: expected the keys"):
            Scene.from_dict({**data, "things": [data["things"][0], {"category": "mug"}]})


class TestHeightOfSupport:
    def test_a_chain(self):
        book = Thing("book", "red", "large", "plain", None, None, x=0.5, depth=0.75)
        bowl = Thing("bowl", "red", "small", "plain", None, None, 0.5, 0.75, relation="on", support=0)
        apple = Thing("apple", "red", "small", "plain", None, None, 0.5, 0.75, relation="inside", support=1)
        scene = Scene((book, bowl, apple))
        expected = KINDS["book"].floor * 0.2 + KINDS["bowl"].floor * 0.2 * 0.7
        assert height_of_support(scene, 2) == pytest.approx(expected)
        assert base_of(scene, 2) == (0.5, pytest.approx(BACK + 0.75 * (FRONT - BACK) - expected, abs=1e-6))


class TestDrawScene:
    def test_known_scene(self):
        """Another scene for a seed breaks every frozen split: change this number only with them."""
        scene = draw_scene(0, n=3)
        assert [(thing.category, thing.colour, thing.x, thing.depth) for thing in scene.things] == KNOWN

    def test_one_seed_is_one_scene(self):
        assert draw_scenes(range(40)) == SCENES[:40]
        assert len({json.dumps(scene.to_dict()) for scene in SCENES}) == 300

    def test_every_scene_is_plausible(self):
        for scene in SCENES:
            assert 3 <= len(scene) <= 9
            for index, thing in enumerate(scene.things):
                half, high = (length * unit_of(thing) for length in KINDS[thing.category].extent(thing.state))
                x, y = base_of(scene, index)
                assert x - half >= 0
                assert x + half <= 1
                assert y - high >= 0
                assert y <= FRONT
                assert thing.support is None or thing.support < index
            places = [(scene.things[index].x, scene.things[index].depth) for index in scene.on_counter()]
            assert len(set(places)) == len(places)

    def test_every_value_turns_up(self):
        things = [thing for scene in SCENES for thing in scene.things]
        assert {thing.category for thing in things} == set(CATEGORIES)
        assert {thing.colour for thing in things} == set(COLOURS)
        assert {(thing.category, thing.state) for thing in things} >= {
            (name, state) for name, kind in KINDS.items() for state in kind.states
        }
        assert sum(thing.relation is not None for thing in things) > 0.08 * len(things)

    def test_look_alikes(self):
        shared = [len({thing.category for thing in scene.things}) < len(scene) for scene in SCENES]
        assert sum(shared) > 0.7 * len(SCENES)

    @given(
        seed=st.integers(0, 2**63),
        n=st.integers(0, 12),
        values=st.lists(
            st.sampled_from([{"category": "mug", "colour": "red"}, {"category": "cat", "state": "sleeping"}])
        ),
    )
    @settings(max_examples=60, deadline=None)
    def test_wanted_things_are_there(self, seed, n, values):
        wanted = values[:n]
        scene = draw_scene(seed, n=n, wanted=wanted)
        assert len(scene) == n
        for entry in wanted:
            assert len(scene.select(**entry)) >= wanted.count(entry)

    def test_a_hundred_apples(self):
        scene = draw_scene(1, n=100, categories=["apple"], colours=["green"])
        assert len(scene.select(category="apple", colour="green")) == len(scene) == 100
        assert all(thing.scale < 0.5 for thing in scene.things)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n": 101}, r"n: expected 0 \(the things wanted\) to 100, got 101"),
            ({"n": 1, "wanted": [{}, {}]}, r"n: expected 2 \(the things wanted\) to 100, got 1"),
            ({"categories": []}, "categories: expected at least one, got none"),
            ({"colours": ["grey"]}, "colours: expected one of 'red'"),
            ({"wanted": [{"weight": "heavy"}]}, "wanted: expected one of 'category'"),
            ({"wanted": [{"category": "fork"}]}, "wanted category: expected one of 'mug'"),
            ({"wanted": [{"category": "mug", "state": "lit"}]}, "state of the mug: expected one of None, 'steaming'"),
        ],
    )
    def test_error_text(self, options, message):
        with pytest.raises(ValueError, match=message):
            draw_scene(0, **options)

    def test_attributes_are_fields(self):
        assert set(ATTRIBUTES) < {field.name for field in dataclasses.fields(Thing)}
