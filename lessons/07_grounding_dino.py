# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Grounding DINO: a detector that reads"
#     claim: >-
#       A detector can be told in words what to find. You take one apart, hold it equal to the published code, and show by an
#       interval that finding is not choosing: asked for the noun, it has the right thing among its boxes far more often than
#       first.
#     objectives:
#       - write deformable attention by hand, as a loop and with grid_sample, and show that it equals transformers' own
#       - say which token may read which, and find the leaks in a mask
#       - say what words decide in the enhancer, the query selection and the decoder, and measure it by taking them away
#       - read boxes and labels out of token scores with two thresholds, and choose a threshold by F1
#       - show with a baseline and a control that detection is not grounding
#     prerequisites:
#       - 04_box_regression
#       - 06_roi_align
#     minutes: 75
#     claims:
#       - claim: "Grounding DINO joins three parts: the detector DINO, BERT, and a feature enhancer."
#         verdict: imprecise
#         says: "Words meet the picture three times: in the enhancer, in the query selection and in the decoder."
#         cell: lesions
#         shows: "places where words meet the picture"
#       - claim: "Its queries are selected by the words instead of learned."
#         verdict: imprecise
#         says: "Mixed: where a query starts is selected; what it is, its content, is learned, the same for every prompt."
#         cell: selection
#         shows: "contents of the queries, the same for all prompts"
#       - claim: "It looks for the region that matches the text."
#         verdict: imprecise
#         says: "It looks for things that the words name. To choose among them is another matter."
#         cell: finds
#         shows: "has it among 5 boxes more often than first, interval above 0"
#       - claim: "The class labels that come back are the phrases of the prompt."
#         verdict: imprecise
#         says: "They are cut out by the text threshold: cut, merged or empty labels happen."
#         cell: labels
#         shows: "kinds of labels seen"
#       - claim: "The prompt is cup . plate . person . table"
#         verdict: imprecise
#         says: "Lower case, a dot behind each phrase, the last one too: without it the last phrase falls apart."
#         cell: dots
#         shows: "words of the last phrase that read each other, without the final dot"
#       - claim: "52.5 AP on COCO, zero-shot, trained on O365, GoldG and Cap4M."
#         verdict: wrong
#         says: "That data made the T model: 48.4. The 52.5 is of the L model, which was not released."
#         cell: published
#         shows: "Grounding DINO T, COCO zero-shot"
#       - claim: "63.0 AP on Flickr30k Entities."
#         verdict: wrong
#         says: "63.0 is AP on COCO after fine-tuning. Flickr30k Entities is scored by recall."
#         cell: published
#         shows: "Grounding DINO T, Flickr30k Entities, recall at 1, test"
#       - claim: "It is the state of the art in open-set detection and phrase grounding."
#         verdict: dated
#         says: "In 2023. Since then others passed it, and in choosing it never led."
#         cell: published
#         shows: "SAM 3, COCO"
# ---

# %% tags=["setup"]
import torch

from gk_utils import boxes as gk
from gk_utils import charts, viz
from gk_utils import grounding_dino as gd
from gk_utils.classroom import check, report, solution, use

# %% [markdown]
# ## The second mug from the right
#
# Grounding DINO (2023) is a **detector** that is told in words what to find. The course has a small one, trained on drawn
# countertops. Here are four mugs.
#
# We ask the detector for "mug", then for **the second mug from the right**; then the grounding model of lesson 00 for
# the same. Dashed is what is meant.
#
# **Predict:** how many boxes does each give? What will the detector's scores say of the four mugs?

# %% label="opening" alt="Three times a countertop with four mugs, a cat, two toasters and a bird. Asked for mug the detector boxes three of them, each with a score. Asked for the second mug from the right, the detector boxes a striped mug beside it, the model of lesson 00 the orange one, which is meant and dashed."
from gk_utils.countertop.programs import Program, referents
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.models.trunk_grounder import load_grounder

(mini, card), trunk = gd.load_mini(), load_grounder()[0]
wanted = [{"category": name} for name in ("mug", "mug", "mug", "mug", "cat", "toaster")]
scene, phrase = draw_scene(829, n=7, wanted=wanted), "the second mug from the right"
seen = render([scene], (384, 384))
image, true = seen.images[0], seen.boxes[0]
mugs = list(scene.select(category="mug"))
meant = true[list(referents(Program("mug", side="right", rank=2), scene))]
panels = []
for name, found in {
    "detector: mug": mini.detect(image, ["mug"]),
    "detector: the whole phrase": mini.detect(image, [phrase]),
    "lesson 00: the whole phrase": trunk.ground(image, phrase)[:1],
}.items():
    report(f"{name}: boxes", len(found))
    fits = gk.pairwise_iou(true[mugs], found.boxes) >= 0.5
    report("    mugs that have one", fits.any(1).sum())
    best = gk.pairwise_iou(found.boxes[:1], meant) >= 0.5
    report("    the best is the one meant", bool(best.any()))
    scores = [f"{100 * score:.0f} %" for score in found.scores.tolist()]
    shown = {"truth": meant, "truth_labels": [""], "title": name}
    panels.append(viz.Picture(image.permute(1, 2, 0), found.boxes, scores, **shown))
viz.show_grid(panels, columns=4)

# %% [markdown]
# "Mug" has four right answers, and the scores say how well each fits *mug*. Nothing in them says *second*. To find is not
# to choose; at the end we measure the gap. First, how does a detector read? In the order of the data:
#
# 1. **prompt**: phrases with dots, and a mask that keeps them apart;
# 2. **pyramid**: feature maps of several sizes, as one row of cells;
# 3. **enhancer**: cells read words, words read cells;
# 4. **query selection**: the words choose where to start;
# 5. **decoder**: queries read each other, the words and the picture, and move their boxes;
# 6. **read-out**: two thresholds make boxes with labels.
#
# All of it is in `gk_utils/grounding_dino`, one short file each.

