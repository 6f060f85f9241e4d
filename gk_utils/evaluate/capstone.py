"""The assistant on the frozen exam: 200 questions of ten kinds, the evidence of each answer held against the scene.

The exam has 41 questions about what is not there: too few for a share of about one in a hundred. `fresh` has 410.
"""

import time
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool
from scipy.stats import binomtest
from torch import Tensor

from gk_utils.assistant.assistant import Assistant, load_assistant
from gk_utils.assistant.exam import ASKED, make_absent, read_exam
from gk_utils.assistant.guessing import always_none, always_yes, language_only, usual_answer
from gk_utils.assistant.sitting import Marked, Sheet, lay_out, sit, sit_blind, tally
from gk_utils.classroom.composing import compose
from gk_utils.errors import check_choice
from gk_utils.evaluate.measure import mean_interval


def evaluate_capstone(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the assistant as `python -m gk_utils evaluate capstone` prints it, composed of the reference functions.

    `right`: the share of answers that are right in words and whose evidence is so; `right_in_words` leaves the evidence
    aside; any description is right in words. `invented`: of the questions about something that is not there, and of
    the descriptions, the share whose answer shows such a thing; `invented_absent`: of those questions alone. `missed`:
    of the questions about what is there, the share whose answer shows nothing: the price. `by_kind` repeats the first
    three for each kind. `fresh`, where all questions are asked: inventions in ten times as many questions about what is
    not there, of the exam's mixture, and in five times as many descriptions, of scenes that nothing was chosen on.

    Baselines: `always_yes`, `always_none` (nothing is there: right where that is so), `usual_answer` (the most usual of
    its kind in the exam itself) and `language_only` (the answer of the question with the most words in common). The
    control, `other_picture`, asks the assistant about the picture half the exam further on: what it still gets right
    can be guessed.

    Args:
        split: "val".
        limit: the first so many questions; the exam goes round the ten kinds. None takes all.
        device: where the models run.
        checkpoint: folder of another trunk than the one shipped.

    Raises:
        ValueError: another split, a limit below 2; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    check_choice(split, ("val",), "split")
    if limit is not None and limit < 2:
        raise ValueError(f"limit: expected 2 or more, got {limit}. Leave it out for all questions.")
    began = time.monotonic()
    assistant = load_assistant(compose(None), checkpoint, device)
    sheets = lay_out(read_exam()[:limit])
    blind = {
        **{"always_yes": always_yes, "always_none": always_none},
        **{"usual_answer": usual_answer(sheets), "language_only": language_only(sheets)},
    }
    elsewhere = sit(assistant, sheets, moved=len(sheets) // 2 + 1)
    metrics = measure(sit(assistant, sheets))
    if limit is None:
        metrics["fresh"] = invented_in(assistant, lay_out(make_absent()))
    return {
        "split": split,
        "n": len(sheets),
        "checkpoint": assistant.models.name,
        "device": device,
        "metrics": metrics,
        "baselines": {
            **{name: measure(sit_blind(guess, sheets)) for name, guess in blind.items()},
            "other_picture": measure(elsewhere),
        },
        "seconds": round(time.monotonic() - began, 1),
    }


def invented_in(assistant: Assistant, sheets: Sequence[Sheet]) -> dict[str, dict[str, float]]:
    """The share of inventions in questions about what is not there, and in descriptions, each with an interval."""
    marked = sit(assistant, sheets)
    told = torch.tensor([one.question.kind == "describe" for one in marked])
    invented = tally(marked)["invented"]
    return {"invented_absent": rare_interval(invented[~told]), "invented_described": rare_interval(invented[told])}


def measure(marked: Sequence[Marked]) -> dict[str, Any]:
    """The metrics of `evaluate_capstone` with 95 % intervals; a share is 0 where there is nothing that it is of.

    Those of right answers are over pictures, those of rare ones exact.
    """
    counts = tally(marked)
    told = torch.tensor([one.question.kind == "describe" for one in marked])
    kinds = {kind: [one for one in marked if one.question.kind == kind] for kind in ASKED}
    return {
        **_rates(marked),
        "invented_absent": rare_interval(counts["invented"][counts["could_invent"] & ~told]),
        "missed": rare_interval(counts["missed"][~counts["could_invent"]]),
        "by_kind": {kind: _rates(some) for kind, some in kinds.items() if some},
    }


def rare_interval(happened: Bool[Tensor, " n"]) -> dict[str, float]:
    """How often something happened, {"value", "low", "high"}, by Clopper and Pearson: none of 41 is not "never".

    Resampling would make a point of it. It takes the answers as independent: few share a picture here.

    >>> rare_interval(torch.zeros(41, dtype=torch.bool))
    {'value': 0.0, 'low': 0.0, 'high': 0.086}
    """
    if not len(happened):
        return dict.fromkeys(("value", "low", "high"), 0.0)
    n = int(happened.sum())
    interval = binomtest(n, len(happened)).proportion_ci(0.95)
    found = {"value": n / len(happened), "low": interval.low, "high": interval.high}
    return {name: round(float(value), 4) for name, value in found.items()}


def _rates(marked: Sequence[Marked]) -> dict[str, dict[str, float]]:
    counts = tally(marked)
    picture, could = counts["picture"], counts["could_invent"]
    return {
        "right": mean_interval(counts["right"], picture),
        "right_in_words": mean_interval(counts["words"], picture),
        "invented": rare_interval(counts["invented"][could]),
    }
