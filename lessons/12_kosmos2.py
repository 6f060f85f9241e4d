# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Kosmos-2: text that points"
#     claim: >-
#       A caption can carry boxes as a page carries links. You read and write that form as the published code does, follow the
#       data it is learned from through every stage, and measure what a small model's links are worth.
#     objectives:
#       - read and write hyperlink text exactly, and name five faults of a careless reader
#       - say what two patches a box cost in precision
#       - follow captions through the GrIT pipeline and say what each stage loses
#       - show that a better detector makes better data and a better pupil
#       - score grounded captions by phrases and boxes, with a baseline that loses and a control that fails
#     prerequisites:
#       - 03_box_tokens
#       - 07_grounding_dino
#     minutes: 75
#     claims:
#       - claim: "The format is <p>..</p><box> with four of 1,000 location tokens."
#         verdict: wrong
#         says: "<phrase>, <object> and two of 1,024 patch tokens a box."
#         cell: written
#         shows: "tokens of one box"
#       - claim: "A regular expression for <loc_k> reads the model's answer."
#         verdict: wrong
#         says: "It finds nothing: the model has no such token. Read phrases and boxes together."
#         cell: faults
#         shows: "boxes that the careless reader finds"
#       - claim: "GrIT comes from noun phrases and a detector."
#         verdict: imprecise
#         says: "Phrases grow to expressions after the detector has seen the noun alone, and take its boxes along."
#         cell: stages
#         shows: "precision of expressions below that of boxes after NMS"
#       - claim: "Better detectors make better data and better models."
#         verdict: right
#         says: "Measured here with two detectors and the same pupil."
#         cell: teachers
#         shows: "boxes right in the data"
#       - claim: "By pointing the model shows its work."
#         verdict: imprecise
#         says: "The boxes come from the same model, after the answer: one can check where, not why."
#         cell: work
#         shows: "right answers whose box is wrong"
# ---

# %% tags=["setup"]
import re

import torch

from gk_utils import boxes as gk
from gk_utils import charts, viz
from gk_utils.classroom import check, report, solution, use
from gk_utils.kosmos2.grounded_text import GroundedText, parse_grounded, render_grounded

# %% [markdown]
# ## A caption with links
#
# A page has links: words that lead somewhere. Kosmos-2 (Microsoft, 2023) writes captions like that: each phrase leads to boxes.
#
# The course has a small one, trained on drawn countertops. Here is what it says of two pictures.
#
# **Predict:** how many phrases will have a right box?

# %% label="opening" alt="Two countertops, each with the boxes of all phrases of the caption that the small model wrote, numbered by phrase."
from gk_utils.kosmos2.caption_scores import pictures_of, score_caption, write_captions
from gk_utils.kosmos2.kosmos_pictures import load_mini
from gk_utils.countertop.render import render

mini, card = load_mini()
pictures = pictures_of("val", 120, card.settings["trunk"])
captions = write_captions(mini.kosmos, pictures)
shown = []
for picture, said in list(zip(pictures, captions, strict=True))[:3]:
    print(said.text)
    pairs, _ = score_caption(said, picture.scene, picture.boxes_unit)
    report("    boxes, right ones", [sum(a for a, _ in pairs), sum(a and b for a, b in pairs)])
    found = [(number, box) for number in range(len(said.spans)) for box in said.boxes(number, (256, 256))]
    boxes = torch.stack([box for _, box in found]) if found else torch.zeros(0, 4)
    image = render([picture.scene], (256, 256)).images[0].permute(1, 2, 0)
    shown.append(viz.Picture(image, boxes, [str(number + 1) for number, _ in found]))
viz.show_grid(shown, columns=3)

# %% [markdown]
# ## The form
#
# A grounded text is a value: the words, the spans of its phrases, the boxes of each. Below is one, and how Kosmos-2 writes it.
#
# - `<phrase>` and `</phrase>` stand around the words; the space before them is inside.
# - `<object>` and `</object>` stand around boxes.
# - A box is **two** tokens: the patch of its upper left corner and that of its lower right, of 32 x 32.
#
# **Predict:** row 6 has the numbers 192 to 223. In which row and column does patch 195 lie?

