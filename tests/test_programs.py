from dataclasses import replace

import brute_force
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.countertop.language import draw_expressions, draw_scene_for
from gk_utils.countertop.programs import RELATIONS, SIDES, Program, is_clear, named, referents, relation_holds
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import COLOURS, Thing

# From above:         x  0.1     0.3      0.5      0.7         0.9
#   depth 0.10           blue mug
#   depth 0.40                           kettle
#   depth 0.60                   red mug (a spoon in it)     plate (two apples on it)
#   depth 0.90                                     red mug
MUGS = (
    Thing("mug", "blue", "small", "plain", "left", "steaming", x=0.1, depth=0.1),
    Thing("kettle", "white", "large", "striped", "right", None, x=0.5, depth=0.4),
    Thing("mug", "red", "large", "plain", "right", None, x=0.3, depth=0.6),
    Thing("spoon", "black", "small", "plain", "left", None, x=0.3, depth=0.6, relation="inside", support=2),
    Thing("plate", "white", "large", "dotted", None, None, x=0.9, depth=0.6),
    Thing("apple", "red", "small", "plain", None, "bitten", x=0.85, depth=0.6, relation="on", support=4),
    Thing("apple", "green", "small", "plain", None, None, x=0.95, depth=0.6, relation="on", support=4),
    Thing("mug", "red", "small", "plain", "left", None, x=0.7, depth=0.9),
)
SCENE = Scene(MUGS)
KETTLE, RED_MUG = Program("kettle"), Program("mug", (("colour", "red"), ("size", "large")))
OPPOSITE = {"left": "right", "right": "left", "left of": "right of", "right of": "left of"}
TURNED = {"front": "back", "back": "front", "in front of": "behind", "behind": "in front of"}


def of_mugs(relation: str, landmark: Program, holds: bool = True) -> tuple[int, ...]:
    return referents(Program("mug", relation=relation, landmark=landmark, holds=holds), SCENE)


def apples(*places: tuple[float, float]) -> Scene:
    return Scene(tuple(Thing("apple", "red", "large", "plain", None, None, x=x, depth=depth) for x, depth in places))


def drawn(seeds: range, n: int = 4):
    """Pairs of a scene and a program that was drawn for it."""
    for seed in seeds:
        scene = draw_scene_for(seed)
        for expression in draw_expressions(scene, n, np.random.default_rng(seed)):
            yield scene, expression.program


def change(program: Program | None, names: dict[str, str], facing: dict[str, str]) -> Program | None:
    """The program with other names for sides and relations, and for the side that a thing faces."""
    if program is None:
        return None
    other = [(name, facing.get(value, value) if name == "facing" else value) for name, value in program.attributes]
    unlike = program.unlike
    if unlike and unlike[0] == "facing":
        unlike = ("facing", facing.get(unlike[1], unlike[1]))
    return replace(
        program,
        attributes=tuple(other),
        unlike=unlike,
        relation=names.get(program.relation or "", program.relation),
        side=names.get(program.side or "", program.side),
        landmark=change(program.landmark, names, facing),
    )


class TestProgram:
    def test_reads_as_steps(self):
        program = Program("mug", (("colour", "red"),), ("size", "small"), "behind", KETTLE, False, "left", 2)
        assert str(program) == (
            "all things > mug > colour is red > size is not small > "
            "not behind [all things > kettle] > number 2 from the left"
        )
        assert str(Program()) == "all things"

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"category": "pan"}, r"^category: expected one of .*mug.*, got 'pan'"),
            ({"attributes": (("price", "low"),)}, r"^attribute: expected one of .*colour.*, got 'price'"),
            ({"unlike": ("weight", "low")}, r"^attribute: expected one of .*, got 'weight'"),
            ({"relation": "above", "landmark": KETTLE}, r"^relation: expected one of .*left of.*, got 'above'"),
            ({"side": "top"}, r"^side: expected one of .*front.*, got 'top'"),
            ({"relation": "near"}, r"^landmark: expected one with a relation and none without, got None with 'near'"),
            ({"landmark": KETTLE}, r"^landmark: expected one with a relation .*, got all things > kettle with None"),
            ({"side": "left", "rank": 0}, r"^rank: expected 1 or more, got 0\. 1 is the outermost"),
        ],
    )
    def test_says_what_is_wrong(self, arguments, text):
        with pytest.raises(ValueError, match=text):
            Program(**arguments)


