"""COCO annotation files, read and written: pictures, boxes, phrases and masks in one JSON document.

In the file a box is [x, y, width, height]; here it is xyxy like every other box of the package, in pixels. Masks stay
as they are written until `rle.decode_mask` makes pixels of them. Two keys are ours, and COCO's own tools skip them:
`phrases` of an annotation (expressions that pick out exactly this object) and `absent` of an image (expressions that
pick out nothing in it). Other keys of an image or an annotation are kept, as `extra`; other parts of the file are not.

Source: Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014; https://cocodataset.org/#format-data.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_same_length
from gk_utils.formats.files import write_whole
from gk_utils.formats.rle import check_segmentation

_SLACK = 0.5  # pixels that a box may leave its image by: published files round


@dataclass(frozen=True)
class CocoObject:
    """One annotation, its box apart. `area`: square pixels, of the mask where there is one."""

    id: int
    category: str
    area: float
    iscrowd: bool = False
    segmentation: list[Any] | dict[str, Any] | None = None
    phrases: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CocoImage:
    """One picture. `boxes[i]` (xyxy, pixels, float64: the digits of the file) belongs to `objects[i]`."""

    id: int
    file_name: str
    image_hw: tuple[int, int]
    boxes: Float[Tensor, "n 4"]
    objects: tuple[CocoObject, ...]
    absent: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CocoFile:  # noqa: PLW1641  what it holds can change, so it has no hash
    """A whole file; `categories`, `licenses` and `info` as they are written. Equal when the same would be written."""

    images: tuple[CocoImage, ...]
    categories: tuple[dict[str, Any], ...]
    licenses: tuple[dict[str, Any], ...] = ()
    info: dict[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CocoFile) and _document(self) == _document(other)


def read_coco(path: str | Path) -> CocoFile:
    """Read the file at `path`; nothing is returned before all of it was checked.

    Images keep the order of the file, and so do the objects of each image. A box may leave its image by half a pixel
    and is not clipped; a box without area is valid; an empty `segmentation` reads as none.

    Raises:
        ValueError: anything malformed, by file and entry: cut-off JSON, NaN, wrong types, an id used twice, an image or
            category that is not there, a box that is not four numbers or not in its image, a mask of another size.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "one.json"
    >>> _ = path.write_text('{"images": [], "categories": [], "annotations": [{"id": 17, "image_id": 3}]}')
    >>> read_coco(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: one.json: annotations[0] (id 17): image_id: expected the id of one of the images, got 3. Correct ...
    """
    path = Path(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: expected one JSON document, got {error}. Is the file cut off?") from None
    return _parse(document, path.name)


def write_coco(file: CocoFile, path: str | Path) -> None:
    """Write `file` to `path`, one entry a line: to a temporary name beside it, synced, then renamed.

    Whoever reads meanwhile sees the old file or the new one, never a part. Coordinates are rounded to 1e-6 pixels.

    Raises:
        ValueError: `file` holds something that `read_coco` would reject; what lies at `path` stays as it was.
    """
    path, document = Path(path), _document(file)
    _parse(document, path.name)
    blocks = []
    for key, value in document.items():
        rows = ",\n".join(f"  {json.dumps(entry)}" for entry in value) if isinstance(value, list) else ""
        blocks.append(f' "{key}": ' + (f"[\n{rows}\n ]" if rows else json.dumps(value)))
    write_whole(path, "{\n" + ",\n".join(blocks) + "\n}\n")


def _parse(document: Any, name: str) -> CocoFile:
    """Check a document and turn it into a CocoFile; `name` is the file's, for the messages."""
    info = document.get("info", {}) if isinstance(document, dict) else None
    if not isinstance(info, dict) or not _is_finite(info):
        raise ValueError(f"{name}: expected an object with an object `info`, got {document!r:.80}. Is it a COCO file?")

    def section(key: str, check: Callable[[dict[str, Any]], Any], default: Any = None) -> dict[int, Any]:
        """What `check` makes of every entry of one list of the document, by the entry's id."""
        found: dict[int, Any] = {}
        if not isinstance(document.get(key, default), list):
            raise ValueError(f"{name}: {key}: expected a list, got {document.get(key)!r:.80}. Is it a COCO file?")
        for index, entry in enumerate(document.get(key, default)):
            number = entry.get("id") if isinstance(entry, dict) else None
            try:
                _need(type(number) is int and number not in found, "id: expected a whole number, used once", number)
                found[number] = check(entry)
                _need(_is_finite(entry), "expected finite numbers", entry)
            except ValueError as problem:
                place, text = f"{name}: {key}[{index}] (id {number!r:.20})", str(problem).rstrip(".")
                raise ValueError(f"{place}: {text}. Correct the entry or take it out; nothing was loaded.") from None
        return found

    licenses = section("licenses", dict, [])
    categories = section("categories", lambda entry: _text(entry, "name"))
    if len(set(categories.values())) < len(categories):
        raise ValueError(f"{name}: categories: expected every name once, got one twice. Nothing was loaded.")
    images = section("images", lambda entry: _image(entry, licenses))
    section("annotations", lambda entry: _annotation(entry, images, categories))
    for fields in images.values():
        fields["boxes"] = torch.tensor(fields["boxes"], dtype=torch.float64).reshape(-1, 4)
        fields["objects"] = tuple(fields["objects"])
    pictures = tuple(CocoImage(**fields) for fields in images.values())
    return CocoFile(pictures, tuple(document["categories"]), tuple(document.get("licenses", ())), info)


def _image(entry: dict[str, Any], licenses: dict[int, Any]) -> dict[str, Any]:
    """The fields of a CocoImage, its boxes and objects still to come."""
    if licenses and "license" in entry:
        _key(entry, "license", licenses, "licenses")
    sides = (entry.get("height"), entry.get("width"))
    sound = all(type(side) is int and 0 < side < 100_000 for side in sides)
    _need(sound, "height, width: expected whole numbers from 1 to 99999", sides)
    known = {"id": entry["id"], "file_name": _text(entry, "file_name"), "absent": _phrases(entry, "absent")}
    extra = {key: value for key, value in entry.items() if key not in (*known, "height", "width")}
    return {**known, "image_hw": sides, "extra": extra, "boxes": [], "objects": []}


def _annotation(entry: dict[str, Any], images: dict[int, Any], categories: dict[int, str]) -> None:
    """Add the box, as xyxy, and the object to the fields of their image."""
    image = images[_key(entry, "image_id", images, "images")]
    category = categories[_key(entry, "category_id", categories, "categories")]
    box, area, crowd = entry.get("bbox"), entry.get("area"), entry.get("iscrowd", 0)
    sound = isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))
    _need(sound, "bbox: expected four numbers [x, y, width, height]", box)
    (x, y, w, h), (height, width) = box, image["image_hw"]
    _need(w >= 0 and h >= 0, "bbox: expected a width and a height of at least 0", box)
    sound = min(x, y) >= -_SLACK and x + w <= width + _SLACK and y + h <= height + _SLACK
    _need(sound, f"bbox: expected a box inside its image, {width} wide and {height} high", box)
    _need(_is_number(area) and area >= 0, "area: expected a number of square pixels", area)
    _need(type(crowd) is int and crowd in (0, 1), "iscrowd: expected 0 or 1", crowd)
    segmentation = None if entry.get("segmentation") == [] else entry.get("segmentation")
    if segmentation is not None:
        check_segmentation(segmentation, (height, width))
    known = ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "phrases")
    extra = {key: value for key, value in entry.items() if key not in known}
    found = CocoObject(entry["id"], category, float(area), crowd == 1, segmentation, _phrases(entry, "phrases"), extra)
    image["boxes"].append([x, y, x + w, y + h])
    image["objects"].append(found)


