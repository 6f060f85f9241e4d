# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Boxes: four numbers that say where"
#     claim: >-
#       A box means nothing unless you know how to read it: the same correct answers on hand-labelled photographs, misread
#       in four ways, fall from a mean overlap (IoU) of 1 to between 0.6 and 0.1; a box that never looks gets 0.07.
#     objectives:
#       - tell detection, phrase grounding, comprehension (REC) and generation (REG) apart by what goes in and comes out
#       - carry a box through resize, pad and normalise, and back to the pixel it came from
#       - compute IoU and GIoU by hand, as a loop and on tensors, and know what each does when boxes miss
#       - find out which frame a model's boxes are in, from how well each reading fits the truth
#     prerequisites:
#       - Python with NumPy or PyTorch arrays (indexing, broadcasting)
#       - no machine learning
#     minutes: 75
#     claims:
#       - claim: "Comprehension takes a picture and an expression and returns one box."
#         verdict: imprecise
#         says: "True of benchmarks such as RefCOCO; in general an expression may fit nothing, or many things."
#         cell: how-many
#         shows: "boxes for 'coin'"
#       - claim: "A caption with pixel boxes can be checked against the picture."
#         verdict: imprecise
#         says: "Only when the size of the picture that the pixels belong to is given too."
#         cell: no-size
#         shows: "IoU of the two readings"
#       - claim: "An IoU above 0.5 is a strict test."
#         verdict: wrong
#         says: "It is lenient: a box of twice the true area reaches 0.5, and passes wherever 0.5 itself counts."
#         cell: lenient
#         shows: "IoU of a box of twice the area"
#       - claim: "GIoU is needed because L1 does not see overlap."
#         verdict: right
#         says: "Boxes at the same L1 distance can share nothing or a third; and apart, GIoU has a slope where IoU is flat."
#         cell: slope
#         shows: "IoU of two boxes at L1 distance 20"
# ---

# %% tags=["setup"]
import torch

from gk_utils import boxes as gk
from gk_utils import charts, metrics, photos, viz
from gk_utils.classroom import check, report, solution, use
from gk_utils.frames import Frame

# %% [markdown]
# ## A right answer in the wrong place
#
# Here is a garage. A model is asked for **the headlight**. Suppose it is perfect: it knows where the headlight is, and
# writes four numbers between 0 and 1, as the model Shikra does: left, top, right, bottom.
#
# The cell below does the obvious thing with such numbers: it multiplies left and right by the picture's width, top and
# bottom by its height.
#
# **Predict first:** will the box sit on the headlight? If not, on which side will it be off, and will its shape be right?

# %% alt="A motorcycle in a garage. The true box of the headlight is dashed. The solid box of the answer lies below it, on the front fork, and is too flat."
garage = photos.load("motorcycle")
answer = torch.tensor([0.683, 0.329, 0.758, 0.418])  # left, top, right, bottom

height, width = garage.image_hw
naive = answer * torch.tensor([width, height, width, height])
lamp = garage.boxes[garage.index("the headlight")]

corner = torch.tensor([400, 60, 400, 60])  # show the part of the picture around the lamp
viz.show_boxes(
    garage.image[60:270, 400:700],
    (naive - corner)[None],
    ["the answer, drawn"],
    truth=(lamp - corner)[None],
    truth_labels=["the headlight"],
)

# %% [markdown]
# Left and right fit. Top and bottom do not: the box slid down and went flat. Yet all four numbers are right.
#
# Shikra does not see this picture. It sees a *square*: the picture with a border above and below. Its 0 to 1 runs over
# that square. We read the numbers over the picture.
#
# What numbers are measured against is called their **frame**. People ask for it again and again: are a model's boxes in
# pixels of the picture or [of the resized one](https://github.com/QwenLM/Qwen3-VL/issues/676)? Must they be converted
# [once more after the resize](https://github.com/QwenLM/Qwen3-VL/issues/1486)?
# By the end of this lesson you will find the frame from the numbers.

