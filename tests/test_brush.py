import math

import pytest
import torch

from gk_utils.countertop.brush import PAINTS, Brush, length
from gk_utils.countertop.things import COLOURS

SIDE = 41  # pixels, 20 to a unit, so that (0, 0) is the centre of the middle pixel


def brush(flip=1.0, pattern=0, k=1):
    line = (torch.arange(SIDE) - SIDE // 2) / 20
    look = (torch.full((k,), flip), torch.zeros(k, dtype=torch.long), [pattern] * k)
    reach = SIDE / 40  # from the middle to the outer edge of the border pixel
    across, y = line.expand(k, 1, SIDE), -line[:, None].expand(k, SIDE, 1)
    return Brush(across, y, torch.full((k,), 20.0), look, ((reach, reach), (20.0, 20.0)))


def at(plane, x, y):
    return plane[0, SIDE // 2 - round(y * 20), SIDE // 2 + round(x * 20)].item()


class TestDistances:
    @pytest.mark.parametrize(
        ("shape", "inside", "outside", "distance"),
        [
            (lambda b: b.circle(0.2, 0, 0.3), (0.2, 0.0), (0.7, 0.0), 0.2),
            (lambda b: b.box(0, 0, 0.4, 0.2), (0.3, 0.1), (0.0, 0.5), 0.3),
            (lambda b: b.box(0, 0, 0.4, 0.4, 0.1), (0.35, 0.35), (0.8, 0.0), 0.4),
            (lambda b: b.stroke(-0.5, 0, 0.5, 0, 0.1), (0.5, 0.05), (0.9, 0.0), 0.3),
            (lambda b: b.stroke(-0.5, 0, 0.5, 0, 0.1, 0.3), (0.5, 0.2), (0.5, 0.5), 0.2),
            (lambda b: b.ring(0, 0, 0.5, 0.1), (0.5, 0.0), (0.0, 0.0), 0.4),
            (lambda b: b.convex((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)), (0.25, 0.25), (0.8, 0.25), 0.3),
            (lambda b: b.melt(b.circle(-0.5, 0, 0.2), b.circle(0.5, 0, 0.2), 0.1), (0.5, 0.0), (0.8, 0.0), 0.1),
        ],
    )
    def test_by_hand(self, shape, inside, outside, distance):
        plane = shape(brush())
        assert at(plane, *inside) < 0
        assert at(plane, *outside) == pytest.approx(distance, abs=1e-5)

    def test_ellipse_is_zero_on_its_edge(self):
        plane = brush().ellipse(0, 0, 0.6, 0.3)
        assert at(plane, 0.6, 0) == pytest.approx(0, abs=1e-5)
        assert at(plane, 0, 0.3) == pytest.approx(0, abs=1e-5)
        assert at(plane, 0.5, 0) < 0 < at(plane, 0, 0.4)
        assert plane.isfinite().all()

    def test_a_turned_ellipse_stands_upright(self):
        torch.testing.assert_close(brush().ellipse(0, 0, 0.6, 0.3, math.pi / 2), brush().ellipse(0, 0, 0.3, 0.6))

    def test_melt_fills_the_corner(self):
        b = brush()
        first, second = b.box(0, 0, 0.5, 0.1), b.box(0, 0, 0.1, 0.5)
        assert at(b.melt(first, second, 0.2), 0.15, 0.15) < at(torch.minimum(first, second), 0.15, 0.15)

    def test_facing_left_mirrors(self):
        torch.testing.assert_close(brush(flip=-1.0).circle(0.2, 0, 0.3), brush().circle(-0.2, 0, 0.3))

    def test_turn_about(self):
        b = brush()
        b.turn_about(0.0, 0.0, math.pi / 2, 0.1, 0.0)
        torch.testing.assert_close(b.circle(0.5, 0, 0.2), brush().circle(0.1, 0.5, 0.2), atol=1e-5, rtol=0)


class TestPainting:
    def test_a_part_covers_and_is_solid(self):
        b = brush()
        b.part(b.circle(0, 0, 0.5), outline=False)
        assert at(b.alpha, 0, 0) == 1
        assert at(b.alpha, 0.8, 0) == 0
        assert 0 < at(b.alpha, 0.5, 0) < 1
        assert b.solid.sum() == pytest.approx(math.pi * 100, rel=0.03)
        torch.testing.assert_close(b.rgb[0, :, SIDE // 2, SIDE // 2], torch.tensor(PAINTS["red"][0]))

    def test_the_outline_lies_inside(self):
        b = brush()
        b.part(b.box(0, 0, 0.5, 0.5))
        torch.testing.assert_close(b.rgb[0, :, 20, 20 + 10 - 1].argmax(), torch.tensor(0))
        assert b.rgb[0, 0, 20, 20 + 9] < b.rgb[0, 0, 20, 20] - 0.1

    @pytest.mark.parametrize("pattern", [1, 2])
    def test_a_pattern_shows_the_second_colour_and_keeps_the_shape(self, pattern):
        plain, other = brush(), brush(pattern=pattern)
        for b in (plain, other):
            b.part(b.circle(0, 0, 0.8), pattern=(b.across, b.y))
        assert torch.equal(plain.solid, other.solid)
        torch.testing.assert_close(plain.alpha, other.alpha)
        changed = ((plain.rgb - other.rgb).abs().amax(1) > 0.3)[plain.solid].float().mean()
        assert 0.15 < changed < 0.6

    def test_each_thing_of_a_group_has_its_own_pattern(self):
        line = (torch.arange(SIDE) - SIDE // 2) / 20
        across, y = line.expand(4, 1, SIDE), -line[:, None].expand(4, SIDE, 1)
        look = (torch.ones(4), torch.zeros(4, dtype=torch.long), [0, 1, 1, 2])
        group = Brush(across, y, torch.full((4,), 20.0), look, ((1.025, 1.025), (20.0, 20.0)))
        group.part(group.circle(0, 0, 0.8), shade=0.8, pattern=(group.across, group.y))
        for row, pattern in enumerate(look[2]):
            alone = brush(pattern=pattern)
            alone.part(alone.circle(0, 0, 0.8), shade=0.8, pattern=(alone.across, alone.y))
            torch.testing.assert_close(group.rgba[row], alone.rgba[0], atol=1e-6, rtol=0)

    def test_air_and_shadow_are_not_solid(self):
        b = brush()
        b.air(b.circle(0, 0, 0.3), (1.0, 1.0, 1.0), 0.5)
        b.shadow(0.3, cy=-0.5)
        assert at(b.alpha, 0, 0) == pytest.approx(0.5)
        assert at(b.alpha, 0, -0.5) == pytest.approx(0.34)
        assert not b.solid.any()

    def test_a_mark_stays_on_the_thing(self):
        b = brush()
        b.part(b.box(-0.5, 0, 0.5, 1))
        b.mark(b.circle(0, 0, 0.3), (0.0, 0.0, 0.0))
        assert at(b.alpha, 0.2, 0) == 0
        assert at(b.rgb[:, 0], -0.2, 0) == pytest.approx(0)

    @pytest.mark.parametrize("flip", [1.0, -1.0])
    def test_near_paints_the_same(self, flip):
        slow, fast = brush(flip), brush(flip)
        for b in (slow, fast):
            b.part(b.box(0, 0, 0.9, 0.9))
        slow.mark(slow.ellipse(0.3, 0.2, 0.1, 0.2), (0.0, 0.0, 1.0))
        fast.near(0.0, -0.2, 0.6, 0.6).spot((0.3, 0.2, 0.1, 0.2), (0.0, 0.0, 1.0))
        torch.testing.assert_close(fast.rgb, slow.rgb)

    def test_every_colour_has_paints(self):
        assert tuple(PAINTS) == COLOURS


class TestLength:
    def test_equals_hypot_and_broadcasts(self):
        x, y = torch.linspace(-2, 2, 9).expand(2, 1, 9), torch.linspace(-1, 3, 5)[:, None].expand(2, 5, 1)
        torch.testing.assert_close(length(x, y), torch.hypot(x, y))
        assert length(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1)).item() == 0
