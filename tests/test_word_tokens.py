"""Words as tokens: spaces and capitals by rule."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.dialogues import draw_dialogue
from gk_utils.countertop.language import draw_expressions, draw_scene_for
from gk_utils.countertop.questions import QUESTIONS, draw_question, draw_statement
from gk_utils.models.word_tokens import DIGITS, MARKS, WordTokens, sentence_words

KNOWN = WordTokens(sentence_words(), ("<phrase>", "</phrase>", "<place_1>", "<place_12>"))


def said_of(seed: int) -> list[str]:
    """All that the countertop says of one scene."""
    scene, rng = draw_scene_for(seed), np.random.default_rng(seed)
    texts = [expression.text for expression in draw_expressions(scene, 4, rng)]
    caption, statement = draw_caption(scene, rng), draw_statement(scene, rng)
    texts += [item.text for item in (caption, statement) if item]
    for kind in QUESTIONS:
        question = draw_question(scene, kind, rng)
        texts += [question.text, question.answer] if question else []
    return texts + [turn.text for turn in draw_dialogue(scene, rng) or ()]


class TestWordTokens:
    def test_order_of_the_vocabulary(self):
        tokens = WordTokens(["red", "mug"], ["<a>"])
        assert (tokens.pad, tokens.start, tokens.end) == (0, 1, 2)
        assert tokens.spellings == ("<pad>", "<start>", "<end>", "<a>", "red", "mug", *DIGITS, *MARKS)
        assert len(tokens) == len(tokens.spellings)
        assert tokens.first_word == 4

    def test_equal_vocabularies_are_equal(self):
        assert WordTokens(["a", "b", "a"]) == WordTokens(("a", "b"))
        assert WordTokens(["a"], ["<x>"]) != WordTokens(["a"])

    def test_a_digit_among_the_words_is_no_second_token(self):
        tokens = WordTokens(["0", "mug"])
        assert len(set(tokens.spellings)) == len(tokens)

    @pytest.mark.parametrize("word", ["Mug", "red mug", "", "a-b"])
    def test_words_are_words(self, word):
        with pytest.raises(ValueError, match="words: expected lower case"):
            WordTokens([word])

    @pytest.mark.parametrize("specials", [[""], ["<a>", "<a>"], ["<end>"]])
    def test_specials_differ(self, specials):
        with pytest.raises(ValueError, match="specials: expected"):
            WordTokens(["a"], specials)

    @given(st.integers(0, 2**40))
    @settings(max_examples=60, deadline=None)
    def test_what_the_countertop_says_comes_back(self, seed):
        for text in said_of(seed):
            assert KNOWN.decode(KNOWN.encode(text)) == text


class TestEncode:
    def test_by_hand(self):
        tokens = WordTokens(["the", "2nd", "mug"], ["<a>", "<ab>"])
        assert [tokens.spellings[number] for number in tokens.encode("The<ab> 2nd  MUG,<a>12.5")] == [
            *("the", "<ab>", "2nd", "mug", ",", "<a>", "1", "2", ".", "5")
        ]

    def test_the_longest_special_first(self):
        ids = KNOWN.encode("<place_12><place_1>2")
        assert [KNOWN.spellings[number] for number in ids] == ["<place_12>", "<place_1>", "2"]

    def test_a_number_of_several_digits_may_be_a_word(self):
        tokens = WordTokens(("12", "mug", "3"))
        assert tokens.spellings[3:5] == ("12", "mug")
        assert len(tokens.encode("12 mug 3 34")) == 5

    def test_nothing(self):
        assert KNOWN.encode(" \n") == []

    @pytest.mark.parametrize("text", ["the umug", "the mug #", "cafe\u00e9", "\u0663"])
    def test_an_unknown_word(self, text):
        with pytest.raises(ValueError, match="text: expected words of the vocabulary"):
            KNOWN.encode(text)


class TestDecode:
    @pytest.mark.parametrize(
        "text",
        [
            *("The mug[0.123,0.456,0.700,1.000] is red.", "mug[0.1,0.2,0.3,0.4;0.5,0.6,0.7,0.8] and plate"),
            *("Is it [0.5,0.5]?".replace(" [", "["), "There are 12. It is red.", "What is it: a mug (red)? no"),
            *("<phrase>A mug</phrase><place_1> is on<phrase> the plate</phrase><place_1><place_12>.", "red", ""),
            *("No, it is not.", "the mug's side", "left-right", "2nd mug from left"),
        ],
    )
    def test_comes_back(self, text):
        known = WordTokens((*sentence_words(), "s"), KNOWN.specials)
        assert known.decode(known.encode(text)) == text

    def test_stops_at_the_end(self):
        ids = KNOWN.encode("red mug")
        assert KNOWN.decode([1, *ids[:1], 0, *ids[1:], 2, *ids]) == "red mug"

    def test_a_fragment_behind_a_sentence_stays_small(self):
        assert KNOWN.decode(KNOWN.encode("what is it? green")) == "What is it? green"

    def test_no_token(self):
        with pytest.raises(ValueError, match=f"ids: expected numbers from 0 to {len(KNOWN) - 1}, got {len(KNOWN)}"):
            KNOWN.decode([len(KNOWN)])

    @given(st.lists(st.integers(0, 200)))
    def test_any_tokens_are_a_text(self, ids):
        assert isinstance(KNOWN.decode([number % len(KNOWN) for number in ids]), str)


class TestPadRows:
    def test_by_hand(self):
        assert KNOWN.pad_rows([[5, 6, 7], [], [8]]).tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]

    def test_nothing(self):
        assert KNOWN.pad_rows([]).shape == (0, 0)
        assert KNOWN.pad_rows([]).dtype == torch.long


class TestSentenceWords:
    def test_sorted_and_without_doubles(self):
        known = sentence_words()
        assert list(known) == sorted(set(known))
        assert {"mug", "mugs", "a", "twelve", "2nd"} <= set(known)
