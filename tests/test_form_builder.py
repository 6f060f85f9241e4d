import pytest

from gk_utils.spatial_relations.diagnosis import StatementError
from gk_utils.spatial_relations.form_builder import FormBuilder
from gk_utils.spatial_relations.parser import parse


class TestFormBuilder:
    def test_a_point_of_view_is_that_of_the_predicate(self):
        form = parse("From the cat's point of view, the mug left of the jar is behind the plate")
        assert str(form) == "the(mug, left_of(the(jar))): behind[the(cat)](the(plate))"
        assert callable(FormBuilder().claim)

    def test_a_point_of_view_needs_a_relation(self):
        with pytest.raises(StatementError, match="seen from there"):
            parse("the mug is red from the cat's point of view")

    def test_one_thing_touches_nothing(self):
        with pytest.raises(StatementError, match="the other thing"):
            parse("the mug is touching")
