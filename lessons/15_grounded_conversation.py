# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Grounded conversation: write it, then check it"
#     claim: >-
#       A language model that sees no picture writes talks about pictures, with boxes, and makes some of it up. You build the filter
#       that finds what it made up, show with an interval how much it catches, and say which claims no filter of this kind decides.
#     objectives:
#       - write the prompt from which a language model makes a talk without seeing the picture, and read its links back
#       - hold every sentence and every box of a talk against two witnesses, and tell contradicted from undecided
#       - measure a filter by precision and recall against planted errors, with a baseline that loses and a control that fails
#       - say which errors boxes make checkable, which could be checked before, and which stay open
#       - compute POPE, CHAIR and the scores of grounded conversation generation, and say what each of them forgives
#     prerequisites:
#       - 09_grounded_sam
#       - 10_spatial_relations
#       - 12_kosmos2
#     minutes: 75
#     claims:
#       - claim: "Grounded conversations are made by showing GPT-4V the picture and letting it write boxes; most sets were made so."
#         verdict: wrong
#         says: "For the sets that are named, the boxes were there before: text alone went to the language model, or no such model wrote them."
#         cell: prompt
#         shows: "parts of the prompt that are no text"
#       - claim: "LLaVA-Grounding, Shikra's SpatialRGPT data and ShareGPT4V's grounded subset are examples."
#         verdict: wrong
#         says: "SpatialRGPT is by others; Shikra's set is Shikra-RD; ShareGPT4V has no boxes."
#         cell: sources
#         shows: "sets of three with boxes, as they are named"
#       - claim: "A grounded caption gives boxes such as [120, 45, 280, 410]."
#         verdict: imprecise
#         says: "Pixels mean nothing without the size of the picture."
#         cell: pixels
#         shows: "IoU of the same pixels in a picture half as wide"
#       - claim: "Without boxes a hallucination is hard to check."
#         verdict: imprecise
#         says: "POPE and CHAIR do it from words alone, where the truth is known; counts, relations and absent things need no box either."
#         cell: plain
#         shows: "without boxes: nine in ten wrong things are caught, or more"
#       - claim: "Boxes make hallucination a matter of mechanical checks."
#         verdict: imprecise
#         says: "What a box holds takes a second model, which errs too; and some claims no picture decides."
#         cell: beyond
#         shows: "claims beyond the picture that are undecided, all of them"
# ---

# %% tags=["setup"]
from collections import Counter

import numpy as np
import torch

from gk_utils import charts, viz
from gk_utils.classroom import check, report, solution, use

# %% [markdown]
# ## A witness who saw nothing
#
# Below is a talk about a picture. Each thing that the assistant names **links to a box**.
#
# Its author never saw the picture. It read a few lines of notes, and each of its claims has a chance to be made up.
#
# **Predict:** read the talk beside the picture. Which claims are false? There may be wrong things, counts, colours, sides, and boxes.

# %% label="opening" alt="A countertop with the boxes of the talk: each is labelled with the words that link to it."
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.grounded_conversation.picture_notes import note_scene, write_prompt
from gk_utils.grounded_conversation.talk_grammar import GrammarModel

scene = draw_scene_for(2**36 + 85)
seen = render([scene], (384, 384))
kitchen = seen.images[0]
notes = note_scene(scene, seen, 0)
written = GrammarModel(rate=0.25, seed=13).write(write_prompt(notes))
for turn in written.turns:
    print(f"{turn.role}: {turn.said.text}")
said = [turn.said for turn in written.turns]
links = [(one, k) for one in said for k in range(len(one.spans))]
boxes = torch.cat([one.boxes(k, (384, 384)) for one, k in links])
labels = [one.phrases[k] for one, k in links for _ in one.boxes_unit[k]]
viz.show_boxes(kitchen.permute(1, 2, 0), boxes, labels)

# %% [markdown]
# ## The notes: bootstrap
#
# Talks about pictures are rare, annotated pictures are not. So **LLaVA** (2023) gave a language model that reads text alone what
# people had annotated in COCO: five captions, and boxes as lines of text. It was told to talk *as if it saw the picture*.
# **GranD** (for GLaMM, 2024) put in what other models had found: objects, attributes, depth, relations.
#
# Here is our prompt, in LLaVA's manner. **Predict:** how much of the picture itself is in it? (The count is of *our* prompt. That
# theirs was text, too, their papers say; see the end of this lesson.)

