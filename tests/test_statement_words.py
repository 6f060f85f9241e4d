import pytest

from gk_utils.spatial_relations.diagnosis import StatementError
from gk_utils.spatial_relations.statement_words import match, phrases, split_words


class TestSplitWords:
    def test_contractions_hyphens_and_owners(self):
        found = split_words("It isn\u2019t on Tom's left-hand side").words
        assert " ".join(found) == "it is not on tom 's left hand side"

    def test_places(self):
        words = split_words("A dragon")
        assert [words.text[a:b] for a, b in zip(words.starts, words.ends, strict=True)] == ["A", "dragon"]

    def test_other_signs(self):
        with pytest.raises(StatementError, match="at character 4"):
            split_words("the @")


class TestMatch:
    @pytest.mark.parametrize("word", ["dragon", "onion", "front", "button", "cupboard", "person"])
    def test_nothing_inside_a_word(self, word):
        assert match([word], 0) == []

    def test_longest_first(self):
        found = match(["on", "the", "left", "side", "of", "the", "mug"], 0)
        assert [phrase.value[0] for phrase in found] == ["left_of", "at_left", "at_left", "on"]


class TestPhrases:
    def test_has_all_kinds(self):
        assert {"on", "the", "is", "there"} <= set(phrases())
