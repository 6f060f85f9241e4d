import pytest
import torch

from gk_utils.boxes import boxes_from_masks
from gk_utils.grounded_sam.box_filler import BoxFiller
from gk_utils.protocols import Segmenter


class TestBoxFiller:
    def test_whole_pixels_come_back(self):
        filler = BoxFiller()
        assert isinstance(filler, Segmenter)
        filler.set_image(torch.zeros(3, 20, 30))
        boxes = torch.tensor([[0.0, 0, 30, 20], [3.0, 4, 10, 9]])
        found = filler.segment(boxes=boxes)
        assert torch.equal(boxes_from_masks(found.masks), boxes)
        assert found.scores.tolist() == [1, 1]

    def test_no_area_no_pixels(self):
        filler = BoxFiller()
        filler.set_image(torch.zeros(3, 20, 30))
        assert not filler.segment(boxes=torch.tensor([[5.0, 5, 5, 9]])).masks.any()
        assert filler.segment(boxes=torch.zeros(0, 4)).masks.shape == (0, 20, 30)
        assert filler.segment(boxes=torch.tensor([[5.0, 5, 6, 9]]), all_masks=True).masks.shape == (3, 20, 30)

    def test_errors(self):
        filler = BoxFiller()
        with pytest.raises(RuntimeError, match="segment: expected an image first"):
            filler.segment(boxes=torch.zeros(1, 4))
        filler.set_image(torch.zeros(3, 4, 4))
        with pytest.raises(ValueError, match="boxes: expected boxes alone"):
            filler.segment(points=torch.zeros(1, 1, 2))
