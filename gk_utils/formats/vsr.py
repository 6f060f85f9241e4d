"""Visual Spatial Reasoning: captions that name two objects of a COCO picture and a relation, each true or false.

A line of a released file is one JSON object: image, image_link, caption, label (1 true, 0 false), relation,
annotator_id, vote_true_validator_id and vote_false_validator_id; the zero-shot files add subj and obj, the random ones
reference_frame. Votes are lists of validators' numbers, released as texts ("[2, 6]"); both notations are read. The
files hold no boxes: what stands where is for the picture, or a detector, to say.

Annotators chose from 71 relations, listed in seven meta-categories. "Among" is listed twice, and five (deep down, up,
from, to, after) are in no statement. The files also use "congruent", which is in no category: 65 and one make 66.

Source: Liu, Emerson and Collier, Visual Spatial Reasoning, TACL 2023, table 1; the authors' repository
cambridgeltl/visual-spatial-reasoning, README.md (sizes) and analysis_scripts/rel_meta_category_dict.txt (categories).
"""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gk_utils.errors import check_choice
from gk_utils.formats.files import blame, is_text, need, parse_json, read_text, write_whole

# Statements in each file. Zero-shot: a concept that is in one file is in no other.
SPLITS: dict[str, dict[str, int]] = {
    "random": {"train": 7_680, "dev": 1_097, "test": 2_195},
    "zeroshot": {"train": 4_713, "dev": 231, "test": 616},
}

_CATEGORIES = {
    "Adjacency": "adjacent to, alongside, at the side of, at the right side of, at the left side of, attached to, "
    "at the back of, ahead of, against, at the edge of",
    "Directional": "off, past, toward, down, away from, along, around, into, across, across from, through, down from",
    "Orientation": "facing, facing away from, parallel to, perpendicular to",
    "Projective": "on top of, beneath, beside, behind, left of, right of, under, in front of, below, above, over, "
    "in the middle of",
    "Proximity": "by, close to, near, far from, far away from",
    "Topological": "connected to, detached from, has as a part, part of, contains, within, at, on, in, with, "
    "surrounding, among, consists of, out of, between, inside, outside, touching",
    "Unallocated": "beyond, next to, opposite to, among, enclosed by",
}
META_CATEGORIES: dict[str, tuple[str, ...]] = {name: tuple(text.split(", ")) for name, text in _CATEGORIES.items()}
RELATIONS: tuple[str, ...] = (*dict.fromkeys(r for group in META_CATEGORIES.values() for r in group), "congruent")

_VOTES = ("vote_true_validator_id", "vote_false_validator_id")
_TEXTS = ("image_link", "subj", "obj")
_ORDER = ("image", "image_link", "caption", "label", "relation", "subj", "obj", "annotator_id", *_VOTES)  # as released


