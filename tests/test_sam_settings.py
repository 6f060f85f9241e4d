import pytest

from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings


class TestSegmentAnythingSettings:
    def test_sizes_that_follow(self):
        settings = SegmentAnythingSettings(image_side=128, patch=8)
        assert (settings.grid, settings.mask_side) == (16, 64)

    @pytest.mark.parametrize("wrong", [{"patch": 15}, {"heads": 5}, {"mask_width": 6}])
    def test_sizes_of_the_encoder_that_do_not_fit(self, wrong):
        with pytest.raises(ValueError, match=r"settings: expected a patch that divides the side.*Change them"):
            SegmentAnythingSettings(**wrong)

    @pytest.mark.parametrize("wrong", [{"out_width": 36}, {"decoder_heads": 3}, {"shrink": 5}])
    def test_sizes_of_the_decoder_that_do_not_fit(self, wrong):
        with pytest.raises(ValueError, match=r"settings: expected an out_width that 8 and shrink x decoder_heads"):
            SegmentAnythingSettings(**wrong)