def _document(file: CocoFile) -> dict[str, Any]:
    """The file as it is written: annotations grouped by image, whole numbers without a point."""
    ids = {entry["name"]: entry["id"] for entry in file.categories}
    images, annotations = [], []
    for image in file.images:
        check_same_length(image.boxes, image.objects, ("boxes", "objects"))
        entry = {"id": image.id, "file_name": image.file_name, "height": image.image_hw[0], "width": image.image_hw[1]}
        images.append(entry | image.extra | ({"absent": list(image.absent)} if image.absent else {}))
        for (x1, y1, x2, y2), item in zip(image.boxes.tolist(), image.objects, strict=True):
            numbers = [round(number, 6) for number in (x1, y1, x2 - x1, y2 - y1, item.area)]
            *bbox, area = [int(number) if number == number // 1 else number for number in numbers]
            entry = {"id": item.id, "image_id": image.id, "category_id": ids.get(item.category), "bbox": bbox}
            entry |= {"area": area, "iscrowd": int(item.iscrowd)}
            entry |= {} if item.segmentation is None else {"segmentation": item.segmentation}
            annotations.append(entry | ({"phrases": list(item.phrases)} if item.phrases else {}) | item.extra)
    head = {"info": file.info, "licenses": list(file.licenses), "categories": list(file.categories)}
    return {**head, "images": images, "annotations": annotations}


def _need(sound: bool, expected: str, value: Any) -> None:
    if not sound:
        raise ValueError(f"{expected}, got {value!r:.80}")


def _key(entry: dict[str, Any], key: str, known: dict[int, Any], section: str) -> int:
    value = entry.get(key)
    _need(type(value) is int and value in known, f"{key}: expected the id of one of the {section}", value)
    return value


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    _need(isinstance(value, str) and value != "", f"{key}: expected a text", value)
    return value


def _phrases(entry: dict[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    sound = isinstance(value, list) and all(isinstance(phrase, str) and phrase for phrase in value)
    _need(sound, f"{key}: expected a list of phrases", value)
    return tuple(value)


def _is_finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e12  # false for NaN and the infinities
