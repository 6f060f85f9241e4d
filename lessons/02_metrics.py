# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Metrics: what a score says, and what it hides"
#     claim: >-
#       A score means little without its rule, interval, baselines and label errors: three published rules give the same
#       five answers 0.8, 0.6 and 0.4, and with 14 % of the objects mislabelled a perfect model gets 0.86, less than one
#       that repeats the labels' mistakes.
#     objectives:
#       - name the sets, partitions and splits of the RefCOCO family, and count objects and expressions apart
#       - compute Acc@0.5, Acc@0.75, mean IoU, pointing, recall@k and AP, and say what each of them hides
#       - put an interval around a score by resampling pictures, and compare two systems on the same pictures
#       - report a score beside baselines that do not look, a control that must fail and the ceiling of the labels
#     prerequisites:
#       - 01_boxes
#     minutes: 75
#     claims:
#       - claim: "RefCOCO has 142,209 expressions."
#         verdict: right
#         says: "For 50,000 objects. Accuracy counts expressions, other tables count objects, so a number must say which."
#         cell: family
#         shows: "expressions an object, RefCOCO"
#       - claim: "RefCOCOg has 95,010 expressions."
#         verdict: imprecise
#         says: "That is the umd partition, with 49,822 objects; the google partition, 85,474, is also in use."
#         cell: family
#         shows: "objects of RefCOCOg, umd"
#       - claim: "An answer is right if its IoU exceeds 0.5."
#         verdict: imprecise
#         says: "Published code asks for IoU >= 0.5, for IoU > 0.5, or for GIoU >= 0.5, all under one name."
#         cell: rules
#         shows: "IoU >= 0.5, IoU > 0.5, GIoU >= 0.5"
#       - claim: "Models above 90 % on RefCOCO show that its expressions are too short and simple."
#         verdict: imprecise
#         says: "14 % of its labels were found to be wrong: up there a score also measures who repeats the label errors."
#         cell: noise
#         shows: "perfect model, mislabelled"
#       - claim: "Flickr30k Entities and GRIT are newer benchmarks for grounding."
#         verdict: wrong
#         says: "Flickr30k Entities is of 2015, before RefCOCO; GRIT (2022) has seven tasks, one of them grounding."
#         cell: recall
#         shows: "year of Flickr30k Entities, RefCOCO, GRIT"
# ---

# %% tags=["setup"]
import torch

from gk_utils import boxes as gk
from gk_utils import charts, metrics, viz
from gk_utils.classroom import check, report, solution, use

# %% [markdown]
# ## A right answer, marked wrong
#
# Most of this course's pictures are drawn: countertops, of which we know every thing and its place. The cell below writes
# 300 of them, with expressions, as the files of **RefCOCO**, the best known test for this task, and reads them back.
#
# Then it puts one question to a model that is always right: **toaster not yellow**. Solid is its answer, dashed the
# label in the test set.
#
# **Predict:** what IoU does the answer get? What does one such label do to the model's score?

# %% tags=["nbval-check-output"] alt="A kitchen counter with candles and two toasters, a red one and a yellow one. The solid box of the answer is on the red toaster, the dashed box of the label on the yellow one."
N_PICTURES = 300

from tempfile import TemporaryDirectory

from torchvision.io import read_image

from gk_utils.countertop.exports import export_refcoco
from gk_utils.countertop.splits import read_split
from gk_utils.formats.refcoco import read_refcoco, write_refcoco

val = [sample for sample in read_split("val") if sample.dialect == "refcoco"]
last = sorted({sample.seed for sample in val})[N_PICTURES - 1]
with TemporaryDirectory() as folder:
    export_refcoco([sample for sample in val if sample.seed <= last], folder)
    data = read_refcoco(folder, "refcoco", "unc")
    scenes = data.instances.images
    pictures = torch.stack([read_image(f"{folder}/images/{s.file_name}") for s in scenes]) / 255
rows = [(ref, said) for ref in data.of("val") for said in ref.expressions]
texts = [said.text for _, said in rows]
truth = torch.stack([ref.box for ref, _ in rows]).float()  # n 4
picture = torch.tensor([ref.image_id - 1 for ref, _ in rows])  # n: which of `pictures`
report("pictures, objects, expressions", [len(pictures), len(data.refs), len(texts)])

row = texts.index("toaster not yellow")
ref, scene = rows[row][0], scenes[picture[row]]
other = [item.category == "toaster" and item.id != ref.ann_id for item in scene.objects]
label = scene.boxes[other]
report("IoU of the right answer", gk.paired_iou(truth[row][None], label.float()))
names = {"truth": label, "truth_labels": ["label"]}
viz.show_boxes(pictures[picture[row]].permute(1, 2, 0), truth[row][None], ["answer"], **names)

