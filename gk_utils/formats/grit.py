"""GrIT, the grounded image-text pairs of Kosmos-2: captions whose phrases carry boxes, one JSON object a line.

Three data sets are called like this. This is Microsoft's GrIT (web pairs, boxes found by GLIP), not the GRIT benchmark
of AI2 (General Robust Image Task) and not Ferret's GRIT (ground-and-refer instructions).

A line of the released grit_coyo.jsonl has key, clip_similarity_vitb32, clip_similarity_vitl14, id, url, caption, width,
height, noun_chunks and ref_exps; both lists hold [start, end, x1, y1, x2, y2, score]. Start and end cut the phrase out
of the caption as a Python slice; the box is in the unit frame: divided by the width and height of the picture.
`ref_exps` are the noun chunks grown to referring expressions, or copied where nothing grew. The same table is also
published as parquet, where all seven are floats: hand a row of it, as a dict, to `parse_record`. The data card calls
`key` a by-product of its download that may be left out; here only what grounding needs is required.

Source: Peng et al., Kosmos-2, 2023, arXiv:2306.14824; github.com/microsoft/unilm, kosmos-2/README.md and
data/visualize_grit.py; the card of the data set zzliang/GRIT.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_same_length
from gk_utils.formats.files import blame, check_sides, is_number, is_text, need, parse_json, read_text, write_whole
from gk_utils.frames import Frame

_TEXTS = ("key", "url")
_SIMILARITIES = ("clip_similarity_vitb32", "clip_similarity_vitl14")
_ORDER = ("key", *_SIMILARITIES, "id", "url", "caption", "width", "height", "noun_chunks", "ref_exps")  # as released
_ROUNDING = 1e-6  # what a unit coordinate may leave [0, 1] by, as in errors.check_unit


@dataclass(frozen=True, eq=False)
class GritSpans:
    """Phrases of one caption with their boxes; row i of each belongs together.

    Attributes:
        spans: (start, end) in characters of the caption, end exclusive; spans may repeat (two boxes) and overlap.
        boxes_unit: xyxy, divided by the width and height of the picture.
        scores: GLIP's confidence, 0 to 1.
    """

    spans: tuple[tuple[int, int], ...]
    boxes_unit: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]

    def boxes(self, image_hw: tuple[int, int]) -> Float[Tensor, "n 4"]:
        """The boxes in pixels of the picture at size `image_hw`, which may be another than the released one.

        >>> spans = GritSpans(((0, 3),), torch.tensor([[0.0, 0.25, 0.5, 1.0]]), torch.tensor([0.9]))
        >>> spans.boxes((200, 400))
        tensor([[  0.,  50., 200., 200.]])
        """
        return Frame.of_image(image_hw).unit().to_pixels(self.boxes_unit)


@dataclass(frozen=True, eq=False)
class GritSample:  # noqa: PLW1641  what it holds can change, so it has no hash
    """One picture with its caption. `image_hw` is the size of the picture at its address, not of a resized copy."""

    caption: str
    image_hw: tuple[int, int]
    noun_chunks: GritSpans
    ref_exps: GritSpans
    id: int | None = None
    key: str | None = None
    url: str | None = None
    clip_similarity_vitb32: float | None = None
    clip_similarity_vitl14: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GritSample) and _record(self) == _record(other)

    def phrases(self, spans: GritSpans) -> tuple[str, ...]:
        """The texts that `spans` (noun_chunks or ref_exps of this sample) cut out of the caption."""
        return tuple(self.caption[start:end] for start, end in spans.spans)


def read_grit(path: str | Path) -> tuple[GritSample, ...]:
    """Read a file of JSON lines; nothing is returned before all of it was checked. Blank lines are passed over.

    Raises:
        ValueError: anything malformed, by file and line: no JSON object, NaN, wrong types, a span that is not inside
            its caption, a box that is inverted or not in the unit frame, an id or key used twice.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "one.jsonl"
    >>> _ = path.write_text('{"caption": "a mug", "width": 8, "height": 6, "ref_exps": [], '
    ...                     '"noun_chunks": [[0, 9, 0.1, 0.1, 0.5, 0.5, 0.9]]}')
    >>> read_grit(path)
    Traceback (most recent call last):
    ...
    ValueError: one.jsonl: line 1: noun_chunks[0]: expected 0 <= start < end <= 5, the caption's length, got (0, 9). ...
    """
    return _parse(read_text(path), Path(path).name)


def write_grit(samples: Sequence[GritSample], path: str | Path) -> None:
    r"""Write `samples` as JSON lines to `path`, whole or not at all (see `write_whole`); every digit is kept.

    Raises:
        ValueError: `samples` holds something that `read_grit` would reject; what lies at `path` stays as it was.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "one.jsonl"
    >>> chunks = GritSpans(((0, 5),), torch.tensor([[0.0, 0.25, 0.5, 1.0]]), torch.tensor([0.75]))
    >>> write_grit([GritSample("a mug", (480, 640), chunks, chunks)], path)
    >>> (sample,) = read_grit(path)
    >>> sample.phrases(sample.ref_exps), sample.ref_exps.boxes(sample.image_hw).tolist()
    (('a mug',), [[0.0, 120.0, 320.0, 480.0]])
    """
    text = "".join(json.dumps(_record(sample)) + "\n" for sample in samples)
    _parse(text, Path(path).name)
    write_whole(path, text)


def parse_record(record: Any) -> GritSample:
    """Check one record, a line of the file or a row of the table as a dict, and turn it into a sample.

    Keys that are not GrIT's own are kept, as `extra`; a missing or null id, key, url or similarity reads as None.

    Raises:
        ValueError: says which field is wrong.

    >>> spans = [[0.0, 5.0, 0.1, 0.2, 0.5, 0.9, 0.75]]
    >>> parse_record({"caption": "a mug", "width": 8, "height": 6, "noun_chunks": spans, "ref_exps": []}).image_hw
    (6, 8)
    """
    need(isinstance(record, dict), "expected an object, one sample", record)
    caption = record.get("caption")
    need(isinstance(caption, str) and caption != "", "caption: expected a text", caption)
    known: dict[str, Any] = {name: record.get(name) for name in ("id", *_TEXTS, *_SIMILARITIES)}
    for name, value in known.items():
        if value is None:
            continue
        if name == "id":
            need(type(value) is int and 0 <= value < 2**64, "id: expected a whole number", value)
        elif name in _TEXTS:
            need(is_text(value), f"{name}: expected a text on one line", value)
        else:
            need(is_number(value), f"{name}: expected a number", value)
            known[name] = float(value)
    return GritSample(
        caption=caption,
        image_hw=check_sides(record.get("width"), record.get("height")),
        noun_chunks=_spans(record, "noun_chunks", len(caption)),
        ref_exps=_spans(record, "ref_exps", len(caption)),
        extra={name: value for name, value in record.items() if name not in _ORDER},
        **{
            name: float(value) if value is not None and name in _SIMILARITIES else value
            for name, value in known.items()
        },
    )


def _parse(text: str, name: str) -> tuple[GritSample, ...]:
    """Check a whole file; `name` is the file's, for the messages."""
    samples, seen = [], set()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        with blame(f"{name}: line {number}"):
            sample = parse_record(parse_json(line))
            for mark in (("id", sample.id), ("key", sample.key)):
                need(mark not in seen, f"{mark[0]}: expected one that no line before has", mark[1])
                seen |= {mark} if mark[1] is not None else set()
            samples.append(sample)
    return tuple(samples)


