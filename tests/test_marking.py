"""Answers held against the scene."""

from dataclasses import replace

import pytest
import torch
from some_assistant import KITCHEN, ask, painted

from gk_utils.assistant.exam_questions import Drawn
from gk_utils.assistant.grounded_answers import Answer, Decision, Named, Shown
from gk_utils.assistant.marking import SceneTruth, mark, matched

TRUTH = SceneTruth.of(KITCHEN, painted())
HW = (128, 128)


def shown(*things):
    return tuple(Shown(KITCHEN.things[one].category, tuple(painted().boxes[0, one].tolist())) for one in things)


def answer(value, things, groups, kind="locate", **more):
    named = tuple(Named(f"phrase {number}", rows) for number, rows in enumerate(groups))
    return Answer("?", kind, "Said.", value, HW, shown(*things), named, **more)


class TestMark:
    def test_right_in_words_and_in_evidence(self):
        found = mark(answer("here", [0], [(0,)]), Drawn("?", "here", ((0,),)), TRUTH)
        assert found.right
        assert (found.invented, found.problem) == (False, "")

    @pytest.mark.parametrize(
        ("given", "truth", "problem"),
        [
            (answer("here", [1], [(0,)]), Drawn("?", "here", ((0,),)), "a box on something else"),
            (answer("here", [], [()]), Drawn("?", "here", ((0,),)), "0 boxes for 1 things"),
            (answer("none", [], [()]), Drawn("?", "here", ((0,),)), "said 'none', true is 'here'"),
            (answer("2", [0, 3], [(0, 1)], "count"), Drawn("?", "2", ((0, 1),)), "a box on something else"),
            (answer("2", [0, 0], [(0, 1)], "count"), Drawn("?", "2", ((0, 1),)), "a box on something else"),
            (answer("left", [0, 1], [(0,), (1,)], "relate"), Drawn("?", "left", ((0,),)), "shows 2 phrases"),
            (answer("here", [0], [(0,)], "segment"), Drawn("?", "here", ((0,),)), "a mask that misses it"),
        ],
    )
    def test_wrong_evidence_is_a_wrong_answer(self, given, truth, problem):
        found = mark(given, truth, TRUTH)
        assert not found.right
        assert problem in found.problem

    def test_a_relation_that_is_not_so(self):
        said = Decision("left_of", (0, 1), True, 0.5, "")
        given = answer("left", [0, 2], [(0,), (1,)], "relate", decisions=(said,))
        truth = Drawn("?", "left", ((0,), (2,)))
        assert mark(given, truth, TRUTH).right
        turned = replace(given, decisions=(replace(said, relation="right_of"),))
        assert mark(turned, truth, TRUTH).problem == "right_of: the scene says otherwise"

    def test_a_relation_that_is_not_shown(self):
        truth = Drawn("?", "left", ((0,), (2,)))
        given = answer("left", [0, 2], [(0,), (1,)], "relate")
        assert mark(given, truth, TRUTH).problem == "left: said, and not shown"
        for other in (Decision("left_of", (1, 0), None, 0.0, ""), Decision("right_of", (0, 1), False, -0.5, "")):
            assert mark(replace(given, decisions=(other,)), truth, TRUTH).problem == "left: said, and not shown"
        both = replace(given, value="left and in front", decisions=(Decision("left_of", (0, 1), True, 0.5, ""),))
        found = mark(both, replace(truth, answer="left and in front"), TRUTH)
        assert found.problem == "in front: said, and not shown"

    def test_invented(self):
        truth = Drawn("?", "none", ((),))
        found = mark(answer("here", [3], [(0,)]), truth, TRUTH)
        assert (found.invented, found.right) == (True, False)
        assert mark(answer("none", [], [()]), truth, TRUTH).right

    def test_one_of_several_shows_that_there_is_one(self):
        truth = Drawn("Is there a mug?", "yes", ((0, 1),))
        assert mark(answer("yes", [1], [(0,)], "absent"), truth, TRUTH).right
        assert not mark(answer("yes", [1], [(0,)], "verify"), truth, TRUTH).right

    def test_a_mask(self):
        given = ask("Cut out the white plate.")  # the box, filled
        found = mark(given, Drawn("?", "here", ((2,),)), TRUTH)
        assert found.words
        fill = float(TRUTH.masks[2].sum() / TRUTH.masks[2].any(0).sum() / TRUTH.masks[2].any(1).sum())
        assert found.evidence == (fill >= 0.5)


class TestDescriptions:
    def test_all_right(self):
        found = mark(ask("Describe the picture."), Drawn("?", "described"), TRUTH)
        assert found.right

    def test_names_what_is_not_there(self):
        given = ask("Describe the picture.")
        wrong = replace(given, named=(*given.named[1:], Named("a pink cat", given.named[0].rows)))
        found = mark(wrong, Drawn("?", "described"), TRUTH)
        assert found.invented
        assert "'a pink cat': nothing there is so" in found.problem

    def test_a_box_on_another_thing(self):
        given = ask("Describe the picture.")
        a, b, *rest = given.named
        wrong = replace(given, named=(Named(a.phrase, b.rows), Named(b.phrase, a.rows), *rest))
        found = mark(wrong, Drawn("?", "described"), TRUTH)
        assert (found.invented, found.evidence) == (False, False)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_two_faults_in_either_order(self, order):
        given = ask("Describe the picture.")
        first, second, *rest = given.named
        faults = (Named("a pink cat", first.rows), Named(second.phrase, first.rows))
        found = mark(replace(given, named=(*(faults[k] for k in order), *rest)), Drawn("?", "described"), TRUTH)
        assert (found.invented, found.evidence) == (True, False)
        assert faults[order[0]].phrase in found.problem

    def test_a_thing_without_a_box_is_not_invented(self):
        given = ask("Describe the picture.")
        bare = replace(given, named=(Named(given.named[0].phrase), *given.named[1:]))
        found = mark(bare, Drawn("?", "described"), TRUTH)
        assert (found.invented, found.evidence) == (False, False)
        assert "no box" in found.problem

    def test_leaves_most_out(self):
        given = ask("Describe the picture.")
        found = mark(replace(given, named=given.named[:2]), Drawn("?", "described"), TRUTH)
        assert "mentions 2 of 5 things" in found.problem


class TestMatched:
    def test_none(self):
        assert matched(torch.zeros(0, 4), torch.ones(2, 4)) == []
        assert matched(torch.tensor([[0.0, 0, 1, 1]]), torch.zeros(0, 4)) == [None]

    def test_as_many_pairs_as_can_be(self):
        truths = torch.tensor([[0.0, 0, 100, 10], [39.0, 0, 139, 10]])
        boxes = torch.tensor([[6.0, 0, 106, 10], [-26.0, 0, 74, 10]])  # the best sum of IoU leaves one over
        assert matched(boxes, truths) == [1, 0]

    def test_order_does_not_matter(self):
        truths = painted().boxes[0]
        assert matched(truths[[3, 0, 4]], truths) == [3, 0, 4]
