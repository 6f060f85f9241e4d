"""Sentences of captions against scenes."""

import pytest

from gk_utils.countertop.scene import draw_scene
from gk_utils.kosmos2.caption_truth import sentence_truths, sentences_of, truths_of
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.spatial_relations.observed import observe


@pytest.fixture(scope="module")
def two():
    """What is known of two things, and their names from left to right."""
    scene = draw_scene(3, n=2)
    left, right = sorted(scene.things, key=lambda thing: thing.x)
    return observe([scene])[0], left.category, right.category


class TestSentencesOf:
    def test_lists_are_left_out(self):
        text = "This is a picture of a mug and a cat. The mug is behind the cat. We see two mugs."
        assert sentences_of(text) == ["The mug is behind the cat"]
        assert sentences_of("") == []


class TestSentenceTruths:
    def test_true_and_false(self, two):
        world, left, right = two
        text = f"A {left} is to the left of a {right}. A {left} is to the right of a {right}."
        assert sentence_truths(GroundedText(text), world) == [True, False]

    def test_what_cannot_be_read(self, two):
        assert sentence_truths(GroundedText("The cat is beind the sofa."), two[0]) == [None]

    def test_no_sentences(self, two):
        assert sentence_truths(GroundedText("We see a mug."), two[0]) == []


class TestTruthsOf:
    def test_whose_sentences(self, two):
        world, left, right = two
        right_of = f"It is. A {left} is to the right of a {right}."
        said = [f"A {left} is to the left of a {right}.", "We see a mug.", right_of]
        holds, owners = truths_of([GroundedText(text) for text in said], [world] * 3)
        assert (holds.tolist(), owners.tolist()) == ([True, False, False], [0, 2, 2])

    def test_nothing_said(self):
        assert truths_of([], [])[0].shape == (0,)
