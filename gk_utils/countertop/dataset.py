"""Scenes with expressions: an endless stream to train on, and frozen splits to measure on.

`stream` draws without end, `read_split` (of `splits`) reads what is frozen in data/countertop, `rendered_batches` makes
pictures of that, and `make_split` computes it anew. Training draws from seeds below 2**40, the splits from seeds above.

    python -m gk_utils.countertop.dataset     # makes the three files anew
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.countertop.language import TYPES, Expression, draw_expression, draw_expressions, draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.splits import (
    FOLDER,
    IMAGE_HW,
    SPLITS,
    Sample,
    Split,
    checksum_of,
    parse_split,
    read_split,
)
from gk_utils.countertop.things import KINDS
from gk_utils.countertop.wording import DIALECTS, NO_LOCATION
from gk_utils.errors import check_choice
from gk_utils.formats.files import write_whole

__all__ = ["SPLITS", "Batch", "Sample", "Split", "main", "make_split", "read_split", "rendered_batches", "stream"]

VISIBLE = 0.4  # a referent shows at least this much of itself
MOST = 4  # expressions of one scene in a split
AHEAD = 3  # by how many expressions one type may lead another: the start of a file is as balanced as all of it
REDRAWS = 6  # of an expression whose referent the split does not want
STREAMS, STEPS = 2**14, 2**26  # together 2**40 training seeds
CHUNK = 16  # scenes rendered at once while a split is made


@dataclass(frozen=True)
class Batch:
    """Samples with their pictures.

    Attributes:
        samples: b of them.
        images: (b 3 h w) RGB in [0, 1]; samples of one scene have the same picture.
        boxes: (b 4) xyxy, pixels of these pictures, of the visible part; zeros where the expression means nothing.
        present: (b) False where the expression means nothing.
        all_boxes: (b n 4) of all things of each scene; zeros in padding.
    """

    samples: tuple[Sample, ...]
    images: Float[Tensor, "b 3 h w"]
    boxes: Float[Tensor, "b 4"]
    present: Bool[Tensor, " b"]
    all_boxes: Float[Tensor, "b n 4"]


def stream(seed: int, n_expressions: int = 1, start: int = 0) -> Iterator[tuple[Scene, tuple[Expression, ...]]]:
    """Draw scenes with expressions without end. Two seeds share no scene, and neither does any split.

    Args:
        seed: 0 to 16383; the same seed gives the same stream everywhere. Give every worker its own.
        n_expressions: of each scene; the types are as in `draw_expressions`.
        start: which scene comes first: a training that had seen k scenes goes on with `start=k`. After 2**26 scenes
            the stream begins again.

    Raises:
        ValueError: seed or start out of range.

    >>> first, second = itertools.islice(stream(5, n_expressions=2), 2)
    >>> len(first[1]), next(stream(5, n_expressions=2, start=1)) == second
    (2, True)
    """
    if not 0 <= seed < STREAMS:
        raise ValueError(f"seed: expected 0 to {STREAMS - 1}, got {seed}. Take it modulo {STREAMS}.")
    if start < 0:
        raise ValueError(f"start: expected 0 or more, got {start}. It counts scenes that were seen.")
    return _stream(seed, n_expressions, start)


def rendered_batches(
    samples: Sequence[Sample],
    size: int = 64,
    image_hw: tuple[int, int] = IMAGE_HW,
    device: str | torch.device = "cpu",
) -> Iterator[Batch]:
    """Render samples, `size` at a time and in their order; only one batch is in memory.

    Samples of one scene that come one after the other share the work. At another size than 128 x 128 the boxes are
    those of the picture at that size.

    >>> batch = next(rendered_batches(read_split("val"), size=8))
    >>> batch.images.shape, batch.boxes.shape, batch.samples[0] == read_split("val")[0]
    (torch.Size([8, 3, 128, 128]), torch.Size([8, 4]), True)
    """
    for start in range(0, len(samples), size):
        some = tuple(samples[start : start + size])
        rows = {(sample.split, sample.seed): sample.scene for sample in some}
        row_of = {key: row for row, key in enumerate(rows)}
        rendered = render(list(rows.values()), image_hw, device)
        row = torch.tensor([row_of[sample.split, sample.seed] for sample in some], device=device)
        present = torch.tensor([sample.referent is not None for sample in some], device=device)
        referent = torch.tensor([sample.referent or 0 for sample in some], device=device)
        boxes = rendered.boxes[row, referent] * present[:, None]
        yield Batch(some, rendered.images[row], boxes, present, rendered.boxes[row])


def make_split(name: str, scenes: int | None = None) -> dict[str, Any]:
    """Compute a split anew, as its file holds it: all of it, or its first scenes.

    Every type has the same share. Dialects are drawn among those that the type has. An expression is kept when its
    referent shows at least VISIBLE of itself at 128 x 128; in testA and testB also when the referent (of an absent one
    the category asked for) is an animal, or is none.

    >>> [entry["seed"] - 2**40 for entry in make_split("val", scenes=3)["scenes"]]
    [0, 1, 2]
    """
    check_choice(name, SPLITS, "name")
    split = SPLITS[name]
    share = split.expressions // len(TYPES)
    rng = np.random.default_rng(split.seeds.start)
    dialects = {type: [_draw_dialect(type, rng) for _ in range(share)] for type in TYPES}
    made = dict.fromkeys(TYPES, 0)
    entries: list[dict[str, Any]] = []
    for scene, boxes, visible in _looked_at(split):
        if len(entries) == scenes or sum(made.values()) == share * len(TYPES):
            break
        rng = np.random.default_rng([scene.seed, 2])
        room, found = int(rng.integers(1, MOST + 1)), {}
        for type in (TYPES[position] for position in rng.permutation(len(TYPES))):
            if len(found) == room or made[type] == min(share, min(made.values()) + AHEAD):
                continue
            expression = _draw_wanted(scene, (type, dialects[type][made[type]]), rng, split, visible)
            if expression is not None and expression.text not in found:
                made[type] += 1
                referent = expression.referents[0] if expression.referents else None
                box = None if referent is None else boxes[referent]
                found[expression.text] = [expression.text, type, expression.dialect, referent, box]
        if found:
            known = {"seed": scene.seed, "sha256": checksum_of(scene)}
            entries.append({**known, "expressions": list(found.values())})
    return {"split": name, "image_hw": list(IMAGE_HW), "scenes": entries}


def main() -> None:
    """Make the files of all splits anew, in half a minute, and say what they hold.

    >>> main()  # doctest: +SKIP
    val: 2000 expressions, 806 scenes
    testA: 1000 expressions, 487 scenes
    testB: 1000 expressions, 430 scenes
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SPLITS:
        document = make_split(name)
        samples = parse_split(document, name, f"{name}.json")
        rows = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in document.pop("scenes"))
        head = json.dumps(document, separators=(",", ":")).removesuffix("}")
        write_whole(FOLDER / f"{name}.json", f'{head},"scenes":[\n{rows}\n]}}\n')
        print(f"{name}: {len(samples)} expressions, {len({sample.seed for sample in samples})} scenes")


