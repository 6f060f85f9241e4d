"""Hyperlink text: a sentence whose phrases link to boxes, as a value, and the form in which Kosmos-2 writes it.

    "An image of a red cat." with characters 12 to 21 -> (0.1, 0.2, 0.5, 0.9)
    <grounding> An image of<phrase> a red cat</phrase><object><patch_index_0195><patch_index_0911></object>.

Two patches a box (`box_tokens.cell_pairs`), several boxes apart by `</delimiter_of_multi_objects/>`. The space before a
phrase stands inside its tag. Spans count characters of Python (code points) of the text without tags.

Source: Kosmos-2, Peng et al. 2023, arXiv:2306.14824, section 2, and processing_kosmos2.py in transformers, which both
directions equal. Notebook: 12.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.box_tokens.cell_pairs import decode_cells, encode_cells, parse_cells, render_cells
from gk_utils.errors import check_same_length
from gk_utils.frames import Frame

UNIT = (1.0, 1.0)
GROUNDING, PHRASE, PHRASE_END, IMAGE_END = "<grounding>", "<phrase>", "</phrase>", "</image>"
KNOWN_TAGS = re.compile(
    r"</?(?:grounding|phrase|object|image|doc|s|pad|unk)>|</delimiter_of_multi_objects/>|</chunk>|</line>|<patch_index_\d+>"
)
ANY_TAG = re.compile(r"</?[A-Za-z][^<>\s]*>")
_LINK = re.compile(
    r"<phrase>(?P<words>[^<]*)</phrase>(?P<object>\s*<object>.*?(?:</object>|(?=<object>|<phrase>)|$))?"
    r"|(?P<alone><object>.*?(?:</object>|(?=<object>|<phrase>)|$))",
    re.DOTALL,
)
UnitBox = tuple[float, float, float, float]


@dataclass(frozen=True)
class GroundedText:
    """A text and the boxes of some of its phrases.

    Attributes:
        text: without white space at its ends.
        spans: [start, end) of each phrase in characters of the text, in their order, none inside another; a phrase has
            no white space at its ends.
        boxes_unit: for each phrase its boxes, xyxy in parts of the picture's width and height; none: not found.

    >>> said = GroundedText("a cat", ((2, 5),), (((0.1, 0.2, 0.5, 0.9),),))
    >>> said.phrases, said.boxes(0, (100, 200)).tolist()
    (('cat',), [[20.0, 20.0, 100.0, 90.0]])
    """

    text: str
    spans: tuple[tuple[int, int], ...] = ()
    boxes_unit: tuple[tuple[UnitBox, ...], ...] = ()

    def __post_init__(self) -> None:
        check_same_length(self.spans, self.boxes_unit, ("spans", "boxes_unit"))
        if self.text != self.text.strip():
            raise ValueError(f"text: expected no white space at its ends, got {self.text!r}. Strip it, move the spans.")
        last = 0
        for start, end in self.spans:
            phrase = self.text[max(start, 0) : end]
            if not last <= start < end <= len(self.text) or phrase != phrase.strip():
                raise ValueError(
                    f"spans: expected characters {last} to {len(self.text)} in their order, without white space at "
                    f"the ends of a phrase, got [{start}, {end}). Sort them, or cut them."
                )
            last = end
        for box in (box for boxes in self.boxes_unit for box in boxes):
            if len(box) != 4 or not (0 <= box[0] <= box[2] <= 1 and 0 <= box[1] <= box[3] <= 1):
                raise ValueError(f"boxes_unit: expected x1 <= x2, y1 <= y2 in 0 to 1, got {box}. Divide by the sides.")

    @property
    def phrases(self) -> tuple[str, ...]:
        """The words of each phrase."""
        return tuple(self.text[start:end] for start, end in self.spans)

    def boxes(self, index: int, image_hw: tuple[int, int]) -> Float[Tensor, "n 4"]:
        """The boxes of one phrase in pixels of a picture of this size."""
        boxes_unit = torch.tensor(self.boxes_unit[index], dtype=torch.float64).reshape(-1, 4)
        return Frame.of_image(image_hw).unit().to_pixels(boxes_unit).float()

    def snapped(self) -> "GroundedText":
        """The same with the boxes that two patches can say: what comes back from text.

        >>> GroundedText("a cat", ((2, 5),), (((0.1, 0.2, 0.5, 0.9),),)).snapped().boxes_unit
        (((0.109375, 0.203125, 0.484375, 0.890625),),)
        """
        return replace(self, boxes_unit=tuple(map(_snapped, self.boxes_unit)))


@dataclass(frozen=True)
class ReadText:
    """What was read: the grounded text, and what had to be dropped or was not understood, a sentence each."""

    grounded: GroundedText
    problems: tuple[str, ...] = ()


def link(
    text: str, spans: Sequence[tuple[int, int]], boxes: Sequence[Tensor], image_hw: tuple[int, int]
) -> GroundedText:
    """A grounded text from boxes in pixels, one tensor (n 4) for each span; boxes are cut off at the picture.

    Raises:
        ValueError: spans that are not in order, and as many boxes as spans.

    >>> link("a cat", [(2, 5)], [torch.tensor([[20.0, 20.0, 100.0, 90.0]])], (100, 200)).boxes_unit
    (((0.1, 0.2, 0.5, 0.9),),)
    """
    unit = Frame.of_image(image_hw).unit()
    rows = [unit.from_pixels(some.double()).clamp(0, 1).tolist() for some in boxes]
    return GroundedText(
        text, tuple(spans), tuple(tuple(tuple(round(x, 6) for x in box) for box in some) for some in rows)
    )


def render_grounded(said: GroundedText) -> str:
    """A grounded text as Kosmos-2 writes it; a phrase without boxes keeps its tags.

    Raises:
        ValueError: the text itself has a tag in it.

    >>> print(render_grounded(GroundedText("An image of a red cat.", ((12, 21),), (((0.1, 0.2, 0.5, 0.9),),))))
    <grounding> An image of<phrase> a red cat</phrase><object><patch_index_0195><patch_index_0911></object>.
    """
    found = ANY_TAG.search(said.text) or re.search("<phrase>|<object>", said.text)
    if found:
        raise ValueError(f"text: expected words, got the tag {found.group()!r}. Take it out, and move the spans.")
    spaced, parts, done = f" {said.text}", [GROUNDING], 0
    for (start, end), boxes in zip(said.spans, said.boxes_unit, strict=True):
        first = start if spaced[start] == " " else start + 1  # the space before the phrase
        parts.append(spaced[done:first])
        parts.append(render_cells(encode_cells(_tensor(boxes), UNIT), spaced[first : end + 1]))
        done = end + 1
    return "".join([*parts, spaced[done:]])


def parse_grounded(text: str) -> ReadText:
    """Read what Kosmos-2 wrote; any text can be read.

    What stands before the last `</image>` is the prompt's and goes. Tags go; those that Kosmos-2 does not have, and
    those in a place where they mean nothing, are named in the problems. An object with a flaw is dropped whole
    (`cell_pairs.parse_cells`), and its phrase stays without boxes; an object without a phrase is dropped. transformers
    says nothing of all this, gives an object without a phrase the name of its tokens, and leaves out phrases without
    boxes.

    >>> read = parse_grounded("<grounding> I see<phrase> a cat</phrase><object><patch_index_0195></object>.")
    >>> read.grounded.text, read.grounded.phrases, read.grounded.boxes_unit, read.problems
    ('I see a cat.', ('a cat',), ((),), ("'<patch_index_0195>': expected two cells a box",))
    """
    text = text.rpartition(IMAGE_END)[2]
    words, spans, boxes, problems, done = "", [], [], [], 0
    for match in _LINK.finditer(text):
        words += _plain(text[done : match.start()], problems)
        done = match.end()
        found, flaws = parse_cells(match.group("object") or match.group("alone") or "")
        problems += flaws
        if match.group("alone"):
            problems += [f"{match.group()!r}: no phrase before it"] if found else []
            continue
        phrase = match.group("words")
        start = len(words) + len(phrase) - len(phrase.lstrip())
        words += phrase
        if not phrase.strip():
            problems.append(f"{match.group()!r}: no words in the phrase")
            continue
        spans.append((start, start + len(phrase.strip())))
        boxes.append(tuple(map(tuple, decode_cells(found[0].cells, UNIT).tolist())) if found else ())
    words += _plain(text[done:], problems)
    shift = len(words) - len(words.lstrip())
    spans = tuple((start - shift, end - shift) for start, end in spans)
    return ReadText(GroundedText(words.strip(), spans, tuple(boxes)), tuple(problems))


def _plain(piece: str, problems: list[str]) -> str:
    """The text between links without its tags; those that do not belong there are added to the problems."""
    for tag in ANY_TAG.findall(piece):
        if not KNOWN_TAGS.fullmatch(tag):
            problems.append(f"{tag!r}: no tag of Kosmos-2")
        elif tag.strip("</>").startswith(("phrase", "object", "patch_index", "delimiter")):
            problems.append(f"{tag!r}: in no link")
    return ANY_TAG.sub("", piece)


def _tensor(boxes: Sequence[UnitBox]) -> Float[Tensor, "n 4"]:
    return torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4)


def _snapped(boxes: tuple[UnitBox, ...]) -> tuple[UnitBox, ...]:
    return tuple(map(tuple, decode_cells(encode_cells(_tensor(boxes), UNIT), UNIT).tolist()))
