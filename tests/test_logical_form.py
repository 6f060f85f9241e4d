from gk_utils.spatial_relations.statement import Attribute, Claim, Not, NounPhrase, Quantifier, Related


class TestForm:
    def test_repr_is_python_without_the_defaults(self):
        form = Claim(
            NounPhrase("mug", Quantifier("exactly", 2), plural=True), Not(Related("near", (NounPhrase("cat"),)))
        )
        assert repr(form) == (
            "Claim(NounPhrase('mug', Quantifier('exactly', 2), plural=True), "
            "Not(Related('near', (NounPhrase('cat'),))))"
        )
        assert eval(repr(form)) == form

    def test_walk_visits_each_form_before_its_parts(self):
        form = Claim(NounPhrase("mug", clauses=(Attribute("red"),)), Related("near", (NounPhrase("cat"),)))
        nouns = [part.noun for part in form.walk() if isinstance(part, NounPhrase)]
        assert nouns == ["mug", "cat"]