@dataclass(frozen=True)
class VsrItem:
    """One statement about one picture.

    Attributes:
        image: file name in COCO 2017, train or val.
        label: whether the caption is true of the picture.
        relation: one of `RELATIONS`, as the caption has it.
        subj, obj: the two objects, where the file names them (the zero-shot files do).
        votes_true, votes_false: numbers of the validators who called it true or false; a number may stand twice.
        extra: other keys, as they are written.
    """

    image: str
    caption: str
    label: bool
    relation: str
    image_link: str | None = None
    subj: str | None = None
    obj: str | None = None
    annotator_id: int | None = None
    votes_true: tuple[int, ...] = ()
    votes_false: tuple[int, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


def meta_category(relation: str) -> str | None:
    """The meta-category of a relation, None for "congruent"; "among" counts as Unallocated, as in the authors' script.

    Raises:
        ValueError: no relation of the data set; names the nearest one.

    >>> meta_category("left of"), meta_category("facing")
    ('Projective', 'Orientation')
    >>> meta_category("in front")
    Traceback (most recent call last):
    ...
    ValueError: relation: expected one of the 66 of VSR, got 'in front'. Nearest is 'in front of'.
    """
    _check_relation(relation)
    found = [name for name, relations in META_CATEGORIES.items() if relation in relations]
    return found[-1] if found else None


def read_vsr(path: str | Path, split: tuple[str, str] | None = None) -> tuple[VsrItem, ...]:
    r"""Read a file of JSON lines; nothing is returned before all of it was checked. Blank lines are passed over.

    Only image, caption, label and relation have to be there. The same statement may come twice.

    Args:
        path: the file.
        split: what it should be, such as ("random", "test"): its number of statements is then checked too, which
            finds a file that was cut off between two lines.

    Raises:
        ValueError: anything malformed, by file and line: no JSON object, wrong types, a label that is not 0 or 1, an
            unknown relation; or, with `split`, another number of statements.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "two.jsonl"
    >>> line = '{"image": "1.jpg", "caption": "The cat is %s the mat.", "label": 1, "relation": "%s"}'
    >>> _ = path.write_text("\n".join([line % ("on", "on"), line % ("atop", "atop")]))
    >>> read_vsr(path)
    Traceback (most recent call last):
    ...
    ValueError: two.jsonl: line 2: relation: expected one of the 66 of VSR, got 'atop'. Nearest is ...
    """
    name = Path(path).name
    if split is not None:
        check_choice(split, [(kind, part) for kind, parts in SPLITS.items() for part in parts], "split")
    items = _parse(read_text(path), name)
    if split is not None and len(items) != SPLITS[split[0]][split[1]]:
        wanted = f"the {SPLITS[split[0]][split[1]]} statements of {' '.join(split)}"
        raise ValueError(f"{name}: expected {wanted}, got {len(items)}. Is the file cut off, or another split?")
    return items


def write_vsr(items: Sequence[VsrItem], path: str | Path) -> None:
    """Write `items` as JSON lines to `path`, whole or not at all (see `write_whole`), votes as texts as released.

    Raises:
        ValueError: `items` holds something that `read_vsr` would reject; what lies at `path` stays as it was.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "one.jsonl"
    >>> write_vsr([VsrItem("1.jpg", "The cat is on the mat.", True, "on", votes_true=(2, 6))], path)
    >>> read_vsr(path)[0].votes_true
    (2, 6)
    """
    with blame(Path(path).name):
        text = "".join(json.dumps(_record(item), allow_nan=False) + "\n" for item in items)
    back = _parse(text, Path(path).name)
    for number, (item, read) in enumerate(zip(items, back, strict=True), start=1):
        with blame(f"{Path(path).name}: line {number}"):
            need(item == read, "expected only what JSON can hold and read back as it was", item)
    write_whole(path, text)


def _parse(text: str, name: str) -> tuple[VsrItem, ...]:
    """Check a whole file; `name` is the file's, for the messages."""
    items = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            with blame(f"{name}: line {number}"):
                items.append(_item(parse_json(line)))
    return tuple(items)


def _item(record: Any) -> VsrItem:
    """One line, checked."""
    need(isinstance(record, dict), "expected an object, one statement", record)
    for key in ("image", "caption"):
        need(is_text(record.get(key)), f"{key}: expected a text", record.get(key))
    for key in _TEXTS:
        need(record.get(key) is None or is_text(record[key]), f"{key}: expected a text", record.get(key))
    label, annotator = record.get("label"), record.get("annotator_id")
    need(type(label) is int and label in (0, 1), "label: expected 0 or 1", label)
    need(annotator is None or type(annotator) is int, "annotator_id: expected a whole number", annotator)
    _check_relation(record.get("relation"))
    known = {key: record.get(key) for key in ("image", "caption", "relation", *_TEXTS)}
    votes = [_votes(record, key) for key in _VOTES]
    extra = {key: value for key, value in record.items() if key not in _ORDER}
    return VsrItem(
        **known, label=label == 1, annotator_id=annotator, votes_true=votes[0], votes_false=votes[1], extra=extra
    )


def _votes(record: dict[str, Any], key: str) -> tuple[int, ...]:
    """A list of numbers, or a text that holds one; missing is empty."""
    value = record.get(key, [])
    try:
        numbers = parse_json(value) if isinstance(value, str) else value
    except ValueError:
        numbers = None
    sound = isinstance(numbers, list) and all(type(number) is int for number in numbers)
    need(sound, f"{key}: expected a list of whole numbers, or a text such as '[2, 6]'", value)
    return tuple(numbers)


def _check_relation(relation: Any) -> None:
    if relation not in RELATIONS:
        shown = relation if isinstance(relation, str) else ""
        nearest = difflib.get_close_matches(shown[:80], RELATIONS, n=1, cutoff=0.0)[0]
        hint = f"Nearest is {nearest!r}." if shown else "Name the relation of the caption."
        raise ValueError(f"relation: expected one of the {len(RELATIONS)} of VSR, got {relation!r:.80}. {hint}")


def _record(item: VsrItem) -> dict[str, Any]:
    """The item as it is written, in the order of the released files; what is not there is left out."""
    record = {key: getattr(item, key) for key in ("image", "caption", "relation", "annotator_id", *_TEXTS)}
    votes = {key: json.dumps(list(ids)) for key, ids in zip(_VOTES, (item.votes_true, item.votes_false), strict=True)}
    record |= votes | {"label": int(item.label)}
    return {key: record[key] for key in _ORDER if record[key] is not None} | item.extra
