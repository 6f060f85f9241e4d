"""The mini Kosmos-2 on a frozen split: grounded captions and answers to questions, by what is true in the scenes."""

import time
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import torch

from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.questions import QUESTIONS, Question, draw_question
from gk_utils.errors import check_choice
from gk_utils.evaluate.language_only import language_only
from gk_utils.evaluate.measure import f1_interval, mean_interval
from gk_utils.kosmos2.caption_scores import (
    AnswerScores,
    Asked,
    CaptionScores,
    answer_questions,
    pictures_of,
    questions_for,
    score_answers,
    tally,
    write_captions,
)
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.kosmos2.kosmos_pictures import load_mini

SPLITS = ("val", "testA", "testB")
LIMIT = 400  # pictures
LEARNED_FROM = 600  # scenes of the language-only answers


def evaluate_kosmos2(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the mini Kosmos-2 as `python -m gk_utils evaluate kosmos2` prints it.

    `phrase_box_f1` of its own captions, `hallucinated_phrases` the share of their phrases that name what is not there,
    `things_named` the share of a picture's things that its caption names and hits (who repeats one safe phrase has a
    high F1, and little of that), `vqa_accuracy` over questions of five kinds (`by_kind`); see `kosmos2.caption_scores`.

    Baselines: `language_only`, a true caption of another scene with boxes guessed from its words, and the usual answer
    to a question of that kind; `patch_grid`, true captions with true boxes, as well as the 32 x 32 patches can say
    them: no model can beat its F1 by more than chance, but one may name more things.
    The control, `other_picture`, is the model's own captions and answers for the picture half the list further on: it
    must fall.

    Args:
        split: one of SPLITS.
        limit: pictures; 400 if None.
        device: where the model runs.
        checkpoint: its folder; the best one shipped if None.

    Raises:
        ValueError: another split, a limit below 2, a checkpoint that is no mini Kosmos-2.
        FileNotFoundError: there is no checkpoint.
    """
    check_choice(split, SPLITS, "split")
    if limit is not None and limit < 2:
        raise ValueError(f"limit: expected 2 pictures or more, got {limit}. Leave it out for {LIMIT}.")
    began = time.monotonic()
    mini, card = load_mini(checkpoint, device)
    pictures = pictures_of(split, limit or LIMIT, card.settings["trunk"], device)
    half = len(pictures) // 2
    moved = [*pictures[half:], *pictures[:half]]
    captions, asked = write_captions(mini.kosmos, pictures), questions_for(pictures)
    answers = score_answers(answer_questions(mini.kosmos, pictures, asked), asked)
    elsewhere = score_answers(answer_questions(mini.kosmos, moved, asked), asked)
    guessed = score_answers([GroundedText(usual_answer(question)) for _, question in asked], asked)
    blind = tally([words_alone(place) for place in range(len(pictures))], pictures)
    truth = tally([true_caption(one, place) for place, one in enumerate(pictures)], pictures)
    return {
        "split": split,
        "n": len(pictures),
        "checkpoint": checkpoint or card.recipe,
        "device": device,
        "metrics": with_intervals(tally(captions, pictures), answers),
        "baselines": {
            "language_only": with_intervals(blind, guessed),
            "other_picture": with_intervals(tally(captions, moved), elsewhere),
            "patch_grid": with_intervals(truth),
        },
        "seconds": round(time.monotonic() - began, 1),
    }


def with_intervals(captions: CaptionScores, answers: AnswerScores | None = None) -> dict[str, Any]:
    """The metrics with 95 % intervals over pictures; 0 where no caption has a phrase."""
    nothing = dict.fromkeys(("value", "low", "high"), 0.0)
    pairs, phrases = len(captions.said), len(captions.invented)
    found: dict[str, Any] = {
        "phrase_box_f1": f1_interval(captions.said, captions.true, captions.pair_picture) if pairs else nothing,
        "hallucinated_phrases": mean_interval(captions.invented, captions.phrase_picture) if phrases else nothing,
        "things_named": mean_interval(captions.named, torch.arange(len(captions.named))),
    }
    if answers is None:
        return found
    found["vqa_accuracy"] = mean_interval(answers.right, answers.picture)
    kinds = {kind: torch.tensor([one == kind for one in answers.kinds]) for kind in QUESTIONS}
    found["by_kind"] = {
        kind: {"vqa_accuracy": mean_interval(answers.right[mine], answers.picture[mine])}
        for kind, mine in kinds.items()
        if mine.any()
    }
    return found


def true_caption(picture: Asked, number: int) -> GroundedText:
    """A caption from the scene itself with the boxes of the scene, said in patches; a text without phrases if none."""
    caption = draw_caption(picture.scene, np.random.default_rng([number, 17]))
    if caption is None:
        return GroundedText("")
    boxes = tuple(
        tuple(tuple(box) for box in picture.boxes_unit[list(link.referents)].clamp(0, 1).double().tolist())
        for link in caption.links
    )
    return GroundedText(caption.text, tuple((link.start, link.end) for link in caption.links), boxes).snapped()


def words_alone(number: int) -> GroundedText:
    """A caption that has seen no picture: a true one of a fresh scene, its boxes guessed from the phrases."""
    caption = draw_caption(draw_scene_for(2**38 + number), np.random.default_rng([number, 18]))
    if caption is None:
        return GroundedText("")
    spans = tuple((link.start, link.end) for link in caption.links)
    boxes = language_only().boxes_unit([caption.text[start:end] for start, end in spans]).double().tolist()
    return GroundedText(caption.text, spans, tuple((tuple(box),) for box in boxes))


def usual_answer(question: Question) -> str:
    """The commonest answer to this question in fresh scenes, or to questions of its kind."""
    texts, kinds = _answers()
    return texts.get(question.text, kinds[question.kind])


@cache
def _answers() -> tuple[dict[str, str], dict[str, str]]:
    by_text: dict[str, Counter[str]] = {}
    by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in QUESTIONS}
    for number in range(LEARNED_FROM):
        scene, rng = draw_scene_for(2**37 + number), np.random.default_rng([number, 19])
        for kind in QUESTIONS:
            question = draw_question(scene, kind, rng)
            if question:
                by_text.setdefault(question.text, Counter())[question.answer] += 1
                by_kind[kind][question.answer] += 1
    return _commonest(by_text), _commonest(by_kind)


def _commonest(counts: dict[str, Counter[str]]) -> dict[str, str]:
    return {name: max(sorted(some), key=some.__getitem__) for name, some in counts.items() if some}