# %% [markdown]
# ## Look at a few places
#
# Ordinary attention compares a query with **every** cell. Four maps of a photograph of 800 x 1066 have 17,821. In
# **deformable** attention a query names a few places itself, and how much each counts. A **head** is one such reader; a query has
# several:
#
# $$\mathrm{read} = \sum_{\mathrm{levels}} \sum_{\mathrm{points}} A_{lp} \, V_l(x_{lp}, y_{lp})$$
#
# V(x, y) is read as in RoI Align, between the centres of cells. Places count from 0 to 1, so that one place means the same on
# every level. Outside of the map are zeros.
#
# **On paper:** four cells hold 0, 10 over 20, 30. One head reads at (0.5, 0.25) and (0.75, 0.75), half and half. What comes
# out? And at (0, 0) alone, the very corner?


# %% label="by-hand" tags=["nbval-check-output"]
def read(cells, x, y):
    """The value of a map (h w) at x, y, both from 0 to 1; zeros outside."""
    h, w = cells.shape
    total = 0.0
    for row in range(h):
        for column in range(w):
            share_x = max(0, 1 - abs(w * x - 0.5 - column))
            share_y = max(0, 1 - abs(h * y - 0.5 - row))
            total += share_x * share_y * float(cells[row, column])
    return total


def attend(maps, places, weights):
    """What one head of one query reads: places (levels points 2), weights (levels points)."""
    total = 0.0
    for level, cells in enumerate(maps):
        for (x, y), weight in zip(places[level].tolist(), weights[level].tolist(), strict=True):
            total += weight * read(cells, x, y)
    return total


tiny = torch.tensor([[0.0, 10], [20, 30]])
report("at each place", [read(tiny, 0.5, 0.25), read(tiny, 0.75, 0.75)])
places = torch.tensor([[[0.5, 0.25], [0.75, 0.75]]])
report("half and half", attend([tiny], places, torch.tensor([[0.5, 0.5]])))
report("all cells 8, in the corner", read(torch.full((2, 2), 8.0), 0, 0))

# %% [markdown]
# In the corner only a quarter of a cell is left: a reading fades out over half a cell.
#
# Vectorised, torch's `grid_sample` reads all places of a level at once; it counts places from -1 to 1. The package has also
# a **gather**: four cells a place are rows of one table, and a weighted sum of rows is what `embedding_bag` does. On a
# GPU it is a Triton kernel (`gk_utils/kernels`).
#
# Three levels, four heads, ten queries, four points; some places lie outside. **Predict:** how many numbers does a query
# read for one feature? With ordinary attention it would be 336.

# %% label="forms" tags=["nbval-check-output"]
from torch.nn.functional import grid_sample
from transformers.models.grounding_dino import modeling_grounding_dino as theirs

two = torch.tensor([[[[0.5, 0.25], [0.75, 0.75]]]])  # 1 1 places 2
there = grid_sample(tiny[None, None], 2 * two - 1, align_corners=False)
report("the two places above, by grid_sample", there.flatten())

level_hw, random = [(16, 16), (8, 8), (4, 4)], torch.Generator().manual_seed(0)
values = torch.randn(1, 336, 4, 8, generator=random).double()  # cells, heads, features a head
places = 1.4 * torch.rand(1, 10, 4, 3, 4, 2, generator=random).double() - 0.2
weights = torch.rand(1, 10, 4, 3, 4, generator=random).double()
given = (values, level_hw, places, weights)
ours = gd.deformable_attention(*given)[0]  # queries x (heads * features)

parts = zip(values[0].split([256, 64, 16]), level_hw, strict=True)
maps = [part.unflatten(0, hw)[:, :, 1, 5] for part, hw in parts]  # head 1, feature 5
by_hand = attend(maps, places[0, 7, 1], weights[0, 7, 1])
report("query 7 by your hand = gather", abs(by_hand - ours[7, 8 + 5].item()) < 1e-12)
for form in ("deformable_attention_loop", "deformable_attention_grid_sample"):
    said = getattr(gd, form)(*given)[0]
    report(f"{form} = gather", torch.allclose(said, ours, atol=1e-12))
sizes, starts = torch.tensor(level_hw), torch.tensor([0, 256, 320])
official = theirs.MultiScaleDeformableAttention()
said = official(values, sizes, level_hw, starts, places, weights, 64)[0]
report("transformers' own = gather", torch.allclose(said, ours, atol=1e-12))
report("numbers read, at most: levels x points x 4 cells", 3 * 4 * 4)

# %% [markdown]
# ## Where does a query look?
#
# The places come from the query itself: one linear layer says *offsets*, another *weights* (a softmax makes them sum to 1).
# In the decoder a query carries a box, and an offset counts **half sides of that box**, shared among the points: with four
# points, an offset of 4 reaches from the centre to the side.
#
# Below, the query that fits "mug" best, in the first and in the last decoder layer: the box it starts from, and all that it
# reads. Larger marks count more; circle, diamond and square are the fine, middle and coarse level.
#
# **Predict:** inside the box, on its border, or beyond?


# %% label="looks" alt="Twice the countertop with the box that the best query for mug starts from in the first and in the last decoder layer, and some dozens of marks where its heads read: circles, diamonds and squares of many sizes in and around the box."
from gk_utils.labs.looks import catch_looks, draw_looks

side = mini.image_side
small = render([scene], (side, side)).images
found, looks = catch_looks(mini, small[0], "mug.")
query = int(found.logits[0].amax(-1).argmax())
for name, look in {"first": looks[0], "last": looks[-1]}.items():
    report(f"{name} layer: share of the weights inside its box", look.inside(query))
    report("    on the levels, the finest first", look.weights[query].mean(0).sum(1))
draw_looks(image, [looks[0], looks[-1]], query, ["first layer", "last layer"])

# %% [markdown] card="mean_place" difficulty=3 importance=3 minutes=12
# ### Exercise: where does a head look on average?
#
# One head of one query, on one level. It has a box (centre x, centre y, width, height, as fractions of the picture),
# an offset (x, y) and a logit for each of its points.
#
# Return the **weighted mean** of the places that it reads, [x, y] in pixels of the picture. Places outside of the picture
# count as well.
#
# Hint: A place is the centre plus offset / points x half the box's width (x) or height (y).
#
# Hint: The weights are `logits.softmax(0)`.
#
# Hint: Fractions times (width, height) are pixels; `image_hw` has the height first.
#
# Expected: `[120.0, 50.0]` for a box `[0.5, 0.5, 0.2, 0.4]`, offsets `[[4, 0], [0, 0]]`, equal logits and a picture 200
# wide and 100 high: one point stands beyond the right side, one on the centre.