class TestReferents:
    def test_filters(self):
        assert referents(Program(), SCENE) == tuple(range(8))
        assert referents(Program("mug"), SCENE) == (0, 2, 7)
        assert referents(Program("mug", (("colour", "red"),)), SCENE) == (2, 7)
        assert referents(Program(None, (("colour", "red"), ("size", "small"))), SCENE) == (5, 7)
        assert referents(Program("mug", (("state", "steaming"),)), SCENE) == (0,)
        assert referents(Program("mug", (("facing", "left"),)), SCENE) == (0, 7)
        assert referents(Program("mug", unlike=("colour", "red")), SCENE) == (0,)
        assert referents(Program("mug", (("size", "small"),), ("state", "steaming")), SCENE) == (7,)
        assert referents(Program("cat"), SCENE) == ()

    def test_relations(self):
        assert of_mugs("left of", KETTLE) == (0, 2)
        assert of_mugs("right of", KETTLE) == (7,)
        assert of_mugs("in front of", KETTLE) == (2, 7)
        assert of_mugs("behind", KETTLE) == (0,)
        assert of_mugs("near", KETTLE) == (2,)
        assert referents(Program("spoon", relation="inside", landmark=RED_MUG), SCENE) == (3,)
        assert referents(Program("spoon", relation="on", landmark=RED_MUG), SCENE) == ()
        assert referents(Program("apple", relation="on", landmark=Program("plate")), SCENE) == (5, 6)
        assert referents(Program(relation="inside", landmark=Program("plate")), SCENE) == ()

    def test_not_in_a_relation(self):
        assert of_mugs("left of", KETTLE, holds=False) == (7,)
        assert of_mugs("near", KETTLE, holds=False) == (0, 7)
        # The landmark itself is neither near itself nor what "not near it" speaks of.
        assert of_mugs("near", RED_MUG, holds=False) == (0, 7)

    def test_a_thing_is_not_its_own_landmark(self):
        assert of_mugs("near", RED_MUG) == ()
        # Both red mugs are landmarks: each may stand in a relation to the other.
        assert of_mugs("left of", Program("mug", (("colour", "red"),))) == (0, 2)
        assert of_mugs("left of", Program("mug", (("colour", "red"),)), holds=False) == ()

    def test_landmark_absent(self):
        assert of_mugs("left of", Program("cat")) == ()
        assert of_mugs("left of", Program("cat"), holds=False) == (0, 2, 7)

    def test_picks(self):
        mug = Program("mug")
        found = {side: [referents(replace(mug, side=side, rank=rank), SCENE) for rank in (1, 2, 3)] for side in SIDES}
        assert found == {
            "left": [(0,), (2,), (7,)],
            "right": [(7,), (2,), (0,)],
            "front": [(7,), (2,), (0,)],
            "back": [(0,), (2,), (7,)],
        }
        assert referents(replace(mug, side="left", rank=4), SCENE) == ()
        assert referents(Program("cat", side="left"), SCENE) == ()
        assert referents(Program(None, (("colour", "white"),), side="right"), SCENE) == (4,)

    def test_the_pick_comes_last(self):
        left_of_plate = Program("mug", relation="left of", landmark=Program("plate"), side="right", rank=2)
        assert referents(left_of_plate, SCENE) == (2,)
        assert referents(replace(left_of_plate, relation="right of"), SCENE) == ()

    def test_nested(self):
        rightmost_mug = Program("mug", side="right")
        assert referents(Program("apple", relation="right of", landmark=rightmost_mug), SCENE) == (5, 6)
        with_spoon = Program("mug", relation="left of", landmark=Program("spoon", relation="inside", landmark=RED_MUG))
        assert referents(with_spoon, SCENE) == (0,)

    def test_the_lower_index_comes_first_on_a_tie(self):
        tied = apples((0.5, 0.5), (0.5, 0.5), (0.2, 0.9))
        assert [referents(Program("apple", side="right", rank=rank), tied) for rank in (1, 2, 3)] == [(0,), (1,), (2,)]

    def test_an_empty_scene(self):
        for program in (Program(), KETTLE, Program("mug", relation="near", landmark=KETTLE, holds=False, side="left")):
            assert referents(program, Scene(())) == ()

    @pytest.mark.usefixtures("unhooked")
    def test_equals_plain_loops(self):
        """Programs of any kind, most of them never drawn: two steps deep, on scenes as they come."""
        rng, some = np.random.default_rng(0), 0
        for seed in range(300):
            scene = draw_scene(seed)
            for _ in range(4):
                program = any_program(rng, scene, depth=2)
                some += 0 < len(referents(program, scene)) < len(scene)
                assert referents(program, scene) == brute_force.find(program, scene), str(program)
        assert some > 300


