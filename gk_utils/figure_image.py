"""A figure as one small picture file, and as the output of a notebook cell.

At most 60 kB a figure keep a notebook of eight under 500 kB. A photograph needs JPEG for that: as a PNG of that size it
has few colours, or is small. Lines and text need PNG, which keeps them sharp.
"""

import io
import sys
from typing import Literal

from matplotlib.figure import Figure
from PIL import Image

LIMIT = 60_000  # bytes

Mime = Literal["image/png", "image/jpeg"]


def to_image(figure: Figure, limit: int = LIMIT) -> tuple[Mime, bytes]:
    r"""MIME type and content of a file of at most `limit` bytes, the same bytes for the same figure.

    JPEG if the figure shows a picture (anything drawn by `imshow`), else a PNG of 256 colours. What does not fit loses
    quality first, down to 50, then size.

    >>> mime, content = to_image(Figure(figsize=(4, 3)))
    >>> mime, content[:4]
    ('image/png', b'\x89PNG')
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    picture = Image.open(buffer).convert("RGB")
    if not any(axes.images for axes in figure.axes):
        palette = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        content = _encoded(palette, "PNG", optimize=True)
        if len(content) <= limit:
            return "image/png", content
    while True:
        for quality in range(90, 49, -5):
            # subsampling=0: colour at full resolution, or the thin coloured edges of boxes fray
            content = _encoded(picture, "JPEG", quality=quality, subsampling=0)
            if len(content) <= limit:
                return "image/jpeg", content
        picture = picture.resize((picture.width * 4 // 5, picture.height * 4 // 5), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def render_in_notebooks() -> None:
    """In IPython, let a Figure at the end of a cell appear as `to_image` makes it; elsewhere do nothing.

    >>> render_in_notebooks()
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.mimebundle_formatter.for_type(Figure, lambda figure: dict([to_image(figure)]))
