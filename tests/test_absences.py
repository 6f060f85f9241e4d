"""What is missing where a question asks about what is not there."""

import pytest
from some_assistant import KITCHEN, painted

from gk_utils.assistant.absences import ABSENCES, absence_of
from gk_utils.assistant.exam_questions import Drawn
from gk_utils.assistant.marking import SceneTruth

TRUTH = SceneTruth.of(KITCHEN, painted()).arrangement


class TestAbsenceOf:
    @pytest.mark.parametrize(
        ("question", "groups", "missing"),
        [
            ("Is there an elephant?", ((),), "word"),
            ("Where is the cat?", ((),), "category"),
            ("Is there a green mug?", ((),), "look"),
            ("Find the mug in front of the cat.", ((),), "landmark"),
            ("Find the mug in front of the blue bottle.", ((),), "landmark"),
            ("Find the mug behind the bottle.", ((),), "relation"),
            ("Where is the third mug from the left?", ((),), "rank"),
            ("How many red plates are there?", ((),), "look"),
            ("Are there more mugs than cats?", ((0, 1), ()), "category"),
            ("Is the red mug in front of or behind the red bottle?", ((0,), ()), "look"),
            ("Is it true that the black kettle is behind the red mug?", ((), (0,)), "look"),
            ("What is in <box>(0,0),(9,9)</box>?", ((),), "region"),
        ],
    )
    def test_by_hand(self, question, groups, missing):
        assert absence_of(Drawn(question, "none", groups), TRUTH) == missing
        assert missing in ABSENCES

    def test_what_is_there(self):
        with pytest.raises(ValueError, match="truth: expected a question about what is not there"):
            absence_of(Drawn("Where is the red mug?", "here", ((0,),)), TRUTH)
