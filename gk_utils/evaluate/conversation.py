"""Grounded conversation: a filter against planted errors, POPE and CHAIR, on a frozen split."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gk_utils.box_tokens.detector_recipe import scenes_of
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.errors import check_choice
from gk_utils.evaluate.kosmos2 import words_alone
from gk_utils.evaluate.measure import f1_interval, mean_interval
from gk_utils.formats.pope import KINDS, PopeQuestion
from gk_utils.grounded_conversation.chair import Chair, chair
from gk_utils.grounded_conversation.claim_filter import Judged, judge_talk, phrases_to_ask, sentences
from gk_utils.grounded_conversation.filter_scores import FilterScores, score_filter
from gk_utils.grounded_conversation.picture_notes import PictureNotes, note_scene, write_prompt
from gk_utils.grounded_conversation.polls import careful_reading, draw_polls
from gk_utils.grounded_conversation.talk_grammar import KINDS as CLAIMS
from gk_utils.grounded_conversation.talk_grammar import GrammarModel, Written
from gk_utils.grounded_conversation.witnesses import View, view_pictures
from gk_utils.grounded_sam.box_filler import BoxFiller
from gk_utils.grounded_sam.grounded import Grounded
from gk_utils.grounded_sam.run_lengths import encode_masks
from gk_utils.grounded_sam.verification import verify_caption
from gk_utils.kosmos2.caption_scores import Asked, pictures_of, write_captions
from gk_utils.kosmos2.kosmos_model import MiniKosmos
from gk_utils.kosmos2.kosmos_pictures import load_mini
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.shikra_chat import load_mini as load_talker
from gk_utils.shikra.talk import Conversation, read

SENTENCES = tuple(kind for kind in CLAIMS if kind not in ("box", "beyond"))
SPLITS = ("val", "testA", "testB")
LIMIT = 200  # pictures
RATE = 0.08  # of each sentence and link; with the boxes of invented things about one claim in ten is wrong
BATCH = 32
Answers = dict[str, list[bool | None]]
SYNONYMS = {category: category for category in CATEGORIES}


@dataclass(frozen=True, eq=False)
class Talks:
    """Pictures as the witnesses see them, notes on them, and a talk about each."""

    views: tuple[View, ...]
    notes: tuple[PictureNotes, ...]
    written: tuple[Written, ...]


def evaluate_conversation(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the filter, POPE and CHAIR as `python -m gk_utils evaluate conversation` prints it.

    `filter_precision` and `filter_recall`: an offline language model writes talks from notes and makes up about one
    claim in ten (`planted`); the filter must contradict these and no others. `undecided` is the share of claims that it
    leaves open, `by_claim` says so for each kind. `pope_f1` and `pope_yes` (the share of answers "yes"): the mini
    Kosmos-2 asked for things that are there and things that are not, chosen in three ways (`by_poll`). `chair_i`,
    `chair_s`: what its captions name that is not there.

    Baselines: `one_witness`, the filter without its second; `regions`, lesson 09's verifier of captions, which knows no
    links and so finds no wrong box: compare its `sentences` with those of the filter; `chance`, which contradicts one
    claim in ten; `trunk`, the grounder asked the polls; `shikra`, the mini dialogue model, where it is shipped;
    `always_yes`; `habit`, yes to what is often seen; `words_alone`, true captions of other scenes. The control,
    `other_picture`: witnesses, answers and captions of the picture half the list further on; all must fall but the
    recall, which is high for who contradicts nearly everything.

    Args:
        split: one of SPLITS.
        limit: pictures; 200 if None.
        device: where the models run.
        checkpoint: folder of another mini Kosmos-2.

    Raises:
        ValueError: another split, a limit below 2; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    check_choice(split, SPLITS, "split")
    if limit is not None and limit < 2:
        raise ValueError(f"limit: expected 2 pictures or more, got {limit}. Leave it out for {LIMIT}.")
    began = time.monotonic()
    mini, card = load_mini(checkpoint, device)
    scenes = scenes_of(split, limit or LIMIT)
    talks = draw_talks(scenes, device=device)
    pictures = pictures_of(split, len(scenes), card.settings["trunk"], device)
    half = len(scenes) // 2
    moved = [*pictures[half:], *pictures[:half]]
    things = things_by_name(talks.notes)
    polls = draw_all_polls(things)
    said, elsewhere = ask_kosmos(mini.kosmos, pictures, polls), ask_kosmos(mini.kosmos, moved, polls)
    captions = [one.text for one in write_captions(mini.kosmos, pictures)]
    shown = [sorted({thing.category for thing in notes.things}) for notes in talks.notes]
    blind = [words_alone(number).text for number in range(len(scenes))]
    scores, regions = judge_all(talks), judge_by_regions(talks)
    always = {kind: [True] * len(each) for kind, each in polls.items()}
    generator = torch.Generator().manual_seed(0)
    return {
        "split": split,
        "n": len(scenes),
        "checkpoint": checkpoint or card.recipe,
        "device": device,
        "metrics": {
            **filter_metrics(scores),
            **poll_metrics(polls, said),
            **chair_metrics(chair(captions, shown, SYNONYMS)),
            "sentences": filter_metrics(scores.of(*SENTENCES)),
            "by_claim": {kind: filter_metrics(scores.of(kind)) for kind in CLAIMS if kind in scores.kinds},
        },
        "baselines": {
            "one_witness": filter_metrics(judge_all(talks, second=False)),
            "regions": {**filter_metrics(regions), "sentences": filter_metrics(regions.of(*SENTENCES))},
            "chance": filter_metrics(scores, torch.rand(len(scores.wrong), generator=generator) < 0.1),
            "trunk": poll_metrics(polls, ask_trunk(talks.views, polls)),
            **_shikra(talks.views, polls, device),
            "always_yes": poll_metrics(polls, always),
            "habit": poll_metrics(polls, ask_habit(things, polls)),
            "words_alone": chair_metrics(chair(blind, shown, SYNONYMS)),
            "other_picture": {
                **filter_metrics(judge_all(talks, shift=half)),
                **poll_metrics(polls, elsewhere),
                **chair_metrics(chair(captions, [*shown[half:], *shown[:half]], SYNONYMS)),
            },
        },
        "seconds": round(time.monotonic() - began, 1),
    }


def draw_talks(scenes: Sequence[Scene], *, rate: float = RATE, device: str = "cpu", **options: int | float) -> Talks:
    """Look at scenes, note what an annotator would, and let the offline model talk; `options` are the model's."""
    grounder, _ = load_grounder(device=device)
    side = grounder.trunk.settings.image_side
    views: list[View] = []
    notes: list[PictureNotes] = []
    for start in range(0, len(scenes), BATCH):
        some = scenes[start : start + BATCH]
        rendered = render(some, (side, side), device)
        views += view_pictures(grounder, list(rendered.images.cpu()))
        notes += [note_scene(scene, rendered, row) for row, scene in enumerate(some)]
    model = GrammarModel(rate, **options)
    return Talks(tuple(views), tuple(notes), tuple(model.write(write_prompt(each)) for each in notes))


