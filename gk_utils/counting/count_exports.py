"""Counting scenes written as FSC-147, CARPK and CountBench, so that one reader serves both.

As in `countertop.exports`: pictures first, as PNG, then the annotations, each file whole or not at all; what was
written is returned. What cannot be seen is not counted.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from gk_utils.countertop.exports import EXEMPLARS, to_bytes
from gk_utils.counting.counting_scenes import CountingScene, render_counting
from gk_utils.formats.carpk import Carpk, CarpkImage, write_carpk
from gk_utils.formats.countbench import NUMBERS, WORDS, CountBenchItem, write_countbench
from gk_utils.formats.files import write_whole
from gk_utils.formats.fsc147 import Fsc147, FscImage, write_fsc147

HW = (384, 384)  # the pictures of FSC-147 are 384 pixels high
_CHUNK = 16  # scenes painted at once


def export_fsc147(
    scenes: Sequence[CountingScene], folder: str | Path, split: Literal["train", "val", "test"] = "val"
) -> Fsc147:
    """Write the three files of FSC-147: a point in the middle of every counted thing, and three exemplar boxes.

    The exemplars are those of which most can be seen.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.counting.counting_scenes import draw_counting_scene
    >>> image = export_fsc147([draw_counting_scene(0, n=5, category="apple", overlap=0)], mkdtemp()).images[0]
    >>> image.count, len(image.boxes), image.category
    (5, 3, 'apples')
    """
    images = []
    for scene, boxes, areas in _painted(scenes, Path(folder) / "images", HW):
        best = sorted(areas.argsort(descending=True, stable=True)[:EXEMPLARS].tolist())
        points = (boxes[:, :2] + boxes[:, 2:]) / 2
        images.append(FscImage(name_picture(scene), HW, points, boxes[best], f"{scene.category}s", (split,)))
    file = Fsc147(tuple(images))
    write_fsc147(file, folder)
    return file


def export_carpk(
    scenes: Sequence[CountingScene], folder: str | Path, split: Literal["train", "test"] = "test"
) -> Carpk:
    """Write lists and annotations of CARPK: a box around what can be seen of every counted thing.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.counting.counting_scenes import draw_counting_scene
    >>> from gk_utils.formats.carpk import read_carpk
    >>> folder = mkdtemp()
    >>> written = export_carpk([draw_counting_scene(0, n=5, category="apple", overlap=0)], folder)
    >>> read_carpk(folder, HW) == written, written.images[0].count
    (True, 5)
    """
    images = []
    for scene, boxes, _ in _painted(scenes, Path(folder) / "Images", HW):
        images.append(CarpkImage(Path(name_picture(scene)).stem, boxes, split))
    file = Carpk(tuple(images))
    write_carpk(file, folder)
    return file


def export_countbench(scenes: Sequence[CountingScene], folder: str | Path) -> tuple[CountBenchItem, ...]:
    """Write CountBench.json: "Three apples on a kitchen counter", and where the picture is within the folder.

    Raises:
        ValueError: a scene in which not 2 to 10 of the counted things can be seen; names it, and writes no list.

    >>> from tempfile import mkdtemp
    >>> from gk_utils.counting.counting_scenes import draw_counting_scene
    >>> export_countbench([draw_counting_scene(0, n=5, category="apple", overlap=0)], mkdtemp())[0].text
    'Five apples on a kitchen counter'
    """
    items = []
    for scene, boxes, _ in _painted(scenes, Path(folder) / "images", HW):
        n = len(boxes)
        if n not in NUMBERS:
            raise ValueError(
                f"scenes: expected 2 to 10 {scene.category}s that can be seen, got {n} in the scene of seed "
                f"{scene.seed}. CountBench has no others: draw it with another n."
            )
        text = f"{WORDS[n].capitalize()} {scene.category}s on a kitchen counter"
        items.append(CountBenchItem(f"images/{name_picture(scene)}", text, n, {"seed": scene.seed}))
    write_countbench(items, Path(folder) / "CountBench.json")
    return tuple(items)


def name_picture(scene: CountingScene) -> str:
    """The file name of a scene's picture: its category and its seed.

    >>> name_picture(CountingScene((), "apple", seed=12))
    'apple_12.png'
    """
    return f"{scene.category}_{scene.seed}.png"


def _painted(
    scenes: Sequence[CountingScene], folder: Path, image_hw: tuple[int, int]
) -> Iterator[tuple[CountingScene, Float[Tensor, "n 4"], Float[Tensor, " n"]]]:
    """Write each picture; each scene with boxes (float64) and visible areas of the counted things that can be seen."""
    names = [name_picture(scene) for scene in scenes]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"scenes: expected a seed of its own for each category, got twice {sorted(twice)}. Drop one.")
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(scenes), _CHUNK):
        some = scenes[start : start + _CHUNK]
        painted = render_counting(some, image_hw)
        for row, (scene, pixels) in enumerate(zip(some, to_bytes(painted.images).numpy(), strict=True)):
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            write_whole(folder / name_picture(scene), file.getvalue())
            chosen = list(scene.select())
            areas = painted.masks[row, chosen].flatten(1).sum(1)
            yield scene, painted.boxes[row, chosen][areas > 0].double(), areas[areas > 0].double()
