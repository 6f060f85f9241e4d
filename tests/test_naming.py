import brute_force
import numpy as np
import pytest
import read_phrases

from gk_utils.countertop.naming import Link, facts, name_thing, name_things, noun, number, with_article, write
from gk_utils.countertop.programs import RELATIONS, Program
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import Thing

APPLE = Thing("apple", "red", "small", "plain", None, None, x=0.3, depth=0.5)
TWIN = Thing("apple", "red", "small", "plain", None, None, x=0.7, depth=0.5)
# A book with a bowl on it, with an apple inside; a plate in front to the right.
STACK = Scene(
    (
        Thing("book", "blue", "large", "plain", None, None, x=0.3, depth=0.4),
        Thing("bowl", "white", "small", "plain", None, None, x=0.3, depth=0.4, relation="on", support=0),
        Thing("apple", "red", "small", "plain", None, None, x=0.3, depth=0.4, relation="inside", support=1),
        Thing("plate", "white", "large", "plain", None, None, x=0.7, depth=0.8),
    )
)


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.usefixtures("unhooked")
class TestNameThing:
    def test_leaves_just_this_thing(self):
        for seed in range(60):
            scene = draw_scene(seed)
            for index in range(len(scene)):
                name = name_thing(scene, index, chance(seed))
                assert name is None or brute_force.find(name, scene) == (index,)

    def test_most_things_have_a_name(self):
        scenes = [draw_scene(seed) for seed in range(60)]
        shares = [len(name_things(scene, chance())) / len(scene) for scene in scenes]
        assert np.mean(shares) > 0.97

    def test_twins_are_told_apart_by_their_place(self):
        scene = Scene((APPLE, TWIN))
        assert {name_thing(scene, 0, chance(seed)) for seed in range(20)} == {Program("apple", side="left")}
        assert {name_thing(scene, 1, chance(seed)) for seed in range(20)} == {Program("apple", side="right")}

    def test_three_twins_at_one_place_have_no_name(self):
        assert name_things(Scene((APPLE, APPLE, APPLE)), chance()) == {}

    def test_without_an_attribute(self):
        for seed in range(60):
            scene = draw_scene(seed)
            name = name_thing(scene, 0, chance(seed), without="colour")
            assert name is None or "colour" not in dict(name.attributes)

    def test_no_more_than_is_needed_but_one(self):
        found = {name_thing(Scene((APPLE,)), 0, chance(seed)).attributes for seed in range(60)}
        assert found == {(), (("colour", "red"),), (("size", "small"),), (("pattern", "plain"),)}


class TestNameThings:
    def test_one_each(self):
        scene = draw_scene(5)
        names = name_things(scene, chance())
        assert all(brute_force.find(name, scene) == things for things, name in names.items())

    def test_an_empty_scene(self):
        assert name_things(Scene(()), chance()) == {}


@pytest.mark.usefixtures("unhooked")
class TestNoun:
    def test_by_hand(self):
        mug = Program("mug", (("pattern", "dotted"), ("colour", "red"), ("state", "steaming")))
        assert [noun(mug, chance(), n) for n in (1, 2, 0)] == [
            "steaming red dotted mug",
            *["steaming red dotted mugs"] * 2,
        ]
        assert noun(Program(None, (("colour", "pink"),)), chance(), 3) == "pink things"
        assert noun(Program("toaster", (("state", "toast up"),)), chance(), 2) == "toasters with toast up"
        assert {noun(Program("cat", side="back"), chance(seed)) for seed in range(30)} == {
            *("farthest cat", "rearmost cat", "cat farthest from the viewer"),
        }

    def test_reads_back(self):
        for seed in range(40):
            scene = draw_scene(seed)
            for things, name in name_things(scene, chance(seed)).items():
                text = noun(name, chance(seed))
                assert read_phrases.find(f"the {text}", scene) == things, text
                assert name.side or read_phrases.find(with_article(text), scene) == things, text


class TestSmallWords:
    def test_with_article(self):
        assert [with_article(text) for text in ("apple", "open book", "lit candle")] == [
            "an apple",
            "an open book",
            "a lit candle",
        ]

    def test_number(self):
        assert [number(n) for n in (0, 1, 2, 12, 13)] == ["no", "one", "two", "twelve", "13"]


class TestWrite:
    def test_by_hand(self):
        text, links = write(
            [["here is ", ("a mug", (3,)), "."], [("it", (3,)), " is red."], ["one, ", ("two", (0, 1))]]
        )
        assert text == "Here is a mug. It is red. One, two"
        assert links == (Link(8, 13, (3,)), Link(15, 17, (3,)), Link(31, 34, (0, 1)))

    def test_what_names_nothing_has_no_link(self):
        assert write([["is there ", ("a cat", ()), "?"]]) == ("Is there a cat?", ())
        assert write([]) == ("", ())


class TestFacts:
    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize("relation", RELATIONS)
    def test_true_and_false_by_plain_definitions(self, relation):
        seen = {True: 0, False: 0}
        for seed in range(40):
            scene = draw_scene(seed)
            for holds, pairs in facts(scene, relation, name_things(scene, chance(seed)), chance(seed)).items():
                for (thing,), (mark,) in pairs:
                    assert brute_force.holds(scene, thing, relation, mark) == holds
                    seen[holds] += 1
        assert min(seen.values()) >= 5

    def test_several_things_all_or_none(self):
        scene = Scene((APPLE, TWIN, Thing("mug", "red", "small", "plain", "left", None, x=0.95, depth=0.5)))
        names = {(0, 1): Program("apple"), (0,): Program("apple", side="left"), (2,): Program("mug")}
        found = {relation: facts(scene, relation, names, chance()) for relation in ("left of", "right of", "near")}
        assert ((0, 1), (2,)) in found["left of"][True]
        assert ((0, 1), (2,)) in found["right of"][False]
        assert not any(
            things == (0, 1) for pairs in found["near"].values() for things, _ in pairs
        )  # one is, one is not
        assert not any(mark == (0, 1) for pairs in found["left of"].values() for _, mark in pairs)

    def test_close_calls_are_left_out(self):
        scene = Scene((APPLE, Thing("mug", "red", "small", "plain", "left", None, x=0.35, depth=0.5)))
        names = {(0,): Program("apple"), (1,): Program("mug")}
        assert facts(scene, "left of", names, chance()) == {True: [], False: [((1,), (0,))]}
        assert len(facts(scene, "near", names, chance())[True]) == 2

    def test_what_stands_on_one_another(self):
        names = {(index,): Program(thing.category) for index, thing in enumerate(STACK.things)}
        found = {relation: facts(STACK, relation, names, chance()) for relation in RELATIONS}
        assert found["on"] == {True: [((1,), (0,))], False: [((2,), (3,))]}  # a bowl cannot stand on a plate
        assert found["inside"] == {True: [((2,), (1,))], False: []}
        stacked = {((above,), (below,)) for above in range(3) for below in range(3)}
        for relation in ("left of", "right of", "in front of", "behind", "near"):
            assert not stacked & {*found[relation][True], *found[relation][False]}
        assert set(found["left of"][True]) == {((index,), (3,)) for index in range(3)}

    def test_many_things(self):
        scene = draw_scene(0, n=60)
        found = facts(scene, "left of", name_things(scene, chance()), chance())
        assert 20 < len(found[True]) + len(found[False]) <= 60
