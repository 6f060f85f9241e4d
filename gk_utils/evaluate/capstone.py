"""The assistant on the frozen exam: 200 questions of ten kinds, the evidence of each answer held against the scene."""

import time
from collections.abc import Sequence
from typing import Any

from gk_utils.assistant.assistant import load_assistant
from gk_utils.assistant.exam import ASKED, read_exam
from gk_utils.assistant.guessing import always_none, always_yes, language_only, usual_answer
from gk_utils.assistant.sitting import Marked, lay_out, sit, sit_blind, tally
from gk_utils.classroom.composing import compose
from gk_utils.errors import check_choice
from gk_utils.evaluate.measure import mean_interval


def evaluate_capstone(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the assistant as `python -m gk_utils evaluate capstone` prints it, composed of the reference functions.

    `right`: the share of answers that are right in words and whose evidence is so; `right_in_words` leaves the evidence
    aside; any description is right in words. `invented`: of the questions about something that is not there, and of
    the descriptions, the share whose answer shows such a thing. `by_kind` repeats them for each kind.

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
    return {
        "split": split,
        "n": len(sheets),
        "checkpoint": assistant.models.name,
        "device": device,
        "metrics": measure(sit(assistant, sheets)),
        "baselines": {
            **{name: measure(sit_blind(guess, sheets)) for name, guess in blind.items()},
            "other_picture": measure(elsewhere),
        },
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(marked: Sequence[Marked]) -> dict[str, Any]:
    """The metrics of `evaluate_capstone` with 95 % intervals over pictures; `invented` is 0 where it cannot happen."""
    kinds = {kind: [one for one in marked if one.question.kind == kind] for kind in ASKED}
    return {**_rates(marked), "by_kind": {kind: _rates(some) for kind, some in kinds.items() if some}}


def _rates(marked: Sequence[Marked]) -> dict[str, dict[str, float]]:
    counts = tally(marked)
    picture, could = counts["picture"], counts["could_invent"]
    nothing = dict.fromkeys(("value", "low", "high"), 0.0)
    return {
        "right": mean_interval(counts["right"], picture),
        "right_in_words": mean_interval(counts["words"], picture),
        "invented": mean_interval(counts["invented"][could], picture[could]) if could.any() else nothing,
    }