def _stream(seed: int, n_expressions: int, start: int) -> Iterator[tuple[Scene, tuple[Expression, ...]]]:
    for step in itertools.count(start):
        scene = draw_scene_for(seed * STEPS + step % STEPS)
        yield scene, tuple(draw_expressions(scene, n_expressions, np.random.default_rng([scene.seed, 2])))


def _draw_dialect(type: str, rng: np.random.Generator) -> str:
    allowed = DIALECTS if type in NO_LOCATION else tuple(name for name in DIALECTS if name != "refcoco+")
    return allowed[int(rng.integers(len(allowed)))]


def _looked_at(split: Split) -> Iterator[tuple[Scene, list[list[float]], list[bool]]]:
    """The scenes of a split's seeds, with the boxes of their things, and whether each thing is well visible."""
    scenes = (draw_scene_for(seed) for seed in split.seeds)
    if split.animals:
        scenes = (scene for scene in scenes if any(KINDS[thing.category].animal for thing in scene.things))
    while chunk := list(itertools.islice(scenes, CHUNK)):
        rendered = render(chunk, IMAGE_HW)
        visible = rendered.masks.sum((2, 3)) >= VISIBLE * rendered.masks_full.sum((2, 3)).clamp(min=1)
        boxes = [[[_short(number) for number in box] for box in row] for row in rendered.boxes.tolist()]
        yield from zip(chunk, boxes, visible.tolist(), strict=True)


def _draw_wanted(
    scene: Scene, kind: tuple[str, str], rng: np.random.Generator, split: Split, visible: Sequence[bool]
) -> Expression | None:
    """An expression of this type and dialect whose referent the split wants; None if REDRAWS found none."""
    for _ in range(REDRAWS):
        expression = draw_expression(scene, *kind, rng)
        if expression is None:
            return None
        referent = expression.referents[0] if expression.referents else None
        category = expression.program.category if referent is None else scene.things[referent].category
        fits = split.animals is None or (category is not None and KINDS[category].animal == split.animals)
        if fits and (referent is None or visible[referent]):
            return expression
    return None


def _short(number: float) -> float:
    """One decimal, and no point where none is needed."""
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded


if __name__ == "__main__":
    main()
