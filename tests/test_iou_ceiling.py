import pytest
import torch

from gk_utils.box_tokens.bins import Bins, decode_bins, encode_bins
from gk_utils.box_tokens.cell_pairs import decode_cells, encode_cells
from gk_utils.box_tokens.iou_ceiling import iou_ceiling

HW = (480, 640)
SIDES = [8.0, 16.0, 32.0, 64.0, 128.0, 256.0]


def through_bins(bins):
    return lambda boxes: decode_bins(encode_bins(boxes, HW, bins), HW, bins)


def through_cells(boxes):
    return decode_cells(encode_cells(boxes, HW), HW)


class TestIouCeiling:
    def test_nothing_lost_nothing_capped(self):
        assert [found.mean_iou for found in iou_ceiling(lambda boxes: boxes, [8.0, 480.0], HW)] == pytest.approx([1, 1])

    def test_the_cells_of_kosmos2(self):
        """Values measured once with other code, on other squares; 2000 of them leave about 0.01 to chance."""
        found = iou_ceiling(through_cells, SIDES, HW)
        assert [c.mean_iou for c in found] == pytest.approx([0.159, 0.424, 0.594, 0.772, 0.874, 0.935], abs=0.02)
        assert [c.share_above_half for c in found] == pytest.approx([0, 0.21, 0.81, 1, 1, 1], abs=0.04)

    @pytest.mark.parametrize(
        ("bins", "expected"),
        [
            (Bins(100), [0.516, 0.712, 0.843, 0.918, 0.957, 0.978]),
            (Bins(1000), [0.933, 0.966, 0.983, 0.991, 0.996, 0.998]),
            (Bins(1000, "floor"), [0.871, 0.933, 0.966, 0.983, 0.991, 0.996]),
            (Bins(1000, "floor", "centres"), [0.933, 0.966, 0.983, 0.991, 0.996, 0.998]),
        ],
        ids=str,
    )
    def test_bins(self, bins, expected):
        assert [c.mean_iou for c in iou_ceiling(through_bins(bins), SIDES, HW)] == pytest.approx(expected, abs=0.01)

    def test_rises_with_size_and_bins(self):
        coarse = [c.mean_iou for c in iou_ceiling(through_bins(Bins(100)), SIDES, HW, squares=500)]
        fine = [c.mean_iou for c in iou_ceiling(through_bins(Bins(500)), SIDES, HW, squares=500)]
        assert coarse == sorted(coarse)
        assert all(a < b for a, b in zip(coarse, fine, strict=True))

    def test_same_seed_same_squares(self):
        seen = []
        for _ in range(2):
            iou_ceiling(lambda boxes: seen.append(boxes) or boxes, [50.0], HW, squares=10)
        assert torch.equal(*seen)
        assert ((seen[0][:, 2:] - seen[0][:, :2]) - 50).abs().max() < 1e-3
        assert seen[0].min() >= 0

    def test_side_that_does_not_fit(self, unhooked):
        with pytest.raises(ValueError, match="sides: expected above 0 and at most 480, got 500"):
            iou_ceiling(through_cells, [500.0], HW)
