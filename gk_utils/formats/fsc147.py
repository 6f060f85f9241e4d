"""FSC-147, the counting set: a point on every object, a few exemplar boxes, and the class to count in each picture.

Three files in one folder, under the names of the release:

- annotation_FSC147_384.json: an entry per picture with `points` [x, y], `box_examples_coordinates` (four corners [x, y]
  a box, the first upper left and the third lower right), `H` and `W` of the original picture, `ratio_h`, `ratio_w`,
  and `r` and paths on the authors' machine, which are kept as `extra`.
- ImageClasses_FSC147.txt: "2.jpg<tab>sea shells", a line per picture.
- Train_Test_Val_FSC_147.json: lists of pictures: train, val and test; loaders also name val_coco and test_coco in it.

Points and boxes lie in the released, resized picture, which is 384 pixels high, and not in the original one: the
authors say so of 1050.jpg (1300 x 1065 before, 469 x 384 after; issue 30 of the repository). What the ratios mean is
written down nowhere that we found; they are read here as resized / original, as most tools that write the format have
it (0.6 for 640 pixels), and `image_hw` rests on that. The order of the corners between the first and the third is not
documented either; both turns are read. Some loaders take the corners for [y, x]: the authors' train.py does not.

Source: Ranjan et al., Learning To Count Everything, CVPR 2021, arXiv:2104.08391; train.py, utils.py, data/ and issues
14 and 30 of github.com/cvlab-stonybrook/LearningToCountEverything. The annotation file itself was not at hand.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.formats.files import (
    blame,
    check_sides,
    is_number,
    is_text,
    need,
    parse_json,
    read_json,
    read_text,
    write_whole,
)

ANNOTATIONS, CLASSES = "annotation_FSC147_384.json", "ImageClasses_FSC147.txt"
LISTS = "Train_Test_Val_FSC_147.json"
SPLITS = ("train", "val", "test")
_SLACK = 1.0  # pixels that a coordinate may leave its picture by: the files hold pixel indices, and sides are rounded
_KNOWN = ("H", "W", "box_examples_coordinates", "points", "ratio_h", "ratio_w")


@dataclass(frozen=True, eq=False)
class FscImage:
    """One picture.

    Attributes:
        name: its file name, such as "2.jpg".
        original_hw: size before the release resized it.
        points_xy: one point per object, in pixels of the resized picture (float64: the digits of the file).
        boxes: the exemplars, xyxy, in the same pixels.
        category: what is counted, usually a plural ("sea shells"); None if the class file does not name the picture.
        lists: the lists of the split file that hold the picture, such as ("val", "val_coco").
        ratio_hw: resized / original, height and width.
    """

    name: str
    original_hw: tuple[int, int]
    points_xy: Float[Tensor, "n 2"]
    boxes: Float[Tensor, "m 4"]
    category: str | None = None
    lists: tuple[str, ...] = ()
    ratio_hw: tuple[float, float] = (1.0, 1.0)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many objects there are: one per point."""
        return len(self.points_xy)

    @property
    def image_hw(self) -> tuple[int, int]:
        """Size of the resized picture, in which points and boxes lie: original times ratio, rounded."""
        return tuple(round(side * ratio) for side, ratio in zip(self.original_hw, self.ratio_hw, strict=True))

    @property
    def split(self) -> str | None:
        """Which of train, val and test holds the picture; None if it is in none of them."""
        return next((name for name in SPLITS if name in self.lists), None)


@dataclass(frozen=True, eq=False)
class Fsc147:  # noqa: PLW1641  what it holds can change, so it has no hash
    """The three files together. Equal when the same would be written."""

    images: tuple[FscImage, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fsc147) and _documents(self) == _documents(other)


