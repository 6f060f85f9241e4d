"""Answers with evidence: checked, as JSON, as a figure."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from gk_utils.assistant.grounded_answers import Answer, Decision, Named, Shown

MASK = {"size": [6, 8], "counts": [6, 5, 37]}
MUG = Shown("red mug", (1.0, 0.0, 3.0, 5.0), MASK, {"score": 0.9})
PLATE = Shown("plate", (4.0, 0.0, 8.0, 6.0))
ANSWER = Answer(
    *("Is the mug left of the plate?", "verify", "Yes.", "yes", (6, 8), (MUG, PLATE)),
    (Named("the mug", (0,)), Named("the plate", (1,))),
    (Decision("left_of", (0, 1), True, 0.5, "by edges"), Decision("behind", (0, 1), None, 0.0, "needs depth")),
    ("a note",),
    {"10.from_to": "yours"},
    "trunk",
)


class TestAnswer:
    def test_round_trip(self):
        again = Answer.from_json(ANSWER.as_json())
        assert again == ANSWER
        assert again.as_json() == ANSWER.as_json()

    def test_boxes_and_masks(self):
        assert ANSWER.boxes.tolist() == [[1, 0, 3, 5], [4, 0, 8, 6]]
        assert ANSWER.mask(0).sum() == 5
        assert bool(ANSWER.mask(0)[:5, 1].all())
        assert ANSWER.mask(1) is None

    def test_without_evidence(self):
        empty = Answer("?", "unread", "I cannot read that.", "unknown", (4, 4))
        assert empty.boxes.shape == (0, 4)
        assert Answer.from_json(empty.as_json()) == empty

    def test_in_words(self):
        lines = ANSWER.evidence_lines()
        assert lines[:2] == ["the mug: 1 box", "the plate: 1 box"]
        assert lines[2] == "red mug left of plate: holds (+0.50), by edges"
        assert "undecided" in lines[3]
        assert lines[-1] == "a note"
        assert [ANSWER.label(0), ANSWER.label(1)] == ["red mug 0.90", "plate"]
        assert replace(ANSWER, named=(Named("cat"),)).evidence_lines()[0] == "cat: no boxes"

    def test_drawn(self):
        figure = ANSWER.draw(np.zeros((6, 8, 3), np.uint8))
        assert "Is the mug left of the plate?" in figure.axes[0].get_title("left")
        assert {"red mug 0.90", "plate"} <= {text.get_text() for text in figure.axes[0].texts}
        assert Answer("?", "unread", "No.", "unknown", (6, 8)).draw(torch.zeros(6, 8, 3)).axes

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"kind": "riddle"}, "kind: expected one of"),
            ({"text": " "}, "text: expected words"),
            ({"value": ""}, "value: expected words"),
            ({"shown": (replace(MUG, box=(1.0, 0.0, 9.0, 5.0)), PLATE)}, "shown: expected a box xyxy inside 8 x 6"),
            ({"shown": (replace(MUG, mask={"size": [8, 6], "counts": [48]}), PLATE)}, "expected a mask of"),
            ({"named": (Named("the mug", (2,)),)}, "rows: expected rows of the 2 things"),
            ({"decisions": (Decision("left_of", (0, 3), True, 0.5, ""),)}, "rows: expected rows"),
            ({"decisions": (Decision("left_of", (0, 1), True, -0.5, ""),)}, "sign of the truth"),
            ({"kind": "count", "value": "3"}, "value: expected 1, as many as there are boxes, got 3"),
            ({"value": "none"}, "expected a phrase without boxes beside 'none'"),
        ],
    )
    def test_what_cannot_be(self, change, message):
        with pytest.raises(ValueError, match=message):
            replace(ANSWER, **change)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"shown": {}}, "shown: expected a list"),
            ({"shown": [{"name": "mug"}]}, "shown: expected name, box"),
            ({"shown": [{"name": "mug", "box": [1, 2, 3], "numbers": {}}]}, "expected four numbers"),
            ({"shown": [{"name": "mug", "box": [1, 2, 3, 4], "numbers": {"a": "b"}}]}, "expected numbers"),
            ({"shown": [{"name": "mug", "box": [1, 2, 3, 4], "numbers": {}, "mask": 3}]}, "expected run lengths"),
            ({"named": [{"phrase": "a", "rows": [0.5]}]}, "rows: expected whole numbers"),
            ({"named": [{}]}, "named: expected phrase and rows"),
            ({"decisions": [{}]}, "decisions: expected"),
            ({"image_hw": [6]}, "image_hw: expected"),
            ({"parts": []}, "parts: expected an object"),
            ({"notes": [3]}, "notes: expected texts"),
            ({"text": 3}, "text: expected a text"),
        ],
    )
    def test_malformed_json(self, change, message):
        with pytest.raises(ValueError, match=rf"answer: .*{message}"):
            Answer.from_json(json.dumps({**ANSWER.as_dict(), **change}))

    @pytest.mark.parametrize("text", ["", "[]", "{}", "nothing"])
    def test_no_answer_at_all(self, text):
        with pytest.raises(ValueError, match="answer: "):
            Answer.from_json(text)