# %% exercise="mean_place" points=3
def mean_place(
    box_cxcywh: list[float],
    offsets: torch.Tensor,
    logits: torch.Tensor,
    image_hw: tuple[int, int],
) -> list[float]:
    """Return the weighted mean of the places that a head reads, [x, y] in pixels.

    box_cxcywh: as fractions of the picture; offsets (points, 2): x, y; logits (points,);
    image_hw: (height, width) of the picture.
    """
    ### BEGIN SOLUTION
    x, y, w, h = box_cxcywh
    half = torch.tensor([w / 2, h / 2])
    places = torch.tensor([x, y]) + offsets / len(offsets) * half
    mean = (logits.softmax(0)[:, None] * places).sum(0)
    return [mean[0].item() * image_hw[1], mean[1].item() * image_hw[0]]
    ### END SOLUTION


# %% check="mean_place"
check("07.mean_place", mean_place)
mean_place = use("07.mean_place", mean_place)

# %% [markdown]
# ## Who reads whom?
#
# "red mug. blue cat." asks two questions in one text. In an ordinary language model *red* would colour the cat. So words read
# only inside their **sub-sentence**, which a dot ends: the mask below, on the left.
#
# Is that so in a trained model? Replace one word (columns) and see which words' features change (rows): in the middle by
# the text encoder alone, on the right after the enhancer, where words have read the picture.
#
# **Predict** both. Can "blue" reach "mug"?

# %% label="mask" tags=["nbval-check-output"] alt="Three tables of ten tokens by ten. The mask has a blue block for each sub-sentence along the diagonal. The table of the text encoder has colour in the same blocks alone. After the enhancer there is colour beside the blocks too."
from gk_utils.labs.token_tables import draw_tables

ids, _ = mini.words.encode(["red mug. blue cat. toaster."])
tokens = ["[start]", "red", "mug", ".", "blue", "cat", ".", "toaster", ".", "[end]"]
separators = mini.model.settings.separators
attends, _ = gd.sub_sentences(ids, separators)


def features(ids):
    """What the words say, from the text encoder and after the enhancer: tokens x features."""
    with torch.no_grad():
        enhanced = mini.model.find(mini.model.see(small), ids).words.features[0]
        said = mini.model.text_encoder(ids, *gd.sub_sentences(ids, separators))
        return mini.model.text_projection(said)[0], enhanced


before, changes = features(ids), torch.zeros(2, len(tokens), len(tokens))
for column, token in enumerate(tokens):
    if token.isalpha():  # a dot less would be another mask
        other = ids.clone()
        other[0, column] = mini.words.number["spoon"]
        for table, old, new in zip(changes, before, features(other), strict=True):
            table[:, column] = (new - old).norm(dim=1) / old.norm(dim=1)
apart = ~attends[0]
report("most that a word of another phrase changes, text encoder", changes[0][apart].max())
report("after the enhancer, more than that", bool(changes[1][apart].max() > 1e-4))
shades = changes / changes.amax(1, keepdim=True).clamp(min=1e-9)
tables = [attends[0].float(), *shades.sqrt()]  # the root, so that little shows
named = {"titles": ["may read", "text encoder", "after the enhancer"], "ylabel": "reads"}
draw_tables(tables, tokens, tokens, numbers=False, **named)

# %% [markdown] card="leaks" difficulty=3 importance=4 minutes=12
# ### Exercise: find the leaks
#
# The mask keeps phrases apart in the text encoder. Through the *picture* they meet all the same: cells read all words, words
# read cells.
#
# A colleague wrote a mask of her own. Given tokens and mask, return all **leaks**: pairs (i, j) where token i reads token j
# although they belong to different sub-sentences, ordered by i, then j.
#
# A sub-sentence ends with "." **or "?"**, which belongs to it. `[CLS]` and `[SEP]` (BERT's names for start and end) belong to
# none: each is alone. So is every token that no separator ends: without a final dot there is no last phrase.
#
# Hint: Give each token the place of the next "." or "?" at or behind it.
#
# Hint: A token that is alone gets a number of its own, such as -1 - i.
#
# Hint: (i, j) leaks if `attends[i, j]` and the two numbers differ.
#
# Expected: `[(5, 1)]` if in `[CLS] red mug . blue cat . [SEP]` all is right but "cat" also reads "red".


# %% exercise="leaks" points=3
def leaks(tokens: list[str], attends: torch.Tensor) -> list[tuple[int, int]]:
    """Return the pairs (reader, read) that belong to different sub-sentences.

    tokens: texts; attends (t, t): True where the token of the row reads that of the column.
    """
    ### BEGIN SOLUTION
    numbers, following = [], None
    for i in reversed(range(len(tokens))):
        if tokens[i] in (".", "?"):
            following = i
        alone = tokens[i] in ("[CLS]", "[SEP]") or following is None
        numbers.insert(0, -1 - i if alone else following)
    places = range(len(tokens))
    return [
        (i, j) for i in places for j in places if attends[i, j] and numbers[i] != numbers[j]
    ]
    ### END SOLUTION


# %% check="leaks"
check("07.leaks", leaks)
leaks = use("07.leaks", leaks)

# %% [markdown]
# ## The words choose where to start
#
# After the enhancer each cell proposes a box and is compared with each word: a scalar product. The cells that some word fits
# best hand their boxes to the queries. That is **language-guided query selection**. It is *mixed*: where a query starts
# depends on the words, its *content* is learned and always the same.
#
# Below, the fine level for two prompts: the brighter, the better it fits the best word; boxes are the first three starts.
# Then the same model **without fusion**: in the enhancer neither side reads the other.
#
# **Predict** the last two. Which prompt needs the enhancer more?

# %% label="selection" tags=["nbval-check-output"] alt="Four pale countertops with coloured cells: for mug and for the second mug from the right, with the enhancer's fusion and without it. Boxes show the first three starts of the queries."
import copy

from gk_utils.frames import Frame
from gk_utils.labs.score_maps import overlay
from gk_utils.models.trunk_grounder import ScoreMap

without_fusion = copy.deepcopy(mini)
for layer in without_fusion.model.enhancer.layers:
    layer.fusion.scale_cells.data.zero_()  # what a cell has read is not added
    layer.fusion.scale_words.data.zero_()

