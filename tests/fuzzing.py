"""Odd input for the readers of model output and of hand-ins, kept in data/fuzz: a file a reader, a JSON string a line.

The suite replays every line. `make deep` changes them, character by character and token by token, for
GK_FUZZ_SECONDS a reader (60 if not set) from GK_FUZZ_SEED (0): any error that the reader does not document, any answer
that breaks its promise and any input that takes more than 2 seconds is made smaller, added to the file, and fails.
Bytes stand as Latin-1.
"""

import contextlib
import io
import json
import os
import random
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gk_utils.assistant.asking import read_question
from gk_utils.box_tokens.cell_pairs import parse_cells
from gk_utils.box_tokens.locations import FLORENCE2, OFA, PALIGEMMA, parse_locations
from gk_utils.classroom import inbox, submission
from gk_utils.hub.chat_grounders import read_answer
from gk_utils.kosmos2.article_format import careless_box, parse_article
from gk_utils.kosmos2.caption_truth import sentences_of
from gk_utils.kosmos2.grounded_text import ReadText, parse_grounded
from gk_utils.shikra.bracket_check import phrase_before
from gk_utils.shikra.expression_reader import read_expression
from gk_utils.shikra.talk import read, read_conversation
from gk_utils.spatial_relations.diagnosis import StatementError
from gk_utils.spatial_relations.parser import parse, parse_phrase
from gk_utils.text_coordinates import FORMATS, parse_boxes, parse_points

FOLDER = Path(__file__).parents[1] / "data" / "fuzz"
SLOW = 2.0  # seconds of this process for one input
LONGEST = 6_000  # characters
LESSONS = ["01_boxes", "06_roi_align"]
# What trips readers of anything: sizes, signs, other digits, halves of characters, ends of lines, depth.
NASTY = ("9" * 25, "9" * 4400, "0" * 300, "-0", "1e999", "nan", "Infinity", ".", ",", "\\", '"', "'", "\r\n", "\t")
NASTY += ("\u0663", "\u00b2", "\u0130", "\ud800", "\x00", "\u2028", "\ufeff", *(300 * mark for mark in " [{(<"))


@dataclass(frozen=True)
class Reader:
    """What is fuzzed: a function that checks its own answer, the errors it documents, and pieces of its language."""

    read: Callable[[str], Any]
    pieces: tuple[str, ...]
    errors: tuple[type[Exception], ...] = ()


def _locations(text: str) -> list[int]:
    sizes = []
    for codec in (OFA, PALIGEMMA, FLORENCE2):
        found = parse_locations(text, codec)
        assert found.tokens.shape[1:] == (4,)
        assert not len(found.tokens) or 0 <= int(found.tokens.min()) <= int(found.tokens.max()) < codec.bins.count
        sizes += [len(found.tokens), len(found.problems)]
    return sizes


def _coordinates(text: str) -> list[Any]:
    said = []
    for name, row in FORMATS.items():
        found = [parse_boxes(text, name)] if row.box else []
        found += [parse_points(text, name)] if row.point else []
        for one in found:
            numbers = one.boxes_in_frame if hasattr(one, "boxes_in_frame") else one.points_in_frame
            assert numbers.isfinite().all()
            assert len(one.labels) == len(numbers)
            said.append((len(numbers), [problem.kind for problem in one.problems][:5]))
    assert read_answer(text, "mug", "qwen3_vl", (100, 200), (64, 64)).boxes.isfinite().all()
    return said


def _linked(found: ReadText) -> tuple[Any, ...]:
    said = found.grounded
    assert said.text == said.text.strip()
    for start, end in said.spans:
        assert 0 <= start < end <= len(said.text)
    numbers = [number for boxes in said.boxes_unit for box in boxes for number in box]
    assert all(0 <= number <= 1 for number in numbers)
    return len(said.spans), len(numbers), len(found.problems)


def _grounded(text: str) -> tuple[Any, ...]:
    parse_cells(text)
    return _linked(parse_grounded(text))


def _article(text: str) -> tuple[Any, ...]:
    careless_box(text, (480, 640))
    return _linked(parse_article(text))


