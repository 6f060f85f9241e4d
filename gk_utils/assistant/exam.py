"""The frozen exam: 200 questions about scenes of the split val, 20 of each kind, in data/capstone/questions.jsonl.

A line holds the seed of a scene, its checksum, the kind, the question, the answer and the things it is about; no
picture. The scene is drawn again from its seed and held against the checksum.

    python -m gk_utils.assistant.exam     # draws the file anew
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gk_utils.assistant.exam_questions import Drawn, Seen, draw_many
from gk_utils.assistant.grounded_answers import KINDS
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.splits import IMAGE_HW, checksum_of, read_split
from gk_utils.errors import check_choice
from gk_utils.formats.files import blame, is_text, need, parse_json, read_text, write_whole

FILE = Path(__file__).parents[2] / "data" / "capstone" / "questions.jsonl"
ASKED = KINDS[:10]
EACH = 20  # questions of a kind
# How many of each kind ask about something that is not there.
MISSING = {
    **{"locate": 5, "segment": 5, "count": 3, "compare": 2, "relate": 4, "absent": 10, "region": 3, "describe": 0},
    **{"verify": 4, "ordinal": 5},
}
DEVELOPMENT = 2**40 + 2**29  # seeds from here on are of no sample: to try things on
CHOSEN_ON = range(DEVELOPMENT + 100_000, DEVELOPMENT + 200_000)  # the assistant's own limits were chosen on these
FRESH = range(DEVELOPMENT + 200_000, DEVELOPMENT + 203_000)  # nothing was chosen on these
CHUNK = 4  # scenes rendered at once
KEYS = ("seed", "sha256", "kind", "question", "answer", "groups")


@dataclass(frozen=True)
class ExamQuestion:
    """A question of the exam: the seed and the checksum of its scene, its kind, and its truth."""

    seed: int
    checksum: str
    kind: str
    truth: Drawn

    @property
    def scene(self) -> Scene:
        """The scene it is about.

        Raises:
            ValueError: scenes are drawn in another way than when the exam was made.
        """
        scene = draw_scene_for(self.seed)
        if checksum_of(scene) != self.checksum:
            raise ValueError(
                f"seed: expected scene {self.checksum} from {self.seed}, got {checksum_of(scene)}. Scenes are drawn "
                "otherwise than before: undo that, or make the exam anew (python -m gk_utils.assistant.exam)."
            )
        return scene

    def as_line(self) -> str:
        """Its line of the file."""
        truth = self.truth
        fields = (
            self.seed,
            self.checksum,
            self.kind,
            truth.question,
            truth.answer,
            [list(one) for one in truth.groups],
        )
        return json.dumps(dict(zip(KEYS, fields, strict=True)))


def read_exam(path: str | Path = FILE) -> tuple[ExamQuestion, ...]:
    """The questions of the file, in its order: the first ten are one of each kind, and so on.

    Raises:
        ValueError: a damaged file; names the line.

    >>> exam = read_exam()
    >>> len(exam), [one.kind for one in exam[:10]] == list(ASKED)
    (200, True)
    """
    lines = read_text(path).splitlines()
    return tuple(_question(line, f"{Path(path).name}: line {number}") for number, line in enumerate(lines, 1))


def make_exam(seeds: Sequence[int], each: int = EACH, salt: int = 17) -> tuple[ExamQuestion, ...]:
    """Draw an exam: `each` questions of every kind, about scenes of these seeds; one of each kind in turn.

    With fewer than EACH, the share of questions about what is not there stays, rounded.
    """
    missing = {kind: round(MISSING[kind] * each / EACH) for kind in ASKED}
    kinds = [_draw(kind, seeds, salt, each - missing[kind], missing[kind]) for kind in ASKED]
    return tuple(question for row in zip(*kinds, strict=True) for question in row)


def make_absent(seeds: Sequence[int] = FRESH, times: int = 10, salt: int = 19) -> tuple[ExamQuestion, ...]:
    """Draw `times` as many questions about what is not there as the exam has, in its mixture, and descriptions.

    The exam has 41 and 20: one invention more or less is a step of two points. These are for the share of inventions.
    Of descriptions, which take longer, there are half as many times as many.
    """
    counts = {kind: (times * EACH // 2, 0) if kind == "describe" else (0, times * MISSING[kind]) for kind in ASKED}
    return tuple(question for kind in ASKED for question in _draw(kind, seeds, salt, *counts[kind]))


def main() -> None:
    """Draw the frozen exam anew, from the scenes of val.

    >>> main()  # doctest: +SKIP
    200 questions, 41 of them about something that is not there
    """
    exam = make_exam(list(dict.fromkeys(sample.seed for sample in read_split("val"))))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    write_whole(FILE, "\n".join(one.as_line() for one in exam) + "\n")
    absent = sum(one.truth.absent for one in exam)
    print(f"{len(exam)} questions, {absent} of them about something that is not there")


def _draw(kind: str, seeds: Sequence[int], salt: int, there: int, missing: int) -> list[ExamQuestion]:
    """Questions of one kind, each about a scene of its own."""
    rng = np.random.default_rng([salt, ASKED.index(kind)])
    order = [seeds[position] for position in rng.permutation(len(seeds))]
    drawn = draw_many(kind, _seen(order), rng, there, missing)
    return [ExamQuestion(one.scene.seed, checksum_of(one.scene), kind, truth) for one, truth in drawn]


def _seen(seeds: Sequence[int]) -> Iterator[Seen]:
    """The scenes of these seeds with what can be seen of them; rendered when they are asked for."""
    for start in range(0, len(seeds), CHUNK):
        scenes = [draw_scene_for(seed) for seed in seeds[start : start + CHUNK]]
        rendered = render(scenes, IMAGE_HW)
        shares = rendered.masks.sum((2, 3)) / rendered.masks_full.sum((2, 3)).clamp(min=1)
        for row, scene in enumerate(scenes):
            n = len(scene)
            boxes = tuple(tuple(box) for box in rendered.boxes[row, :n].tolist())
            yield Seen(scene, tuple(shares[row, :n].tolist()), boxes, IMAGE_HW)


def _question(line: str, where: str) -> ExamQuestion:
    with blame(where):
        entry: Any = parse_json(line)
        need(isinstance(entry, dict) and set(entry) == set(KEYS), f"expected the keys {', '.join(KEYS)}", entry)
        need(type(entry["seed"]) is int and entry["seed"] >= 0, "seed: expected a whole number", entry["seed"])
        for name in ("sha256", "question", "answer"):
            need(is_text(entry[name]), f"{name}: expected a text", entry[name])
        check_choice(entry["kind"], ASKED, "kind")
        groups = entry["groups"]
        sound = isinstance(groups, list) and all(
            isinstance(group, list) and all(type(thing) is int and thing >= 0 for thing in group) for group in groups
        )
        need(sound, "groups: expected lists of indices of things", groups)
        truth = Drawn(entry["question"], entry["answer"], tuple(map(tuple, groups)))
        return ExamQuestion(entry["seed"], entry["sha256"], entry["kind"], truth)


if __name__ == "__main__":
    main()
