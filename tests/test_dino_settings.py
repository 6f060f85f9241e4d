import pytest
import tiny_dino

from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings, ImageBackbone, TextEncoder


class TestGroundingDinoSettings:
    def test_sizes_that_do_not_go_together(self):
        for change in ({"width": 48}, {"heads": 3}, {"inner": 1001}):
            with pytest.raises(ValueError, match="settings: expected an even number of heads"):
                GroundingDinoSettings(**change)

    def test_backbones_by_what_they_offer(self):
        assert isinstance(tiny_dino.Maps(), ImageBackbone)
        assert isinstance(tiny_dino.Bag(), TextEncoder)
        assert not isinstance(tiny_dino.Bag(), ImageBackbone)