# %% [markdown]
# Zero: one answer of 387 is lost. We planted this label, as if somebody had missed the "not". Those who
# [went through RefCOCO](https://github.com/JierunChen/Ref-L4) found 14 % of its labels wrong.
#
# ## Which RefCOCO?
#
# | | RefCOCO | RefCOCO+ | RefCOCOg |
# |---|---|---|---|
# | collected | in a game of two | the same game, words of location banned | in writing, no game |
# | words, mean | about 3.5 | about 3.5 | 8.4 |
# | expressions | 142,209 | 141,564 | 95,010 umd; 85,474 google |
# | labels found wrong | 14 % | 24 % | 5 % |
#
# A **partition** (unc, google, umd) cuts a set into **splits**: train, val, tests (`testA` people, `testB` the rest). The
# cell prints **refs**, objects with their expressions. The google partitions deal out *objects*, imitated here.
# **Predict:** for how many val objects is their picture in train?

# %% label="family" tags=["nbval-check-output"]
from gk_utils.formats.refcoco import SPLITS

for (dataset, partition), sizes in SPLITS.items():
    report(f"{dataset}, {partition}", ", ".join(f"{name} {n:,}" for name, n in sizes.items()))
objects = sum(SPLITS["refcoco", "unc"].values())
report("expressions an object, RefCOCO", 142_209 / objects)
report("objects of RefCOCOg, umd", sum(SPLITS["refcocog", "umd"].values()))

# As many objects in as many pictures as RefCOCO has, and the split of its google partition.
generator = torch.Generator().manual_seed(0)
home = torch.randint(19_994, (objects,), generator=generator)  # the picture of each object
orders = {"objects": torch.randperm(objects, generator=generator), "pictures": home.argsort()}
for name, order in orders.items():
    train, held_out = home[order[:40_000]], home[order[40_000:45_000]]
    leaked = torch.isin(held_out, train).float().mean()
    report(f"val objects whose picture is in train, {name} split", leaked)

# %% [markdown]
# For six of seven, if objects are dealt out at random. unc and umd deal out pictures. So a RefCOCO number names set,
# partition and split, and says whether it counts objects or expressions: a factor of 2.8.
#
# ## Right or wrong: Acc@0.5
#
# The usual score is `Acc@0.5`: the share of answers whose IoU with the truth reaches 0.5. Below, five answers to one truth
# (dashed): a is the truth itself, b twice as high, c lies apart; d and e have the right size and lie about two pixels
# off, on both axes.
#
# **Predict** which answers count.

# %% label="rules" tags=["nbval-check-output"] alt="Five boxes on squared paper around a dashed truth: a is the truth itself, b is twice as high, c lies apart, d is shifted up and to the left, e down and to the right."
box, answers = [10, 10, 20, 20], [[10, 10, 20, 20], [10, 10, 20, 30], [24, 10, 34, 20]]
answers += [[8, 8.5, 18, 18.5], [11.8, 11.8, 21.8, 21.8]]


