from gk_utils.spatial_relations.substring_verifier import verify_by_substring

PERSON, HORSE = (0.1, 0.1, 0.3, 0.5), (0.1, 0.4, 0.4, 0.9)
CUP, PLATE, TABLE = (0.1, 0.4, 0.2, 0.5), (0.3, 0.4, 0.4, 0.5), (0.6, 0.4, 0.9, 0.9)


class TestFaults:
    """The faults are what it is kept for: a lesson shows each of them."""

    def test_on_is_found_in_person(self):
        assert verify_by_substring("the person is near the horse", {"person": PERSON, "horse": HORSE})

    def test_the_order_of_the_things_decides(self):
        text = "the cup near the plate is left of the table"
        plate = (0.6, 0.4, 0.7, 0.5)
        boxes = {"cup": CUP, "plate": plate, "table": (0.3, 0.4, 0.5, 0.9)}
        answers = {verify_by_substring(text, {key: boxes[key] for key in order}) for order in (boxes, [*boxes][::-1])}
        assert answers == {True, False}

    def test_names_within_names_negation_capitals_and_what_it_does_not_know(self):
        cup, cupboard = (0.6, 0.1, 0.7, 0.2), (0.1, 0.1, 0.3, 0.5)
        text = "the cupboard is left of the cup"
        assert not verify_by_substring(text, {"cup": cup, "cupboard": cupboard})
        assert verify_by_substring(text, {"cupboard": cupboard, "cup": cup})
        assert verify_by_substring("the cup is not left of the plate", {"cup": CUP, "plate": PLATE})
        assert not verify_by_substring("the cup is left of the plate", {"Cup": CUP, "Plate": PLATE})
        assert not verify_by_substring("the lamp is left of the plate", {"cup": CUP, "plate": PLATE})
