"""Statements about fresh countertops, as lesson 10 writes them to a file of the VSR data set and judges them.

Notebook: 10.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gk_utils.countertop.exports import name_picture
from gk_utils.countertop.questions import Statement, draw_statement
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.sentence_exports import export_vsr
from gk_utils.evaluate.measure import mean_interval
from gk_utils.formats.vsr import VsrItem, read_vsr
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.statement import Statement as Form
from gk_utils.spatial_relations.verdict import Verdict
from gk_utils.spatial_relations.verifier import verify


def statements_about(scenes: Sequence[Scene], most: int = 4) -> list[tuple[Scene, Statement]]:
    """Up to `most` different statements about each scene, true or false by the toss of a coin.

    >>> from gk_utils.countertop.scene import draw_scenes
    >>> said = statements_about(draw_scenes(range(3), n=6), 2)
    >>> len(said) <= 6 and all(isinstance(statement.holds, bool) for _, statement in said)
    True
    """
    said = []
    for scene in scenes:
        rng, texts = np.random.default_rng(scene.seed), set()
        for _ in range(most):
            statement = draw_statement(scene, rng)
            if statement is not None and statement.text not in texts:
                texts.add(statement.text)
                said.append((scene, statement))
    return said


def through_a_file(scenes: Sequence[Scene], most: int = 4) -> tuple[tuple[VsrItem, ...], list[int]]:
    """Statements about scenes, written as a file of VSR and read back; and for each which scene it is about.

    >>> from gk_utils.countertop.scene import draw_scenes
    >>> items, rows = through_a_file(draw_scenes(range(2), n=6), 2)
    >>> len(items) == len(rows), set(rows) <= {0, 1}
    (True, True)
    """
    with tempfile.TemporaryDirectory() as folder:
        export_vsr(statements_about(scenes, most), folder)
        items = read_vsr(Path(folder) / "statements.jsonl")
    row_of = {name_picture(scene): row for row, scene in enumerate(scenes)}
    return items, [row_of[item.image] for item in items]


def judge(forms: Sequence[Form], arrangements: Sequence[Arrangement], rows: Sequence[int]) -> list[Verdict]:
    """The verdict on each form, held against the arrangement of its row.

    >>> from gk_utils.spatial_relations.parser import parse
    >>> [verdict.truth for verdict in judge([parse("There is a mug.")], [Arrangement([])], [0])]
    [False]
    """
    return [verify(form, arrangements[row]).verdict for form, row in zip(forms, rows, strict=True)]


def questions(arrangement: Arrangement) -> list[tuple[str, str, str]]:
    """Subject, relation and landmark of all questions about left, right, above and below among things of one name each.

    >>> from gk_utils.spatial_relations.thing import Thing
    >>> things = [Thing(name, (0, 0, 4, 4), (9, 9)) for name in ("mug", "mug", "cat", "plate")]
    >>> questions(Arrangement(things))[:2], len(questions(Arrangement(things)))
    ([('cat', 'left_of', 'plate'), ('cat', 'right_of', 'plate')], 8)
    """
    names = [thing.name for thing in arrangement.things]
    alone = [name for name in names if names.count(name) == 1]
    relations = ("left_of", "right_of", "above", "below")
    return [(a, relation, b) for a in alone for b in alone for relation in relations if a != b]


@dataclass(frozen=True)
class Score:
    """How right answers are: accuracy with its interval among those that were decided, and the share undecided."""

    value: float
    low: float
    high: float
    undecided: float


def score(answers: Sequence[bool | None], labels: Sequence[bool], pictures: Sequence[int]) -> Score:
    """Accuracy among the answers that are not None, with a 95 % interval over pictures.

    Args:
        answers: True, False or None (undecided); one at least is not None.
        labels: what is true.
        pictures: which picture each is about.

    >>> score([True, None], [True, True], [0, 1]).undecided
    0.5
    """
    rows = [row for row, answer in enumerate(answers) if answer is not None]
    right = torch.tensor([answers[row] == labels[row] for row in rows], dtype=torch.double)
    interval = mean_interval(right, torch.tensor([pictures[row] for row in rows]))
    return Score(**interval, undecided=1 - len(rows) / len(answers))


def by_name(arrangement: Arrangement) -> dict[str, tuple[float, float, float, float]]:
    """What the substring verifier takes: one box a name, in fractions of the picture; of two mugs the last.

    >>> from gk_utils.spatial_relations.thing import Thing
    >>> by_name(Arrangement([Thing("mug", (10, 20, 50, 40), (100, 200))]))
    {'mug': (0.05, 0.2, 0.25, 0.4)}
    """
    boxes = {}
    for thing in arrangement.things:
        (height, width), (x1, y1, x2, y2) = thing.image_hw, thing.box
        boxes[thing.name] = (x1 / width, y1 / height, x2 / width, y2 / height)
    return boxes