# %% label="prompt" tags=["nbval-check-output"]
prompt = write_prompt(notes)
rules, lines = (message["content"] for message in prompt)
print(rules[:165], "...\n")
print("\n".join(lines.split("\n")[:12]), "\n...")
report("lines of the prompt", len(lines.split("\n")))
report(
    "parts of the prompt that are no text", sum(type(m["content"]) is not str for m in prompt)
)

# %% [markdown]
# Whatever it says beyond these lines is made up, and what it says *of* them may be wrong. Hence the other half: **verify**. In
# the text a link is written `[the red mug](0.120,0.305,0.250,0.550)`, in fractions of the picture.
#
# ## Two witnesses
#
# Our trunk (lesson 00) *does* see the picture. We ask it in two ways:
#
# - **things**: what does each patch show? A list with colours and boxes;
# - **phrase**: where is "mug behind kettle"? Or is there none?
#
# A sentence is parsed (lesson 10); its links bind words to things. Where the first witness does not affirm, the second is asked. A
# claim is *supported* if one affirms it, **contradicted if one denies and none affirms**, else *undecided*.
#
# **Predict:** which false claims are caught?

# %% label="filter" tags=["nbval-check-output"]
from gk_utils.grounded_conversation.claim_filter import judge_talk
from gk_utils.grounded_conversation.witnesses import view_pictures
from gk_utils.models.trunk_grounder import load_grounder

grounder, _ = load_grounder()
(view,) = view_pictures(grounder, [kitchen])
truth = {(c.turn, c.start, c.end, c.kind == "box"): c.true for c in written.claims}
outcomes = {True: [], False: [], None: []}
for one in judge_talk(written.turns, view):
    true = truth[one.turn, one.start, one.end, one.kind == "box"]
    outcomes[true].append(one.outcome)
    if true is False or one.outcome == "contradicted":
        words = said[one.turn].text[one.start : one.end]
        made = "made up" if true is False else "TRUE"
        print(f"{made}, {one.outcome}: {words} ({one.kind})\n    {one.reason}")
report(
    "made up, of them contradicted",
    [len(outcomes[False]), outcomes[False].count("contradicted")],
)
report(
    "true, of them contradicted", [len(outcomes[True]), outcomes[True].count("contradicted")]
)

# %% [markdown] card="caught" difficulty=2 importance=5 minutes=8
# ### Exercise: how good is a filter?
#
# `wrong` says which claims are made up; `outcomes` what became of each: "supported", "contradicted" or "undecided".
#
# Return `[precision, recall, undecided]`: of the claims contradicted, the share made up; of the claims made up, the share
# contradicted; of all claims, the share undecided. A share of nothing is 0.
#
# Hint: Count three things: contradicted and wrong; contradicted; wrong.
#
# Hint: An undecided error was not caught. It stays among the wrong ones.
#
# Hint: Write a helper `share(some, of)` that returns 0 where `of` is 0.
#
# Expected: `[0.5, 0.5, 0.25]` for `[True, True, False, False]` and contradicted, undecided, contradicted, supported.


# %% exercise="caught" points=2
def caught(wrong: list[bool], outcomes: list[str]) -> list[float]:
    """Return precision, recall and the share undecided of a filter.

    wrong: which claims are made up; outcomes: what became of each.
    """
    ### BEGIN SOLUTION
    rejected = [outcome == "contradicted" for outcome in outcomes]
    both = sum(bad and out for bad, out in zip(wrong, rejected, strict=True))

    def share(some, of):
        return some / of if of else 0.0

    open_ = outcomes.count("undecided")
    return [share(both, sum(rejected)), share(both, sum(wrong)), share(open_, len(outcomes))]
    ### END SOLUTION


# %% check="caught"
check("15.caught", caught)
caught = use("15.caught", caught)

# %% [markdown]
# ## One claim in ten
#
# Forty-eight fresh pictures, a talk about each; about one claim in ten is made up, and the model kept a list of which. Wrong boxes are
# far off: their IoU with what is meant is below 0.3, and a witness denies below 0.4. **No hard case is among them.**
#
# - **baselines**: a coin that contradicts one claim in ten; *one witness* alone; lesson 09's rules. Those rules know no links and
#   find no wrong box: compare them on *sentences* alone;
# - **control**: the same talks held against what both witnesses say of *another picture*.
#
# **Predict:** precision and recall. What will the control's precision be?