def _spans(record: dict[str, Any], key: str, length: int) -> GritSpans:
    """One of the two lists of a record; `length` of the caption, in characters."""
    rows = record.get(key)
    need(isinstance(rows, list), f"{key}: expected a list", rows)
    for index, row in enumerate(rows):
        place = f"{key}[{index}]"
        sound = isinstance(row, list) and len(row) == 7 and all(map(is_number, row))
        need(sound, f"{place}: expected seven numbers [start, end, x1, y1, x2, y2, score]", row)
        start, end, x1, y1, x2, y2, score = row
        sound = start == start // 1 and end == end // 1 and 0 <= start < end <= length
        need(sound, f"{place}: expected 0 <= start < end <= {length}, the caption's length", (start, end))
        need(x1 <= x2 and y1 <= y2, f"{place}: expected x1 <= x2 and y1 <= y2", [x1, y1, x2, y2])
        sound = min(x1, y1) >= -_ROUNDING and max(x2, y2) <= 1 + _ROUNDING
        need(sound, f"{place}: expected a box in the unit frame, 0 to 1", [x1, y1, x2, y2])
        need(0 <= score <= 1, f"{place}: expected a score from 0 to 1", score)
    numbers = torch.tensor(rows, dtype=torch.float64).reshape(-1, 7)
    return GritSpans(tuple((int(row[0]), int(row[1])) for row in rows), numbers[:, 2:6], numbers[:, 6])


def _record(sample: GritSample) -> dict[str, Any]:
    """The sample as it is written, in the order of the released file."""
    height, width = sample.image_hw
    record = {"caption": sample.caption, "width": width, "height": height}
    record |= {name: getattr(sample, name) for name in ("id", *_TEXTS, *_SIMILARITIES)}
    for name, part in (("noun_chunks", sample.noun_chunks), ("ref_exps", sample.ref_exps)):
        check_same_length(part.spans, part.boxes_unit, ("spans", "boxes_unit"))
        check_same_length(part.spans, part.scores, ("spans", "scores"))
        rows = zip(part.spans, part.boxes_unit.tolist(), part.scores.tolist(), strict=True)
        record[name] = [[*span, *box, score] for span, box, score in rows]
    return {name: record[name] for name in _ORDER if record[name] is not None} | sample.extra
