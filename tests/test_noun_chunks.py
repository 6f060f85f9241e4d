import pytest

from gk_utils.spatial_relations.noun_chunks import join_adjectives, read_chunk
from gk_utils.spatial_relations.statement_words import split_words


class TestReadChunk:
    @pytest.mark.parametrize(
        ("text", "adjectives", "noun"),
        [
            ("small wooden chopping board", ("small", "wooden"), "chopping board"),
            ("the red fire hydrants on", ("red",), "fire hydrant"),
            ("a red and white mug near", ("red", "white"), "mug"),
            ("two yellow blocks are", ("yellow",), "block"),
            ("the orange is", (), "orange"),
            ("the large hot dog is", ("large",), "hot dog"),
        ],
    )
    def test_adjectives_and_noun(self, text, adjectives, noun):
        chunk, _ = read_chunk(split_words(text), 0, {})
        assert (chunk.adjectives, chunk.noun) == (adjectives, noun)

    def test_the_callers_names_go_first(self):
        chunk, _ = read_chunk(split_words("the red coffee cups"), 0, {"coffee cup": "mug"})
        assert (chunk.adjectives, chunk.noun, chunk.plural) == (("red",), "mug", True)

    def test_of_the_callers_names_the_longest(self):
        chunk, _ = read_chunk(split_words("coffee cups"), 0, {"coffee cup": "mug", "cup": "glass"})
        assert (chunk.adjectives, chunk.noun) == ((), "mug")

    def test_none_begins(self):
        assert read_chunk(split_words("is red"), 0, {}) is None


class TestJoinAdjectives:
    def test_shades(self):
        assert join_adjectives(["very", "small", "light", "blue"]) == ("very small", "light blue")
