import itertools
import math

import pytest
import torch
from torch.nn import functional

from gk_utils.models.places import place_encoding


class TestPlaceEncoding:
    def test_equals_the_slow_loop(self):
        centres = torch.rand(5, 2, generator=torch.Generator().manual_seed(0))
        for row, centre in zip(place_encoding(centres, 16), centres, strict=True):
            angles = [math.pi * float(part) * 2 ** (4 * k / 3) for part, k in itertools.product(centre, range(4))]
            expected = [function(angle) for function in (math.sin, math.cos) for angle in angles]
            torch.testing.assert_close(row, torch.tensor(expected))

    def test_a_line_reads_every_place_of_a_fine_grid(self):
        """Least squares on half of a 32 x 32 grid finds x and y of the other half: they can be read off."""
        lines = (torch.arange(32) + 0.5) / 32
        centres = torch.cartesian_prod(lines, lines)[torch.randperm(1024, generator=torch.Generator().manual_seed(0))]
        features = functional.pad(place_encoding(centres, 32), (0, 1), value=1.0).double()
        read = torch.linalg.lstsq(features[:512], centres[:512].double()).solution
        assert float((features[512:] @ read - centres[512:]).abs().max()) < 1 / 64

    @pytest.mark.parametrize("width", [0, 6])
    def test_width(self, width: int):
        with pytest.raises(ValueError, match=f"width: expected a multiple of 4, got {width}"):
            place_encoding(torch.zeros(1, 2), width)
