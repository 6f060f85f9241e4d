"""What RoI Align costs as boxes get more and pictures larger, ours and torchvision's.

The picture has 800 x 1088 pixels where the boxes vary, and there are 100 boxes where the picture varies; stride 16 on a
CPU and 4 on CUDA. Everything else is as in `roi_align`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.figure import Figure

from gk_utils.bench.running import load
from gk_utils.drawing import BLUE, FONT, INK, VERMILION, axes_at, sheet

COUNTS = (10, 32, 100, 316, 1000, 3162, 10_000)  # boxes
SIDES = (256, 512, 1024, 2048)  # pixels
FEW, IMAGE = 100, "800 x 1088 pixels"
STRIDES = {"cpu": 16, "cuda": 4}
LINES = (("ours", "ours_ms", BLUE, "o"), ("torchvision", "peer_ms", VERMILION, "s"))
PASSES = (("forward", "--"), ("forward+backward", "-"))


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """Forward, and forward and backward, for each size; `scale` cuts the largest sizes off for a quick look."""
    roi_align = load("roi_align")
    stride = STRIDES[torch.device(device).type]
    image_hw = roi_align.IMAGE_HW if scale >= 1 else (200, 272)
    counts = [n for n in COUNTS if n <= max(scale * COUNTS[-1], COUNTS[1])]
    sides = [side for side in SIDES if side <= max(scale * SIDES[-1], SIDES[1])]
    cases = [(f"{n} boxes", n, image_hw, {"boxes": n}) for n in counts]
    cases += [(f"{side} x {side} pixels", FEW, (side, side), {"side": side}) for side in sides]
    found = []
    for case, n, hw, size in cases:
        features, boxes = roi_align.feature_map(1, hw, stride, device), [roi_align.some_boxes(n, hw, device)]
        for backward in (False, True):
            measured = roi_align.measured(case, features, boxes, stride, backward=backward, scale=scale / 2)
            found.append({**measured, **size})
    return found


def picture(result: Mapping[str, Any]) -> Figure:
    """Two logarithmic charts side by side: time over boxes, time over the picture's side."""
    stride = STRIDES[result["rows"][0]["device"]]
    caption = f"256 channels at stride {stride}, 7 x 7 bins, 2 x 2 samples a bin, boxes of 16 to 500 pixels a side"
    figure, base = sheet(7.2, 3.9, title=f"RoI Align, {result['machine']}", caption=caption)
    panels = []
    for left, size, words in (
        (0.65, "boxes", f"boxes on a picture of {IMAGE}"),
        (4.2, "side", f"side of the picture (pixels), {FEW} boxes"),
    ):
        axes = axes_at(figure, left, base + 1.05, 2.9, 2.55)
        for kind, dashes in PASSES:
            some = [row for row in result["rows"] if row.get(size) and row["pass"] == kind]
            for name, key, colour, marker in LINES:
                x, y = [row[size] for row in some], [row[key] for row in some]
                axes.plot(x, y, color=colour, ls=dashes, marker=marker, ms=4.5, lw=1.7, label=f"{name}, {kind}")
        axes.set(xscale="log", yscale="log", xlabel=words, ylabel="time (ms)")
        ticks = sorted({row[size] for row in result["rows"] if row.get(size)})
        axes.set_xticks(ticks[:: 2 if size == "boxes" else 1], minor=False)
        axes.xaxis.minorticks_off()
        axes.grid(color="#DDDDDD", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
        panels.append(axes)
    ends = [axes.get_ylim() for axes in panels]
    for axes in panels:  # one scale, so that the two can be compared
        axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    handles = panels[0].get_legend_handles_labels()[0]
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, base / (3.9 + base)), "ncols": 2, "handlelength": 3}
    figure.legend(handles=handles, frameon=False, fontsize=FONT, labelcolor=INK, **place)
    return figure
