# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Ferret: any region, in words and in features"
#     claim: >-
#       A box cannot say which of two things is meant when both fill it. You build Ferret's sampler for regions of any shape and
#       show, with an interval, what it adds to coordinates; the region of another question is the control that fails.
#     objectives:
#       - say which pixels a point, a box, a scribble, a polygon and a mask stand for, and write a reference to each as Ferret does
#       - construct pairs of regions with exactly the same box, on which coordinates are right half of the time at most
#       - write farthest-point sampling, and run one block of the sampler by hand
#       - fold two linear layers into one, and count what that saves
#       - measure what the sampler adds to coordinates, and what of that plain votes of patches do, too
#     prerequisites:
#       - 01_boxes
#       - 06_roi_align
#     minutes: 75
#     claims:
#       - claim: "In Ferret one circles a thing, draws an arrow, or clicks a point."
#         verdict: imprecise
#         says: "Points, boxes, scribbles and free forms. An arrow is no region: its pixels are not on what it points at."
#         cell: forms
#         shows: "forms of a region"
#       - claim: "The features of a region are what Ferret hands to the language model."
#         verdict: imprecise
#         says: "Hybrid: the coordinates as words, and behind them a token <region_fea> that the features take the place of."
#         cell: hybrid
#         shows: "the scribble"
#       - claim: "The sampler reads features at the points by bilinear interpolation, and pools them by something learned."
#         verdict: imprecise
#         says: "512 points, thinned out to 128, then 32; each with 24 neighbours, a linear fusion with relative places, and the largest value."
#         cell: whole
#         shows: "points, kept by the blocks, neighbours"
#       - claim: "Shikra and Ferret show that grounding needs no change of the architecture."
#         verdict: wrong
#         says: "True of Shikra. Ferret's sampler is a new module with weights of its own."
#         cell: whole
#         shows: "weights of the sampler"
#       - claim: "Ferret-v2 reads DINOv2 at a higher resolution, which helps with small things."
#         verdict: imprecise
#         says: "CLIP sees the whole picture small, DINOv2 its tiles large; both are added. Trained in three stages."
#         cell: two-resolutions
#         shows: "cells of the whole, of the tiles"
# ---

# %% tags=["setup"]
import math

import numpy as np
import torch

from gk_utils import charts, viz
from gk_utils import ferret as fe
from gk_utils.classroom import check, report, solution, use

# %% [markdown]
# ## Which of the two?
#
# Somebody paints over a part of a thing and asks: *what is this?* Below it happens twice, on one picture. Both painted
# parts have **the same box**, to the pixel.
#
# Two small readers answer. Both see the whole picture. One is told the coordinates of the box; the other is **Ferret**
# (2023): coordinates, and the features of the painted pixels.
#
# **Predict:** what will the first reader say, the first time and the second time?

# %% label="opening" alt="Twice a countertop with a red toaster behind an orange kettle. Left, the part of the toaster inside a box is painted, right the part of the kettle inside the same box."
from gk_utils.countertop.render import render
from gk_utils.ferret import region_questions as rq
from gk_utils.labs.mask_pictures import Prompted, show_prompted

ferret, card = fe.load_mini()
box_only, _ = fe.load_mini("ferret_coordinates_small")
scene = rq.draw_region_scene(276)
seen = render([scene])
image, things = seen.images[0], seen.masks[0]
twins = max(fe.find_twins(things), key=lambda pair: pair.masks.flatten(1).sum(1).min())
large = render([scene], (384, 384)).images[0]
report("the box of both", list(twins.box))
panels, told = [], []
for thing, mask in zip(twins.things, twins.masks, strict=True):
    region = fe.FreeFormRegion(mask)
    name = f"{scene.things[thing].colour} {scene.things[thing].category}"
    for ask in ("category", "colour"):
        both = [reader.answer(image, region, ask).answer for reader in (box_only, ferret)]
        report(f"{name}, {ask}: coordinates alone, Ferret", both)
        told.append(both[0])
    big = mask.repeat_interleave(3, 0).repeat_interleave(3, 1)
    panels.append(Prompted(large, big, box=3.0 * torch.tensor(twins.box), title=f"the {name}"))
report("coordinates alone: the same answers twice", told[:2] == told[2:])
show_prompted(panels, window=(50, 110, 290, 290))

