"""CARPK, cars on parking lots seen from a drone, and PUCPR+, which has the same layout: a box around every car.

In one folder (the release calls it `data`):

- ImageSets/train.txt and test.txt: a picture's name on each line, without an ending;
- Annotations/NAME.txt: a line "x1 y1 x2 y2 label" for each car, whole numbers, and the label is 1;
- Images/NAME.png, which are not opened here: a box may leave its picture unless `image_hw` is given.

Whether x2 and y2 name the last pixel or the line behind it is documented nowhere that we found; they are read as
lines, so a car from 10 to 12 is 2 pixels wide. A count does not depend on it.

Source: Hsieh, Lin and Hsu, Drone-based Object Counting by Spatially Regularized Regional Proposal Network, ICCV 2017,
arXiv:1707.05972 (1,448 pictures, nearly 90,000 cars). The files themselves were not at hand: the layout is that of the
loaders of several repositories.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_hw
from gk_utils.formats.files import blame, need, read_text, write_whole

SPLITS = ("train", "test")
LABEL = "1"  # there is one class
_MOST = 99_999  # pixels
_NAME = re.compile(r"[\w.-]*\w", re.ASCII)  # of a file: no slash, and nothing that a file system changes


@dataclass(frozen=True, eq=False)
class CarpkImage:
    """One picture: its name without ending, a box per car (xyxy, pixels, whole numbers as float64), and its list."""

    name: str
    boxes: Float[Tensor, "n 4"]
    split: str | None = None

    @property
    def count(self) -> int:
        """How many cars there are: one per box."""
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Carpk:  # noqa: PLW1641  what it holds can change, so it has no hash
    """The pictures of a folder: those of train.txt, those of test.txt, then those in no list by their names.

    Equal when the same would be written.
    """

    images: tuple[CarpkImage, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Carpk) and _documents(self) == _documents(other)

    def of(self, split: Literal["train", "test"]) -> tuple[CarpkImage, ...]:
        """The pictures of one list, in its order."""
        return tuple(image for image in self.images if image.split == split)


def read_carpk(folder: str | Path, image_hw: tuple[int, int] | None = None) -> Carpk:
    r"""Read lists and annotations in `folder`; nothing is returned before all of them were checked.

    A car may be listed twice, and a box may be empty: both stand in the count. Blank lines are passed over.

    Args:
        folder: what holds ImageSets and Annotations.
        image_hw: the size of all pictures, (720, 1280) in the release: boxes must then lie inside. None: not checked.

    Raises:
        ValueError: anything malformed, by file and line: another number of columns, no whole numbers, corners in the
            wrong order, another label, a box outside, a name listed twice or in both lists, one without annotations.

    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / "ImageSets").mkdir(), (folder / "Annotations").mkdir()
    >>> _ = (folder / "ImageSets" / "train.txt").write_text("lot_1\n"), (folder / "ImageSets" / "test.txt").touch()
    >>> _ = (folder / "Annotations" / "lot_1.txt").write_text("10 20 40 35 1\n50 20 42 35 1\n")
    >>> read_carpk(folder)
    Traceback (most recent call last):
    ...
    ValueError: lot_1.txt: line 2: expected x1 <= x2 and y1 <= y2, got '50 20 42 35 1'. Correct the entry ...
    """
    if image_hw is not None:
        check_hw(image_hw)
    folder = Path(folder)
    lists = {split: read_text(folder / "ImageSets" / f"{split}.txt") for split in SPLITS}
    found = {path.stem: path for path in sorted((folder / "Annotations").glob("*.txt"))}
    return _parse(lists, {name: read_text(path) for name, path in found.items()}, image_hw)


def write_carpk(file: Carpk, folder: str | Path) -> None:
    r"""Write lists and annotations into `folder`, which may exist; the lists last, each file whole or not at all.

    A folder with both lists is therefore complete. Files of other pictures that lie there stay.

    Raises:
        ValueError: `file` holds something that `read_carpk` would reject, or a picture twice; nothing was written.

    >>> from tempfile import mkdtemp
    >>> file, folder = Carpk((CarpkImage("lot_1", torch.tensor([[10.0, 20.0, 40.0, 35.0]]), "test"),)), mkdtemp()
    >>> write_carpk(file, folder)
    >>> read_carpk(folder) == file, (Path(folder) / "Annotations" / "lot_1.txt").read_text()
    (True, '10 20 40 35 1\n')
    """
    lists, annotations = _documents(file)
    twice = [name for name, number in Counter(image.name for image in file.images).items() if number > 1]
    need(not twice, "images: expected every picture once", twice)
    _parse(lists, annotations, None)
    folder = Path(folder)
    for part in ("Annotations", "ImageSets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, text in annotations.items():
        write_whole(folder / "Annotations" / f"{name}.txt", text)
    for split, text in lists.items():
        write_whole(folder / "ImageSets" / f"{split}.txt", text)


def _parse(lists: dict[str, str], annotations: dict[str, str], image_hw: tuple[int, int] | None) -> Carpk:
    """Check the texts of all files and turn them into a Carpk."""
    splits: dict[str, str | None] = {}
    for split, text in lists.items():
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            name = line.strip()
            if not name:
                continue
            with blame(f"{split}.txt: line {number}"):
                need(name in annotations, "expected a picture with annotations", name)
                need(name not in splits, "expected every picture once, in one list", name)
                splits[name] = split
    splits |= {name: None for name in annotations if name not in splits}
    for name in splits:
        need(_NAME.fullmatch(name) is not None, "name: expected letters, digits, _, - and . alone", name)
    return Carpk(tuple(CarpkImage(name, _boxes(name, annotations[name], image_hw), splits[name]) for name in splits))


def _boxes(name: str, text: str, image_hw: tuple[int, int] | None) -> Float[Tensor, "n 4"]:
    """The boxes of one annotation file."""
    rows = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        columns = line.split()
        if not columns:
            continue
        with blame(f"{name}.txt: line {number}"):
            sound = len(columns) == 5 and all(re.fullmatch(r"[0-9]{1,5}", column) for column in columns[:4])
            need(sound, f"expected 'x1 y1 x2 y2 label', whole numbers from 0 to {_MOST}", line.strip())
            need(columns[4] == LABEL, f"expected the label {LABEL}", columns[4])
            x1, y1, x2, y2 = (int(column) for column in columns[:4])
            need(x1 <= x2 and y1 <= y2, "expected x1 <= x2 and y1 <= y2", line.strip())
            if image_hw is not None:
                inside = x2 <= image_hw[1] and y2 <= image_hw[0]
                need(inside, f"expected a box in its picture, {image_hw[1]} wide and {image_hw[0]} high", line.strip())
            rows.append([x1, y1, x2, y2])
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


def _documents(file: Carpk) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of the lists and of the annotation files."""
    annotations = {}
    for image in file.images:
        with blame(f"{image.name}.txt"):
            whole = bool((image.boxes == image.boxes.round()).all())
            need(whole, "boxes: expected whole numbers of pixels", image.boxes.tolist())
            need(image.split in (*SPLITS, None), f"split: expected one of {', '.join(SPLITS)}, or None", image.split)
        annotations[image.name] = "".join(
            " ".join(str(int(side)) for side in box) + f" {LABEL}\n" for box in image.boxes.tolist()
        )
    lists = {split: "".join(f"{image.name}\n" for image in file.of(split)) for split in SPLITS}
    return lists, annotations
