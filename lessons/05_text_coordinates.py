# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Text coordinates: a box in words"
#     claim: >-
#       A box in words is right only in its own frame: in four of five mix-ups of conventions 1,750 right answers fall from
#       a mean IoU of 0.99 to between 0.54 and 0.00, without complaint. On one trunk at equal compute, text loses to tokens
#       and to regression.
#     objectives:
#       - write and read one box in the text formats of seven models, each in its frame
#       - say what every mixed-up convention costs, and find out from the numbers alone which ones are possible
#       - say how numbers fall into tokens, and what that means for a model that must write them
#       - read any string without an error, and count what was wrong with it
#       - compare tokens, regression and text on one trunk, paired and at several thresholds
#     prerequisites:
#       - 01_boxes
#       - 02_metrics
#     minutes: 75
#     claims:
#       - claim: "Shikra and Qwen-VL write coordinates as whole numbers from 0 to 1000."
#         verdict: wrong
#         says: "Shikra writes decimals from 0 to 1, over a padded square. Qwen-VL's whole numbers end at 999."
#         cell: formats
#         shows: "Shikra"
#       - claim: "Shikra, Qwen-VL and Ferret write coordinates as text."
#         verdict: right
#         says: "Each in a frame of its own."
#         cell: formats
#         shows: "Ferret"
#       - claim: "Coordinates as text need no special vocabulary."
#         verdict: imprecise
#         says: "Digits need none. But Qwen-VL adds four tokens for the tags around them."
#         cell: split
#         shows: "<box>(12,40),(300,410)</box>, single"
#       - claim: "A tokenizer cuts 587 into 5 and 87, or leaves it whole."
#         verdict: imprecise
#         says: "Three rules are published. LLaMA 1 and Qwen cut every digit: 5, 8, 7. Llama 3 takes up to three at once."
#         cell: split
#         shows: "587, single"
#       - claim: "Numbers of several digits ask a model for implicit arithmetic."
#         verdict: wrong
#         says: "They ask for place value: with single digits, 100 numbers teach a linear map all others below 1000."
#         cell: place-value
#         shows: "off on unseen numbers, single, 100 seen"
#       - claim: "To write coordinates as text is the simplest way, and works surprisingly well."
#         verdict: imprecise
#         says: "It works. On one frozen trunk at equal compute it stays behind location tokens and regression."
#         cell: bakeoff
#         shows: "C text: Acc@0.5"
# ---

# %% tags=["setup"]
import random
import re
from collections import Counter
from itertools import combinations

import torch

from gk_utils import boxes as gk
from gk_utils import charts, photos, viz
from gk_utils import text_coordinates as tc
from gk_utils.classroom import check, report, solution, use
from gk_utils.evaluate import measure

# %% [markdown]
# ## Valid JSON, wrong place
#
# A model is asked for **the spoon** on a coffee table. Suppose it is perfect. Its answer is valid JSON: one box, four
# numbers, a label.
#
# The model is Qwen2.5-VL. The program that reads the answer was written for Qwen3-VL, of the same family: the same
# words, the same brackets, the same key.
#
# **Predict:** will the program complain? Where will the box be?

# %% tags=["nbval-check-output"] alt="A cup and a spoon on a table. The box read as Qwen2.5-VL's lies on the spoon, on the dashed truth. The one read as Qwen3-VL's is smaller, and lies on the cup to the upper left."
coffee = photos.load("coffee")
spoon = coffee.boxes[coffee.index("the spoon")][None]
photo_hw = coffee.image_hw  # 400 high, 600 wide
resized_hw = tc.qwen_resized_hw(photo_hw)  # what the model sees

answer = tc.render_boxes(spoon, "qwen2_5_vl", photo_hw, ["the spoon"], resized_hw)
print(answer)
read = {name: tc.parse_boxes(answer, name) for name in ("qwen2_5_vl", "qwen3_vl")}
found = [parsed.to_pixels(photo_hw, resized_hw) for parsed in read.values()]
for (name, parsed), box in zip(read.items(), found, strict=True):
    report(f"read as {name}: problems", len(parsed.problems))
    report(f"read as {name}: IoU", gk.paired_iou(box, spoon))
names = {"truth": spoon, "truth_labels": [""]}
viz.show_boxes(coffee.image, torch.cat(found), ["as Qwen2.5-VL", "as Qwen3-VL"], **names)

# %% [markdown]
# No complaint, and an IoU of 0. Qwen2.5-VL counts pixels of the picture *as it was resized*, Qwen3-VL counts thousandths.
# Nothing in the text says which. People ask [again](https://github.com/QwenLM/Qwen3-VL/issues/676) and
# [again](https://github.com/QwenLM/Qwen3-VL/issues/721).
#
# ## One box, seven formats
#
# | model | numbers | measured on | first |
# |---|---|---|---|
# | Shikra | 0.000 to 1.000 | the picture padded to a square | x |
# | Ferret, Qwen3-VL | 0 to 1000 | the picture | x |
# | Qwen-VL | 0 to 999 | the picture | x |
# | Qwen2.5-VL | pixels | the resized picture | x |
# | Gemini | 0 to 1000 | the picture | **y** |
# | Molmo | 0.0 to 100.0 | the picture; points alone | x |
#
# The cup's box is 172, 17, 409, 308 in a picture 600 wide and 400 high. **Predict** its four numbers for Qwen3-VL and
# for Shikra.