# %% label="measured" alt="Bars with intervals of precision and recall for the filter, one witness, lesson 09's rules, both of these on sentences alone, a coin and the control with other pictures."
from gk_utils.box_tokens.detector_recipe import scenes_of
from gk_utils.evaluate import conversation as ev

scenes = scenes_of("val", 48)
talks = ev.draw_talks(scenes)
scores = {
    "filter": ev.judge_all(talks),
    "one witness": ev.judge_all(talks, second=False),
    "lesson 09": ev.judge_by_regions(talks),
    "control": ev.judge_all(talks, shift=24),
}
for name in ("filter", "lesson 09"):
    scores[f"{name}, sentences"] = scores[name].of(*ev.SENTENCES)
coin = torch.rand(len(scores["filter"].wrong), generator=torch.Generator().manual_seed(0)) < 0.1
shares = {name: ev.filter_metrics(one) for name, one in scores.items()}
shares["coin"] = ev.filter_metrics(scores["filter"], coin)
ours = scores["filter"]
report("claims, share made up", [len(ours.wrong), shares["filter"]["planted"]["value"]])
report("your scores", caught(ours.wrong.tolist(), list(ours.outcomes)))
bars = {}
for name, metrics in shares.items():
    for kind in ("filter_precision", "filter_recall"):
        report(f"{name}: {kind.removeprefix('filter_')}", **metrics[kind])
        bars[f"{name}: {kind.removeprefix('filter_')}"] = tuple(metrics[kind].values())
charts.bars(bars, xlabel="share, with 95 % interval")

# %% [markdown]
# The control's recall is high, too: against the wrong picture nearly *everything* is contradicted. Only its precision tells, which is
# no better than the share of errors. **Always print both.**
#
# ## What stays open
#
# "The kettle was not cheap." Some sentences say what no picture shows; language models like to write them. **Predict** what the filter
# makes of them. (The first four lines must hold on any machine.)
#
# *Undecided* has two reasons, though: no picture decides it, or **our parser did not read it**. These here were not read. That they
# *cannot* be decided we know from who wrote them, not from the filter.

# %% label="beyond" tags=["nbval-check-output"]
good, other, beyond = shares["filter"], shares["control"], ours.beyond
report("precision: the filter's interval is above 0.8", good["filter_precision"]["low"] > 0.8)
report("recall: the filter's interval is above 0.8", good["filter_recall"]["low"] > 0.8)
report("the control's precision is below 0.3", other["filter_precision"]["high"] < 0.3)
report("the coin's recall is below 0.3", shares["coin"]["filter_recall"]["high"] < 0.3)
report("claims beyond the picture", len(beyond))
report(
    "claims beyond the picture that are undecided, all of them", set(beyond) == {"undecided"}
)
kinds = Counter(ours.kinds)
for kind in kinds:
    one = ours.of(kind)
    open_ = int(one.undecided.sum())
    print(
        f"{kind}: {len(one.outcomes)} claims, {int(one.wrong.sum())} made up, {open_} undecided"
    )

# %% [markdown]
# What to do with undecided claims is *your* choice, and it shows: keep them, and unchecked fancy is learned; drop them, and the
# model learns to talk like a verifier: counts, colours, sides. `filter_scores.keep_turns` does either.
#
# Nor is "mechanical" the right word for the rest. The geometry is. That a box *holds a cat* is said by a second model, and its
# errors are the filter's.
#
# ## Without boxes
#
# A **standard** talk is the same words without links. Much can be checked all the same: whether there is a kettle, how many, on
# which side of what. **Predict** for each kind of error: does taking the boxes away make it harder to catch?

# %% label="plain" tags=["nbval-check-output"] alt="Bars of the share of errors caught with links and without, for wrong things, denials, counts, relations, colours and boxes; last the gain for colours."
from dataclasses import replace

from gk_utils.evaluate.measure import mean_interval
from gk_utils.grounded_conversation.linked_talk import without_links

