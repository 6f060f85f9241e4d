"""CIDEr-D: by hand, against a slow oracle written from the paper's formulas, and its properties."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.grounded_conversation.cider import cider, split_words

WORDS = ("a", "red", "mug", "cat", "on", "the", "plate")
caption = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)


def oracle(captions, references):
    """Formula by formula, with loops over every group of words that is anywhere."""
    n_pictures, scores = len(captions), []

    def groups(text, n):
        words = text.split()
        return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]

    def weight(text, group):
        having = sum(any(group in groups(one, len(group)) for one in texts) for texts in references)
        return groups(text, len(group)).count(group) * math.log(n_pictures / max(1, having))

    for mine, texts in zip(captions, references, strict=True):
        total = 0.0
        for other in texts:
            apart = len(groups(mine, 2)) - len(groups(other, 2))
            for n in (1, 2, 3, 4):
                every = sorted(set(groups(mine, n)) | set(groups(other, n)))
                g, h = [weight(mine, one) for one in every], [weight(other, one) for one in every]
                top = sum(min(a, b) * b for a, b in zip(g, h, strict=True))
                bottom = math.sqrt(sum(a * a for a in g)) * math.sqrt(sum(b * b for b in h))
                if bottom:
                    total += top / bottom * math.exp(-(apart**2) / (2 * 6.0**2)) / 4
        scores.append(10 * total / len(texts))
    return scores


class TestCider:
    def test_by_hand(self):
        # Two pictures. "a" is in both and worth log 1 = 0; "red", "mug", "cat" are worth log 2 each. "a mug" against
        # "a red mug": single words (0, log 2) . (0, log 2, log 2): cosine 1 / sqrt 2; no pair and no triple in common.
        # One pair against two: lengths differ by 1.
        expected = 10 / 4 / math.sqrt(2) * math.exp(-1 / 72)
        assert cider(["a mug", "a cat"], [["a red mug"], ["a cat"]])[0] == pytest.approx(expected, abs=1e-12)

    def test_the_same_words_score_ten_if_long_enough(self):
        score = cider(["a red mug on a plate", ""], [["a red mug on a plate"], ["the cat"]])
        assert score == (pytest.approx(10), 0)

    def test_three_words_have_no_group_of_four(self):
        assert cider(["a red mug", ""], [["a red mug"], ["cat"]])[0] == pytest.approx(7.5)

    def test_repeating_a_rare_word_does_not_pay(self):
        references = [["a red mug on a plate"], ["the cat"], ["two apples"]]
        plain = cider(["a red mug", "", ""], references)[0]
        assert cider(["a red mug mug mug mug", "", ""], references)[0] < plain

    def test_a_single_picture_scores_nothing(self):
        assert cider(["a red mug"], [["a red mug"]]) == (0.0,)

    def test_what_is_false_may_sound_right(self):
        references = [["there is a red mug to the left of the cat"], ["two apples"], ["a kettle"]]
        right, false, short = (
            cider([text, "", ""], references)[0]
            for text in ("a red mug to the left of the cat", "there is a red mug to the right of the cat", "a cat")
        )
        assert right > false > 3 * short

    @settings(max_examples=60, deadline=None)
    @given(data=st.lists(st.tuples(caption, st.lists(caption, min_size=1, max_size=3)), min_size=1, max_size=5))
    def test_equals_the_slow_oracle(self, data):
        captions, references = zip(*data, strict=True)
        found = cider(captions, references)
        assert found == pytest.approx(oracle(captions, references), abs=1e-9)
        assert all(0 <= score <= 10 + 1e-9 for score in found)

    def test_the_order_of_pictures_does_not_matter(self):
        captions = ["a red mug", "the cat on a plate", "mug", "a plate"]
        references = [["a mug", "red mug"], ["the cat"], ["the mug"], ["a red plate"]]
        places = random.Random(0).sample(range(4), 4)
        scores = cider(captions, references)
        moved = cider([captions[k] for k in places], [references[k] for k in places])
        assert moved == pytest.approx([scores[k] for k in places])

    @pytest.mark.parametrize(("captions", "references"), [([], []), (["a"], [[]])])
    def test_needs_references(self, captions, references):
        with pytest.raises(ValueError, match="references: expected at least one"):
            cider(captions, references)

    def test_as_many_captions_as_pictures(self):
        with pytest.raises(ValueError, match="captions"):
            cider(["a"], [["a"], ["b"]])


class TestSplitWords:
    def test_punctuation_goes(self):
        assert split_words('"A cat\'s mug," she said: 2 half-full mugs!') == [
            *("a", "cat's", "mug", "she", "said", "2", "half-full", "mugs"),
        ]
