"""What the pipeline found in one picture: boxes, phrases, scores and masks, checked; as JSON, as COCO, as a figure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.errors import check_boxes, check_hw, check_same_length, check_unit
from gk_utils.formats.coco import CocoFile, CocoImage, CocoObject
from gk_utils.formats.files import blame, is_number, is_text, need, parse_json
from gk_utils.formats.rle import check_segmentation, decode_mask
from gk_utils.grounded_sam.run_lengths import mask_areas

KEYS = ("name", "image_hw", "asked", "boxes", "phrases", "scores", "masks")


@dataclass(frozen=True, eq=False)
class Grounded:
    """Everything that was found in one picture; row i of every field belongs together, best first in each phrase.

    Attributes:
        name: of the picture, a file's for instance.
        image_hw: height and width of the picture.
        asked: all phrases that were looked for, those without a box too.
        boxes: (n 4) xyxy, in pixels, inside the picture.
        phrases: of each box the phrase it is of, one of `asked`.
        scores: (n) how sure the detector is of it, in [0, 1].
        masks: of each box COCO's run lengths; `mask(i)` makes pixels of them.

    >>> mask = {"size": [2, 3], "counts": [2, 3, 1]}
    >>> box = torch.tensor([[1.0, 0.0, 3.0, 2.0]])
    >>> found = Grounded("a.png", (2, 3), ("mug", "cat"), box, ("mug",), torch.tensor([0.9]), (mask,))
    >>> found.absent, found.mask(0).int().tolist()
    (('cat',), [[0, 1, 1], [0, 1, 0]])
    >>> Grounded.from_json(found.as_json()).as_json() == found.as_json()
    True
    """

    name: str
    image_hw: tuple[int, int]
    asked: tuple[str, ...]
    boxes: Float[Tensor, "n 4"]
    phrases: tuple[str, ...]
    scores: Float[Tensor, " n"]
    masks: tuple[dict[str, Any], ...]

    def __post_init__(self) -> None:
        check_hw(self.image_hw)
        check_boxes(self.boxes)
        check_unit(self.scores, "scores")
        for name in ("phrases", "scores", "masks"):
            check_same_length(self.boxes, getattr(self, name), ("boxes", name))
        height, width = self.image_hw
        if len(self.boxes) and bool(
            (self.boxes < 0).any() | (self.boxes > self.boxes.new_tensor([width, height] * 2)).any()
        ):
            raise ValueError(
                f"boxes: expected them inside {width} x {height} pixels, got one outside. Clip them first."
            )
        if unknown := sorted(set(self.phrases) - set(self.asked)):
            raise ValueError(f"phrases: expected those that were asked for, got {unknown[0]!r}. Add it to `asked`.")
        if wrong := [one for one in self.masks if tuple(one["size"]) != tuple(self.image_hw)]:
            raise ValueError(f"masks: expected {tuple(self.image_hw)} as image_hw says, got {wrong[0]['size']}.")

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def absent(self) -> tuple[str, ...]:
        """The phrases for which nothing was found."""
        return tuple(phrase for phrase in self.asked if phrase not in self.phrases)

    def rows_of(self, phrase: str) -> tuple[int, ...]:
        """The rows of one phrase, best first.

        Raises:
            ValueError: it was not asked for.
        """
        if phrase not in self.asked:
            raise ValueError(f"phrase: expected one of {list(self.asked)}, got {phrase!r}. Ground it first.")
        return tuple(row for row, known in enumerate(self.phrases) if known == phrase)

    def mask(self, row: int) -> Bool[Tensor, "h w"]:
        """The pixels of one mask."""
        return decode_mask(self.masks[row], tuple(self.image_hw))

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold; floats in the shortest form that gives the same float32 back."""
        return {
            **{"name": self.name, "image_hw": list(self.image_hw), "asked": list(self.asked)},
            **{"boxes": _short(self.boxes), "phrases": list(self.phrases), "scores": _short(self.scores)},
            "masks": [dict(one) for one in self.masks],
        }

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.as_dict())

    @classmethod
    def from_dict(cls, entry: Any, place: str = "grounded") -> "Grounded":
        """The result that `as_dict` wrote, every field and every mask checked.

        Raises:
            ValueError: anything malformed, with `place` before the message.
        """
        with blame(place):
            need(isinstance(entry, Mapping), "expected an object", entry)
            need(set(KEYS) <= set(entry), f"expected the keys {', '.join(KEYS)}", sorted(entry))
            hw, masks = entry["image_hw"], entry["masks"]
            sound = isinstance(hw, list) and len(hw) == 2 and all(type(side) is int and side > 0 for side in hw)
            need(sound, "image_hw: expected [height, width]", hw)
            need(is_text(entry["name"]), "name: expected a text", entry["name"])
            for name in ("asked", "phrases", "masks", "scores", "boxes"):
                need(isinstance(entry[name], list), f"{name}: expected a list", entry[name])
            for name in ("asked", "phrases"):
                need(all(map(is_text, entry[name])), f"{name}: expected texts", entry[name])
            sound = all(isinstance(box, list) and len(box) == 4 and all(map(is_number, box)) for box in entry["boxes"])
            need(sound, "boxes: expected four numbers each", entry["boxes"])
            need(all(map(is_number, entry["scores"])), "scores: expected numbers", entry["scores"])
            for one in masks:
                need(isinstance(one, dict), "masks: expected run lengths", one)
                check_segmentation(one, (hw[0], hw[1]))
            boxes = torch.tensor(entry["boxes"], dtype=torch.float32).reshape(-1, 4)
            scores = torch.tensor(entry["scores"], dtype=torch.float32)
            texts = (tuple(entry["asked"]), boxes, tuple(entry["phrases"]))
            return cls(entry["name"], (hw[0], hw[1]), *texts, scores, tuple(masks))

    @classmethod
    def from_json(cls, text: str) -> "Grounded":
        """The result that `as_json` wrote.

        Raises:
            ValueError: no JSON, or as `from_dict`.
        """
        with blame("grounded"):
            entry = parse_json(text)
        return cls.from_dict(entry)

    def draw(self, image: Any, *, title: str = "", caption: str = "") -> Figure:
        """The picture with its masks and boxes; `image` as `viz.Picture` takes it."""
        masks = torch.stack([self.mask(row) for row in range(len(self))]) if len(self) else None
        labels = [f"{phrase} {score:.2f}" for phrase, score in zip(self.phrases, self.scores.tolist(), strict=True)]
        boxes = {"boxes": self.boxes, "labels": [""] * len(self)}
        panel = viz.Picture(image, **boxes, masks=masks, mask_labels=labels if len(self) else None, title=title)
        return viz.show_grid([panel], caption=caption)


