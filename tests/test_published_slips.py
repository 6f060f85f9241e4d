import pytest

from gk_utils.shikra.published_slips import (
    fill,
    fill_as_published,
    points_as_tokens,
    read_points,
    read_points_as_published,
)

POINTS = [(0.1, 0.2), (0.5, 1.0)]


class TestPoints:
    def test_the_published_reader_cannot_read_what_is_written(self):
        assert read_points_as_published(points_as_tokens(POINTS)) == []
        assert read_points_as_published(points_as_tokens(POINTS).replace(" ", "")) == [POINTS]

    def test_the_mended_one_can(self):
        text = f"A mug{points_as_tokens(POINTS)} and {points_as_tokens(POINTS[:1])}"
        assert read_points(text) == [POINTS, POINTS[:1]]
        assert read_points("<p_st><bin_1><p_ed>") == []


class TestFill:
    def test_braces_of_the_sentence_break_the_published_one(self):
        with pytest.raises(KeyError, match="x"):
            fill_as_published("{x} is at <boxes>", ["[0.1,0.2,0.3,0.4]"])
        assert fill("{x} is at <boxes>", ["[1]"]) == "{x} is at [1]"

    def test_they_agree_without_braces(self):
        sentence, brackets = "A mug<boxes> near a cat<boxes>.", ["[0.1,0.2,0.3,0.4]", "[0.5,0.5,1.0,1.0]"]
        assert fill(sentence, brackets) == fill_as_published(sentence, brackets)

    def test_counts(self):
        with pytest.raises(ValueError, match="expected 1, one for each <boxes>, got 2"):
            fill("<boxes>", ["a", "b"])