def _talk(text: str) -> tuple[Any, ...]:
    said = read("assistant", text)
    for mark in said.marks:
        assert text[mark.start] == "["
        assert text[mark.end - 1] == "]"
        assert all(0 <= number <= 1 for place in mark.places for number in place)
        assert mark.to_pixels((480, 640)).isfinite().all()
    assert len(said.plain) <= len(text)
    return len(said.marks), len(read_conversation(text).utterances)


def _expression(text: str) -> str:
    sentences = sentences_of(text)
    return f"{read_expression(text)} {phrase_before(text)} {read_question(text).kind} {len(sentences)}"


def _statement(text: str) -> str:
    for reader in (parse, parse_phrase):
        with contextlib.suppress(StatementError):
            return str(reader(text))
    raise StatementError(text, (0, 0), "a statement")


class UnreadableZipError(Exception):
    """`open_zip` said so, or `contents` that there are too many files."""


def _zip(text: str) -> list[Any]:
    try:
        return _files(text)
    except ValueError as error:
        if not str(error).startswith("zip: expected"):
            raise
        raise UnreadableZipError from None


class UnreadableFileError(Exception):
    """`content` said so."""


def _size(archive: zipfile.ZipFile, file: inbox.Handed) -> int:
    try:
        return len(inbox.content(archive, file.entry))
    except ValueError as error:
        if not str(error).startswith(("file: expected one that can be unpacked", "too large")):
            raise
        raise UnreadableFileError from None


def _files(text: str) -> list[Any]:
    with inbox.open_zip(io.BytesIO(text.encode("latin-1"))) as archive:
        said = []
        for file in inbox.contents(archive, LESSONS):
            assert file.student
            assert not {"/", "\\", "\x00"} & set(file.student)
            assert file.student not in (".", "..")
            with contextlib.suppress(UnreadableFileError):
                said.append(_size(archive, file))
    return said


def _notebook(text: str) -> int:
    handed = submission.parse(text.encode("latin-1"))
    for cell in handed.cells:
        cell.source.encode()  # it can be written again
        submission.functions(submission.as_code(cell))
    return len(handed.cells)


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


READERS = {
    "box_tokens": Reader(_locations, _pieces("<loc_12>|<loc_999>|<bin_3>|<loc0001>|<loc1023>|<loc_|>| ")),
    "text_coordinates": Reader(
        _coordinates,
        _pieces(
            '[{"bbox_2d": [1, 2, 3, 4]|"label": "mug"}]|```json|<box>|</box>|(1,2),(3,4)|<ref>|</ref>|"point_2d":|]|;'
        )
        + _pieces('<point x="1" y="2"|alt="mug">|</point>|[0.1,0.2,0.3,0.4]|There are none.'),
    ),
    "hyperlinks": Reader(
        _grounded,
        _pieces(
            "<phrase>|</phrase>|<object>|</object>|<patch_index_0001>|<patch_index_1023>|<grounding>|</image>| a mug"
        )
        + _pieces("</delimiter_of_multi_objects/>|<p>"),
    ),
    "shikra": Reader(_talk, _pieces("USER: |ASSISTANT: |[0.1,0.2,0.3,0.4]|[0.5,0.5|;|]|1.000|0.| mug")),
    "article": Reader(_article, _pieces("<p>|</p>|<box>|</box>|<loc_0>|<loc_999>|<loc_| a mug|<grounding>")),
    "expressions": Reader(
        _expression,
        _pieces(
            "the second |red |mug |from the left |that is |not |left of |with handle left |two |all |How many |Is the "
        )
        + _pieces("or |?|. |things |the same colour as |small "),
    ),
    "statements": Reader(
        _statement,
        _pieces(
            "the |red |mug |is |not |on |to the left of |exactly two |and |that |or |, |there are |no |between |second "
        )
        + _pieces("from the left|every |than |of the "),
        (StatementError,),
    ),
    "zips": Reader(
        _zip,
        _pieces("PK\x03\x04|PK\x01\x02|PK\x05\x06|\x00\x00|\xff\xff\xff\xff|../|C:\\|.ipynb|\x08\x00"),
        (UnreadableZipError,),
    ),
    "notebooks": Reader(
        _notebook,
        _pieces(
            '{"cells": [|"cell_type": "code"|"source": |"metadata": {|null|]}|[|{}|"def f():\\n  "|%|!ls|```python'
        ),
        (ValueError,),
    ),
}


