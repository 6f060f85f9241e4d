"""Notes on pictures: what is noted of a scene is so, and what is written in a prompt is read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.programs import relation_holds
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, Thing
from gk_utils.grounded_conversation.picture_notes import (
    RELATIONS,
    NotedThing,
    PictureNotes,
    could_carry,
    note_scene,
    read_prompt,
    write_prompt,
)

BOX = (0.1, 0.2, 0.3, 0.4)
MUGS = PictureNotes(
    ("Two mugs.",),
    (NotedThing("mug", "red", BOX), NotedThing("mug", "blue", BOX, True), NotedThing("cat", "red", BOX)),
    ((0, "left of", 2),),
)
things = st.builds(
    NotedThing,
    st.sampled_from(CATEGORIES),
    st.sampled_from(COLOURS),
    st.tuples(*[st.integers(0, 1000).map(lambda k: k / 1000)] * 4),
    st.booleans(),
)


class TestPictureNotes:
    def test_of(self):
        assert MUGS.of("mug") == (0, 1)
        assert MUGS.of("mug", "blue") == (1,)
        assert MUGS.of("spoon") == ()

    def test_named(self):
        assert [MUGS.named(number) for number in range(3)] == ["red mug", "blue mug", "cat"]
        twins = PictureNotes((), (MUGS.things[0], MUGS.things[0]))
        assert twins.named(0) is None

    def test_what_is_partly_hidden_is_not_counted(self):
        assert MUGS.countable("cat")
        assert not MUGS.countable("mug")


class TestNoteScene:
    scenes = tuple(draw_scene_for(2**33 + seed) for seed in range(6))

    def test_what_is_noted_is_so(self):
        rendered = render(self.scenes)
        related = 0
        for row, scene in enumerate(self.scenes):
            notes = note_scene(scene, rendered, row)
            seen = [k for k in range(len(scene)) if rendered.masks[row, k].any()]
            assert len(notes.things) == len(seen)
            for noted, index in zip(notes.things, seen, strict=True):
                thing, box = scene.things[index], rendered.boxes[row, index] / 128
                assert (noted.category, noted.colour) == (thing.category, thing.colour)
                assert max(abs(a - b) for a, b in zip(noted.box_unit, box.tolist(), strict=True)) <= 0.0005 + 1e-6
                share = rendered.masks[row, index].sum() / rendered.masks_full[row, index].sum()
                assert noted.hidden == bool(share < 0.5)
            for a, relation, b in notes.relations:
                assert relation in RELATIONS
                assert relation_holds(scene, seen[a], relation, seen[b])
                assert notes.named(a)
                assert notes.named(b)
                related += 1
        assert related > 10

    def test_what_cannot_be_seen_is_not_noted(self):
        behind = Thing("spoon", "red", "small", "plain", "left", None, 0.5, 0.1)
        front = Thing("toaster", "blue", "large", "plain", "left", None, 0.5, 0.12)
        scene = Scene((behind, front))
        rendered = render([scene])
        assert not rendered.masks[0, 0].any()
        assert [thing.category for thing in note_scene(scene, rendered, 0).things] == ["toaster"]

    def test_the_same_scene_gives_the_same_notes(self):
        rendered = render(self.scenes[:1])
        assert note_scene(self.scenes[0], rendered, 0) == note_scene(self.scenes[0], rendered, 0)


class TestReadPrompt:
    @settings(max_examples=40, deadline=None)
    @given(noted=st.lists(things, max_size=4))
    def test_round_trip(self, noted):
        pairs = tuple((a, relation, a) for a in range(len(noted)) for relation in RELATIONS)
        notes = PictureNotes(("A cat.", "A mug is on the plate."), tuple(noted), pairs)
        assert read_prompt(write_prompt(notes)[-1]["content"]) == notes

    def test_the_rules_come_first(self):
        system, user = write_prompt(MUGS)
        assert system["role"] == "system"
        assert user["role"] == "user"
        assert "2. blue mug, partly hidden: [0.100, 0.200, 0.300, 0.400]" in user["content"]
        assert "1 is left of 3" in user["content"]

    @pytest.mark.parametrize("line", ["1. mug: [0, 0, 1, 1]", "1 is under 2", "hello"])
    def test_no_line_of_a_prompt(self, line):
        with pytest.raises(ValueError, match=r"text: expected a line of write_prompt, got .* in line 2"):
            read_prompt(f"Objects:\n{line}")


class TestCouldCarry:
    def test_by_hand(self):
        assert could_carry("plate", "apple", "on")
        assert could_carry("bowl", "apple", "inside")
        assert not could_carry("bowl", "apple", "on")
        assert not could_carry("apple", "plate", "on")
