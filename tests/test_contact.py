import pytest
import torch
from some_things import IMAGE_HW, some_thing, two

from gk_utils.spatial_relations.contact import apart, bordering, depth_step, resting


def painted(*boxes, name="mug"):
    """A thing made of rectangles."""
    mask = torch.zeros(IMAGE_HW, dtype=torch.bool)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = True
    return some_thing((*map(min, zip(*[box[:2] for box in boxes], strict=True)), *boxes[-1][2:]), name, mask=mask)


def resting_slowly(a, b, step):
    columns = [x for x in range(IMAGE_HW[1]) if a.mask[:, x].any()]
    held = 0
    for x in columns:
        low = max(y for y in range(IMAGE_HW[0]) if a.mask[y, x])
        held += any(b.mask[y, x] for y in range(low + 1, min(low + step + 1, IMAGE_HW[0])))
    return held / len(columns)


class TestResting:
    def test_equals_the_loop(self):
        generator = torch.Generator().manual_seed(0)
        for _ in range(8):
            masks = torch.rand(2, 20, 24, generator=generator) < 0.4
            whole = torch.zeros(2, *IMAGE_HW, dtype=torch.bool)
            whole[:, 30:50, 40:64] = masks
            a, b = (some_thing((40, 30, 64, 50), mask=mask) for mask in whole)
            assert resting(a, b) == pytest.approx(resting_slowly(a, b, 2))

    def test_a_wide_thing_on_a_narrow_one(self):
        board, foot = painted((10, 10, 50, 14)), painted((20, 14, 30, 40))
        assert resting(board, foot) == pytest.approx(0.25)
        assert resting(foot, board) == 0

    def test_an_empty_mask_rests_on_nothing(self):
        empty = some_thing((0, 0, 5, 5), mask=torch.zeros(IMAGE_HW, dtype=torch.bool))
        assert resting(empty, painted((0, 5, 9, 9))) == 0
        assert not bordering(empty, painted((0, 5, 9, 9)))

    def test_at_the_lower_border_of_the_picture(self):
        low = painted((0, 110, 20, 120))
        assert resting(low, painted((30, 110, 50, 120))) == 0


class TestBordering:
    def test_within_two_pixels(self):
        a = painted((10, 10, 20, 20))
        for x, touches in ((20, True), (21, True), (22, False)):
            other = painted((x, 10, x + 5, 20))
            assert bordering(a, other) == bordering(other, a) == touches


class TestNumbers:
    def test_apart(self):
        assert apart(*two((0, 0, 3, 4), (3, 0, 6, 4))) == pytest.approx(-0.05)
        assert apart(*two((0, 0, 3, 4), (8, 0, 11, 4))) == pytest.approx(0.95)
        assert apart(*two((1, 1, 1, 1), (1, 1, 1, 1))) < 0
        assert apart(*two((1, 1, 1, 1), (2, 1, 2, 1))) > 0

    def test_depth_step(self):
        near, far = some_thing((0, 0, 1, 1), depth=3.0), some_thing((0, 0, 1, 1), depth=4.0)
        assert (depth_step(near, far), depth_step(far, near)) == (0.25, -0.25)
        assert depth_step(near, some_thing((0, 0, 1, 1))) is None