# %% [markdown]
# The first reader was asked the same question twice, so it is wrong at least once. Is Ferret always right?
#
# ## A region is a set of pixels
#
# Point, box, scribble, polygon or mask: **a pixel belongs to a region if its centre does.** The first pixel's centre is
# (0.5, 0.5). On the border: of a box the left and the upper side count; of discs and strokes all.
#
# **On paper:** which of 4 x 3 pixels (4 wide) belong to a disc of radius 1 around (1.5, 1.5)? To the box 0.5, 0, 2.5, 1? To a stroke
# of width 1 from (0.5, 0.5) to (3.5, 0.5)? To a point of radius 0 at (2.9, 0.1)?

# %% label="forms" tags=["nbval-check-output"]
tiny = {
    "a disc": fe.PointRegion(1.5, 1.5, radius=1),
    "a box": fe.BoxRegion(0.5, 0, 2.5, 1),
    "a stroke": fe.ScribbleRegion((((0.5, 0.5), (3.5, 0.5)),), width=1),
    "a point without a radius": fe.PointRegion(2.9, 0.1, radius=0),
    "a polygon": fe.PolygonRegion(((0, 0), (4, 0), (4, 3), (3, 3), (3, 1), (0, 1))),
}
for name, region in tiny.items():
    rows = fe.region_mask(region, (3, 4)).int()
    report(name, [" ".join(map(str, row)) for row in rows.tolist()])
kinds = ("point", "box", "scribble", "polygon", "free form")
report("forms of a region", ", ".join(kinds))

# %% [markdown]
# A form that misses every centre gets the pixel that it lies in. An **arrow** is no form: its pixels are not on what it points
# at, so a program would have to guess its target first.
#
# ## A reference: words and a feature
#
# In Ferret's sentence a region stands as
#
# `What is [x1, y1, x2, y2] <region_fea>?`
#
# The numbers are the box of its pixels in **thousandths** of the picture, rounded down, here at most 999 (two numbers for a
# point). They are ordinary words. `<region_fea>` is a token, and the region's features take the place of its embedding:
# a **hybrid** reference.
#
# **On paper:** a mask covers columns 1 to 2 and rows 0 to 1 (from 0) of 4 x 2 pixels. Which numbers?

# %% label="hybrid" tags=["nbval-check-output"]
mask = torch.tensor([[0, 1, 1, 0], [0, 0, 1, 0]]).bool()
report("the mask", str(fe.reference_of(fe.FreeFormRegion(mask), (2, 4))))
scribble = fe.ScribbleRegion((((40.5, 65.0), (50.0, 60.5)),), width=2)
report("the scribble", str(fe.reference_of(scribble, (128, 128))))
report("a click", str(fe.reference_of(fe.PointRegion(64, 32), (128, 128))))
sentence = f"Is {fe.reference_of(scribble, (128, 128))} left of [500, 250] <region_fea>?"
report("read back", [list(one.numbers) for one in fe.read_references(sentence)])

# %% [markdown] card="written" difficulty=2 importance=3 minutes=8
# ### Exercise: write the numbers
#
# A mask comes as rows of 0 and 1. Return `[x1, y1, x2, y2]` as they stand in the sentence: the tight box of its ones, each
# coordinate in thousandths of the picture, **rounded down, at most 999**. `[0, 0, 0, 0]` for a mask without ones.
#
# Hint: `np.nonzero(np.array(mask))` gives the rows, then the columns.
#
# Hint: The box ends *behind* the last pixel.
#
# Hint: `min(int(1000 * x / width), 999)`; y is divided by the height.
#
# Expected: `written([[0, 1, 1, 0], [0, 0, 1, 0]])` is `[250, 0, 750, 999]`.


# %% exercise="written" points=2
def written(mask: list[list[int]]) -> list[int]:
    """Return x1, y1, x2, y2 of the ones in thousandths of the picture, as Ferret writes them.

    mask: rows of 0 and 1.
    """
    ### BEGIN SOLUTION
    rows, columns = np.nonzero(np.array(mask))
    if not len(rows):
        return [0, 0, 0, 0]
    height, width = len(mask), len(mask[0])
    x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    parts = x1 / width, y1 / height, x2 / width, y2 / height
    return [min(int(1000 * part + 1e-9), 999) for part in parts]
    ### END SOLUTION


