import pytest
from some_things import unit

from gk_utils.evaluate.spatial import detect_things, evaluate_spatial, measure
from gk_utils.evaluate.spatial_statements import SpatialStatement, scene_of
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.verifier import verify

SAID = [SpatialStatement(seed, "", holds, "vsr", "relation") for seed, holds in ((1, True), (1, False), (2, True))]


class TestMeasure:
    def test_undecided_is_wrong_given_all_and_left_out_given_less(self):
        found = measure(SAID, [True, True, False], [True, False, None], {"boxes_only": [True, None, False]})
        assert found["parse_rate"]["value"] == pytest.approx(0.6667)
        assert found["accuracy_true_scene"]["value"] == pytest.approx(0.6667)
        assert (found["accuracy_boxes_only"]["value"], found["unknown_boxes_only"]["value"]) == (0.5, 0.3333)


class TestDetectThings:
    def test_finds_most_things_with_their_looks(self):
        scene = scene_of(2**41)
        (found,), _ = detect_things([scene])
        names = {(thing.name, thing.attributes["colour"]) for thing in found.things}
        true = {(thing.category, thing.colour) for thing in scene.things}
        assert len(names & true) >= len(true) / 2


class TestArguments:
    def test_refuses(self, unhooked):
        with pytest.raises(ValueError, match="split: expected one of 'all'"):
            evaluate_spatial(split="val")
        with pytest.raises(ValueError, match="limit: expected 1 or more"):
            evaluate_spatial(limit=0)


class TestEvaluateSpatial:
    def test_all_are_read_and_judged_rightly_given_the_true_scene(self):
        found = evaluate_spatial(limit=150)
        assert found["metrics"]["parse_rate"]["value"] == 1
        assert found["metrics"]["accuracy_true_scene"]["value"] == 1
        assert 0.1 < found["metrics"]["unknown_boxes_only"]["value"] < 0.6
        assert set(found["baselines"]) == {"always_true", "substring", "other_scene"}
        for metrics in found["baselines"].values():
            assert 0.3 < metrics["accuracy_true_scene"]["value"] < 0.75
        assert found["statements_per_second"] > 200  # about 2,700 on one core


class TestSentencesThatSubstringsGetWrong:
    """What `verify_by_substring` answers wrongly, read and held against the same boxes."""

    @pytest.mark.parametrize(
        ("text", "boxes", "truth"),
        [
            # S1: labels put in for the letters A and B
            ("the Bottle is left of A lamp", {"bottle": (0.1, 0.4, 0.2, 0.5), "lamp": (0.5, 0.4, 0.6, 0.5)}, True),
            # S3: "on" in "person"
            ("the person is on the horse", {"person": (0.1, 0.1, 0.3, 0.5), "horse": (0.1, 0.4, 0.4, 0.9)}, None),
            ("the person is left of the horse", {"person": (0.1, 0.1, 0.3, 0.5), "horse": (0.6, 0.4, 0.9, 0.9)}, True),
            # S4: "on" in "on the left side of"
            (
                "the cup is on the left side of the plate",
                {"cup": (0.1, 0.4, 0.2, 0.5), "plate": (0.3, 0.4, 0.4, 0.5)},
                True,
            ),
            # S6: "cup" in "cupboard", in both orders
            (
                "the cupboard is left of the cup",
                {"cup": (0.6, 0.1, 0.7, 0.2), "cupboard": (0.1, 0.1, 0.3, 0.5)},
                True,
            ),
            (
                "the cupboard is left of the cup",
                {"cupboard": (0.1, 0.1, 0.3, 0.5), "cup": (0.6, 0.1, 0.7, 0.2)},
                True,
            ),
            # S7: negation; S8: capitals
            ("The Cup is not left of the Plate", {"cup": (0.1, 0.4, 0.2, 0.5), "plate": (0.3, 0.4, 0.4, 0.5)}, False),
            # S9: not known is not false
            ("the cup is inside the plate", {"cup": (0.4, 0.4, 0.5, 0.5), "plate": (0.3, 0.3, 0.6, 0.6)}, None),
        ],
    )
    def test_right(self, text, boxes, truth):
        things = [unit(box, name) for name, box in boxes.items()]
        assert verify(parse(text), Arrangement(things)).truth is truth
