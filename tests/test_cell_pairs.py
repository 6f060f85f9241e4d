import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor

from gk_utils.box_tokens.cell_pairs import decode_cells, encode_cells, parse_cells, render_cells

UNIT = (1, 1)
EXAMPLES = [  # box, cells, what comes back
    ([0.1, 0.2, 0.5, 0.9], [195, 911], [0.109375, 0.203125, 0.484375, 0.890625]),
    ([0.0, 0.0, 1.0, 1.0], [0, 1023], [0.015625, 0.015625, 0.984375, 0.984375]),
    ([0.5, 0.5, 0.52, 0.52], [528, 528], [0.5, 0.5, 0.53125, 0.53125]),
]
unit = st.floats(0, 1)
CAT = "<phrase> a cat</phrase><object><patch_index_0195><patch_index_0911></object>"


class TestEncodeCells:
    @pytest.mark.parametrize(("box", "cells", "back"), EXAMPLES)
    def test_by_hand(self, box, cells, back):
        assert encode_cells(tensor(box), UNIT).tolist() == cells

    def test_the_articles_box(self):
        cells = encode_cells(tensor([150.0, 100.0, 400.0, 350.0]), (480, 640))
        assert cells.tolist() == [199, 755]
        assert decode_cells(cells, (480, 640)).tolist() == [150.0, 97.5, 390.0, 352.5]

    def test_far_border_does_not_wrap(self):
        """x1 = 1 would be column 32, which is column 0 of the next row; x2 = 0 would be column -1."""
        assert encode_cells(tensor([1.0, 0.5, 1.0, 0.6]), UNIT).tolist() == [16 * 32 + 31, 19 * 32 + 31]
        assert encode_cells(tensor([0.0, 0.4, 0.0, 0.5]), UNIT).tolist() == [12 * 32, 15 * 32]

    def test_without_area(self):
        assert encode_cells(tensor([0.5, 0.5, 0.5, 0.5]), UNIT).tolist() == [528, 528]

    def test_lines_between_cells_belong_inside(self):
        assert encode_cells(tensor([0.25, 0.25, 0.5, 0.5]), UNIT).tolist() == [8 * 32 + 8, 15 * 32 + 15]

    @given(st.integers(1, 64), st.lists(st.tuples(unit, unit, unit, unit), min_size=1, max_size=10))
    def test_equal_the_slow_formula(self, grid, corners):
        boxes = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]
        expected = []
        for x1, y1, x2, y2 in boxes:
            left, top = min(math.floor(x1 * grid), grid - 1), min(math.floor(y1 * grid), grid - 1)
            right, bottom = max(math.ceil(x2 * grid) - 1, left), max(math.ceil(y2 * grid) - 1, top)
            expected.append([top * grid + left, bottom * grid + right])
        assert encode_cells(tensor(boxes, dtype=torch.float64), UNIT, grid).tolist() == expected

    def test_outside_nan_inverted_are_errors(self, unhooked):
        for box, words in (([0.0, 0, 1.2, 1], "inside"), ([math.nan, 0, 1, 1], "finite"), ([1.0, 0, 0, 1], "x1 <= x2")):
            with pytest.raises(ValueError, match=words):
                encode_cells(tensor(box), UNIT)
        with pytest.raises(ValueError, match="grid: expected at least 1"):
            encode_cells(tensor([0.0, 0, 1, 1]), UNIT, 0)