# %% check="written"
check("14.written", written)
written = use("14.written", written)

# %% [markdown] card="same_box" difficulty=4 importance=4 minutes=12
# ### Exercise: two things, one box
#
# The opening's regions are no accident: they are made. Take the masks of two things. Cut both to the box that their tight
# boxes share. Now they may be smaller, so take their tight boxes again, and cut again, **until both tight boxes are equal**.
#
# Return that box `[x1, y1, x2, y2]` in pixels, or None if nothing is left of one of them, or the boxes share nothing.
#
# Hint: The tight box of a mask: smallest row and column with a pixel, largest plus 1.
#
# Hint: What two boxes share: the larger of the first corners, the smaller of the second ones.
#
# Hint: Keep one current box. In a loop, take both tight boxes *inside of it*; equal: done; else it becomes what they share.
#
# Expected: None for two masks side by side; `[0, 0, 2, 2]` for `[[1, 0], [0, 1]]` and `[[0, 1], [1, 0]]`.


# %% exercise="same_box" points=3
def same_box(mask1: np.ndarray, mask2: np.ndarray) -> list[int] | None:
    """Return the largest box that both masks fill: the tight box of what each has inside of it.

    mask1, mask2: boolean arrays (height, width).
    """
    ### BEGIN SOLUTION
    x1, y1, x2, y2 = 0, 0, mask1.shape[1], mask1.shape[0]
    while x1 < x2 and y1 < y2:
        found = []
        for mask in (mask1, mask2):
            rows, columns = np.nonzero(mask[y1:y2, x1:x2])
            if not len(rows):
                return None
            low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
            found.append([x1 + low[0], y1 + low[1], x1 + high[0], y1 + high[1]])
        (a1, b1, a2, b2), (c1, d1, c2, d2) = found
        if found[0] == found[1]:
            return [int(side) for side in found[0]]
        x1, y1, x2, y2 = max(a1, c1), max(b1, d1), min(a2, c2), min(b2, d2)
    return None
    ### END SOLUTION


# %% check="same_box"
check("14.same_box", same_box)
same_box = use("14.same_box", same_box)

# %% [markdown]
# ## A test that no box can pass
#
# Two such parts with one box are **twins**. Where their answers differ, they are a perfect test of *pointing*: whoever is given the
# box alone is right on **one of the two at most**. How often do twins occur? The scenes of this lesson push things behind others on
# purpose; below, those and the usual ones of the course.
#
# **Predict:** pairs with at least 20 pixels each, for a scene.

# %% label="twins" tags=["nbval-check-output"]
from gk_utils.countertop.scene import draw_scenes

kinds = {"usual scenes": draw_scenes(range(24)), "scenes of this lesson": None}
kinds["scenes of this lesson"] = [rq.draw_region_scene(seed) for seed in range(24)]
for name, scenes in kinds.items():
    planes = render(scenes).masks
    found = [fe.find_twins(masks) for masks in planes]
    report(f"{name}: pairs a scene", sum(map(len, found)) / len(found))
by_you = [
    [tuple(same_box(planes[k, i].numpy(), planes[k, j].numpy())) for i, j in [pair.things]]
    for k, pairs in enumerate(found)
    for pair in pairs
]
report(
    "your boxes = the package's", [b[0] for b in by_you] == [p.box for f in found for p in f]
)

# %% [markdown]
# ## 512 points
#
# How do you make one vector of a region of any shape? Ferret's **spatial-aware visual sampler** begins with 512 random
# pixels of it. No pixel comes twice, unless the region has fewer than 512: then all, and some again.
#
# Each point **reads the feature map between its cells**, as in lesson 06: our trunk has 16 x 16 cells of 8 pixels, with 192
# numbers each.
#
# **Predict:** the toaster's painted part has about 250 pixels. How many different places will 512 points have? How many
# different cells lie under them?

# %% label="points" tags=["nbval-check-output"]
from gk_utils.roi_align import bilinear

maps = ferret.see(image).whole  # 1 x 192 x 16 x 16
generator = torch.Generator().manual_seed(0)
points, there = fe.points_inside(list(twins.masks), 512, generator)
for k, thing in enumerate(twins.things):
    report(f"{scene.things[thing].category}: pixels", int(twins.masks[k].sum()))
    report(
        "    different places, cells under them",
        [len(points[k].unique(dim=0)), len((points[k] * 16).long().unique(dim=0))],
    )
