"""A figure as one small PNG file, and as the output of a notebook cell.

A palette PNG of 60 kB keeps a notebook of eight figures under 500 kB; what `viz` draws stays good to look at in that.
"""

import io
import sys

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

PNG_BYTES = 60_000


def to_png(figure: Figure, limit: int = PNG_BYTES) -> bytes:
    r"""The figure as a palette PNG of at most `limit` bytes, the same bytes for the same figure.

    Charts keep their colours; a photograph gets as many as fit. There is no dithering: its noise costs more bytes than
    it is worth (at equal size, more colours without it look better). What needs less than 24 colours is made smaller.

    >>> to_png(Figure(figsize=(4, 3)))[:4]
    b'\x89PNG'
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    picture, colours = Image.open(buffer).convert("RGB"), 256
    picture.thumbnail((1200, 1200))  # more than a page shows
    while True:
        encoded = io.BytesIO()
        _with_palette(picture, colours).save(encoded, "PNG", optimize=True)
        excess = encoded.tell() / limit
        if excess <= 1:
            return encoded.getvalue()
        colours = int(colours * min(0.85, 2 ** (5 / excess - 5)))  # half the colours save about a fifth of the bytes
        if colours < 24:
            shorter = 0.95 / max(excess, 1.2) ** 0.5
            picture = picture.resize(
                (int(picture.width * shorter), int(picture.height * shorter)), Image.Resampling.BOX
            )
            colours = 64


def _with_palette(picture: Image.Image, colours: int) -> Image.Image:
    """The picture with at most `colours` colours: Pillow's first palette, and one step of k-means on it."""
    packed = np.asarray(picture).astype(np.int64) @ [65536, 256, 1]
    values, which, counts = np.unique(packed, return_inverse=True, return_counts=True)
    unique = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1).astype(np.float32)
    # One pixel in 16 shows what colours a photograph has; a chart is searched whole, and has few anyway.
    sixteenth = (picture.width // 4, picture.height // 4)
    sample = picture if len(values) < 4096 else picture.resize(sixteenth, Image.Resampling.NEAREST)
    first = sample.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette()
    palette = np.array(first, np.float32).reshape(-1, 3)[:colours]

    def nearest() -> np.ndarray:  # whole numbers below 2 ** 24: exact in float32, the same on every machine
        parts = np.array_split(unique, len(unique) // 50_000 + 1)
        return np.concatenate([((palette**2).sum(1) - 2 * part @ palette.T).argmin(1) for part in parts])

    group = nearest()
    weight = np.bincount(group, counts, len(palette))
    for channel in range(3):
        total = np.bincount(group, counts * unique[:, channel], len(palette))
        palette[:, channel] = np.where(weight > 0, np.rint(total / np.maximum(weight, 1)), palette[:, channel])
    image = Image.fromarray(nearest()[which].reshape(packed.shape).astype(np.uint8))
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image


def render_in_notebooks() -> None:
    """In IPython, let a Figure at the end of a cell appear as `to_png` makes it; elsewhere do nothing.

    >>> render_in_notebooks()
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, to_png)
