"""POPE: questions whether a thing is in a picture, and what a model answered; both as JSON lines.

A line of questions is {"question_id": 1, "image": "COCO_val2014_000000310196.jpg", "text": "Is there a snowboard in the
image?", "label": "yes"}. A line of answers is {"question": "is there a bird in the image?", "answer": "yes"}, in the
order of the questions: the authors' script pairs line with line and looks at nothing else. This reader does look.

In the files as first released, "an" stands before a vowel and the last word is then "imange": one `replace` too many.

Source: Li et al. 2023, "Evaluating Object Hallucination in Large Vision-Language Models", arXiv:2305.10355; code
AoiDragon/POPE, utils.py and evaluate.py.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gk_utils.formats.files import blame, is_text, need, parse_json, read_text, write_whole

KINDS = ("random", "popular", "adversarial")  # how the things that are not there were chosen
_KEYS = ("question_id", "image", "text", "label")


@dataclass(frozen=True)
class PopeQuestion:
    """Whether a thing is in a picture.

    Attributes:
        question_id: counts from 1; no two questions of a file share it.
        image: the picture's file name.
        text: the question.
        label: whether the right answer is yes.
        extra: other keys, as they are written.
    """

    question_id: int
    image: str
    text: str
    label: bool
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


def read_pope(path: str | Path) -> tuple[PopeQuestion, ...]:
    r"""Read a file of questions; nothing is returned before all of it was checked. Blank lines are passed over.

    Raises:
        ValueError: anything malformed, by file and line: no JSON object, wrong types, a label that is neither "yes" nor
            "no", a question_id for the second time.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "polls.json"
    >>> line = '{"question_id": %d, "image": "a.png", "text": "Is there a cat in the image?", "label": "%s"}'
    >>> _ = path.write_text("\n".join([line % (1, "yes"), line % (2, "maybe")]))
    >>> read_pope(path)
    Traceback (most recent call last):
    ...
    ValueError: polls.json: line 2: label: expected "yes" or "no", got 'maybe'...
    """
    return _parse(read_text(path), Path(path).name)


def write_pope(questions: Sequence[PopeQuestion], path: str | Path) -> None:
    """Write questions as JSON lines, whole or not at all (see `write_whole`).

    Raises:
        ValueError: something that `read_pope` would reject; what lies at `path` stays as it was.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "polls.json"
    >>> write_pope([PopeQuestion(1, "a.png", "Is there a cat in the image?", True)], path)
    >>> read_pope(path)[0].label
    True
    """
    name = Path(path).name
    with blame(name):
        text = "".join(json.dumps(_record(question), allow_nan=False) + "\n" for question in questions)
    back = _parse(text, name)
    for number, (question, read) in enumerate(zip(questions, back, strict=True), start=1):
        with blame(f"{name}: line {number}"):
            need(question == read, "expected only what JSON can hold and read back as it was", question)
    write_whole(path, text)


def read_answers(path: str | Path, questions: Sequence[PopeQuestion]) -> tuple[str, ...]:
    r"""What a model answered, one text for each of the questions, in their order.

    Raises:
        ValueError: anything malformed, by file and line; another number of answers than questions; an answer whose
            question is another one than its line's (capitals aside), which the authors' script would not notice.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "answers.json"
    >>> _ = path.write_text('{"question": "is there a cat in the image?", "answer": "No."}\n')
    >>> read_answers(path, [PopeQuestion(1, "a.png", "Is there a cat in the image?", True)])
    ('No.',)
    """
    name, answers = Path(path).name, []
    for number, record in _records(read_text(path), name):
        with blame(f"{name}: line {number}"):
            need(isinstance(record.get("answer"), str), "answer: expected a text", record.get("answer"))
            need(len(answers) < len(questions), f"expected {len(questions)} answers, one a question", "more")
            if "question" in record:
                asked = questions[len(answers)].text
                same = is_text(record["question"]) and record["question"].lower() == asked.lower()
                need(same, f"question: expected {asked!r}, as in the questions' file", record["question"])
        answers.append(record["answer"])
    with blame(name):
        need(len(answers) == len(questions), f"expected {len(questions)} answers, one a question", len(answers))
    return tuple(answers)


def _parse(text: str, name: str) -> tuple[PopeQuestion, ...]:
    questions, seen = [], set()
    for number, record in _records(text, name):
        with blame(f"{name}: line {number}"):
            question_id, label = record.get("question_id"), record.get("label")
            need(type(question_id) is int, "question_id: expected a whole number", question_id)
            need(question_id not in seen, "question_id: expected each once", question_id)
            for key in ("image", "text"):
                need(is_text(record.get(key)), f"{key}: expected a text", record.get(key))
            need(label in ("yes", "no"), 'label: expected "yes" or "no"', label)
        seen.add(question_id)
        extra = {key: value for key, value in record.items() if key not in _KEYS}
        questions.append(PopeQuestion(question_id, record["image"], record["text"], label == "yes", extra))
    return tuple(questions)


def _records(text: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, with the numbers of their lines."""
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            with blame(f"{name}: line {number}"):
                record = parse_json(line)
                need(isinstance(record, dict), "expected an object", record)
            records.append((number, record))
    return records


def _record(question: PopeQuestion) -> dict[str, Any]:
    record = {"question_id": question.question_id, "image": question.image, "text": question.text}
    return {**record, "label": "yes" if question.label else "no", **question.extra}
