import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.formats.rle import check_segmentation, decode_mask, encode_mask
from gk_utils.grounded_sam import run_lengths
from gk_utils.grounded_sam.run_lengths import encode_masks, mask_areas


class TestEncodeMasks:
    def test_by_hand(self, monkeypatch):
        """Down the columns: off, off, then on, on; and one that begins with an on."""
        monkeypatch.setattr(run_lengths, "HAS_COCO_TOOLS", False)
        masks = torch.tensor([[[0, 1], [0, 1]], [[1, 0], [1, 1]]]).bool()
        assert [one["counts"] for one in encode_masks(masks)] == [[2, 2], [0, 2, 1, 1]]

    def test_equal_to_pycocotools(self):
        masks = torch.rand(5, 7, 9, generator=torch.Generator().manual_seed(0)) > 0.5
        assert encode_masks(masks) == tuple(encode_mask(mask) for mask in masks)

    @pytest.mark.parametrize("tools", [False, True])
    @given(n=st.integers(0, 3), height=st.integers(1, 6), width=st.integers(1, 6), seed=st.integers(0, 99))
    def test_round_trip(self, tools, n, height, width, seed):
        masks = torch.rand(n, height, width, generator=torch.Generator().manual_seed(seed)) > (seed % 10) / 9
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run_lengths, "HAS_COCO_TOOLS", tools)
            packed = encode_masks(masks)
            areas = mask_areas(packed)
        for mask, one in zip(masks, packed, strict=True):
            check_segmentation(one, (height, width))
            assert torch.equal(decode_mask(one, (height, width)), mask)
        assert areas == masks.sum((1, 2)).tolist()

    @pytest.mark.parametrize("value", [False, True])
    def test_empty_and_full(self, value):
        mask = torch.full((1, 3, 4), value)
        assert torch.equal(decode_mask(encode_masks(mask)[0], (3, 4)), mask[0])


class TestMaskAreas:
    def test_packed_without_the_tools(self, monkeypatch):
        packed = encode_masks(torch.ones(1, 3, 4, dtype=torch.bool))
        monkeypatch.setattr(run_lengths, "HAS_COCO_TOOLS", False)
        assert mask_areas(packed) == [12]
