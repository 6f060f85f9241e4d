import pytest
from spatial_sentences import SENTENCES

from gk_utils.spatial_relations.parser import parse, parse_phrase
from gk_utils.spatial_relations.statement import And, Attribute, Claim, Not, NounPhrase
from gk_utils.spatial_relations.statement_text import render


class TestRender:
    def test_is_read_as_the_same_form(self):
        forms = [parse(sentence) for sentence, _ in SENTENCES]
        assert [parse(render(form)) for form in forms] == forms

    def test_phrases(self):
        assert render(parse_phrase("2nd red mug from the left on a plate")) == "the second leftmost red mug on a plate"

    def test_a_phrase_behind_a_clause(self):
        text = "the mug that is red on the plate"
        assert render(parse_phrase(text)) == text

    def test_refuses_what_cannot_be_said(self):
        both = And((Attribute("red"), Attribute("small")))
        with pytest.raises(ValueError, match="form: expected one that a sentence can say"):
            render(Claim(NounPhrase("mug"), Not(both)))
