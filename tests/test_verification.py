import pytest
import torch
from some_pipeline import MASK, a_result

from gk_utils.grounded_sam.verification import verify_caption

YES, NO, UNKNOWN = "supported", "contradicted", "cannot be checked"
# A mug left of two plates, side by side; no cat.
FOUND = a_result([[0.0, 0, 10, 10], [20.0, 0, 30, 10], [31.0, 0, 40, 10]], ("mug", "plate", "plate"), masks=(MASK,) * 3)
RED = torch.tensor([0.9, 0.1, 0.1])[:, None, None].expand(3, 10, 40)


def outcomes(text: str, found=FOUND, image=RED) -> dict[str, str]:
    """The outcome of each claim, and its words are where it says."""
    verdicts = verify_caption(text, found, image)
    assert all(0 <= verdict.start < verdict.end <= len(text) for verdict in verdicts)
    return {verdict.claim: verdict.outcome for verdict in verdicts}


class TestExistenceAndCount:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("There is a mug.", {"mug": YES}),
            ("The picture shows a mug and a cat.", {"mug": YES, "cat": NO}),
            ("There is no cat.", {"no cat": YES}),
            ("no mug", {"no mug": NO}),
            ("Two plates.", {"Two plates": YES}),
            ("2 plates and 2 mugs", {"2 plates": YES, "2 mugs": NO}),
            ("one plate", {"one plate": NO}),
        ],
    )
    def test_by_hand(self, text, expected):
        assert outcomes(text) == expected


class TestRelation:
    @pytest.mark.parametrize(
        ("text", "claim", "outcome"),
        [
            ("The mug is left of the plates.", "mug left of plate", YES),
            ("The mug is to the left of the plate", "mug left of plate", YES),
            ("The mug is on the left side of the plate", "mug left of plate", YES),
            ("The mug is right of the plate", "mug right of plate", NO),
            ("The mug is not left of the plate", "mug not left of plate", NO),
            ("The plate is not left of the mug", "plate not left of mug", YES),
            ("The mug is above the plate", "mug above plate", UNKNOWN),
            ("The cat is left of the mug", "cat left of mug", UNKNOWN),
            ("The plate is left of the plate", "plate left of plate", UNKNOWN),
        ],
    )
    def test_by_hand(self, text, claim, outcome):
        assert outcomes(text)[claim] == outcome

    def test_left_and_right_are_mirror_images(self):
        for a, b in (("mug", "plate"), ("plate", "mug")):
            left = outcomes(f"the {a} is left of the {b}")[f"{a} left of {b}"]
            assert left == outcomes(f"the {b} is right of the {a}")[f"{b} right of {a}"]

    def test_above(self):
        found = a_result([[0.0, 0, 10, 4], [0.0, 6, 10, 10]])
        assert outcomes("The mug is above the plate", found)["mug above plate"] == YES
        assert outcomes("The mug is under the plate", found)["mug under plate"] == NO

    def test_boxes_that_overlap_say_neither(self):
        found = a_result([[0.0, 0, 20, 10], [5.0, 0, 25, 10]])
        verdict = next(v for v in verify_caption("mug left of plate", found) if v.claim == "mug left of plate")
        assert (verdict.outcome, verdict.reason) == (UNKNOWN, "the boxes overlap along that direction")


class TestColour:
    def test_by_hand(self):
        assert outcomes("The red mug is here.")["mug red"] == YES
        assert outcomes("The blue mug is here.")["mug blue"] == NO
        assert outcomes("The mug is red and the plate is blue.") == {
            **{"mug": YES, "mug red": YES, "plate": YES, "plate blue": NO}
        }
        assert outcomes("The mug is not red.")["mug not red"] == NO
        assert outcomes("The cat is red.")["cat red"] == UNKNOWN

    def test_a_pattern_is_no_colour(self):
        """Columns in five colours: none of them covers the region."""
        colours = [[0.9, 0.1, 0.1], [0.1, 0.1, 0.9], [0.1, 0.6, 0.1], [0.05, 0.05, 0.05], [0.5, 0.2, 0.7]]
        image = torch.tensor(colours).T[:, None, torch.arange(40) % 5].expand(3, 10, 40)
        assert outcomes("The mug is blue.", image=image)["mug blue"] == UNKNOWN

    def test_without_a_picture(self):
        verdict = next(v for v in verify_caption("a red mug", FOUND) if v.claim == "mug red")
        assert (verdict.outcome, verdict.reason) == (UNKNOWN, "no picture was given")


class TestWhatCannotBeChecked:
    @pytest.mark.parametrize(
        ("text", "claim"),
        [
            ("A heavy mug.", "heavy"),
            ("The mug is on the plate.", "on"),
            ("The mug is behind the plate.", "behind"),
            ("The mug is in front of the plate.", "front"),
            ("The mug stands near the plate.", "stands"),
            ("The mug is on the left.", "left"),
            ("It was a fine morning.", "It was a fine morning"),
        ],
    )
    def test_is_said(self, text, claim):
        assert outcomes(text)[claim] == UNKNOWN

    def test_every_verdict_has_a_reason(self):
        text = "Yesterday a heavy red mug fell left of two plates. Nobody saw the cat. Why?"
        verdicts = verify_caption(text, FOUND, RED)
        assert all(verdict.reason for verdict in verdicts)
        assert [verdict.start for verdict in verdicts] == sorted(verdict.start for verdict in verdicts)
        unchecked = {verdict.claim for verdict in verdicts if verdict.outcome == UNKNOWN}
        assert {"heavy", "fell", "Why"} <= unchecked

    def test_nothing_said(self):
        assert verify_caption("", FOUND) == ()
        assert verify_caption(" ... !", FOUND) == ()
