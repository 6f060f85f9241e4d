"""CountBench: web pictures with two to ten things of a kind, and captions that say how many.

The release is one JSON list of {"image_url", "text", "number"}, 540 rows. Pictures are fetched from where they are on
the web, or are not there any more: of the copy that is handed round, 491 rows have one. A result that does not say on
how many rows it was measured does not compare with another.

A model that scores pairs of a picture and a caption is asked with the caption and eight others in which only the number
differs: `other_numbers` writes all nine. It is right if the true one gets the highest score, and chance is 1 in 9.

Source: Paiss et al., Teaching CLIP to Count to Ten, ICCV 2023, arXiv:2302.12066; 491: comment in big_vision,
datasets/countbenchqa/countbenchqa.py. The file itself was not at hand.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gk_utils.formats.files import blame, need, parse_json, read_json, write_whole

ROWS = 540
NUMBERS = range(2, 11)
WORDS = dict(zip(NUMBERS, ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), strict=True))
_KEYS = ("image_url", "text", "number")


@dataclass(frozen=True)
class CountBenchItem:
    """One picture: where it is, its caption, how many things the caption counts (2 to 10), and other keys as they are.

    In an export of the countertop `image_url` is a path within its folder.
    """

    image_url: str
    text: str
    number: int
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


def read_countbench(path: str | Path, whole: bool = False) -> tuple[CountBenchItem, ...]:
    """Read the list; nothing is returned before all of it was checked.

    Args:
        path: the JSON file.
        whole: the file should be the whole release: 540 rows, which finds a list that somebody shortened.

    Raises:
        ValueError: anything malformed, by file and entry: no list, a key that is missing, a blank text, a number that
            is not a whole one from 2 to 10; or, with `whole`, another number of rows.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "CountBench.json"
    >>> _ = path.write_text('[{"image_url": "1.png", "text": "Eleven mugs", "number": 11}]')
    >>> read_countbench(path)
    Traceback (most recent call last):
    ...
    ValueError: CountBench.json: [0]: number: expected a whole number from 2 to 10, got 11. Correct the entry ...
    """
    items = _parse(read_json(path), Path(path).name)
    if whole and len(items) != ROWS:
        raise ValueError(f"{Path(path).name}: expected {ROWS} rows, got {len(items)}. Is it a part of the list?")
    return items


def write_countbench(items: Sequence[CountBenchItem], path: str | Path) -> None:
    """Write `items` as one JSON list, a row on each line, whole or not at all (see `write_whole`).

    Raises:
        ValueError: `items` holds something that `read_countbench` would reject; what lies at `path` stays as it was.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "one.json"
    >>> write_countbench([CountBenchItem("1.png", "Three red mugs", 3)], path)
    >>> read_countbench(path, whole=False)[0].number
    3
    """
    name = Path(path).name
    records = [{"image_url": one.image_url, "text": one.text, "number": one.number} | one.extra for one in items]
    with blame(name):
        rows = [json.dumps(record, allow_nan=False, ensure_ascii=False) for record in records]
        text = "[\n" + ",\n".join(rows) + "\n]\n"
        document = parse_json(text)
    for index, (item, back) in enumerate(zip(items, _parse(document, name), strict=True)):
        with blame(f"{name}: [{index}]"):
            need(item == back, "expected only what JSON can hold and read back as it was", item)
    write_whole(path, text)


def other_numbers(item: CountBenchItem) -> dict[int, str]:
    """The caption with each number from 2 to 10 in the place of its own, the true one included: nine texts.

    The number must stand in the caption exactly once, as a word or as digits; it keeps its form and its capital.

    Raises:
        ValueError: the number is not in the caption, or twice.

    >>> other_numbers(CountBenchItem("1.png", "Three mugs", 3))[10]
    'Ten mugs'
    """
    found = list(re.finditer(rf"\b({WORDS[item.number]}|{item.number})\b", item.text, re.IGNORECASE))
    if len(found) != 1:
        raise ValueError(
            f"text: expected the number {item.number} ({WORDS[item.number]}) once, got {item.text!r:.80} with "
            f"{len(found)}. Write the captions of this row by hand, or leave it out and say so."
        )
    start, end = found[0].span()
    said, texts = found[0].group(), {}
    for number, word in WORDS.items():
        form = str(number) if said.isdigit() else word
        form = form.upper() if said.isupper() else form.capitalize() if said[0].isupper() else form
        texts[number] = item.text[:start] + form + item.text[end:]
    return texts


def _parse(document: Any, name: str) -> tuple[CountBenchItem, ...]:
    """Check a whole list; `name` is the file's, for the messages."""
    with blame(name):
        need(isinstance(document, list), "expected a list of rows", document)
    items = []
    for index, record in enumerate(document):
        with blame(f"{name}: [{index}]"):
            need(isinstance(record, dict), "expected an object", record)
            for key in ("image_url", "text"):
                value = record.get(key)
                need(isinstance(value, str) and value.strip() != "", f"{key}: expected a text, not blank", value)
            number = record.get("number")
            sound = type(number) is int and number in NUMBERS
            need(sound, "number: expected a whole number from 2 to 10", number)
            extra = {key: value for key, value in record.items() if key not in _KEYS}
            items.append(CountBenchItem(record["image_url"], record["text"], number, extra))
    return tuple(items)
