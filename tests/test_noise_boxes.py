import pytest
import torch
from torch import tensor

from gk_utils.box_tokens.noise_boxes import NOISE, add_noise_boxes
from gk_utils.boxes import paired_iou

HW = (480, 640)
BOXES = tensor([[100.0, 100.0, 200.0, 150.0], [300.0, 200.0, 420.0, 400.0]])
LABELS = tensor([3, 5])


def add(seed, boxes=BOXES, labels=LABELS, total=10):
    return add_noise_boxes(boxes, labels, HW, total=total, generator=torch.Generator().manual_seed(seed))


class TestAddNoiseBoxes:
    def test_real_first_noise_after(self):
        boxes, labels = add(0)
        assert torch.equal(boxes[:2], BOXES)
        assert labels.tolist() == [3, 5] + [NOISE] * 8

    def test_noise_is_boxes_with_area_inside_the_picture(self):
        for seed in range(50):
            noise = add(seed)[0][2:]
            assert noise.min() >= 0
            assert (noise <= tensor([640.0, 480.0, 640.0, 480.0])).all()
            assert (noise[:, 2:] > noise[:, :2]).all()

    def test_half_are_duplicates(self):
        """From none to all of a picture's noise are duplicates, each number as likely: half on average. A corner moves
        by 10 % of the side at most, so a duplicate keeps an IoU of at least 0.8 * 0.8; the bad boxes rarely reach it.
        """
        noise = torch.cat([add(seed)[0][2:] for seed in range(200)])
        best = torch.stack([paired_iou(noise, real.expand(len(noise), 4)) for real in BOXES]).amax(0)
        assert (best >= 0.64).float().mean().item() == pytest.approx(0.5, abs=0.06)

    def test_some_keep_the_size_of_a_real_box(self):
        """A shifted box that no border cuts has the size of its model: 100 x 50 or 120 x 200."""
        noise = torch.cat([add(seed)[0][2:] for seed in range(100)])
        sizes = noise[:, 2:] - noise[:, :2]
        for wh in ((100.0, 50.0), (120.0, 200.0)):
            assert ((sizes - tensor(wh)).abs().amax(1) < 1e-2).sum() > 10

    def test_without_real_boxes_all_noise_is_random(self):
        boxes, labels = add(0, torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), total=6)
        assert boxes.shape == (6, 4)
        assert labels.tolist() == [NOISE] * 6

    def test_full_already(self):
        boxes, labels = add(0, total=2)
        assert torch.equal(boxes, BOXES)
        assert torch.equal(labels, LABELS)

    def test_seeded(self):
        assert torch.equal(add(4)[0], add(4)[0])
        assert not torch.equal(add(4)[0], add(5)[0])

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="total: expected at least 2, the boxes there are, got 1"):
            add(0, total=1)
        with pytest.raises(ValueError, match="inside the picture"):
            add(0, boxes=BOXES + 400)
        with pytest.raises(ValueError, match="labels: expected as many rows"):
            add(0, labels=LABELS[:1])
