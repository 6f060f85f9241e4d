"""How each category looks: a recipe of parts for the brush, in local units, facing right.

`RECIPES` holds one for each (category, pose); a pose is a state, "" for none, or "standing" for a spoon inside
something. `animals` holds those of the animals.
"""

import torch

from gk_utils.countertop.animals import ANIMALS
from gk_utils.countertop.brush import BEAK, CREAM, INK, WHITE, Brush, Recipe, length

COFFEE, WATER = (0.36, 0.22, 0.15), (0.50, 0.77, 0.95)
WOOD, CRUST, BREAD = (0.55, 0.37, 0.24), (0.62, 0.38, 0.18), (0.91, 0.73, 0.46)
LEAF, FLAME, HEART = (0.36, 0.62, 0.30), (1.00, 0.62, 0.15), (1.00, 0.92, 0.55)


def _mug(b: Brush, pose: str) -> None:
    b.shadow(0.46)
    b.part(b.ring(0.34, 0.38, 0.19, 0.058))
    b.part(
        torch.minimum(torch.maximum(b.box(0, 0.56, 0.36, 0.56, 0.13), b.y - 0.74), b.ellipse(0, 0.74, 0.36, 0.085)),
        shade=0.36,
        pattern=(b.across, b.y - 0.09),
    )
    top = b.near(-0.36, 0.64, 0.36, 0.84)
    top.part(top.ellipse(0, 0.74, 0.36, 0.085))
    b.spot((0, 0.735, 0.31, 0.06), COFFEE if pose else "dark")
    b.streak(-0.25, 0.22, 0.56, 0.03)
    if pose == "steaming":
        _steam(b, 0.86)


def _steam(b: Brush, bottom: float) -> None:
    b = b.near(-0.30, bottom, 0.30, bottom + 0.52)
    for x, start in ((-0.17, 0.06), (0.0, 0.0), (0.17, 0.08)):
        wave = b.across - x - 0.045 * torch.sin(13 * (b.y - bottom) + 9 * x)
        ends = (b.y - bottom - start - 0.20).abs() - 0.20
        b.air(torch.maximum(wave.abs() - 0.034, ends), WHITE, 0.85, 0.05)


def _plate(b: Brush, pose: str) -> None:
    b.shadow(0.80, cy=0.10)
    b.part(b.ellipse(0, 0.18, 0.75, 0.18), "dark")
    b.part(b.ellipse(0, 0.22, 0.75, 0.17), shade=0.9, pattern=(b.across, 4 * b.y))
    b.part(b.ellipse(0, 0.21, 0.50, 0.105), shade=0.9)
    b.spot((0.02, 0.20, 0.46, 0.085), WHITE, 0.16)


def _bowl(b: Brush, pose: str) -> None:
    b.shadow(0.46)
    b.part(b.box(0, 0.05, 0.24, 0.06, 0.03), "dark")
    b.part(torch.maximum(b.ellipse(0, 0.50, 0.60, 0.46), b.y - 0.50), shade=0.6, pattern=(b.across, b.y))
    top = b.near(-0.60, 0.36, 0.60, 0.64)
    top.part(top.ellipse(0, 0.50, 0.60, 0.12))
    b.spot((0, 0.495, 0.545, 0.09), "dark")
    b.spot((-0.36, 0.27, 0.035, 0.11, 0.55), WHITE, 0.45, fixed=True)


def _bottle(b: Brush, pose: str) -> None:
    b.shadow(0.30)
    b.part(b.box(0, 1.26, 0.085, 0.09, 0.03), WOOD)
    b.part(
        b.melt(b.box(0, 0.40, 0.23, 0.40, 0.08), b.box(0, 0.86, 0.08, 0.34, 0.03), 0.24),
        shade=0.23,
        pattern=(1.3 * b.across, 1.3 * b.y),
    )
    b.part(b.box(0, 1.15, 0.105, 0.04, 0.03))
    b.streak(-0.14, 0.15, 0.66, 0.028)


