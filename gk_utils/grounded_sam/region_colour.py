"""Which colour a region has, in eleven words: each pixel gets the word for its hue, saturation and value."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

COLOURS = ("black", "white", "grey", "red", "orange", "brown", "yellow", "green", "blue", "purple", "pink")
HUES = ((15, "red"), (40, "orange"), (65, "yellow"), (170, "green"), (255, "blue"), (290, "purple"), (345, "pink"))
DARK, PALE, BRIGHT = 0.3, 0.15, 0.8  # black below this value; no hue below this saturation; then white above this value


def colour_shares(image: Float[Tensor, "3 h w"], mask: Bool[Tensor, "h w"]) -> dict[str, float]:
    """The share of each colour among the pixels of a mask, the largest first; nothing for an empty mask.

    >>> image = torch.tensor([1.0, 0.0, 0.0])[:, None, None].expand(3, 1, 4)
    >>> colour_shares(image, torch.ones(1, 4, dtype=torch.bool))
    {'red': 1.0}
    """
    pixels = image[:, mask.to(image.device)]  # 3 p
    if not pixels.shape[1]:
        return {}
    share = torch.bincount(_names(pixels), minlength=len(COLOURS)) / pixels.shape[1]
    order = share.argsort(descending=True, stable=True).tolist()
    return {COLOURS[number]: float(share[number]) for number in order if share[number] > 0}


def _names(pixels: Float[Tensor, "3 p"]) -> Int[Tensor, " p"]:
    """The number of each pixel's colour in COLOURS."""
    value, low = pixels.amax(0), pixels.amin(0)
    chroma = value - low
    saturation = chroma / value.clamp(min=1e-6)
    red, green, blue = pixels
    sector = torch.where(
        value == red,
        (green - blue) / chroma.clamp(min=1e-6),
        torch.where(
            value == green, 2 + (blue - red) / chroma.clamp(min=1e-6), 4 + (red - green) / chroma.clamp(min=1e-6)
        ),
    )
    hue = 60 * sector % 360
    names = torch.full_like(hue, COLOURS.index("red"), dtype=torch.long)  # from 345 degrees on
    for end, name in reversed(HUES):
        names[hue < end] = COLOURS.index(name)
    warm = (names == COLOURS.index("red")) | (names == COLOURS.index("orange"))
    names[warm & (value < 0.55) & (saturation < 0.85) & (hue > 8) & (hue < 40)] = COLOURS.index("brown")
    names[(names == COLOURS.index("red")) & (saturation < 0.5) & (value > 0.75)] = COLOURS.index("pink")
    names[saturation < PALE] = COLOURS.index("grey")
    names[(saturation < PALE) & (value > BRIGHT)] = COLOURS.index("white")
    names[value < DARK] = COLOURS.index("black")
    return names