read = fe.read_at(maps, points, torch.tensor([0, 0]))  # both regions are of picture 0
report("regions, points, numbers", list(read.shape))
x, y = 16 * points[0, 7]
report("point 7 = lesson 06", torch.allclose(read[0, 7], bilinear(maps[0], x, y), atol=1e-5))

# %% [markdown] card="next_point" difficulty=2 importance=4 minutes=10
# ### Exercise: stay spread
#
# 512 points are too many to look at each with its neighbours. The sampler keeps 128, but which? Chance would leave gaps.
# **Farthest-point sampling**: begin with any point; then always take the one that is farthest from *all that were taken*.
#
# Write the step. Given points and the numbers of those already chosen, return the number of the point whose **nearest chosen
# point is farthest away**. Of equals, the first.
#
# Hint: For one point: `min(math.dist(point, points[k]) for k in chosen)`.
#
# Hint: That is a number for each point. You want the place of the largest.
#
# Hint: `max(range(n), key=...)` returns the first of equals.
#
# Expected: `next_point([[0, 0], [1, 0], [4, 0], [9, 0]], [0, 3])` is 2.


# %% exercise="next_point" points=2
def next_point(points: list[list[float]], chosen: list[int]) -> int:
    """Return the number of the point that farthest-point sampling takes next.

    points: x, y each; chosen: the numbers of those taken before, at least one.
    """

    ### BEGIN SOLUTION
    def gap(k: int) -> float:
        return min(math.dist(points[k], points[other]) for other in chosen)

    return max(range(len(points)), key=gap)
    ### END SOLUTION


# %% check="next_point"
check("14.next_point", next_point)
next_point = use("14.next_point", next_point)

# %% [markdown]
# Your step, again and again, is the package's `farthest_points`. **Look:** 128 and 32 points that stay, and 32 by chance.

# %% label="spread" alt="Three times the painted part of the toaster: 128 points and 32 points by farthest-point sampling cover it evenly, 32 points by chance leave gaps and clumps."
some, chosen = points[0, :60].double(), [0]
while len(chosen) < 12:
    chosen.append(next_point(some.tolist(), chosen))
report("your steps = the package", chosen == fe.farthest_points(some[None], 12)[0].tolist())
kept = {n: points[0, fe.farthest_points(points[:1], n)[0]] for n in (128, 32)}
shown = {"128, farthest": kept[128], "32, farthest": kept[32], "32, by chance": points[0, :32]}
for name, places in shown.items():
    apart = torch.cdist(128 * places, 128 * places).fill_diagonal_(torch.inf).amin(1)
    report(f"{name}: pixels to the nearest other, on average", apart.mean())
x1, y1, x2, y2 = (3 * side for side in twins.box)
window = (x1 - 12, y1 - 12, x2 + 12, y2 + 12)
figure = show_prompted([Prompted(large, title=name) for name in shown], window=window)
for axes, places in zip(figure.axes, shown.values(), strict=True):
    at = 384 * places - torch.tensor([window[0], window[1]])
    axes.plot(*at.T, "o", ms=3.5, color="white", mec="black", mew=0.7)
figure

# %% [markdown]
# ## A block by hand
#
# Each point that stays, the **anchor**, asks its nearest neighbours (24 in Ferret, fewer in the small model). With
# f = [features, x, y] of a point:
#
# 1. the difference, through a first linear layer: W (f of the neighbour - f of the anchor) + b;
# 2. a second one, A, on that **and** on f of the anchor; then ReLU, and a layer norm;
# 3. of all neighbours, the **largest** value of each feature.
#
# So what comes out knows how the features *change* around the anchor. Below with the small model's weights.

