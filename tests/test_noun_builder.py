from gk_utils.spatial_relations.noun_builder import NounBuilder, noun_form, ranked_form
from gk_utils.spatial_relations.noun_chunks import read_chunk
from gk_utils.spatial_relations.parser import parse_phrase
from gk_utils.spatial_relations.statement import Pick
from gk_utils.spatial_relations.statement_words import split_words


class TestNounForm:
    def test_one_of_several_is_one(self):
        chunk, _ = read_chunk(split_words("a total of one mugs"), 0, {})
        assert str(noun_form(chunk)) == "exactly 1(mug)"


class TestNounBuilder:
    def test_nearest_noun_takes_the_phrase(self):
        assert str(parse_phrase("mug on the plate near the bowl")) == "the(mug, on(the(plate, near(the(bowl)))))"
        assert callable(NounBuilder().noun_with)


class TestRankedForm:
    def test_is_the_leftmost_one(self):
        class Picks:
            by, rank, landmark = "leftmost", None, None

        assert ranked_form(Picks()).what.pick == Pick("leftmost")