def read_fsc147(folder: str | Path) -> Fsc147:
    r"""Read the three files in `folder`; nothing is returned before all of them were checked.

    Images keep the order of the annotation file. A point or box may leave its picture by one pixel and is not clipped.

    Raises:
        ValueError: anything malformed, by file and entry (or line): cut-off JSON, NaN, wrong types, a picture named
            twice or unknown, a box that is not an upright rectangle or is inverted, a point that is not in its picture.

    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / ANNOTATIONS).write_text('{"2.jpg": {"H": 40, "W": 60, "ratio_h": 1, "ratio_w": 1, '
    ...     '"box_examples_coordinates": [], "points": [[10, 70]]}}')
    >>> _, _ = (folder / CLASSES).write_text("2.jpg\tsea shells\n"), (folder / LISTS).write_text("{}")
    >>> read_fsc147(folder)
    Traceback (most recent call last):
    ...
    ValueError: annotation_FSC147_384.json: '2.jpg': points[0]: expected a point in its picture, 60 wide and 40 ...
    """
    folder = Path(folder)
    return _parse(read_json(folder / ANNOTATIONS), read_text(folder / CLASSES), read_json(folder / LISTS))


def write_fsc147(file: Fsc147, folder: str | Path) -> None:
    """Write the three files into `folder`, each whole or not at all (see `write_whole`), one after the other.

    A box is written as (x1, y1), (x1, y2), (x2, y2), (x2, y1). Pictures in no list appear in the other two files only.

    Raises:
        ValueError: `file` holds something that `read_fsc147` would reject; what lies in `folder` stays as it was.

    >>> from tempfile import mkdtemp
    >>> points, boxes = torch.tensor([[12.0, 9.0], [30.0, 20.0]]), torch.tensor([[10.0, 5.0, 15.0, 12.0]])
    >>> file, folder = Fsc147((FscImage("2.jpg", (40, 60), points, boxes, "mugs", ("val",)),)), mkdtemp()
    >>> write_fsc147(file, folder)
    >>> image = read_fsc147(folder).images[0]
    >>> image.count, image.split, image.boxes.tolist()
    (2, 'val', [[10.0, 5.0, 15.0, 12.0]])
    """
    annotations, classes, lists = _documents(file)
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in annotations.items())
    text = "{\n" + rows + "\n}\n"
    with blame(ANNOTATIONS):
        need(len(annotations) == len(file.images), "expected every picture once", [image.name for image in file.images])
        parse_json(text)
    _parse(annotations, classes, lists)
    write_whole(Path(folder) / ANNOTATIONS, text)
    write_whole(Path(folder) / CLASSES, classes)
    write_whole(Path(folder) / LISTS, json.dumps(lists, indent=4) + "\n")


def _parse(annotations: Any, classes: str, lists: Any) -> Fsc147:
    """Check what the three files hold and turn it into an Fsc147."""
    with blame(ANNOTATIONS):
        need(isinstance(annotations, dict), "expected an object with an entry per picture", annotations)
    images: dict[str, dict[str, Any]] = {}
    for name, entry in annotations.items():
        with blame(f"{ANNOTATIONS}: {name!r:.80}"):
            images[name] = _image(name, entry)
    for number, line in enumerate(classes.split("\n"), start=1):
        if not line.strip():
            continue
        with blame(f"{CLASSES}: line {number}"):
            name, _, category = line.rstrip("\r").partition("\t")
            need(name in images, "expected a picture of the annotation file before the tab", line)
            need("category" not in images[name], "expected every picture once", line)
            need(is_text(category), "expected a class after the tab", line)
            images[name]["category"] = category
    _sort_into_lists(lists, images)
    return Fsc147(tuple(FscImage(**fields) for fields in images.values()))


def _sort_into_lists(lists: Any, images: dict[str, dict[str, Any]]) -> None:
    """Note in the fields of every image which lists hold it."""
    with blame(LISTS):
        sound = isinstance(lists, dict) and set(SPLITS) <= set(lists)
        sound = sound and all(isinstance(names, list) for names in lists.values())
        need(sound, "expected lists train, val and test", lists)
    for key, names in lists.items():
        for index, name in enumerate(names):
            with blame(f"{LISTS}: {key}[{index}]"):
                known = isinstance(name, str) and name in images
                need(known, "expected a picture of the annotation file", name)
                held = images[name]["lists"]
                need(key not in held, "expected every picture once in a list", name)
                need(key not in SPLITS or not set(SPLITS) & set(held), "expected it in one of train, val, test", name)
                images[name]["lists"] = (*held, key)


