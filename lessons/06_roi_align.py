# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "RoI Align: the features of a box"
#     claim: >-
#       A map of features has cells of 16 pixels; boxes have not. RoI Pool rounds twice, and what it reads for a small thing
#       hardly overlaps it. RoI Align rounds nothing, and of the same features a mask head makes better masks.
#     objectives:
#       - say from a box and a stride which cells RoI Pool reads, and how far they reach over each side of the box
#       - write RoI Align as a loop, as two matrix products and as a gather, and show that all equal torchvision's
#       - measure where an operation reads, with a map whose values are its own coordinates
#       - say where RoI Align has no derivative, and who gets a gradient in torchvision
#       - show by training what the roundings cost, with a control that has the rounding and nothing else of RoI Pool
#     prerequisites:
#       - 01_boxes
#       - 02_metrics
#     minutes: 75
#     claims:
#       - claim: "RoI Pooling rounds once, when the box is projected onto the feature map."
#         verdict: imprecise
#         says: "Twice: the corners of the box, then the borders of the bins, so that bins share cells."
#         cell: two-roundings
#         shows: "cells in two bins"
#       - claim: "For small objects the box is off by one cell, 16 to 32 pixels."
#         verdict: imprecise
#         says: "Rounding moves a side by half a cell at most. But the last cell counts too: right and below it is up to 1.5."
#         cell: misalignment
#         shows: "farthest over left, top, right, bottom, in cells"
#       - claim: "RoI Align samples at exact positions from the four nearest cells."
#         verdict: imprecise
#         says: "Several samples a bin, averaged; and positions count from the centres of the cells, half a cell away."
#         cell: by-hand
#         shows: "without the half cell"
#       - claim: "This eliminates quantisation error entirely."
#         verdict: imprecise
#         says: "Nothing is rounded. But two samples an axis skip cells in a bin that is longer than four cells."
#         cell: skipped
#         shows: "share of the cells in the box that are read, 2 samples"
#       - claim: "RoI Align is differentiable everywhere."
#         verdict: wrong
#         says: "In the box it is piecewise: whenever a sample crosses the centre of a cell, the slope jumps."
#         cell: kinks
#         shows: "slope just before and just after a kink"
#       - claim: "Gradients flow cleanly through the sampling."
#         verdict: imprecise
#         says: "To the features. In torchvision the box gets none, without a warning."
#         cell: kinks
#         shows: "torchvision's gradient of the box"
#       - claim: "RoI Align improved mask accuracy by 10 to 15 % relative."
#         verdict: wrong
#         says: "Mask R-CNN reports 10 to 50 %, more under stricter IoU. The number depends on the threshold, here too."
#         cell: stricter
#         shows: "the relative gain is larger at 0.85 than at 0.5"
#       - claim: "RoI Align remains the standard in modern detection."
#         verdict: imprecise
#         says: "In two-stage detectors. DETR, Grounding DINO, OWL-ViT and SAM have none."
#         cell: users
#         shows: "Grounding DINO calls RoI Align"
# ---

# %% tags=["setup"]
import os

os.environ["TRITON_INTERPRET"] = "1"  # before torch: for the kernel at the end

import torch

from gk_utils import boxes as gk
from gk_utils import charts, viz
from gk_utils import roi_align as roi
from gk_utils.classroom import check, report, solution, use

# %% [markdown]
# ## What does the network know about the cat?
#
# A backbone turns a picture into a **feature map**: one vector for every cell of, here, 16 x 16 pixels (the **stride**).
# Whoever wants to know what is in a *box* must read some cells: a **region of interest**, RoI.
#
# Boxes do not care about cells. The first answer, RoI Pool (2015), takes whole ones. Below, the white lines are the cells,
# the dashed boxes are true, the solid ones are what RoI Pool reads for them.
#
# **Predict:** whose features are read for the cat?

# %% label="opening" tags=["nbval-check-output"] alt="A countertop under a grid of 8 by 8 cells, with dashed boxes around a banana, a bird and a cat. The solid region read for each lies to the lower right. That of the cat holds the cat's lower half and, whole, the banana in front of it."
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene, draw_scenes

scene, stride, names = draw_scene(5004, n=6), 16, ["banana", "cat", "bird"]
boxes = render([scene]).boxes[0, [0, 4, 5]]  # in a picture of 128 px
cells = [roi.pooling_cells(box, (8, 8), 1, spatial_scale=1 / stride)[0, 0] for box in boxes]
regions = stride * torch.stack(cells).float()
for name, box, region in zip(names, boxes, regions, strict=True):
    report(f"{name}: box, region", [box.int(), region.int()], unit="px")
report("IoU of box and region", gk.paired_iou(boxes, regions))

large = render([scene], (384, 384)).images[0].permute(1, 2, 0)
picture = viz.Picture(large, 3 * regions, names, 3 * boxes, [""] * 3)
figure = viz.show_grid([picture])
for line in range(3 * stride, 384, 3 * stride):
    figure.axes[0].axvline(line, color="white", linewidth=0.8)
    figure.axes[0].axhline(line, color="white", linewidth=0.8)
figure

# %% [markdown]
# The upper part of the cat is missed, and the banana in front of it is read whole. Nothing is broken: this is what RoI Pool
# is.
#
# ## Two roundings
#
# The box of the cat is 21, 91, 47, 104. RoI Pool is to make 2 x 2 numbers of it (each channel alone):
#
# 1. divide by 16 and **round** each corner to a cell; the last cell belongs to the region too;
# 2. cut the region into bins, and **round** each bin's borders, outwards;
# 3. take the largest value in each bin.
#
# **Do it on paper:** from which column to which? Three columns in two bins: who gets the middle one?

