"""The lab of lesson 13: marks to numbers, a question to an answer, and what the scene says to it."""

import base64
import functools
import html

import pytest
import torch
from some_talk import tiny_talker
from torch.testing import assert_close

from gk_utils.countertop.scene import Scene
from gk_utils.figure_image import LIMIT
from gk_utils.labs.talk_turns import (
    SIDE,
    facts_of,
    filled,
    marked_place,
    name_of,
    paint_boxes,
    stage_of,
    take_turn,
)
from gk_utils.labs.talking import TalkLab
from gk_utils.shikra.shikra_chat import Chat
from gk_utils.shikra.talk import Conversation, Utterance, read, say

ROUND = [[[96.0, 96.0], [192.0, 96.0], [192.0, 192.0], [96.0, 192.0], [96.0, 96.0]]]


@pytest.fixture(scope="module")
def talker():
    made = tiny_talker()
    made.answer = functools.partial(made.answer, steps=8)  # chance never says that it has finished
    return made


@pytest.fixture(scope="module")
def stage(talker):
    return stage_of(talker, 3)


class TestMarkedPlace:
    def test_the_last_stroke_counts(self):
        assert marked_place([]) is None
        assert_close(marked_place([[[3, 4]]]), torch.tensor([[3.0, 4.0]]))
        assert_close(marked_place([[[0, 0]], [[8, 2], [1, 9], [4, 4]]]), torch.tensor([[1.0, 2.0, 8.0, 9.0]]))


class TestFilled:
    def test_numbers_take_the_place_of_holes(self, stage):
        box, point = torch.tensor([[96.0, 96.0, 192.0, 288.0]]), torch.tensor([[96.0, 192.0]])
        assert filled("What is in [box]?", box, stage.chat) == "What is in [0.250,0.250,0.500,0.750]?"
        assert filled("What is at [point]?", box, stage.chat) == "What is at [0.375,0.500]?"
        assert filled("[point] or [point]?", point, stage.chat) == "[0.250,0.500] or [0.250,0.500]?"
        assert filled("Where is the mug?", None, stage.chat) == "Where is the mug?"

    def test_what_is_missing_is_said(self, stage):
        with pytest.raises(ValueError, match=r"\[box\]: nothing is marked\. Click"):
            filled("What is in [box]?", None, stage.chat)
        with pytest.raises(ValueError, match=r"\[box\]: a click is a point\. Go round"):
            filled("What is in [box]?", torch.tensor([[1.0, 2.0]]), stage.chat)


class TestTakeTurn:
    def test_it_is_what_the_chat_says(self, stage, talker):
        chat = Chat(talker, stage.image)
        first = take_turn(stage, Conversation(), "What is in [box]?", ROUND)
        second = take_turn(stage, first.conversation, "Where is the mug?", ROUND)
        chat.ask("What is in [0.25,0.25,0.5,0.5]?")
        chat.ask("Where is the mug?")
        assert second.conversation == chat.conversation
        assert first.conversation.utterances[0].text == "What is in [0.250,0.250,0.500,0.500]?"
        assert len(first.conversation.utterances) == 2  # asking did not change it
        assert_close(first.marked, torch.tensor([[96.0, 96.0, 192.0, 192.0]]))
        assert second.marked is None

    def test_what_cannot_be_asked_leaves_it_as_it_was(self, stage):
        before = take_turn(stage, Conversation(), "What is in [box]?", ROUND).conversation
        for question, problem in {
            "Where is the zebra?": "'zebra'",
            "What is in [box]?": "nothing is marked",
        }.items():
            reading = take_turn(stage, before, question)
            assert reading.conversation == before
            assert problem in reading.problem
            assert reading.sentence == reading.problem
            assert not len(reading.boxes)
            assert reading.in_words().endswith(reading.problem)