panels, starts = [], {}
for name, asked in {"": mini, "no fusion: ": without_fusion}.items():
    for prompt in ("mug", "cat", phrase):
        with torch.no_grad():
            found, ids = asked(small, [f"{prompt}."])
        level_hw, words = found.cells.level_hw[0], ~torch.isin(ids[0], torch.tensor(separators))
        scores = (
            found.selected.cell_logits[0, : level_hw[0] * level_hw[1], words].sigmoid().amax(1)
        )
        frame = Frame.of_image((384, 384)).grid(level_hw)
        shown = overlay(image, ScoreMap(scores.view(level_hw), 0.0, frame))
        first = 384 * gk.cxcywh_to_xyxy(found.selected.references[0, :3])
        panels.append(viz.Picture(shown, first, [""] * 3, title=f"{name}{prompt}"))
        starts[name + prompt] = found.selected
alike = [torch.equal(one.contents, starts["mug"].contents) for one in starts.values()]
report("contents of the queries, the same for all prompts", all(alike))
cells = [set(starts[name].cells[0].tolist()) for name in ("mug", "cat")]
report("starts, and those that mug and cat share", [len(cells[0]), len(cells[0] & cells[1])])
viz.show_grid([panel for panel in panels if "cat" not in panel.title], columns=4)

# %% [markdown]
# Without fusion both prompts light up nearly the same cells. And few queries on few things share most starts, even those of *mug*
# and *cat*.
#
# ## Boxes that move
#
# A query has a content and a box. In each decoder layer it reads the other queries, then all words, then the picture around
# its box; then its box is moved. After the last layer the content is compared with each token: the **logits**.
#
# Below are the best five queries for three phrases. Then numbers: on 60 fresh countertops, the best query for each thing whose
# category is there once.
#
# **Predict:** how much better do boxes get, layer by layer?

# %% label="layers" alt="The countertop once for the query selection and once for each decoder layer, with five boxes of the best queries on mugs, cat and toasters; true boxes are dashed. From one to the next the boxes move a little."
from gk_utils.countertop.scene import draw_scenes
from gk_utils.countertop.things import CATEGORIES
from gk_utils.labs.trials import hard_trials, ious_by_layer

with torch.no_grad():
    found, _ = mini(small, ["mug. cat. toaster."])
five = found.logits[0].amax(-1).topk(5).indices
after = [found.selected.boxes_cxcywh[0], *found.decoded.boxes_cxcywh[:, 0]]
names = ["query selection", *(f"layer {number}" for number in range(1, len(after)))]
look = {"truth": true, "truth_labels": [""] * len(true)}
panels = [
    viz.Picture(
        image.permute(1, 2, 0),
        384 * gk.cxcywh_to_xyxy(at[five]),
        list("12345"),
        title=name,
        **look,
    )
    for name, at in zip(names, after, strict=True)
]
scenes = draw_scenes(range(7000, 7060), n=6)
ious = ious_by_layer(mini, scenes)
for name, column in zip(names, ious.T, strict=True):
    report(
        f"{name}: mean IoU, share of 0.75 or more",
        [column.mean(), (column >= 0.75).float().mean()],
    )
viz.show_grid(panels, columns=5)

# %% [markdown]
# Hardly better: in this small model the query selection proposes good boxes already.
#
# ## Two thresholds
#
# What comes out are scores: boxes x tokens. The published way to read them has two steps.
#
# - **Box threshold:** keep a box if its best token scores more.
# - **Text threshold:** call it by all tokens that score more, in their order. Nothing makes these one phrase.
#
# Framed below is what passes the text threshold; both are 0.25, transformers' default. **Predict** for "red mug. cat. toaster.":
# how many boxes? Which tokens of a red mug's box may pass besides *red* and *mug*, and how will its label read?

# %% label="readout" alt="Left: a countertop with two red mugs, a blue mug, a toaster, apples and a cat, with the boxes that pass. Right: a table of these boxes by the tokens of the prompt, scores in percent, those above the text threshold framed, and at the left the labels that result."
from gk_utils.labs.expressions import kitchens
from gk_utils.labs.prompt_readings import ask_prompt, draw_prompt, read_prompt

kitchen = kitchens()["A"]
asked = ask_prompt(mini, kitchen.image, "red mug. cat. toaster.")
reading = read_prompt(asked, box_threshold=0.25, text_threshold=0.25)
report("boxes that pass, labels", [len(reading.boxes), len(set(reading.labels))])
draw_prompt(reading)

# %% [markdown] card="label_kind" difficulty=2 importance=4 minutes=10
# ### Exercise: what kind of label is it?
#
# Above, three phrases ran into one label, and two of the three things have no box. In training this model met adjectives
# in whole expressions alone; in lists there were bare nouns only. A dot does not make a model keep phrases apart: training does.
#
# Labels are cut out of the prompt by a threshold, token by token. Say of one box which kind its label is:
#
# - `"empty"`: no word scores more than the text threshold;
# - `"merged"`: words of two phrases or more do;
# - `"whole"`: every word of one phrase does;
# - `"cut"`: some words of one phrase do, not all.
#
# `[CLS]`, `[SEP]` and dots are no words; they never count. A phrase is what stands between dots.
#
# Hint: Go through the tokens with a list of phrases: a word is added to the last one, a dot begins another.
#
# Hint: Count for each phrase its words, and those that score **more** than the threshold.
#
# Hint: How many phrases have one or more? None: empty. Two: merged. One: compare its two counts.
#
# Expected: `"cut"` for "a chest" of the phrase "a chest of drawers".


# %% exercise="label_kind" points=2
def label_kind(scores: list[float], tokens: list[str], text_threshold: float) -> str:
    """Return "empty", "merged", "whole" or "cut".

    scores: of one box for each token; tokens: texts, with [CLS], [SEP] and dots.
    """
    ### BEGIN SOLUTION
    phrases = [[]]
    for score, token in zip(scores, tokens, strict=True):
        if token == ".":
            phrases.append([])
        elif token not in ("[CLS]", "[SEP]"):
            phrases[-1].append(score > text_threshold)
    named = [phrase for phrase in phrases if any(phrase)]
    if not named:
        return "empty"
    if len(named) > 1:
        return "merged"
    return "whole" if all(named[0]) else "cut"
    ### END SOLUTION


