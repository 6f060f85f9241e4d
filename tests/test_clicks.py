import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.segment_anything.clicks import MOST, central_clicks, error_clicks, loose_boxes, random_clicks
from gk_utils.segment_anything.prompt_encoder import BESIDE, ON


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestRandomClicks:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 1000))
    def test_lie_in_their_masks(self, seed):
        masks = torch.rand(5, 6, 7, generator=seeded(seed)) > 0.9
        masks[:, 2, 3] = True
        x, y = random_clicks(masks, seeded(seed)).long().unbind(1)
        assert masks[torch.arange(5), y, x].all()

    def test_all_pixels_are_equally_likely(self):
        masks = torch.tensor([[[True, False, True], [False, True, True]]]).expand(4000, 2, 3)
        x, y = random_clicks(masks, seeded(0)).unbind(1)
        counts = torch.bincount((3 * y + x).long(), minlength=6)
        assert counts[[1, 3]].tolist() == [0, 0]
        assert ((counts[[0, 2, 4, 5]] - 1000).abs() < 120).all()

    def test_an_empty_mask_gives_some_pixel(self):
        x, y = random_clicks(torch.zeros(1, 3, 4, dtype=torch.bool)).unbind(1)
        assert 0 <= x < 4
        assert 0 <= y < 3

    def test_no_masks(self):
        assert random_clicks(torch.zeros(0, 3, 4, dtype=torch.bool)).shape == (0, 2)


class TestCentralClicks:
    def test_the_middle_of_a_square_and_not_of_its_tail(self):
        mask = torch.zeros(1, 9, 20, dtype=torch.bool)
        mask[0, 1:8, 1:8] = True
        mask[0, 4, 8:20] = True
        assert central_clicks(mask).tolist() == [[4, 4]]

    def test_the_border_of_the_picture_is_a_border_of_the_mask(self):
        assert central_clicks(torch.ones(1, 5, 7, dtype=torch.bool))[0, 1] == 2

    def test_no_masks(self):
        assert central_clicks(torch.zeros(0, 3, 4, dtype=torch.bool)).shape == (0, 2)


class TestErrorClicks:
    def test_on_what_is_missing_and_beside_on_what_is_too_much(self):
        truth = torch.tensor([[[True, True, False]], [[True, False, False]], [[True, False, False]]])
        said = torch.tensor([[[True, False, False]], [[True, False, True]], [[True, False, False]]])
        places, labels = error_clicks(said, truth)
        assert places.tolist() == [[1, 0], [2, 0], [0, 0]]  # nothing is wrong in the last: a click onto the object
        assert labels.tolist() == [ON, BESIDE, ON]


class TestLooseBoxes:
    def test_stay_near_and_inside(self):
        boxes = torch.tensor([[0.0, 0, 200, 100], [50, 50, 60, 60], [30, 40, 30, 40]]).repeat(100, 1)
        found = loose_boxes(boxes, (100, 200), seeded(0))
        limit = torch.tensor([200, 100, 200, 100])
        assert ((found >= 0) & (found <= limit)).all()
        assert ((found - boxes).abs() <= MOST * limit + 1e-4).all()
        assert (found[:, 2:] >= found[:, :2]).all()
        assert (found[2::3] == boxes[2::3]).all()  # a box without area has no tenth to be off by

    def test_are_off_by_a_tenth(self):
        boxes = torch.tensor([[50.0, 50, 60, 60]]).repeat(2000, 1)
        assert abs((loose_boxes(boxes, (1000, 1000), seeded(0)) - boxes).std() - 1) < 0.05