model = GrammarModel(rate=0.5, seed=1, box_rate=0.1)
told = tuple(model.write(write_prompt(one)) for one in talks.notes)
wild = replace(talks, written=told)
plain = [replace(one, turns=tuple(map(without_links, one.turns))) for one in told]
both = {
    "with boxes": ev.judge_all(wild, second=False),
    "without": ev.judge_all(replace(wild, written=tuple(plain)), second=False),
}
bars = {}
for kind in ("object", "absent", "count", "relation", "colour", "box"):
    for name, one in both.items():
        part = one.of(kind)
        counts = ev.filter_metrics(part)["filter_recall"]
        bars[f"{kind}, {name}"] = tuple(counts.values())
objects = both["without"].of("object")
report("without boxes: nine in ten wrong things are caught, or more", objects.recall >= 0.9)
linked, bare = (one.of("colour") for one in both.values())
gain = (linked.rejected.int() - bare.rejected.int())[linked.wrong]  # of the same errors
gained = mean_interval(gain, linked.picture[linked.wrong])
report("wrong colours: boxes catch more, the interval is above 0", gained["low"] > 0)
bars["colour, gained by boxes"] = tuple(gained.values())
charts.bars(bars, xlabel="share of errors caught by one witness")

# %% [markdown]
# (One witness: front and behind need the second.) Wrong colours are caught more often with boxes: the intervals overlap, but the
# errors are the *same*, and the difference (last bar) is above 0.
#
# Three things change. The **box itself** is a claim. "**This** mug is blue", where there are two, gets a thing to be about. And what is
# caught can be *shown*. Things, counts and named relations were checkable before.
#
# ## Edit, and see what fails
#
# **Try it:** choose an edit, then write your own: another colour, a number in a link, *every mug is red*, *the cat is sleeping*. Which
# false sentences stay supported or undecided? Press *Check it*.
#
# (Without a kernel you see the first caption only.)

# %%
from gk_utils.labs.caption_claims import claim_lab

claim_lab(grounder)

# %% [markdown]
# ## POPE: ask, instead of reading
#
# **POPE** (2023) asks a model "Is there a cat in the image?" Half of the time there is none. How is chosen *what* is not there?
#
# - **random**: anything;
# - **popular**: what is most often seen in other pictures;
# - **adversarial**: what is most often seen *together with* what is there.
#
# The idea: whoever has habits in place of eyes does worse on the last two.

# %% [markdown] card="tempting" difficulty=3 importance=3 minutes=10
# ### Exercise: the most tempting question
#
# `pictures` lists the things of each picture. For picture number `number` and a `thing` in it, return what POPE's adversarial kind
# asks for first: of the things that are **not** in this picture, the one that stands in the most pictures together with `thing`. Of
# equals, the first in the alphabet.
#
# Hint: Go through all pictures that have `thing`, and count the other things in them: `Counter.update`.
#
# Hint: Sort by `(-count, name)`.
#
# Hint: Take the first one that is not in `pictures[number]`.
#
# Expected: "spoon" for cat + mug, mug + spoon, mug + plate + spoon, picture 0, "mug".


# %% exercise="tempting" points=2
def tempting(pictures: list[list[str]], number: int, thing: str) -> str:
    """Return the absent thing that is most often seen together with a thing; "" if there is none.

    pictures: the things of each, without repeats; number: of a picture; thing: one of its things.
    """
    ### BEGIN SOLUTION
    beside = Counter()
    for things in pictures:
        if thing in things:
            beside.update(other for other in things if other != thing)
    ranked = sorted(beside, key=lambda name: (-beside[name], name))
    return next((name for name in ranked if name not in pictures[number]), "")
    ### END SOLUTION


# %% check="tempting"
check("15.tempting", tempting)
tempting = use("15.tempting", tempting)

# %% [markdown]
# The published script reads an answer by its words: without "no" or "not" in the first sentence it is a yes. "There isn't one" is a
# yes (`polls.published_reading`).
#
# ## CHAIR: read what it says by itself
#
# **CHAIR** (2018) looks for names in captions: **CHAIR_i** is the share of *mentions* that are not in the picture, **CHAIR_s** the share
# of *captions* with one.

# %% [markdown] card="made_up" difficulty=2 importance=4 minutes=8
# ### Exercise: CHAIR
#
# `mentions` lists what each caption mentions, in order, repeats included; `things` what is in each picture.
#
# Return `[chair_i, chair_s]`. A share of nothing is 0.
#
# Hint: For each caption the list of mentions that are not in its picture.
#
# Hint: CHAIR_i: the lengths of these lists, added up, by the number of all mentions of all captions.
#
# Hint: CHAIR_s: how many of these lists are not empty, by the number of captions.
#
# Expected: `[1/3, 1/2]` for cat + mug and mug, where both pictures hold a mug alone.