def _image(name: str, entry: Any) -> dict[str, Any]:
    """The fields of an FscImage, its category still to come."""
    need(is_text(name), "expected a file name on one line", name)
    need(isinstance(entry, dict), "expected an object", entry)
    hw, ratios = check_sides(entry.get("W"), entry.get("H")), (entry.get("ratio_h"), entry.get("ratio_w"))
    sound = all(is_number(ratio) and 1 <= round(side * ratio) < 1e5 for side, ratio in zip(hw, ratios, strict=True))
    need(sound, "ratio_h, ratio_w: expected numbers that make a size of 1 to 99999 pixels", ratios)
    lists = [entry.get(key) for key in ("points", "box_examples_coordinates")]
    need(all(isinstance(rows, list) for rows in lists), "points, box_examples_coordinates: expected lists", lists)
    width, height = round(hw[1] * ratios[1]), round(hw[0] * ratios[0])
    frame = f"expected a point in its picture, {width} wide and {height} high"

    def check_point(point: Any, place: str) -> None:
        sound = isinstance(point, list) and len(point) == 2 and all(map(is_number, point))
        need(sound, f"{place}: expected two numbers [x, y]", point)
        inside = all(-_SLACK <= value <= side + _SLACK for value, side in zip(point, (width, height), strict=True))
        need(inside, f"{place}: {frame}", point)

    boxes = []
    for index, point in enumerate(lists[0]):
        check_point(point, f"points[{index}]")
    for index, corners in enumerate(lists[1]):
        place = f"box_examples_coordinates[{index}]"
        need(isinstance(corners, list) and len(corners) == 4, f"{place}: expected four corners", corners)
        for corner in corners:
            check_point(corner, place)
        (x1, y1), one, (x2, y2), other = corners
        need(x1 <= x2 and y1 <= y2, f"{place}: expected the upper left corner first, the lower right third", corners)
        sound = sorted([one, other]) == sorted([[x1, y2], [x2, y1]])
        need(sound, f"{place}: expected the corners of an upright rectangle, one after the other", corners)
        boxes.append([x1, y1, x2, y2])
    return {
        "name": name,
        "original_hw": hw,
        "points_xy": torch.tensor(lists[0], dtype=torch.float64).reshape(-1, 2),
        "boxes": torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4),
        "lists": (),
        "ratio_hw": (float(ratios[0]), float(ratios[1])),
        "extra": {key: value for key, value in entry.items() if key not in _KNOWN},
    }


def _documents(file: Fsc147) -> tuple[dict[str, Any], str, dict[str, list[str]]]:
    """What the three files hold; whole numbers without a point."""
    annotations, lines, lists = {}, [], {key: [] for key in SPLITS}
    for image in file.images:
        corners = [[[x1, y1], [x1, y2], [x2, y2], [x2, y1]] for x1, y1, x2, y2 in _whole(image.boxes.tolist())]
        entry = {"H": image.original_hw[0], "W": image.original_hw[1], "box_examples_coordinates": corners}
        ratios = {"ratio_h": image.ratio_hw[0], "ratio_w": image.ratio_hw[1]}
        annotations[image.name] = entry | {"points": _whole(image.points_xy.tolist())} | ratios | image.extra
        lines += [] if image.category is None else [f"{image.name}\t{image.category}\n"]
        for key in image.lists:
            lists.setdefault(key, []).append(image.name)
    return annotations, "".join(lines), lists


def _whole(rows: list[list[float]]) -> list[list[float]]:
    return [[int(value) if value == value // 1 else value for value in row] for row in rows]
