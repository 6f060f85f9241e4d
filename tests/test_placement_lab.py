"""The lab of lesson 10, and what the lesson draws and measures with: a stage, readings, trees, first rules, trials."""

import base64
import xml.etree.ElementTree as ET

import pytest
import torch

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene, draw_scene, draw_scenes
from gk_utils.countertop.things import Thing as Placed
from gk_utils.labs.first_rules import RULES, both_answers, first_rule
from gk_utils.labs.form_tree import tree
from gk_utils.labs.placement import STILL, WANTED, PlacementLab, placement_lab
from gk_utils.labs.placement_readings import RELATIONS, named, read_placement
from gk_utils.labs.placements import KNOWN, Stage, place, take_apart
from gk_utils.labs.spatial_pairs import padded, random_pairs
from gk_utils.labs.vsr_trial import by_name, judge, score, statements_about, through_a_file
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.observed import observe
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verifier import verify

SIDE = 160


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw_scene(10, n=5, wanted=WANTED)


@pytest.fixture(scope="module")
def stage(scene) -> Stage:
    return take_apart(scene, SIDE)


def number(stage: Stage, name: str) -> int:
    return [named(Arrangement(stage.things), index) for index in range(len(stage.things))].index(name)


def moved(stage: Stage, name: str, foot: tuple[float, float]) -> list[list[float]]:
    """All boxes, with one thing put so that its foot is there."""
    boxes, index = [list(box) for box in stage.boxes], number(stage, name)
    x, y = place(stage, stage.boxes).arrangement.things[index].foot
    step = (foot[0] - x, foot[1] - y)
    boxes[index] = [side + step[axis % 2] for axis, side in enumerate(boxes[index])]
    return boxes


class TestPlace:
    def test_where_it_was_it_is_the_scene(self, scene, stage):
        """Picture, boxes, masks, depths and facings are those of the countertop itself."""
        placed, (true,) = place(stage, stage.boxes), observe([scene], (SIDE, SIDE))
        assert (placed.image - render([scene], (SIDE, SIDE)).images[0]).abs().max() < 0.02
        for thing, other in zip(placed.arrangement.things, true.things, strict=True):
            assert thing.box == pytest.approx(other.box)
            assert torch.equal(thing.mask, other.mask)
            assert thing.depth == pytest.approx(other.depth, abs=1e-4)
            assert (thing.name, thing.facing) == (other.name, other.facing)

    def test_a_thing_goes_where_its_box_goes(self, stage):
        index = number(stage, "red mug")
        boxes = [list(box) for box in stage.boxes]
        boxes[index] = [side + (7, -5)[axis % 2] for axis, side in enumerate(boxes[index])]
        before, after = (place(stage, some).arrangement.things[index] for some in (stage.boxes, boxes))
        assert after.box == pytest.approx([side + (7, -5)[axis % 2] for axis, side in enumerate(before.box)])
        assert after.depth > before.depth  # higher is farther back

    def test_a_top_carries_and_a_front_hides(self, stage):
        """With its foot on the toaster's top it is on it; with its foot on the front it stands behind, hidden."""
        toaster = stage.things[number(stage, "toaster")]
        x, y = toaster.foot
        top = toaster.box[1] + 3
        on, mug = parse("The red mug is on the toaster."), number(stage, "red mug")
        placed = place(stage, moved(stage, "red mug", (x, top))).arrangement
        assert verify(on, placed).truth is True
        assert placed.things[mug].depth == placed.things[number(stage, "toaster")].depth
        behind = place(stage, moved(stage, "red mug", (x, (top + y) / 2 + 2))).arrangement
        assert verify(on, behind).truth is False
        assert verify(parse("The red mug is behind the toaster."), behind).truth is True
        assert behind.things[mug].mask.sum() < placed.things[mug].mask.sum()

    def test_no_two_masks_share_a_pixel_and_hidden_things_keep_their_box(self, stage):
        boxes = [list(stage.boxes[0])] * len(stage.boxes)
        placed = place(stage, boxes).arrangement
        assert torch.stack([thing.mask for thing in placed.things]).sum(0).max() == 1
        assert all(thing.box[2] > thing.box[0] for thing in placed.things)

    def test_what_is_known(self, stage):
        placed = place(stage, stage.boxes)
        boxes, masks, everything = (placed.known(how).things[0] for how in KNOWN)
        assert (boxes.mask, boxes.depth, masks.depth, masks.facing) == (None, None, None, None)
        assert masks.mask is not None
        assert everything.depth is not None
        with pytest.raises(ValueError, match="how: expected one of"):
            placed.known("nothing")

    def test_errors(self, stage):
        with pytest.raises(ValueError, match="boxes: expected 5, one a thing, got 1"):
            place(stage, stage.boxes[:1])
        look = {"colour": "red", "size": "small", "pattern": "plain", "facing": None, "state": None}
        plate = Placed("plate", **look, x=0.5, depth=0.5)
        apple = Placed("apple", **look, x=0.5, depth=0.5, relation="on", support=0)
        with pytest.raises(ValueError, match="scene: expected all things on the counter"):
            take_apart(Scene((plate, apple)))