def _kettle(b: Brush, pose: str) -> None:
    if pose == "pouring":
        b.shadow(0.34, cx=0.12)
        b.shadow(0.20, cx=0.72, cy=0.02)
        b.air(b.ellipse(0.73, 0.03, 0.17, 0.045), WATER, 0.9)
        b.air(
            torch.minimum(b.stroke(0.66, 0.52, 0.73, 0.36, 0.04), b.stroke(0.73, 0.36, 0.74, 0.04, 0.04)), WATER, 0.95
        )
        b.air(b.stroke(0.73, 0.38, 0.735, 0.10, 0.012), WHITE, 0.8)
        b.turn_about(0.30, 0.0, -0.35, -0.20)
    else:
        b.shadow(0.56)
    b.part(b.stroke(0.30, 0.28, 0.66, 0.66, 0.12, 0.055))
    b.part(torch.maximum(b.ring(0, 0.56, 0.38, 0.045), 0.50 - b.y), INK, outline=False)
    b.part(torch.maximum(b.ellipse(0, 0.32, 0.48, 0.42), -b.y), shade=0.5, pattern=(b.x, b.y))
    b.part(b.circle(0, 0.79, 0.055), INK, outline=False)
    b.part(b.ellipse(0, 0.70, 0.21, 0.06), "dark")
    b.part(b.box(0, 0.03, 0.40, 0.035, 0.03), "dark")
    b.spot((-0.27, 0.40, 0.035, 0.15, -0.4), WHITE, 0.0 if pose else 0.5, fixed=True)


def _toaster(b: Brush, pose: str) -> None:
    b.shadow(0.66)
    if pose == "toast up":
        for x, y, tone in ((-0.10, 0.86, 0.9), (0.09, 0.80, 1.0)):
            bread = torch.minimum(b.box(x, y, 0.25, 0.20, 0.06), b.box(x, y + 0.14, 0.29, 0.09, 0.08))
            b.part(bread, CRUST, outline=False)
            b.mark(bread + 0.045, tuple(tone * value for value in BREAD))
    b.part(torch.minimum(b.box(-0.36, 0.04, 0.09, 0.05, 0.02), b.box(0.36, 0.04, 0.09, 0.05, 0.02)), INK, outline=False)
    b.part(b.stroke(0.54, 0.50 if pose else 0.30, 0.62, 0.50 if pose else 0.30, 0.05), INK, outline=False)
    b.part(b.box(0, 0.40, 0.54, 0.35, 0.17), shade=0.6, pattern=(b.across, b.y + 0.03))
    b.mark(b.box(0, 0.68, 0.36, 0.028, 0.028), INK)
    b.mark(b.box(0, 0.115, 0.48, 0.03, 0.03), "dark")
    b.mark(b.box(0.43, 0.40, 0.018, 0.16, 0.018), INK)
    b.streak(-0.43, 0.26, 0.54, 0.03)


def _apple(b: Brush, pose: str) -> None:
    b.shadow(0.30)
    body = b.melt(b.ellipse(-0.10, 0.29, 0.21, 0.27, 0.08), b.ellipse(0.10, 0.29, 0.21, 0.27, -0.08), 0.10)
    if pose == "bitten":
        body = torch.maximum(body, -b.circle(0.33, 0.33, 0.16))
    b.part(b.stroke(0.0, 0.46, 0.05, 0.64, 0.026), WOOD, outline=False)
    b.part(body, shade=0.36, pattern=(b.across, b.y - 0.03))
    if pose == "bitten":
        b.mark(torch.maximum(b.circle(0.33, 0.33, 0.25), body + b.line), CREAM)
    b.spot((0.0, 0.50, 0.09, 0.03), "dark", 0.7)
    b.part(b.ellipse(0.16, 0.60, 0.12, 0.05, 0.35), LEAF, outline=False)
    b.spot((-0.17, 0.36, 0.035, 0.085, -0.4), WHITE, 0.55, fixed=True)


