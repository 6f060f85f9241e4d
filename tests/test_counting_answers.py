"""How many, and more of which."""

import pytest
import torch
from some_assistant import FUNCTIONS, PARTS, ask, kitchen_view, some_assistant

from gk_utils.assistant.parts import Parts
from gk_utils.assistant.sight import Sight
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.thing import Thing


def view_of(boxes, scores, sure):
    """The kitchen's picture with mugs where the test wants them."""
    view = some_assistant().look(kitchen_view().image)
    things = [Thing("mug", tuple(box), (128, 128), {"colour": "red", "pattern": "plain"}) for box in boxes]
    both = Sight(torch.tensor(boxes), torch.tensor(scores), Arrangement(things), (128, 128))
    view.__dict__.update(sight=both.only(range(sure)), doubtful=both.only(range(sure, len(boxes))))
    return view


class TestCountAnswer:
    @pytest.mark.parametrize(
        ("things", "n"), [("mugs", 2), ("red mugs", 1), ("cats", 0), ("things", 5), ("mugs left of the plate", 2)]
    )
    def test_the_boxes_are_the_count(self, things, n):
        answer = ask(f"How many {things} are there?")
        assert (answer.value, len(answer.named[0].rows)) == (str(n), n)

    def test_doubtful_ones_are_said_and_not_counted(self):
        view = view_of([[10.0, 10, 30, 30], [50, 50, 70, 70]], [0.9, 0.4], sure=1)
        answer = some_assistant().ask(view, "How many mugs are there?")
        assert answer.value == "1"
        assert answer.notes == ("not certain: one doubtful one not counted for 'mugs'",)

    def test_two_boxes_with_one_mask_are_one_thing(self):
        boxes = [[10.0, 10, 30, 30], [10.5, 10, 30, 30], [60, 60, 80, 80]]
        answer = some_assistant().ask(view_of(boxes, [0.9, 0.8, 0.7], sure=3), "How many mugs are there?")
        assert answer.value == "2"
        assert "counted once" in answer.notes[0]
        assert set(answer.parts) == {"09.overlap", "10.from_to"}

    def test_two_masks_are_two_things(self):
        apart = Parts({**FUNCTIONS, "09.overlap": lambda first, second: 0.1}, FUNCTIONS)
        boxes = [[10.0, 10, 30, 30], [12, 10, 32, 30]]
        parts = Parts(apart.functions, apart.functions, {"09.overlap": "yours"})
        answer = some_assistant(parts).ask(view_of(boxes, [0.9, 0.8], sure=2), "How many mugs are there?")
        assert (answer.value, answer.parts["09.overlap"]) == ("2", "yours")

    def test_what_it_cannot_count(self):
        assert ask("How many of of are there?").value == "unknown"
        stranger = ask("How many elephants are there?")
        assert stranger.value == "unknown"
        assert stranger.text == "I cannot count 'elephants': I do not know the word."
        assert "'elephants' is no word of mine" in stranger.notes[0]


class TestCompareAnswer:
    @pytest.mark.parametrize(
        ("question", "value"),
        [
            ("Are there more mugs than plates?", "yes"),
            ("Are there fewer mugs than plates?", "no"),
            ("Are there as many plates as kettles?", "yes"),
            ("Are there as many mugs as kettles?", "no"),
            ("Which are there more of, plates or mugs?", "mugs"),
            ("Which are there more of, plates or kettles?", "equal"),
            ("Which are there more of, cats or birds?", "equal"),
        ],
    )
    def test_both_counts_are_shown(self, question, value):
        answer = ask(question)
        assert answer.value == value
        assert len(answer.named) == 2
        assert sum(len(one.rows) for one in answer.named) == len(answer.shown)

    def test_what_it_cannot_count(self):
        answer = some_assistant(PARTS).ask(kitchen_view(), "Are there more of of than mugs?")
        assert answer.value == "unknown"
        assert ask("Are there more mugs than elephants?").value == "unknown"
