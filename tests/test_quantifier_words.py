import pytest

from gk_utils.spatial_relations.quantifier_words import number_of, read_quantifier


class TestNumberOf:
    def test_known(self):
        assert [number_of(word) for word in ("two", "7", "mug")] == [2, 7, None]


class TestReadQuantifier:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("exactly two mugs", ("exactly", 2, 2)),
            ("more than 2 mugs", ("at_least", 3, 3)),
            ("fewer than two mugs", ("at_most", 1, 3)),
            ("both mugs", ("all", 2, 1)),
            ("the two mugs", ("the", 2, 2)),
            ("none of the mugs", ("no", None, 3)),
            ("two or more mugs", ("at_least", 2, 3)),
            ("a total of two mugs", ("exactly", 2, 4)),
            ("red mugs", (None, None, 0)),
        ],
    )
    def test_known(self, words, expected):
        assert read_quantifier(words.split(), 0) == expected