# %% check="label_kind"
check("07.label_kind", label_kind)
label_kind = use("07.label_kind", label_kind)

# %% [markdown]
# ## Move the thresholds
#
# **Try it:** "mug. apple. cat. toaster." Raise the box threshold until one thing is lost. Which was it, and what is still
# wrong? Then lower the text threshold until a label merges two phrases.
#
# Leave the dots out: "mug apple cat toaster". Ask for what is not there. At last the photograph: the model knows drawings
# alone, and answers are shown as they are.
#
# (On a page without a kernel you see the first picture only.)

# %%
from gk_utils.labs.phrase_boxes import phrase_lab

phrase_lab(mini)

# %% [markdown] card="best_threshold" difficulty=3 importance=4 minutes=12
# ### Exercise: choose a threshold
#
# 0.25 or 0.3 is a habit, not a law. You have labelled pictures: the scores of all boxes, which of them are right (each thing
# counts once), and how many things there are.
#
# Return the box threshold with the best **F1**, out of 0, 0.05, 0.10 ... 0.95 (`k / 20`). A box passes if it scores **more**.
# Of equals return the **lowest**.
#
# F1 is 2 x right boxes that pass / (boxes that pass + things).
#
# Hint: Loop over `k / 20 for k in range(20)`.
#
# Hint: Things without any right box count in the denominator: use `things`, not `sum(right)`.
#
# Hint: Replace the best only where F1 is strictly larger; begin with -1.
#
# Expected: `0.45` for scores `[0.92, 0.83, 0.41, 0.12]` of which the first two are right, and two things.


# %% exercise="best_threshold" points=3
def best_threshold(scores: list[float], right: list[bool], things: int) -> float:
    """Return the threshold out of 0, 0.05 ... 0.95 with the best F1, the lowest of equals.

    scores: of all boxes; right: whether each is right; things: how many there are to find.
    """
    ### BEGIN SOLUTION
    best, chosen = -1.0, 0.0
    for k in range(20):
        passed = [hit for score, hit in zip(scores, right, strict=True) if score > k / 20]
        f1 = 2 * sum(passed) / max(len(passed) + things, 1)
        if f1 > best:
            best, chosen = f1, k / 20
    return chosen
    ### END SOLUTION


# %% check="best_threshold"
check("07.best_threshold", best_threshold)
best_threshold = use("07.best_threshold", best_threshold)

# %% [markdown]
# ## Detection is not grounding
#
# Now we count. Expressions of the **frozen split** (drawn once, kept in `data/countertop`) whose noun fits **two things or more**,
# so that finding is not enough. One answer is right if its IoU is 0.5 or more. Who is asked what:
#
# - *right noun, at random*: the baseline: one of the things of the right category;
# - *detector, noun*: the category of what is meant, the best box; and the best **five** boxes;
# - *detector, whole*: the whole expression;
# - *control*: the whole expression, of another picture;
# - *lesson 00*: the grounding model, for comparison.
#
# **Predict:** with the noun, how often is the right thing first, and how often among five?

# %% label="finds" tags=["nbval-check-output"] alt="Bars with intervals of the share of expressions whose box is right. The noun's best box is hardly better than a thing of the right noun at random; among five boxes the right one is far more often. The whole expression is right about as often as that, the model of lesson 00 nearly always; the control never."
from gk_utils.evaluate import measure

trials, outcome, bars = hard_trials(mini, 150), {}, {}
about, whole, nouns = (mini.model, mini.words), trials.texts, trials.nouns
outcome["right noun, at random"] = 1 / trials.rivals
outcome["detector, noun: best box"] = trials.right(*about, nouns)
outcome["detector, noun: 5 best boxes"] = trials.right(*about, nouns, 5)
outcome["detector, whole: best box"] = trials.right(*about, whole)
outcome["control: another picture"] = trials.other_pictures().right(*about, whole)
outcome["lesson 00, whole"] = trials.right_by_trunk(trunk.trunk)
for name, hits in outcome.items():
    interval = measure.mean_interval(hits, trials.picture)
    report(name, **interval)
    bars[name] = tuple(interval.values())


def ahead(first, second):
    """Whether the first is right more often, with the whole 95 % interval above 0."""
    gap = outcome[first].double() - outcome[second].double()
    return measure.mean_interval(gap, trials.picture)["low"] > 0


among, first = "detector, noun: 5 best boxes", "detector, noun: best box"
report("has it among 5 boxes more often than first, interval above 0", ahead(among, first))
charts.bars(bars, xlabel=f"share right of {len(trials)} hard expressions, with 95 % interval")

# %% [markdown]
# Told the noun, the detector finds and does not choose. Told the whole expression it does choose: it was trained on such ones.
#
# ## What do the words do, and where?
#
# Words meet the picture in each enhancer layer, in the query selection, and in each decoder layer. Take them away, one place
# after the other, in the trained model, and ask the whole expressions again.
#
# This is a **lesion**, not another training: a model that was trained without would have found other ways.
#
# **Predict:** without fusion, what is left of a whole expression? Compare with the noun alone, above.


# %% label="lesions" tags=["nbval-check-output"] alt="Bars with intervals: share right of the hard expressions. Where cells do not read words, alone or with words that do not read cells, the model falls to the level of the noun alone. Where words do not read cells it loses little, where the decoder does not read words nothing."
def lesion(*places):
    """The model with some readings taken away; what is read is not added."""
    model = copy.deepcopy(mini.model)
    for layer in model.enhancer.layers:
        for place in places:
            if place != "decoder":
                getattr(layer.fusion, f"scale_{place}").data.zero_()
    for layer in model.decoder.layers if "decoder" in places else ():
        for weight in layer.on_words.project.parameters():
            weight.data.zero_()
    return model


layers = len(mini.model.enhancer.layers) + len(mini.model.decoder.layers)
report("places where words meet the picture", layers + 1)
lesions = {
    "as it is": [],
    "cells do not read words": ["cells"],
    "words do not read cells": ["words"],
    "neither: no fusion": ["cells", "words"],
    "decoder does not read words": ["decoder"],
}
for name, places in lesions.items():
    outcome[name] = trials.right(lesion(*places), mini.words, whole)
bars = {}
for name in (*lesions, first):
    interval = measure.mean_interval(outcome[name], trials.picture)
    report(name, **interval)
    bars[name] = tuple(interval.values())