# %% label="formats" tags=["nbval-check-output"]
cup = coffee.boxes[coffee.index("the cup")][None]
x1, y1, x2, y2 = cup[0].tolist()
report(
    "by hand, Qwen3-VL", [1000 * x1 / 600, 1000 * y1 / 400, 1000 * x2 / 600, 1000 * y2 / 400]
)
report("by hand, Shikra", [x1 / 600, (y1 + 100) / 600, x2 / 600, (y2 + 100) / 600])

for name, row in tc.FORMATS.items():
    if row.box:
        said = tc.render_boxes(cup, name, photo_hw, ["the cup"], resized_hw)
        back = tc.parse_boxes(said, name).to_pixels(photo_hw, resized_hw)
        moved = (back - cup).abs().max()
    else:
        centre = (cup[:, :2] + cup[:, 2:]) / 2
        said = tc.render_points(centre, name, photo_hw, ["the cup"], resized_hw)
        moved = (tc.parse_points(said, name).to_pixels(photo_hw) - centre).abs().max()
    report(row.model, " ".join(said.split()))
    bound = max(row.error_bound(photo_hw, resized_hw))
    report("    read back, off by at most; bound", [moved, bound], unit="px")

# %% [markdown]
# Written and read in its own frame, a box moves by half a step of the frame at most: here, half a pixel or less. One often
# reads that Shikra and Qwen-VL write whole numbers from 0 to 1000. Shikra writes decimals, over a square. Qwen-VL
# ends at 999, and its tags `<ref>` and `<box>` are special tokens, added to the vocabulary.
#
# ## What mixing conventions costs
#
# Now 1,750 boxes of things from this course's drawn pictures, as if these were 640 by 480. Every answer is right; only the
# reader is wrong.
#
# **Predict:** which mistake costs nearly nothing? Which leaves a score that looks like a weak model?

# %% label="costs" tags=["nbval-check-output"] alt="Bars of mean IoU with intervals. The right reader and 999 for 1000 stand at nearly 1, a forgotten padding at about a half. x and y swapped is near 0.1, the two that mix pixels with thousandths and the control are at 0."
from gk_utils.countertop.splits import read_split
from gk_utils.frames import Frame

samples = [sample for sample in read_split("val") if sample.box]
picture = torch.tensor([sample.seed for sample in samples])
paper_hw, seen_hw = (480, 640), tc.qwen_resized_hw((480, 640))
truth = torch.tensor([s.box for s in samples]) * torch.tensor([5, 3.75, 5, 3.75])

frames, in_frame = {}, {}
for name in ("shikra", "qwen_vl", "qwen2_5_vl", "qwen3_vl", "gemini"):
    text = tc.render_boxes(truth, name, paper_hw, None, seen_hw)
    frames[name] = tc.FORMATS[name].frame(paper_hw, seen_hw)
    in_frame[name] = tc.parse_boxes(text, name).boxes_in_frame  # n 4, in its own numbers