def judge_all(talks: Talks, *, second: bool = True, shift: int = 0) -> FilterScores:
    """The filter over all talks; with `shift`, against the picture so much further on."""
    views = [*talks.views[shift:], *talks.views[:shift]]
    if second:
        wanted = [phrases_to_ask(one.turns, view) for one, view in zip(talks.written, views, strict=True)]
        View.ask_all(views, wanted)
    pairs = zip(talks.written, views, strict=True)
    return score_filter([(one.claims, judge_talk(one.turns, view, second)) for one, view in pairs])


def judge_by_regions(talks: Talks) -> FilterScores:
    """Lesson 09's verifier on the same sentences, with the boxes that the first witness found.

    It knows no links, and without masks no colours: these stay undecided.
    """
    rows = []
    for one, view in zip(talks.written, talks.views, strict=True):
        found, judged = regions_of(view), []
        for number, turn in enumerate(one.turns):
            for start, end in sentences(turn.said.text) if turn.role == "assistant" else ():
                told = {each.outcome for each in verify_caption(turn.said.text[start:end], found)}
                outcome = "supported" if told == {"supported"} else "undecided"
                outcome = "contradicted" if "contradicted" in told else outcome
                judged.append(Judged(number, start, end, "sentence", outcome, ()))
        rows.append((one.claims, judged))
    return score_filter(rows)


def regions_of(view: View) -> Grounded:
    """What the first witness saw, as the pipeline of lesson 09 would hold it; masks are boxes coloured in."""
    things, filler = view.arrangement.things, BoxFiller()
    boxes = torch.tensor([thing.box for thing in things], dtype=torch.float32).reshape(-1, 4)
    filler.set_image(view.image)
    masks = encode_masks(filler.segment(boxes=boxes).masks) if things else ()
    names = tuple(thing.name for thing in things)
    return Grounded("", view.image_hw, CATEGORIES, boxes, names, torch.ones(len(things)), masks)


def filter_metrics(scores: FilterScores, rejected: torch.Tensor | None = None) -> dict[str, Any]:
    """Precision, recall, the shares undecided and made up, with intervals over pictures; 0 where nothing counts."""
    nothing = dict.fromkeys(("value", "low", "high"), 0.0)
    out, wrong = scores.rejected if rejected is None else rejected, scores.wrong

    def share(values: torch.Tensor, rows: torch.Tensor) -> dict[str, float]:
        return mean_interval(values[rows], scores.picture[rows]) if rows.any() else dict(nothing)

    every = torch.ones(len(wrong), dtype=torch.bool)
    found = {"filter_precision": share(wrong, out), "filter_recall": share(out, wrong)}
    return {**found, "undecided": share(scores.undecided, every), "planted": share(wrong, every)}


