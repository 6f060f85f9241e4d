"""The kernels' parts against known answers, in Triton's interpreter; as a script, this file runs them."""

import pickle
import sys
from pathlib import Path

import pytest
import torch
from interpreter import run_interpreted

from gk_utils.boxes import boxes_from_masks

GENERATOR = torch.Generator().manual_seed(0)
ANGLES = torch.linspace(-3.1415, 3.1415, 1024)
RADII = torch.rand(1024, generator=GENERATOR) + 0.01
MASKS = torch.rand(6, 40, 23, generator=GENERATOR) < torch.tensor([0.0, 1.0, 0.002, 0.01, 0.1, 0.5])[:, None, None]

if __name__ == "__main__":
    import triton
    import triton.language as tl

    from gk_utils.kernels.render_triton import atan2, boxes_of, pattern_cover

    @triton.jit
    def angles_of(y, x, out):
        at = tl.arange(0, 1024)
        tl.store(out + at, atan2(tl.load(y + at), tl.load(x + at)))

    @triton.jit
    def covers_of(u, out, pattern):
        at = tl.arange(0, 1024)
        tl.store(out + at, pattern_cover(pattern, tl.load(u + at), tl.load(u + at) * 0.0, 1000.0))

    out, boxes, u = torch.empty(1024), torch.empty(6, 4), torch.linspace(-1, 1, 1024)
    angles_of[1,](RADII * ANGLES.sin(), RADII * ANGLES.cos(), out)
    boxes_of[6,](MASKS.view(torch.uint8), boxes, 40, 23, 16, 32)
    covers = torch.empty(3, 1024)
    for number, row in enumerate(covers):
        covers_of[1,](u, row, number)
    Path(sys.argv[1]).write_bytes(pickle.dumps((out, boxes, covers)))


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    return pickle.loads(run_interpreted(__file__, tmp_path_factory.mktemp("triton")).read_bytes())


class TestKernels:
    def test_atan2(self, interpreted):
        torch.testing.assert_close(interpreted[0], ANGLES, atol=5e-7, rtol=0)

    def test_boxes(self, interpreted):
        assert torch.equal(interpreted[1], boxes_from_masks(MASKS))

    def test_patterns(self, interpreted):
        """Nothing of a plain thing, half of a striped one, a dot at the origin with nothing between it and the next."""
        plain, striped, dotted = interpreted[2]
        assert not plain.any()
        assert striped.mean().item() == pytest.approx(0.5, abs=0.06)
        assert set(striped.unique().tolist()) >= {0.0, 1.0}
        assert 0.2 < dotted.mean() < 0.5
        assert striped[512] == dotted[512] == 1