class TestReadPlacement:
    def test_frames_differ_and_margins_refuse(self):
        """The mug left of a cat that faces left: before its nose, not at its left hand."""
        mug = Thing("mug", (0, 20, 10, 40), (99, 99), depth=1.5)
        cat = Thing("cat", (30, 10, 50, 40), (99, 99), depth=1.5, facing="left")
        reading = read_placement(Arrangement([mug, cat]), "The mug is left of the cat.")
        said = {(row.words, row.frame): row.verdict.truth for row in reading.rows}
        assert said["left of", "as the viewer sees it"] is True
        assert said["left of", "by the cat's own sides"] is False
        assert said["in front of", "by the cat's own sides"] is True
        assert len(reading.rows) == len(RELATIONS)
        assert reading.answer.startswith("→ true (+1.00)")
        sure = read_placement(Arrangement([mug.moved(26, 0), cat]), "The mug is left of the cat.", least=0.5)
        assert sure.answer == "→ unknown: too close to call (+0.33)"
        nothing = read_placement(Arrangement([mug, cat]).boxes_only(), "The mug is on the cat's left.")
        assert nothing.answer == "→ unknown: needs facing: which way does the cat face?"

    def test_what_cannot_be_read_is_pointed_at(self):
        cat = Thing("cat", (0, 0, 4, 4), (9, 9))
        reading = read_placement(Arrangement([cat, cat]), "The cat wobbles near a cat.")
        assert reading.form == ""
        assert reading.note.splitlines()[-1] == "        ^^^^^^^"
        assert read_placement(Arrangement([cat, cat]), "").answer.startswith("statement: expected a statement")

    def test_the_words_say_everything(self, stage):
        reading = read_placement(place(stage, stage.boxes).arrangement, "All mugs are near the plate.", (0, 3))
        words = reading.in_words()
        assert words.startswith(reading.note)
        assert len(words.splitlines()) == len(reading.note.splitlines()) + len(RELATIONS)


class TestPlacementLab:
    """The callbacks over their range, as the page sends them."""

    def test_every_control_is_answered(self, stage):
        lab = PlacementLab(stage, "The red mug is on the cat's right.")
        for known in range(len(KNOWN)):
            lab.known.set_state({"index": known})
            for least in (0, 0.5):
                lab.least.set_state({"value": least})
                placed = place(stage, lab.canvas.boxes).known(KNOWN[known])
                told = read_placement(placed, lab.statement.value, (lab.first.value, lab.second.value), least)
                assert lab.canvas.note == told.note
                assert lab.reading.in_words() == told.in_words()
                rows = ET.fromstring(lab.table.value)
                assert len(rows) == len(RELATIONS) + 1

    def test_moving_changes_picture_and_answer(self, stage):
        lab = PlacementLab(stage, "The red mug is on the cat's right.")
        assert "false" in lab.canvas.note.splitlines()[0]
        before = lab.canvas.picture
        cat = stage.things[number(stage, "cat")]
        lab.canvas.boxes = moved(stage, "red mug", (cat.foot[0] + 20, cat.foot[1] - 12))
        assert "true" in lab.canvas.note.splitlines()[0]
        assert lab.canvas.picture != before

    def test_any_move_of_the_first_thing_changes_the_words(self):
        lab = placement_lab()
        before, boxes = lab.canvas.note, [list(box) for box in lab.canvas.boxes]
        boxes[0] = [side + 10 * (axis % 2 == 0) for axis, side in enumerate(boxes[0])]
        lab.canvas.boxes = boxes
        assert lab.canvas.note != before

    def test_statements_that_are_none(self, stage):
        lab = PlacementLab(stage)
        for text in ("", "?", "<b>", "The mug is", "the the the", "All things are near all things."):
            lab.statement.value = text
            assert lab.canvas.note

    def test_the_bundle_carries_the_live_view_and_a_still(self, stage):
        lab = PlacementLab(stage)
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.reading.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= STILL