charts.bars(bars, xlabel=f"share right of {len(trials)} hard expressions, with 95 % interval")

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=12
# ### Exercise: the cup next to the laptop
#
# A colleague's robot fetches things. She asks an open-vocabulary detector for "the cup next to the laptop", takes the best box
# (threshold 0.25), and was right in 62 of 100 trials. Her report: *the detector understands relations*. In the trials there
# were two cups on average. Some labels read "cup laptop". She wants to raise the threshold to get to 90.
#
# In five to eight sentences: what do her 62 show? Which **baseline** and which **control** are missing, and what would they
# have to give? What do the labels tell, what will the threshold do, and what would you change?
#
# Hint: How often is the best box for "cup" alone right?
#
# Hint: What should "the cup **far from** the laptop" give?
#
# Hint: A threshold drops boxes. Does it ever change their order?
#
# Expected: a text with a verdict on the claim, a baseline, a control, the labels, the threshold and a remedy.

# %% [markdown] answer="explain" points=4
# ### BEGIN SOLUTION
# One point each. **Verdict:** 62 of 100 with two cups on average is hardly above one cup at random (about 50, with an interval
# of some 10 to each side), so it shows that cups are found, not that the relation is used. **Baseline and control:** the
# same pictures with "cup" alone; and the opposite phrase, or the same phrase on other pictures. If the relation counts, the
# baseline must be clearly lower (paired, with an interval), and for the opposite phrase the other cup must win. **Labels and
# threshold:** "cup laptop" is merged: tokens of both passed the text threshold, which says nothing about *next to*. The box
# threshold drops boxes and never changes their order, so the best box stays the best; it can only turn some answers into
# none. **Remedy:** find all cups and the laptop, and let something that was trained or written for it choose: a grounding
# model, or a check of the relation on the boxes (lesson 10); then measure again. Full marks for other sound tests.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - By hand, loop, `grid_sample` and gather read what transformers' deformable attention reads.
# - The mask keeps phrases apart in the text encoder; through the picture they meet.
# - Words choose where queries start; their contents stay the same.
# - What makes a whole expression more than its noun is the enhancer, where cells read words: the lesions.
# - Finding is not choosing: the two bars of the noun above, with their intervals. **Baseline:** the right noun at random.
#   **Control:** another picture.
#
# **Limits.** One small model, drawn pictures, nouns handed over by the truth. Lesions are not trainings.
#
# ## Check yourself
#
# <details><summary>1. Why do places count from 0 to 1, not in cells?</summary>
#
# One place means the same on every level, and on pictures of any size.</details>
#
# <details><summary>2. The mask forbids "blue" to colour "mug". It does all the same. How?</summary>
#
# Through the picture: cells read all words, and words read cells.</details>
#
# <details><summary>3. Which threshold decides how many boxes there are, which what they are called?</summary>
#
# The box threshold; the text threshold.</details>
#
# <details><summary>4. Which part of a query depends on the prompt when the decoder starts?</summary>
#
# Its box. Its content is learned.</details>
#
# <details><summary>5. A detector has the right mug among five boxes in 9 of 10 pictures. How good is it at "the left mug"?</summary>
#
# Unknown: that it is among them says nothing about which is first.</details>
#
# <details><summary>6. Why can a label read "mug cat"?</summary>
#
# Both tokens passed the text threshold, and nothing makes labels one phrase.</details>

# %% [markdown]
# ## Going further
#
# ### Labels, counted
#
# With your `label_kind`: 60 fresh countertops, each asked for two things that are there, the first with its colour. How many
# labels are whole, cut, merged, empty? **Predict** what a higher text threshold does to each.

# %% label="labels" tags=["nbval-check-output"] alt="Share of labels that are whole, cut, merged or empty, over the text threshold from 0.1 to 0.7. With a higher threshold merged ones become fewer and empty ones more."
kinds, at = ("whole", "cut", "merged", "empty"), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
counted = {kind: [0] * len(at) for kind in kinds}
pictures = render(scenes, (side, side)).images
for row, one in enumerate(scenes):
    one_thing = one.things[0]
    others = [thing.category for thing in one.things if thing.category != one_thing.category]
    phrases = [f"{one_thing.colour} {one_thing.category}", *others[:1]]
    asked = ask_prompt(mini, pictures[row], gd.write_prompt(phrases))
    spoken = ["[CLS]", *asked.tokens[1:-1], "[SEP]"]
    for scores in read_prompt(asked, 0.3, 0.3).token_scores.tolist():
        for column, threshold in enumerate(at):
            counted[label_kind(scores, spoken, threshold)][column] += 1
boxes_read = max(1, sum(counted[kind][0] for kind in kinds))
lines = {kind: [number / boxes_read for number in counted[kind]] for kind in kinds}
report("boxes read", boxes_read)
for kind, line in lines.items():
    report(f"{kind}, at {at[0]}, {at[2]}, {at[-1]}", [line[0], line[2], line[-1]])
report("kinds of labels seen", sum(any(line) for line in counted.values()))
charts.curve(at, lines, xlabel="text threshold", ylabel="share of the labels")

# %% [markdown]
# Who knows which phrases were asked for need not read labels at all: `gd.best_phrases` gives each box the phrase whose tokens
# score most. That is what `mini.detect` does.
#
# ### Case, dots, and the last dot
#
# transformers' processor joins a *list* of labels as it should: lower case, dots, one at the end. A ready *string* it takes
# as it is, and one sees `"cup . plate . person . table"` in many places.
#
# Below is what the published mask makes of "cat. red mug" with and without the last dot, in BERT's token numbers. **Predict:**
# who reads whom in the last phrase?

# %% label="dots" tags=["nbval-check-output"] alt="Two tables of who reads whom. With the final dot, red, mug and the dot read each other. Without it each reads itself alone."
numbers = {"[CLS]": 101, "cat": 4937, "red": 2417, "mug": 14757, ".": 1012, "[SEP]": 102}
with_dot = ["[CLS]", "cat", ".", "red", "mug", ".", "[SEP]"]
without_dot = ["[CLS]", "cat", ".", "red", "mug", "[SEP]"]
masks = {}
for name, spoken in {"with": with_dot, "without": without_dot}.items():
    row = torch.tensor([[numbers[token] for token in spoken]])
    masks[name] = gd.sub_sentences(row, (101, 102, 1012, 1029))[0][0]
    together = masks[name][3, 4] and masks[name][4, 3]
    words = f"words of the last phrase that read each other, {name} the final dot"
    report(words, 2 * int(together))
