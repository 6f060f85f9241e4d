import pytest
import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.pyramid import Pyramid


def half() -> torch.Tensor:
    """The second picture is 16 high and 24 wide in a batch of 32 x 48."""
    seen = torch.ones(2, 32, 48, dtype=torch.bool)
    seen[1, 16:] = False
    seen[1, :, 24:] = False
    return seen


class TestPyramid:
    def test_levels_halve_beyond_the_backbone(self):
        cells = tiny_dino.tiny_cells()
        assert cells.level_hw == ((8, 12), (4, 6), (2, 3))
        assert cells.features.shape == (2, 96 + 24 + 6, 32)

    def test_what_is_picture(self):
        cells = tiny_dino.tiny_cells(half())
        assert cells.seen.sum(1).tolist() == [126, 4 * 6 + 2 * 3 + 1 * 2]
        assert_close(cells.valid_wh[0], torch.ones(3, 2))
        assert_close(cells.valid_wh[1], torch.tensor([[1 / 2, 1 / 2], [1 / 2, 1 / 2], [2 / 3, 1 / 2]]))

    def test_places_differ_between_levels_and_repeat_in_none(self):
        places = tiny_dino.tiny_cells().places[0]
        assert len(places.unique(dim=0)) == len(places)

    def test_places_of_a_padded_picture_end_where_it_ends(self):
        """The last cell of the picture is at the same place as the last cell of a picture without padding."""
        cells = tiny_dino.tiny_cells(half())
        last, last_padded = 8 * 12 - 1, 3 * 12 + 5
        assert_close(cells.places[1, last_padded], cells.places[0, last], atol=1e-4, rtol=0)

    def test_fewer_levels_than_maps(self):
        with pytest.raises(ValueError, match="levels: expected at least 2, the backbone's maps, got 1"):
            Pyramid(GroundingDinoSettings(**{**vars(tiny_dino.TINY), "levels": 1}), tiny_dino.Maps())


class TestCells:
    def test_centres_are_fractions_of_the_picture(self):
        centres = tiny_dino.tiny_cells(half()).centres()
        assert_close(centres[0, 0], torch.tensor([0.5 / 12, 0.5 / 8]))
        assert_close(centres[0, 95], torch.tensor([11.5 / 12, 7.5 / 8]))
        assert_close(centres[1, 3 * 12 + 5], torch.tensor([5.5 / 6, 3.5 / 4]))

    def test_in_levels_undoes_the_padding(self):
        """A cell's centre, as a fraction of its own level, is where the cell lies in the map, padding or not."""
        cells = tiny_dino.tiny_cells(half())
        inside = cells.in_levels(cells.centres())
        assert_close(inside[1, :96, 0], inside[0, :96, 0])
        boxes = torch.tensor([[[0.5, 0.5, 0.2, 0.4]]]).expand(2, 1, 4)
        assert_close(cells.in_levels(boxes)[1, 0, 0], torch.tensor([0.25, 0.25, 0.1, 0.2]))

    def test_of_repeats_pictures(self):
        cells = tiny_dino.tiny_cells(half())
        again = cells.of(torch.tensor([1, 1, 0]))
        assert_close(again.features[1], cells.features[1])
        assert_close(again.valid_wh[:, 0, 0], torch.tensor([0.5, 0.5, 1.0]))
        assert again.seen.sum(1).tolist() == [32, 32, 126]