# %% [markdown]
# ## What grounding asks for
#
# **Grounding** connects words to places in a picture. Four tasks belong to it:
#
# | task | in | out |
# |---|---|---|
# | detection | picture, list of categories | every box of each category |
# | phrase grounding | picture, caption | a box or more for each phrase of the caption |
# | referring expression comprehension, REC | picture, one expression | the box it means |
# | referring expression generation, REG | picture, one box | an expression that means only this box |
#
# Detection asks *what kinds of things are where*. Comprehension must also choose: with two red mugs in view, "the red
# mug near the toaster" means one of them.
#
# **Predict:** how many boxes fit "the spoon", "coin" and "the fork" in the two photographs below?


# %% label="how-many" tags=["nbval-check-output"] alt="Two photographs. On the coffee table, the spoon alone carries a box. On the tray of 24 ancient coins, every coin carries one."
def boxes_of(photo, name):
    """All boxes of a photograph that a category or a phrase names."""
    names = zip(photo.categories, photo.phrases, strict=True)
    fits = [name == category or name in phrases for category, phrases in names]
    return photo.boxes[torch.tensor(fits)]


coffee, coins = photos.load("coffee"), photos.load("coins")
for photo, name in [(coffee, "the spoon"), (coins, "coin"), (coffee, "the fork")]:
    report(f"boxes for {name!r}", len(boxes_of(photo, name)))

spoon = boxes_of(coffee, "the spoon")
named, unnamed = ["the spoon"], [""] * 24
left = viz.Picture(coffee.image, truth=spoon, truth_labels=named, title="'the spoon'")
right = viz.Picture(coins.image, truth=coins.boxes, truth_labels=unnamed, title="'coin'")
viz.show_grid([left, right])

# %% [markdown]
# One, many and none. Comprehension is often defined as *one picture, one expression, one box*. That holds for benchmarks
# such as RefCOCO, which were collected that way. Newer ones such as
# [gRefCOCO](https://arxiv.org/abs/2308.16182) ask for all three.
#
# ## One box, three spellings
#
# Inside one frame a box can still be spelled in three ways:
#
# - `xyxy`: left, top, right, bottom. This course calls these `boxes`.
# - `xywh`: left, top, width, height. Used by COCO, a large data set for detection.
# - `cxcywh`: centre x, centre y, width, height. Predicted by DETR (lesson 04).
#
# x runs to the right, y **down**, and coordinates are continuous: from 10 to 40 is 30 wide, not 31.
#
# **Predict** the other two spellings of the box 10, 20, 40, 60.