# %% label="block" tags=["nbval-check-output"]
sampler = ferret.reader.region
sizes = sampler.settings
report(
    "points, kept by each block, neighbours", [sizes.points, *sizes.kept, sizes.neighbours[0]]
)
block = sampler.blocks[0]
with torch.no_grad():
    narrow = ferret.reader.reduce(maps.movedim(1, -1)).movedim(-1, 1)  # 192 numbers to fewer
    places = points[:1, : sizes.points]
    features = fe.read_at(narrow, places, torch.tensor([0]))
    f = torch.cat([features, places], -1)[0]
    anchor = int(fe.farthest_points(places, 2)[0, 1])
    near = fe.nearest_points(places, places[:, anchor][:, None], sizes.neighbours[0])[0, 0]
    told = []
    for neighbour in near:
        difference = block.difference(f[neighbour] - f[anchor])
        fused = block.aggregate(torch.cat([difference, f[anchor]])).relu()
        told.append(block.norm(fused))
    by_hand = torch.stack(told).amax(0)
from gk_utils.ferret.region_sampler import group

with torch.no_grad():
    grouped = group(places, sizes.kept[0], sizes.neighbours[0])
    by_package = block(places, features, grouped)[0, 1]
report("by hand = the package", torch.allclose(by_hand, by_package, atol=1e-4))

# %% [markdown] card="fold" difficulty=3 importance=4 minutes=10
# ### Exercise: two layers that are one
#
# Between the two linear layers there is nothing. With A = [A1 A2] (A1 for the difference, A2 for the anchor):
#
# A1 (W (n - c) + b) + A2 c + a
#
# for a neighbour n and an anchor c. Return `(local, anchor, constant)` such that this is `local @ n + anchor @ c + constant`
# for every n and c.
#
# Why does it matter? A point is a neighbour of many anchors. Folded, each point is multiplied *once*.
#
# Hint: Multiply out: A1 W n - A1 W c + A1 b + A2 c + a.
#
# Hint: Collect what stands before n, what before c, and the rest.
#
# Hint: Products of matrices: `a1 @ w`, in that order.
#
# Expected: for W = 2, b = 7, A1 = 3, A2 = 5, a = 11: 6, -1 and 32.