def _banana(b: Brush, pose: str) -> None:
    b.shadow(0.36, cy=0.02)
    angle = torch.atan2(b.x, (0.76 - b.y).clamp(min=1e-3)) / 0.86  # -1 at the tip, 1 at the stem
    thick = 0.05 + 0.085 * (1 - angle**2).clamp(min=0)
    middle = length(b.x, b.y - 0.76) - 0.62
    body = torch.maximum(middle.abs() - thick, (angle.abs() - 1) * 0.53)
    if pose == "peeled":
        b.part(torch.maximum(body + 0.02, -b.x), CREAM)
        b.part(b.ellipse(0.03, 0.36, 0.075, 0.19, 0.35), shade=0.5, pattern=(b.x, b.y))
        b.part(torch.maximum(body, b.x - 0.02), shade=0.5, pattern=(b.x, b.y))
        b.part(b.ellipse(0.21, 0.08, 0.22, 0.065, 0.12), shade=0.5, pattern=(b.x, b.y))
    else:
        b.part(torch.minimum(body, b.stroke(0.46, 0.33, 0.53, 0.47, 0.045, 0.035)), shade=0.5, pattern=(b.x, b.y))
        b.mark(torch.maximum((middle + 0.05).abs() - 0.016, b.x.abs() - 0.28), WHITE, 0.45)
        b.spot((0.54, 0.48, 0.055, 0.055), WOOD)
    b.mark(torch.maximum(middle.abs() - thick, angle + 0.90), WOOD)


def _book(b: Brush, pose: str) -> None:
    if pose == "open":  # standing, its covers to the viewer
        b.shadow(0.62, cy=0.02)
        for sign in (-1, 1):
            pages = ((0.03, 0.14), (0.50, 0.08), (0.50, 0.76), (0.03, 0.84))
            cover = ((0.0, 0.04), (0.56, 0.0), (0.56, 0.72), (0.0, 0.80))
            side = [tuple((sign * x, y) for x, y in shape)[::sign] for shape in (pages, cover)]
            b.part(b.convex(*side[0]), CREAM)
            b.part(b.convex(*side[1]), shade=0.7, pattern=(b.across, b.y + 0.1 * b.across.abs()))
        b.mark(b.box(0, 0.42, 0.035, 0.37, 0.02), "dark")
        return
    b.shadow(0.70, cy=0.05)
    b.part(b.box(0, 0.035, 0.63, 0.035, 0.03), "dark")
    b.part(b.box(0.02, 0.11, 0.57, 0.07, 0.01), CREAM)
    for y in (0.085, 0.115):
        b.mark(b.box(0.04, y, 0.54, 0.006), "edge", 0.35)
    b.part(b.convex((-0.64, 0.15), (0.64, 0.15), (0.54, 0.345), (-0.54, 0.345)), shade=0.8, pattern=(b.across, 3 * b.y))
    b.part(b.box(-0.60, 0.095, 0.045, 0.095, 0.04), "dark")


def _spoon(b: Brush, pose: str) -> None:
    if pose == "standing":
        b.turn_about(0.0, 0.0, -1.3, -0.10, 0.50)
    else:
        b.shadow(0.20, cx=0.36, cy=0.03)
    handle = b.stroke(0.24, 0.10, -0.50, 0.10, 0.032, 0.055)
    b.part(handle, pattern=(b.x, b.y - 0.1))
    b.part(b.ellipse(0.37, 0.10, 0.19, 0.10), shade=0.6)
    b.spot((0.38, 0.10, 0.13, 0.06), "dark", 0.8)
    b.spot((0.34, 0.125, 0.05, 0.018), WHITE, 0.6)