# %% exercise="made_up" points=2
def made_up(mentions: list[list[str]], things: list[list[str]]) -> list[float]:
    """Return CHAIR_i and CHAIR_s of captions.

    mentions: of each caption, repeats included; things: in each picture.
    """
    ### BEGIN SOLUTION
    pairs = zip(mentions, things, strict=True)
    wrong = [[name for name in names if name not in there] for names, there in pairs]
    said = sum(map(len, mentions))
    chair_i = sum(map(len, wrong)) / said if said else 0.0
    return [chair_i, sum(map(bool, wrong)) / len(mentions) if mentions else 0.0]
    ### END SOLUTION


# %% check="made_up"
check("15.made_up", made_up)
made_up = use("15.made_up", made_up)

# %% [markdown]
# Now the small Kosmos-2 of lesson 12, and the grounder, which says "none" where it finds nothing.
#
# - POPE: **baselines** *always yes*, and a *habit*: yes to the things most often seen; **control** the answers for another picture.
# - CHAIR: **baselines** true captions of *other* scenes, and one who says nothing.
#
# **Predict** accuracy and F1 of *always yes*. Why is the share of yes printed? Can a model have a CHAIR of 0 and be useless?

# %% label="pope" alt="Bars with intervals of F1 for random, popular and adversarial polls: the small Kosmos-2, the grounder, always yes, a habit, and Kosmos-2 about another picture."
from gk_utils.formats.pope import KINDS
from gk_utils.grounded_conversation.chair import find_mentions
from gk_utils.grounded_conversation.polls import draw_polls
from gk_utils.kosmos2.caption_scores import pictures_of, write_captions
from gk_utils.kosmos2.kosmos_pictures import load_mini

mini, card = load_mini()
pictures = pictures_of("val", 48, card.settings["trunk"])
things, bars = ev.things_by_name(talks.notes), {}
polls = {kind: draw_polls(things, kind, each=1) for kind in KINDS}
answers = {
    "Kosmos-2": ev.ask_kosmos(mini.kosmos, pictures, polls),
    "grounder": ev.ask_trunk(talks.views, polls),
    "always yes": {kind: [True] * len(each) for kind, each in polls.items()},
    "habit": ev.ask_habit(things, polls),
    "control": ev.ask_kosmos(mini.kosmos, [*pictures[24:], *pictures[:24]], polls),
}
for name, given in answers.items():
    found = ev.poll_metrics(polls, given)
    report(
        f"POPE, {name}: F1, share of yes", [found[m]["value"] for m in ("pope_f1", "pope_yes")]
    )
    bars |= {f"{name}, {k}": tuple(p["pope_f1"].values()) for k, p in found["by_poll"].items()}
captions = {"other scenes": [ev.words_alone(k).text for k in range(48)]}
captions["Kosmos-2"] = [one.text for one in write_captions(mini.kosmos, pictures)]
for name, texts in {**captions, "says nothing": ["A nice picture."] * 48}.items():
    named = [[m.name for m in find_mentions(text, ev.SYNONYMS)] for text in texts]
    shares = [*made_up(named, list(things.values())), sum(map(len, named)) / 48]
    report(f"CHAIR, {name}: i, s, mentions a caption", shares)
charts.bars(bars, xlabel="POPE: F1, with 95 % interval")

# %% [markdown]
# F1 of *always yes* is two thirds; its share of yes gives it away. Silence has a CHAIR of 0. Both look at *things* alone: colours,
# counts, sides and boxes pass. The habit does worse where popular things are asked for.
#
# ## Scores of grounded conversation
#
# GLaMM (2024) has models describe a picture with a mask for each phrase, and reports: **CIDEr** (how much the caption sounds like the
# reference), **AP50** (masks, whatever their words), **mean IoU**, and **mask recall**: phrases with a mask of IoU 0.5 or more *and* words that
# are alike. Its script takes the best pair that is left, again and again, **and stops at the first that is not good enough**, in overlap
# *or in words*.