# %% exercise="fold" points=2
def fold(
    w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return local (d d), anchor (d d) and constant (d) of both layers as one.

    w, b: the first layer; a1, a2: the second layer's weights for the difference and for the anchor; a: its bias.
    """
    ### BEGIN SOLUTION
    local = a1 @ w
    return local, a2 - local, a1 @ b + a
    ### END SOLUTION


# %% check="fold"
check("14.fold", fold)
fold = use("14.fold", fold)

# %% [markdown]
# ## The whole sampler
#
# Two blocks, then all that is left in a row, and two linear layers: **one vector**, in the place of `<region_fea>`.
#
# **Predict:** at the published sizes and 64 features, how many times fewer multiplications does your folding need?

# %% label="whole" tags=["nbval-check-output"]
from torch.utils.flop_counter import FlopCounterMode

published = fe.SamplerSettings(width=64, out_width=64)
report(
    "points, kept by the blocks, neighbours",
    [published.points, *published.kept, *published.neighbours],
)
module = fe.SpatialAwareVisualSampler(published)
report("weights of the sampler", sum(weight.numel() for weight in module.parameters()))
few = fe.SamplerSettings(width=6, out_width=4, points=24, kept=(8, 4), neighbours=(5, 3))
small, toy = fe.SpatialAwareVisualSampler(few), torch.randn(1, 6, 4, 4)
places = torch.rand(2, 24, 2)
with torch.no_grad(), FlopCounterMode(display=False) as counter:
    vectors = small(toy, places, torch.tensor([0, 0]))
    slow = torch.stack([fe.sampler_loop(small, toy[0], one) for one in places])
    module.fuse(torch.rand(1, 512, 2), torch.zeros(1, 512, 64))
report("batched and folded = point by point", torch.allclose(vectors, slow, atol=1e-4))
folded = 2 * (512 * 66 * 64 + 128 * 66 * 64 + 128 * 66 * 64 + 32 * 66 * 64)
pairs = 128 * 24 + 32 * 24
as_written = 2 * pairs * (66 * 66 + 132 * 64)
report(
    "millions of operations in the blocks: as written, folded", [as_written / 1e6, folded / 1e6]
)

# %% [markdown]
# ## Ask
#
# **Try it.** Paint over the toaster without touching the kettle, so that your stroke's box has both. Then click, circle,
# scribble. When do the two readers part? Where is Ferret wrong, too?
#
# (On a page without a kernel you see the first stroke only.)

# %%
from gk_utils.labs.region_asking import region_lab

region_lab((ferret, box_only))

# %% [markdown]
# ## What is it worth?
#
# Held-out scenes with eight regions each, and five kinds of questions: what it is, its colour, pattern, which way it
# faces, its state. A region is **hard** if its box shows as much of another thing as of the region itself; nearly all
# hard ones here are twins.
#
# - *coordinates alone*, *Ferret*, and *mean* (coordinates, and the plain mean of the features inside): same trunk,
#   decoder, questions, and about the same compute;
# - *votes*: nothing learned. The trunk says of each patch what it shows; we average that **in the box** or **in the region**;
# - **baseline**: the most frequent answer; **control**: the region of another question.
#
# **Predict:** who comes first on hard regions? On twins? On easy ones?

# %% label="worth" alt="Bars with intervals of the share of right answers on hard regions, and below on easy ones, for coordinates alone, Ferret, the mean of features, the votes of patches in the box and in the region, the most frequent answer and the control."
from gk_utils.evaluate.ferret import load_first, most_frequent
from gk_utils.evaluate.measure import mean_interval
from gk_utils.ferret.ferret_recipe import answer_scenes
from gk_utils.ferret.patch_votes import vote_scenes

SCENES, trunk = 96, ferret.trunk_name
ours = answer_scenes(ferret.reader, trunk, SCENES)
right = {
    "coordinates alone": answer_scenes(box_only.reader, trunk, SCENES).right,
    "Ferret": ours.right,
    "mean": answer_scenes(load_first("ferret_pooled").reader, trunk, SCENES).right,
    "votes in the box": vote_scenes(trunk, SCENES, in_box=True).right,
    "votes in the region": vote_scenes(trunk, SCENES).right,
    "most frequent": most_frequent(ours),
}
right["control"] = answer_scenes(ferret.reader, trunk, SCENES, other_region=True).right
twin = torch.tensor([form == "twin" for form in ours.forms])
groups, bars = {"hard": ours.hard, "twins": twin, "easy": ~ours.hard}, {}
report("questions: hard, twins, easy", [int(rows.sum()) for rows in groups.values()])
for kind, rows in groups.items():
    for name, hits in right.items():
        found = mean_interval(hits[rows], ours.picture[rows])
        report(f"{kind}, {name}", **found)
        if kind != "twins":
            bars[f"{kind}: {name}"] = tuple(found.values())
pairs = [("Ferret", "coordinates alone"), ("votes in the region", "votes in the box")]
for first, second in [*pairs, ("Ferret", "mean"), ("Ferret", "votes in the region")]:
    more = (right[first].double() - right[second].double())[ours.hard]
    report(f"hard, {first} more than {second}", **mean_interval(more, ours.picture[ours.hard]))
charts.bars(bars, xlabel="share of right answers, with 95 % interval")

# %% [markdown]
# Differences on the *same* questions are surer than two intervals side by side. These sentences must hold on any machine:

# %% label="gain" tags=["nbval-check-output"]
alone = right["coordinates alone"]
gain = mean_interval((ours.right.double() - alone.double())[ours.hard], ours.picture[ours.hard])
report("Ferret is ahead of coordinates on hard regions, interval above 0", gain["low"] > 0)
report("coordinates alone: at most half of the twins", bool(alone[twin].double().mean() <= 0.5))
lead = mean_interval((ours.right.double() - right["control"].double()), ours.picture)
report("Ferret is ahead of the control, interval above 0", lead["low"] > 0)
chance = mean_interval(
    (right["control"].double() - right["most frequent"].double()), ours.picture
)
report("the control is not above the most frequent answer by 0.15", chance["high"] < 0.15)

# %% [markdown]
# Two comparisons say the same with and without learning: *Ferret more than coordinates*, and *votes in the region more than in
# the box*. **Where** features are read is what counts.
#
# Mean and votes are strong peers: whoever praises learned pooling must beat them. Does Ferret, here? See the lines *hard, Ferret
# more than mean* and *... more than votes in the region*: an interval below 0 says no. (The sampler of a small checkpoint was
# trained for minutes.)

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=12
# ### Exercise: the review
#
# A colleague adds a sampler like Ferret's to a product that is told boxes. Her report: "With the sampler, questions about regions
# go from 0.71 to 0.83, so learned pooling with relative positions is what we needed. Users draw arrows, too: we take the
# arrow's pixels as the region. For tiny things we will take 2048 points in place of 512."
#
# In five to eight sentences: which comparison is missing behind "learned pooling"? On which regions would you look for the gain,
# and where must it be zero? What will arrows do? What do 2048 points change for a thing of 60 pixels, and what would help?
# Name a control.
#
# Hint: Two things changed at once: where features are read, and how they are pooled.
#
# Hint: When does a box say everything?
#
# Hint: How many different pixels can 2048 points have in a region of 60? How many cells?
#
# Expected: a text on the missing peer, hard and easy regions, arrows, points, and a control.

# %% [markdown] answer="explain" points=4
# ### BEGIN SOLUTION
# One point each. **Peer:** the mean of the features at the same points (or votes of patches), same training; only what the sampler
# gains over that is due to learned pooling. **Where:** gains belong on hard regions, best on twins, where a box is right half of the time at most;
# where a box holds one thing alone it says all, and the gain should be near zero; report both, paired, with intervals over
# pictures. **Arrows and points:** an arrow's pixels lie beside the thing, so the sampler reads the wrong thing with confidence
# (take its tip as a point, or train on arrows); 2048 points of 60 pixels are copies, and read the same few cells, so they change
# next to nothing: a higher resolution (tiles, as in Ferret-v2) gives the thing more cells. **Control:** the region of another
# question, or shuffled features: accuracy must fall to the most frequent answer. Full marks for other sound designs.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - Twins have one box and two answers; coordinates alone are right on half of them at most.
# - The sampler, step by step; folded, it equals the loop at a fraction of the cost.
# - On hard regions Ferret is ahead of coordinates, by the interval above. **Baseline:** the most frequent answer. **Control:** the
#   region of another question.
# - Mean and votes in the region are strong peers. Learned pooling adds to them only if its interval is above 0.
#
# **Limits.** A tiny reader that answers in one word, a frozen trunk with cells of 8 pixels, drawn pictures, regions drawn by
# a program. A sampler with half of the published points where the small checkpoint runs.
#
# ## Check yourself
#
# <details><summary>1. A reader is told the box alone. Why is 0.5 its limit on twins?</summary>
#
# Both twins are the same question to it, and their answers differ: one is wrong.</details>
#
# <details><summary>2. A region has 40 pixels. What are the 512 points?</summary>
#
# All 40, and 472 repeats of them.</details>
#
# <details><summary>3. Why farthest points, and not the first 128?</summary>
#
# They leave no part of the region without an anchor.</details>
#
# <details><summary>4. Which gradient does farthest-point sampling have?</summary>
#
# None: it chooses. Gradients go through what is read at the chosen points.</details>
#
# <details><summary>5. Why may one fold the two linear layers of a block, but not the last two?</summary>
#
# One may fold those, too: nothing stands between them. Between the blocks there are ReLU, norm and maximum.</details>
#
# <details><summary>6. What does <code>&lt;region_fea&gt;</code> add to coordinates for a thing that stands alone?</summary>
#
# Little: the box finds the same patches.</details>

# %% [markdown]
# ## Going further
#
# ### Two resolutions
#
# A thing of 9 x 9 pixels has about one cell of the trunk. **Ferret-v2** sees the whole picture small *and* its tiles large,
# and adds both at every point. Here: 2 x 2 tiles of a picture twice as large, through the same trunk, so that only the
# resolution differs.
#
# **Predict:** who gains, small things or large ones?

# %% label="two-resolutions" tags=["nbval-check-output"]
v2 = load_first("ferret_v2")
seen_twice = v2.see(render([scene], (256, 256)).images[0])
report(
    "cells of the whole, of the tiles",
    [list(seen_twice.whole.shape[2:]), list(seen_twice.tiles.shape[2:])],
)
report("passes of the trunk, a picture", 1 + 4)

# %% [markdown]
# Now the same questions to both, on a third of the scenes. The second reader was trained on the same regions with as many
# steps; its trunk ran five times as often.

# %% label="small-things" alt="Bars with intervals of the share of right answers on small and on other things, with one and with two resolutions."
FEW = 32
twice = answer_scenes(v2.reader, v2.trunk_name, FEW)
n, bars = len(twice.right), {}
once = ours.right[:n]
for name, rows in {"small things": twice.small, "others": ~twice.small}.items():
    difference = twice.right.double() - once.double()
    report(
        f"{name}: two resolutions, more than one",
        **mean_interval(difference[rows], twice.picture[rows]),
    )
    for label, hits in {"one": once, "two": twice.right}.items():
        bars[f"{name}: {label}"] = tuple(
            mean_interval(hits[rows], twice.picture[rows]).values()
        )
charts.bars(bars, xlabel="share of right answers, with 95 % interval")

# %% [markdown]
# Where the interval of a gain holds 0, so few questions decide nothing.
#
# ### By form
#
# The same answers, sorted by how the region was drawn. A *handle* is what shows of a mug's handle. **Predict:** for which forms does a
# box say nearly all?

# %% label="by-form" alt="Bars of the share of right answers for each form of a region, for coordinates alone and for Ferret: a box, a handle, a mask, a point, a polygon, a scribble, a twin."
lines = {}
for form in rq.FORMS:
    rows = torch.tensor([one == form for one in ours.forms])
    for name in ("coordinates alone", "Ferret"):
        found = mean_interval(right[name][rows], ours.picture[rows])
        lines[f"{form}: {name}"] = tuple(found.values())
charts.bars(lines, xlabel="share of right answers, with 95 % interval")

# %% [markdown]
# ### Half a cell, again
#
# Published code divides the *index* of a pixel by the picture's size, and reads the map so that 0 and 1 are the **centres** of its
# outermost cells. Here pixels and cells both cover the picture. How far apart do the two read, in cells?

# %% label="half-a-cell" tags=["nbval-check-output"]
index, side, grid = torch.arange(336), 336, 24  # Ferret's sizes: cells of 14 pixels
theirs = index / side * (grid - 1)
ours_at = (index + 0.5) / side * grid - 0.5
report("cells apart: first pixel, middle, last", (theirs - ours_at)[[0, 168, 335]])

# %% [markdown]
# About half a cell, inwards at every border; nearly nothing in the middle. It was trained like that, so it does not hurt, as in lesson 06.
#
# ### Failures
#
# Four hard regions on which Ferret is wrong, as they come. **Say** of each: too few cells, a trunk that does not see it, or a
# question that nobody could answer?

# %% label="failures" alt="Four countertops with a painted region each, on which Ferret answered wrongly; above each what it said and what is true."
wrong = (ours.hard & ~ours.right).nonzero().flatten()[:4].tolist()
panels = []
for k in wrong:
    asked_scene = rq.draw_region_scene(int(ours.picture[k]))
    planes = render([asked_scene])
    rng = np.random.default_rng([asked_scene.seed, 16])
    regions = rq.draw_regions(asked_scene, planes.masks[0], rng, 8)
    first = int((ours.picture == ours.picture[k]).nonzero()[0])
    title = f"{rq.ANSWERS[ours.answer[k]]}; true: {rq.ANSWERS[ours.truth[k]]}"
    panels.append(Prompted(planes.images[0], regions[k - first].mask, title=title))
show_prompted(panels, columns=4)

# %% [markdown]
# ### From the papers
#
# The numbers below were not measured here; they are from the tables in Groma's README. They count boxes with an IoU of 0.5 or more,
# so they are about *writing* regions (lesson 13), not about reading them.

# %% label="published" tags=["nbval-check-output"]
cited = {
    "Ferret 7B, RefCOCO val, testA, testB": [87.49, 91.35, 82.45],
    "Ferret 7B, RefCOCOg val, test": [83.93, 84.76],
}
for name, value in cited.items():
    report(name, value)

# %% [markdown]
# ### Your own region
#
# `ferret.answer(picture, region, "colour")` takes any picture (3 x h x w in [0, 1]) and any region in its pixels. Try a
# photograph: the small model has only ever seen countertops.
#
# ### To read
#
# - You et al. 2023, [Ferret](https://arxiv.org/abs/2310.07704): section 3 is what you built.
# - Zhang et al. 2024, [Ferret-v2](https://arxiv.org/abs/2404.07973): two encoders, two resolutions, three stages.
# - Qi et al. 2017, [PointNet++](https://arxiv.org/abs/1706.02413): where farthest points and neighbours come from.
