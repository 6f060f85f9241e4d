"""Flickr30k Entities: five captions a picture whose phrases belong to entities, and the boxes of these entities.

Sentences/<picture>.txt holds a caption a line: "[/EN#1/people Two men] in [/EN#5/clothing green shirts] ..." marks a
phrase with the id of its entity (its coreference chain) and one or more types. Id 0 is no entity: the phrase was not
annotated. Annotations/<picture>.xml follows PASCAL VOC: file name, size, and objects; an object names one or more
entities and has either a box or the flags scene (the whole picture) and nobndbox (no box is needed). The set's own
Python parser reads the first name only; its Matlab parser and Ferret's evaluation read them all, as is done here.

Box numbers are whole pixels counted from 1: the Python parser takes 1 from all four, and so does this module; Ferret's
evaluation does not. Whether the last pixel belongs to the box, as in PASCAL VOC, the README does not say; no parser
adds it, and it is not added here.

Source: Plummer et al., IJCV 2017, arXiv:1505.04870; README.md and the parsers of BryanPlummer/flickr30k_entities.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_same_length
from gk_utils.formats.files import blame, check_sides, is_text, need, parse_xml, read_text, write_whole

_SLACK = 1  # pixels that a box may leave its picture by
_PIECE = re.compile(r"\[/EN#([0-9]{1,12})((?:/[A-Za-z]+)+)((?: [^\s\[\]]+)+)\](?= |$)|([^\s\[\]]+)(?= |$)")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class Phrase:
    """A phrase of a caption. `first_word` counts the caption's words from 0; `entity` "0" was not annotated."""

    text: str
    first_word: int
    entity: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class Caption:
    """A caption, its words (punctuation marks among them) apart by one blank, and its phrases from left to right."""

    text: str
    phrases: tuple[Phrase, ...] = ()


@dataclass(frozen=True, eq=False)
class EntityAnnotations:  # noqa: PLW1641  a tensor has no hash by value
    """The boxes of one picture; `depth` counts its channels.

    Attributes:
        boxes: xyxy, pixels, whole numbers, as the set's own Python parser gives them (see the module).
        entities: the ids that each box belongs to.
        scene, nobox: ids of entities that are the whole picture, or need no box; they may have boxes all the same.
    """

    file_name: str
    image_hw: tuple[int, int]
    boxes: Float[Tensor, "n 4"]
    entities: tuple[tuple[str, ...], ...]
    scene: frozenset[str] = frozenset()
    nobox: frozenset[str] = frozenset()
    depth: int = 3

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntityAnnotations) and _render(self) == _render(other)

    def boxes_of(self, entity: str) -> Float[Tensor, "k 4"]:
        """The boxes of one entity, in the order of the file; shape (0, 4) if it has none."""
        return self.boxes[[index for index, ids in enumerate(self.entities) if entity in ids]]


def read_sentences(path: str | Path) -> tuple[Caption, ...]:
    r"""Read the five captions of a picture. Blank lines are passed over, and several blanks count as one.

    Raises:
        ValueError: by file and line, a bracket not closed, an id or type missing, another number of captions.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "1.txt"
    >>> _ = path.write_text("[/EN#1/people A man] waits .\n[/EN#1/people A man\n")
    >>> read_sentences(path)
    Traceback (most recent call last):
    ...
    ValueError: 1.txt: line 2: expected words and phrases such as [/EN#1/people A man], got '[/EN#1/people A man'. ...
    """
    return _parse_sentences(read_text(path), Path(path).name)


def write_sentences(captions: Sequence[Caption], path: str | Path) -> None:
    """Write five captions to `path`, whole or not at all (see `write_whole`).

    Raises:
        ValueError: captions that `read_sentences` would not give back: another number, brackets or double blanks, a
            phrase that is not at its place or overlaps another; what lies at `path` stays as it was.

    >>> from tempfile import mkdtemp
    >>> path, phrase = Path(mkdtemp()) / "1.txt", Phrase("A man", 0, "1", ("people",))
    >>> write_sentences([Caption("A man waits .", (phrase,))] * 5, path)
    >>> path.read_text().splitlines()[0]
    '[/EN#1/people A man] waits .'
    """
    name, lines = Path(path).name, []
    for number, caption in enumerate(captions, start=1):
        with blame(f"{name}: line {number}"):
            words = caption.text.split(" ")
            for phrase in caption.phrases:
                first, own = phrase.first_word, phrase.text.split(" ")
                last = first + len(own)
                need(first >= 0 and words[first:last] == own, "expected the phrase at its words", phrase)
                words[first] = f"[/EN#{'/'.join((phrase.entity, *phrase.types))} {words[first]}"
                words[last - 1] += "]"
            lines.append(" ".join(words))
            need(_parse_line(lines[-1]) == caption, "expected plain words, phrases from left to right", caption)
    text = "\n".join([*lines, ""])
    _parse_sentences(text, name)
    write_whole(path, text)


def read_annotations(path: str | Path) -> EntityAnnotations:
    """Read the boxes of a picture. A box may leave its picture by one pixel and is not clipped.

    Raises:
        ValueError: anything malformed, by file and object: cut-off XML, a document type (entities are never expanded),
            an element missing, twice or unknown, a number that is not whole, a box inverted or not in its picture.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "1.xml"
    >>> _ = path.write_text("<!DOCTYPE annotation><annotation/>")
    >>> read_annotations(path)
    Traceback (most recent call last):
    ...
    ValueError: 1.xml: expected XML without a document type, got <!DOCTYPE annotation>. Correct the entry or ...
    """
    return _parse_annotations(read_text(path), Path(path).name)