# %% [markdown] card="matched" difficulty=3 importance=3 minutes=10
# ### Exercise: recall as published
#
# `ious` is a table: a row for each true phrase, a column for each found mask. `alike` says of each pair whether the words are alike.
#
# Take the pair with the largest IoU of all that are left. If its IoU is below 0.5, or its words are not alike: **stop**. Else count it, and
# take its row and its column out. Return the count. (No two values are equal; 0 is no overlap.)
#
# Hint: Sort all pairs by IoU, the largest first.
#
# Hint: Keep two sets: rows and columns that are taken. Pass over pairs with a taken one.
#
# Hint: `break`, not `continue`, at the first pair that does not fit.
#
# Expected: 2 for `[[0.9, 0], [0, 0.8]]` if the words of both are alike; 0 if those of the first are not.


# %% exercise="matched" points=2
def matched(ious: list[list[float]], alike: list[list[bool]]) -> int:
    """Return how many pairs the published search finds.

    ious: of each true phrase (row) with each found mask (column); alike: whether their words are.
    """
    ### BEGIN SOLUTION
    pairs = [
        (iou, row, column) for row, line in enumerate(ious) for column, iou in enumerate(line)
    ]
    rows, columns = set(), set()
    for iou, row, column in sorted(pairs, reverse=True):
        if row in rows or column in columns:
            continue
        if iou < 0.5 or not alike[row][column]:
            break
        rows.add(row)
        columns.add(column)
    return len(rows)
    ### END SOLUTION


# %% check="matched"
check("15.matched", matched)
matched = use("15.matched", matched)

# %% [markdown]
# Five describers of the same 24 pictures: the truth; one who names **one** thing; one who is right about all masks, but calls each
# thing by **another name**; one who swaps **left and right**; one who tells the truth in **other words**.
#
# **Predict** who gets full marks where.
#
# (The published script compares words by BERT, ours by *words in common*. To BERT "a mug" and "a kettle" may be alike: the row
# *another name* is where its recall could be another.)

# %% label="gcg" tags=["nbval-check-output"]
from gk_utils.grounded_conversation.cider import cider
from gk_utils.grounded_conversation.gcg_scores import ap50, mask_recall, mean_iou
from gk_utils.labs.describers import DESCRIBERS, described

true, scored = described("the truth", scenes[:24]), {}
print(f"{'':24} AP50  mean IoU  recall  CIDEr")
for name in DESCRIBERS:
    told = described(name, scenes[:24])
    masks = [[one.masks for one in each] for each in (told, true)]
    pairs = [[(one.masks, one.phrases) for one in each] for each in (told, true)]
    values = [ap50(*masks), mean_iou(*masks), mask_recall(*pairs)]
    values.append(np.mean(cider([one.text for one in told], [[one.text] for one in true])))
    scored[name] = values
    print(f"{name:22}", "".join(f"{value:7.2f}" for value in values))
report(
    "naming one thing has the truth's mean IoU",
    scored["one thing"][1] == scored["the truth"][1],
)
falser, other = scored["left and right swapped"][3], scored["other words"][3]
report("a false caption has more CIDEr than a true one in other words", falser > other)

# %% [markdown]
# Mean IoU is over pairs that overlap: what is left out costs nothing. AP50 does not read. CIDEr does not look: it pays for
# sounding right. No score replaces the filter, and none of them says *which* sentence is wrong.
#
# (METEOR, which GLaMM reports beside CIDEr, needs a table of synonyms and a program in Java; it is left out here.)

# %% [markdown] card="explain" difficulty=3 importance=5 minutes=12
# ### Exercise: the data sheet
#
# A team publishes 100,000 grounded conversations. "A vision-language model was shown the pictures and wrote text and boxes. The
# same model then checked its own boxes: 99.2 % were confirmed. POPE F1 of the model trained on them is 0.67, CHAIR_i 0.00, and GCG mean
# IoU 0.91."
#
# In five to eight sentences: what is wrong with the check? What could an F1 of 0.67 and a CHAIR_i of 0.00 mean in the worst case,
# and which numbers would tell? What does the mean IoU leave out? Propose a test with planted errors, its **baseline** and its
# **control**, and say what should happen to claims that no check decides.
#
# Hint: Who errs in the same way twice?
#
# Hint: Which model has exactly this F1? Which has this CHAIR?
#
# Hint: Of which pairs is the mean IoU the mean?
#
# Expected: a text on the check, the three scores, a test with baseline and control, and undecided claims.