class TestTree:
    def test_every_kind_of_form(self):
        assert tree(parse("There are more mugs than plates.")).splitlines() == [
            "more",
            "├─ bare: mugs",
            "└─ bare: plates",
        ]
        told = tree(parse("The largest mug is directly above a plate or the cat and the dog have the same colour."))
        for line in ("Or", "number 1, largest", "directly above", "same colour as"):
            assert line in told
        assert "another" not in tree(parse("Another mug is red."))
        assert "other mug" in tree(parse("Another mug is red."))


class TestFirstRule:
    def test_by_hand(self):
        small, wide = Thing("cup", (10, 10, 20, 20), (100, 400)), Thing("table", (0, 0, 60, 40), (100, 400))
        assert [first_rule(name, small, wide) for name in RULES] == [True, False, True, True]
        assert [first_rule(name, wide, small) for name in RULES] == [False, True, True, False]
        with pytest.raises(ValueError, match="name: expected one of"):
            first_rule("on", small, wide)

    def test_near_depends_on_the_shape_of_the_picture(self):
        pair = Thing("mug", (0, 0, 40, 40), (250, 1000)), Thing("mug", (0, 60, 40, 100), (250, 1000))
        assert first_rule("near", *pair) != first_rule("near", *map(padded, pair))

    def test_both_answers(self):
        boxes = {"Cup": (1, 4, 2, 5), "plate": (3, 4, 4, 5)}
        assert both_answers("The cup is left of the plate", boxes) == (False, "true (+1.00): by left and right edges")
        assert both_answers("The cup is lft of the plate", boxes)[1].startswith("statement: expected")


class TestRandomPairs:
    def test_equal_nested_and_others(self):
        pairs = random_pairs(50)
        assert sum(a.box == b.box for a, b in pairs) == 5
        assert all(first_rule("inside", a, b) for a, b in pairs[5:15])
        assert all(a.box != b.box for a, b in pairs[5:])
        assert random_pairs(50, 1) != pairs


class TestTrial:
    def test_through_a_file(self):
        scenes = draw_scenes(range(40, 46), n=6)
        items, rows = through_a_file(scenes, 3)
        said = statements_about(scenes, 3)
        assert [item.caption for item in items] == [statement.text for _, statement in said]
        assert [item.label for item in items] == [statement.holds for _, statement in said]
        assert [scenes[row] for row in rows] == [scene for scene, _ in said]
        verdicts = judge([parse(item.caption) for item in items], observe(scenes), rows)
        assert [verdict.truth for verdict in verdicts] == [item.label for item in items]

    def test_score_by_hand(self):
        one = score([True, False, None, True], [True, True, True, True], [0, 0, 1, 2])
        assert (one.value, one.undecided) == (pytest.approx(2 / 3, abs=1e-4), 0.25)
        assert one.low <= one.value <= one.high

    def test_of_two_mugs_the_last(self):
        mugs = [Thing("mug", (x, 0, x + 10, 10), (100, 100)) for x in (0, 50)]
        assert by_name(Arrangement(mugs)) == {"mug": (0.5, 0, 0.6, 0.1)}