readings = {
    "right": frames["qwen3_vl"].to_pixels(in_frame["qwen3_vl"]),
    "999 for 1000": frames["qwen3_vl"].to_pixels(in_frame["qwen_vl"]),
    "padding forgotten": Frame.of_image(paper_hw).unit().to_pixels(in_frame["shikra"]),
    "x first, though y is": frames["gemini"].to_pixels(in_frame["gemini"][:, [1, 0, 3, 2]]),
    "pixels read as thousandths": frames["qwen3_vl"].to_pixels(in_frame["qwen2_5_vl"]),
    "thousandths read as pixels": frames["qwen2_5_vl"].to_pixels(in_frame["qwen3_vl"]),
    "control: another picture": truth.roll(len(truth) // 2, 0),
}
bars = {}
for name, boxes in readings.items():
    ious = gk.paired_iou(gk.clip_boxes(boxes, paper_hw), truth)
    bars[name] = tuple(measure.mean_interval(ious, picture).values())
    report(f"{name}: mean IoU, Acc@0.5", [bars[name][0], (ious >= 0.5).float().mean()])
report("999 for 1000: at most, 640 px wide", 640 - 640 * 999 / 1000, unit="px")
charts.bars(bars, xlabel=f"mean IoU of {len(truth):,} right answers, with 95 % interval")

# %% [markdown] card="possible" difficulty=3 importance=5 minutes=12
# ### Exercise: which conventions are possible
#
# 999 for 1000 moves a box by 0.64 px at most. All others are catastrophic: pixels for thousandths falls below the control. A
# forgotten padding is the worst trap, since 0.63 of the answers still count as right.
#
# You have the answers of a model, four whole numbers each, and **no true boxes**. A convention is possible if every answer
# lies inside the picture under it, with **one unit** of slack for rounding. Return the possible names, in this order:
#
# - `"pixels"` of the resized picture; `"pixels, y first"`;
# - `"thousandths"` of the picture; `"thousandths, y first"`;
# - `"square"`: thousandths of the picture padded to a square, picture in the centre, x first.
#
# Hint: For each convention write down least and most x, least and most y that lie inside: for pixels 0 to the resized
# width, 0 to the resized height.
#
# Hint: In the square, a picture 600 wide and 400 high covers y from 1000 x 100 / 600 to 1000 x 500 / 600.
#
# Hint: An answer a, b, c, d has x = a, c and y = b, d; with y first it is the other way round.
#
# Expected: `["pixels", "thousandths", "thousandths, y first"]` for `possible([[319, 66, 416, 319]], (400, 600), (392, 588))`,
# the spoon of the opening.


# %% exercise="possible" points=3
def possible(
    answers: list[list[int]], image_hw: tuple[int, int], resized_hw: tuple[int, int]
) -> list[str]:
    """Return the names of the conventions that no answer contradicts, in the order of the card.

    answers: four whole numbers each; image_hw: (height, width) of the picture;
    resized_hw: of what the model saw.
    """
    ### BEGIN SOLUTION
    (height, width), side = image_hw, max(image_hw)
    border_x, border_y = 500 * (side - width) / side, 500 * (side - height) / side
    pixels, thousand = (0, resized_hw[1], 0, resized_hw[0]), (0, 1000, 0, 1000)
    limits = {  # least x, most x, least y, most y; and whether y comes first
        "pixels": (pixels, False),
        "pixels, y first": (pixels, True),
        "thousandths": (thousand, False),
        "thousandths, y first": (thousand, True),
        "square": ((border_x, 1000 - border_x, border_y, 1000 - border_y), False),
    }
    found = []
    for name, ((least_x, most_x, least_y, most_y), y_first) in limits.items():
        xs = [n for answer in answers for n in answer[int(y_first) :: 2]]
        ys = [n for answer in answers for n in answer[1 - int(y_first) :: 2]]
        across = least_x - 1 <= min(xs) and max(xs) <= most_x + 1
        if across and least_y - 1 <= min(ys) and max(ys) <= most_y + 1:
            found.append(name)
    return found
    ### END SOLUTION


# %% check="possible"
check("05.possible", possible)
possible = use("05.possible", possible)

# %% [markdown]
# Numbers can rule a convention out, never prove one. Thousandths with x first and with y first fall together: only a truth,
# or the picture, tells them apart.
#
# ## How a number falls into tokens
#
# A language model writes tokens. A tokenizer first cuts the text by a pattern, then looks the pieces up. Three rules for
# digits are published:
#
# - *single*: each digit alone (LLaMA 1 and 2, Qwen);
# - *up to three*, from the left (Llama 3, GPT-4);
# - *whole*: the run stays together, then the vocabulary decides (GPT-2).
#
# Below, three tokenizers are trained on the same answers by BPE: frequent pairs become one token. They differ in this rule
# alone. **Predict** the tokens of 587, 588 and 1000 under each.

# %% label="split" tags=["nbval-check-output"]
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

formats = ["shikra", "ferret", "qwen_vl", "qwen3_vl"]


def trained(rule, corpus):
    """A BPE tokenizer whose pattern takes digits as the rule says."""
    digits = tc.DIGIT_RULES[rule].pattern
    pattern = rf" ?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+|\s+"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    special = ["<ref>", "</ref>", "<box>", "</box>"]
    trainer = trainers.BpeTrainer(vocab_size=1200, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


generator = torch.Generator().manual_seed(0)
corners = torch.rand(1000, 2, 2, generator=generator).sort(1).values.flatten(1)
anywhere = (corners * torch.tensor([640, 480, 640, 480])).split(1)
corpus = [tc.render_boxes(b, name, paper_hw, ["a spoon"]) for b in anywhere for name in formats]
tokenizers = {rule: trained(rule, corpus) for rule in tc.DIGIT_RULES}
for rule, tokenizer in tokenizers.items():
    for text in ("587", "588", "1000", "<box>(12,40),(300,410)</box>"):
        report(f"{text}, {rule}", tokenizer.encode(text).tokens)
    answers = [[tc.render_boxes(b, f, paper_hw) for b in truth[:50].split(1)] for f in formats]
    counts = [sum(len(tokenizer.encode(said).ids) for said in some) / 50 for some in answers]
    alone = sum(len(tokenizer.encode(str(number)).ids) == 1 for number in range(1000))
    report(f"numbers below 1000 that are one token, {rule}", alone)
    report(f"tokens a box, {rule}: Shikra, Ferret, Qwen-VL, Qwen3-VL", counts)

# %% [markdown]
# Single digits cost 19 to 36 tokens a box, larger pieces fewer; as location tokens (lesson 03) a box costs 4.
#
# What do larger pieces cost? 587 and 588 may be two unrelated entries of the vocabulary. So: is a 5 in front always worth
# 500? That is **place value**. One often reads that long numbers ask a model for "arithmetic". Let us see what they ask for.
#
# A linear map gets the tokens of a number, each with its place from the right, and must say the number. It was fitted to some
# of the numbers from 0 to 999, and is asked others.
#
# **Predict:** how many must it have seen, under each rule?


# %% label="place-value" tags=["nbval-check-output"] alt="Error on unseen numbers against numbers seen. With single digits it falls to nearly 0 at 40 numbers. With the two other rules it stays above a hundred pixels."
def read_by_place(tokenizer, seen, unseen):
    """How far off a linear map is on unseen numbers, on average, after it was fitted to those seen."""
    column, rows = {}, []
    for number in range(1000):
        tokens = tokenizer.encode(str(number)).tokens[::-1]
        rows.append([column.setdefault(pair, len(column)) for pair in enumerate(tokens)])
    table = torch.zeros(1000, len(column) + 1, dtype=torch.double)
    table[:, -1] = 1
    for number, columns in enumerate(rows):
        table[number, columns] = 1
    value = torch.arange(1000, dtype=torch.double)
    weights = torch.linalg.pinv(table[seen]) @ value[seen]
    return (table[unseen] @ weights - value[unseen]).abs().mean().item()


order = torch.randperm(1000, generator=generator)
amounts, lines = [10, 20, 40, 60, 100, 200, 350, 500], {}
for rule, tokenizer in tokenizers.items():
    off = [read_by_place(tokenizer, order[:n], order[500:]) for n in amounts]
    line = [0.64 * number for number in off]  # thousandths to pixels, at 640
    report(f"off on unseen numbers, {rule}, 100 seen", line[4], unit="px")
    report(f"off on unseen numbers, {rule}, 500 seen", line[-1], unit="px")
    lines[rule.replace("_", " ")] = line
charts.curve(amounts, lines, xlabel="numbers seen", ylabel="px off at 640, unseen numbers")

# %% [markdown]
# With single digits the map has a weight for each digit in each place; a hundred numbers teach it the others, to a fifth of a
# pixel. No arithmetic: three lookups and a sum. Larger pieces are learned one by one, in writing as in reading.
#
# ## Any string at all
#
# A model writes what it likes. `parse_boxes` is *total*: any string gives boxes, perhaps none, and what was wrong, as data.
# Nothing raises.
#
# Beside it, a reader written in a hurry. Both read 2,000 answers with a character changed or left out; in one of five, the
# rest is missing. **Predict:** how often does the hurried one crash? How often is the total one wrong without a word?

# %% label="total" tags=["nbval-check-output"]
start, good = '[{"bbox_2d": [', '[{"bbox_2d": [543, 168, 707, 813]}'
broken = [f"{good}, {start[1:]}28", f"{start}543, 168, 707, 813, 7]}}]", f"Sure! {good}]"]
broken += [f"{start}707, 813, 543, 168]}}]", f"{start}543, 168, 1207, 813]}}]", "I see none."]
for text in broken:
    parsed = tc.parse_boxes(text, "qwen3_vl")
    kinds = dict.fromkeys(problem.kind for problem in parsed.problems)
    report(f"{text}   boxes, problems", [len(parsed.boxes_in_frame), *kinds])


def hurried(text):
    """The numbers of a Qwen-VL answer that is as it should be."""
    inside = text.split("<box>(")[1].split(")</box>")[0]
    return [int(number) for number in inside.replace("),(", ",").split(",")]


draw, outcomes = random.Random(0), Counter()
for box in truth[:1000].repeat(2, 1).split(1):
    text = tc.render_boxes(box, "qwen_vl", paper_hw)
    at, put = draw.randrange(len(text)), draw.choice(["", *"0123456789,()<> ."])
    damaged = text[:at] + draw.choice([put + text[at + 1 :]] * 4 + [""])
    parsed, meant = tc.parse_boxes(damaged, "qwen_vl"), hurried(text)
    how = "total, says what is wrong" if parsed.problems else "total, says nothing"
    outcomes[how, parsed.boxes_in_frame.tolist() == [meant]] += 1
    try:
        outcomes["hurried, returns", hurried(damaged) == meant] += 1
    except (IndexError, ValueError):
        outcomes["hurried, crashes", False] += 1
for (how, same), count in sorted(outcomes.items()):
    report(f"{how}: box {'right' if same else 'wrong or none'}", count / 2000)

# %% [markdown] card="read_box" difficulty=3 importance=4 minutes=10
# ### Exercise: the last box of a model that thinks aloud
#
# The hurried reader crashed on two of three, the total one never. In one of five it was wrong without a word: it cannot see
# a changed digit, since a wrong number is as valid as a right one.
#
# Some models think first: they write a box, doubt, write another. The **last** one counts. Write a total reader for
# `<box>(x1,y1),(x2,y2)</box>`. Look at what follows the last `<box>`, and return the first of these that fits:
#
# 1. `"none"`: the text has no `<box>`;
# 2. `"truncated"`: no `</box>` after the last `<box>`;
# 3. `"count"`: not exactly four numbers between the two (a number is a run of the digits 0 to 9);
# 4. `"outside"`: a number above 999;
# 5. the box, as four whole numbers x1, y1, x2, y2, corners put in order.
#
# Hint: `text.rpartition("<box>")` cuts at the last one, and its middle part is empty if there is none.
#
# Hint: `re.findall("[0-9]+", inside)` finds the runs of digits.
#
# Hint: Corners in order: the smaller of the two x, the smaller of the two y, then the larger ones.
#
# Expected: `[12, 40, 300, 410]` for `"a <box>(1,2),(3,4)</box>, no: <box>(300,40),(12,410)</box>"`, and `"truncated"` for
# `"<box>(1,2),(3,4)</box> or <box>(5,"`.


# %% exercise="read_box" points=2
def read_box(text: str) -> list[int] | str:
    """Return the last box, [x1, y1, x2, y2], or "none", "truncated", "count" or "outside".

    text: any string at all; nothing raises.
    """
    ### BEGIN SOLUTION
    _, opened, after = text.rpartition("<box>")
    inside, closed, _ = after.partition("</box>")
    if not opened:
        return "none"
    if not closed:
        return "truncated"
    numbers = [int(number) for number in re.findall("[0-9]+", inside)]
    if len(numbers) != 4:
        return "count"
    if max(numbers) > 999:
        return "outside"
    (x1, x2), (y1, y2) = sorted(numbers[0::2]), sorted(numbers[1::2])
    return [x1, y1, x2, y2]
    ### END SOLUTION


# %% check="read_box"
check("05.read_box", read_box)
read_box = use("05.read_box", read_box)

# %% [markdown] card="spoiled" difficulty=2 importance=4 minutes=8
# ### Exercise: one wrong digit
#
# How much does a changed digit cost? First the changes. A box is four whole numbers from 0 to 999. Return **all** boxes in
# which one digit, at the given place, is replaced by another one. `place` is 1 for units, 10 for tens, 100 for
# hundreds; a number without hundreds has a 0 there.
#
# First those with another x1, then y1, x2, y2; for each, the new digit from 0 to 9.
#
# Hint: `number // place % 10` is the digit at a place.
#
# Hint: Another digit there changes the number by `(new - old) * place`.
#
# Hint: Four numbers with nine other digits each: 36 boxes. Build a new list for each; the box you were given stays.
#
# Expected: a list of 36 lists; `spoiled([587, 12, 600, 999], 10)` begins with `[507, 12, 600, 999]`.


# %% exercise="spoiled" points=2
def spoiled(box: list[int], place: int) -> list[list[int]]:
    """Return the 36 boxes with one other digit at this place.

    box: four whole numbers from 0 to 999; place: 1, 10 or 100.
    """
    ### BEGIN SOLUTION
    found = []
    for i, number in enumerate(box):
        old = number // place % 10
        for new in range(10):
            if new != old:
                found.append([*box[:i], number + (new - old) * place, *box[i + 1 :]])
    return found
    ### END SOLUTION


# %% check="spoiled"
check("05.spoiled", spoiled)
spoiled = use("05.spoiled", spoiled)

# %% [markdown]
# ## What one wrong digit costs
#
# A loss on tokens counts every wrong digit alike. A box does not: at 128 pixels, a wrong unit moves an edge by half a pixel
# on average, a wrong ten by five, a wrong hundred by nearly fifty.
#
# All 36 changes of 400 boxes, at each place; the figure shows one of them. **Predict** the mean IoU after a wrong unit, ten
# and hundred, and how often each answer still counts at 0.5.

# %% label="one-digit" tags=["nbval-check-output"] alt="The same drawn picture three times, the truth dashed and a box with one wrong digit solid: with a wrong unit they coincide, with a wrong ten an edge is off by a few pixels, with a wrong hundred the box reaches far across the picture."
from gk_utils.countertop.dataset import rendered_batches

near, about = samples[:400], picture[:400]
goal = torch.tensor([sample.box for sample in near])
qwen = tc.FORMATS["qwen_vl"].frame((128, 128))
digits = qwen.from_pixels(goal).round().int().tolist()


def in_order(boxes):
    """Boxes (..., 4) with their corners put in order."""
    first, second = boxes[..., :2], boxes[..., 2:]
    return torch.cat([torch.minimum(first, second), torch.maximum(first, second)], -1)


image = next(iter(rendered_batches(near[:1], 1, (128, 128), "cpu"))).images[0]
panels, wide = [], goal.repeat_interleave(36, 0)
for name, place in {"unit": 1, "ten": 10, "hundred": 100}.items():
    changed = torch.tensor([spoiled(box, place) for box in digits]).float()  # n 36 4
    read = qwen.to_pixels(in_order(changed))
    ious = gk.paired_iou(read.flatten(0, 1), wide).view(-1, 36)
    cost = measure.mean_interval(ious.mean(1), about)
    report(f"mean IoU after a wrong {name}", **cost)
    report("    still right at 0.5, at 0.75", [(ious >= t).float().mean() for t in (0.5, 0.75)])
    shown = changed[0, 22].int().tolist()  # another digit in x2
    title = f"wrong {name}: {shown[2]} for {digits[0][2]}"
    drawn = {"truth": goal[:1], "truth_labels": [""], "title": title}
    panels.append(viz.Picture(image.permute(1, 2, 0), read[0, 22:23], [""], **drawn))
viz.show_grid(panels)

# %% [markdown]
# ## The bake-off: tokens, regression, text
#
# Three heads on one frozen trunk, with the same features and the same training scenes. Each was trained with the same
# *compute*, counted in floating point operations of the head. A longer answer costs more, so C has taken fewer steps.
#
# - **A**: four location tokens, 256 bins (lesson 03);
# - **B**: a query and four real numbers (lesson 04);
# - **C**: text in Qwen-VL's format, character by character, read by `parse_boxes`.
#
# They answer 400 expressions, each of which means something. Beside them: the trunk's own box, a regression from words alone,
# and the control, C asked about another picture.
#
# **Predict** the order of A, B and C at 0.5 and at 0.75.

# %% label="bakeoff" tags=["nbval-check-output"] alt="Bars of Acc@0.5 with intervals: the trunk leads, the three heads follow; language only and the control are near 0."
from gk_utils.evaluate.language_only import language_only
from gk_utils.heads.grounder import load_head
from gk_utils.heads.lookups import join_lookups, look
from gk_utils.heads.recipe import answer_in_pieces

heads = {
    "A tokens": load_head("box_tokens")[0],
    "B regression": load_head("box_regression")[0],
    "C text": load_head("text_coordinates")[0],
}
trunk, asked, moved, whole = heads["C text"].trunk, [], [], []
with torch.no_grad():
    for batch in rendered_batches(near, 100, (128, 128), "cpu"):
        texts, rows = [sample.text for sample in batch.samples], torch.arange(100)
        asked.append(look(trunk, batch.images, texts, rows))
        moved.append(look(trunk, batch.images, texts, rows.roll(50)))
        whole.append(trunk.answers(batch.images, texts, rows)[0])
lookups, elsewhere, hw = join_lookups(asked), join_lookups(moved), (128, 128)
answers = {name: answer_in_pieces(each.head, lookups, hw) for name, each in heads.items()}
found = {"trunk": torch.cat(whole)} | {name: answer.boxes for name, answer in answers.items()}
found["language only"] = 128 * language_only().boxes_unit([s.text for s in near])
found["control"] = answer_in_pieces(heads["C text"].head, elsewhere, hw).boxes
ious, bars = {name: gk.paired_iou(boxes, goal) for name, boxes in found.items()}, {}
for name, iou in ious.items():
    low, high = (measure.mean_interval(iou >= at, about) for at in (0.5, 0.75))
    report(f"{name}: Acc@0.5", **low)
    report("    Acc@0.75", **high)
    bars[name] = tuple(low.values())
charts.bars(bars, xlabel="Acc@0.5 over 400 expressions, with 95 % interval")

# %% [markdown] card="leaders" difficulty=3 importance=5 minutes=10
# ### Exercise: who leads, and where
#
# Two heads answered the same expressions. Who is better may depend on how much overlap you ask for. Return a word for each
# threshold: `"a"` if a has more answers with an IoU of **at least** that much, `"b"` if b has, `"undecided"` if the 95 %
# interval of the difference, **drawn by picture**, holds 0.
#
# Hint: At a threshold t, `(ious_a >= t).double() - (ious_b >= t).double()` is 1, 0 or -1 for each expression.
#
# Hint: `measure.mean_interval(differences, picture)` returns a dictionary with "value", "low" and "high".
#
# Hint: low > 0 means "a", high < 0 means "b".
#
# Expected: a list as long as `thresholds`, such as `["a", "undecided", "b"]`.


# %% exercise="leaders" points=2
def leaders(
    ious_a: torch.Tensor, ious_b: torch.Tensor, picture: torch.Tensor, thresholds: list[float]
) -> list[str]:
    """Return "a", "b" or "undecided" for each threshold.

    ious_a, ious_b (n,): of each head's answers; picture (n,): whole numbers.
    """
    ### BEGIN SOLUTION
    words = []
    for threshold in thresholds:
        difference = (ious_a >= threshold).double() - (ious_b >= threshold).double()
        interval = measure.mean_interval(difference, picture)
        words.append(
            "a" if interval["low"] > 0 else "b" if interval["high"] < 0 else "undecided"
        )
    return words
    ### END SOLUTION


# %% check="leaders"
check("05.leaders", leaders)
leaders = use("05.leaders", leaders)

# %% [markdown]
# ## Where the heads differ
#
# Now your `leaders` decides, at three thresholds. The heads answer the same expressions, so the differences are paired.
# Then by kind of expression, and by size: the square root of the area.
#
# The formats cannot be what limits them: a bin of A is half a pixel, a step of C an eighth.
#
# Last, what does a head do in doubt? The cell counts the wrong answers that lie on **no thing at all** (IoU below 0.3 with
# each).
#
# **Predict:** which kind of expression is hardest for all? Whose wrong boxes lie on nothing?

# %% label="where" tags=["nbval-check-output"] alt="Share of answers that reach an IoU, for thresholds from 0.5 to 0.85. All lines fall; the trunk's stays highest, the line of C falls earliest."
for one, other in combinations(heads, 2):
    names = {"a": one, "b": other, "undecided": "undecided"}
    words = leaders(ious[one], ious[other], about, [0.5, 0.75, 0.9])
    report(f"{one} or {other}, at 0.5, 0.75, 0.9", [names[word] for word in words])
    for at in (0.5, 0.75):
        gap = (ious[one] >= at).double() - (ious[other] >= at).double()
        report(f"    difference at {at}", **measure.mean_interval(gap, about))

types = [sample.type for sample in near]
sides = gk.box_areas(goal).sqrt().tolist()
sizes = ["below 16 px" if side < 16 else "16 px or more" for side in sides]
for kind in sorted(set(types)) + sorted(set(sizes), reverse=True):
    rows = torch.tensor([kind in pair for pair in zip(types, sizes, strict=True)])
    shares = [(ious[name][rows] >= at).double().mean() for at in (0.5, 0.75) for name in heads]
    report(f"{kind} ({int(rows.sum())}): A, B, C at 0.5; at 0.75", shares)

batches = rendered_batches(near, 100, hw, "cpu")
things = [boxes for batch in batches for boxes in batch.all_boxes]  # of each picture
for name in heads:
    fits = [
        gk.pairwise_iou(*pair).max() for pair in zip(found[name].split(1), things, strict=True)
    ]
    wrong = ious[name] < 0.5
    nowhere = measure.mean_interval(torch.stack(fits)[wrong] < 0.3, about[wrong])
    report(f"{name}: wrong answers on no thing", **nowhere)

thresholds = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85]
lines = {n: [(ious[n] >= at).double().mean() for at in thresholds] for n in ["trunk", *heads]}
charts.curve(thresholds, lines, xlabel="IoU asked for", ylabel="share of answers")

# %% [markdown]
# In this run A leads, above all at 0.75, and C trails; words of order are hardest for all. In doubt A chooses a thing. Of the
# wrong boxes of B and C about a third lie on nothing: B may average two places, C may mix their digits.
#
# ## Which digits does C get wrong?
#
# C's answers, read by your `read_box`, number by number. What turned the right number into the written one?
# `classify_digit_error` names it: off by one, two neighbouring digits transposed, a digit dropped, or other.
#
# Some of that happens by chance. So the same answers are compared with **other** pictures' truths, too.
#
# **Predict:** which kind is the most frequent? And which digit is right most often?

# %% label="digits" tags=["nbval-check-output"] alt="Bars: the share of numbers whose hundreds are right, whose tens are right too, and that are right as a whole, for C and by chance. C's fall from the hundreds to the units, far above chance for the hundreds."
bars, written = {}, [read_box(text) for text in answers["C text"].texts]
report("answers that can be read", sum(isinstance(box, list) for box in written) / len(written))
edges = {round(pixel * 999 / 128) for pixel in range(129)}  # what whole pixels become
kinds = ["none", "off_by_one", "transposed", "dropped_digit", "other"]
for label, shift in {"C": 0, "by chance": 50}.items():
    pairs, home = [], []
    for row, box in enumerate(written):
        if isinstance(box, list):
            pairs += zip(box, digits[(row + shift) % len(digits)], strict=True)
            home += [row] * 4
    errors = Counter(tc.classify_digit_error(str(said), str(number)) for said, number in pairs)
    report(f"{label}: {', '.join(kinds)}", [errors[kind] / len(pairs) for kind in kinds])
    for name, place in {"hundreds": 100, "and tens": 10, "and units": 1}.items():
        right = torch.tensor([said // place == number // place for said, number in pairs])
        share = measure.mean_interval(right, about[torch.tensor(home)])
        report(f"    {name} right", **share)
        bars[f"{name} right, {label}"] = tuple(share.values())
    apart = [abs(said - number) for said, number in pairs]
    report("    off by 7 or 8, one pixel", sum(gap in (7, 8) for gap in apart) / len(apart))
on_edge = sum(said in edges for said, _ in pairs) / len(pairs)
report("C's numbers that are edges of whole pixels", on_edge)
charts.bars(bars, xlabel="share of the numbers, with 95 % interval")

# %% [markdown]
# No number is off by one, and transposed digits are no more frequent than by chance: C does not slip like a person who types.
# All training boxes end on whole pixels, 7.8 units apart. C has learned these 129 numbers; its smallest error is a pixel. One
# number in eight is exact, one in five a pixel off.
#
# ## What a box costs, and where they fail
#
# Tokens, milliseconds for one box asked alone (the head without the trunk, on the machine that built this page), and training.
# Then four questions on which the heads differ; the truth is dashed.
#
# **Predict:** how many times longer than A does C take?
#
# <details><summary>After you have looked</summary>
#
# Several times, nearly in proportion to the tokens of its answer: they are written one after the other. B writes none. In
# the pictures wrong answers of A lie on things; those of B and C also between things or beside them.</details>

# %% alt="Four drawn pictures, each with an expression above it, the true box dashed and the boxes of A, B and C solid; in each, one or more of the three lie on another thing, between things, or fit badly."
from gk_utils.evaluate.heads import milliseconds

for name, grounder in heads.items():
    report(f"{name}: tokens a box", answers[name].tokens.double().mean())
    report(f"    time, {name}", milliseconds(grounder, near[0].text).median(), unit="ms")
    card = load_head(grounder.name)[1]
    cost = card.metrics["flops_per_expression"] / 1e9
    report(
        f"    steps; GFLOP an expression; product, {name}",
        [card.steps, cost, card.steps * cost],
    )

right = torch.stack([ious[name] >= 0.5 for name in heads], 1)
wanted = [
    [True, False, False],
    [False, True, False],
    [True, True, False],
    [False, False, False],
]
panels = []
for pattern in wanted:
    for row in (right == torch.tensor(pattern)).all(1).nonzero()[:1, 0].tolist():
        image = (
            next(iter(rendered_batches([near[row]], 1, hw, "cpu"))).images[0].permute(1, 2, 0)
        )
        said = torch.stack([found[name][row] for name in heads])
        drawn = {"truth": goal[row][None], "truth_labels": [""], "title": near[row].text}
        panels.append(viz.Picture(image, said, list("ABC"), **drawn))
viz.show_grid(panels, columns=2)

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=10
# ### Exercise: read a bug report
#
# "Since the update to the new model, boxes on our **square** product pictures (1000 by 1000) are perfect. On phone photographs
# (4000 by 3000) every box sits in the upper left quarter, too small. The JSON is valid, training loss is low, and the model card
# says *coordinates are normalised*." In five to eight sentences: what do you think is wrong, which measurement without
# any labels supports it, which one with labels settles it, and what should the program do so that this cannot
# come back unnoticed?
#
# Hint: Which numbers are the same in thousandths and in pixels?
#
# Hint: What is the largest number that the model ever writes?
#
# Hint: A format without its frame is half a format.
#
# Expected: a text that names a cause, two measurements and a remedy.

# %% [markdown] answer="explain" points=4
# ### BEGIN SOLUTION
# One point each. **Cause:** the new model writes thousandths of the picture, the program reads pixels. At 1000 by 1000
# both are the same; at 4000 by 3000 a box shrinks to a quarter of its width and a third of its height, towards the upper
# left corner. **Without labels:** no number of the answers on photographs exceeds 1000, though they are 4000 pixels wide;
# supports, does not prove. **With labels:** read the same answers in each candidate frame, compare mean IoU with the
# truth; the right frame brings it back, and shuffled truths must stay near 0. **Remedy:** the format and its frame travel
# with the model's name in one place; a test with a picture that is not square; the share of answers outside the frame is
# counted in operation. Full marks also for another cause that fits both observations, if it is tested in the same way.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - Right answers score a mean IoU of 0.54 [0.52, 0.55] with the padding forgotten and 0.00 with pixels for thousandths; the
#   control has 0.035.
# - Numbers rule conventions out, and never tell whether x or y came first.
# - Single digits have place value; larger pieces save tokens and have none.
# - No reader sees a wrong digit. A wrong hundred leaves 0.22, a wrong unit 0.97.
# - At equal compute A, B and C reach 0.69 [0.65, 0.73], 0.63 [0.58, 0.68] and 0.525 [0.48, 0.57] at 0.5; words alone and
#   the control 0.01 or less.

# %% [markdown]
# **Limits.** Small heads, one run each, on a trunk that is itself wrong one time in four. Equal compute gives C fewer steps:
# longer answers and digits are two causes, mixed. On the larger trunk of lesson 00 (`data/README.md`) A gets 0.98 and C 0.67 of
# 2,000; where that trunk learns along, A 0.98, B 0.96 and C 0.66.
#
# ## Check yourself
#
# <details><summary>1. A model writes [0, 0, 1000, 1000]. Which of the seven formats can it not be?</summary>
#
# Qwen-VL (ends at 999), Shikra (ends at 1), Molmo (no boxes). Qwen2.5-VL only where the resized picture is as large.</details>
#
# <details><summary>2. All answers of a model lie between 0 and 1000, on pictures 4000 wide. Which frame is it?</summary>
#
# Probably thousandths; x or y first remains open, and so does the padded square if no answer lies in its border.</details>
#
# <details><summary>3. Why is "up to three digits" cheap to write and hard to learn?</summary>
#
# Few tokens, but more than a thousand of them, and what is learned of 587 says nothing about 588.</details>
#
# <details><summary>4. A reader raises an exception on 2 % of the answers. What does that do to the score?</summary>
#
# If those answers are skipped, it rises, and nobody sees them. Count them as wrong, under their name.</details>
#
# <details><summary>5. Why can no parser find a wrong hundred?</summary>
#
# 187 is as valid as 587. Only a truth, a second answer or the model's own doubt can tell.</details>
#
# <details><summary>6. In doubt between two things, A picks one and B may land between them. Why?</summary>
#
# B's loss is smallest at an average place. A chooses a token at a time, and the next ones follow that choice.</details>

# %% [markdown]
# ## Going further
#
# ### How many answers until a convention is ruled out?
#
# With your `possible`: a perfect model writes in pixels, in thousandths, or in thousandths of the square, on paper of 640 by
# 480. How many of the five conventions are still possible after n answers?
#
# **Predict** which lines come down to one.

# %% tags=["nbval-check-output"] alt="Conventions still possible against the number of answers. For pixels of the resized picture they fall from more than four to three, for thousandths from three to two, for the square they stay at three."
truths = {
    "pixels": in_frame["qwen2_5_vl"],
    "thousandths": in_frame["qwen3_vl"],
    "square": (1000 * in_frame["shikra"]),
}
generator = torch.Generator().manual_seed(0)
amounts, lines = [1, 2, 5, 10, 20, 50, 100], {}
for name, boxes in truths.items():
    lines[name] = []
    for n in amounts:
        left = []
        for _ in range(100):
            drawn = boxes[torch.randint(len(boxes), (n,), generator=generator)]
            left.append(len(possible(drawn.round().int().tolist(), paper_hw, seen_hw)))
        lines[name].append(sum(left) / len(left))
    report(f"still possible after 1 and 100 answers, {name}", [lines[name][0], lines[name][-1]])
charts.curve(amounts, lines, xlabel="answers", ylabel="conventions still possible", log="x")

# %% [markdown]
# None. Thousandths with x and with y first stay together; and pixels of a small picture, or numbers of the square, are always
# valid thousandths. What is possible is not yet true.
#
# ### Asking a published model
#
# Published models come later in this course; this is how Qwen2.5-VL would be asked, with transformers and its weights. Mind
# the last three lines: the size comes from the processor, the reader has the model's name, the problems are kept.
#
# ```python
# content = [{"type": "image", "image": picture}]
# content += [{"type": "text", "text": "Locate the spoon. Answer in JSON with bbox_2d and label."}]
# inputs = processor.apply_chat_template(
#     [{"role": "user", "content": content}],
#     add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
# )
# written = model.generate(**inputs, max_new_tokens=128)[:, inputs["input_ids"].shape[1] :]
# answer = processor.batch_decode(written, skip_special_tokens=True)[0]
# resized_hw = tuple(14 * side for side in inputs["image_grid_thw"][0, 1:].tolist())
# parsed = tc.parse_boxes(answer, "qwen2_5_vl")
# boxes, problems = parsed.to_pixels(image_hw, resized_hw), parsed.problems
# ```
#
# Then ask about a picture that is **not square**, whose boxes you know, and find the frame with `which_frame` of lesson 01.

# %% [markdown]
# ### To read
#
# - Chen et al. 2023, [Shikra](https://arxiv.org/abs/2306.15195): why digits, and why no new tokens.
# - Bai et al. 2023, [Qwen-VL](https://arxiv.org/abs/2308.12966), section 3: the tags, and numbers below 1000.
# - Bai et al. 2025, [Qwen2.5-VL](https://arxiv.org/abs/2502.13923): pixels of the resized picture.
# - Deitke et al. 2024, [Molmo](https://arxiv.org/abs/2409.17146): points in place of boxes.
# - Singh and Strouse 2024, [Tokenization counts](https://arxiv.org/abs/2402.14903): how digits are grouped, and what that
#   does to arithmetic.
