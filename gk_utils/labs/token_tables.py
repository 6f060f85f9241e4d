"""Tables of tokens as figures: who reads whom in a prompt, or how well each box fits each token.

Notebook: 07.
"""

from collections.abc import Sequence

from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from gk_utils.charts import WIDTH
from gk_utils.drawing import BLUE, FONT, INK, ORANGE, axes_at, sheet, text_on, text_width

SIDE = 0.3  # inches of a cell, at most
SHADES = LinearSegmentedColormap.from_list("shades", ["white", BLUE])


def draw_tables(
    tables: Sequence[Float[Tensor, "_ _"]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    marked: Sequence[Bool[Tensor, "_ _"] | None] | None = None,
    titles: Sequence[str] = (),
    ylabel: str = "",
    numbers: bool = True,
    caption: str = "",
) -> Figure:
    """Tables with the same rows and columns side by side; cells from white (0) to blue (1).

    Args:
        tables: numbers from 0 to 1.
        rows: what each row is of.
        columns: what each column is of.
        marked: for each table the cells with an orange frame, such as those above a threshold.
        titles: one above each table.
        ylabel: what the rows are.
        numbers: write them into the cells, in percent.
        caption: stands below: what to see.

    >>> import torch
    >>> figure = draw_tables([torch.eye(2)], ["red", "mug"], ["red", "mug"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['100', '100']
    """
    marked = marked or [None] * len(tables)
    names = max(map(text_width, rows)) / 72 + 0.2 + 0.2 * bool(ylabel)
    head = max(map(text_width, columns)) / 72 + 0.12
    gap = 0.45
    wide = WIDTH - names - gap * (len(tables) - 1)
    side = min(SIDE, wide / len(tables) / len(columns))
    title_high = 0.25 * bool(titles)
    total = names + (side * len(columns) + gap) * len(tables) - gap
    figure, base = sheet(total + 0.05, side * len(rows) + head + title_high, caption=caption)
    for number, (table, frames) in enumerate(zip(tables, marked, strict=True)):
        left = names + number * (side * len(columns) + gap)
        axes = axes_at(figure, left, base, side * len(columns), side * len(rows))
        paint_table(axes, table, rows if not number else (), columns, marked=frames, numbers=numbers)
        if titles:
            axes.set_title(titles[number], size=FONT + 1, color=INK, loc="left", pad=head * 72 + 2, parse_math=False)
        if ylabel and not number:
            axes.set_ylabel(ylabel)
    return figure


def paint_table(
    axes: Axes,
    table: Float[Tensor, "n t"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    marked: Bool[Tensor, "n t"] | None = None,
    numbers: bool = True,
) -> None:
    """One table on axes, names at its left and above it; cells below half a percent carry no number."""
    n, t = table.shape
    for i, line in enumerate(table.tolist()):
        for j, value in enumerate(line):
            colour = to_hex(SHADES(value))
            axes.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, edgecolor="#CCCCCC", linewidth=0.6))
            if numbers and value >= 0.005:
                place = {"ha": "center", "va": "center", "size": FONT - 1, "color": text_on(colour)}
                axes.text(j + 0.5, i + 0.52, f"{100 * value:.0f}", **place)
    for i, j in [] if marked is None else marked.nonzero().tolist():
        axes.add_patch(
            Rectangle((j + 0.06, i + 0.06), 0.88, 0.88, fill=False, edgecolor=ORANGE, linewidth=1.8, gid="marked")
        )
    axes.set(xlim=(0, t), ylim=(n, 0))
    axes.set_xticks([j + 0.5 for j in range(t)], columns, size=FONT, color=INK, rotation=90)
    axes.xaxis.tick_top()
    axes.set_yticks([i + 0.5 for i in range(len(rows))], rows, size=FONT, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
