"""RefCOCO, RefCOCO+ and RefCOCOg, read and written: expressions that each pick out one object of a COCO picture.

A folder of the refer toolkit holds instances.json, the COCO file of the pictures, and a list of "refs" per partition: a
pickle refs(unc).p (see `plain_pickle`), or the same list as refs(unc).json. A ref is one object with all that people
called it. Count refs and expressions apart: RefCOCO has 142,209 expressions for 50,000 objects; accuracy is taken over
expressions, other tables count refs, and a number that does not say which is off by a factor of three.

Source: github.com/lichengunc/refer, refer.py; Kazemzadeh et al., ReferItGame, EMNLP 2014; Yu et al., ECCV 2016; Mao et
al., CVPR 2016 (google); Nagaraja et al., ECCV 2016 (umd). Sizes: the page ref_coco of the TensorFlow Datasets catalog.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_choice
from gk_utils.formats.coco import CocoFile, read_coco, write_coco
from gk_utils.formats.files import blame, need, read_json, write_whole
from gk_utils.formats.plain_pickle import plain, read_plain_pickle, write_plain_pickle

# Refs, not expressions, of each split of each partition. testA: people only; testB: anything else. The google
# partitions split objects, so that a picture can be in train and val at once; unc and umd split pictures.
SPLITS: dict[tuple[str, str], dict[str, int]] = {
    ("refcoco", "unc"): {"train": 42_404, "val": 3_811, "testA": 1_975, "testB": 1_810},
    ("refcoco", "google"): {"train": 40_000, "val": 5_000, "test": 5_000},
    ("refcoco+", "unc"): {"train": 42_278, "val": 3_805, "testA": 1_975, "testB": 1_798},
    ("refcocog", "google"): {"train": 44_822, "val": 5_000},
    ("refcocog", "umd"): {"train": 42_226, "val": 2_573, "test": 5_023},
}

_SENTENCE_KEYS = ("sent_id", "sent", "raw", "tokens")
_REF_KEYS = ("ref_id", "ann_id", "image_id", "category_id", "split", "file_name", "sent_ids", "sentences")


@dataclass(frozen=True)
class Expression:
    """One expression: `raw` as it was typed, `text` (the file's `sent`) cleaned, `tokens` its words."""

    id: int
    text: str
    raw: str
    tokens: tuple[str, ...]
    extra: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, eq=False)
