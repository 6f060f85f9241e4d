"""Answers while they are put together."""

import torch
from some_assistant import PARTS, kitchen_view

from gk_utils.assistant.asking import Request
from gk_utils.assistant.drafting import Draft, count_words, run_lengths
from gk_utils.assistant.grounded_answers import Named
from gk_utils.grounded_sam.run_lengths import encode_masks


def draft():
    return Draft(kitchen_view(), PARTS.at_work(), "Where?", Request("locate", ("mug",)))


class TestDraft:
    def test_a_thing_is_shown_once(self):
        some = draft()
        assert [some.show(2), some.show(0, share=0.5), some.show(2, share=0.25)] == [0, 1, 0]
        assert [one.numbers["share"] for one in some.shown] == [0.25, 0.5]
        assert set(some.shown[0].numbers) == {"score", "share"}

    def test_a_mask_is_measured(self):
        some, view = draft(), kitchen_view()
        row = next(row for row in range(len(view.sight)) if view.sight.name(row) == "blue mug")
        (mask,) = view.cut([view.sight.boxes[row].tolist()])
        some.show(row, mask)
        assert 0 < some.shown[0].numbers["area"] < 0.2
        assert some.shown[0].numbers["blue"] > 0.3

    def test_a_box_is_cut_at_the_border(self):
        some = draft()
        some.show_box("region", (-5, 3, 200, 140), found=0.123456)
        assert some.shown[0].box == (0, 3, 128, 128)
        assert some.shown[0].numbers == {"found": 0.1235}

    def test_the_answer_names_functions_and_models(self):
        some = draft()
        some.notes.append("a note")
        some.work("10.from_to", [True], 1, 1)
        answer = some.answer("Here.", "here", [Named("mug", (some.show(0),))])
        assert (answer.parts, answer.model, answer.notes) == ({"10.from_to": "reference"}, "trunk + boxes", ("a note",))


class TestCountWords:
    def test_words(self):
        assert [count_words(n, "mug") for n in range(3)] == ["no mug", "one mug", "2 mugs"]


class TestRunLengths:
    def test_packed_and_plain_are_one(self):
        mask = torch.rand(7, 9, generator=torch.Generator().manual_seed(0)) > 0.5
        (packed,) = encode_masks(mask[None])
        counts = run_lengths(packed, (7, 9))
        assert sum(counts) == 63
        assert sum(counts[1::2]) == int(mask.sum())
        assert run_lengths({"size": [7, 9], "counts": counts}, (7, 9)) == counts

    def test_first_pixel_on(self):
        (packed,) = encode_masks(torch.ones(1, 2, 2, dtype=torch.bool))
        assert run_lengths(packed, (2, 2)) == [0, 4]
