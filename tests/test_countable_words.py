"""What can be asked for."""

import pytest

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.countable_words import VAGUE, WORDS, plural_of, word_of


class TestWordOf:
    @pytest.mark.parametrize("phrase", ["{}", "{}s", "the {}s", "How many {}s are there?", "A {}."])
    def test_forms(self, phrase):
        assert [word_of(phrase.format(name)) for name in CATEGORIES] == list(range(len(CATEGORIES)))

    def test_vague(self):
        assert WORDS[word_of("dishes")] == "dish"
        assert all(set(names) <= set(CATEGORIES) for meanings in VAGUE.values() for names in meanings)

    @pytest.mark.parametrize("phrase", ["", "things", "mugs and plates", "mugshot"])
    def test_errors(self, phrase):
        with pytest.raises(ValueError, match="phrase: expected one name of mug, plate"):
            word_of(phrase)

    def test_one_name_said_twice(self):
        assert word_of("apples, not other apples") == CATEGORIES.index("apple")


class TestPluralOf:
    def test_plurals(self):
        assert [plural_of(word) for word in ("apple", "dish")] == ["apples", "dishes"]