class TestDecodeCells:
    @pytest.mark.parametrize(("box", "cells", "back"), EXAMPLES)
    def test_by_hand(self, box, cells, back):
        assert decode_cells(tensor(cells), UNIT).tolist() == back

    def test_one_row_gets_outer_edges(self):
        """Cells 0 and 2 of the top row: not centres, but from the left of the one to the right of the other."""
        assert decode_cells(tensor([0, 2]), (32, 32)).tolist() == [0, 0, 3, 1]
        assert decode_cells(tensor([0, 64]), (32, 32)).tolist() == [0, 0, 1, 3]
        assert decode_cells(tensor([0, 33]), (32, 32)).tolist() == [0.5, 0.5, 1.5, 1.5]

    @given(st.integers(1, 64), st.lists(st.tuples(unit, unit, unit, unit), min_size=1, max_size=10))
    def test_back_to_within_one_cell(self, grid, corners):
        rows = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]
        boxes = tensor(rows, dtype=torch.float64)
        back = decode_cells(encode_cells(boxes, UNIT, grid), UNIT, grid)
        assert (back - boxes).abs().max() <= 1 / grid + 1e-6
        assert ((back[:, 2:] - back[:, :2]) > 0).all()

    @given(st.integers(0, 1023), st.integers(0, 1023))
    def test_every_pair_is_stable_or_refused(self, first, last):
        pair = tensor([first, last])
        if first % 32 <= last % 32 and first // 32 <= last // 32:
            assert torch.equal(encode_cells(decode_cells(pair, (480, 640)), (480, 640)), pair)
        else:
            with pytest.raises(ValueError, match="cells: expected the second cell right of and below"):
                decode_cells(pair, (480, 640))

    def test_no_such_cell(self, unhooked):
        with pytest.raises(ValueError, match="cells: expected numbers from 0 to 1023, got 1030"):
            decode_cells(tensor([[0, 1030]]), UNIT)

    def test_none(self):
        assert decode_cells(torch.zeros(0, 2, dtype=torch.long), UNIT).shape == (0, 4)


class TestRenderCells:
    def test_two_boxes(self):
        text = render_cells(tensor([[1, 34], [5, 911]]))
        assert text == (
            "<object><patch_index_0001><patch_index_0034></delimiter_of_multi_objects/>"
            "<patch_index_0005><patch_index_0911></object>"
        )

    def test_no_boxes(self):
        assert render_cells(torch.zeros(0, 2, dtype=torch.long), " fog") == "<phrase> fog</phrase>"
        assert render_cells(torch.zeros(0, 2, dtype=torch.long)) == ""

    def test_no_such_cell(self, unhooked):
        with pytest.raises(ValueError, match="got -1"):
            render_cells(tensor([[-1, 5]]))


class TestParseCells:
    def test_two_cells_of_one_row(self):
        objects, problems = parse_cells("<object><patch_index_0033><patch_index_0034></object>")
        assert (objects[0].cells.tolist(), problems) == ([[33, 34]], ())

    def test_undoes_render(self):
        cells = tensor([[1, 34], [5, 911]])
        objects, problems = parse_cells("<grounding> see" + render_cells(cells, " two cats") + CAT)
        assert [found.phrase for found in objects] == [" two cats", " a cat"]
        assert torch.equal(objects[0].cells, cells)
        assert problems == ()

    def test_without_phrase_and_with_spaces(self):
        text = "<object> <patch_index_0195> <patch_index_0911> </object>"
        objects, problems = parse_cells(text)
        assert (objects[0].phrase, objects[0].cells.tolist(), problems) == (None, [[195, 911]], ())

    @pytest.mark.parametrize(
        ("inside", "why"),
        [
            ("", "expected two cells a box"),
            ("<patch_index_0001>", "expected two cells a box"),
            ("<patch_index_0001><patch_index_0034><patch_index_0035>", "expected two cells a box"),
            ("<patch_index_0001> or <patch_index_0034>", "expected two cells a box"),
            ("<loc_1><loc_2><loc_3><loc_4>", "expected two cells a box"),
            ("<patch_index_0001><patch_index_0034></delimiter_of_multi_objects/>", "expected two cells a box"),
            ("<patch_index_0001><patch_index_1024>", "the last cell is 1023"),
            ("<patch_index_0034><patch_index_0001>", "corners in the wrong order"),
            ("<patch_index_0001><patch_index_0032>", "corners in the wrong order"),
        ],
    )
    def test_a_flaw_drops_the_object_alone(self, inside, why):
        objects, problems = parse_cells(f"<phrase> a dog</phrase><object>{inside}</object> and" + CAT)
        assert [found.phrase for found in objects] == [" a cat"]
        assert problems == (f"{inside!r}: {why}",)

    def test_no_end(self):
        objects, problems = parse_cells("<object><patch_index_0001><patch_index_0034>" + CAT)
        assert [found.phrase for found in objects] == [" a cat"]
        assert problems == ("'<patch_index_0001><patch_index_0034>': no </object>",)
        assert parse_cells("<object><patch_index_0001>")[1] == ("'<patch_index_0001>': no </object>",)

    def test_only_text(self):
        assert parse_cells("<grounding> an image of<phrase> fog</phrase>.") == ((), ())