def _vase(b: Brush, pose: str) -> None:
    b.shadow(0.34)
    if pose:
        for x, y in ((-0.24, 1.30), (0.0, 1.46), (0.25, 1.26)):
            b.part(b.stroke(0.2 * x, 0.95, x, y, 0.018), LEAF, outline=False)
        b.part(b.ellipse(0.16, 1.08, 0.13, 0.045, 0.7), LEAF, outline=False)
        b.part(b.ellipse(-0.15, 1.06, 0.13, 0.045, -0.8), LEAF, outline=False)
        for x, y in ((-0.24, 1.30), (0.0, 1.46), (0.25, 1.26)):
            petals = length(b.x - x, b.y - y) - 0.115 - 0.03 * torch.cos(5 * torch.atan2(b.y - y, b.x - x))
            b.part(petals, (0.99, 0.97, 0.98), outline=False)
            b.mark(petals.abs() - 0.008, (0.70, 0.62, 0.72), 0.6)
            b.spot((x, y, 0.05, 0.05), BEAK)
    b.part(
        b.melt(torch.maximum(b.ellipse(0, 0.36, 0.34, 0.40), -b.y), b.box(0, 0.76, 0.11, 0.24, 0.02), 0.22),
        shade=0.36,
        pattern=(b.across, b.y),
    )
    b.part(b.ellipse(0, 0.99, 0.17, 0.05))
    b.spot((0, 0.99, 0.12, 0.026), "dark")
    b.spot((-0.20, 0.44, 0.03, 0.13, -0.25), WHITE, 0.5, fixed=True)


def _candle(b: Brush, pose: str) -> None:
    if pose == "lit":
        b.air(b.circle(0, 0.80, 0.22), HEART, 0.5, 0.4)
    b.shadow(0.30)
    b.part(b.ellipse(0, 0.06, 0.27, 0.065), (0.80, 0.66, 0.38))
    b.part(b.stroke(0, 0.60, 0.01, 0.70, 0.014), INK, outline=False)
    b.part(b.box(0, 0.35, 0.155, 0.29, 0.05), shade=0.2, pattern=(1.6 * b.across, 1.6 * b.y))
    b.part(b.ellipse(0, 0.61, 0.155, 0.04))
    b.streak(-0.085, 0.22, 0.48, 0.02)
    if pose == "lit":
        b.part(
            b.melt(b.circle(0, 0.755, 0.065), b.stroke(0, 0.78, 0.01, 0.92, 0.05, 0.005), 0.05), FLAME, outline=False
        )
        b.spot((0, 0.755, 0.032, 0.055), HEART)


RECIPES: dict[tuple[str, str], Recipe] = {
    ("mug", ""): Recipe(_mug, 0.64, 0.15, 0.86),
    ("mug", "steaming"): Recipe(_mug, 0.64, 0.15, 1.42),
    ("plate", ""): Recipe(_plate, 1.02, 0.20, 0.42),
    ("bowl", ""): Recipe(_bowl, 0.64, 0.16, 0.65),
    ("bottle", ""): Recipe(_bottle, 0.39, 0.10, 1.39),
    ("kettle", ""): Recipe(_kettle, 0.76, 0.19, 1.03),
    ("kettle", "pouring"): Recipe(_kettle, 1.00, 0.12, 1.12),
    ("toaster", ""): Recipe(_toaster, 0.84, 0.22, 0.79),
    ("toaster", "toast up"): Recipe(_toaster, 0.84, 0.22, 1.14),
    ("apple", ""): Recipe(_apple, 0.39, 0.10, 0.71),
    ("apple", "bitten"): Recipe(_apple, 0.39, 0.10, 0.71),
    ("banana", ""): Recipe(_banana, 0.60, 0.15, 0.56),
    ("banana", "peeled"): Recipe(_banana, 0.60, 0.15, 0.60),
    ("book", ""): Recipe(_book, 0.89, 0.21, 0.38),
    ("book", "open"): Recipe(_book, 0.79, 0.21, 0.88),
    ("spoon", ""): Recipe(_spoon, 0.63, 0.07, 0.24),
    ("spoon", "standing"): Recipe(_spoon, 0.40, 0.10, 1.10),
    ("vase", ""): Recipe(_vase, 0.44, 0.11, 1.08),
    ("vase", "with flowers"): Recipe(_vase, 0.44, 0.11, 1.65),
    ("candle", ""): Recipe(_candle, 0.39, 0.09, 0.76),
    ("candle", "lit"): Recipe(_candle, 0.44, 0.09, 1.24),
    **ANIMALS,
}