# %% label="written" tags=["nbval-check-output"]
cat = GroundedText("An image of a red cat.", ((12, 21),), (((0.1, 0.2, 0.5, 0.9),),))
written = render_grounded(cat)
print(written)
report("tokens of one box", len(re.findall("<patch_index", written)))
back = parse_grounded(written).grounded
report("the box that comes back", list(back.boxes_unit[0][0]))
report("patch 195: row, column", [195 // 32, 195 % 32])

# %% [markdown]
# transformers reads and writes the same. Its reader is a function of texts, so no weights are needed. What it says of a flawed
# text is nothing; ours names the flaw.

# %% label="equal" tags=["nbval-check-output"]
from transformers.models.kosmos2 import processing_kosmos2 as theirs

clean, entities = theirs.clean_text_and_extract_entities_with_bboxes(written)
report("same words", clean == back.text)
report("same spans", [span for _, span, _ in entities] == list(back.spans))
report("same boxes", entities[0][2][0] == back.boxes_unit[0][0])
flawed = "<grounding> I see<phrase> a cat</phrase><object><patch_index_0195></object>."
report("theirs of a flawed text", theirs.clean_text_and_extract_entities_with_bboxes(flawed)[1])
report("ours", list(parse_grounded(flawed).problems))

# %% [markdown] card="plain_spans" difficulty=3 importance=4 minutes=12
# ### Exercise: where are the phrases?
#
# Given a hyperlink text, return for each `<phrase>` its span **in the clean text**: all tags gone, white space stripped at both
# ends. Spaces at the ends of a phrase are no part of it. Every phrase counts, with boxes or without.
#
# Hint: The clean text up to a phrase is `re.sub("<[^>]*>", "", text[:start])`.
#
# Hint: What is stripped from the beginning of the clean text moves all spans to the left.
#
# Hint: Add the number of spaces at the beginning of the phrase to the start.
#
# Expected: `[(6, 11)]` for `<grounding> I see<phrase> a cat</phrase><object>...</object>.`


# %% exercise="plain_spans" points=3
def plain_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) in the clean text for each phrase."""
    ### BEGIN SOLUTION
    clean = re.sub("<[^>]*>", "", text)
    stripped = len(clean) - len(clean.lstrip())
    spans = []
    for match in re.finditer("<phrase>(.*?)</phrase>", text):
        words = match.group(1)
        before = len(re.sub("<[^>]*>", "", text[: match.start(1)]))
        start = before + len(words) - len(words.lstrip()) - stripped
        spans.append((start, start + len(words.strip())))
    return spans
    ### END SOLUTION


# %% check="plain_spans"
check("12.plain_spans", plain_spans)
plain_spans = use("12.plain_spans", plain_spans)

# %% [markdown] card="moved_sides" difficulty=3 importance=3 minutes=12
# ### Exercise: what two patches cost
#
# A box comes back as the centres of its two cells. If both cells lie in one row **or** in one column, all four numbers are
# the outer edges of the cells instead.
#
# The first corner lies in cell `floor(x / width * grid)`, the second in `ceil(x / width * grid) - 1`, but never before the first.
# Return how far each side moved, after minus before, in pixels: [x1, y1, x2, y2].
#
# Hint: Compute first and last cell for x, then for y, before you decide between centres and edges.
#
# Hint: Centre of cell k: (k + 0.5) / grid of the side. Outer edges: k / grid, (k + 1) / grid.
#
# Hint: `image_hw` has the height first.
#
# Expected: `[0.0, -2.5, -10.0, 2.5]` for the box `[150, 100, 400, 350]` in a picture 640 wide and 480 high, grid 32.


# %% exercise="moved_sides" points=3
def moved_sides(box: list[float], image_hw: tuple[int, int], grid: int) -> list[float]:
    """Return how far each side of a box moved when it was written in two patches, in pixels."""
    ### BEGIN SOLUTION
    import math

    height, width = image_hw
    cells = []
    for low, high, side in ((box[0], box[2], width), (box[1], box[3], height)):
        first = math.floor(low / side * grid)
        cells.append((first, max(math.ceil(high / side * grid) - 1, first)))
    thin = any(first == last for first, last in cells)
    after = []
    for side, (first, last) in zip((width, height), cells, strict=True):
        ends = (first, last + 1) if thin else (first + 0.5, last + 0.5)
        after.append([end / grid * side for end in ends])
    back = [after[0][0], after[1][0], after[0][1], after[1][1]]
    return [new - old for new, old in zip(back, box, strict=True)]
    ### END SOLUTION


# %% check="moved_sides"
check("12.moved_sides", moved_sides)
moved_sides = use("12.moved_sides", moved_sides)

# %% [markdown]
# ## Five faults of a careless reader
#
# An often copied example asks Kosmos-2 and reads the answer with a regular expression. Its five faults, on texts that the
# model does write. **Predict:** how many of these texts does it get a box from?

# %% label="faults" tags=["nbval-check-output"]
from gk_utils.kosmos2.article_format import FAULTS, careless_box

boxes_found = 0
for fault in FAULTS:
    print(f"{fault.id}: it {fault.says}.")
    if fault.answer:
        careless = careless_box(fault.answer, (480, 640))
        boxes_found += careless is not None
        good = parse_grounded(fault.answer).grounded
        print("    careless:", careless, "  mended:", list(zip(good.phrases, good.boxes_unit, strict=True)))
    else:
        print("    instead:", fault.mended)
report("boxes that the careless reader finds", boxes_found)

# %% [markdown]
# With the right pattern for a token it finds numbers, and makes a box of them all the same: two cells of a dog and two of a cat,
# divided by 999.

# %% label="mixed" tags=["nbval-check-output"]
answer, pattern = FAULTS[2].answer, r"<patch_index_(\d+)>"
report("one box out of two phrases", careless_box(answer, (480, 640), pattern))
report("what was meant", [box for boxes in parse_grounded(answer).grounded.boxes_unit for box in boxes])

# %% [markdown]
# ## Where the links come from
#
# Nobody drew the boxes of 90 million pictures. GrIT was made by a pipeline: noun chunks of the caption, boxes from a detector,
# those that score 0.65, NMS, and chunks that grow to **referring expressions**.
#
# On the countertop we know what each phrase means, so each stage can be judged. Captions are as on the web: "A photo of the mug
# behind the kettle, a gift idea."
#
# **Predict:** which stage loses most precision?

# %% label="stages" tags=["nbval-check-output"]
from gk_utils.kosmos2.grit_audit import as_lines, audit, draw_captioned, run_pipeline
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.checkpoints import SHIPPED

web = draw_captioned(80)
good, poor = load_grounder()[0], load_grounder(SHIPPED / "trunk_small")[0]
rows = run_pipeline(web, good, chunker="course")
counts = audit(web, rows)
print(web[0].said.text)
print("\n".join(as_lines(counts)))
lower = counts["expressions"].precision < counts["nms"].precision
report("precision of expressions below that of boxes after NMS", lower)

# %% [markdown]
# The score filter trades yield for precision. But the last stage: the detector was asked for "the mug". "The mug behind the
# kettle" inherits its box, whichever mug that is. **The words grew, the evidence did not.**
#
# What if the whole expression is asked again?

# %% label="again" tags=["nbval-check-output"]
from gk_utils.kosmos2.grit_audit import hits

asked, inherited = [], []
for picture, row in zip(web, rows, strict=True):
    first = picture.said.phrases[0]
    phrase = picture.said.text[first.start : first.end]
    found = good.ground(picture.image, phrase)
    asked.append(
        bool(hits(found.boxes[:1], [first], picture.boxes)) and hits(found.boxes[:1], [first], picture.boxes)[0]
    )
    inherited.append(
        row.sample is not None
        and any(
            span == (first.start, first.end) and hits(box[None].float(), [first], picture.boxes)[0]
            for span, box in zip(row.sample.ref_exps.spans, row.sample.ref_exps.boxes((128, 128)), strict=True)
        )
    )
report("expressions with a right box, inherited", sum(inherited) / len(web))
report("asked again as a whole", sum(asked) / len(web))

# %% [markdown] card="outermost" difficulty=2 importance=3 minutes=10
# ### Exercise: keep the outermost
#
# Given the spans of expressions and how many boxes each has, return the spans that stay: those that have a box and are not inside
# **another** expression that has one. Equal spans are not inside each other. Keep the order.
#
# Hint: First make a list of the spans that have boxes.
#
# Hint: (a, b) is inside (c, d) if c <= a and b <= d, and they are not equal.
#
# Hint: Overlap is not inside.
#
# Expected: `[(11, 21)]` for spans `[(0, 21), (11, 21)]` with boxes `[0, 1]`.


# %% exercise="outermost" points=2
def outermost(spans: list[tuple[int, int]], boxes: list[int]) -> list[tuple[int, int]]:
    """Return the spans with boxes that are not inside another one with boxes."""
    ### BEGIN SOLUTION
    there = [span for span, count in zip(spans, boxes, strict=True) if count]
    return [(a, b) for a, b in there if not any(c <= a and b <= d and (a, b) != (c, d) for c, d in there)]
    ### END SOLUTION


# %% check="outermost"
check("12.outermost", outermost)
outermost = use("12.outermost", outermost)

# %% [markdown]
# ## Better detector, better data, better model?
#
# The same pictures, captions and thresholds, two detectors: the large trunk and the small one of lesson 00. Each makes its rows.
# The same tiny pupil (a bag of words against the small trunk's patches) learns from each, and is examined on expressions that it
# has not seen. It never sees a truth.
#
# **Predict:** how much of the teachers' difference reaches the pupils?

# %% label="teachers" tags=["nbval-check-output"] alt="Bars with intervals: share of right boxes in the data of the two teachers, and share of right answers of the two pupils."
from gk_utils.evaluate.measure import mean_interval
from gk_utils.kosmos2.taught_by import compare_teachers

reports = compare_teachers({"large": good, "small": poor}, web[:40], steps=200, limit=200, chunker="course", least=0.4)
bars = {}
for name, one in reports.items():
    report(f"taught by the {name} trunk: pairs", one.lessons)
    report("    boxes right in the data", one.data.precision)
    interval = mean_interval(torch.tensor(one.right), torch.arange(len(one.right)))
    report("    pupil, right answers", **interval)
    bars[f"pupil of the {name} trunk"] = tuple(interval.values())
gap = torch.tensor(reports["large"].right).double() - torch.tensor(reports["small"].right).double()
report("difference of the pupils", **mean_interval(gap, torch.arange(len(gap))))
charts.bars(bars, xlabel="right answers, with 95 % interval")

# %% [markdown]
# ## Click a phrase
#
# **Try it:** click the phrases of a caption. Choose how it begins: the model must go on, and point. Begin with something that is
# not there ("a cat"). What does it point at?
#
# (On a page without a kernel you see the first picture only.)

# %%
from gk_utils.labs.hyperlinks import hyperlink_lab

hyperlink_lab(mini)

# %% [markdown] card="pair_f1" difficulty=2 importance=5 minutes=10
# ### Exercise: score links
#
# Each phrase of some captions is a row (boxes written, boxes that are right, things named that are there). Return the **F1 of
# phrase and box**: 2 x right / (written + there), summed over **all** phrases first; 0 where both are 0.
#
# Hint: Three sums, one division.
#
# Hint: A hallucinated phrase has things there = 0; its boxes count as written.
#
# Hint: A phrase without boxes counts in the things that are there.
#
# Expected: `0.667` for `[(1, 0, 0), (1, 1, 1)]`.


# %% exercise="pair_f1" points=2
def pair_f1(phrases: list[tuple[int, int, int]]) -> float:
    """Return the F1 of phrase and box over rows (written, right, there)."""
    ### BEGIN SOLUTION
    both = sum(written + there for written, _, there in phrases)
    return 2 * sum(right for _, right, _ in phrases) / both if both else 0.0
    ### END SOLUTION


# %% check="pair_f1"
check("12.pair_f1", pair_f1)
pair_f1 = use("12.pair_f1", pair_f1)

# %% [markdown]
# ## What are its links worth?
#
# Each phrase is executed in the scene: it names things, or nothing, and then it is **hallucinated**. Beside the model:
#
# - *words alone*, the baseline: true captions of other scenes, boxes guessed from the words;
# - *another picture*, the control: the model's own captions, held against the wrong scene;
# - *patches*: true captions with true boxes, as well as 32 x 32 patches can say them.
#
# **Predict** the four F1.

# %% label="worth" tags=["nbval-check-output"] alt="Bars with intervals of phrase-box F1: true captions in patches on top, then the model, far below words alone and the control."
from gk_utils.evaluate.kosmos2 import true_caption, with_intervals, words_alone
from gk_utils.kosmos2.caption_scores import tally

half = len(pictures) // 2
blind = [words_alone(number) for number in range(len(pictures))]
truth = [true_caption(picture, number) for number, picture in enumerate(pictures)]
scores = {
    "true captions in patches": tally(truth, pictures),
    "the model": tally(captions, pictures),
    "words alone": tally(blind, pictures),
    "control: another picture": tally(captions, [*pictures[half:], *pictures[:half]]),
}
bars = {}
for name, one in scores.items():
    found = with_intervals(one)
    report(f"{name}: F1", **found["phrase_box_f1"])
    report("    hallucinated phrases", **found["hallucinated_phrases"])
    report("    share of the things that it names and hits", **found["things_named"])
    bars[name] = tuple(found["phrase_box_f1"].values())
charts.bars(bars, xlabel="phrase-box F1, with 95 % interval")

# %% [markdown]
# ## Does it show its work?
#
# With `<grounding>` before the question the model answers and points. "It shows its work", one reads. The boxes come from the
# same model, after the answer.
#
# Below: of the answers that are right, how many point at a wrong place? Of the wrong ones, how many point at the right one?
# **Predict** both.

# %% label="work" tags=["nbval-check-output"]
from gk_utils.kosmos2.caption_scores import answer_questions, questions_for

asked = [(number, one) for number, one in questions_for(pictures) if one.referents]
answers = answer_questions(mini.kosmos, pictures, asked, grounded=True)
right, pointed = [], []
for said, (number, question) in zip(answers, asked, strict=True):
    things = pictures[number].boxes_unit[list(question.referents)].float()
    boxes = said.boxes(0, (1, 1)) if said.spans else torch.zeros(0, 4)
    right.append(said.text == question.answer)
    pointed.append(bool((gk.pairwise_iou(boxes, things) >= 0.5).any()))
right, pointed = torch.tensor(right), torch.tensor(pointed)
report("right answers", right.float().mean())
report("right answers whose box is wrong", (~pointed[right]).float().mean())
report("wrong answers whose box is right", pointed[~right].float().mean() if (~right).any() else 0.0)

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=12
# ### Exercise: does the box explain the answer?
#
# A hospital wants a model that answers questions about X-rays and points. "Where it points is the reason for its answer", says
# the vendor: of 100 right answers 90 point at the right region. "So a doctor can trust an answer whose box looks right."
#
# In five to eight sentences: what do the 90 show, and what not? Which numbers are missing? Name an experiment that tells a
# reason from a box that was added afterwards. What may the doctor use the boxes for?
#
# Hint: How often does a **wrong** answer point at the right region?
#
# Hint: What happens to the answer if the region is covered? If another one is?
#
# Hint: The box is written after the answer, by the same model.
#
# Expected: a text with what the 90 show, the missing numbers, an intervention, and a use that is safe.

# %% [markdown] answer="explain" points=4
# ### BEGIN SOLUTION
# One point each. **What the 90 show:** that for right answers the place is usually right too; not that the answer came from there,
# since the same model wrote the box after the answer. **Missing:** how often wrong answers point at the right region, the
# accuracy given a right box against a wrong one, how often a fixed guess (the usual region for that question) would be right,
# all with intervals. **Intervention:** cover or replace the region: if it was the reason, the answer must change; cover another
# region of the same size: it must not. **Use:** to check *where* and to find mistakes faster, that is, to look there herself; not
# as a proof. Full marks for other sound tests, such as answering from the region alone.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - Hyperlink text is a value that comes back from its form, as in transformers; flaws are named.
# - Two patches a box cost half a cell to a cell; true captions in patches show the most that can be reached.
# - In the pipeline expressions inherit boxes of their noun chunk, and precision falls. To ask again mends it.
# - **Signature:** phrase-box F1 of the small model, with its interval. **Baseline:** words alone. **Control:** another picture.
# - Boxes say *where*; that they are the reason is not shown.
#
# **Limits.** One small model on drawn pictures, with two aids that the published one lacks: it is shown in training where to
# look, and may copy the trunk's boxes.
#
# ## Check yourself
#
# <details><summary>1. How many tokens has a box, and how many different ones are there?</summary>
#
# Two, of 1,024.</details>
#
# <details><summary>2. Why may "the mug behind the kettle" in GrIT have the box of another mug?</summary>
#
# The detector was asked for "the mug"; the expression took its box along.</details>
#
# <details><summary>3. Why must the clean text be stripped before spans are counted?</summary>
#
# `<grounding> An` leaves a space at the beginning: all spans would be one off.</details>
#
# <details><summary>4. What does the control rule out?</summary>
#
# That captions fit any picture: with another one F1 must fall.</details>

# %% [markdown]
# ## Going further
#
# ### What was published
#
# Zero-shot, from the model's own README (microsoft/unilm, kosmos-2): Flickr30k Entities recall at 1 77.8 (val) and 78.7 (test);
# RefCOCO val 52.32, testA 57.42, testB 47.26; VQAv2 51.1.

# %% label="published" tags=["nbval-check-output"]
report("Flickr30k Entities, recall at 1, test", 78.7)
report("RefCOCO val", 52.32)

# %% [markdown]
# ### The real one
#
# With the extra `hub` and some 6.7 GB: `hub.load("kosmos-2")` captions and grounds with the same calls.
#
# ```python
# from gk_utils import hub
# kosmos = hub.try_load("kosmos-2")
# if kosmos:
#     caption, links = kosmos.caption(image)
# ```