def to_coco(results: Sequence[Grounded]) -> CocoFile:
    """The results as one COCO file: a category for each phrase, an annotation for each box with its mask.

    `area` is the mask's. An annotation also has a `score`; an image has the phrases that were not found as `absent`.
    `formats.coco.write_coco` writes it; pycocotools reads it.

    Raises:
        ValueError: two results for one picture.

    >>> to_coco([]).images
    ()
    """
    usual, times = Counter(result.name for result in results).most_common(1)[0] if results else ("", 1)
    if times > 1:
        raise ValueError(f"results: expected each picture once, got {usual!r} {times} times. Leave the others out.")
    phrases = dict.fromkeys(phrase for result in results for phrase in result.asked)
    images, number = [], 1
    for image_id, result in enumerate(results, 1):
        objects = []
        for row, (phrase, area) in enumerate(zip(result.phrases, mask_areas(result.masks), strict=True)):
            score = {"score": float(str(np.float32(result.scores[row])))}
            fields = {"area": float(area), "segmentation": dict(result.masks[row]), "extra": score}
            objects.append(CocoObject(number, phrase, **fields))
            number += 1
        boxes = result.boxes.double().cpu()
        images.append(CocoImage(image_id, result.name, result.image_hw, boxes, tuple(objects), result.absent))
    categories = tuple({"id": number, "name": phrase} for number, phrase in enumerate(phrases, 1))
    return CocoFile(tuple(images), categories, info={"description": "found by gk_utils.grounded_sam"})


def _short(values: Tensor) -> list[Any]:
    """Nested lists of floats, each with as many digits as a float32 needs."""
    flat = [float(str(value)) for value in values.detach().cpu().numpy().astype(np.float32).ravel()]
    return np.array(flat, dtype=np.float64).reshape(tuple(values.shape)).tolist()