def things_by_name(notes: Sequence[PictureNotes]) -> dict[str, list[str]]:
    """What POPE takes: for each picture the categories in it, in the order noted."""
    rows = enumerate([thing.category for thing in each.things] for each in notes)
    return {f"{number:06d}": list(dict.fromkeys(things)) for number, things in rows}


def draw_all_polls(things: Mapping[str, Sequence[str]]) -> dict[str, tuple[PopeQuestion, ...]]:
    """POPE's three kinds, three questions of both sorts a picture; fewer where a few pictures leave nothing to ask for.

    Raises:
        ValueError: not even one.
    """
    for each in (3, 2):
        try:
            polls = {kind: draw_polls(things, kind, each=each) for kind in KINDS}
        except ValueError:
            continue
        if all(polls.values()):
            return polls
    return {kind: draw_polls(things, kind, each=1) for kind in KINDS}


def ask_kosmos(kosmos: MiniKosmos, pictures: Sequence[Asked], polls: dict[str, tuple[PopeQuestion, ...]]) -> Answers:
    """The mini model's answers: it is asked "Is there a cat?", since it never learned "in the image"."""
    device, answers = next(kosmos.parameters()).device, {}
    for kind, questions in polls.items():
        said: list[bool | None] = []
        for start in range(0, len(questions), 64):
            some = questions[start : start + 64]
            features = torch.stack([pictures[int(one.image)].features for one in some]).float().to(device)
            texts = [f"{one.text.removesuffix(' in the image?')}?" for one in some]
            said += [careful_reading(answer.text) for answer in kosmos.answers(features, texts)]
        answers[kind] = said
    return answers


def ask_trunk(views: Sequence[View], polls: dict[str, tuple[PopeQuestion, ...]]) -> Answers:
    """The grounder's answers: "no" where it says that there is none."""
    wanted: list[list[str]] = [[] for _ in views]
    for questions in polls.values():
        for one in questions:
            wanted[int(one.image)].append(_thing(one))
    View.ask_all(views, wanted)
    return {
        kind: [views[int(one.image)].ask(_thing(one)).none < 0.5 for one in questions]
        for kind, questions in polls.items()
    }


def ask_habit(things: Mapping[str, Sequence[str]], polls: dict[str, tuple[PopeQuestion, ...]]) -> Answers:
    """Answers without eyes: "yes" to the seven things that are most often seen, whatever the picture."""
    counts = Counter(thing for each in things.values() for thing in each)
    usual = {thing for thing, _ in counts.most_common(7)}
    return {kind: [_thing(one) in usual for one in questions] for kind, questions in polls.items()}


def ask_shikra(talker: Talker, views: Sequence[View], polls: dict[str, tuple[PopeQuestion, ...]]) -> Answers:
    """The mini dialogue model's answers to "Is there a cat?", each question in a conversation of its own."""
    look, answers = talker.look(torch.stack([view.image for view in views])), {}
    for kind, questions in polls.items():
        texts = [f"{one.text.removesuffix(' in the image?')}?" for one in questions]
        asked = [Conversation((read("user", text),)) for text in texts]
        said = talker.answer(look, [int(one.image) for one in questions], asked, steps=32)
        answers[kind] = [careful_reading(answer.text) for answer in said]
    return answers


def _shikra(views: Sequence[View], polls: dict[str, tuple[PopeQuestion, ...]], device: str) -> dict[str, Any]:
    try:
        talker, _ = load_talker(device=device)
    except FileNotFoundError:  # the course ships none
        return {}
    return {"shikra": poll_metrics(polls, ask_shikra(talker, views, polls))}


def poll_metrics(polls: dict[str, tuple[PopeQuestion, ...]], answers: Answers) -> dict[str, Any]:
    """F1 and the share of "yes", over all polls and for each way to choose what is not there."""

    def of(kinds: Sequence[str]) -> dict[str, Any]:
        asked = [one for kind in kinds for one in polls[kind]]
        said = torch.tensor([answer is True for kind in kinds for answer in answers[kind]])
        true = torch.tensor([one.label for one in asked])
        picture = torch.tensor([int(one.image) for one in asked])
        return {"pope_f1": f1_interval(said, true, picture), "pope_yes": mean_interval(said, picture)}

    return {**of(list(polls)), "by_poll": {kind: of([kind]) for kind in polls}}


def chair_metrics(found: Chair) -> dict[str, Any]:
    """Both shares with intervals over captions."""
    pairs = list(zip(found.made_up, found.mentions, strict=True))
    flags = [place < len(wrong) for wrong, n in pairs for place in range(n)]
    owners = [number for number, n in enumerate(found.mentions) for _ in range(n)]
    bad = torch.tensor([bool(each) for each in found.made_up])
    mentions = torch.tensor(flags), torch.tensor(owners)
    return {"chair_i": mean_interval(*mentions), "chair_s": mean_interval(bad, torch.arange(len(bad)))}


def _thing(question: PopeQuestion) -> str:
    return question.text.removesuffix(" in the image?").removeprefix("Is there a").removeprefix("n").strip()