# %% [markdown] answer="explain" points=4
# ### BEGIN SOLUTION
# One point each. **Check:** the model that made the errors confirms them; the 99.2 % measure agreement with itself. Needed is a witness that
# did not write the text, better one that sees in another way, and its own precision and recall. **POPE, CHAIR:** always yes has F1 0.67,
# so print the share of yes (and accuracy, 0.50); who mentions nothing has CHAIR 0, so print mentions a caption, or recall of things.
# **Mean IoU:** it is over pairs that overlap; phrases left out or made up cost nothing. Look at mask recall, and at phrases without a
# pair. **Test:** plant errors of known kinds in talks from annotations at a realistic rate (one in ten); report precision *and* recall
# with intervals over pictures, by kind; baseline: a coin, or one witness; control: the regions of another picture, for which
# precision must fall to the share of errors. Undecided claims are counted and published as such, and kept or dropped by a stated
# rule, since dropping them teaches the model what to talk about. Full marks for other sound designs.
# ### END SOLUTION

# %% [markdown]
# ## What you showed
#
# - A filter with two witnesses finds most of what was planted: *precision* and *recall*, with interval, above. **Baselines:** a coin,
#   one witness. **Control:** another picture; precision falls to the share of errors. Not measured there: wrong *colours* (none was
#   planted) and *nearly* right boxes.
# - Boxes make *boxes* and *which one* checkable. Things, counts and named sides were so before; beliefs and prices never are.
# - POPE needs the share of yes beside it, CHAIR the number of mentions, mean IoU what was left out.
#
# **Limits.** Drawn pictures, a grammar that errs in six ways, witnesses that are one trunk. Real models err in ways that
# nobody planted: let people mark some. Whole split: `python -m gk_utils evaluate conversation`.
#
# ## Check yourself
#
# <details><summary>1. LLaVA's talks: who saw the pictures?</summary>
#
# People, who wrote captions and boxes. The language model read these.</details>
#
# <details><summary>2. A filter contradicts 20 claims, 19 of them made up. Is it good?</summary>
#
# Its precision is. How many made-up claims did it leave?</details>
#
# <details><summary>3. Held against other pictures it still has a recall of 0.9. How?</summary>
#
# It contradicts nearly everything. Its precision is then the share of errors.</details>
#
# <details><summary>4. "This mug is blue"; there are two mugs. What does the box change?</summary>
#
# It says which one: the claim can be decided.</details>
#
# <details><summary>5. Why does POPE ask for things that are often seen together?</summary>
#
# Who answers from habit says yes there.</details>
#
# <details><summary>6. A model describes one thing out of ten, perfectly. Which GCG score falls?</summary>
#
# Mask recall, AP50 and CIDEr. Mean IoU stays.</details>

# %% [markdown]
# ## Going further
#
# ### Any language model
#
# Whatever has `complete(messages)` can write the talks (`gk_utils/protocols.py`). `ChatEndpoint` asks any server that speaks OpenAI's
# protocol, vLLM, llama.cpp, Ollama or a provider; its key comes from an environment variable and is printed nowhere. `LocalChat`
# loads a chat model of transformers from a folder.
#
# Below a server of this machine, with our grammar behind it. **Predict:** does the filter notice a difference?

# %% label="endpoint" tags=["nbval-check-output"]
from gk_utils.grounded_conversation.chat_endpoint import ChatEndpoint, EndpointError
from gk_utils.grounded_conversation.linked_talk import read_talk
from gk_utils.labs.tiny_server import serving

with serving(GrammarModel(rate=0.25, seed=13)) as address:
    model = ChatEndpoint(
        address, "grammar", key_variable="NO_KEY"
    )  # a toy gets no key of yours
    text = model.complete(write_prompt(notes))
turns, problems = read_talk(text)
report("the same talk", turns == written.turns)
report("problems", len(problems))
try:
    gone = ChatEndpoint(address, "grammar", key_variable="NO_KEY", timeout=5)
    gone.complete("Is anybody there?")
except EndpointError as error:
    print(str(error).split(": ", 1)[1])

# %% [markdown]
# A real model will not keep to our grammar. What it writes in other words is undecided, not wrong: look at that share first.
#
# ### Links, not rows of numbers
#
# `[the red mug](0.120,0.305,0.250,0.550)` says which words a box belongs to, in fractions of the picture. It is our own format. Kosmos-2
# writes patches (lesson 12), Shikra numbers alone (lesson 13), GLaMM `<p> the red mug </p> [SEG]`, whose `[SEG]` becomes a mask.
#
# In articles one finds bare pixels, `[120, 45, 280, 410]`, without the picture's size. **Predict** the IoU with the right box if they
# were measured on a copy half as wide as yours.