class TestFactsOf:
    def test_boxes_marks_and_expressions_are_held_against_the_scene(self, stage):
        thing = stage.scene.things[1]
        box = stage.boxes[1:2]
        y, x = stage.masks[1].nonzero()[0].tolist()
        unique = f"The {thing.size} {thing.colour} {thing.pattern} {thing.category}."
        name = name_of(stage.scene, 1)
        assert facts_of(stage, torch.tensor([[x + 0.5, y + 0.5]]), read("assistant", "A mug."), box) == (
            f"Marked is {name}.",
            f"Box 1 fits {name} best: IoU 1.00.",
        )
        assert facts_of(stage, box, say("assistant", [unique]), torch.zeros(0, 4)) == (
            f"Marked is most like the box of {name}: IoU 1.00.",
            f"Executed in the scene, the answer leaves {name}.",
        )
        corner = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
        assert facts_of(stage, corner, read("assistant", "The thing."), torch.zeros(0, 4))[0] == "Marked is no thing."
        assert f"leaves {len(stage.scene)} things" in facts_of(stage, None, read("assistant", "The thing."), box)[-1]

    def test_what_leaves_nothing(self, stage):
        absent = next(k for k in ("kettle", "cat", "banana", "candle") if not stage.scene.select(category=k))
        (fact,) = facts_of(stage, None, read("assistant", f"The {absent}."), torch.zeros(0, 4))
        assert fact == "Executed in the scene, the answer leaves nothing."


class TestPaintBoxes:
    def test_only_around_the_boxes(self):
        grey = torch.full((3, 60, 80), 0.5)
        assert (paint_boxes(grey, torch.zeros(0, 4)) == 128).all()
        painted = paint_boxes(grey, torch.tensor([[20.0, 20.0, 50.0, 50.0]]))
        assert (painted[:15] == 128).all()
        assert (painted[40:45, 30:45] == 128).all()
        assert painted[20, 40].tolist() == [0, 114, 178]

    def test_boxes_at_the_border_and_without_area(self):
        boxes = torch.tensor([[0.0, 0.0, 80.0, 60.0], [79.0, 59.0, 79.0, 59.0]])
        assert paint_boxes(torch.zeros(3, 60, 80), boxes).shape == (60, 80, 3)


class TestTalkLab:
    """The callbacks over their range, as the page sends them."""

    def test_every_question_is_answered_or_says_why_not(self, stage, talker):
        lab = TalkLab({"A": stage, "B": stage_of(talker, 4)})
        for picture, rows in ((1, (0, 5)), (0, (1, 3, 4))):
            lab.picture.set_state({"index": picture})
            assert lab.stage is lab._stages["AB"[picture]]
            assert len(lab.reading.conversation.utterances) == 2  # the first question was asked
            for row in rows:
                lab.choice.set_state({"index": row})
                question = lab.stage.questions[row]
                assert lab.question.value == question
                for strokes in ([], [[[100.0, 200.0]]], ROUND):
                    lab.forget.click()
                    assert lab.reading.conversation == Conversation()
                    assert "Nothing was said yet." in lab.view.value
                    lab.canvas.set_state({"strokes": strokes})
                    lab.ask.click()
                    told = take_turn(lab.stage, Conversation(), question, strokes)
                    assert lab.reading.in_words() == told.in_words()
                    assert html.escape(told.problem) in lab.view.value
                    assert lab.canvas.note.startswith("You mark [" if strokes else "Nothing is marked.")

    def test_words_of_the_learner_s_own(self, stage):
        lab = TalkLab({"A": stage})
        lab.question.set_state({"value": "Where is the <zebra>?"})
        lab.ask.click()
        assert "&lt;" in lab.view.value
        assert lab.reading.problem

    def test_readers_without_a_kernel_see_the_first_exchange(self, stage):
        data, meta = TalkLab({"A": stage})._repr_mimebundle_()
        mime = next(key for key in data if key.startswith("image/"))
        assert len(base64.b64decode(data[mime])) <= LIMIT
        assert meta[mime]["alt"] == data["text/plain"]
        assert "USER: What is in [0." in data["text/plain"]
        assert "ASSISTANT:" in data["text/plain"]


class TestStageOf:
    def test_the_largest_thing_is_marked(self, stage):
        assert isinstance(stage.scene, Scene)
        assert stage.image.shape == (3, SIDE, SIDE)
        largest = int(stage.masks.flatten(1).sum(1).argmax())
        assert name_of(stage.scene, largest) in stage.questions[5]
        assert_close(marked_place(stage.start)[0], stage.boxes[largest].clamp(0, SIDE - 1))
        assert all(isinstance(read("user", question), Utterance) for question in stage.questions)
