"""Countertop scenes written as the files of the real data sets, so that one reader serves both.

Every export writes its pictures into `images` first, as PNG, and then its annotations, each file whole or not at all: a
folder with annotations is complete. What was written is returned, as the reader of that format gives it back.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.splits import IMAGE_HW, Sample
from gk_utils.countertop.things import CATEGORIES, KINDS
from gk_utils.countertop.wording import DIALECTS, words
from gk_utils.errors import check_choice
from gk_utils.formats.coco import CocoFile, CocoImage, CocoObject, write_coco
from gk_utils.formats.files import write_whole
from gk_utils.formats.fsc147 import Fsc147, FscImage, write_fsc147
from gk_utils.formats.refcoco import Expression, Ref, RefCoco, write_refcoco
from gk_utils.formats.rle import encode_mask

FSC_HW = (384, 384)  # the set's pictures are 384 pixels high
EXEMPLARS = 3
_CHUNK = 64  # scenes rendered at once


@dataclass(frozen=True)
class Picture:
    """One scene as it was written: the name of its file, the visible masks and boxes of its things.

    `seen` are the things of which something can be seen, ascending.
    """

    scene: Scene
    name: str
    masks: Bool[Tensor, "n h w"]
    boxes: Float[Tensor, "n 4"]
    seen: tuple[int, ...]


def name_picture(scene: Scene) -> str:
    """The file name of a scene's picture, by its seed.

    >>> name_picture(Scene((), seed=12))
    'countertop_12.png'
    """
    return f"countertop_{scene.seed}.png"


def to_bytes(images: Float[Tensor, "*b 3 h w"]) -> UInt8[Tensor, "*b h w 3"]:
    """The eight bits a channel that a PNG holds of a rendered picture, on the CPU.

    >>> to_bytes(torch.tensor([0.0, 0.5, 1.0])[:, None, None]).tolist()
    [[[0, 128, 255]]]
    """
    return (images * 255).round().to(torch.uint8).movedim(-3, -1).contiguous().cpu()


def write_pictures(scenes: Iterable[Scene], folder: Path, image_hw: tuple[int, int]) -> Iterator[Picture]:
    """Write each picture once, into folder/images, and hand on what was seen when it was painted.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.scene import draw_scene
    >>> folder = Path(mkdtemp())
    >>> [picture.name for picture in write_pictures([draw_scene(3, n=1)] * 2, folder, (32, 32))]
    ['countertop_3.png']
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    different = list(dict.fromkeys(scenes))
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(different), _CHUNK):
            some = different[start : start + _CHUNK]
            rendered, paths = render(some, image_hw), [folder / "images" / name_picture(scene) for scene in some]
            list(pool.map(_write_png, to_bytes(rendered.images).numpy(), paths))
            seen = rendered.masks.flatten(2).any(2).tolist()
            for row, scene in enumerate(some):
                masks, boxes = (planes[row, : len(scene)] for planes in (rendered.masks, rendered.boxes))
                yield Picture(scene, paths[row].name, masks, boxes, tuple(np.flatnonzero(seen[row]).tolist()))


def export_coco(samples: Sequence[Sample], folder: str | Path) -> CocoFile:
    """Write instances.json with boxes, masks, and the expressions as `phrases` and `absent` (see `formats.coco`).

    An annotation's id is 100 times its picture's and the index of the thing; all that can be seen is annotated.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.splits import read_split
    >>> from gk_utils.formats.coco import read_coco
    >>> folder = Path(mkdtemp())
    >>> export_coco(read_split("val")[:4], folder) == read_coco(folder / "instances.json")
    True
    """
    file = _instances(samples, Path(folder), with_phrases=True)
    write_coco(file, Path(folder) / "instances.json")
    return file