def iou_by_hand(a, b):
    """IoU of two boxes given as lists x1, y1, x2, y2."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


right = 0
for answer in answers:
    right += iou_by_hand(answer, box) >= 0.5
report("IoU by hand", [iou_by_hand(answer, box) for answer in answers])
report("Acc@0.5 by loop", right / len(answers))

said = torch.tensor(answers)
goal = torch.tensor([box]).float().expand_as(said)
ious, gious = gk.paired_iou(said, goal), gk.paired_giou(said, goal)
report("Acc@0.5 vectorised", (ious >= 0.5).float().mean())
rules = [metrics.accuracy_at_iou(ious), metrics.accuracy_at_iou(ious, inclusive=False)]
report("IoU >= 0.5, IoU > 0.5, GIoU >= 0.5", [*rules, metrics.accuracy_at_iou(gious)])
names = {"truth": goal[:1], "truth_labels": [""]}
viz.draw_plane(said, list("abcde"), extent_hw=(33, 38), **names)

# %% [markdown]
# 0.8, 0.6 and 0.4 for the same answers. All three rules go under the name Acc@0.5:
#
# | rule | code that uses it |
# |---|---|
# | IoU >= 0.5 | Qwen-VL, OFA, InternVL, Ferret |
# | IoU > 0.5 | Shikra, Ref-L4 |
# | GIoU >= 0.5 | MDETR |
#
# b sits exactly on 0.5, and `>` drops it. GIoU keeps b, which wastes no hull, and drops d and e: they reach 0.5 in IoU
# and not in GIoU. On free boxes exact ties are rare; on boxes of few possible values, such as grid cells, they are not.

# %% [markdown] card="tied" difficulty=2 importance=3 minutes=8
# ### Exercise: when scores tie
#
# An expression such as "the mugs" has several true boxes; any will do. A model returns n boxes with scores. `argmax`
# takes the first of those that share the highest score, so the order in a list decides, which nobody chose.
#
# Write `tied`: the chance that a box drawn at random **among those with the highest score** is right, that is, has an IoU
# of **at least** 0.5 with **any** of the true boxes.
#
# Hint: `scores == scores.max()` marks the boxes that compete.
#
# Hint: `gk.pairwise_iou(boxes, truths)` has one row a box and one column a true box.
#
# Hint: A box is right if any column of its row reaches 0.5: `.any(1)`. The chance is the mean over the boxes that compete.
#
# Expected: 0.5 where two boxes share the highest score and one of them is right; 1.0 or 0.0 where one box leads alone.


# %% exercise="tied" points=2
def tied(boxes: torch.Tensor, scores: torch.Tensor, truths: torch.Tensor) -> float:
    """Return the chance that a box drawn among those with the highest score is right.

    boxes (n, 4) with scores (n,), n >= 1; truths (m, 4), m >= 1.
    """
    ### BEGIN SOLUTION
    best = boxes[scores == scores.max()]
    right = (gk.pairwise_iou(best, truths) >= 0.5).any(1)
    return right.float().mean().item()
    ### END SOLUTION


# %% check="tied"
check("02.tied", tied)
tied = use("02.tied", tied)

# %% [markdown]
# ## What one number hides
#
# Four artificial models answer all expressions:
#
# - **loose**: the right place, but 0.6 of the area;
# - **fickle**: exact on six expressions of ten, a point in the corner otherwise;
# - **shifted**: the right size, 0.4 of the width too far right;
# - **exact**.
#
# Four scores: Acc@0.5, Acc@0.75, mean IoU, and *pointing*, the share of answers whose centre lies inside the truth.
#
# **Predict:** on which score do *loose* and *fickle* tie? Which score gives *shifted* full marks?


# %% tags=["nbval-check-output"]
def four_scores(boxes):
    """Acc@0.5, Acc@0.75, mean IoU and pointing of one box for each expression."""
    ious = gk.paired_iou(boxes, truth)
    accuracies = [metrics.accuracy_at_iou(ious, threshold) for threshold in (0.5, 0.75)]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return [*accuracies, metrics.mean_iou(ious), metrics.pointing_accuracy(centres, truth)]


centres, size = (truth[:, :2] + truth[:, 2:]) / 2, truth[:, 2:] - truth[:, :2]
half = size / 2 * 0.6**0.5
often = (torch.arange(len(truth)) % 10 < 6)[:, None]
step = 0.4 * size[:, :1] * torch.tensor([1, 0, 1, 0])
models = {"loose": torch.cat([centres - half, centres + half], 1), "fickle": truth * often}
models |= {"shifted": truth + step, "exact": truth}
for name, boxes in models.items():
    report(f"{name}: Acc@0.5, Acc@0.75, mean IoU, pointing", four_scores(boxes))

# %% [markdown]
# *loose* and *fickle* share a mean IoU of 0.6: one always roughly right, one exact or lost. Acc@0.5 cannot tell *loose*
# from *exact*. Pointing gives *shifted* full marks: it sees only the centre. So report at least two scores.
#
# ## A number needs company
#
# Now a trained model: the small **trunk**. A larger one, trained on a GPU, gets 0.994 [0.990, 0.998] of 2,000
# (`python -m gk_utils evaluate rec`), but errors are measured better on the one that makes some. Four must lose:
#
# - *centre box* never looks; *largest object* is told the boxes, but does not read;
# - *language only* reads, but does not look: a regression from words to a box;
# - the control: the trunk, asked about another picture.
#
# **Predict** which comes second.

# %% label="baselines" tags=["nbval-check-output"] alt="Bars with intervals: the trunk's accuracy at the top, then three baselines and the control with the wrong picture, all of them lower."
from gk_utils.evaluate import language_only, measure
from gk_utils.models.trunk_grounder import frozen_trunk

trunk = frozen_trunk("trunk_small")


def ask(texts, of):
    """One box for each expression, and how much the trunk would rather say "none"."""
    found = []
    for p in torch.arange(len(texts)).split(32):
        with torch.no_grad():
            found.append(trunk.answers(pictures[of[p]], [texts[i] for i in p], p - p[0]))
    return [torch.cat(column) for column in zip(*found, strict=True)]


answers, none_share = ask(texts, picture)
largest = [scene.boxes[gk.box_areas(scene.boxes).argmax()] for scene in scenes]
given = {
    "trunk": answers,
    "centre box": torch.tensor([[32.0, 32, 96, 96]]).expand_as(truth),
    "largest object": torch.stack(largest).float()[picture],
    "language only": 128 * language_only.language_only().boxes_unit(texts),
    "control: another picture": ask(texts, (picture + 1) % N_PICTURES)[0],
}
hits = {name: gk.paired_iou(boxes, truth) >= 0.5 for name, boxes in given.items()}
intervals = {name: measure.mean_interval(right, picture) for name, right in hits.items()}
for name, interval in intervals.items():
    report(name, **interval)
bars = {name: tuple(interval.values()) for name, interval in intervals.items()}
charts.bars(bars, xlabel=f"Acc@0.5 over {len(truth)} expressions, with 95 % interval")

# %% [markdown]
# The trunk leads, so it reads *and* looks. What *largest object* gets, a model may get without reading a word. The control
# stays near zero: the score hangs on the picture.
#
# ## How sure is a number?
#
# Other pictures would give another score. The **bootstrap** imitates that: draw as many examples as there are, with
# replacement, and score them; 1,000 times. The middle 95 % of the scores is the interval.
#
# But RefCOCO has about three expressions to an object. To see what that does, put every expression into the list three
# times: nothing was learned.
#
# **Predict:** what happens to the interval if expressions are drawn? If whole pictures are drawn?

# %% label="pictures" tags=["nbval-check-output"]
right = hits["trunk"]
generator = torch.Generator().manual_seed(0)
scores = []
for _ in range(1000):
    drawn = torch.randint(len(right), (len(right),), generator=generator)
    scores.append(right[drawn].float().mean())
low, high = torch.stack(scores).quantile(torch.tensor([0.025, 0.975])).tolist()
report("trunk, expressions drawn by loop", right.float().mean(), low=low, high=high)


def measured(name, right, of_picture=picture):
    """Report an accuracy with its interval, pictures drawn; return both under the name."""
    found = measure.mean_interval(right, of_picture)
    report(name, **found)
    return {name: metrics.Interval(**found)}


widths = []
for copies in (1, 3):
    single = metrics.bootstrap_interval(right.repeat(copies))
    report(f"{copies} x, expressions drawn", single.value, low=single.low, high=single.high)
    name = f"{copies} x, pictures drawn"
    whole = measured(name, right.repeat(copies), picture.repeat(copies))[name]
    widths.append(torch.tensor([single.high - single.low, whole.high - whole.low]))
report("width, 3 x by 1 x: expressions, pictures", widths[1] / widths[0])

# %% [markdown] card="resampled" difficulty=3 importance=5 minutes=10
# ### Exercise: one resample of pictures
#
# Drawn by expression, the interval shrinks to little more than half of its width, for copies that carry no news (expected:
# 1 / sqrt(3), or 0.58). Drawn by picture it stays: a picture comes or goes with all it has. (Where nothing varies, no
# bootstrap helps: 0 right of 387 has the interval [0, 0], and still allows a rate of about 3 / 387.)
#
# Write the step inside that bootstrap. `drawn` lists pictures, drawn with replacement, so a picture may stand in it
# twice, and then all its expressions count twice. Return the accuracy over all expressions of the drawn pictures.
#
# Hint: Count right answers and answers for each picture first; then add these counts up over `drawn`.
#
# Hint: `torch.bincount(picture)` counts the answers of each picture, and with `weights=hits.double()` the right ones.
#
# Hint: The result is `right[drawn].sum() / said[drawn].sum()`: one division at the end, because pictures have different
# numbers of expressions.
#
# Expected: `resampled(torch.tensor([True, False, False]), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]))` is 0.4.


# %% exercise="resampled" points=3
def resampled(hits: torch.Tensor, picture: torch.Tensor, drawn: torch.Tensor) -> float:
    """Return the accuracy over all expressions of the drawn pictures, each as often as it was drawn.

    hits (n,) bool and picture (n,) whole numbers: right or not, and which picture;
    drawn (k,): some of these pictures.
    """
    ### BEGIN SOLUTION
    right = torch.bincount(picture, weights=hits.double())
    said = torch.bincount(picture)
    return float(right[drawn].sum() / said[drawn].sum())
    ### END SOLUTION


# %% check="resampled"
check("02.resampled", resampled)
resampled = use("02.resampled", resampled)

# %% [markdown]
# ## Which of two is better?
#
# Kosmos-2 writes a box as cells of a 32 by 32 grid; here a cell is 4 pixels wide. Does that cost the trunk anything? Two
# systems: the trunk, and the trunk with its corners moved to the nearest cell corner.
#
# Two intervals that overlap decide nothing: a hard picture is hard for both systems. So take the **difference** of each
# expression, 1, 0 or -1, and put the interval around its mean; all that both find hard cancels out.
#
# **Predict:** how much narrower is the interval of the difference?

# %% label="paired" tags=["nbval-check-output"]
rounded = (answers / 4).round() * 4
in_cells = gk.paired_iou(rounded, truth) >= 0.5
found = measured("trunk", right) | measured("trunk in cells", in_cells)
found |= measured("difference", right.double() - in_cells.double())
one, other, difference = (interval.high - interval.low for interval in found.values())
report("the difference's interval holds 0", found["difference"].low <= 0)
report("width of the difference's interval", difference)
report("its width if each had seen other pictures", (one**2 + other**2) ** 0.5)

# %% [markdown] card="verdict" difficulty=4 importance=5 minutes=12
# ### Exercise: decide
#
# The paired interval is by far the narrower one. Does it hold 0? That decides, for any two systems.
#
# Two systems answered the same expressions. Return `"a"` if a is better, `"b"` if b is, `"undecided"` if the 95 % interval
# of the difference, **drawn by picture**, holds 0.
#
# Hint: `hits_a.double() - hits_b.double()` has one difference for each expression. Add them up for each picture:
# `torch.bincount(picture, weights=...)`.
#
# Hint: The mean difference is above 0 exactly when the sum is. So it is enough to resample one sum for each picture.
# `metrics.bootstrap_interval(sums)` does that, and has `.low` and `.high`.
#
# Hint: Leave out numbers that no picture has: `picture.unique(return_inverse=True)[1]` numbers the pictures 0, 1, 2 ...
#
# Expected: a word. "undecided" for two equal systems, and for systems that differ on a single picture only, however many
# expressions it has.


# %% exercise="verdict" points=3
def verdict(hits_a: torch.Tensor, hits_b: torch.Tensor, picture: torch.Tensor) -> str:
    """Return "a", "b" or "undecided".

    hits_a, hits_b (n,) bool: whether each system was right; picture (n,): whole numbers.
    """
    ### BEGIN SOLUTION
    difference = hits_a.double() - hits_b.double()
    number = picture.unique(return_inverse=True)[1]
    sums = torch.bincount(number, weights=difference)
    interval = metrics.bootstrap_interval(sums)
    if interval.low > 0:
        return "a"
    return "b" if interval.high < 0 else "undecided"
    ### END SOLUTION


# %% check="verdict"
check("02.verdict", verdict)
verdict = use("02.verdict", verdict)

# %% [markdown]
# ## The labels are wrong too
#
# Back to the opening. `plant` gives a share of the objects the box of another thing of the same picture, with all their
# expressions. We write the file, read it back, and score two models:
#
# - *perfect* always means the right thing;
# - *copycat* is perfect, but repeats every second wrong label: it learned from the people who labelled.
#
# With 14 %, as in RefCOCO, **predict** both scores. Which model leads?

# %% label="noise" tags=["nbval-check-output"] alt="Bars with intervals. With right labels the perfect model has 1 and the copycat less; with planted labels the copycat is ahead of the perfect model."
import random
from dataclasses import replace

numbers = {entry["name"]: entry["id"] for entry in data.instances.categories}


def plant(data, share, seed):
    """Give `share` of the objects the box of another thing of their picture."""
    draw, refs = random.Random(seed), list(data.refs)
    for index in draw.sample(range(len(refs)), round(share * len(refs))):
        ref, scene = refs[index], scenes[refs[index].image_id - 1]
        things = zip(scene.objects, scene.boxes, strict=True)
        item, box = draw.choice([thing for thing in things if thing[0].id != ref.ann_id])
        known = {"category": item.category, "category_id": numbers[item.category]}
        refs[index] = replace(ref, ann_id=item.id, box=box, **known)
    return replace(data, refs=tuple(refs))


with TemporaryDirectory() as folder:
    write_refcoco(plant(data, 0.14, seed=0), folder)
    noisy = read_refcoco(folder, "refcoco", "unc").of("val")
labels = torch.stack([ref.box for ref in noisy for _ in ref.expressions]).float()
wrong = (labels != truth).any(1)
copycat = torch.where((wrong & (wrong.cumsum(0) % 2 == 0))[:, None], labels, truth)
bars = {}
for kind, goal in {"right labels": truth, "mislabelled": labels}.items():
    perfect, copied = (gk.paired_iou(boxes, goal) >= 0.5 for boxes in (truth, copycat))
    bars |= measured(f"perfect model, {kind}", perfect) | measured(f"copycat, {kind}", copied)
    report(f"verdict (a is perfect), {kind}", verdict(perfect, copied, picture))
charts.bars(bars, xlabel="Acc@0.5, with 95 % interval")

# %% [markdown] card="true_accuracy" difficulty=3 importance=4 minutes=10
# ### Exercise: back to the true accuracy
#
# The perfect model gets about 1 less the share of wrong labels. The copycat is the worse one, and leads; your `verdict`
# calls it better. It cannot know: it sees the labels only.
#
# If a share s of the labels is known to be wrong, at random, a score can be corrected. An answer that is right meets a
# wrong label with chance `still` (the two boxes overlap anyway); an answer that is wrong meets a wrong label with chance
# `luck` (both name the same wrong thing).
#
# Return the accuracy a that the model has on right labels, cut to 0 ... 1.
#
# Hint: On right labels, a share 1 - s of the set, the score is a. On wrong labels it is a * still + (1 - a) * luck.
#
# Hint: seen = (1 - s) * a + s * (a * still + (1 - a) * luck). Collect what stands beside a.
#
# Hint: a = (seen - s * luck) / (1 - s + s * (still - luck)).
#
# Expected: `true_accuracy(0.7775, 0.14, 0.0, 0.25)` is 0.9: a model that is right nine times in ten scores 0.78.


# %% exercise="true_accuracy" points=2
def true_accuracy(seen: float, share: float, still: float, luck: float) -> float:
    """Return the accuracy on right labels, from 0 to 1.

    seen: the score on all labels; share: of wrong labels, below 0.5; still, luck: see above.
    """
    ### BEGIN SOLUTION
    found = (seen - share * luck) / (1 - share + share * (still - luck))
    return min(max(found, 0.0), 1.0)
    ### END SOLUTION


# %% check="true_accuracy"
check("02.true_accuracy", true_accuracy)
true_accuracy = use("02.true_accuracy", true_accuracy)

# %% [markdown]
# The correction works for random errors and a known share. It does not work for the copycat, whose errors are not random.
#
# ## Can wrong labels change who leads?
#
# Two artificial systems, both right about nine times in ten; the worse one fails on 4 of 387 expressions more (1 point), or
# on 12 (3 points). A wrong answer meets a wrong label with luck 0.2. We plant wrong labels at random, 500 times, and ask
# each time who leads; a tie counts as lost. In the third line, the worse one also repeats every fifth wrong label.
#
# **Predict:** how often does the better one still lead at 14 %? At 24 %, as in RefCOCO+?

# %% label="ranking" tags=["nbval-check-output"] alt="Three curves over the share of wrong labels from 0 to 24 per cent. Random errors: with three points between the systems the better one keeps the lead nearly always, with one point less and less often. Errors that the worse system copies: its lead is lost quickly."
n, generator = len(truth), torch.Generator().manual_seed(0)


def lead(gap, share, copied):
    """Whether the better one leads, once a share of the labels is wrong: 1.0 or 0.0."""
    order = torch.randperm(n, generator=generator)
    better, worse = order >= 27, (order - 14) % n >= 27 + gap  # right on right labels
    limits = torch.tensor([share, 0.2, 0.2, copied])[:, None]
    wrong, luck1, luck2, copies = torch.rand(4, n, generator=generator) < limits
    seen_better = torch.where(wrong, ~better & luck1, better)
    seen_worse = torch.where(wrong, ~worse & luck2 | copies, worse)
    return float(seen_better.sum() > seen_worse.sum())


shares, lines = [0, 0.05, 0.1, 0.14, 0.19, 0.24], {}
for name, gap, copied in [("3 points", 12, 0), ("1 point", 4, 0), ("1 point, copied", 4, 0.2)]:
    lines[name] = []
    for share in shares:
        draws = [lead(gap, share, copied) for _ in range(500)]
        lines[name].append(sum(draws) / len(draws))
    report(f"better one leads, {name}, share 0.14 and 0.24", lines[name][3::2])
charts.curve(
    shares, lines, xlabel="share of wrong labels", ylabel="draws in which the better leads"
)

# %% [markdown]
# Random errors shrink every difference. Three points survive; one point is lost in one draw of four, at 24 %. Errors that a
# system has *learned* turn it around, long before.
#
# ## Nothing there
#
# The file has further expressions that fit nothing in their picture. The trunk may say "none". So far we took its box all
# the same: RefCOCO never asks for nothing, so there a "none" can only lose.
#
# Now all are asked. **F1** of "none" is 2 x right / (said + true): how often it was rightly said, said, true. It is 1 if
# "none" is said when true, and only then.
#
# **Predict** the F1 of a system that always gives a box, and of one that always says "none".

# %% label="absent" tags=["nbval-check-output"]
absent = [(scene.id - 1, text) for scene in scenes for text in scene.absent]
of_absent = torch.tensor([p for p, _ in absent])
report("expressions that mean something, that fit nothing", [n, len(absent)])
none = torch.cat([none_share, ask([text for _, text in absent], of_absent)[1]]) > 0.5
is_absent = torch.arange(len(none)) >= n  # those that mean something come first
everywhere = torch.cat([picture, of_absent])
chance = torch.rand(len(none), generator=torch.Generator().manual_seed(0)) < none.float().mean()
systems = {"trunk": none, "trunk that must answer": torch.zeros_like(none)}
systems |= {"always none": torch.ones_like(none), "control: none by chance": chance}
for name, said in systems.items():
    report(f"{name}: Acc@0.5 where something is there", (right & ~said[:n]).float().mean())
    f1 = measure.f1_interval(said, is_absent, everywhere)
    report(f"{name}: F1 of none", **f1)

# %% [markdown]
# On the first number the trunk that must answer cannot lose: the score rewards guessing. On the second it gets 0. Two
# benchmarks ask for both: [gRefCOCO](https://arxiv.org/abs/2308.16182), expressions for none, one or several things, and
# HumanRef (2025), with 1,000 expressions to be rejected.
#
# ## Look at the failures
#
# A score says how many, not which. Below, four expressions of different kinds that the trunk got wrong.
#
# **Predict** before you look closely: is it the words, the place, or the size that goes wrong?
#
# <details><summary>After you have looked</summary>
#
# The boxes are tight, but lie on another thing. The size is right, the choice is wrong: words such as *far right*, *3rd*
# or *by* were not put to use.</details>

# %% alt="Four countertop pictures, each with an expression above it. The solid box is the trunk's answer, the dashed box the truth; in each they do not overlap by half."
misses = (~right).nonzero()[:, 0].tolist()
of_kind = {rows[i][1].extra["type"]: i for i in reversed(misses)}
panels = []
for i in list(of_kind.values())[:4]:
    boxes = {"boxes": gk.clip_boxes(answers[i][None], (128, 128)), "labels": ["answer"]}
    boxes |= {"truth": truth[i][None], "truth_labels": ["truth"]}
    panels.append(viz.Picture(pictures[picture[i]].permute(1, 2, 0), **boxes, title=texts[i]))
viz.show_grid(panels, columns=2)

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=10
# ### Exercise: read an announcement
#
# "Our model reaches **92.1 on RefCOCO**, ahead of the previous best of 91.6: a new state of the art. With 0.92, grounding
# is close to solved." In five to eight sentences: name three things that you must know before you believe "ahead", one
# measurement that would settle it, and say what 0.92 cannot show.
#
# Hint: Which set, partition and split, which rule, how many examples, whose labels?
#
# Hint: Both systems can be run on the same pictures.
#
# Hint: RefCOCO never asks for nothing, and 14 % of its labels were found wrong.
#
# Expected: a text that names gaps in the announcement, a measurement, and a limit of the score.

# %% [markdown] answer="explain" points=3
# ### BEGIN SOLUTION
# One point each. **Gaps** (three of these): partition and split; objects or expressions; `>=`, `>` or GIoU; one rule for
# both systems; an interval, from pictures; whether test pictures were in training. **Measurement:** the difference of the
# two on the same expressions under one rule, resampled by picture, says whether 0 is inside; better still on corrected
# labels. **Limit:** with 14 % of the labels wrong, a perfect model need not reach 0.92, so up there a score may
# reward repeated label errors; nor does it show tight boxes (0.75), absent objects, or long expressions. Full marks also
# for a sound baseline or control in place of one gap.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - Five answers score 0.8, 0.6 or 0.4 under three rules, all called Acc@0.5.
# - The trunk's score stands above three baselines and their intervals, and the control stays near zero.
# - With 14 % of the objects mislabelled, a perfect model scores 0.86 [0.82, 0.89]; the copycat, which is worse, scores
#   more. Control: on right labels the perfect model has 1.
# - A score that never asks for "none" cannot be lost by guessing.
#
# **Limits.** Real wrong labels are not drawn at random, and many are inexact boxes rather than other things. Our
# pictures are drawn, and 387 expressions can settle a difference of a few points, not of half a point.
#
# ## Check yourself
#
# <details><summary>1. A paper counts 3,811 examples in RefCOCO val, another 10,834. Who is wrong?</summary>
#
# Nobody: 3,811 objects (refs), 10,834 expressions.</details>
#
# <details><summary>2. Two intervals overlap. Are the systems equally good?</summary>
#
# That does not follow. Look at the interval of the difference, on the same pictures.</details>
#
# <details><summary>3. Two systems have a mean IoU of 0.6. What else must you know?</summary>
#
# How it is spread: always 0.6, or 1 and 0. Acc@0.5 and Acc@0.75 tell.</details>
#
# <details><summary>4. A set has 24 % wrong labels, drawn at random. What does a perfect model score?</summary>
#
# About 0.76, and a little more where a wrong label overlaps the right one by half.</details>
#
# <details><summary>5. Why is <em>largest object</em> a fair baseline, although it is told the boxes?</summary>
#
# It is told more than the model and still does not read. What it scores, a model can score without reading.</details>
#
# <details><summary>6. Why resample pictures?</summary>
#
# Expressions about one picture share its difficulty: three copies of one expression are one piece of news.</details>

# %% [markdown]
# ## Going further
#
# ### Several boxes: recall@k, in two protocols
#
# A phrase of Flickr30k Entities may have several true boxes ("three men"), and models give a ranked list. **R@k** is the
# share of phrases with a right box among the first k. Two protocols share the name: *any* true box will do, or the
# list must meet the box around all of them (*merged*).
#
# Here every group of things of one category is a phrase. *single* lists the things of the picture in a random order;
# *hull* draws one box around the group. **Predict** R@1 of both under both protocols.

# %% label="recall" tags=["nbval-check-output"]
groups, single, hull = [], [], []
generator = torch.Generator().manual_seed(0)
for scene in scenes:
    names = [item.category for item in scene.objects]
    for category in sorted({name for name in names if names.count(name) > 1}):
        group = scene.boxes[[name == category for name in names]].float()
        groups.append(group)
        single.append(scene.boxes[torch.randperm(len(names), generator=generator)].float())
        hull.append(torch.cat([group[:, :2].amin(0), group[:, 2:].amax(0)])[None])
for name, ranked in {"single": single, "hull": hull}.items():
    for rule in ("any", "merged"):
        ranks = metrics.first_hit_ranks(ranked, groups, rule=rule)
        found = [metrics.recall_at_k(ranks, k) for k in (1, 5, 10)]
        report(f"{name}, {rule}: R@1, R@5, R@10", found)
report("year of Flickr30k Entities, RefCOCO, GRIT", [2015, 2016, 2022])

# %% [markdown]
# *hull* is perfect under one protocol and poor under the other. A Flickr30k number must name its protocol. R@10 of
# *single* is 1 without any skill: no picture has more than ten things.
#
# ### Many boxes with scores: average precision
#
# A detector gives boxes with scores. Go down the list: **precision** is the share of boxes so far that are right,
# **recall** the share of true boxes found. Average precision is the area under precision against recall, where at each
# recall the best precision from there on counts.
#
# The list below has six boxes; the second and the fifth are wrong. **Predict** the precision after the second.

# %% tags=["nbval-check-output"] alt="Precision against recall for one picture: it starts at 1, falls at the wrong box, and recovers in part; the line of the best precision from there on runs above it in steps."
scene = scenes[picture[texts.index("toaster not yellow")]]
things = scene.boxes.float()  # m 4
off = torch.tensor([0, 300, 0, 0, 300, 0])  # the second and the fifth box lie somewhere else
boxes, confidence = things + off[:, None], torch.linspace(0.9, 0.3, 6)
ok = gk.paired_iou(boxes, things) >= 0.5
precision, recall = ok.cumsum(0) / torch.arange(1, 7), ok.cumsum(0) / len(things)
best = precision.flip(0).cummax(0).values.flip(0)
report("right, from the highest score down", ok.int())
report("precision", precision)
report("recall", recall)

area = 0.0
for point in range(101):  # at recall 0.00, 0.01 ... 1.00
    reached = recall >= point / 100 - 1e-6
    area += best[reached][0].item() / 101 if reached.any() else 0.0
report("AP at 0.5 by loop", area)
report("AP at 0.5", metrics.average_precision([boxes], [confidence], [things]).ap50)
first = torch.tensor([0.0]), torch.tensor([1.0])
lines = {
    "precision": torch.cat([first[1], precision]),
    "best from here": torch.cat([first[1], best]),
}
charts.curve(torch.cat([first[0], recall]), lines, xlabel="recall", ylabel="precision")

# %% [markdown]
# COCO's AP repeats this at ten IoU thresholds, 0.50 to 0.95, and averages. Now all 300 pictures, every box a little off.
# `metrics.average_precision` must equal the tool that published numbers come from, pycocotools.

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
true_boxes = [scene.boxes for scene in scenes]
found = [boxes + torch.randn(boxes.shape, generator=generator) for boxes in true_boxes]
marks = [torch.rand(len(boxes), generator=generator) for boxes in found]
ours = metrics.average_precision(found, marks, true_boxes)
report("AP, AP50, AP75", [ours.ap, ours.ap50, ours.ap75])

# %% [markdown]
# A pixel of noise on each corner costs a third of AP, and AP50 hardly notices: these things are small, 10 to 40 px.
# Now the same through the tool, which wants two COCO files.

# %% tags=["nbval-check-output"]
import contextlib
import io

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

sides = [COCO(), COCO()]
with contextlib.redirect_stdout(io.StringIO()):
    for side, lists in zip(sides, (true_boxes, found), strict=True):
        entries = []
        for image, boxes in enumerate(lists):
            for box, mark in zip(
                gk.xyxy_to_xywh(boxes).tolist(), marks[image].tolist(), strict=True
            ):
                entry = {
                    "image_id": image,
                    "category_id": 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                }
                entries.append({"id": len(entries) + 1, "iscrowd": 0, "score": mark, **entry})
        images = [{"id": image} for image in range(len(lists))]
        side.dataset = {"images": images, "categories": [{"id": 1}], "annotations": entries}
        side.createIndex()
    judge = COCOeval(*sides, iouType="bbox")
    judge.evaluate(), judge.accumulate(), judge.summarize()
same = abs(judge.stats[:3] - [ours.ap, ours.ap50, ours.ap75]).max() < 1e-9
report("pycocotools says the same", bool(same))

# %% [markdown]
# ### One name, three things
#
# | name | what it is |
# |---|---|
# | GRIT, Gupta et al. 2022 | a *benchmark*: General Robust Image Task, seven tasks, one of them grounding |
# | GrIT, in Kosmos-2 | a *data set*: grounded image-text pairs from the web, for training (lesson 12) |
# | GRIT, in Ferret | a *data set*: dialogues about regions, for training (lesson 14) |
#
# Sets made since RefCOCO filled up: [Ref-L4](https://github.com/JierunChen/Ref-L4) (45,341 checked expressions, 24 words on
# average), [gRefCOCO](https://arxiv.org/abs/2308.16182),
# [GroundingME](https://arxiv.org/abs/2512.17495) (the best of 25 models reached 45.1 %, most rejected nothing).

# %% [markdown]
# ### Your own model
#
# Replace `ask` by a function around a model of your own, and run the cells *baselines*, *pictures* and *absent* again.
# A real RefCOCO folder is read by the same `read_refcoco`.
#
# ### To read
#
# - Kazemzadeh et al. 2014, [ReferItGame](https://aclanthology.org/D14-1086/): how the expressions were collected.
# - Yu et al. 2016, [Modeling context in referring expressions](https://arxiv.org/abs/1608.00272): RefCOCO and RefCOCO+.
# - [ref_coco](https://www.tensorflow.org/datasets/catalog/ref_coco) in the catalogue of TFDS: partitions, splits, refs.
# - Chen et al. 2024, [Ref-L4](https://arxiv.org/abs/2406.16866): the label errors, counted.
# - Plummer et al. 2015, [Flickr30k Entities](https://arxiv.org/abs/1505.04870).
# - Gupta et al. 2022, [GRIT](https://arxiv.org/abs/2204.13653), the benchmark.
