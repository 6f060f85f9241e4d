"""Testimony: each kind of claim by hand, with both witnesses told what to say."""

import pytest
import torch
from some_views import told_view

from gk_utils.grounded_conversation.testimony import bound, box_votes, sentence_votes
from gk_utils.spatial_relations.parser import parse

MUG, CAT, FAR = (10.0, 60.0, 30.0, 80.0), (60.0, 60.0, 90.0, 80.0), (40.0, 10.0, 50.0, 20.0)
THINGS = [("mug", "red", MUG), ("cat", "black", CAT)]


def truths(votes):
    return [vote.truth for vote in votes]


def sentence(text, view, links=None, second=True):
    form = parse(text)
    found = {span: torch.tensor([box]) for span, box in (links or {}).items()}
    return truths(sentence_votes(form, bound(form, found), view, second))


def boxes(*rows):
    return torch.tensor(rows)


class TestExistence:
    def test_who_affirms_is_not_questioned(self):
        view = told_view(THINGS)
        assert sentence("There is a red mug.", view) == [True]
        assert sentence("There is no kettle.", view) == [True]
        assert view.grounder.asked == []

    def test_a_denial_is_questioned(self):
        view = told_view(THINGS, {"blue mug": None, "bird": FAR, "mug": MUG})
        assert sentence("There is a blue mug.", view) == [False, False]
        assert sentence("There is a bird.", view) == [False, True]
        assert sentence("There is no mug.", view) == [False, False]
        assert sentence("There is no mug.", view, second=False) == [False]


class TestCounts:
    two = (("mug", "red", MUG), ("mug", "blue", FAR))

    def test_right(self):
        assert sentence("There are exactly two mugs.", told_view(self.two)) == [True]

    def test_fewer_were_seen(self):
        third = (70.0, 10.0, 80.0, 20.0)
        for answer, heard in ((None, False), (third, True), (FAR, False)):
            view = told_view(self.two, {"third mug from left": answer})
            assert sentence("There are exactly three mugs.", view) == [False, heard]

    def test_more_were_seen(self):
        for answer, heard in ((FAR, False), (None, True)):
            view = told_view(self.two, {"second mug from left": answer})
            assert sentence("There is exactly one mug.", view) == [False, heard]

    def test_beyond_the_ordinals_the_first_is_alone(self):
        assert sentence("There are exactly nine mugs.", told_view(self.two)) == [False]


class TestColours:
    twins = (("mug", "red", MUG), ("mug", "blue", FAR))

    def test_with_a_box_the_thing_in_it_is_meant(self):
        view = told_view(self.twins, {"blue mug": FAR, "pink mug": None})
        assert sentence("This mug is red.", view, {(0, 8): MUG}) == [True]
        assert sentence("This mug is blue.", view, {(0, 8): MUG}) == [False, False]
        assert sentence("This mug is pink.", view, {(0, 8): MUG}) == [False, False]

    def test_without_one_nobody_knows_which(self):
        view = told_view(self.twins, {"blue mug": FAR})
        assert sentence("This mug is blue.", view) == [None, None]

    def test_without_one_there_may_be_but_one(self):
        view = told_view(THINGS, {"blue mug": None})
        assert sentence("The mug is red.", view) == [True]
        assert sentence("The mug is blue.", view) == [False, False]

    def test_a_box_with_something_else_decides_nothing(self):
        view = told_view(self.twins)
        assert sentence("This mug is red.", view, {(0, 8): (70.0, 10.0, 80.0, 20.0)}) == [None]


class TestRelations:
    def test_by_boxes(self):
        view = told_view(THINGS, {"red mug right of cat": None, "red mug behind cat": MUG})
        links = {(0, 11): MUG}
        assert sentence("The red mug is to the left of the cat.", view, links) == [True]
        assert sentence("The red mug is to the right of the cat.", view, links) == [False, False]

    def test_depth_is_for_the_second(self):
        view = told_view(THINGS, {"red mug behind cat": MUG, "red mug in front of cat": None})
        assert sentence("The red mug is behind the cat.", view) == [None, True]
        assert sentence("The red mug is in front of the cat.", view) == [None, False]

    def test_links_choose_among_twins(self):
        things = [("mug", "red", MUG), ("mug", "red", (92.0, 60.0, 99.0, 80.0)), ("cat", "black", CAT)]
        links = {(0, 7): MUG, (26, 33): CAT}
        assert sentence("The mug is to the left of the cat.", told_view(things), links) == [True]
        plain = told_view(things, {"mug left of cat": MUG})
        assert sentence("The mug is to the left of the cat.", plain) == [None, True]

    def test_a_link_to_another_colour_binds_nothing(self):
        right = (92.0, 60.0, 99.0, 80.0)
        things = [("mug", "blue", MUG), ("mug", "red", right), ("cat", "black", CAT)]
        links = {(0, 11): MUG, (30, 37): CAT}
        view = told_view(things, {"red mug left of cat": None})
        assert sentence("The red mug is to the left of the cat.", view, links) == [False, False]
        assert sentence("The blue mug is to the left of the cat.", view, {(0, 12): MUG, (31, 38): CAT}) == [True]


