"""The format that an article gives to Kosmos-2, and its reader with five faults: to be held against the real thing.

    <p>a red cup</p><box><loc_342><loc_156><loc_587><loc_423></box>

The published model has none of these tokens. `render_article` and `parse_article` are this format done carefully;
`careless_box` reads an answer as the article's example does, and `FAULTS` says what is wrong with that, each with a
text on which it shows. Nothing of the course writes this format. Notebook: 12.
"""

import re
from dataclasses import dataclass

from gk_utils.box_tokens.bins import read_number
from gk_utils.errors import check_hw
from gk_utils.kosmos2.grounded_text import ANY_TAG, GroundedText, ReadText, UnitBox

TOP = 999
_LINK = re.compile(r"<p>([^<]*)</p>((?:\s*<box>.*?</box>)*)|(<box>.*?</box>)", re.DOTALL)
_BOX = re.compile(r"<box>(.*?)</box>", re.DOTALL)
_FOUR = re.compile(r"\s*".join([r"<loc_(\d+)>"] * 4))


@dataclass(frozen=True)
class Fault:
    """One fault of the article's reader.

    Attributes:
        id: K1 to K5, as the claims ledger names them.
        says: what is wrong.
        answer: a text of the published model on which it shows; "" if it fails before there is one.
        mended: what to do instead.
    """

    id: str
    says: str
    answer: str
    mended: str


_CAT = "<phrase> a cat</phrase><object><patch_index_0195><patch_index_0911></object>"
_DOG = "<phrase> a dog</phrase><object><patch_index_0044><patch_index_0863></object>"
FAULTS = (
    Fault(
        "K1",
        "looks for <loc_k>, which the model never writes: it finds nothing, ever",
        f"<grounding>{_CAT}",
        "parse_grounded",
    ),
    Fault(
        "K2",
        "asks with <p>, which is no token of the model: it is read letter by letter",
        "<grounding><p> a cat </p>",
        "<grounding><phrase> a cat</phrase>",
    ),
    Fault(
        "K3",
        "takes the first four numbers of the whole text, the prompt's own among them, whatever phrase they are of",
        f"<image></image><grounding>{_DOG} chases{_CAT}",
        "parse_grounded, which keeps phrase and boxes together",
    ),
    Fault(
        "K4",
        "divides by 999, as if a number were a coordinate: it is a cell of a 32 x 32 grid, and two make a box",
        f"<grounding>{_CAT}",
        "cell_pairs.decode_cells",
    ),
    Fault(
        "K5",
        "loads AutoModelForVision2Seq, which transformers 5 no longer has",
        "",
        "Kosmos2ForConditionalGeneration, or AutoModelForImageTextToText",
    ),
)


def render_article(said: GroundedText) -> str:
    """A grounded text in the article's format; coordinates are rounded, halves up, to 0 ... 999 of the side.

    Raises:
        ValueError: the text itself has a tag in it.

    >>> render_article(GroundedText("I see a cat.", ((6, 11),), (((0.1, 0.2, 0.5, 0.9),),)))
    'I see <p>a cat</p><box><loc_100><loc_200><loc_500><loc_899></box>.'
    """
    if found := ANY_TAG.search(said.text):
        raise ValueError(f"text: expected words, got the tag {found.group()!r}. Take it out, and move the spans.")
    parts, done = [], 0
    for (start, end), boxes in zip(said.spans, said.boxes_unit, strict=True):
        parts += [said.text[done:start], f"<p>{said.text[start:end]}</p>"]
        parts += ["<box>" + "".join(f"<loc_{int(x * TOP + 0.5)}>" for x in box) + "</box>" for box in boxes]
        done = end
    return "".join([*parts, said.text[done:]])


def parse_article(text: str) -> ReadText:
    """Read the article's format; any text can be read, and what is wrong in it is named in the problems.

    >>> read = parse_article("I see <p>a cat</p><box><loc_100><loc_200><loc_500></box>.")
    >>> read.grounded.phrases, read.problems
    (('a cat',), ("'<loc_100><loc_200><loc_500>': expected four numbers",))
    """
    words, spans, boxes, problems, done = "", [], [], [], 0
    for match in _LINK.finditer(text):
        words += ANY_TAG.sub("", text[done : match.start()])
        done = match.end()
        phrase, objects, alone = match.groups()
        if alone:
            problems.append(f"{alone!r}: no phrase before it")
            continue
        start = len(words) + len(phrase) - len(phrase.lstrip())
        words += phrase
        found = tuple(box for inside in _BOX.findall(objects) if (box := _box(inside, problems)))
        if not phrase.strip():
            problems.append(f"{match.group()!r}: no words in the phrase")
            continue
        spans.append((start, start + len(phrase.strip())))
        boxes.append(found)
    words += ANY_TAG.sub("", text[done:])
    shift = len(words) - len(words.lstrip())
    moved = tuple((start - shift, end - shift) for start, end in spans)
    return ReadText(GroundedText(words.strip(), moved, tuple(boxes)), tuple(problems))


def careless_box(text: str, image_hw: tuple[int, int], pattern: str = r"<loc_(\d+)>") -> list[float] | None:
    """The one box that the article's example reads from an answer, in pixels; None where it finds fewer than 4 numbers.

    Args:
        text: all that the model returned, the prompt as well.
        image_hw: of the picture.
        pattern: of one number; the article's by default, which finds nothing in a text of the published model.

    >>> careless_box("<object><patch_index_0195><patch_index_0911></object>", (480, 640)) is None
    True
    """
    check_hw(image_hw)
    numbers = [read_number(number) for number in re.findall(pattern, text)]
    if len(numbers) < 4:
        return None
    height, width = image_hw
    return [number / TOP * side for number, side in zip(numbers[:4], (width, height, width, height), strict=True)]


def _box(inside: str, problems: list[str]) -> UnitBox | None:
    match = _FOUR.fullmatch(inside.strip())
    if not match:
        problems.append(f"{inside!r}: expected four numbers")
        return None
    numbers = [read_number(number) for number in match.groups()]
    if max(numbers) > TOP:
        problems.append(f"{inside!r}: the last number is {TOP}")
        return None
    if numbers[0] > numbers[2] or numbers[1] > numbers[3]:
        problems.append(f"{inside!r}: corners in the wrong order")
        return None
    x1, y1, x2, y2 = (number / TOP for number in numbers)
    return x1, y1, x2, y2