def write_annotations(annotations: EntityAnnotations, path: str | Path) -> None:
    """Write the boxes of a picture to `path`, whole or not at all (see `write_whole`): boxes first, then the flags.

    Raises:
        ValueError: what `read_annotations` would reject.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "1.xml"
    >>> one = EntityAnnotations("1.jpg", (40, 60), torch.tensor([[0.0, 0.0, 9.0, 9.0]]), (("1",),), frozenset({"2"}))
    >>> write_annotations(one, path)
    >>> read_annotations(path).boxes_of("1").tolist(), "<xmax>10</xmax>" in path.read_text()
    ([[0.0, 0.0, 9.0, 9.0]], True)
    """
    text = _render(annotations)
    _parse_annotations(text, Path(path).name)
    write_whole(path, text)


def _parse_sentences(text: str, name: str) -> tuple[Caption, ...]:
    captions = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            with blame(f"{name}: line {number}"):
                captions.append(_parse_line(line))
    with blame(name):
        need(len(captions) == 5, "expected five captions", len(captions))
    return tuple(captions)


def _parse_line(line: str) -> Caption:
    line, words, phrases, place = " ".join(line.split()), [], [], 0
    while place < len(line):
        piece = _PIECE.match(line, place)
        need(piece is not None, "expected words and phrases such as [/EN#1/people A man]", line[place:])
        entity, types, text, word = piece.groups()
        if word is None:
            phrases.append(Phrase(text[1:], len(words), entity, tuple(types[1:].split("/"))))
        words += [word] if word is not None else text[1:].split(" ")
        place = piece.end() + 1
    return Caption(" ".join(words), tuple(phrases))


def _parse_annotations(text: str, name: str) -> EntityAnnotations:
    """Check a whole file of boxes; `name` is the file's, for the messages."""
    with blame(name):
        root = parse_xml(text, "annotation")
        head = _children(root, {"filename", "size"}, several="object")
        file_name = (head["filename"].text or "").strip()
        need(is_text(file_name), "filename: expected a text", file_name)
        size = {tag: _integer(side) for tag, side in _children(head["size"], {"width", "height", "depth"}).items()}
        need(0 < size["depth"] < 100, "depth: expected a number of channels", size["depth"])
        height, width = check_sides(size["width"], size["height"])
    boxes, entities, flagged = [], [], {"scene": set(), "nobndbox": set()}
    for index, item in enumerate(root.findall("object")):
        with blame(f"{name}: object[{index}]"):
            ids = [(element.text or "").strip() for element in item.findall("name")]
            sound = all(re.fullmatch("[0-9]{1,12}", one) for one in ids) and 0 < len(ids) == len(set(ids))
            need(sound, "name: expected ids of entities, each once", ids)
            if item.find("bndbox") is None:
                flags = {tag: _integer(flag) for tag, flag in _children(item, set(flagged), several="name").items()}
                need({1} <= set(flags.values()) <= {0, 1}, "expected a bndbox, or scene or nobndbox to be 1", flags)
                for key, flag in flags.items():
                    flagged[key].update(ids if flag else ())
                continue
            corners = _children(_children(item, {"bndbox"}, several="name")["bndbox"], set(_CORNERS))
            x1, y1, x2, y2 = box = [_integer(corners[corner]) - 1 for corner in _CORNERS]
            need(x1 <= x2 and y1 <= y2, "bndbox: expected min <= max", [number + 1 for number in box])
            sound = min(x1, y1) >= -_SLACK and x2 < width + _SLACK and y2 < height + _SLACK
            need(sound, f"bndbox: expected a box in its picture, {width} wide and {height} high", box)
            boxes.append(box)
            entities.append(tuple(ids))
    tensor, sets = torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4), map(frozenset, flagged.values())
    return EntityAnnotations(file_name, (height, width), tensor, tuple(entities), *sets, depth=size["depth"])


def _children(parent: Element, once: set[str], several: str | None = None) -> dict[str, Element]:
    """The children of `parent` by tag: every tag in `once` is there once, and no other but `several`."""
    found = [child for child in parent if child.tag != several]
    tags = sorted(child.tag for child in found)
    need(tags == sorted(once), f"{parent.tag}: expected {', '.join(sorted(once))}, once each", tags)
    return {child.tag: child for child in found}


def _integer(element: Element) -> int:
    text = (element.text or "").strip()
    need(re.fullmatch("-?[0-9]{1,6}", text) is not None, f"{element.tag}: expected a whole number", text)
    return int(text)


def _render(annotations: EntityAnnotations) -> str:
    """The file as it is written; a coordinate that is no whole number is written as it is, which no reader takes."""
    check_same_length(annotations.boxes, annotations.entities, ("boxes", "entities"))
    (height, width), objects = annotations.image_hw, []

    def add(ids: Sequence[str], body: str) -> None:
        objects.append(f"<object>{''.join(f'<name>{escape(one)}</name>' for one in ids)}{body}</object>")

    for box, ids in zip(annotations.boxes.tolist(), annotations.entities, strict=True):
        numbers = zip(_CORNERS, (int(value) + 1 if value == value // 1 else value for value in box), strict=True)
        corners = "".join(f"<{tag}>{value}</{tag}>" for tag, value in numbers)
        add(ids, f"<bndbox>{corners}</bndbox>")
    for one in sorted(annotations.scene | annotations.nobox, key=lambda one: (len(one), one)):
        scene, nobox = int(one in annotations.scene), int(one in annotations.nobox)
        add([one], f"<scene>{scene}</scene><nobndbox>{nobox}</nobndbox>")
    size = f"<width>{width}</width><height>{height}</height><depth>{annotations.depth}</depth>"
    lines = [f"<filename>{escape(annotations.file_name)}</filename>", f"<size>{size}</size>", *objects]
    return "<annotation>\n\t" + "\n\t".join(lines) + "\n</annotation>\n"
