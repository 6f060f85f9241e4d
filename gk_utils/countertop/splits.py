"""The frozen splits of the countertop, read from their files: seeds, checksums, expressions and boxes.

A file in data/countertop holds no pictures and no scenes. A scene is drawn from its seed again, when somebody asks for
it, and held against its checksum: two numbers measured on "val" were measured on the same scenes. `dataset` makes the
files.
"""

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gk_utils.countertop.language import TYPES, draw_scene_for
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.wording import DIALECTS, NO_LOCATION
from gk_utils.errors import check_choice
from gk_utils.formats.files import blame, is_number, is_text, need, read_json

FOLDER = Path(__file__).parents[2] / "data" / "countertop"
IMAGE_HW = (128, 128)  # the size that the boxes of the files are measured at


@dataclass(frozen=True)
class Split:
    """What a split consists of: `animals` says whether its referents are animals; None takes all."""

    seeds: range
    expressions: int
    animals: bool | None


SPLITS = {  # training draws from seeds below 2**40
    "val": Split(range(2**40, 2**40 + 2**30), 2_000, None),
    "testA": Split(range(2**40 + 2**30, 2**40 + 2 * 2**30), 1_000, True),
    "testB": Split(range(2**40 + 2 * 2**30, 2**40 + 3 * 2**30), 1_000, False),
}


@dataclass(frozen=True)
class Sample:
    """One expression of a split.

    Attributes:
        split: one of SPLITS.
        seed: of its scene.
        checksum: of its scene, see `checksum_of`.
        text, type, dialect: the expression, as in `language.Expression`.
        referent: the index of the thing it means; None where the type is "absent".
        box: of the visible part of that thing, xyxy in pixels of a picture of `image_hw`; None where there is none.
        image_hw: height and width that the box is measured at.
    """

    split: str
    seed: int
    checksum: str
    text: str
    type: str
    dialect: str
    referent: int | None
    box: tuple[float, float, float, float] | None
    image_hw: tuple[int, int] = IMAGE_HW

    @property
    def scene(self) -> Scene:
        """The scene, drawn from its seed.

        Raises:
            ValueError: it is not the scene that the split was made with, or it has no thing `referent`; names the file
                and the seed.
        """
        scene = _scene(self.split, self.seed, self.checksum)
        if self.referent is not None and self.referent >= len(scene):
            raise ValueError(
                f"data/countertop/{self.split}.json: expected a referent below {len(scene)}, the number of things of "
                f"scene {self.seed}, got {self.referent} for {self.text!r}. Restore the file."
            )
        return scene


def read_split(name: str, folder: str | Path = FOLDER) -> tuple[Sample, ...]:
    """Read the samples of a split; no scene is drawn before `Sample.scene` asks for it.

    Samples of one scene come one after the other, and every type is as frequent at the start as in the whole.

    Raises:
        ValueError: an unknown name, or a damaged file; names the file and the entry.

    >>> sample = read_split("testA")[0]
    >>> sample.scene.things[sample.referent].category in ("cat", "bird") if sample.box else sample.type == "absent"
    True
    """
    check_choice(name, SPLITS, "name")
    path = Path(folder) / f"{name}.json"
    return parse_split(read_json(path), name, path.name)


def checksum_of(scene: Scene) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of a scene: of its `to_dict` as JSON, keys sorted, no blanks.

    >>> checksum_of(Scene((), seed=7))
    '9b28df91fcbe'
    """
    text = json.dumps(scene.to_dict(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse_split(document: Any, name: str, file: str) -> tuple[Sample, ...]:
    """Check what the file of a split holds; `file` is its name, for the messages.

    Raises:
        ValueError: names the file and the entry.

    >>> parse_split({"split": "val", "image_hw": [64, 64], "scenes": []}, "val", "val.json")
    Traceback (most recent call last):
    ...
    ValueError: val.json: image_hw: expected [128, 128], got [64, 64]. Correct the entry ...
    """
    with blame(file):
        need(isinstance(document, dict), "expected an object", document)
        found, hw, scenes = (document.get(key) for key in ("split", "image_hw", "scenes"))
        need(found == name, f"split: expected {name!r}", found)
        need(hw == list(IMAGE_HW), f"image_hw: expected {list(IMAGE_HW)}", hw)
        need(isinstance(scenes, list) and scenes != [], "scenes: expected a list, not empty", scenes)
    samples: list[Sample] = []
    seeds = SPLITS[name].seeds
    for index, entry in enumerate(scenes):
        seed = entry.get("seed") if isinstance(entry, dict) else None
        with blame(f"{file}: scenes[{index}] (seed {seed!r:.20})"):
            sound = type(seed) is int and seed in seeds
            need(sound, f"seed: expected {seeds.start} to {seeds.stop - 1}, each above the one before", seed)
            seeds = seeds[seeds.index(seed) + 1 :]
            checksum, rows = entry.get("sha256"), entry.get("expressions")
            sound = isinstance(checksum, str) and re.fullmatch("[0-9a-f]{12}", checksum) is not None
            need(sound, "sha256: expected 12 hexadecimal digits", checksum)
            need(isinstance(rows, list) and rows != [], "expressions: expected a list, not empty", rows)
            for place, row in enumerate(rows):
                samples.append(Sample(name, seed, checksum, *_expression(row, f"expressions[{place}]")))
    return tuple(samples)


def _expression(row: Any, where: str) -> tuple[Any, ...]:
    """Text, type, dialect, referent and box of one expression, checked."""
    (height, width), sound = IMAGE_HW, isinstance(row, list) and len(row) == 5
    need(sound, f"{where}: expected [text, type, dialect, referent, box]", row)
    text, type_, dialect, referent, box = row
    need(is_text(text), f"{where}: expected a text", text)
    need(type_ in TYPES, f"{where}: expected one of {', '.join(TYPES)}", type_)
    sound = dialect in DIALECTS and (dialect != "refcoco+" or type_ in NO_LOCATION)
    need(sound, f"{where}: expected a dialect that has the type {type_}", dialect)
    if type_ == "absent":
        need(referent is None and box is None, f"{where}: expected no referent and no box", [referent, box])
        return text, type_, dialect, None, None
    need(type(referent) is int and referent >= 0, f"{where}: expected the index of the referent", referent)
    sound = isinstance(box, list) and len(box) == 4 and all(map(is_number, box))
    sound = sound and 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
    need(sound, f"{where}: expected a box xyxy inside {width} x {height} pixels", box)
    return text, type_, dialect, referent, tuple(map(float, box))


@functools.lru_cache(maxsize=4096)
def _scene(split: str, seed: int, checksum: str) -> Scene:
    scene = draw_scene_for(seed)
    if (found := checksum_of(scene)) != checksum:
        raise ValueError(
            f"data/countertop/{split}.json: expected scene {checksum} from seed {seed}, got {found}. Scenes are drawn "
            "in another way than when the split was made: undo that, or make the splits anew "
            "(python -m gk_utils.countertop.dataset) and measure everything again."
        )
    return scene
