"""The score card of lesson 17."""

from some_assistant import some_assistant

from gk_utils.assistant.exam import read_exam
from gk_utils.assistant.sitting import lay_out, sit, tally
from gk_utils.labs.exam_card import card_text, exam_rows


class TestCardText:
    def test_says_what_was_right_and_whose_it_is(self):
        some = [one for one in read_exam()[:30] if one.kind in ("absent", "count", "describe")]
        marked = sit(some_assistant(), lay_out(some))
        rows = exam_rows(marked)
        assert {row[0] for row in rows} == {"absent", "count", "describe"}
        assert [row[1] for row in rows] == [one.mark.right for one in marked]
        right = {"value": 0.5, "low": 0.25, "high": 0.75}
        text = card_text(marked, right, {"a": "yours", "b": "reference"}, "trunk", by="Ada")
        assert "composed by Ada" in text
        assert "**0.500** [0.250, 0.750], 9 questions" in text
        could = sum(one.truth.absent or one.kind == "describe" for one in some)
        assert [row[2] for row in rows] == [one.truth.absent or one.kind == "describe" for one in some]
        assert f"of {could} answers that could" in text
        counts = tally(marked)  # as the evaluation counts
        assert sum(row[3] for row in rows) == int(counts["invented"][counts["could_invent"]].sum())
        assert "1 of 2 written by the learner" in text
        assert text.split("\n")[-3:] == [
            f"| {kind} | {sum(row[1] for row in rows if row[0] == kind)} | 3 |"
            for kind in ("count", "absent", "describe")
        ]
