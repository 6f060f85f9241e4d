"""Sitting the exam."""

import pytest
import torch
from some_assistant import PARTS, some_assistant

from gk_utils.assistant.exam import read_exam
from gk_utils.assistant.sitting import lay_out, sit, tally, wrong


@pytest.fixture(scope="module")
def sheets():
    return lay_out(read_exam()[:10])


class TestSit:
    def test_questions_without_masks_and_captions_are_answered(self, sheets):
        some = [sheet for sheet in sheets if sheet.question.kind not in ("segment", "describe")]
        marked = sit(some_assistant(PARTS), some)
        assert sum(one.mark.right for one in marked) >= len(some) - 1
        assert [one.answer.question for one in marked] == [sheet.question.truth.question for sheet in some]
        assert len(list(wrong(marked))) == sum(not one.mark.right for one in marked)

    def test_of_another_picture(self, sheets):
        some = [sheet for sheet in sheets if sheet.question.kind in ("locate", "count", "ordinal", "relate")]
        here, elsewhere = sit(some_assistant(), some), sit(some_assistant(), some, moved=1)
        assert sum(one.mark.right for one in elsewhere) < sum(one.mark.right for one in here)


class TestTally:
    def test_where_something_can_be_invented(self, sheets):
        counts = tally(sit(some_assistant(), sheets))
        kinds = [sheet.question.kind for sheet in sheets]
        expected = [
            sheet.question.truth.absent or kind == "describe" for sheet, kind in zip(sheets, kinds, strict=True)
        ]
        assert counts["could_invent"].tolist() == expected
        assert counts["picture"].dtype == torch.int64
