"""Sitting the exam: an assistant answers every question about its picture, and each answer is marked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.assistant.assistant import Assistant
from gk_utils.assistant.exam import ExamQuestion
from gk_utils.assistant.grounded_answers import Answer
from gk_utils.assistant.marking import Mark, SceneTruth, mark
from gk_utils.countertop.render import render
from gk_utils.countertop.splits import IMAGE_HW

CHUNK = 20  # scenes rendered at once


@dataclass(frozen=True, eq=False)
class Sheet:
    """A question with its picture, float RGB (3 h w), and what is true of that."""

    question: ExamQuestion
    image: Float[Tensor, "3 h w"]
    truth: SceneTruth


@dataclass(frozen=True, eq=False)
class Marked:
    """An answer to a question of the exam, and what came of it."""

    question: ExamQuestion
    answer: Answer
    mark: Mark


def lay_out(exam: Sequence[ExamQuestion]) -> list[Sheet]:
    """The pictures of the questions, and their truth.

    >>> from gk_utils.assistant.exam import read_exam
    >>> lay_out(read_exam()[:1])[0].image.shape
    torch.Size([3, 128, 128])
    """
    sheets = []
    for start in range(0, len(exam), CHUNK):
        some = exam[start : start + CHUNK]
        scenes = [question.scene for question in some]
        rendered = render(scenes, IMAGE_HW)
        for row, (question, scene) in enumerate(zip(some, scenes, strict=True)):
            sheets.append(Sheet(question, rendered.images[row], SceneTruth.of(scene, rendered, row)))
    return sheets


def sit(assistant: Assistant, sheets: Sequence[Sheet], *, moved: int = 0) -> list[Marked]:
    """The assistant's answers, marked. With `moved`, each question is asked of the picture that many sheets further on.

    The truth stays that of the question's own picture: then only what can be guessed from the words is right.
    """
    found = []
    for place, sheet in enumerate(sheets):
        image = sheets[(place + moved) % len(sheets)].image
        answer = assistant.ask(image, sheet.question.truth.question)
        found.append(Marked(sheet.question, answer, mark(answer, sheet.question.truth, sheet.truth)))
    return found


def sit_blind(guess: Callable[[Sheet], Answer], sheets: Sequence[Sheet]) -> list[Marked]:
    """The same for answers that come from somewhere else."""
    answers = [guess(sheet) for sheet in sheets]
    return [
        Marked(sheet.question, answer, mark(answer, sheet.question.truth, sheet.truth))
        for sheet, answer in zip(sheets, answers, strict=True)
    ]


def tally(marked: Sequence[Marked]) -> dict[str, torch.Tensor]:
    """What an evaluation averages: `right`, `words`, `invented`, `missed` (n), `picture`, `could_invent`.

    `invented` counts where it can happen: in questions about what is not there, and in descriptions; `missed`, an
    answer that shows nothing, in all others.
    """
    could = torch.tensor([one.question.truth.absent or one.question.kind == "describe" for one in marked])
    return {
        "right": torch.tensor([one.mark.right for one in marked]),
        "words": torch.tensor([one.mark.words for one in marked]),
        "invented": torch.tensor([one.mark.invented for one in marked]),
        "missed": torch.tensor([not any(named.rows for named in one.answer.named) for one in marked]),
        "could_invent": could,
        "picture": torch.tensor([one.question.seed for one in marked]),
    }


def wrong(marked: Sequence[Marked]) -> Iterator[Marked]:
    """What went wrong, to look at."""
    return (one for one in marked if not one.mark.right or one.mark.invented)