class Ref:  # noqa: PLW1641  what it holds can change, so it has no hash
    """One object and its expressions. Equal when the same would be written, boxes to a millionth of a pixel.

    Attributes:
        box: xyxy, pixels of the picture at `image_hw`, float64: the digits of instances.json.
        image_file_name: the picture's. The ref's own name has the object's number behind it and names no file.
    """

    id: int
    ann_id: int
    image_id: int
    category_id: int
    category: str
    split: str
    box: Float[Tensor, "4"]
    image_hw: tuple[int, int]
    image_file_name: str
    ref_file_name: str
    expressions: tuple[Expression, ...]
    extra: dict[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        names = [name for name in self.__dict__ if name != "box"]
        same = isinstance(other, Ref) and all(getattr(self, name) == getattr(other, name) for name in names)
        return same and self.box.shape == other.box.shape and bool((self.box - other.box).abs().max() < 2e-6)


@dataclass(frozen=True)
class RefCoco:
    """A whole partition of a data set. `instances` also holds the objects that no ref names: the distractors."""

    dataset: str
    partition: str
    refs: tuple[Ref, ...]
    instances: CocoFile

    def __post_init__(self) -> None:
        check_choice((self.dataset, self.partition), SPLITS, "dataset, partition")

    def of(self, split: str) -> tuple[Ref, ...]:
        """The refs of one split.

        Raises:
            ValueError: a split that this partition does not have.

        >>> RefCoco("refcocog", "google", (), CocoFile((), ())).of("test")
        Traceback (most recent call last):
        ...
        ValueError: split: expected one of 'train', 'val', got 'test'. Choose one of these.
        """
        check_choice(split, SPLITS[self.dataset, self.partition], "split")
        return tuple(ref for ref in self.refs if ref.split == split)

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many refs and how many expressions every split has, in this order.

        >>> RefCoco("refcocog", "google", (), CocoFile((), ())).counts()
        {'train': (0, 0), 'val': (0, 0)}
        """
        sizes = {name: [len(ref.expressions) for ref in self.of(name)] for name in SPLITS[self.dataset, self.partition]}
        return {name: (len(each), sum(each)) for name, each in sizes.items()}


def read_refcoco(folder: str | Path, dataset: str, partition: str) -> RefCoco:
    """Read refs(`partition`).p, or .json, and instances.json in `folder`; all is checked before anything is returned.

    Refs keep the order of the file. Texts of Python 2 that are not Unicode are read as Latin-1.

    Raises:
        ValueError: a data set without this partition; anything malformed, by file and entry: no plain data, cut off,
            wrong types, an id used twice, an image or annotation that is not there or not the ref's, an unknown split,
            an expression without words, and what `read_coco` refuses; or the pickle and the JSON side by side.

    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / "instances.json").write_text(json.dumps({
    ...     "images": [{"id": 3, "file_name": "3.jpg", "height": 60, "width": 80}],
    ...     "categories": [{"id": 1, "name": "mug"}],
    ...     "annotations": [{"id": 9, "image_id": 3, "category_id": 1, "bbox": [10, 20, 30, 5], "area": 150}]}))
    >>> words = {"sent_id": 0, "sent": "red mug", "raw": "Red mug", "tokens": ["red", "mug"]}
    >>> ref = {"ref_id": 7, "ann_id": 9, "image_id": 3, "category_id": 1, "split": "testB", "file_name": "3_9.jpg"}
    >>> write_plain_pickle([ref | {"sent_ids": [0], "sentences": [words]}], folder / "refs(unc).p")
    >>> read_refcoco(folder, "refcoco", "unc").of("testB")[0].box.tolist()
    [10.0, 20.0, 40.0, 25.0]
    """
    check_choice((dataset, partition), SPLITS, "dataset, partition")
    path, other = (Path(folder) / f"refs({partition}){ending}" for ending in (".p", ".json"))
    if path.exists() and other.exists():
        raise ValueError(f"{path.name}: expected one list of refs, got {other.name} beside it. Take one away.")
    path = path if path.exists() else other
    document = read_plain_pickle(path) if path.suffix == ".p" else read_json(path)
    instances = read_coco(Path(folder) / "instances.json")
    refs = _parse(document, path.name, instances, tuple(SPLITS[dataset, partition]))
    return RefCoco(dataset, partition, refs, instances)


def write_refcoco(data: RefCoco, folder: str | Path, form: Literal["pickle", "json"] = "pickle") -> None:
    """Write instances.json and refs(partition).p (protocol 2, as released) or .json into `folder`.

    Both are checked first; then each file is replaced as a whole (not the two at once), instances.json first.
    Coordinates are rounded to 1e-6 pixels.

    Raises:
        ValueError: `data` holds something that `read_refcoco` would reject or read back as something else, or `folder`
            holds the same partition in the other form; what lies in `folder` stays as it was.

    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> write_refcoco(RefCoco("refcoco", "unc", (), CocoFile((), ())), folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['instances.json', 'refs(unc).p']
    """
    check_choice(form, ("pickle", "json"), "form")
    endings = (".p", ".json") if form == "pickle" else (".json", ".p")
    path, other = (Path(folder) / f"refs({data.partition}){ending}" for ending in endings)
    if other.exists():
        raise ValueError(f"{path.name}: expected no other list of these refs, got {other.name}. Take that away first.")
    with blame(path.name):
        text = "[" + ",\n".join(json.dumps(_record(ref), allow_nan=False) for ref in data.refs) + "]\n"
    document = json.loads(text)
    back = _parse(document, path.name, data.instances, tuple(SPLITS[data.dataset, data.partition]))
    for index, (ref, read) in enumerate(zip(data.refs, back, strict=True)):
        with blame(f"{path.name}: [{index}] (ref_id {ref.id})"):
            need(ref == read, "expected the box, picture and category of its annotation", ref)
    write_coco(data.instances, Path(folder) / "instances.json")
    if form == "json":
        write_whole(path, text)
    else:
        write_plain_pickle(document, path)


def _parse(document: Any, name: str, instances: CocoFile, splits: tuple[str, ...]) -> tuple[Ref, ...]:
    """Check a list of refs against its pictures; `name` is the file's, for the messages."""
    with blame(name):
        need(isinstance(plain(document), list), "expected a list of refs", document)
    numbers = {entry["name"]: entry["id"] for entry in instances.categories}
    objects = {}
    for image in instances.images:
        fixed = {"image_id": image.id, "image_hw": image.image_hw, "image_file_name": image.file_name}
        for item, box in zip(image.objects, image.boxes, strict=True):
            known = {"ann_id": item.id, "category": item.category, "category_id": numbers.get(item.category)}
            objects[item.id] = fixed | known | {"box": box}
    refs, ref_ids, sentence_ids = [], set(), set()
    for index, entry in enumerate(document):
        number = entry.get("ref_id") if isinstance(entry, dict) else None
        with blame(f"{name}: [{index}] (ref_id {number!r:.20})"):
            _once(number, ref_ids, "ref_id")
            sound = type(entry.get("ann_id")) is int and entry["ann_id"] in objects
            need(sound, "ann_id: expected an annotation of instances.json", entry.get("ann_id"))
            found = objects[entry["ann_id"]]
            for key in ("image_id", "category_id"):
                sound = type(entry.get(key)) is int and entry[key] == found[key]
                need(sound, f"{key}: expected the annotation's, {found[key]}", entry.get(key))
            need(entry.get("split") in splits, f"split: expected one of {', '.join(splits)}", entry.get("split"))
            own = {"id": number, "split": entry["split"], "ref_file_name": _text(entry, "file_name")}
            extra = {key: value for key, value in entry.items() if key not in _REF_KEYS}
            refs.append(Ref(**found, **own, expressions=_expressions(entry, sentence_ids), extra=extra))
    return tuple(refs)


def _expressions(entry: dict[str, Any], seen: set[int]) -> tuple[Expression, ...]:
    """The sentences of a ref; `seen` are the ids of those before."""
    sentences, ids = entry.get("sentences"), entry.get("sent_ids")
    need(isinstance(sentences, list) and sentences != [], "sentences: expected a list, not empty", sentences)
    found = []
    for index, sentence in enumerate(sentences):
        try:
            need(isinstance(sentence, dict), "expected a sentence", sentence)
            _once(sentence.get("sent_id"), seen, "sent_id")
            tokens = sentence.get("tokens")
            sound = isinstance(tokens, list) and tokens != [] and all(isinstance(word, str) and word for word in tokens)
            need(sound, "tokens: expected a list of words, not empty", tokens)
            extra = {key: value for key, value in sentence.items() if key not in _SENTENCE_KEYS}
            texts = _text(sentence, "sent"), _text(sentence, "raw")
            found.append(Expression(sentence["sent_id"], *texts, tuple(tokens), extra))
        except ValueError as problem:
            raise ValueError(f"sentences[{index}]: {problem}") from None
    sound = repr(ids) == repr([expression.id for expression in found])
    need(sound, "sent_ids: expected the ids of the sentences, in their order", ids)
    return tuple(found)


def _record(ref: Ref) -> dict[str, Any]:
    """The ref as it is written."""
    said = ref.expressions
    rows = [{"sent_id": e.id, "sent": e.text, "raw": e.raw, "tokens": list(e.tokens)} | e.extra for e in said]
    record = {"ref_id": ref.id, "ann_id": ref.ann_id, "image_id": ref.image_id, "category_id": ref.category_id}
    record |= {"split": ref.split, "file_name": ref.ref_file_name, "sent_ids": [e.id for e in said], "sentences": rows}
    return record | ref.extra


def _once(number: Any, seen: set[int], key: str) -> None:
    need(type(number) is int and number not in seen, f"{key}: expected a whole number, used once", number)
    seen.add(number)


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    need(isinstance(value, str) and value.strip() != "", f"{key}: expected a text that is not blank", value)
    return value