# %% label="pixels" tags=["nbval-check-output"]
from gk_utils import boxes as gk
from gk_utils.grounded_conversation.linked_talk import read_links

pixels = torch.tensor([[120.0, 45, 280, 410]])
half = pixels * torch.tensor([2.0, 1, 2, 1])  # where they lie if it is shown twice as wide
report("IoU of the same pixels in a picture half as wide", gk.pairwise_iou(pixels, half))
read = read_links("I see [a mug](0.1,0.2,0.3,0.4) and [a cat](120,45,280,410).")
print(read.grounded.text, "|", read.grounded.phrases, "|", *read.problems)

# %% [markdown]
# ### GranD-f, the real format
#
# Human-annotated conversations of GLaMM, a record a picture: `caption`, and for each phrase `token_positives` and `rle_masks`. The
# phrase is the *key*, so a caption that says "a mug" twice can link it once.

# %% label="format" tags=["nbval-check-output"]
import tempfile
from pathlib import Path

from gk_utils.formats.gcg import read_grandf, write_grandf
from gk_utils.labs.describers import as_grandf

entries = [as_grandf(one, f"kitchen_{k}.png") for k, one in enumerate(true)]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "train.json"
    write_grandf(entries, path)
    back = read_grandf(path)
    report("pictures, phrases", [len(back), sum(len(one.phrases) for one in back)])
    report("read back as written", back == tuple(entries))
    path.write_text(
        path.read_text().replace('"token_positives": [', '"token_positives": [1', 1)
    )
    try:
        read_grandf(path)
    except ValueError as error:
        print(str(error).split(", got")[0])

# %% [markdown]
# ### Who made what
#
# Three sets are often named as made by GPT-4V, boxes and all: LLaVA-Grounding's, "Shikra's SpatialRGPT data", "the grounded part of
# ShareGPT4V". **Predict** for how many that holds. (Shikra's own set is called Shikra-RD.)
#
# The table is **cited**, from the pages named below, and the counts are counts of its rows. Nothing is measured here.

# %% label="sources" tags=["nbval-check-output"]
sources = {  # who gave the boxes, who wrote the text
    "LLaVA-Grounding (GVC)": ("people (COCO)", "GPT-4, from text"),
    "SpatialRGPT, named as Shikra's": ("another team's, on 3D relations", "not Shikra's"),
    "ShareGPT4V, 'grounded'": ("none", "GPT-4V and a captioner"),
    "LLaVA": ("people (COCO)", "GPT-4, from text"),
    "GranD": ("detectors", "a language model, from text"),
}
for name, (boxes_by, text_by) in sources.items():
    print(f"{name}: boxes: {boxes_by}; text: {text_by}")
three = list(sources.values())[:3]
as_named = [by for by, text in three if by != "none" and "not" not in text]
report("sets of three with boxes, as they are named", len(as_named))
report("sets whose boxes GPT-4V wrote", sum("GPT-4V" in by for by, _ in sources.values()))

# %% [markdown]
# Sources: the project page of [LLaVA-Grounding](https://arxiv.org/abs/2312.02949) and the READMEs of
# [Shikra](https://arxiv.org/abs/2306.15195), [SpatialRGPT](https://arxiv.org/abs/2406.01584), ShareGPT4V and
# [GLaMM](https://arxiv.org/abs/2311.03356). A picture-reading model has its use: let it *copy given boxes* into its text, then check.
#
# ### To read
#
# - Liu et al. 2023, [Visual Instruction Tuning](https://arxiv.org/abs/2304.08485), section 3: captions and boxes as text.
# - Rasheed et al. 2024, [GLaMM](https://arxiv.org/abs/2311.03356), sections 3 and 4: masks inside of text, GranD, GranD-f.
# - Li et al. 2023, [POPE](https://arxiv.org/abs/2305.10355); Rohrbach et al. 2018, [CHAIR](https://arxiv.org/abs/1809.02156).
# - Vedantam et al. 2015, [CIDEr](https://arxiv.org/abs/1411.5726), section 6 on CIDEr-D.
