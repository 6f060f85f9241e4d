"""Spatial statements: are they read, are they judged rightly, and how much of that survives when only boxes are known.

Four times the same statements, with less and less known: the true scene with its graph (what is left is language),
its boxes, masks, depths and facings (what is left is what the predicates mean), boxes alone, and what a detector finds.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gk_utils.boxes import clip_boxes
from gk_utils.countertop.things import KINDS
from gk_utils.errors import check_choice
from gk_utils.evaluate.measure import mean_interval
from gk_utils.evaluate.spatial_statements import SOURCES, SpatialStatement, read_statements, scene_of
from gk_utils.models.trunk import LABELS
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.observed import HOLLOW, observe
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.statement import Statement
from gk_utils.spatial_relations.substring_verifier import verify_by_substring
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verifier import verify

BATCH = 32
SCORE, NMS_IOU = 0.5, 0.5  # what a patch shows counts from this probability on; boxes that overlap more are one thing
Truths = list[bool | None]


def evaluate_spatial(
    *, split: str = "all", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure parser and verifier on the frozen statements, as `python -m gk_utils evaluate spatial` prints it.

    Metrics: `parse_rate`, the share of statements that were read; `accuracy_true_scene`, of right answers given all
    that is known, where undecided counts as wrong; `accuracy_geometry` and `unknown_geometry`, without the graph of the
    scene; `accuracy_boxes_only` and `unknown_boxes_only`, given names, looks and boxes; `accuracy_detector` and
    `unknown_detector`, given what a trunk sees. The last three accuracies are among what was decided. `by_source` and
    `by_relation` repeat some of them. `statements_per_second` is parsing and verifying.

    Baselines: `always_true`, and `substring`, the verifier that searches for words in the statement. Control:
    `other_scene`, the verifier given the true scene of another statement.

    Args:
        split: "all", or one of SOURCES.
        limit: the first so many statements; None takes all.
        device: of the trunk.
        checkpoint: folder of another trunk than the one shipped.

    Raises:
        ValueError: an unknown split, a limit below 1; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    check_choice(split, ("all", *SOURCES), "split")
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for all of them.")
    began = time.monotonic()
    statements = [one for one in read_statements() if split in ("all", one.source)][:limit]
    seeds = list(dict.fromkeys(one.seed for one in statements))
    scenes = [scene_of(seed) for seed in seeds]
    true = dict(zip(seeds, observe(scenes), strict=True))
    found, name = detect_things(scenes, checkpoint, device)
    detector = dict(zip(seeds, found, strict=True))
    others = dict(zip(seeds, [true[seed] for seed in seeds[1:] + seeds[:1]], strict=True))
    started = time.perf_counter()
    forms = [_read(one.text) for one in statements]
    answers = _answers(forms, statements, true)
    rate = len(statements) / (time.perf_counter() - started)
    geometry = {seed: arrangement.without_graph() for seed, arrangement in true.items()}
    boxes = {seed: arrangement.boxes_only() for seed, arrangement in true.items()}
    levels = {
        "geometry": _answers(forms, statements, geometry),
        "boxes_only": _answers(forms, statements, boxes),
        "detector": _answers(forms, statements, detector),
    }
    substring = [verify_by_substring(one.text, _by_name(true[one.seed])) for one in statements]
    given = {"always_true": [True] * len(statements), "substring": substring}
    other = _answers(forms, statements, others)
    read = [form is not None for form in forms]
    return {
        "split": split,
        "n": len(statements),
        "checkpoint": name,
        "device": device,
        "metrics": measure(statements, read, answers, levels),
        "statements_per_second": round(rate),
        "baselines": {
            key: {"accuracy_true_scene": _accuracy(statements, truths)}
            for key, truths in {**given, "other_scene": other}.items()
        },
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(
    statements: Sequence[SpatialStatement], read: Sequence[bool], answers: Truths, levels: dict[str, Truths]
) -> dict[str, Any]:
    """The metrics of `evaluate_spatial`; `levels` holds the answers with less and less known."""
    result: dict[str, Any] = {
        "parse_rate": mean_interval(torch.tensor(read, dtype=torch.double), _pictures(statements)),
        "accuracy_true_scene": _accuracy(statements, answers),
    }
    for level, truths in levels.items():
        result[f"accuracy_{level}"] = _accuracy(statements, truths, decided=True)
        unknown = torch.tensor([truth is None for truth in truths], dtype=torch.double)
        result[f"unknown_{level}"] = mean_interval(unknown, _pictures(statements))
    for group, of in (("by_source", _source), ("by_relation", _relation)):
        result[group] = {}
        for value in sorted({of(one) for one in statements} - {""}):
            rows = [row for row, one in enumerate(statements) if of(one) == value]
            some = [statements[row] for row in rows]
            result[group][value] = {"accuracy_true_scene": _accuracy(some, [answers[row] for row in rows])}
            for level, truths in levels.items():
                chosen = [truths[row] for row in rows]
                if any(truth is not None for truth in chosen):
                    result[group][value][f"accuracy_{level}"] = _accuracy(some, chosen, decided=True)
    return result


@torch.no_grad()
def detect_things(
    scenes: Sequence[Any], checkpoint: str | None = None, device: str = "cpu"
) -> tuple[list[Arrangement], str]:
    """What a trunk sees in the pictures of scenes: boxes, names, looks and facings; no masks, no depths; and its name.

    A patch that is sure of its category says where its thing is and what it looks like; duplicates go by overlap.
    """
    from torchvision.ops import batched_nms

    from gk_utils.countertop.render import render

    grounder, card = load_grounder(checkpoint, device)
    side = grounder.trunk.settings.image_side
    result = []
    for start in range(0, len(scenes), BATCH):
        images = render(scenes[start : start + BATCH], (side, side), device).images
        seen = grounder.trunk.see(images)
        scores, category = seen.labels["category"].float().softmax(-1)[..., 1:].max(-1)
        boxes = clip_boxes(side * seen.boxes_unit.float(), (side, side))
        labels = {name: logits.argmax(-1) for name, logits in seen.labels.items()}
        for row in range(len(images)):
            kept = batched_nms(boxes[row], scores[row], category[row], NMS_IOU)
            kept = kept[scores[row][kept] >= SCORE]
            result.append(_seen_things(boxes[row][kept], {key: of[row][kept] for key, of in labels.items()}, side))
    return result, card.recipe if checkpoint is None else str(checkpoint)


def _seen_things(boxes: Tensor, labels: dict[str, Tensor], side: int) -> Arrangement:
    things = []
    for row, box in enumerate(boxes.tolist()):
        value = {key: LABELS[key][int(of[row])] for key, of in labels.items()}
        name = value["category"]
        if name is None:
            continue
        kind = KINDS[name]
        attributes = {key: value[key] for key in ("colour", "size", "pattern", "state")}
        if kind.facing and not kind.animal:
            attributes[kind.facing] = value["facing"]
        facing = value["facing"] if kind.animal else None
        x1, y1, x2, y2 = box
        ordered = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        hollow = True if name in HOLLOW else None
        things.append(Thing(name, ordered, (side, side), attributes, facing=facing, hollow=hollow))
    return Arrangement(things)


def _read(text: str) -> Statement | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _answers(
    forms: Sequence[Statement | None], statements: Sequence[SpatialStatement], by_seed: dict[int, Arrangement]
) -> Truths:
    return [
        None if form is None else verify(form, by_seed[one.seed]).truth
        for form, one in zip(forms, statements, strict=True)
    ]


def _accuracy(
    statements: Sequence[SpatialStatement], truths: Sequence[bool | None], *, decided: bool = False
) -> dict[str, float]:
    """The share of right answers; among those that were decided, or with undecided counted as wrong."""
    rows = [row for row, truth in enumerate(truths) if truth is not None or not decided]
    right = torch.tensor([truths[row] is statements[row].holds for row in rows], dtype=torch.double)
    return mean_interval(right, _pictures([statements[row] for row in rows]))


def _pictures(statements: Sequence[SpatialStatement]) -> Tensor:
    return torch.tensor([one.seed for one in statements])


def _by_name(arrangement: Arrangement) -> dict[str, tuple[float, float, float, float]]:
    """What the substring verifier takes: one box a name, in fractions."""
    boxes = {}
    for thing in arrangement.things:
        height, width = thing.image_hw
        x1, y1, x2, y2 = thing.box
        boxes[thing.name] = (x1 / width, y1 / height, x2 / width, y2 / height)
    return boxes


_source: Callable[[SpatialStatement], str] = lambda one: one.source  # noqa: E731


def _relation(one: SpatialStatement) -> str:
    """The relation of a statement of the countertop's grammar."""
    return one.means.replace(" ", "_") if one.source == "countertop" else ""