report("leaks, by your function", len(leaks(with_dot, masks["with"])))
there = torch.tensor([0, 1, 2, 3, 4, 6])  # all but the final dot
padded = torch.zeros(7, 7)
padded[there[:, None], there] = masks["without"].float()
titles = ["with the final dot", "without it"]
draw_tables([masks["with"].float(), padded], with_dot, with_dot, titles=titles, numbers=False)

# %% [markdown]
# Two phrases become one and a half: *red* and *mug* no longer know each other, and the box of any mug may answer. (With padding
# behind it, as in a batch, even this differs.) Put the dot.
#
# ### Thresholds, chosen
#
# Your `best_threshold` for this model: 60 countertops, all categories asked for at once. Chosen on the first half, judged on the
# other, beside 0.3, below which `mini.detect` gives no boxes. **Predict:** higher or not?

# %% label="chosen" tags=["nbval-check-output"]
pictures, found = render(scenes, (side, side)), []
for row, one in enumerate(scenes):
    said = mini.detect(pictures.images[row], list(CATEGORIES))
    free = set(range(len(one.things)))
    for box, score, name in zip(said.boxes, said.scores.tolist(), said.phrases, strict=True):
        fits = gk.pairwise_iou(box[None], pictures.boxes[row])[0]
        hits = [i for i in free if one.things[i].category == name and fits[i] >= 0.5]
        free -= set(hits[:1])
        found.append((row, score, bool(hits)))
chosen = None
for half in (range(30), range(30, 60)):
    scores, hits = zip(*[(s, h) for row, s, h in found if row in half], strict=True)
    things = sum(len(scenes[row].things) for row in half)
    chosen = chosen or best_threshold(list(scores), list(hits), things)  # on the first half
    for at in sorted({0.3, chosen}):
        passed = [h for s, h in zip(scores, hits, strict=True) if s > at]
        f1 = 2 * sum(passed) / (len(passed) + things)
        report(f"pictures {half[0]} to {half[-1]}: threshold, F1", [at, f1])

# %% [markdown]
# ### Noise to put right, noise to turn down
#
# How is it trained? Each thing is matched with one query (lesson 04), which learns its box and its tokens; the others learn that
# no token is theirs. Early on, a thing is matched with another query at every step.
#
# **Contrastive denoising** adds queries that know their thing: its box with noise. Those with a little noise must be put right
# (left), those with much must be turned down (right), though they lie nearby.
#
# **Predict:** is every box on the right worse than every box on the left?

# %% label="noise" alt="The countertop twice with dashed true boxes. Left solid boxes near them, each corner moved by up to half a side; right boxes moved further, some of them lines."
from gk_utils.grounding_dino.denoising import noised_boxes

torch.manual_seed(0)
unit = gk.xyxy_to_cxcywh(true / 384)[:4].repeat(50, 1)  # four things, fifty times
panels = []
for number, name in enumerate(["put right", "turn down"]):
    noised = noised_boxes(unit[None], torch.full((len(unit),), number))[0]
    boxes = 384 * gk.cxcywh_to_xyxy(noised)
    ious = gk.paired_iou(boxes, true[:4].repeat(50, 1))
    report(
        f"{name}: IoU with the thing, lowest, mean, highest",
        [ious.min(), ious.mean(), ious.max()],
    )
    look = {"truth": true[:4] / 2, "truth_labels": [""] * 4, "title": name}
    panels.append(
        viz.Picture(image[:, ::2, ::2].permute(1, 2, 0), boxes[:4] / 2, [""] * 4, **look)
    )
viz.show_grid(panels, columns=4)

# %% [markdown]
# No: some on the left lie further off than some on the right.
#
# What does it buy? Enhancer and query selection stay as they are; a **new decoder** of one layer learns on 50 countertops, 40
# steps, with and without noised boxes, from two seeds each. Then AP50 on 30 others.
#
# **Predict** the difference. And is two seeds enough to call it one?

# %% label="denoising"
from gk_utils.labs.denoising_trial import ap50, hand_over, train_decoder

learn = hand_over(mini, draw_scenes(range(20_000, 20_050), n=6))
held = hand_over(mini, draw_scenes(range(7000, 7030), n=6))
gained = []
for seed in (0, 1):
    without, with_it = (
        ap50(held, train_decoder(learn, groups=groups, steps=40, seed=seed))
        for groups in (0, 1)
    )
    report(f"seed {seed}: AP50 without and with denoising", [without, with_it])
    gained.append(with_it - without)
report("gain of each seed", gained)

# %% [markdown]
# Unless both gains point the same way and exceed what separates the seeds, this is **not decided**. The trial is small and kind to
# the plain decoder: the boxes it is handed are good before it begins. DINO's authors argue from whole trainings, where matching
# changes at every step. A step with denoising costs more, too. Change `steps` and `groups`; what would convince you?

# %% [markdown]
# ### GLIP before it
#
# GLIP (2021) had the idea: **detection is phrase grounding**. All categories in one text; a region's score for a token is a
# scalar product, no longer a class of a fixed list. It also fused words and picture deeply, in a dynamic head (DyHead), and
# labelled 24 million image-text pairs itself to learn from 27 million in all.
#
# Grounding DINO kept text, products and fusion, and replaced the head by a deformable transformer with queries. So fusion comes
# three times: before, at and after the selection. Now the numbers from the literature, with their data.

# %% label="published" tags=["nbval-check-output"]
cited = {  # AP on COCO, nothing of COCO in training, unless the name says else
    "GLIP T, COCO zero-shot": 46.6,
    "Grounding DINO T, COCO zero-shot": 48.4,
    "Grounding DINO T, COCO fine-tuned": 57.2,
    "Grounding DINO L, COCO zero-shot, not released": 52.5,
    "Grounding DINO L, COCO fine-tuned": 63.0,
    "MM Grounding DINO T, COCO zero-shot": 50.4,
    "DINO-X Pro, COCO": 56.0,
    "SAM 3, COCO": 56.4,
    "Grounding DINO T, Flickr30k Entities, recall at 1, test": 88.1,
    "Grounding DINO T, RefCOCO val zero-shot, right at 1": 50.8,
    "Grounding DINO T, RefCOCO val zero-shot, right among 5": 89.5,
    "Grounding DINO T, RefCOCO val fine-tuned, right at 1": 89.2,
}
for name, value in cited.items():
    report(name, value)