# %% tags=["nbval-check-output"] alt="A box on squared paper, from 10, 20 to 40, 60, with the y axis pointing down."
x1, y1, x2, y2 = 10, 20, 40, 60
report("xyxy", [x1, y1, x2, y2])
report("xywh", [x1, y1, x2 - x1, y2 - y1])
report("cxcywh", [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
viz.draw_plane(torch.tensor([[10.0, 20.0, 40.0, 60.0]]), ["one box"], extent_hw=(80, 80))

# %% [markdown]
# ## Frames: what happens to a picture on its way in
#
# Many models take a square of one size, say 336 pixels. Our coffee is 600 wide and 400 high. One way in:
#
# 1. **resize** by 336/600 = 0.56, so that the longer side fits: now 336 wide, 224 high;
# 2. **pad** the missing 112 rows, 56 above and 56 below;
# 3. **normalise**: divide by 336, so that the square runs from 0 to 1;
# 4. cut the square into a **grid** of 24 by 24 patches, small squares.
#
# A box makes the same journey. On each axis every step multiplies or adds, so the whole journey is one
# `scale` and one `shift`.
#
# **Predict:** which steps change y but not x?

# %% tags=["nbval-check-output"]
x1, y1, x2, y2 = spoon[0].tolist()
scale = 336 / 600
resized = [x1 * scale, y1 * scale, x2 * scale, y2 * scale]
padded = [resized[0], resized[1] + 56, resized[2], resized[3] + 56]
unit = [number / 336 for number in padded]
grid = [number * 24 for number in unit]
report("pixel", [x1, y1, x2, y2])
report("resized", resized)
report("padded", padded)
report("unit", unit)
report("grid", grid)

# %% [markdown]
# Five sets of numbers, one spoon. Only the padding treats y in another way than x.
#
# `Frame` keeps the scale and the shift for you, and knows the way back. You build it by saying what was done to the
# picture; `fit` is resize and pad in one.
#
# **Predict:** send every labelled box of every photograph to the padded frame and back, in 32-bit numbers. How far from
# home does the worst corner end up: a pixel, a tenth, a thousandth?

# %% tags=["nbval-check-output"] alt="Left: the coffee photograph, 600 by 400, with the spoon's box. Right: the same photograph in a 336 pixel square with black bars above and below; the spoon's box sits on the spoon in both."
from torchvision.transforms.functional import pad, resize

square = Frame.of_image(coffee.image_hw).resize((224, 336)).pad((336, 336))

worst = 0.0
for picture in map(photos.load, photos.names()):
    frame = Frame.of_image(picture.image_hw).fit((336, 336))
    there_and_back = frame.to_pixels(frame.from_pixels(picture.boxes))
    worst = max(worst, float((there_and_back - picture.boxes).abs().max()))
report("every corner is back within 0.001 px", worst < 0.001)
report("scale and shift of y", [square.scale_xy[1], square.shift_xy[1]])

pixels = torch.from_numpy(coffee.image).permute(2, 0, 1)  # colour first: 3 h w
canvas = pad(resize(pixels, [224, 336]), [0, 56]).permute(1, 2, 0).numpy()
left = viz.Picture(coffee.image, spoon, ["the spoon"], title="600 wide, 400 high")
right = viz.Picture(canvas, square.from_pixels(spoon), ["the spoon"], title="the square, 336")
viz.show_grid([left, right])

# %% [markdown] card="read_answer" difficulty=2 importance=5 minutes=10
# ### Exercise: read a model's answer
#
# The corners come back within a thousandth of a pixel, and the box sits on the spoon in both. Now another model, with
# other habits.
#
# It pads the picture **to the right and below** to a square. It answers with four whole numbers from 0 to 999 in
# the order **y1, x1, y2, x2**, where 999 is the far side of the square. Return the box in the picture's pixels, as a list
# x1, y1, x2, y2 of fractions, all four cut at the picture's border.
#
# Hint: How long is a side of the square, given (height, width)? It does not matter to how many pixels the model resizes
# it: the unit is the whole side.
#
# Hint: With the border to the right and below, the picture's upper left corner is the square's. So there is a scale and
# no shift: `number / 999 * side`, on both axes.
#
# Hint: Cutting is `min(x, width)` and `min(y, height)`. Mind the order in which the four numbers come.
#
# Expected: `read_answer([333, 111, 555, 444], (400, 600))` is about `[66.67, 200, 266.67, 333.33]`.
# `read_answer([0, 0, 999, 999], (400, 600))` is `[0.0, 0.0, 600.0, 400.0]`: the square reaches 200 px below the picture,
# and the box is cut there.


# %% exercise="read_answer" points=2
def read_answer(answer: list[int], image_hw: tuple[int, int]) -> list[float]:
    """Return the box in picture pixels, x1 y1 x2 y2.

    answer: y1 x1 y2 x2, each 0 to 999, of the picture padded right and below to a square.
    """
    ### BEGIN SOLUTION
    height, width = image_hw
    y1, x1, y2, x2 = (number / 999 * max(image_hw) for number in answer)
    return [min(x1, width), min(y1, height), min(x2, width), min(y2, height)]
    ### END SOLUTION


# %% check="read_answer"
check("01.read_answer", read_answer)
read_answer = use("01.read_answer", read_answer)

# %% [markdown]
# ## Did it hit? Intersection over union
#
# How well does a box fit another? Divide the area they share (intersection) by the area they cover together (union):
# **IoU**, from 0 (apart) to 1 (equal).
#
# Boxes 0, 0, 10, 10 and 5, 5, 15, 15 share a 5 x 5 corner. Together they cover 100 + 100 - 25.
#
# **Predict** the IoU before you run the cell. Is it a quarter?


# %% tags=["nbval-check-output"] alt="Two 10 by 10 boxes on squared paper. The 5 by 5 corner that they share is hatched."
def iou_by_hand(a, b):
    """IoU of two boxes given as lists x1, y1, x2, y2."""
    shared_width = min(a[2], b[2]) - max(a[0], b[0])
    shared_height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(shared_width, 0) * max(shared_height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


a, b = [0, 0, 10, 10], [5, 5, 15, 15]
report("IoU by hand", iou_by_hand(a, b))
first, second, shared = torch.tensor([[a], [b], [[5, 5, 10, 10]]]).float()
plane = {"truth": second, "truth_labels": ["b"], "regions": shared, "region_labels": ["shared"]}
viz.draw_plane(first, ["a"], extent_hw=(18, 18), **plane)

# %% [markdown]
# One seventh, 25 / 175. The usual score, `Acc@0.5`, is the share of answers with an IoU of at least 0.5 (some code asks
# for more than 0.5). Some texts call that strict.
#
# **Predict** the IoU of a box that holds the true one and is twice as large.
#
# On tensors the loop becomes broadcasting: n boxes along one axis, m along the other, all pairs at once. It must agree
# with the loop, and with torchvision.
#
# One case splits them: a box without area, where the formula says 0 / 0. torchvision returns *not a number*, and one such
# value spoils the average over a whole data set. `gk.pairwise_iou` defines 0 / 0 as 0.


# %% label="lenient" tags=["nbval-check-output"]
import torchvision.ops


def iou_table(boxes1, boxes2):
    """IoU of all pairs: boxes1 (n, 4) and boxes2 (m, 4) give (n, m)."""
    upper_left = torch.maximum(boxes1[:, None, :2], boxes2[:, :2])  # n m 2
    lower_right = torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])  # n m 2
    shared = (lower_right - upper_left).clamp(min=0).prod(-1)  # n m
    return shared / (gk.box_areas(boxes1)[:, None] + gk.box_areas(boxes2) - shared)


report("IoU of a box of twice the area", iou_by_hand([0, 0, 10, 10], [0, 0, 10, 20]))

boxes = coins.boxes
loop = torch.tensor([[iou_by_hand(p, q) for q in boxes.tolist()] for p in boxes.tolist()])
table, reference = iou_table(boxes, boxes), torchvision.ops.box_iou(boxes, boxes)
same = torch.allclose(loop, table) and torch.allclose(table, reference)
report("loop = table = torchvision", same)

point = torch.tensor([[5.0, 5.0, 5.0, 5.0]])
report("a point with itself, torchvision", torchvision.ops.box_iou(point, point))
report("a point with itself, gk", gk.pairwise_iou(point, point))

# %% [markdown] card="coverage" difficulty=2 importance=4 minutes=10
# ### Exercise: how much of the truth is covered
#
# A box of twice the area gets 0.5, so `Acc@0.5` is lenient. And no score fits every purpose: a robot that wipes a cup must
# not miss any part of it, and may wipe beside it.
#
# Row i of `boxes` goes with row i of `truth`. Write `coverage`: for each row, the share of the *true* box that the
# other box covers, and 0 where the true box has no area.
#
# Hint: The numerator is the same as in IoU. Only the denominator changes. Pairs of rows need no `None` in the index.
#
# Hint: `torch.minimum(boxes[:, 2:], truth[:, 2:])` gives the lower right corners of all shared parts at once.
#
# Hint: A negative width means no overlap: clamp both sides at 0 before you multiply. To avoid 0 / 0, use `torch.where`,
# or add 1 to the denominator exactly where it is 0.
#
# Expected: for box 0, 0, 10, 10 and truth 5, 5, 15, 15 `tensor([0.2500])`; for a truth inside the box 1; for boxes apart
# 0, on whichever side.


# %% exercise="coverage" points=2
def coverage(boxes: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return the share of each true box that the box of the same row covers.

    (n, 4) and (n, 4) give (n,), each from 0 to 1.
    """
    ### BEGIN SOLUTION
    upper_left = torch.maximum(boxes[:, :2], truth[:, :2])
    lower_right = torch.minimum(boxes[:, 2:], truth[:, 2:])
    shared = (lower_right - upper_left).clamp(min=0).prod(1)
    area = (truth[:, 2:] - truth[:, :2]).prod(1)
    return shared / torch.where(area > 0, area, 1)
    ### END SOLUTION


# %% check="coverage"
check("01.coverage", coverage)
coverage = use("01.coverage", coverage)

# %% [markdown]
# ## When boxes miss: GIoU
#
# Why not add up the four differences, the **L1 distance**? It does not see overlap: of two boxes at the same distance one
# may share nothing with the truth. IoU does, but slide a box away: past the edge it is 0 at 1 px and 0 at 100 px. A
# model that learns by following the slope of its score has nothing to follow.
#
# **GIoU** takes the smallest box around both, the *hull*, and subtracts the share of it that neither box covers:
#
# $$\mathrm{GIoU} = \mathrm{IoU} - \frac{\text{hull} - \text{union}}{\text{hull}}$$
#
# **Predict:** two boxes 10 by 10 with a gap of 10 px between them. The hull is 30 x 10, the union 200. What is GIoU?

# %% label="slope" tags=["nbval-check-output"] alt="Two curves over the shift of a 10 pixel box. IoU falls to 0 at 10 pixels and stays there. GIoU goes on falling towards minus 1."
same_l1 = torch.tensor([[10.0, 0, 20, 10], [0, 0, 10, 30]])  # to 0, 0, 10, 10: 20 px each
truth = torch.tensor([[0.0, 0.0, 10.0, 10.0]]).repeat(101, 1)
report("IoU of two boxes at L1 distance 20", gk.paired_iou(same_l1, truth[:2]))

shift = torch.arange(0, 101.0)  # the gap is the shift less 10
moved = truth + torch.stack([shift, 0 * shift, shift, 0 * shift], 1)
iou, giou = gk.paired_iou(moved, truth), gk.paired_giou(moved, truth)
report("IoU and GIoU, gap 10 px", [iou[20], giou[20]])
report("IoU, one pixel farther at gap 40 px", iou[51] - iou[50])
report("GIoU, one pixel farther at gap 40 px", giou[51] - giou[50])
reference = torchvision.ops.generalized_box_iou(moved, truth)[:, 0]
report("GIoU = torchvision", torch.allclose(giou, reference))
charts.curve(shift, {"IoU": iou, "GIoU": giou}, xlabel="shift, px", ylabel="score")

# %% [markdown] card="waste" difficulty=3 importance=4 minutes=10
# ### Exercise: the wasted share of the hull
#
# One third of the hull was wasted, so GIoU is -1/3; and farther out it still falls by 0.005 a pixel, where IoU says
# nothing.
#
# Write the part that GIoU subtracts: for each row, the share of the hull that neither box covers, and 0 where the hull
# has no area. Then `IoU - waste` is GIoU.
#
# Hint: The hull runs from the smaller of the upper left corners to the larger of the lower right ones: `minimum` and
# `maximum` change places compared with the shared part.
#
# Hint: union = area 1 + area 2 - shared. You wrote `shared` in the exercise before; here you may use `gk.box_areas`.
#
# Hint: waste = (hull - union) / hull, with the same care for 0 / 0 as before.
#
# Expected: 1/3 for the boxes 0, 0, 10, 10 and 20, 0, 30, 10; 0 for any box inside another.


# %% exercise="waste" points=3
def waste(boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """Return the share of the hull of each pair that neither box covers.

    (n, 4) and (n, 4) give (n,), each from 0 to 1.
    """
    ### BEGIN SOLUTION
    hull_wh = torch.maximum(boxes1[:, 2:], boxes2[:, 2:]) - torch.minimum(
        boxes1[:, :2], boxes2[:, :2]
    )
    shared_wh = torch.minimum(boxes1[:, 2:], boxes2[:, 2:]) - torch.maximum(
        boxes1[:, :2], boxes2[:, :2]
    )
    hull, shared = hull_wh.prod(1), shared_wh.clamp(min=0).prod(1)
    union = gk.box_areas(boxes1) + gk.box_areas(boxes2) - shared
    return (hull - union) / torch.where(hull > 0, hull, 1)
    ### END SOLUTION


# %% check="waste"
check("01.waste", waste)
waste = use("01.waste", waste)

# %% [markdown]
# ## Lab: feel the number
#
# Put the box around the cup without its saucer. Drag inside it to move, drag a corner or an edge to resize; or click it
# once and use the arrow keys (with Shift 10 px; with Alt the lower right corner moves).
#
# Try to find out: how far may a box of the right size be off, sideways, before it fails at 0.5? And at 0.75?
#
# <details><summary>Answer</summary>
#
# A third of its width; a seventh. Shifted by s, two boxes w wide share w - s and cover w + s of each row, so IoU is
# (w - s) / (w + s). The cup is 237 px wide: 79 px, and 34.</details>

# %%
from gk_utils.labs.boxes import drag_lab

lab = drag_lab(coffee.image, coffee.boxes[coffee.index("the cup")], "the cup")
lab

# %% [markdown]
# ## What the wrong frame costs
#
# Back to the opening, now with all 85 labelled objects of seven photographs. The answers are always right; only the
# reader changes. Two readers mistake the frame, two the spelling. Two points of comparison:
#
# - **baseline**: a box in the middle of the picture, half as wide and half as high. It never looks at anything.
# - **control**: read correctly, but compared with another object of the same picture. If this scored well, the measure
#   would not tell objects apart.
#
# Brackets hold a 95 % interval: how far a mean could move with other objects (lesson 02 shows how it is made).
#
# **Predict:** which misreading costs least? Which ones do no better than the baseline?


# %% label="signature" tags=["nbval-check-output"] alt="Bars with intervals: mean IoU is 1 in the right frame and far lower for every wrong reading; the centre box and the shuffled control are the lowest."
def readings(truth, image_hw):
    """What each reader makes of right answers, as boxes in the picture's pixels."""
    photo, square = Frame.of_image(image_hw), Frame.of_image(image_hw).fit((336, 336))
    said = square.unit().from_pixels(truth)  # right: 0 to 1 over the padded square
    height, width = image_hw
    middle = torch.tensor([[width, height, 3 * width, 3 * height]]) / 4
    return {
        "right": square.unit().to_pixels(said),
        "padding forgotten": photo.unit().to_pixels(said),
        "xyxy read as xywh": gk.clip_boxes(gk.xywh_to_xyxy(truth), image_hw),
        "the square's pixels read as the photo's": square.from_pixels(truth),
        "x and y swapped": gk.clip_boxes(truth[:, [1, 0, 3, 2]], image_hw),
        "baseline: centre box": middle.expand_as(truth),
        "control: another object": truth.roll(1, 0),
    }


scores = {}
for picture in map(photos.load, photos.names()):
    for reader, boxes in readings(picture.boxes, picture.image_hw).items():
        scores.setdefault(reader, []).append(gk.paired_iou(boxes, picture.boxes))
intervals = {name: metrics.bootstrap_interval(torch.cat(ious)) for name, ious in scores.items()}
for reader, interval in intervals.items():
    report(reader, interval.value, low=interval.low, high=interval.high)
charts.bars(intervals, xlabel="mean IoU over 85 objects, with 95 % interval")

# %% [markdown]
# The same right answers, and four misreadings cost from about two fifths to nine tenths of the score. The two worst, the
# square's pixels and *x and y swapped*, score about as little as a box that never looks: the intervals overlap. The
# control is lower still, so the measure does tell objects apart.
#
# The first misreading is the one from the opening. Now look at it picture by picture. **Predict:** where does forgetting
# the padding cost nothing?

# %% label="square-hides-it" tags=["nbval-check-output"]
for name, ious in zip(photos.names(), scores["padding forgotten"], strict=True):
    height, width = photos.load(name).image_hw
    report(f"{name}, {width} wide, {height} high", ious.mean())

# %% [markdown] card="which_frame" difficulty=4 importance=5 minutes=15
# ### Exercise: which frame is it?
#
# On the two square photographs the bug is invisible. A test with square pictures passes, and the first wide photograph
# fails.
#
# You get a model's boxes and the true boxes in pixels, and nobody wrote down the frame. Return the name of the frame in
# which the model's boxes fit best, by **mean IoU**:
#
# - `"pixels"` of the picture;
# - `"unit"`: 0 to 1 over the picture;
# - `"thousand"`: 0 to 1000 over the picture, on both axes;
# - `"square unit"`: 0 to 1 over the picture padded to a square, picture in the centre.
#
# Hint: Make a dictionary from each name to a `Frame`. The first is `Frame.of_image(image_hw)`.
#
# Hint: For the last, `pad` to the longer side, then `unit()`. `frame.to_pixels(boxes_said)` reads boxes in a frame.
#
# Hint: `max(frames, key=...)` returns the name with the largest score; the score is
# `gk.paired_iou(..., truth).mean()`.
#
# Expected: a string, such as `"square unit"` for
# `which_frame(answer[None], lamp[None], garage.image_hw)`, the headlight at the top of this lesson.


# %% exercise="which_frame" points=3
def which_frame(
    boxes_said: torch.Tensor, truth: torch.Tensor, image_hw: tuple[int, int]
) -> str:
    """Return the frame in which boxes_said (n, 4) fits truth (n, 4, in pixels) best.

    One of "pixels", "unit", "thousand", "square unit".
    """
    ### BEGIN SOLUTION
    photo, side = Frame.of_image(image_hw), max(image_hw)
    frames = {
        "pixels": photo,
        "unit": photo.unit(),
        "thousand": photo.resize((1000, 1000)),
        "square unit": photo.pad((side, side)).unit(),
    }
    fits = {
        name: gk.paired_iou(frame.to_pixels(boxes_said), truth).mean()
        for name, frame in frames.items()
    }
    return max(fits, key=fits.get)
    ### END SOLUTION


# %% check="which_frame"
check("01.which_frame", which_frame)
which_frame = use("01.which_frame", which_frame)

# %% [markdown] card="explain" difficulty=3 importance=4 minutes=10
# ### Exercise: explain it to a colleague
#
# A colleague updates an image library. `Acc@0.5` of the grounding model drops from 0.91 to 0.34 on phone photographs, and
# stays at 0.90 on the company's square product pictures. The colleague wants to retrain. In five to eight sentences:
# what do you think happened, which one measurement would show it, and which control would show that you are wrong?
#
# Hint: What differs between the two kinds of pictures, apart from what they show?
#
# Hint: Use this lesson's last table.
#
# Hint: A measurement that comes out the same whether you are right or wrong shows nothing.
#
# Expected: a text that names a cause, a measurement and a control.

# %% [markdown] answer="explain" points=3
# ### BEGIN SOLUTION
# One point each. **Cause:** the new version pads (or stretches) where the old one did the other, or pads on another side;
# boxes are now read in the wrong frame, and on square pictures padding changes nothing. **Measurement:** read the same
# boxes in each candidate frame and compare mean IoU on the phone photographs; if one frame brings it back to about the
# old score, the model is fine. **Control:** cut the phone photographs square (or pad them before they go in): if the
# score stays low, the frame is not the cause. Shuffled truths must score near 0 in every frame. Full marks also for a
# direct look at the preprocessor's output, if it is said what would contradict the guess.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - A box is four numbers, a spelling and a frame. Read right, 85 boxes score 1. With the padding forgotten they score
#   0.57 [0.50, 0.64], with x and y swapped 0.09 [0.05, 0.13]; a box that never looks scores 0.07 [0.05, 0.10].
# - IoU agrees by hand, as a loop, as a table and with torchvision, up to 0 / 0, which needs a decision.
# - GIoU keeps a slope where IoU is flat.
#
# **Limits.** The labels are ours, accurate to about two pixels. Seven pictures are few, and 24 objects are coins of one
# picture: the intervals treat objects as independent, so they are too narrow for a claim about other photographs.
#
# ## Check yourself
#
# <details><summary>1. A model returns 0.5, 0.5, 0.2, 0.2. Which spelling can it not be?</summary>
#
# Not `xyxy`: x2 would be left of x1. It may be `cxcywh` or `xywh`.</details>
#
# <details><summary>2. Does IoU change when both boxes go from pixels to the unit frame of a wide picture?</summary>
#
# No. Each axis is scaled by one factor, and every area by the product of both.</details>
#
# <details><summary>3. When are GIoU and IoU equal?</summary>
#
# When the hull is the union: one box inside the other, or two boxes of equal height side by side without a gap (or of
# equal width, one above the other).</details>
#
# <details><summary>4. A test on square pictures passes. What does it say about the reading of boxes?</summary>
#
# Nothing about padding: there the square and the picture are the same.</details>
#
# <details><summary>5. Does IoU 0.5 mean that half of the object is covered?</summary>
#
# No: you wrote the score that means this, `coverage`.</details>

# %% [markdown]
# ## Going further
#
# ### One object, many boxes: non-maximum suppression
#
# Many detectors propose an object several times, each box with a score. **NMS** keeps the box with the highest score, drops
# those whose IoU with it is above a threshold, and repeats with the rest. Here each coin is proposed three times, a little
# off, with a random score.
# **Predict** how many boxes remain.

# %% tags=["nbval-check-output"] alt="Left: three overlapping boxes around each of the 24 coins. Right: one box a coin after suppression."
generator = torch.Generator().manual_seed(0)
proposals = coins.boxes.repeat(3, 1) + torch.randn(72, 4, generator=generator) * 2
confidence = torch.rand(72, generator=generator)
kept = gk.nms(proposals, confidence, iou_threshold=0.5)
report("proposals, kept", [len(proposals), len(kept)])
same = torch.equal(kept, torchvision.ops.nms(proposals, confidence, 0.5))
report("same as torchvision", same)
left = viz.Picture(coins.image, proposals, [""] * 72, title="proposed: 72")
right = viz.Picture(coins.image, proposals[kept], [""] * len(kept), title=f"kept: {len(kept)}")
viz.show_grid([left, right])

# %% [markdown]
# One box a coin.
#
# ### From a mask to a box: the missing pixel
#
# A mask whose last pixel stands in column 9 reaches to x = 10 in continuous coordinates. `torchvision.ops.masks_to_boxes`
# answers 9: it names the pixel, not its far edge. **Predict:** does one pixel matter for coins about 40 px wide?

# %% tags=["nbval-check-output"]
masks = torch.stack([mask for mask in coins.masks if mask is not None])
ours, theirs = gk.boxes_from_masks(masks), torchvision.ops.masks_to_boxes(masks)
interval = metrics.bootstrap_interval(gk.paired_iou(ours, theirs))
low, high = interval.low, interval.high
report("IoU of the two conventions on coins", interval.value, low=low, high=high)
tiny = torch.zeros(1, 8, 8, dtype=torch.bool)
tiny[0, 2:4, 2:4] = True
ours, theirs = gk.boxes_from_masks(tiny), torchvision.ops.masks_to_boxes(tiny)
report("IoU of the two conventions, 2 px object", gk.paired_iou(ours, theirs))

# %% [markdown]
# One pixel costs these coins about a twentieth of their IoU, and a thing of two pixels three quarters.
#
# ### A caption without a size
#
# A caption such as *a man [120, 80, 340, 450] walks a dog* looks checkable. Against which picture? The one at hand is 700
# wide and 500 high. The numbers may be its pixels, or those of the 1000 by 1000 copy that a model was given. Both are
# valid boxes. **Predict:** do the two readings overlap by half?

# %% label="no-size" tags=["nbval-check-output"]
said = torch.tensor([[120.0, 80.0, 340.0, 450.0]])
of_the_copy = Frame.of_image((500, 700)).resize((1000, 1000)).to_pixels(said)
report("pixels of the picture", said[0])
report("pixels of the copy, taken back", of_the_copy[0])
report("IoU of the two readings", gk.paired_iou(said, of_the_copy))

# %% [markdown]
# Below a fifth: without its size, the box is unknown.
#
# ### Your own photograph
#
# Put a picture beside this notebook and run this in a new cell. The lab shows every box you drag in pixels.
#
# ```python
# import numpy as np
# from PIL import Image
#
# picture = np.asarray(Image.open("mine.jpg").convert("RGB"))
# drag_lab(picture, [10, 10, 60, 60], "something in my picture")
# ```
#
# Send your box through the frames of a model that you use, and write down which frame its answers are in.
#
# ### To read
#
# - Rezatofighi et al. 2019, [GIoU](https://arxiv.org/abs/1902.09630): the definition, and boxes that L1 or L2 cannot tell apart.
# - Chen et al. 2023, [Shikra](https://arxiv.org/abs/2306.15195): coordinates as text, on a padded square.
# - [torchvision.ops](https://docs.pytorch.org/vision/stable/ops.html), the reference you matched.
# - He et al. 2023, [GREC](https://arxiv.org/abs/2308.16182): expressions with none, one or many referents.
#
# The photographs come from scikit-image; sources and licences are in [data/README.md](../data/README.md).
