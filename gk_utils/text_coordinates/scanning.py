r"""Text to groups of values: where coordinates stand in any string, before anybody asks whether they make sense.

Nothing here raises, and nothing takes more than linear time. Patterns are built from pieces that cannot overlap and
do not give back what they took (`*+`), so a string made to be slow is read as fast as any other; and nobody reads more
than MOST groups of one answer.

Source: the rows of `conventions.FORMATS`; the patterns are ours and more lenient than the authors' own.
Notebook: 05.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gk_utils.text_coordinates.conventions import TextFormat

MOST = 2000  # groups that are read of one text: a longer answer is a model in a loop
LARGEST = 1e6  # no frame holds a larger number; a longer one is a runaway generation
LONGEST = 16  # values that are looked at in one group: enough to see that there are too many

NUMBER = re.compile(r"[+-]?(?:\d{1,24}(?:\.\d{0,24})?|\.\d{1,24})(?:[eE][+-]?\d{1,3})?", re.ASCII)
STARTS_LIKE_A_NUMBER = r"\s*+(?=[-+.0-9]|(?i:nan|inf))"
BRACKET = re.compile(r"\[" + STARTS_LIKE_A_NUMBER + r"([^\[\]]*+)(\]?)")
TAG = re.compile(r"<ref>([^<]*+)|<box>([^<]*+)((?:</box>)?)")
PAIR_OF_PAIRS = re.compile(r"\(" + STARTS_LIKE_A_NUMBER + r"([^()]*+)\)\s*+,?\s*+\(([^()]*+)\)")
POINT_TAG = re.compile(r"<points?\b([^<>]*+)(>?)")
POINT_ATTRIBUTE = re.compile(r'\b([xy])(\d{0,6})\s*+=\s*+"([^"]*+)"')
ALT = re.compile(r'\balt\s*+=\s*+"([^"]*+)"')
LABEL = re.compile(r"""["']label["']\s*+:\s*+(?:"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)')""", re.DOTALL)
FENCE = re.compile(r"```(?:json)?", re.IGNORECASE)
BETWEEN = " \t\r\n.,;:!?"  # what may stand between a phrase and the coordinates around it


@dataclass(frozen=True)
class Group:
    """One box or point as it stands: a number, or the word that stood where one was meant, for each value.

    Attributes:
        values: LONGEST at most.
        label: what the text says it is of.
        raw: its text, or the start of it.
        closed: False where the text breaks off inside.
    """

    values: list[float | str]
    label: str | None
    raw: str
    closed: bool = True


@dataclass
class Scan:
    """What a text holds.

    Attributes:
        groups: in the order of the text, MOST at most.
        problems: kinds of problem that concern the text as a whole.
        says_none: the text says in the words of its format that there is nothing.
    """

    groups: list[Group] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    says_none: bool = False


def scan(text: str, row: TextFormat, key: str | None = None) -> Scan:
    """Everything in `text` that looks like coordinates of that format. Never raises.

    Args:
        text: any string.
        row: the format.
        key: the JSON key to look for, in a JSON format.

    >>> from gk_utils.text_coordinates import FORMATS
    >>> [group.values for group in scan("a mug [12, 40, 300, x] here", FORMATS["ferret"]).groups]
    [[12.0, 40.0, 300.0, 'x']]
    """
    if row.spelling == "json":
        found = _scan_json(text, key or "")
    else:
        reader = {"brackets": _read_brackets, "tags": _read_tags, "molmo": _read_molmo}[row.spelling]
        found = Scan(groups=list(islice(reader(text), MOST + 1)))
        found.says_none = row.spelling == "molmo" and text.strip() == "There are none."
        if row.spelling == "molmo" and text.rfind("<point") > text.rfind(">"):
            found.problems.append("truncated")
    if len(found.groups) > MOST:
        found.groups.pop()
        found.problems.append("too_many")
    return found


def _value(piece: str) -> float | str:
    """The number that a piece of text is, else the piece, shortened."""
    piece = piece.strip()
    if len(piece) <= 64 and NUMBER.fullmatch(piece):
        number = float(piece)
        if abs(number) <= LARGEST:
            return number
    return piece[:20]


def _values(content: str) -> list[float | str]:
    return [_value(piece) for piece in content.split(",", LONGEST)[:LONGEST]]


def _label(text: str | None) -> str | None:
    return (text or "").strip(BETWEEN) or None


# --- one reader for each spelling ---------------------------------------------------------------------------------


def _read_brackets(text: str) -> Iterator[Group]:
    end = 0
    for match in BRACKET.finditer(text):
        label = _label(text[end : match.start()])
        end = match.end()
        for part in match[1].split(";", MOST + 1):
            yield Group(_values(part), label, f"[{part[:60]}]", closed=bool(match[2]))


def _read_tags(text: str) -> Iterator[Group]:
    if "<box>" not in text:  # special tokens may have been left out when the answer was decoded
        for match in PAIR_OF_PAIRS.finditer(text):
            yield Group(_values(f"{match[1]},{match[2]}"), None, match[0][:60])
        return
    label = None
    for match in TAG.finditer(text):
        if match[1] is not None:
            label = _label(match[1])
        else:
            content = match[2].replace("(", "").replace(")", "")
            yield Group(_values(content), label, match[2][:60], closed=bool(match[3]))


def _read_molmo(text: str) -> Iterator[Group]:
    for tag in POINT_TAG.finditer(text):
        alt = ALT.search(tag[1])
        label = _label(alt[1]) if alt else None
        x, x_number = None, None
        for axis, number, content in (match.groups() for match in POINT_ATTRIBUTE.finditer(tag[1])):
            if axis == "y" and x is not None and number == x_number:
                yield Group([_value(x), _value(content)], label, f'x="{x[:20]}" y="{content[:20]}"')
                x = None
                continue
            alone = x if axis == "x" else content
            if alone is not None:
                yield Group([_value(alone)], label, alone[:20])
            x, x_number = (content, number) if axis == "x" else (None, None)
        if x is not None and tag[2]:  # without ">" the text broke off here, and that is said once
            yield Group([_value(x)], label, x[:20])


# --- JSON: read by Python's own reader if it is JSON, piece by piece if it is not ----------------------------------


def _scan_json(text: str, key: str) -> Scan:
    found = Scan()
    first = re.search(r"[\[{]", text)
    if first is None:
        return found
    start, stop = first.start(), max(text.rfind("]"), text.rfind("}")) + 1
    try:
        if key in text[:start]:
            raise ValueError("the key stands before any bracket: whatever this is, it is not JSON")
        document = json.loads(text[start:stop])
    except (ValueError, RecursionError):
        found.groups = list(islice(_salvage(text, key), MOST + 1))
        broken_off = text.count("[") > text.count("]") or text.count("{") > text.count("}")
        found.problems.append("truncated" if broken_off else "not_json")
        stop = len(text) if broken_off else stop
    else:
        found.groups = list(islice(_walk(document, key), MOST + 1))
        found.says_none = document == []
    if FENCE.sub("", text[:start] + text[stop:]).strip():
        found.problems.append("text_around")
    return found


def _walk(document: Any, key: str) -> Iterator[Group]:
    """Groups of a JSON document, at any depth, in order."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and key in node:
            label = node.get("label")
            values = node[key]
            several = isinstance(values, list) and values and all(isinstance(value, list) for value in values)
            for one in values if several else [values]:
                listed = [_json_value(value) for value in (one if isinstance(one, list) else [one])[:LONGEST]]
                raw = ", ".join(str(value) for value in listed)
                yield Group(listed, _label(label) if isinstance(label, str) else None, f"[{raw[:60]}]")
        inner = node.values() if isinstance(node, dict) else node
        waiting += [value for value in inner if isinstance(value, dict | list)][::-1] if inner else []


def _json_value(value: Any) -> float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= LARGEST else "a number beyond every frame"
    return value[:20] if isinstance(value, str) else type(value).__name__


def _salvage(text: str, key: str) -> Iterator[Group]:
    """Groups of something that was meant as JSON; a label counts if it stands in the same pair of braces."""
    pattern = re.compile(rf"""(?<!\w){key}["']?+\s*+:\s*+\[([^\[\]]*+)(\]?)""")
    matches = list(islice(pattern.finditer(text), MOST + 1))
    ends = [0] + [match.end() for match in matches]
    starts = [match.start() for match in matches] + [len(text)]
    for i, match in enumerate(matches):
        opened = max(text.rfind("{", ends[i], match.start()), ends[i])
        closed = text.find("}", match.end(), starts[i + 1])
        after = LABEL.search(text, match.end(), closed if closed >= 0 else starts[i + 1])
        label = after or LABEL.search(text, opened, match.start())
        said = _unescaped(label[1] or label[2] or "") if label else None
        yield Group(_values(match[1]), _label(said), f"[{match[1][:60]}]", closed=bool(match[2]))


def _unescaped(quoted: str) -> str:
    try:
        return json.loads(f'"{quoted}"')
    except ValueError:
        return quoted
