"""Captions and answers against scenes."""

import pytest
import torch

from gk_utils.countertop.questions import Question
from gk_utils.countertop.scene import draw_scene
from gk_utils.kosmos2.caption_scores import (
    Asked,
    answer_questions,
    measure_captions,
    measure_questions,
    pictures_of,
    points_right,
    questions_for,
    score_answers,
    score_caption,
    share_named,
    tally,
)
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.kosmos2.kosmos_model import build_kosmos

SCENE = draw_scene(0, n=3, wanted=[{"category": "mug"}, {"category": "mug"}, {"category": "cat"}])
MUGS = [index for index, thing in enumerate(SCENE.things) if thing.category == "mug"]
BOXES = torch.zeros(3, 4)
for order, index in enumerate([*MUGS, 3 - sum(MUGS)]):
    BOXES[index] = torch.tensor([0.3 * order, 0.0, 0.3 * order + 0.25, 0.5])
FIRST, SECOND, CAT = (tuple(BOXES[index].double().tolist()) for index in (*MUGS, 3 - sum(MUGS)))


@pytest.fixture(scope="module")
def pictures():
    return pictures_of("val", 3, "trunk_small")


@pytest.fixture(scope="module")
def kosmos():
    torch.manual_seed(0)
    return build_kosmos({"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "inner": 16}).eval()


class TestScoreCaption:
    @pytest.mark.parametrize(
        ("phrase", "boxes", "pairs", "invented"),
        [
            ("a cat", (CAT,), [(True, True)], False),
            ("a cat", (FIRST,), [(True, False), (False, True)], False),
            ("a cat", (), [(False, True)], False),
            ("a mug", (SECOND,), [(True, True)], False),
            ("two mugs", (FIRST, SECOND), [(True, True)] * 2, False),
            ("two mugs", (FIRST, FIRST), [(True, True), (True, False), (False, True)], False),
            ("three mugs", (FIRST, SECOND), [(True, True)] * 2, True),
            ("a plate", (CAT,), [(True, False)], True),
            ("a unicorn", (CAT,), [(True, False)], True),
        ],
    )
    def test_by_hand(self, phrase, boxes, pairs, invented):
        said = GroundedText(phrase, ((0, len(phrase)),), (boxes,))
        assert score_caption(said, SCENE, BOXES) == (pairs, [invented])

    def test_iou_at_the_threshold_counts(self):
        half = (CAT[0], CAT[1], CAT[2], CAT[1] + (CAT[3] - CAT[1]) / 2)
        said = GroundedText("a cat", ((0, 5),), ((half,),))
        assert score_caption(said, SCENE, BOXES, threshold=0.499)[0] == [(True, True)]
        assert score_caption(said, SCENE, BOXES, threshold=0.51)[0] == [(True, False), (False, True)]


class TestTally:
    def test_over_captions(self):
        picture = Asked(SCENE, torch.zeros(1, 1), BOXES)
        good = GroundedText("a cat", ((0, 5),), ((CAT,),))
        bad = GroundedText("a plate and two mugs", ((0, 7), (12, 20)), ((CAT,), (FIRST,)))
        scores = tally([good, bad, GroundedText("")], [picture] * 3)
        assert scores.pair_picture.tolist() == [0, 1, 1, 1]
        assert scores.phrase_picture.tolist() == [0, 1, 1]
        assert scores.hallucinated == round(1 / 3, 4)
        assert scores.f1 == round(2 * 2 / (3 + 3), 4)

    def test_nothing_said(self):
        scores = tally([GroundedText("")], [Asked(SCENE, torch.zeros(1, 1), BOXES)])
        assert (scores.f1, scores.hallucinated, scores.named.tolist()) == (0.0, 0.0, [0.0])


class TestShareNamed:
    def test_who_repeats_names_little(self):
        once, twice = ((0, 5),), ((0, 5), (10, 15))
        assert share_named(GroundedText("a cat", once, ((CAT,),)), SCENE, BOXES) == pytest.approx(1 / 3)
        again = GroundedText("a cat and a cat", twice, ((CAT,), (CAT,)))
        assert share_named(again, SCENE, BOXES) == pytest.approx(1 / 3)
        assert share_named(GroundedText("two mugs", ((0, 8),), ((FIRST, SECOND),)), SCENE, BOXES) == pytest.approx(
            2 / 3
        )
        assert share_named(GroundedText("a cat", once, ((FIRST,),)), SCENE, BOXES) == 0
        assert share_named(GroundedText("a cat", once, ((),)), SCENE, BOXES) == 0


class TestAnswers:
    def test_by_hand(self):
        asked = [(0, Question("Is it?", "yes", "yes-no", ())), (2, Question("How many?", "3", "count", ()))]
        scores = score_answers([GroundedText("yes"), GroundedText("2")], asked)
        assert (scores.accuracy, scores.by_kind()) == (0.5, {"yes-no": 1.0, "count": 0.0})
        assert scores.picture.tolist() == [0, 2]

    def test_the_same_questions_each_time(self, pictures):
        assert questions_for(pictures) == questions_for(pictures)
        assert {number for number, _ in questions_for(pictures)} == {0, 1, 2}


class TestPointsRight:
    def test_by_hand(self):
        """The answer's words do not matter; one box of all phrases that hits a thing asked about is enough."""
        picture = Asked(SCENE, torch.zeros(1, 1), BOXES)
        asked = [(0, Question("Where?", "left", "where", (MUGS[1],)))] * 4
        answers = [
            GroundedText("left", ((0, 4),), ((FIRST,),)),
            GroundedText("right", ((0, 5),), ((FIRST, SECOND),)),
            GroundedText("a b", ((0, 1), (2, 3)), ((CAT,), (SECOND,))),
            GroundedText("left"),
        ]
        assert points_right(answers, asked, [picture]).tolist() == [False, True, True, False]


class TestMeasure:
    def test_a_model_that_knows_nothing(self, kosmos, pictures):
        assert measure_captions(kosmos, pictures).f1 < 0.5
        assert measure_questions(kosmos, pictures).accuracy < 0.9

    def test_answers_with_boxes(self, kosmos, pictures):
        asked = questions_for(pictures)[:3]
        assert len(answer_questions(kosmos, pictures, asked, grounded=True)) == 3

    def test_features_are_those_of_the_picture(self, pictures):
        assert pictures[0].features.dtype == torch.float16
        assert not torch.equal(pictures[0].features, pictures[1].features)
        assert len(pictures[0].boxes_unit) == len(pictures[0].scene)
