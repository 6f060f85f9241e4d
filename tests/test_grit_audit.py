"""Each stage of the pipeline against the truth."""

import pytest
import torch

from gk_utils.kosmos2.alt_texts import TruePhrase
from gk_utils.kosmos2.grit_audit import StageCount, as_lines, audit, draw_captioned, hits, run_pipeline
from gk_utils.protocols import Grounding


@pytest.fixture(scope="module")
def pictures():
    return draw_captioned(6)


class KnowsAll:
    """A grounder that is told the truth; `wrong` turns every box upside down."""

    def __init__(self, pictures, *, wrong=False):
        self.pictures, self.wrong = pictures, wrong

    def ground(self, image, phrase):
        picture = next(one for one in self.pictures if one.image is image)
        things = [
            thing
            for one in picture.said.phrases
            if picture.said.text[one.start : one.chunk_end] == phrase
            for thing in one.referents[:1]
        ]
        boxes = picture.boxes[things] if not self.wrong else torch.tensor([[0.0, 0.0, 1.0, 1.0]] * len(things))
        return Grounding(boxes.view(-1, 4), torch.ones(len(boxes)), phrase, False, (128, 128))


class TestDrawCaptioned:
    def test_always_the_same(self, pictures):
        again = draw_captioned(2)
        assert [one.said for one in again] == [one.said for one in pictures[:2]]
        assert torch.equal(again[0].image, pictures[0].image)
        assert draw_captioned(1, seed=1)[0].said != pictures[0].said


class TestAudit:
    def test_a_finder_that_knows_all(self, pictures):
        counts = audit(pictures, run_pipeline(pictures, KnowsAll(pictures), chunker="course"))
        assert list(counts) == ["chunks", "boxes", "score", "nms", "expressions"]
        assert counts["boxes"].precision == counts["score"].precision == 1.0
        assert counts["chunks"].recall > 0.7

    def test_a_finder_that_knows_nothing(self, pictures):
        counts = audit(pictures, run_pipeline(pictures, KnowsAll(pictures, wrong=True), chunker="course"))
        assert counts["boxes"].items > 0
        assert counts["boxes"].right == counts["nms"].right == counts["expressions"].right == 0

    def test_each_stage_lets_no_more_through(self, pictures):
        counts = audit(pictures, run_pipeline(pictures, KnowsAll(pictures), chunker="course"))
        assert counts["boxes"].items >= counts["score"].items >= counts["nms"].items


class TestHits:
    def test_a_thing_counts_once_a_phrase(self):
        things = torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
        phrase = TruePhrase(0, 3, 3, (0,))
        assert hits(things[[0, 0, 1, 0]], [phrase, phrase, phrase, None], things) == [True, False, False, False]


class TestStageCount:
    def test_by_hand(self):
        assert (StageCount(4, 3, 6).precision, StageCount(4, 3, 6).recall) == (0.75, 0.5)
        assert (StageCount(0, 0, 0).precision, StageCount(0, 0, 0).recall) == (0.0, 0.0)


class TestAsLines:
    def test_columns_are_aligned(self):
        lines = as_lines({"chunks": StageCount(4, 3, 3), "expressions": StageCount(1, 1, 1)})
        assert len({len(line) for line in lines}) == 1
