import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.boxes import cxcywh_to_xyxy, pairwise_iou
from gk_utils.grounding_dino.cross_decoder import Decoded
from gk_utils.grounding_dino.denoising import Denoiser, Noised, denoising_losses, noised_boxes
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.set_loss import Targets

SETTINGS = GroundingDinoSettings(**{**vars(tiny_dino.TINY), "denoising_groups": 2})
TARGETS = Targets(
    torch.tensor([[[0.3, 0.3, 0.2, 0.2], [0.6, 0.6, 0.3, 0.2], [0.5, 0.5, 0.1, 0.1]]] * 2),
    torch.tensor([[[1, 2], [1, 2], [4, 4]], [[1, 1], [1, 1], [1, 1]]])[..., :1] == torch.arange(7),
    torch.tensor([[True, True, True], [True, False, False]]),
)


def noised(seed: int = 0) -> Noised:
    torch.manual_seed(seed)
    return Denoiser(SETTINGS)(TARGETS, tiny_dino.tiny_words().features, queries=6)


class TestNoisedBoxes:
    def test_near_ones_by_up_to_half_a_side_far_ones_by_more(self):
        torch.manual_seed(0)
        boxes = torch.tensor([0.5, 0.5, 0.2, 0.1]).expand(1, 2000, 4)
        far = torch.arange(2000) % 2
        made = cxcywh_to_xyxy(noised_boxes(boxes, far))[0]
        moved = (made - cxcywh_to_xyxy(boxes[0])).abs() / torch.tensor([0.1, 0.05] * 2)
        assert moved[::2].max() <= 1 + 1e-5
        assert moved[::2].mean() < 0.55
        assert (moved[1::2].amax(-1) > 1 - 1e-5).float().mean() > 0.95  # the others cross and vanish
        assert pairwise_iou(cxcywh_to_xyxy(boxes[0, :1]), made[1::2]).max() < 0.5

    def test_boxes_stay_in_the_picture(self):
        torch.manual_seed(0)
        corners = cxcywh_to_xyxy(noised_boxes(torch.rand(1, 500, 4), torch.ones(500).long()))
        assert ((corners > -1e-6) & (corners < 1 + 1e-6)).all()
        assert (corners[..., 2:] >= corners[..., :2] - 1e-6).all()


class TestDenoiser:
    def test_how_many(self):
        made = noised()
        assert made.contents.shape == (2, 2 * 2 * 3, 32)
        assert made.references.shape == (2, 12, 4)

    def test_who_reads_whom(self):
        attends = noised().attends
        assert attends[0, :6, :6].all()
        assert not attends[0, :6, 6:].any()  # neither another group nor the real queries
        assert attends[0, 12:, 12:].all()
        assert not attends[0, 12:, :12].any()  # the real queries see no answer
        assert attends[1, 0].nonzero().flatten().tolist() == [0, 3]  # a padded thing is not read
        assert attends[1, 1].nonzero().flatten().tolist() == [0, 1, 3]  # and it reads itself, so that nothing is NaN

    def test_what_they_are_told(self):
        """Of a picture with one thing all are told the same, whatever is flipped."""
        contents = noised().contents[1]
        real = contents.unflatten(0, (4, 3))[:, 0]
        assert_close(real, real[:1].expand(4, -1))

    def test_without_things(self):
        none = Targets(torch.zeros(2, 0, 4), torch.zeros(2, 0, 7).bool(), torch.zeros(2, 0).bool())
        assert Denoiser(SETTINGS)(none, tiny_dino.tiny_words().features, 6).contents.shape == (2, 0, 32)


class TestDenoisingLosses:
    def of(self, boxes: torch.Tensor, near: float, far: float) -> dict[str, torch.Tensor]:
        """The loss of queries that say these boxes, and these logits for their own tokens; nothing for the others."""
        logits = torch.full((1, 2, 2, 2, 3, 7), -20.0)
        tokens = TARGETS.tokens[:, None].expand(2, 2, 3, 7)
        logits[0, :, :, 0][tokens] = near
        logits[0, :, :, 1][tokens] = far
        decoded = Decoded(logits.flatten(2, 4), boxes.expand(1, 2, 12, 4))
        return denoising_losses(noised(), decoded, TARGETS)

    def test_right(self):
        losses = self.of(TARGETS.boxes_cxcywh.repeat(1, 4, 1), 20.0, -20.0)
        for loss in losses.values():
            assert_close(loss, torch.zeros(1), atol=1e-6, rtol=0)

    def test_saying_yes_to_a_far_box_costs(self):
        right = TARGETS.boxes_cxcywh.repeat(1, 4, 1)
        assert self.of(right, 20.0, 20.0)["class"] > self.of(right, 20.0, 0.0)["class"] > 0.05

    def test_only_near_boxes_of_things_that_exist_are_put_right(self):
        right = TARGETS.boxes_cxcywh.repeat(1, 4, 1)
        other = right.clone()
        other[:, [3, 4, 5, 9, 10, 11]] = 0.3  # the far ones
        other[1, [1, 2, 7, 8]] = 0.3  # things that are not there
        assert_close(self.of(other, 20.0, -20.0)["l1"], torch.zeros(1), atol=1e-6, rtol=0)
        other[1, 0] += 0.1
        assert_close(self.of(other, 20.0, -20.0)["l1"], torch.tensor([0.4 / 8]))
