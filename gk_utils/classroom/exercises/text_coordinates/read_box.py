"""The exercise 05.read_box: cases, and the mistakes that have a name."""

import re
from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Answer = list[int] | str

BY_HAND = (
    "<box>(12,40),(300,410)</box>",
    "a <box>(1,2),(3,4)</box>, no: <box>(300,40),(12,410)</box>",
    "<box>(1,2),(3,4)</box> or <box>(5,",
    "",
    "I see no spoon.",
    "<box></box>",
    "<box>(12,410),(300,40)</box>",
    "<box>(12,410,300,40)</box>, or so",
    "<box>(1,2),(3,4),(5,6)</box>",
    "<box>(1,2),(3)</box>",
    "<box>(0,0),(999,1000)</box>",
    "<box>(0,0),(999,999)</box>",
    "<box>(2000,1),(2)</box>",  # too large, and too few
    "<ref>the mug</ref><box>(7,8),(9,10)</box><ref>2 cups</ref><box>(1,1),(2000,2)</box>",
    "</box><box>(1,2),(3,4)",
    "<box>(1,2),(3,4)</box> 7 of 10",
    "(1,2),(3,4)",
    "<box>left, top</box><box>(5,6),(7,8)</box>",
    "<box>(5,6),(7,8)</box><box>left, top</box>",
    "<box>( 012 , 40 ),\n(300,410)</box>",
    "<box>(1,2),(1,2)</box>",
    "box(1,2),(3,4)/box",
)


def thoughts(rng: np.random.Generator) -> list[Case]:
    """Texts by hand, one for each rule and each trap, then boxes damaged at random."""
    cases: list[Case] = [(text,) for text in BY_HAND]
    pieces = ["0", "7", ",", "(", ")", "<", ">", "<box>", "</box>", " ", "", "12", "a"]
    for _ in range(12):
        boxes = rng.integers(0, 1000, (int(rng.integers(1, 3)), 4)).tolist()
        text = " or ".join(f"<box>({x1},{y1}),({x2},{y2})</box>" for x1, y1, x2, y2 in boxes)
        for at in rng.integers(0, len(text), int(rng.integers(0, 3))).tolist():
            text = text[:at] + pieces[int(rng.integers(len(pieces)))] + text[at + 1 :]
        cases.append((text,))
    return cases


def reader(
    *,
    most: int = 999,
    cut: Callable[[str], tuple[str, str, str]] = lambda text: text.rpartition("<box>"),
    close: Callable[[str], tuple[str, str, str]] = lambda after: after.partition("</box>"),
    order: Callable[[list[int]], list[int]] | None = None,
    range_first: bool = False,
    enough: Callable[[int], bool] = lambda count: count == 4,
):
    """The right reader, or one of its wrong relatives."""

    def read(text: str) -> Answer:
        _, opened, after = cut(text)
        inside, closed, _ = close(after)
        if not opened or not closed:
            return "truncated" if opened else "none"
        numbers = [int(number) for number in re.findall("[0-9]+", inside)]
        outside = bool(numbers) and max(numbers) > most
        if range_first and outside:
            return "outside"
        if not enough(len(numbers)):
            return "count"
        return "outside" if outside else (order or in_order)(numbers[:4])

    return read


def in_order(numbers: list[int]) -> list[int]:
    """Corners in order."""
    (x1, x2), (y1, y2) = sorted(numbers[0::2]), sorted(numbers[1::2])
    return [x1, y1, x2, y2]


def whole_corners(numbers: list[int]) -> list[int]:
    """The two corners exchanged where x1 is the larger x."""
    return numbers[2:] + numbers[:2] if numbers[0] > numbers[2] else numbers


def last_complete(text: str) -> Answer:
    """The last box that is closed, whatever comes after it."""
    found = re.findall("<box>([^<]*)</box>", text)
    if not found:
        return "truncated" if "<box>" in text else "none"
    return reader()(f"<box>{found[-1]}</box>")


def of_the_whole_text(text: str) -> Answer:
    """The numbers of everything that follows the last tag."""
    return reader(close=lambda after: (after, *after.partition("</box>")[1:]))(text)


READ_BOX = Exercise(
    "05.read_box",
    thoughts,
    mistakes=(
        written(
            "the first box in place of the last",
            "The last one counts: text.rpartition, not text.partition.",
            reader(cut=lambda text: text.partition("<box>")),
        ),
        written(
            "the last complete box, though another was begun",
            'A box that was begun and not finished is "truncated", whatever stands before it.',
            last_complete,
        ),
        written(
            "a closing tag anywhere in the text",
            "Look for </box> after the last <box>, not before it.",
            lambda text: reader()(text + "</box>") if "</box>" in text else reader()(text),
        ),
        written("999 counted as outside", "The frame ends at 999, and holds it.", reader(most=998)),
        written("1000 counted as inside", "The frame ends at 999.", reader(most=1000)),
        written(
            "the corners left as they stand",
            "x1 may be the larger x: put the two x in order, and the two y.",
            reader(order=lambda numbers: numbers),
        ),
        written(
            "whole corners exchanged",
            "x and y may be inverted apart: sort the two x and the two y each on their own.",
            reader(order=whole_corners),
        ),
        written("all four numbers sorted", "Sort the two x and the two y apart.", reader(order=sorted)),
        written(
            "the range judged before the count",
            'The first rule that fits decides: "count" comes before "outside".',
            reader(range_first=True),
        ),
        written(
            "more than four numbers accepted",
            'Five or six numbers are no box: "count".',
            reader(enough=lambda count: count >= 4),
        ),
        written(
            "numbers after the closing tag counted",
            "Only what stands between <box> and </box> belongs to the box.",
            of_the_whole_text,
        ),
        on_result(
            "texts in place of numbers",
            "re.findall returns texts: make each an int.",
            lambda found: [str(number) for number in found] if isinstance(found, list) else found,
        ),
        on_result(
            "None in place of a word",
            "Say what was wrong: a caller counts these words.",
            lambda found: found if isinstance(found, list) else None,
        ),
    ),
)
