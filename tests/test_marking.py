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

    def test_leaves_most_out(self):
        given = ask("Describe the picture.")
        found = mark(replace(given, named=given.named[:2]), Drawn("?", "described"), TRUTH)
        assert "mentions 2 of 5 things" in found.problem


class TestMatched:
    def test_none(self):
        assert matched(torch.zeros(0, 4), torch.ones(2, 4)) == []
        assert matched(torch.tensor([[0.0, 0, 1, 1]]), torch.zeros(0, 4)) == [None]

    def test_order_does_not_matter(self):
        truths = painted().boxes[0]
        assert matched(truths[[3, 0, 4]], truths) == [3, 0, 4]