# %% label="two-roundings" tags=["nbval-check-output"] alt="Left: the map around the cat. The blue box lies at the upper left of a dashed orange region of three by two cells; in it four black bins, of which the left and the right ones share the middle column. Right: the blue box cut into four even bins with four dots each."
from torchvision import ops

from gk_utils.labs.roi_readings import describe_roi, draw_roi


def bins_by_hand(low, high, n):
    """First cell and first cell behind, of each of n bins; low and high are cells."""
    length = high - low + 1  # the last cell belongs to it
    starts = [low + k * length // n for k in range(n)]
    return [(start, low - (-(k + 1) * length // n)) for k, start in enumerate(starts)]


first_x, first_y, last_x, last_y = (int(side / 16 + 0.5) for side in [21, 91, 47, 104])
columns, rows = bins_by_hand(first_x, last_x, 2), bins_by_hand(first_y, last_y, 2)
report("columns and rows of the region", [[first_x, last_x], [first_y, last_y]])
report("columns of the bins", columns)
report("rows of the bins", rows)
bright = torch.nn.functional.avg_pool2d(render([scene]).images.mean(1, keepdim=True), 16)
reading = describe_roi(bright[0, 0], boxes[1], 16, 2)
report("cells in two bins", int((reading.covered() == 2).sum()))
largest = [[bright[0, 0, a:b, c:d].max() for c, d in columns] for a, b in rows]
theirs = ops.roi_pool(bright, [boxes[1:2]], 2, 1 / 16)[0, 0]
report("the largest of each bin, in % brightness", 100 * torch.tensor(largest))
report("equal to torchvision's", torch.equal(torch.tensor(largest), theirs))
draw_roi(reading)

# %% [markdown] card="overreach" difficulty=2 importance=4 minutes=10
# ### Exercise: how far does it reach?
#
# On the right you see what RoI Align will read: the box itself, cut evenly. First, how bad is it?
#
# For a box in pixels and a stride, return by how many pixels RoI Pool's region reaches over the left, top, right and
# bottom side of the box; **negative where it falls short**. The region is not cut at the border of the map.
#
# Halves are rounded up, as in `int(x / 16 + 0.5)`; coordinates are 0 or more.
#
# Hint: In cells: the region begins at `int(x1 / stride + 0.5)`. Multiply by the stride to get pixels.
#
# Hint: It ends *behind* the last cell: `(int(x2 / stride + 0.5) + 1) * stride`.
#
# Hint: Over the left side it reaches by x1 minus its own left side; over the right side by its own minus x2.
#
# Expected: `overreach([21, 91, 47, 104], 16)` is `[5, -5, 17, 24]`.


# %% exercise="overreach" points=2
def overreach(box: list[float], stride: int) -> list[float]:
    """Return the pixels by which RoI Pool reads over the left, top, right and bottom side.

    box: x1, y1, x2, y2 in pixels, 0 or more; stride: pixels a cell is wide.
    """
    ### BEGIN SOLUTION
    x1, y1, x2, y2 = (int(side / stride + 0.5) for side in box)
    left, top, right, bottom = x1 * stride, y1 * stride, (x2 + 1) * stride, (y2 + 1) * stride
    return [box[0] - left, box[1] - top, right - box[2], bottom - box[3]]
    ### END SOLUTION


# %% check="overreach"
check("06.overreach", overreach)
overreach = use("06.overreach", overreach)

# %% [markdown]
# ## Small things suffer
#
# 600 things on 100 countertops; strides 4 to 32. **Predict:** which matters, the size of the thing or that of the cell?
#
# (One may take the value of a cell to stand at its upper left corner. Then the same region lies half a cell further up and
# left, and reaches over each side by a cell at most: the line "values at the corners".)

# %% label="misalignment" tags=["nbval-check-output"] alt="IoU of box and region over the side of the box in cells, from 1 to 5. The lines of all four strides lie close to each other and rise from 0.13 to 0.6. The line for values at the corners lies above, from 0.3 to 0.66."
from itertools import pairwise

seen = render(draw_scenes(range(9000, 9100), n=6))
things = seen.boxes[seen.masks.sum((2, 3)) >= 30]  # at least 30 pixels to be seen
sides = list(pairwise([0.7, 1, 1.5, 2, 3, 4, 6]))  # in cells
middle, lines, over = [(a + b) / 2 for a, b in sides], {}, {}


def by_side(ious, side):
    """The mean of `ious` for each range of sides, in cells; NaN for fewer than 20 things."""
    inside = [(side >= a) & (side < b) for a, b in sides]
    return [ious[some].mean().item() if some.sum() >= 20 else torch.nan for some in inside]


for stride in (4, 8, 16, 32):
    over[stride] = torch.tensor([overreach(box, stride) for box in things.tolist()])
    grown = things + over[stride] * torch.tensor([-1, -1, 1, 1])
    side = gk.box_areas(things).sqrt() / stride
    ious = gk.paired_iou(things, grown)
    lines[f"stride {stride}"] = by_side(ious, side)
    below = (ious < 0.5).float().mean()
    report(f"stride {stride}: mean IoU, share below 0.5", [ious.mean(), below])
    if stride == 8:
        moved = gk.paired_iou(things, grown - stride / 2)
        lines["values at the corners"] = by_side(moved, side)
farthest = torch.cat([over[stride] / stride for stride in over])
report("farthest over left, top, right, bottom, in cells", farthest.amax(0))
report("farthest short of them", -farthest.amin(0))
charts.curve(middle, lines, xlabel="side of the box, in cells", ylabel="IoU of box and region")

# %% [markdown]
# What counts is the size **in cells**: nearly one curve for all strides. At stride 16, 99 % of these things share less than
# half with what is read for them.
#
# ## RoI Align rounds nothing
#
# Cut the box evenly into bins, and in each bin take four **samples** where they fall, and average them. A sample reads
# the cells around it, the nearer the more:
#
# $$f(x, y) = \sum_{ij} f_{ij} \max(0, 1 - |x - j - \tfrac12|) \max(0, 1 - |y - i - \tfrac12|)$$
#
# Row i, column j: its value stands in the **centre** of its cell, hence the halves.
#
# **On paper:** four cells hold 0, 10 over 20, 30. What is at x = 1, y = 0.75? And if you forget the halves?


# %% label="by-hand" tags=["nbval-check-output"]
def read(feature, x, y, half=0.5):
    """The value of a map (h w) at x, y, both in cells."""
    total = 0.0
    for i, row in enumerate(feature.tolist()):
        for j, value in enumerate(row):
            total += value * max(0, 1 - abs(x - j - half)) * max(0, 1 - abs(y - i - half))
    return total


def align_by_loop(feature, box, n, stride):
    """RoI Align of one box inside a map (h w), n bins a side, four samples a bin."""
    x1, y1, x2, y2 = (side / stride for side in box)
    bins = torch.zeros(n, n)
    for p in range(n):
        for q in range(n):
            for a in (0.25, 0.75):
                for b in (0.25, 0.75):
                    x, y = x1 + (q + b) * (x2 - x1) / n, y1 + (p + a) * (y2 - y1) / n
                    bins[p, q] += read(feature, x, y) / 4
    return bins


tiny = torch.tensor([[0.0, 10], [20, 30]])
report("at x = 1, y = 0.75", read(tiny, 1, 0.75))
report("without the half cell", read(tiny, 1, 0.75, half=0))
cat = boxes[1]
ours = align_by_loop(bright[0, 0], cat.tolist(), 2, 16)
report("the cat, in % brightness", 100 * ours)
theirs = ops.roi_align(bright, [cat[None]], 2, 1 / 16, sampling_ratio=2, aligned=True)[0, 0]
report("equal to torchvision's", torch.allclose(ours, theirs, atol=1e-6))

# %% [markdown]
# ## See both
#
# **Try it:** move the box by single pixels (arrow keys). When does the region of RoI Pool jump, and by how much? When does
# a cell belong to two bins? Is there a box for which both read the same?
#
# (On GitHub you see the first picture only; in the web book the lab runs.)

# %%
from gk_utils.labs.roi_align import roi_lab

roi_lab()

# %% [markdown]
# ## From a loop to two products
#
# The formula has one factor of y and one of x, and the samples of a bin form a grid. So what a cell counts in the mean of a
# bin has two factors, too. Write into **Wx** (bins x columns) what each column counts in each bin, into **Wy** the same of
# rows. Then all bins of a box are two small products, whatever the number of samples:
#
# $$\mathrm{pooled} = W_y \, F \, W_x^\top$$
#
# Most weights are 0. The third form, a **gather**, reads only the cells that count.
#
# **Predict** for the cat, 1.6 cells wide, and two bins: how many columns count in a bin? What does a row of Wx add up to?


# %% label="separable" tags=["nbval-check-output"]
def weights(low, high, n, cells):
    """What each of `cells` cells counts in each of n bins (n cells); low and high in cells."""
    table = torch.zeros(n, cells)
    for k in range(n):
        for part in (0.25, 0.75):
            at = low + (k + part) * (high - low) / n
            for cell in range(cells):
                table[k, cell] += max(0, 1 - abs(at - cell - 0.5)) / 2
    return table


x1, y1, x2, y2 = (cat / 16).tolist()
wx, wy = weights(x1, x2, 2, 8), weights(y1, y2, 2, 8)
report("Wx, columns 0 to 3", wx[:, :4])
report("a row adds up to", wx.sum(1))
products = wy @ bright[0, 0] @ wx.T
report("two products = the loop", torch.allclose(products, ours, atol=1e-6))

(top_x, columns), (top_y, rows) = wx.topk(3), wy.topk(3)  # the three cells that count most
cells = bright[0, 0][rows[:, None, :, None], columns[None, :, None, :]]  # p q 3 3
gathered = torch.einsum("pqyx,py,qx->pq", cells, top_y, top_x)
report("a gather of 3 x 3 cells a bin = the loop", torch.allclose(gathered, ours, atol=1e-6))

# %% [markdown]
# The package has all of them: a loop, products, torch's own `grid_sample`, and `roi.roi_align`, which gathers where bins
# read few cells and multiplies where they read many. On a GPU it is a Triton kernel (below, in Going further).
#
# Are they the same *everywhere*? 200 boxes (5 for the loop, which is slow): over the border, outside of the map, without
# area; 7 x 7 bins, in double precision, forward and backward.
#
# **Predict:** what should a sample outside of the map read?

# %% label="parity" tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
double = {"generator": generator, "dtype": torch.float64}
features = torch.randn(2, 4, 12, 16, **double, requires_grad=True)
corners = torch.rand(200, 2, 2, **double) * 400 - 80
rois = torch.cat([torch.arange(200)[:, None] % 2, corners.amin(1), corners.amax(1)], 1)
rois[::20, 3:] = rois[::20, 1:3]  # without area
onto = torch.randn(200, 4, 7, 7, **double)


def both(form, rows=200, **options):
    """What comes out, and the gradient of the features."""
    pooled = form(features, rois[:rows], 7, spatial_scale=1 / 16, sampling_ratio=2, **options)
    return pooled, torch.autograd.grad(pooled, features, onto[:rows])[0]


for name in ("roi_align_loop", "roi_align_separable", "roi_align_grid_sample", "roi_align"):
    rows = 5 if name == "roi_align_loop" else 200
    ours, theirs = both(getattr(roi, name), rows), both(ops.roi_align, rows, aligned=True)
    same = all(torch.allclose(*pair, atol=1e-12) for pair in zip(ours, theirs, strict=True))
    assert same, name
    report(f"{name} = torchvision, forward and backward", same)
border = torch.full((1, 1, 3, 3), 6.0)
for start in (-0.4, -0.6, -2.0):
    box = torch.tensor([[start, 0.5, start, 0.5]])
    report(f"a sample at x = {start}, all cells 6", roi.roi_align(border, [box], 1))

# %% [markdown]
# Up to half a cell outside the border goes on; further out a sample counts as 0. That rule is torchvision's, and it is part
# of being equal.
#
# ## Where does it read? Ask a ruler
#
# Make a map of two channels that holds, in each cell, the x and the y of its own **centre** in pixels. Whatever is pooled
# from this *ruler* says where it was read.
#
# torchvision's `roi_align` has an option `aligned`, and it is False unless you say otherwise.
#
# **Predict** for the cat, from x = 21 to 47 in two bins: where should they be read, and where are they with `aligned=False`?

# %% label="ruler" tags=["nbval-check-output"]
at = 16 * (torch.arange(8) + 0.5)
ruler = torch.stack([at.expand(8, 8), at[:, None].expand(8, 8)])  # x, y
scale = {"spatial_scale": 1 / 16}
report("x of the bins' centres", [27.5, 40.5], unit="px")
for name, pooled in {
    "RoI Align": roi.roi_align(ruler[None], [cat[None]], 2, **scale),
    "aligned=False": roi.roi_align(ruler[None], [cat[None]], 2, **scale, aligned=False),
    "torchvision unless told": ops.roi_align(ruler[None], [cat[None]], 2, 1 / 16, 2),
    "RoI Pool": roi.roi_pool(ruler[None], [cat[None]], 2, **scale),
}.items():
    report(f"{name}: read at x", pooled[0, 0, 0], unit="px")
    report(f"{name}: read at y", pooled[0, 1, :, 0], unit="px")

# %% [markdown] card="worst_bin" difficulty=3 importance=4 minutes=10
# ### Exercise: how far off is the worst bin?
#
# `aligned=False` forgets the halves: it reads half a cell, 8 px, too far to the lower right, for every box. (It also
# makes every box at least one cell wide and high: hence the y of the cat, 13 px high.) RoI Pool is off by more,
# and differently from bin to bin.
#
# A ruler needs no look inside: it measures any program. Given a box and what a program pooled from the ruler, return the
# distance in pixels between where a bin was read and where its centre is, **for the worst bin**.
#
# The result need not be square: (2, rows, columns), x in front of y.
#
# Hint: The centre of bin (p, q) is at x1 + (q + 0.5) * width / columns, y1 + (p + 0.5) * height / rows.
#
# Hint: `torch.arange(columns) + 0.5` has all q at once; `[:, None]` turns those of p into a column.
#
# Hint: `torch.hypot(off_x, off_y).max().item()`.
#
# Expected: 0.0 for RoI Align and 11.3137, half a cell on both axes, with `aligned=False`, where the box lies inside the map.


# %% exercise="worst_bin" points=3
def worst_bin(box: torch.Tensor, pooled: torch.Tensor) -> float:
    """Return how far from its centre the worst bin was read, in pixels.

    box: xyxy (4,); pooled: (2, rows, columns), x and y that came out of the ruler.
    """
    ### BEGIN SOLUTION
    x1, y1, x2, y2 = box
    rows, columns = pooled.shape[1:]
    off_x = pooled[0] - (x1 + (torch.arange(columns) + 0.5) * (x2 - x1) / columns)
    off_y = pooled[1] - (y1 + (torch.arange(rows) + 0.5) * (y2 - y1) / rows)[:, None]
    return torch.hypot(off_x, off_y).max().item()
    ### END SOLUTION


# %% check="worst_bin"
check("06.worst_bin", worst_bin)
worst_bin = use("06.worst_bin", worst_bin)

# %% [markdown]
# ## A slope for the box
#
# Could a network learn to *move* a box by what is read in it? Then what is read must have a slope in the box's corners.
#
# Here is one row of cells: 0, 0, 1, 0, 2, 0, 0, 0. A box 1.2 cells wide slides over it, in one bin. RoI Pool takes whole
# cells: it has steps, and between them a slope of 0.
#
# **Predict** for RoI Align: "differentiable everywhere", as is often said? And what does torchvision give the box?

# %% label="kinks" tags=["nbval-check-output"] alt="What is read over the place of the box from 0 to 6 cells. RoI Pool jumps between 0, 1 and 2. RoI Align is a chain of straight lines with corners."
row = torch.tensor([0.0, 0, 1, 0, 2, 0, 0, 0]).view(1, 1, 1, 8)
place = torch.arange(0, 6, 0.05)
sliding = torch.stack([place, 0 * place, place + 1.2, 0 * place + 1], 1)
lines = {"RoI Pool": roi.roi_pool(row, [sliding], 1).flatten()}
lines["RoI Align"] = roi.roi_align(row, [sliding], 1).flatten()


def slope(form, x, **options):
    """How fast what is read changes when the box at x moves right; None if nobody says."""
    box = torch.tensor([[x, 0, x + 1.2, 1]], requires_grad=True)
    form(row.clone().requires_grad_(), [box], 1, **options).sum().backward()
    return None if box.grad is None else (box.grad[0, 0] + box.grad[0, 2]).item()


theirs = slope(ops.roi_align, 1.1, sampling_ratio=2, aligned=True)
report("torchvision's gradient of the box", str(theirs))
report("ours, at 1.1", slope(roi.roi_align, 1.1))
apart = [torch.tensor([[x, 0, x + 1.2, 1]]) for x in (1.09, 1.11)]
back, ahead = (roi.roi_align(row, [box], 1) for box in apart)
report("by two boxes, a little apart", (ahead - back) / 0.02)
around = [slope(roi.roi_align, x) for x in (1.19, 1.21)]
report("slope just before and just after a kink", around)
charts.curve(place, lines, xlabel="left side of the box, in cells", ylabel="what is read")

# %% [markdown] card="kinks" difficulty=3 importance=3 minutes=10
# ### Exercise: where are the kinks?
#
# Straight lines with corners: no jumps, but the slope jumps whenever a *sample* crosses the **centre** of a cell, where
# other cells take over. (torchvision gives the box no gradient at all, and no warning; boxes in Mask R-CNN learn from their
# own loss. Ours get one.)
#
# A box from x1 to x2, in cells, has n bins of two samples each along x. It moves right by d. Return all d **from 0 to below
# 1** at which some sample stands on the centre of a cell, ascending, each once.
#
# Hint: 2 n samples lie evenly: at x1 + (k + 0.5) * (x2 - x1) / (2 n).
#
# Hint: A sample at s stands on a centre when s + d is a whole number and a half: d = (0.5 - s) % 1.
#
# Hint: Round to 6 digits and take `% 1` again before `sorted(set(...))`, or 0.9999999 and 0 both appear.
#
# Expected: `kinks(1.0, 2.2, 1)` is `[0.2, 0.6]`: the samples stand at 1.3 and 1.9.


# %% exercise="kinks" points=3
def kinks(x1: float, x2: float, n: int) -> list[float]:
    """Return the moves d in [0, 1), in cells, that bring a sample to the centre of a cell.

    x1, x2: the box in cells; n: bins along x, with two samples each.
    """
    ### BEGIN SOLUTION
    samples = [x1 + (k + 0.5) * (x2 - x1) / (2 * n) for k in range(2 * n)]
    return sorted({round((0.5 - s) % 1, 6) % 1 for s in samples})
    ### END SOLUTION


# %% check="kinks"
check("06.kinks", kinks)
kinks = use("06.kinks", kinks)

# %% [markdown]
# ## What do the roundings cost?
#
# A mask, pixel by pixel, needs to know *where*. So we train mask heads on what is pooled.
#
# The features: the convolutions of the course's trunk, frozen, up to a stride of 8, on pictures of 128 px. For each thing,
# 7 x 7 bins of its true box are pooled. A small head makes 28 x 28 out of them: which part of the box is the thing?
#
# To learn from, 200 countertops; to measure on, the 100 from above.

# %% tags=["nbval-check-output"]
from gk_utils.models.trunk_grounder import SHIPPED, load_grounder

TRUNK, STRIDE, LAYERS = "trunk_small", 8, 9  # three modules for each halving
convolutions = load_grounder(SHIPPED / TRUNK)[0].trunk.stem[:LAYERS]


def study(rendered):
    """Features (b c h w), boxes (n 5) and visible masks (n h w) of the things on countertops."""
    with torch.no_grad():
        parts = ((rendered.images - 0.5) / 0.25).split(25)  # less memory at once
        maps = torch.cat([convolutions(part) for part in parts])
    picture, thing = (rendered.masks.sum((2, 3)) >= 30).nonzero().T
    rows = torch.cat([picture[:, None], rendered.boxes[picture, thing]], 1)
    return maps, rows, rendered.masks[picture, thing]


learn, held = study(render(draw_scenes(range(5000, 5200), n=6))), study(seen)
report("things to learn from, held out", [len(learn[1]), len(held[1])])

# %% [markdown]
# The head: three convolutions; the last one writes 4 x 4 parts for each bin. One head serves all kinds of
# things.
#
# The true masks are cut out with RoI Align, too: the mean of a mask in a part is the share that the thing covers.


# %%
from torch import nn
from torch.nn import functional


def in_box(rows, masks):
    """Which share of each of 28 x 28 parts of its box a thing covers, n 1 28 28."""
    own = torch.cat([torch.arange(len(rows))[:, None], rows[:, 1:]], 1)
    return roi.roi_align(masks[:, None].float(), own, 28)


def train(given, asked, steps=150):
    """Train a head on pooled features; what it says of others, (n 1 28 28) from 0 to 1."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(given.shape[1], 16, 3, padding=1), nn.ReLU()]
    layers += [nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 1)]
    head = nn.Sequential(*layers, nn.PixelShuffle(4))
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(head.parameters(), lr=8e-3)
    mean, spread = given.mean((0, 2, 3), keepdim=True), given.std((0, 2, 3), keepdim=True)
    for _ in range(steps):
        some = torch.randint(len(given), (32,), generator=generator)
        said = head((given[some] - mean) / spread)
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(said, goal[some]).backward()
        optimiser.step()
    with torch.no_grad():
        return head((asked - mean) / spread).sigmoid()


# %% [markdown]
# What a head says is stretched over the box in the picture; the IoU of *masks* counts pixels.
#
# **Predict:** how good can a mask of 28 x 28 parts be at best? And one that is the same for all things, their mean?


# %% label="ideal" tags=["nbval-check-output"]
def mask_ious(said):
    """IoU with the true masks of what heads say (n 1 28 28), stretched over the boxes."""
    low, high = held[1][:, None, 1:3], held[1][:, None, 3:]
    at = ((torch.arange(128) + 0.5)[:, None] - low) / (high - low) * 2 - 1  # n 128 2
    x, y = at[:, None, :, 0].expand(-1, 128, -1), at[:, :, None, 1].expand(-1, -1, 128)
    there = functional.grid_sample(said, torch.stack([x, y], -1), align_corners=False)[:, 0]
    masks = (there > 0.5) & (x.abs() < 1) & (y.abs() < 1)
    return (masks & held[2]).sum((1, 2)) / (masks | held[2]).sum((1, 2))


goal = in_box(*learn[1:])
mean_mask = goal.mean(0, keepdim=True).expand(len(held[1]), -1, -1, -1)
ious = {"mean mask": mask_ious(mean_mask)}
report("mean IoU at best", mask_ious(in_box(*held[1:])).mean())
report("mean IoU of the mean mask", ious["mean mask"].mean())

# %% [markdown]
# Five ways to pool, with the same head, loss and steps:
#
# - *RoI Pool*, and *RoI Align*;
# - *rounded, aligned*: the corners rounded to borders of cells, then RoI Align: **one rounding, and nothing else of RoI
#   Pool**;
# - *half a cell off*: `aligned=False`;
# - *control*: RoI Align, but of another thing's box.
#
# We count the masks with an IoU of 0.75 or more. **Predict** the order. Who comes next to RoI Align, who next to RoI Pool?

# %% label="masks" alt="Bars with intervals of the share of masks right at 0.75. RoI Align and half a cell off are ahead by far; RoI Pool and rounded, aligned are alike, behind them; the mean mask and the control are last."
from functools import partial

from gk_utils.evaluate import measure

align = partial(roi.roi_align, output_hw=7, spatial_scale=1 / STRIDE)


def rounded(rows):
    """Boxes (n 5) with their corners on borders of cells, one cell wide at least."""
    corners = (rows[:, 1:] / STRIDE).round() * STRIDE
    corners[:, 2:] = torch.maximum(corners[:, 2:], corners[:, :2] + STRIDE)
    return torch.cat([rows[:, :1], corners], 1)


ways = {
    "RoI Pool": lambda maps, rows: ops.roi_pool(maps, rows, 7, 1 / STRIDE),
    "rounded, aligned": lambda maps, rows: align(maps, rounded(rows)),
    "half a cell off": lambda maps, rows: align(maps, rows, aligned=False),
    "RoI Align": align,
    "control: another box": lambda maps, rows: align(maps, rows.roll(7, 0)),
}
picture, bars = held[1][:, 0].long(), {}
for name, way in ways.items():
    ious[name] = mask_ious(train(way(*learn[:2]), way(*held[:2])))
for name, found in ious.items():
    right = measure.mean_interval(found >= 0.75, picture)
    report(f"right at 0.75, {name}", **right)
    bars[name] = tuple(right.values())
charts.bars(bars, xlabel="share of masks with IoU of 0.75 or more, with 95 % interval")

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=10
# ### Exercise: masks that sit too high
#
# A rounded box, all else as in RoI Align, costs what RoI Pool costs: the rounding is what hurts. And half a cell off costs
# nothing: it is **the same for every box**, so the head learns it. A rounding differs from box to box.
#
# A colleague moves a trained mask model to another library: same weights and boxes, strides of 4 to 32 by size.
# The boxes are right, the masks look right, but sit **up and to the left** of the things, the more the larger the
# thing. On constant pictures all pooled values agree. Plan A: train longer. Plan B: more samples in each bin.
#
# In five to eight sentences: what do you think of the plans, what happened, how many pixels will it be, which measurement
# would show it, and which result would show that you are wrong?
#
# Hint: What do both libraries do with a box before they take samples?
#
# Hint: Which maps cannot tell where they are read?
#
# Hint: How many pixels is half a cell?
#
# Expected: a text with a verdict on both plans, a cause, numbers, a measurement, and what would refute you.

# %% [markdown] answer="explain" points=4
# ### BEGIN SOLUTION
# One point each. **Plans:** neither helps where a trained model is only moved; training anew would hide it, since a constant
# shift can be learned, as in this lesson; more samples read the same wrong place more finely. **Cause:** `aligned`: the
# model was trained with True and now runs with the other library's default, False. So all is read half a cell further to
# the lower right, the thing appears up and to the left in its bins, and so does the mask. **Numbers:** half a cell, 2 px at
# stride 4 to 16 px at stride 32, so the larger the thing the more. **Measurement:** pool a ruler, or any map that is not
# constant, in both libraries: x and y differ by half a stride at every level; constant maps cannot show it. It is refuted if the
# rulers agree, or if the shift does not double with the stride. Full marks for other sound measurements.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - At stride 16, 99 % of the things on countertops share less than half with what RoI Pool reads for them.
# - Loop, products, `grid_sample` and gather equal torchvision's RoI Align, forward and backward.
# - Of 600 masks, right at 0.75: with RoI Align 0.64 [0.60, 0.68], with RoI Pool 0.53 [0.49, 0.58], with RoI Align of a rounded
#   box 0.52 [0.48, 0.56].
# - Baseline: the mean mask, 0.38 [0.34, 0.42]. Control: the features of another thing, 0.21 [0.18, 0.25].
#
# **Limits.** One small trunk, drawn pictures, true boxes, a head trained for seconds. A head on predicted boxes, which are off
# themselves, may lose less by rounding.
#
# ## Check yourself
#
# <details><summary>1. A box of 10 x 10 px, stride 16. How many cells may RoI Pool read?</summary>
#
# One, two or four: each axis takes one cell or two.</details>
#
# <details><summary>2. Twice as many samples: twice the cost of Wy F Wx^T?</summary>
#
# No. The matrices keep their size.</details>
#
# <details><summary>3. Two programs agree on constant maps. Do they agree?</summary>
#
# Unknown: a constant map reads the same everywhere. Use a ruler.</details>
#
# <details><summary>4. Why does half a cell cost no masks here, and rounding does?</summary>
#
# One shift for all boxes can be learned. Rounding shifts each box by another amount.</details>
#
# <details><summary>5. A loss on what RoI Align reads should move boxes. In torchvision nothing moves. Why?</summary>
#
# Its boxes have no gradient; `grad` stays None.</details>

# %% [markdown]
# ## Going further
#
# ### How much is that, relatively?
#
# Mask R-CNN's authors say 10 to 50 %, more under stricter IoU. **Predict** the gain of RoI Align over RoI Pool at 0.5 and at
# 0.85. And whose masks gain most, those of small things or of large ones?

# %% alt="Mean mask IoU over the side of the thing in cells. RoI Align lies above RoI Pool and rounded, aligned at every size; the mean mask and the control lie far below."
at = (0.5, 0.75, 0.85)
share = {name: [(found >= t).float().mean().item() for t in at] for name, found in ious.items()}
gain = [a / b for a, b in zip(share["RoI Align"], share["RoI Pool"], strict=True)]
report("RoI Align by RoI Pool, right at 0.5, 0.75, 0.85", gain)
side = gk.box_areas(held[1][:, 1:]).sqrt() / STRIDE
curves = {name: by_side(found, side) for name, found in ious.items() if "half" not in name}
charts.curve(middle, curves, xlabel="side of the thing, in cells", ylabel="mean IoU of masks")

# %% [markdown]
# Next to nothing at 0.5, which even the mean mask passes on average; a fifth at 0.75; about seven tenths at 0.85. "Relative"
# means little without the threshold. RoI Align is ahead at every size, by about as much.
#
# The third decimal of such numbers depends on the machine. These sentences should not:

# %% label="stricter" tags=["nbval-check-output"]
report("the relative gain is larger at 0.85 than at 0.5", gain[2] > gain[0] + 0.15)
pairs = {
    "RoI Align is ahead of RoI Pool": ("RoI Align", "RoI Pool"),
    "and of a rounded box": ("RoI Align", "rounded, aligned"),
    "the mean mask is ahead of the control": ("mean mask", "control: another box"),
}
for words, (first, second) in pairs.items():
    ahead, behind = ((ious[name] >= 0.75).double() for name in (first, second))
    lead = measure.mean_interval(ahead - behind, picture)
    report(f"{words}, interval above 0", lead["low"] > 0)
apart = (ious["half a cell off"] - ious["RoI Align"]).mean().abs()
report("half a cell off is less than 0.03 away", bool(apart < 0.03))

# %% [markdown]
# ### Where a cell looks
#
# Why does half a cell not hurt at all? Perhaps the cells are not where we think. Take one cell of the trunk's map, column 8: it
# covers x = 64 to 72. Its gradient by the pixels says which it looks at.
#
# **Predict** the middle of what it sees. Each of the three convolutions reads 3 x 3 places, from one beyond the border, and moves
# by 2.

# %% label="looks" tags=["nbval-check-output"]
pixels = torch.full((1, 3, 128, 128), 0.5, requires_grad=True)
only_sums = nn.Sequential(*[layer for layer in convolutions if isinstance(layer, nn.Conv2d)])
only_sums(pixels)[0, :, 8, 8].square().sum().backward()
seen_at = pixels.grad[0].abs().sum((0, 1)).nonzero().flatten()  # columns of pixels
report("pixels that the cell sees, first and last", [seen_at.min(), seen_at.max()])
report("their middle", (seen_at.min() + seen_at.max() + 1) / 2, unit="px")
report("the middle of the cell", 8 * STRIDE + STRIDE / 2, unit="px")

# %% [markdown]
# The window is 15 px wide and sits around the *corner* of the cell, not its centre: so do such convolutions of stride 2. For
# these features `aligned=False` is nearly right. For others, and for positions that are compared with pixels, it is not;
# and a head can learn either.
#
# ### Samples that skip cells
#
# Nothing is rounded: is nothing lost? Two samples an axis read four cells at most. **Predict** for a box of 56 x 56 cells in 7 x 7
# bins: which share of its cells is read at all?

# %% label="skipped" tags=["nbval-check-output"]
for samples, words in {2: "2 samples", 4: "4 samples", 0: "adaptive"}.items():
    leaf = torch.zeros(1, 1, 64, 64, requires_grad=True)
    box = torch.tensor([[4.2, 4.2, 60.2, 60.2]])
    roi.roi_align(leaf, [box], 7, sampling_ratio=samples).sum().backward()
    cells_read = (leaf.grad[0, 0, 4:61, 4:61] != 0).float().mean()
    report(f"share of the cells in the box that are read, {words}", cells_read)

# %% [markdown]
# A quarter. `sampling_ratio=0` takes as many samples as a bin has cells. Detectors with several strides read large boxes from
# coarse maps instead.
#
# ### The same as a kernel
#
# On a GPU thousands of **programs** run at once, copies of one function. Its **ids** tell a program which part of the
# result is its own. In Triton, a language for them, it computes a whole **block**; sides of blocks are powers of two, and a
# **mask** says which of its numbers exist.
#
# Here the ids are (box, block of channels), and a block is C channels x Q bins of a row. **Predict** for 3 boxes, 6 channels, 3
# columns, C = Q = 4: how many programs, and what is masked?

# %% label="programs" tags=["nbval-check-output"]
boxes_n, channels, columns_n, C, Q = 3, 6, 3, 4, 4
grid = (boxes_n, -(-channels // C))
report("programs", grid)
for block in range(grid[1]):
    c, q = block * C + torch.arange(C)[:, None], torch.arange(Q)[None, :]
    needed = (c < channels) & (q < columns_n)
    report(f"program (0, {block}), mask of its block", needed.int())

# %% [markdown]
# Here is the function, as it runs on a GPU. `tl.program_id` gives the ids; `c` and `q` are the channels and bins of the block,
# and `needed` is its mask. `along` says where the bins lie, `around` which two cells a sample reads along an axis, and their
# weights. `tl.load` and `tl.store` take addresses (a tensor's start, and a step for each axis) and the mask.
#
# Without the mask, program (0, 1) would read beyond its channels, and **write** over those of the next box.

# %%
import inspect
from importlib.util import find_spec

if find_spec("triton") is None:
    print("No Triton here (it needs Linux): read gk_utils/kernels/roi_align_triton.py, go on.")
else:
    from gk_utils.kernels import roi_align_triton as kernels

    print(inspect.getsource(kernels.forward.fn))

# %% [markdown]
# `TRITON_INTERPRET=1`, set before anything imported Triton, runs the kernel without a GPU: program after program, in Python. So
# we can start it on 3 boxes, tell it every argument by name, and look. **Predict:** does the order of the programs matter?

# %%
if find_spec("triton") is None:
    print("No Triton here: nothing to run.")
else:
    generator = torch.Generator().manual_seed(0)
    small = torch.randn(2, channels, 5, 6, generator=generator)
    three = torch.tensor([[0, 0.3, 0.4, 3.2, 4.1], [1, 2.0, 1.0, 5.5, 4.5], [1, -1, -1, 2, 2]])
    out = torch.full((3, channels, 2, columns_n), torch.nan)
    told = {"features": small, "rois": three, "out": out, "spatial_scale": 1.0}
    told |= {"pictures": 2, "channels": channels, "height": 5, "width": 6}
    told |= {"rows": 2, "columns": columns_n, "RATIO": 2, "ALIGNED": True, "C": C, "Q": Q}
    told |= dict(zip(["at_b", "at_c", "at_y", "at_x"], small.stride(), strict=True))
    told |= dict(zip(["to_n", "to_c", "to_p", "to_q"], out.stride(), strict=True))
    kernels.forward[grid](**{name: told[name] for name in kernels.forward.arg_names})
    same = torch.allclose(out, roi.roi_align(small, three, (2, columns_n)), atol=1e-6)
    report("the kernel = our torch code", same)
    report("numbers that nobody wrote", out.isnan().sum())

# %% [markdown]
# No two programs write the same number, so order does not matter: that is what makes them parallel. Each reads 16 numbers for
# a bin and channel and writes one; time goes into *reading*, which is why the form of the map in memory matters
# more than the arithmetic. Timings: `python -m gk_utils bench roi_align`.
#
# ### Who uses it today?
#
# Look into the code of five models. **Predict** who calls RoI Align.

# %% label="users" tags=["nbval-check-output"]
from pathlib import Path

code = {
    "Mask R-CNN (torchvision)": Path(ops.__file__).parents[1] / "models/detection/mask_rcnn.py"
}
for name, folder in {
    "DETR": "detr",
    "Grounding DINO": "grounding_dino",
    "OWL-ViT": "owlvit",
    "SAM": "sam",
}.items():
    home = Path(find_spec("transformers").origin).parent / "models" / folder
    code[name] = home / f"modeling_{folder}.py"
for name, path in code.items():
    text = path.read_text(encoding="utf-8").lower().replace("_", "")
    report(f"{name} calls RoI Align", "roialign" in text)

# %% [markdown]
# Two-stage detectors propose boxes first, then pool from them. Models whose queries look by themselves (lesson 04) read no boxes. Where a *given* box is to be
# described, for instance as tokens of a language model, RoI Align lives on.
#
# ### Your own features
#
# Take any feature map of a model that you have. Replace it by a ruler, and pool your boxes. Are they read where they are?
#
# ### To read
#
# - Girshick 2015, [Fast R-CNN](https://arxiv.org/abs/1504.08083): RoI Pool.
# - He et al. 2017, [Mask R-CNN](https://arxiv.org/abs/1703.06870): RoI Align; "10 % to 50 %" in its introduction.
# - [detectron2's RoI Align](https://github.com/facebookresearch/detectron2/blob/02b5c4e/detectron2/layers/roi_align.py): why
#   `aligned`, with an example by hand.
# - Jiang et al. 2018, [PrRoIPooling](https://arxiv.org/abs/1807.11590): the integral in place of samples, with a gradient for
#   the box.