report("lost by choosing, RefCOCO", 89.5 - 50.8)
lost = outcome[among].double().mean() - outcome[first].double().mean()
report("lost by choosing, here, by the noun", 100 * lost)

# %% [markdown]
# Sources: the READMEs of GLIP and Grounding DINO, mmdetection's of MM Grounding DINO (with the RefCOCO rows), SAM 3's and
# DINO-X's. T learned from O365, GoldG and Cap4M, GLIP T from O365, GoldG, CC3M and SBU. GoldG holds Flickr30k, so its recall is no
# zero-shot; and the *base* weights, often used "zero-shot", have seen COCO and RefCOCO.
#
# 50.8 against 89.5: the best box is right in half the cases, one of five in nine of ten. Fine-tuned on such expressions it
# chooses. Detection is not grounding, in the literature too.
#
# ### The same as transformers'
#
# Is our model the real one? A tiny published architecture with random weights, in transformers and in this package. **Predict**
# what must agree, and how closely.

# %% label="equal" tags=["nbval-check-output"]
import transformers

swin = {"image_size": 64, "embed_dim": 16, "depths": [1] * 4, "num_heads": [1, 1, 2, 2]}
bert = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
sizes = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "num_queries": 10}
sizes |= {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_text_len": 16}
sizes |= {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
config = transformers.GroundingDinoConfig(
    backbone_config=transformers.SwinConfig(
        **swin, window_size=4, out_features=["stage2", "stage3", "stage4"]
    ),
    text_config=transformers.BertConfig(**bert, intermediate_size=32, vocab_size=15_000),
    **sizes,
)
torch.manual_seed(0)
published = transformers.GroundingDinoForObjectDetection(config).eval()
with torch.no_grad():
    for weight in published.parameters():  # what begins at zero would hide mistakes
        weight.add_(0.05 * torch.randn_like(weight))
    row = torch.tensor([[numbers[token] for token in with_dot]])
    pixels = torch.randn(1, 3, 75, 100)
    official = published(pixels, row)
    ours = gd.of_transformers(published)(pixels, row)
off = (ours.logits - official.logits[..., : row.shape[1]]).abs().max()
report("logits differ by less than 1e-4", bool(off < 1e-4))
report(
    "boxes differ by less than 1e-5",
    bool((ours.boxes_cxcywh - official.pred_boxes).abs().max() < 1e-5),
)

# %% [markdown]
# The tests compare every layer, in double precision, and every loss.
#
# ### The published model, and your photograph
#
# Set `download` to True (0.7 GB, once; a GPU helps). The cell then asserts the same of the published weights, on your machine, and
# asks them for a photograph: put your own file and phrases there. Without the weights it prints one line.

# %% alt="A photograph of a cup, a spoon and coffee with the boxes of the published model, where it could be loaded."
from gk_utils import hub, photos
from gk_utils.hub.fetch import is_here

name, phrases, download = "grounding-dino-tiny", ["a cup", "a spoon"], False
photo = torch.from_numpy(photos.load("coffee").image).permute(2, 0, 1) / 255
figure, detector = None, None
if download or is_here(hub.MODELS[name]):
    detector = hub.try_load(name)
else:
    print(f"{name} is not on this machine. Set download = True to fetch it.")
if detector is not None:
    official, processor = hub.load_transformers(name)
    given = processor(
        images=photos.load("coffee").image, text=gd.write_prompt(phrases), return_tensors="pt"
    )
    given = given.to(official.device)
    with torch.no_grad():
        want = official(**given)
        ours = gd.of_transformers(official)(given["pixel_values"], given["input_ids"])
    off = (ours.boxes_cxcywh - want.pred_boxes).abs().max()
    assert off < 1e-3, f"boxes differ by {off}"
    report("published weights: boxes differ by less than 1e-3", True)
    said = detector.detect(photo, phrases)
    labels = [f"{p} {s:.2f}" for p, s in zip(said.phrases, said.scores.tolist(), strict=True)]
    figure = viz.show_boxes(photo.permute(1, 2, 0), said.boxes.cpu(), labels)
figure

# %% [markdown]
# ### Failures
#
# Two hard expressions that the mini model gets wrong and the model of lesson 00 right, as they come. The detector's best box is
# solid, what is meant dashed. **Say** of each: another thing of the noun, or something else?

# %% alt="Two drawn countertops, each with an expression above it; the detector's best box is solid on another thing, the box that is meant is dashed."
wrong = ~outcome["detector, whole: best box"] & outcome["lesson 00, whole"]
panels = []
for row in wrong.nonzero()[:2, 0].tolist():
    sample, picture = trials.samples[row], trials.images[row]
    asked = ask_prompt(mini, picture, f"{sample.text}.")
    best = asked.logits[:, 1:-2].sigmoid().mean(1).argmax()
    look = {"truth": trials.truth[row][None], "truth_labels": [""], "title": sample.text}
    box = asked.boxes[best][None]
    large = render([sample.scene], (288, 288)).images[0].permute(1, 2, 0)
    look["truth"] = 288 / side * look["truth"]
    panels.append(viz.Picture(large, 288 / side * box, [""], **look))
viz.show_grid(panels, columns=4)

# %% [markdown]
# ### To read
#
# - Liu et al. 2023, [Grounding DINO](https://arxiv.org/abs/2303.05499): figure 3 and sections 3.1 to 3.4 are this lesson.
# - Zhu et al. 2021, [Deformable DETR](https://arxiv.org/abs/2010.04159): equations 2 and 3.
# - Zhang et al. 2022, [DINO](https://arxiv.org/abs/2203.03605), section 3.3: contrastive denoising.
# - Li et al. 2022, [GLIP](https://arxiv.org/abs/2112.03857): detection as phrase grounding.
# - [Questions about labels](https://huggingface.co/IDEA-Research/grounding-dino-tiny/discussions/9) that come back cut or merged.
