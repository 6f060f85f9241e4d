"""The dialogue model, task by task: finding, describing, reading regions and points, judging, talking.

REC is measured on a frozen split, the other tasks on held-out scenes drawn anew for every run from the same seeds. A
REG answer is executed in the scene and must single out its region.
"""

import time
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.boxes import paired_iou
from gk_utils.countertop.language import TYPES
from gk_utils.countertop.splits import Sample, read_split
from gk_utils.evaluate.language_only import language_only
from gk_utils.evaluate.measure import mean_interval
from gk_utils.shikra.reading_writing import ask_both_ways
from gk_utils.shikra.shikra_chat import Talker, load_mini
from gk_utils.shikra.talk_measure import ASKED, answers_to, draw_asked, find_all, pictures_of, right_of

LIMIT = 2000  # expressions of the split; a quarter as many questions of every other task
NAMED = {"reg": "reg_unique", "point": "point_qa", "region": "region_qa", "truth": "truth", "talk": "talk"}
CENTRE = (0.25, 0.25, 0.75, 0.75)


def evaluate_shikra(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the dialogue model as `python -m gk_utils evaluate shikra` prints it.

    `acc@0.5` counts expressions that mean nothing too: there the right answer is that there is none. `reg_unique` is
    the share of generated expressions that single out their region, `point_qa` and `region_qa` the share of answers
    right in every word, `truth` of true or false statements. `by_task` splits them by what was asked, `reading` has
    the same things asked both ways and the difference within each.

    Captions are not scored. Baselines: `language_only` (a regression from words to a box), `centre_box`, `always_none`
    (the answer that there is none, whatever is asked), and `no_picture`, the model itself without a patch: it never
    trained so, and understates what words alone can win.
    The control, `other_picture`, asks every question about another picture.

    Args:
        split: of the countertop, for REC.
        limit: expressions, 8 or more; 2000 if None. A quarter as many questions of each other task are asked.
        device: where the model runs.
        checkpoint: the folder of a model; the best one shipped if None.

    Raises:
        ValueError: an unknown split, a limit below 8, or a checkpoint that is no dialogue model.
        FileNotFoundError: there is no checkpoint.
    """
    if limit is not None and limit < 8:
        raise ValueError(f"limit: expected 8 or more, got {limit}. Leave it out for {LIMIT}.")
    began = time.monotonic()
    samples = read_split(split)[: limit or LIMIT]
    talker, card = load_mini(checkpoint, device)
    few = max(len(samples) // 4, 4)
    metrics, control, blind = _find(talker, samples)
    tasks, other_tasks, blind_tasks, by_task = _ask(talker, few)
    baselines = {
        "language_only": {"acc@0.5": _boxes_right(samples, language_only().boxes_unit([s.text for s in samples]))},
        "centre_box": {"acc@0.5": _boxes_right(samples, torch.tensor([CENTRE] * len(samples)))},
        "always_none": {"acc@0.5": _none_right(samples)},
        "no_picture": {**blind, **blind_tasks},
        "other_picture": {**control, **other_tasks},
    }
    return {
        "split": split,
        "n": len(samples),
        "checkpoint": checkpoint or card.recipe,
        "device": device,
        "metrics": {
            **{name: value for name, value in metrics.items() if name != "by_type"},
            **tasks,
            "by_type": metrics["by_type"],
            "by_task": by_task,
            "reading": _reading(talker, max(few // 2, 4)),
        },
        "baselines": baselines,
        "seconds": round(time.monotonic() - began, 1),
    }


def _find(talker: Talker, samples: tuple[Sample, ...]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """REC: with the picture, with another one, and with none."""
    picture = torch.tensor([sample.seed for sample in samples])
    found = find_all(talker, samples)
    types = {type: torch.tensor([sample.type == type for sample in samples]) for type in TYPES}
    present = torch.tensor([sample.referent is not None for sample in samples])
    metrics = {
        "acc@0.5": mean_interval(found.right, picture),
        "miou": mean_interval(found.iou[present], picture[present]),
        "by_type": {
            type: {"acc@0.5": mean_interval(found.right[rows], picture[rows])}
            for type, rows in types.items()
            if rows.any()
        },
    }
    shift = max(len(samples) // 2, 1)
    control = {"acc@0.5": mean_interval(find_all(talker, samples, shift=shift).right, picture)}
    blind = {"acc@0.5": mean_interval(find_all(talker, samples, blind=True).right, picture)}
    return metrics, control, blind


def _ask(talker: Talker, n: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The other tasks: with the picture, with another one, with none; and by what was asked."""
    found, other, blind, by_task = {}, {}, {}, {}
    for task in ASKED:
        asked = draw_asked(task, n, talker.trunk.settings.image_side)
        picture, right = pictures_of(asked), right_of(asked, answers_to(talker, asked))
        shift = max(len(asked.views) // 2, 1)
        found[NAMED[task]] = mean_interval(right, picture)
        other[NAMED[task]] = mean_interval(right_of(asked, answers_to(talker, asked, shift)), picture)
        blind[NAMED[task]] = mean_interval(right_of(asked, answers_to(talker, asked, blind=True)), picture)
        kinds = [exchange.kind for exchange in asked.exchanges]
        if len(set(kinds)) > 1:
            rows = {kind: torch.tensor([kind == other_kind for other_kind in kinds]) for kind in sorted(set(kinds))}
            by_task[NAMED[task]] = {kind: mean_interval(right[mine], picture[mine]) for kind, mine in rows.items()}
    return found, other, blind, by_task


def _reading(talker: Talker, pictures: int) -> dict[str, Any]:
    """A region read and a region written, about the same things, and the difference."""
    both = ask_both_ways(talker, pictures)
    return {
        "read": mean_interval(both.named, both.picture),
        "write": mean_interval(both.found, both.picture),
        "read_minus_write": mean_interval(both.named.double() - both.found.double(), both.picture),
    }


def _boxes_right(samples: tuple[Sample, ...], boxes_unit: Tensor) -> dict[str, float]:
    """acc@0.5 of boxes that never say that there is none."""
    side = torch.tensor([[sample.image_hw[1], sample.image_hw[0]] * 2 for sample in samples])
    truth = torch.tensor([sample.box or (0.0,) * 4 for sample in samples]) / side
    right: Bool[Tensor, " n"] = paired_iou(boxes_unit, truth) >= 0.5
    return mean_interval(right, torch.tensor([sample.seed for sample in samples]))


def _none_right(samples: tuple[Sample, ...]) -> dict[str, float]:
    """acc@0.5 of who says every time that there is none."""
    absent = torch.tensor([sample.referent is None for sample in samples])
    return mean_interval(absent, torch.tensor([sample.seed for sample in samples]))
