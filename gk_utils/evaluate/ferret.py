"""Region readers on held-out scenes: what a region's features add to its coordinates, where a box cannot tell.

All readers answer the same questions about the same regions, so that differences are paired. A checkpoint that is not
there is said to be missing, with the command that trains it; nothing stands in for its numbers.
"""

import time
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.errors import check_choice
from gk_utils.evaluate.measure import mean_interval
from gk_utils.ferret.ferret_recipe import Answered, answer_scenes
from gk_utils.ferret.mini_ferret import MiniFerret, load_ferret, load_mini
from gk_utils.ferret.patch_votes import vote_scenes
from gk_utils.ferret.region_questions import ASKS

LIMIT = 300  # scenes
PEERS = {  # what stands for a region: prefix of the metrics
    "ferret_coordinates": "box_only",
    "ferret_roi": "roi",
    "ferret_pooled": "pooled",
    "ferret_sampler": "sampler",
    "ferret_v2": "v2",
}


def evaluate_ferret(
    *, split: str = "regions", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the region readers as `python -m gk_utils evaluate ferret` prints it.

    `accuracy` is the share of right answers of Ferret (coordinates and the sampler's feature), `accuracy_box_only`
    that of the reader that is given coordinates alone; `accuracy_hard` and so on the same on hard regions, where the
    box shows as much of another thing, and `accuracy_twins` on twins, where exactly the same box means two things.

    Gains are paired, with intervals over pictures: `gain_hard_regions` is Ferret minus box-only on hard regions,
    `gain_over_pooled` Ferret minus the reader that is given the mean of the region's features, `gain_over_votes` Ferret
    minus the votes of the trunk's own patches inside the region (`patch_votes`: no reader, nothing learned),
    `gain_small_v2` two resolutions minus one on small things. `by_form` says it for each way to draw a region,
    `by_ask` for each question.

    Baselines: `box_only`, and `most_frequent`, the answer that is most frequent for each question among those that are
    measured. Control: `other_region`, Ferret asked about the region of another question.

    Args:
        split: "regions", the only one.
        limit: scenes, 8 regions each; 300 if None.
        device: where the models run.
        checkpoint: the folder of a reader, measured as Ferret instead of the one shipped.

    Raises:
        ValueError: another split, a limit below 1, a checkpoint that is no region reader.
        FileNotFoundError: no Ferret there.
    """
    check_choice(split, ("regions",), "split")
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for {LIMIT}.")
    began, n = time.monotonic(), limit or LIMIT
    ferret, card = load_mini(None, device) if checkpoint is None else load_ferret(checkpoint, device)
    said, missing = {"": _answers(ferret, n)}, {}
    size = "_small" if card.recipe.endswith("_small") else ""  # peers of other sizes do not compare
    for name, prefix in PEERS.items():
        try:
            said[prefix] = _answers(load_mini(f"{name}{size}", device)[0], n)
        except FileNotFoundError as error:
            missing[name] = str(error)
    said["votes"] = vote_scenes(ferret.trunk_name, n, device=device)
    turned = answer_scenes(ferret.reader, ferret.trunk_name, n, other_region=True)
    frequent = most_frequent(said[""])
    baselines = {"most_frequent": _accuracies("", said[""], frequent)}
    if "box_only" in said:
        baselines["box_only"] = _accuracies("", said["box_only"], said["box_only"].right)
    return {
        "split": split,
        "n": len(said[""].right),
        "checkpoint": card.recipe if checkpoint is None else str(checkpoint),
        "device": device,
        "metrics": measure(said),
        "baselines": {**baselines, "other_region": _accuracies("", turned, turned.right)},
        "missing": missing,
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(said: dict[str, Answered]) -> dict[str, Any]:
    """The metrics of `evaluate_ferret`; `said` has what each reader said by its prefix, "" for Ferret itself."""
    metrics: dict[str, Any] = {}
    for prefix, answered in said.items():
        metrics |= _accuracies(prefix, answered, answered.right)
    ours = said[""]
    gains = {
        "gain_hard_regions": ("", "box_only", ours.hard),
        "gain_easy_regions": ("", "box_only", ~ours.hard),
        "gain_hard_over_roi": ("", "roi", ours.hard),
        "gain_over_pooled": ("", "pooled", torch.ones_like(ours.hard)),
        "gain_over_votes": ("", "votes", torch.ones_like(ours.hard)),
        "gain_small_v2": ("v2", "", ours.small),
        "gain_large_v2": ("v2", "", ~ours.small),
    }
    for name, (better, worse, rows) in gains.items():
        if better in said and worse in said and bool(rows.any()):
            difference = said[better].right.double() - said[worse].right.double()
            metrics[name] = mean_interval(difference[rows], ours.picture[rows])
    for group, values in (("by_form", ours.forms), ("by_ask", ours.names)):
        metrics[group] = {}
        for value in sorted(set(values)):
            rows = torch.tensor([one == value for one in values])
            metrics[group][value] = {
                _named("accuracy", prefix): mean_interval(answered.right[rows], answered.picture[rows])
                for prefix, answered in said.items()
            }
    return metrics


def most_frequent(answered: Answered) -> Bool[Tensor, " n"]:
    """Whether the answer that is most frequent for its question is true."""
    right = torch.zeros_like(answered.right)
    for name in ASKS:
        rows = torch.tensor([one == name for one in answered.names], dtype=torch.bool)
        if bool(rows.any()):
            right[rows] = answered.truth[rows] == answered.truth[rows].mode().values
    return right


def load_first(name: str, device: str = "cpu") -> MiniFerret:
    """The reader of this name, or the small one.

    Raises:
        FileNotFoundError: neither is shipped; says how to train the small one.
    """
    try:
        return load_mini(name, device)[0]
    except FileNotFoundError:
        return load_mini(f"{name}_small", device)[0]


def _answers(ferret: MiniFerret, n: int) -> Answered:
    return answer_scenes(ferret.reader, ferret.trunk_name, n)


def _accuracies(prefix: str, answered: Answered, right: Tensor) -> dict[str, dict[str, float]]:
    twins = torch.tensor([form == "twin" for form in answered.forms], dtype=torch.bool)
    groups = {
        "": torch.ones_like(twins),
        "hard": answered.hard,
        "easy": ~answered.hard,
        "twins": twins,
        "small": answered.small,
    }
    return {
        _named("accuracy", prefix, group): mean_interval(right[rows], answered.picture[rows])
        for group, rows in groups.items()
        if bool(rows.any())
    }


def _named(*parts: str) -> str:
    return "_".join(part for part in parts if part)
