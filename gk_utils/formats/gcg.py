"""Grounded conversation generation (GCG): captions whose phrases have masks, as in GranD-f and as GLaMM writes them.

Training (GranDf_HA_GCG_train.json), a list of
    {"file_name": "sa_1.jpg", "caption": "a mug ...", "groundings": {"a mug": {"token_positives": [0, 5],
    "rle_masks": [{"size": [height, width], "counts": "..."}, ...]}}}
A phrase is a key, so a caption that says "a mug" twice can link it once; and several masks of a phrase are one region.
Truth of val and test are two COCO files, joined by image_id: one with annotations {"image_id", "caption", "labels"},
one with a mask for each label in their order, all of category 1. An answer is a file a picture, IMAGE_ID.json, with
    {"image_id": "sa_1", "caption": "...", "phrases": ["a mug"], "pred_masks": [{"size": ..., "counts": ...}]}
An answer may hold that object one level deeper. Where phrases and masks differ in number, the published script prints
an error and goes on with the next picture; this reader refuses.

Source: Rasheed et al. 2024, GLaMM, arXiv:2311.03356; mbzuai-oryx/groundingLMM, dataset/gcg_datasets/GranDf_gcg_ds.py,
eval/gcg/infer.py and evaluate.py.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gk_utils.formats.files import blame, is_text, need, parse_json, read_json, read_text, write_whole
from gk_utils.formats.rle import check_segmentation

_ENTRY = ("file_name", "caption", "groundings")
Rle = dict[str, Any]


@dataclass(frozen=True)
class GcgPhrase:
    """Characters [start, end) of a caption, and the run lengths of what they name, one or several masks."""

    text: str
    start: int
    end: int
    masks: tuple[Rle, ...] = field(hash=False)


@dataclass(frozen=True)
class GcgEntry:
    """A picture of GranD-f with its caption; `extra` holds other keys, as they are written."""

    file_name: str
    caption: str
    phrases: tuple[GcgPhrase, ...]
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class GcgAnswer:
    """What is said of a picture, by a model or as the truth: a caption, phrases, and a mask for each of them."""

    image_id: str
    caption: str
    phrases: tuple[str, ...]
    masks: tuple[Rle, ...] = field(hash=False)


def read_grandf(path: str | Path) -> tuple[GcgEntry, ...]:
    """Read a training file of GranD-f (the human-annotated part); nothing is returned before all of it was checked.

    Raises:
        ValueError: anything malformed, by file and entry: no list, wrong types, characters that are not in the caption
            or are another phrase than the key, a mask that is none or of another size, a phrase without masks.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "train.json"
    >>> _ = path.write_text('[{"file_name": "a.jpg", "caption": "a mug", "groundings": {"a cat": {}}}]')
    >>> read_grandf(path)
    Traceback (most recent call last):
    ...
    ValueError: train.json: entry 0: 'a cat': token_positives: expected [start, end], got None...
    """
    return _parse(read_json(path), Path(path).name)


def write_grandf(entries: Sequence[GcgEntry], path: str | Path) -> None:
    """Write entries as a training file, whole or not at all (see `write_whole`).

    Raises:
        ValueError: something that `read_grandf` would reject, or a phrase twice in one caption: it is a key there.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "train.json"
    >>> mask = {"size": [1, 2], "counts": [1, 1]}
    >>> write_grandf([GcgEntry("a.jpg", "a mug", (GcgPhrase("a mug", 0, 5, (mask,)),))], path)
    >>> read_grandf(path)[0].phrases[0].text
    'a mug'
    """
    name, records = Path(path).name, []
    for number, entry in enumerate(entries):
        with blame(f"{name}: entry {number}"):
            texts = [phrase.text for phrase in entry.phrases]
            twice = next((text for text in texts if texts.count(text) > 1), None)
            need(twice is None, "phrases: expected each once, since it is a key", twice)
        links = {
            phrase.text: {
                "token_positives": [phrase.start, phrase.end],
                "rle_masks": [dict(one) for one in phrase.masks],
            }
            for phrase in entry.phrases
        }
        records.append({"file_name": entry.file_name, "caption": entry.caption, "groundings": links, **entry.extra})
    with blame(name):
        text = json.dumps(records, allow_nan=False)
        need(_parse(parse_json(text), name) == tuple(entries), "expected what reads back as it was", "another")
    write_whole(path, text)


def read_answers(folder: str | Path, image_ids: Sequence[str]) -> tuple[GcgAnswer, ...]:
    """Read a model's answers, a file for each picture.

    Raises:
        FileNotFoundError: a picture without a file.
        ValueError: anything malformed, by file; another number of phrases than masks; another picture's answer.

    >>> from tempfile import mkdtemp
    >>> folder = mkdtemp()
    >>> _ = (Path(folder) / "sa_1.json").write_text('{"caption": "a mug", "phrases": ["a mug"], "pred_masks": []}')
    >>> read_answers(folder, ["sa_1"])
    Traceback (most recent call last):
    ...
    ValueError: sa_1.json: pred_masks: expected 1, one for each phrase, got 0...
    """
    answers = []
    for image_id in image_ids:
        path = Path(folder) / f"{image_id}.json"
        with blame(path.name):
            record = parse_json(read_text(path))
            need(isinstance(record, dict) and len(record) > 0, "expected an object", record)
            if "caption" not in record:  # one level deeper, as some are
                record = next(iter(record.values()))
                need(isinstance(record, dict), "expected an object", record)
            answers.append(_answer({"image_id": image_id, **record}, "phrases", "pred_masks", image_id))
    return tuple(answers)


def write_answers(answers: Sequence[GcgAnswer], folder: str | Path) -> None:
    """Write answers, a file for each picture, each whole or not at all.

    Raises:
        ValueError: something that `read_answers` would reject, a picture twice, an image_id that is no file name.

    >>> from tempfile import mkdtemp
    >>> folder = mkdtemp()
    >>> write_answers([GcgAnswer("sa_1", "a mug", ("a mug",), ({"size": [1, 2], "counts": [1, 1]},))], folder)
    >>> read_answers(folder, ["sa_1"])[0].phrases
    ('a mug',)
    """
    texts: dict[str, str] = {}
    for answer in answers:
        with blame(f"{answer.image_id}.json"):
            plain = is_text(answer.image_id) and Path(answer.image_id).name == answer.image_id
            need(plain and answer.image_id not in texts, "image_id: expected a file name, each once", answer.image_id)
            record = {"image_id": answer.image_id, "caption": answer.caption, "phrases": list(answer.phrases)}
            record["pred_masks"] = [dict(mask) for mask in answer.masks]
            texts[answer.image_id] = json.dumps(record, allow_nan=False)
            _answer(parse_json(texts[answer.image_id]), "phrases", "pred_masks", answer.image_id)
    for image_id, text in texts.items():
        write_whole(Path(folder) / f"{image_id}.json", text)


def read_truth(captions: str | Path, masks: str | Path) -> tuple[GcgAnswer, ...]:
    """Read the truth of a split: the file of captions and labels, and the file of masks.

    Raises:
        ValueError: anything malformed, by file and annotation; a picture whose labels and masks differ in number.

    >>> from tempfile import mkdtemp
    >>> said = {"image_id": 5, "caption": "a mug", "labels": ["a mug"]}
    >>> mask = {"image_id": 5, "category_id": 1, "segmentation": {"size": [1, 2], "counts": [1, 1]}}
    >>> captions, masks = (Path(mkdtemp()) / name for name in ("captions.json", "masks.json"))
    >>> _ = captions.write_text(json.dumps({"annotations": [said]}))
    >>> _ = masks.write_text(json.dumps({"annotations": [mask]}))
    >>> read_truth(captions, masks)[0].phrases
    ('a mug',)
    """
    names = Path(captions).name, Path(masks).name
    found: dict[str, list[Rle]] = {}
    for number, record in enumerate(_annotations(read_json(masks), names[1])):
        with blame(f"{names[1]}: annotation {number}"):
            need(record.get("category_id") == 1, "category_id: expected 1", record.get("category_id"))
            found.setdefault(str(record["image_id"]), []).append(_mask(record.get("segmentation"), "segmentation"))
    truth, seen = [], set()
    for number, record in enumerate(_annotations(read_json(captions), names[0])):
        image_id = str(record["image_id"])
        with blame(f"{names[0]}: annotation {number}"):
            need(image_id not in seen, "image_id: expected each once", image_id)
            seen.add(image_id)
            joined = {"image_id": image_id, **{key: record.get(key) for key in ("caption", "labels")}}
            truth.append(_answer({**joined, "masks": found.get(image_id, [])}, "labels", "masks", image_id))
    return tuple(truth)


def _parse(document: Any, name: str) -> tuple[GcgEntry, ...]:
    with blame(name):
        need(isinstance(document, list), "expected a list of pictures", document)
    entries = []
    for number, record in enumerate(document):
        with blame(f"{name}: entry {number}"):
            need(isinstance(record, dict), "expected an object", record)
            need(is_text(record.get("file_name")), "file_name: expected a text", record.get("file_name"))
            caption, links = record.get("caption"), record.get("groundings")
            need(isinstance(caption, str) and caption != "", "caption: expected a text", caption)
            need(isinstance(links, dict), "groundings: expected an object", links)
            phrases = tuple(_phrase(text, link, caption) for text, link in links.items())
            sizes = {tuple(mask["size"]) for phrase in phrases for mask in phrase.masks}
            need(len(sizes) < 2, "rle_masks: expected one size in a picture", sorted(sizes))
        extra = {key: value for key, value in record.items() if key not in _ENTRY}
        entries.append(GcgEntry(record["file_name"], caption, phrases, extra))
    return tuple(entries)


def _phrase(text: str, link: Any, caption: str) -> GcgPhrase:
    need(isinstance(link, dict), f"{text!r}: expected an object", link)
    span, masks = link.get("token_positives"), link.get("rle_masks")
    sound = isinstance(span, list) and len(span) == 2 and all(type(place) is int for place in span)
    need(sound, f"{text!r}: token_positives: expected [start, end]", span)
    start, end = span
    sound = 0 <= start < end <= len(caption) and caption[start:end].lower() == text.lower()
    need(sound, f"{text!r}: token_positives: expected where it stands in the caption", caption[max(start, 0) : end])
    need(isinstance(masks, list) and len(masks) > 0, f"{text!r}: rle_masks: expected one or more", masks)
    return GcgPhrase(text, start, end, tuple(_mask(mask, f"{text!r}: rle_masks") for mask in masks))


def _mask(mask: Any, what: str) -> Rle:
    sizes = mask.get("size") if isinstance(mask, dict) else None
    sound = isinstance(sizes, list) and len(sizes) == 2 and all(type(side) is int and side > 0 for side in sizes)
    need(sound, f"{what}: expected run lengths with a size [height, width]", mask)
    check_segmentation(mask, (sizes[0], sizes[1]))
    return mask


def _answer(record: Any, labels: str, masks: str, image_id: str) -> GcgAnswer:
    """An answer or a truth; `labels` and `masks` are the keys of its phrases and masks."""
    need(str(record["image_id"]) == image_id, f"image_id: expected {image_id!r}", record["image_id"])
    caption, phrases, found = record.get("caption"), record.get(labels), record.get(masks)
    need(isinstance(caption, str), "caption: expected a text", caption)
    need(
        isinstance(phrases, list) and all(isinstance(one, str) for one in phrases), f"{labels}: expected texts", phrases
    )
    need(isinstance(found, list), f"{masks}: expected a list", found)
    need(len(phrases) == len(found), f"{masks}: expected {len(phrases)}, one for each phrase", len(found))
    return GcgAnswer(image_id, caption, tuple(phrases), tuple(_mask(mask, masks) for mask in found))


def _annotations(document: Any, name: str) -> list[dict[str, Any]]:
    with blame(name):
        need(isinstance(document, dict), "expected an object", document)
        rows = document.get("annotations")
        need(isinstance(rows, list), "annotations: expected a list", rows)
        sound = all(isinstance(row, dict) and isinstance(row.get("image_id"), str | int) for row in rows)
        need(sound, "annotations: expected objects with an image_id", "another")
    return rows