def corpus(name: str) -> list[str]:
    """The kept inputs of a reader."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def keep(name: str, text: str) -> None:
    """Add an input to those of a reader."""
    with (FOLDER / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(text) + "\n")


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Raise TimeoutError when this process has worked for SLOW seconds."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"expected an answer within {SLOW} s")

    old = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOW)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


def try_out(name: str, text: str) -> tuple[str, str]:
    """What a reader says, and its fault: "" or the first line of an error it does not document."""
    reader = READERS[name]
    try:
        with limited():
            said = repr(reader.read(text))
    except reader.errors as error:
        said = type(error).__name__
    except Exception as error:
        return "fault", f"{type(error).__name__}: {str(error)[:200]}"
    return said[:300], ""


def changed(text: str, others: list[str], pieces: tuple[str, ...], rng: random.Random) -> str:
    """A text with one to five changes: characters, tokens, repeats, cuts, parts of others."""
    for _ in range(rng.randint(1, 5)):
        start, end = sorted(rng.randint(0, len(text)) for _ in range(2))
        if rng.random() < 0.5:
            end = min(end, start + rng.randint(0, 8))
        part, how = text[start:end], rng.randrange(9)
        if how == 0:
            part = ""
        elif how == 1:
            part = part * rng.choice((2, 3, 50))
        elif how == 2:
            part += rng.choice(NASTY)
        elif how in (3, 4):
            part += rng.choice(pieces) * rng.choice((1, 1, 2, 5, 200))
        elif how == 5:
            part = "".join(rng.sample(part, len(part)))
        elif how == 6:
            part = rng.choice((part.upper(), part.lower(), part[::-1]))
        elif how == 7:
            other = rng.choice(others)
            cut = rng.randint(0, len(other))
            part = other[cut : cut + rng.randint(1, 40)]
        else:
            part = part[:-1] + chr(rng.choice((rng.randrange(128), rng.randrange(256), rng.randrange(0x11000))))
        text = (text[:start] + part + text[end:])[:LONGEST]
    return text


def smaller(name: str, text: str, fault: str, seconds: float = 20.0) -> str:
    """A shorter text with the same kind of fault."""
    kind, until, step = fault.partition(":")[0], time.monotonic() + seconds, max(len(text) // 2, 1)
    while step and time.monotonic() < until:
        at = 0
        while at < len(text) and time.monotonic() < until:
            shorter = text[:at] + text[at + step :]
            if try_out(name, shorter)[1].partition(":")[0] == kind:
                text = shorter
            else:
                at += step
        step //= 2
    return text


def fuzz(name: str, seconds: float, seed: int) -> tuple[int, int, list[str]]:
    """Try changed inputs for that long: how many, how many kinds of answer, and the faults, one of each kind, kept."""
    rng, reader, pool = random.Random(f"{name} {seed}"), READERS[name], corpus(name)
    seen, faults, tried, until = {try_out(name, text)[0] for text in pool}, {}, 0, time.monotonic() + seconds
    binary = name in ("zips", "notebooks")
    while time.monotonic() < until and len(faults) < 5:
        text = changed(rng.choice(pool), pool, reader.pieces, rng)
        if binary:
            text = "".join(chr(ord(character) % 256) for character in text)
        said, fault = try_out(name, text)
        tried += 1
        kind = re.sub(r"\d+", "0", fault)[:60]
        if fault and kind not in faults:
            text = smaller(name, text, fault)
            keep(name, text)
            faults[kind] = f"{name}: {fault} for {text!r:.300}"
        elif not fault and said not in seen and len(pool) < 3000:
            seen.add(said)
            pool.append(text)
    return tried, len(seen), list(faults.values())


def seconds() -> float:
    """How long each reader is fuzzed."""
    return float(os.environ.get("GK_FUZZ_SECONDS", "60"))


def seed() -> int:
    """What the changes are drawn from."""
    return int(os.environ.get("GK_FUZZ_SEED", "0"))