def any_program(rng: np.random.Generator, scene: Scene, depth: int) -> Program:
    def one(values):
        return values[int(rng.integers(len(values)))]

    thing, chance = one(scene.things), rng.random(6)
    deeper = depth > 0 and chance[3] < 0.6
    return Program(
        thing.category if chance[0] < 0.5 else None,
        (("size", thing.size),) if chance[1] < 0.3 else (),
        ("colour", one(COLOURS)) if chance[2] < 0.3 else None,
        one(RELATIONS) if deeper else None,
        any_program(rng, scene, depth - 1) if deeper else None,
        bool(chance[4] < 0.6),
        one(SIDES) if chance[5] < 0.4 else None,
        int(rng.integers(1, 4)),
    )


class TestNamed:
    def test_neither_relation_nor_pick(self):
        assert named(Program("mug", (("colour", "red"),), relation="near", landmark=KETTLE, side="left"), SCENE) == (
            2,
            7,
        )
        assert named(Program("mug", unlike=("colour", "red"), side="left", rank=3), SCENE) == (0,)
        assert named(Program(), SCENE) == tuple(range(8))
        assert named(KETTLE, Scene(())) == ()


class TestRelationHolds:
    @pytest.mark.parametrize(
        ("relation", "dx", "ddepth"),
        [
            ("left of", -0.04, 0),
            ("right of", 0.04, 0),
            ("in front of", 0, 0.09),
            ("behind", 0, -0.09),
        ],
    )
    def test_from_where_it_holds(self, relation, dx, ddepth):
        def first_to_second(factor):
            scene = apples((0.5 + factor * dx, 0.5 + factor * ddepth), (0.5, 0.5))
            return relation_holds(scene, 0, relation, 1)

        assert [first_to_second(factor) for factor in (-2, 0, 0.98, 1.02, 2)] == [False, False, False, True, True]

    def test_near_is_a_distance_in_the_picture(self):
        assert relation_holds(apples((0.2, 0.5), (0.45, 0.5)), 0, "near", 1)
        assert not relation_holds(apples((0.2, 0.5), (0.47, 0.5)), 0, "near", 1)
        assert relation_holds(apples((0.5, 0.2), (0.5, 0.77)), 0, "near", 1)  # 0.57 of the depth: 0.2565 of a side
        assert not relation_holds(apples((0.5, 0.2), (0.5, 0.79)), 0, "near", 1)

    @pytest.mark.usefixtures("unhooked")
    def test_equals_plain_definitions(self):
        for seed in range(100):
            scene = draw_scene(seed)
            for first in range(len(scene)):
                for second in range(len(scene)):
                    for relation in RELATIONS:
                        assert relation_holds(scene, first, relation, second) == brute_force.holds(
                            scene, first, relation, second
                        )

    def test_opposites_exclude_each_other(self):
        for first, second in (("left of", "right of"), ("in front of", "behind")):
            for thing in range(8):
                for other in range(8):
                    holds = relation_holds(SCENE, thing, first, other)
                    assert holds == relation_holds(SCENE, other, second, thing)
                    assert not (holds and relation_holds(SCENE, thing, second, other))

    def test_says_what_is_wrong(self):
        with pytest.raises(ValueError, match=r"^relation: expected one of .*left of.*, got 'under'"):
            relation_holds(SCENE, 0, "under", 1)


