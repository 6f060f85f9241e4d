"""How the animals look: recipes as in `shapes`, in local units, facing right."""

from itertools import pairwise

import torch

from gk_utils.countertop.brush import BEAK, INK, WHITE, Brush, Recipe


def _cat_head(b: Brush, x: float, y: float, asleep: bool) -> None:
    """A head with ears and a face turned to the right."""
    b = b.near(x - 0.27, y - 0.22, x + 0.27, y + 0.34)
    ears = [
        b.convex((x - 0.23, y + 0.05), (x - 0.02, y + 0.15), (x - 0.19, y + 0.31)),
        b.convex((x + 0.02, y + 0.15), (x + 0.23, y + 0.05), (x + 0.20, y + 0.31)),
    ]
    b.part(torch.minimum(*ears) - 0.02)
    b.part(b.ellipse(x, y, 0.25, 0.20), shade=0.7)
    b.mark(torch.minimum(*ears) + 0.055, (0.95, 0.70, 0.70))
    b.spot((x + 0.11, y - 0.075, 0.12, 0.085), WHITE, 0.85)
    for eye in (x + 0.0, x + 0.185):
        if asleep:
            b.mark(torch.maximum(b.ring(eye, y + 0.045, 0.045, 0.013), b.y - y - 0.04), INK)
        else:
            b.spot((eye, y + 0.03, 0.044, 0.055), WHITE)
            b.spot((eye + 0.012, y + 0.03, 0.028, 0.046), INK)
    b.spot((x + 0.12, y - 0.045, 0.03, 0.02), (0.85, 0.45, 0.50))


def _cat(b: Brush, pose: str) -> None:
    if pose == "sleeping":
        b.shadow(0.60)
        b.part(b.ellipse(-0.06, 0.24, 0.46, 0.24), shade=0.6, pattern=(b.x, b.y))
        b.part(
            torch.minimum(b.stroke(-0.46, 0.16, -0.25, 0.055, 0.06), b.stroke(-0.25, 0.055, 0.12, 0.06, 0.06, 0.045))
        )
        _cat_head(b, 0.28, 0.21, asleep=True)
        for x, y, half in ((0.44, 0.60, 0.05), (0.60, 0.76, 0.07)):
            ends = (x - half, y + half), (x + half, y + half), (x - half, y - half), (x + half, y - half)
            for (x1, y1), (x2, y2) in pairwise(ends):
                b.air(b.stroke(x1, y1, x2, y2, 0.018), INK, 0.7)
        return
    b.shadow(0.42)
    b.part(torch.minimum(b.stroke(-0.24, 0.09, -0.44, 0.20, 0.06), b.stroke(-0.44, 0.20, -0.46, 0.52, 0.06, 0.05)))
    body = b.melt(b.ellipse(-0.08, 0.28, 0.29, 0.28), b.ellipse(0.04, 0.52, 0.19, 0.26), 0.16)
    b.part(body, shade=0.45, pattern=(b.x, b.y))
    b.part(b.stroke(0.13, 0.42, 0.15, 0.06, 0.065, 0.06))
    if pose == "reaching":
        b.part(b.stroke(0.16, 0.52, 0.56, 0.62, 0.075, 0.065))
        b.spot((0.565, 0.62, 0.05, 0.05), WHITE, 0.85)
    else:
        b.part(b.stroke(0.02, 0.40, 0.02, 0.06, 0.065, 0.06))
    _cat_head(b, 0.10, 0.84, asleep=False)


def _bird(b: Brush, pose: str) -> None:
    b.shadow(0.26)
    for x in (-0.03, 0.09):
        b.part(b.stroke(x, 0.02, x, 0.16, 0.02), BEAK, outline=False)
    b.part(b.convex((-0.20, 0.24), (-0.10, 0.36), (-0.46, 0.46), (-0.48, 0.36)))
    lift = 0.035 if pose else 0.0
    b.part(b.convex((0.26, 0.47), (0.42, 0.49 + lift * 2), (0.26, 0.55)), BEAK, outline=False)
    if pose:
        b.part(b.convex((0.24, 0.46), (0.39, 0.41), (0.27, 0.51)), (0.85, 0.48, 0.10), outline=False)
    body = b.melt(b.ellipse(0, 0.31, 0.27, 0.20, 0.25), b.circle(0.15, 0.51, 0.155), 0.10)
    b.part(body, shade=0.36, pattern=(b.x, b.y))
    b.part(b.ellipse(-0.09, 0.32, 0.18, 0.11, -0.15), "dark")
    b.spot((0.19, 0.54, 0.042, 0.042), WHITE)
    b.spot((0.197, 0.54, 0.028, 0.028), INK)
    if pose == "singing":
        for x, y in ((0.46, 0.66), (0.30, 0.82)):
            b.air(
                torch.minimum(b.ellipse(x, y, 0.05, 0.038, 0.3), b.stroke(x + 0.04, y, x + 0.04, y + 0.17, 0.013)),
                INK,
                0.85,
            )
            b.air(b.stroke(x + 0.04, y + 0.17, x + 0.10, y + 0.12, 0.016), INK, 0.85)


ANIMALS: dict[tuple[str, str], Recipe] = {
    ("cat", ""): Recipe(_cat, 0.57, 0.13, 1.30),
    ("cat", "sleeping"): Recipe(_cat, 0.76, 0.19, 0.90),
    ("cat", "reaching"): Recipe(_cat, 0.68, 0.13, 1.30),
    ("bird", ""): Recipe(_bird, 0.51, 0.08, 0.71),
    ("bird", "singing"): Recipe(_bird, 0.62, 0.08, 1.04),
}