class TestOtherSentences:
    def test_the_verifier_alone(self):
        view = told_view(THINGS)
        assert sentence("Every mug is red.", view) == [True]
        assert view.grounder.asked == []


class TestBoxVotes:
    def test_right_box(self):
        assert truths(box_votes("The red mug", boxes(MUG), told_view(THINGS))) == [True]

    def test_wrong_box(self):
        view = told_view(THINGS, {"red mug": MUG, "mug": FAR})
        assert truths(box_votes("a red mug", boxes(FAR), view)) == [False, False]
        assert truths(box_votes("a mug", boxes(FAR), view)) == [False, True]

    def test_the_colour_counts(self):
        assert truths(box_votes("a blue mug", boxes(MUG), told_view(THINGS, {"blue mug": None}))) == [False, False]

    def test_between_same_and_other_nothing_is_said(self):
        near = (MUG[0] + 7.6, MUG[1], MUG[2] + 7.6, MUG[3])  # IoU 0.45
        assert truths(box_votes("a mug", boxes(near), told_view(THINGS, {"mug": MUG}))) == [None, None]

    def test_of_several_boxes_each_counts(self):
        view = told_view([("mug", "red", MUG), ("mug", "blue", FAR)])
        assert truths(box_votes("two mugs", boxes(MUG, FAR), view)) == [True]
        assert truths(box_votes("two mugs", boxes(MUG, CAT), view)) == [False]

    def test_one_thing_is_not_three(self):
        view = told_view([("mug", "red", MUG), ("mug", "blue", FAR), ("mug", "red", CAT)])
        assert truths(box_votes("three mugs", boxes(MUG, FAR, CAT), view)) == [True]
        assert truths(box_votes("three mugs", boxes(MUG, MUG, MUG), view)) == [False]
        assert truths(box_votes("mugs", boxes(MUG, MUG), view)) == [False]

    def test_pairs_are_made_for_all_together(self):
        low, high = (10.0, 0.0, 20.0, 10.0), (12.0, 0.0, 22.0, 10.0)  # IoU 2/3 with each other
        view = told_view([("mug", "red", low), ("mug", "red", high)])
        asked = boxes((11.0, 0.0, 21.0, 10.0), (9.0, 0.0, 19.0, 10.0))  # the second fits the lower one alone
        assert truths(box_votes("two mugs", asked, view)) == [True]

    def test_as_many_boxes_as_are_said(self):
        view = told_view([("mug", "red", MUG), ("mug", "blue", FAR)])
        for phrase in ("three mugs", "3 mugs", "one mug"):
            (vote,) = box_votes(phrase, boxes(MUG, FAR), view)
            assert vote.truth is False
        assert vote.reason == "two linked, one said"
        assert truths(box_votes("two of the 12345678 mugs", boxes(MUG, FAR), view)) == [True]

    @pytest.mark.parametrize("phrase", ["somebody", "the mug on the plate", "the red and blue mug", "mugs by a mug"])
    def test_what_has_no_rule_here(self, phrase):
        (vote,) = box_votes(phrase, boxes(MUG), told_view(THINGS))
        assert vote.truth is None
        assert vote.reason == f"no rule for {phrase!r}"


class TestBound:
    @pytest.mark.parametrize(
        ("text", "spans", "places"),
        [
            ("The mug is behind the cat.", [(0, 7), (18, 25)], {0, 1}),
            ("The mug is behind the cat.", [(18, 25)], {1}),
            ("There is a mug.", [(9, 14)], {0}),
            ("There is no mug.", [], set()),
        ],
    )
    def test_places(self, text, spans, places):
        assert set(bound(parse(text), {span: boxes(MUG) for span in spans})) == places
