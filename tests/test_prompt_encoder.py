import math

import pytest
import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.mini_sam import build_sam
from gk_utils.segment_anything.prompt_encoder import (
    BESIDE,
    LOWER_RIGHT,
    NOTHING,
    ON,
    PADDING,
    UPPER_LEFT,
    FourierPlaces,
    PromptEncoder,
    with_corners,
)


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    return perturbed(PromptEncoder(build_sam(TINY).settings))


class TestFourierPlaces:
    def test_by_hand(self):
        places = FourierPlaces(2)
        places.waves.copy_(torch.tensor([[0.25], [0.0]]))
        found = places(torch.tensor([[0.0, 0.3], [0.5, 0.9], [1.0, 0.0]]))  # x from -1 to 1, a quarter turn at each end
        assert_close(found, torch.tensor([[-1.0, 0], [0, 1], [1, 0]]), atol=1e-6, rtol=0)

    def test_features_fall_off_with_distance(self):
        torch.manual_seed(0)
        places = FourierPlaces(256)
        here = places(torch.tensor([0.5, 0.5]))
        alike = [float(places(torch.tensor([0.5 + d, 0.5])) @ here) for d in (0.0, 0.02, 0.05)]
        assert alike[0] == pytest.approx(128, rel=1e-5)
        assert alike[0] > alike[1] > alike[2]

    def test_a_grid_has_the_centres_of_its_cells(self):
        torch.manual_seed(0)
        places = FourierPlaces(8)
        assert_close(places.of_grid(4)[:, 1, 2], places(torch.tensor([2.5 / 4, 1.5 / 4])))


class TestWithCorners:
    def test_a_box_follows_the_points(self):
        points, labels = with_corners(
            torch.tensor([[[5.0, 6.0]]]), torch.tensor([[0]]), torch.tensor([[1.0, 2.0, 3.0, 4.0]])
        )
        assert points.tolist() == [[[5, 6], [1, 2], [3, 4]]]
        assert labels.tolist() == [[BESIDE, UPPER_LEFT, LOWER_RIGHT]]

    def test_points_without_labels_are_on_the_object(self):
        assert with_corners(torch.zeros(1, 2, 2), None, None)[1].tolist() == [[ON, ON, PADDING]]

    def test_nothing(self):
        with pytest.raises(ValueError, match=r"points: expected points or boxes, got neither\. For a mask alone"):
            with_corners(None, None, None)


class TestPromptEncoder:
    def test_a_point_is_its_place_and_its_kind(self, encoder):
        points = torch.tensor([[[8.0, 9.0]]])
        place = encoder.places(torch.tensor([8.5, 9.5]) / 64)
        for label in (BESIDE, ON, UPPER_LEFT, LOWER_RIGHT):
            token = encoder(points, torch.tensor([[label]]))[0][0, 0]
            assert_close(token, place + encoder.kinds.weight[label])
        assert 2 * math.pi * encoder.places.waves.abs().max() > 0

    def test_padding_and_nothing_have_no_place(self, encoder):
        tokens = encoder(torch.tensor([[[8.0, 9.0], [1.0, 2.0]]]), torch.tensor([[PADDING, NOTHING]]))[0]
        assert_close(tokens[0, 0], encoder.padding.weight[0])
        assert tokens[0, 1].abs().max() == 0

    def test_no_mask_is_one_vector_everywhere(self, encoder):
        maps = encoder(torch.zeros(3, 1, 2), torch.ones(3, 1).long())[1]
        assert maps.shape == (3, 32, 8, 8)
        assert maps[1, :, 4, 5].equal(encoder.no_mask.weight[0])

    def test_a_cell_sees_its_own_part_of_a_mask(self, encoder):
        masks = torch.zeros(1, 1, 32, 32, requires_grad=True)
        encoder(torch.zeros(1, 1, 2), torch.ones(1, 1).long(), masks)[1][0, :, 2, 3].square().sum().backward()
        inside = masks.grad[0, 0, 8:12, 12:16].abs().sum()
        assert inside > 0
        assert_close(masks.grad.abs().sum(), inside)