class TestIsClear:
    def test_close_order(self):
        leftmost, second = Program("apple", side="left"), Program("apple", side="left", rank=2)
        scene = apples((0.2, 0.5), (0.5, 0.5), (0.52, 0.5))
        assert is_clear(leftmost, scene)
        assert not is_clear(second, scene)  # it and the third are 0.02 apart
        assert not is_clear(Program("apple", side="right"), scene)
        assert not is_clear(Program("apple", side="front"), scene)  # all at one depth
        assert is_clear(Program("apple", side="front"), apples((0.5, 0.5), (0.5, 0.6)))
        assert not is_clear(Program("apple", side="front"), apples((0.5, 0.5), (0.5, 0.57)))

    def test_what_comes_behind_the_picked_one_may_be_close(self):
        assert is_clear(Program("apple", side="left"), apples((0.2, 0.5), (0.8, 0.5), (0.8, 0.5)))

    def test_close_relation(self):
        mark = Program("mug")

        def clear(relation, x, depth, holds=True):
            mug = Thing("mug", "red", "large", "plain", "left", None, x=0.5, depth=0.5)
            scene = Scene((mug, *apples((x, depth)).things))
            return is_clear(Program("apple", relation=relation, landmark=mark, holds=holds), scene)

        assert [clear("left of", x, 0.5) for x in (0.40, 0.45, 0.48, 0.49)] == [True, False, False, True]
        assert [clear("left of", x, 0.5, False) for x in (0.40, 0.45, 0.48, 0.49)] == [True, False, False, True]
        assert [clear("right of", x, 0.5) for x in (0.60, 0.55, 0.52, 0.51)] == [True, False, False, True]
        assert [clear("in front of", 0.5, depth) for depth in (0.52, 0.57, 0.63, 0.65)] == [True, False, False, True]
        assert [clear("behind", 0.5, depth) for depth in (0.48, 0.43, 0.37, 0.35)] == [True, False, False, True]
        assert [clear("near", x, 0.5) for x in (0.28, 0.26, 0.22, 0.20)] == [True, False, False, True]
        assert clear("on", 0.5, 0.5)

    def test_what_the_filters_dropped_may_be_close(self):
        mug = Thing("mug", "red", "large", "plain", "left", None, x=0.5, depth=0.5)
        scene = Scene((mug, *apples((0.45, 0.5), (0.2, 0.5)).things))
        assert not is_clear(Program("apple", relation="left of", landmark=Program("mug")), scene)
        assert is_clear(Program("cat", relation="left of", landmark=Program("mug")), scene)

    def test_a_landmark_must_be_clear_too(self):
        scene = apples((0.2, 0.5), (0.5, 0.1), (0.51, 0.9))
        rightmost = Program("apple", side="right")
        assert not is_clear(Program("apple", relation="left of", landmark=rightmost), scene)

    def test_nothing_to_decide(self):
        assert is_clear(Program("mug", side="left"), Scene(()))
        assert is_clear(Program("kettle", side="front"), SCENE)
        assert is_clear(Program("mug", (("colour", "red"),)), SCENE)

    @pytest.mark.usefixtures("unhooked")
    def test_small_moves_change_nothing(self):
        """Who sees every thing up to 1 % of the picture elsewhere finds the same referents."""
        rng, seen = np.random.default_rng(0), 0
        for scene, program in drawn(range(300)):
            things = []
            for thing in scene.things:
                dx, ddepth = rng.uniform(-1, 1, 2) * (0.01, 0.02)
                x, depth = np.clip((thing.x + dx, thing.depth + ddepth), 0, 1)
                things.append(replace(thing, x=float(x), depth=float(depth)))
            assert referents(program, replace(scene, things=tuple(things))) == referents(program, scene), str(program)
            seen += program.side is not None or program.relation is not None
        assert seen > 300


class TestMirror:
    @pytest.mark.usefixtures("unhooked")
    def test_left_and_right_change_places(self):
        swap = {"left": "right", "right": "left"}
        for scene, program in drawn(range(200)):
            things = tuple(
                replace(thing, x=round(1 - thing.x, 6), facing=swap.get(thing.facing or "", thing.facing))
                for thing in scene.things
            )
            mirrored = change(program, OPPOSITE, swap)
            assert referents(mirrored, replace(scene, things=things)) == referents(program, scene), str(program)

    @pytest.mark.usefixtures("unhooked")
    def test_front_and_back_change_places(self):
        for scene, program in drawn(range(200, 400)):
            things = tuple(replace(thing, depth=round(1 - thing.depth, 6)) for thing in scene.things)
            turned = change(program, TURNED, {})
            assert referents(turned, replace(scene, things=things)) == referents(program, scene), str(program)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.integers(0, 25), min_size=1, max_size=8, unique=True), st.integers(1, 8))
    def test_ranks_from_both_sides(self, places, rank):
        """Number k of n from the left is number n + 1 - k from the right."""
        scene = apples(*((place / 25, 0.5) for place in places))
        found = referents(Program("apple", side="left", rank=rank), scene)
        other_rank = len(places) + 1 - rank
        other = referents(Program("apple", side="right", rank=other_rank), scene) if other_rank >= 1 else ()
        assert found == other
        assert len(found) == (rank <= len(places))