def export_refcoco(
    samples: Sequence[Sample],
    folder: str | Path,
    dataset: Literal["refcoco", "refcoco+", "refcocog"] = "refcoco",
    form: Literal["pickle", "json"] = "pickle",
) -> RefCoco:
    """Write the samples of one dialect as the data set of its name, into a folder of its own.

    The partition is unc, and umd for refcocog, which has one "test": testA and testB are both in it. A ref is one
    thing with all its expressions, and each of them keeps its type. RefCOCO has no expressions that mean nothing:
    those stand at their picture in instances.json, as `absent`.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.splits import read_split
    >>> from gk_utils.formats.refcoco import read_refcoco
    >>> folder = Path(mkdtemp())
    >>> written = export_refcoco(read_split("testA")[:8], folder, "refcocog")
    >>> read_refcoco(folder, "refcocog", "umd") == written, written.counts()["test"]
    (True, (3, 5))
    """
    check_choice(dataset, DIALECTS, "dataset")
    samples, folder = [sample for sample in samples if sample.dialect == dataset], Path(folder)
    instances = _instances(samples, folder, with_phrases=False)
    image_of = {image.extra["seed"]: image for image in instances.images}
    said: dict[tuple[int, int], list[tuple[Expression, str]]] = defaultdict(list)
    for number, sample in enumerate(samples):
        if sample.referent is not None:
            tokens, kept = tuple(words(sample.text)), {"type": sample.type}
            found = Expression(number, sample.text, sample.text, tokens, kept)
            said[sample.seed, sample.referent].append((found, sample.split))
    refs = []
    for number, ((seed, referent), found) in enumerate(said.items()):
        image, split = image_of[seed], found[0][1]
        position = [item.id for item in image.objects].index(100 * image.id + referent)
        item = image.objects[position]
        refs.append(
            Ref(
                id=number,
                ann_id=item.id,
                image_id=image.id,
                category_id=CATEGORIES.index(item.category) + 1,
                category=item.category,
                split="test" if dataset == "refcocog" and split != "val" else split,
                box=image.boxes[position],
                image_hw=image.image_hw,
                image_file_name=image.file_name,
                ref_file_name=image.file_name.replace(".png", f"_{item.id}.png"),
                expressions=tuple(expression for expression, _ in found),
            )
        )
    data = RefCoco(dataset, "umd" if dataset == "refcocog" else "unc", tuple(refs), instances)
    write_refcoco(data, folder, form)
    return data


def export_fsc147(
    scenes: Sequence[Scene], folder: str | Path, category: str, split: Literal["train", "val", "test"] = "val"
) -> Fsc147:
    """Write the three files of FSC-147: a point in the middle of every thing of a category, three exemplar boxes.

    Pictures are 384 x 384. What cannot be seen is not counted; the exemplars are those of which most can be seen.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.countertop.scene import draw_scenes
    >>> written = export_fsc147(draw_scenes(range(2), n=5, categories=["apple"]), mkdtemp(), "apple")
    >>> [(image.count, len(image.boxes), image.category) for image in written.images]
    [(5, 3, 'apples'), (5, 3, 'apples')]
    """
    check_choice(category, CATEGORIES, "category")
    images = []
    for picture in write_pictures(scenes, Path(folder), FSC_HW):
        counted = [index for index in picture.seen if picture.scene.things[index].category == category]
        boxes, areas = picture.boxes[counted].double(), picture.masks[counted].flatten(1).sum(1)
        points = (boxes[:, :2] + boxes[:, 2:]) / 2
        best = sorted(areas.argsort(descending=True, stable=True)[:EXEMPLARS].tolist())
        images.append(FscImage(picture.name, FSC_HW, points, boxes[best], f"{category}s", (split,)))
    file = Fsc147(tuple(images))
    write_fsc147(file, folder)
    return file


def _write_png(pixels: UInt8[np.ndarray, "h w 3"], path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    write_whole(path, file.getvalue())


def _instances(samples: Sequence[Sample], folder: Path, with_phrases: bool) -> CocoFile:
    """Write the pictures of these samples, and make the COCO file of all that can be seen in them."""
    said: dict[tuple[int, int | None], list[str]] = defaultdict(list)
    for sample in samples:
        if with_phrases or sample.referent is None:
            said[sample.seed, sample.referent].append(sample.text)
    images = []
    for number, picture in enumerate(write_pictures((sample.scene for sample in samples), folder, IMAGE_HW), start=1):
        seed, areas, objects = picture.scene.seed, picture.masks.sum((1, 2)).double().tolist(), []
        for index in picture.seen:
            area, mask = areas[index], encode_mask(picture.masks[index])
            fields = {"area": area, "segmentation": mask, "phrases": tuple(said[seed, index])}
            objects.append(CocoObject(100 * number + index, picture.scene.things[index].category, **fields))
        boxes, absent = picture.boxes[list(picture.seen)].double(), tuple(said[seed, None])
        images.append(CocoImage(number, picture.name, IMAGE_HW, boxes, tuple(objects), absent, {"seed": seed}))
    categories = tuple(
        {"id": number, "name": name, "supercategory": "animal" if KINDS[name].animal else "thing"}
        for number, name in enumerate(CATEGORIES, start=1)
    )
    return CocoFile(tuple(images), categories, info={"description": "countertop"})
