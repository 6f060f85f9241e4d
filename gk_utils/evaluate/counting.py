"""The counters on frozen scenes: each kind at its best, and each cause of failure by itself.

All kinds count in the same pictures. A checkpoint that is not there is said to be missing, with the command that trains
it; nothing stands in for its numbers.
"""

import time
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.counters import Counter, load_counter
from gk_utils.counting.counting_model import KINDS, KINDS_READ
from gk_utils.counting.counting_trials import (
    Trial,
    count_in_tiles,
    count_trial,
    second_questions,
    side_by_side,
    trial_of,
    trial_scenes,
    vague_truths,
)
from gk_utils.errors import check_choice
from gk_utils.evaluate.measure import mean_interval

LIMIT = 200  # pictures with 1 to 20 things; half as many of the other sets
SIDES = (64, 128, 256)
BINS = {"few": ((1, 5), (6, 20)), "many": ((20, 50), (51, 100))}
SHOWN = {"unseen": ("exemplar", "text_exemplar"), "cluttered": ("exemplar", "text_exemplar", "text_blind")}
GUESSES = {"few": 10.5, "many": 44.7, "unseen": 15.5, "cluttered": 15.5}  # the best constants: see evaluate_counting
USUAL = 3.0  # the number of apples in training
Interval = dict[str, float]


def evaluate_counting(
    *, split: str = "scenes", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the counters as `python -m gk_utils evaluate counting` prints it.

    `KIND_mae_1_20` is the mean of |counted - true| in scenes with 1 to 20 things to count, `KIND_rel_20_100` the mean
    of |counted - true| / true with 20 to 100, at 128 pixels. `exemplar_unseen_mae` is the same of categories that the
    exemplar counter never saw, 1 to 30 of them, and `text_exemplar_mae` and `text_blind_mae` that of trained categories
    among many others: told and shown what to count, or neither (`text_alone_mae`, `examples_alone_mae`: one of both).

    `two_questions`: two kinds of things asked for in one picture, which nobody can answer who does not know the word.

    Causes, one at a time, of the kinds that read words: `by_bin`; `by_resolution`, the same scenes at 64, 128 and 256
    pixels, at 64 enlarged to 128 (what detail is worth when the size of the things is right), and at 256 in tiles;
    `pooling`, two pictures side by side, `share` being what is counted there as a share of what is counted in both one
    by one; `priors`, apples in threes as in training, in sevens and in crowds, `says_usual` the share of answers nearer
    to 3 than to 7 (apples are in no other set); and `vague`, "dish", which two annotators of the training read in two
    ways, beside "plate" in the same pictures.

    Baselines: `mean_count`, the one number that does best whatever the picture shows. Numbers are drawn evenly, so for
    an absolute error it is their mean; for an error as a share of the truth, 20 to 100, it is lower, as a miss costs
    more where there is little: the square root of 20 x 100, 44.7 (their mean is 60).
    Controls: `other_picture`, the question and the examples of another picture's scene, and `other_word`, the name of
    another category: both must be worse.

    Args:
        split: "scenes", the only one.
        limit: pictures with 1 to 20 things, half as many of the other sets; 200 if None.
        device: where the counters run.
        checkpoint: the folder of one counter, measured instead of the one of its kind that is shipped.

    Raises:
        ValueError: another split, a limit below 4, a checkpoint that is no counter.
        FileNotFoundError: the course ships no counter.
    """
    check_choice(split, ("scenes",), "split")
    if limit is not None and limit < 4:
        raise ValueError(f"limit: expected 4 pictures or more, got {limit}. Leave it out for {LIMIT}.")
    began, n = time.monotonic(), limit or LIMIT
    counters, missing = load_all(checkpoint, device)
    trials = {name: trial_of(trial_scenes(name, n if name == "few" else n // 2)) for name in ("few", "many")}
    worded = {kind: counter for kind, counter in counters.items() if KINDS_READ[kind] == (True, False)}
    metrics: dict[str, Any] = {}
    controls: dict[str, dict[str, Any]] = {name: {} for name in ("mean_count", "other_picture", "other_word")}
    said = {(kind, name): count_trial(one, trials[name]) for kind, one in worded.items() for name in trials}
    for name, trial in trials.items():
        measure_worded(worded, name, trial, said, (metrics, controls))
    for name in SHOWN:
        measure_shown(counters, name, max(n // 2, 2), (metrics, controls))
    metrics["two_questions"] = two_questions(counters, max(n // 2, 2))
    metrics["by_bin"] = by_bin(trials, said)
    metrics["by_resolution"] = by_resolution(worded, trials, max(n // 4, 2))
    metrics["pooling"] = pooling(worded, trials["few"])
    metrics["priors"] = priors(worded, max(n // 4, 2))
    metrics["vague"] = vague(worded, max(n // 4, 2))
    return {
        "split": split,
        "n": n,
        "checkpoint": checkpoint or " ".join(f"counting_{kind}" for kind in counters),
        "device": device,
        "metrics": {name: value for name, value in metrics.items() if value},
        "baselines": controls,
        "missing": missing,
        "seconds": round(time.monotonic() - began, 1),
    }


def load_all(checkpoint: str | None, device: str) -> tuple[dict[str, Counter], dict[str, str]]:
    """All counters that are shipped by kind, and what is missing; or the one of a folder."""
    if checkpoint is not None:
        from gk_utils.checkpoints import verify

        kind = verify(checkpoint).settings.get("kind")
        check_choice(kind, KINDS, "kind")
        return {kind: load_counter(kind, checkpoint, device)[0]}, {}
    counters, missing = {}, {}
    for kind in KINDS:
        try:
            counters[kind] = load_counter(kind, None, device)[0]
        except FileNotFoundError as error:
            missing[kind] = str(error)
    if not counters:
        raise FileNotFoundError(next(iter(missing.values())))
    return counters, missing


def measure_worded(
    counters: dict[str, Counter],
    name: str,
    trial: Trial,
    said: dict[tuple[str, str], Tensor],
    into: tuple[dict[str, Any], dict[str, dict[str, Any]]],
) -> None:
    """Write down the errors and the controls of the kinds that read words, on "few" or "many"."""
    metrics, controls = into
    relative, guess = name == "many", GUESSES[name]
    for kind, counter in counters.items():
        key = f"{kind}_{'rel_20_100' if relative else 'mae_1_20'}"
        metrics[key] = off(said[kind, name], trial.true, relative)
        controls["mean_count"][key] = off(torch.full((len(trial),), guess), trial.true, relative)
        turned = count_trial(counter, trial, images=trial.images.roll(len(trial) // 2, 0))
        controls["other_picture"][key] = off(turned, trial.true, relative)
        renamed = count_trial(counter, trial, phrases=[other_word(phrase) for phrase in trial.phrases])
        controls["other_word"][key] = off(renamed, trial.true, relative)


def measure_shown(
    counters: dict[str, Counter], name: str, n: int, into: tuple[dict[str, Any], dict[str, dict[str, Any]]]
) -> None:
    """Write down the errors and the controls of the kinds that are shown examples, and of the one that is told nothing.

    No counter knows what the unseen categories are called: there, examples are all that is given.
    """
    metrics, controls = into
    kinds = [kind for kind in SHOWN[name] if kind in counters]
    trial = trial_of(trial_scenes(name, n)) if kinds else None
    for kind in kinds:
        key = f"{kind}_{'unseen_' if name == 'unseen' else 'cluttered_' if kind == 'exemplar' else ''}mae"
        words = None if name == "unseen" else trial.phrases
        asked = {key: (words, trial.exemplars)}
        if kind == "text_exemplar" and words:
            asked |= {"text_alone_mae": (words, None), "examples_alone_mae": (None, trial.exemplars)}
        elsewhere = trial.images.roll(len(trial) // 2, 0)
        for key, prompts in asked.items():
            for images, found in ((trial.images, metrics), (elsewhere, controls["other_picture"])):
                counted = torch.tensor([one.count for one in counters[kind].count(images, *prompts)])
                found[key] = off(counted, trial.true)
            controls["mean_count"][key] = off(torch.full((len(trial),), GUESSES[name]), trial.true)


def two_questions(counters: dict[str, Counter], n: int) -> dict[str, Any]:
    """The error of two questions about each cluttered picture, in words alone; without words both have one answer."""
    kinds = [kind for kind in ("text_exemplar", "text_blind") if kind in counters]
    if not kinds:
        return {}
    trial = trial_of(trial_scenes("cluttered", n))
    words, true = second_questions(trial.scenes)
    picture, found = torch.arange(n).repeat(2), {}
    for kind in kinds:
        counted = [
            torch.tensor([one.count for one in counters[kind].count(trial.images, asked)])
            for asked in (trial.phrases, words)
        ]
        apart = (torch.cat(counted) - torch.cat([trial.true, true])).abs()
        found[kind] = {"two_questions_mae": mean_interval(apart, picture)}
    return found


def off(counted: Tensor, true: Tensor, relative: bool = False) -> Interval:
    """The mean absolute error, or the mean of the error as a share of the truth, with its interval."""
    apart = (counted.double() - true).abs()
    return mean_interval(apart / true if relative else apart, torch.arange(len(true)))


def by_bin(trials: dict[str, Trial], said: dict[tuple[str, str], Tensor]) -> dict[str, Any]:
    """The mean absolute error of each kind in four ranges of the truth."""
    found: dict[str, Any] = {}
    for (kind, name), counted in said.items():
        for low, high in BINS[name]:
            mine = (trials[name].true >= low) & (trials[name].true <= high)
            if mine.any():
                found.setdefault(kind, {})[f"{low}_{high}"] = {"mae": off(counted[mine], trials[name].true[mine])}
    return found


def by_resolution(counters: dict[str, Counter], trials: dict[str, Trial], n: int) -> dict[str, Any]:
    """The first n scenes of "few" and "many" at three sizes, the small one enlarged, and the large one in tiles."""
    found: dict[str, Any] = {}
    for name, key in (("few", "mae_1_20"), ("many", "rel_20_100")):
        scenes = trials[name].scenes[:n]
        for side in SIDES:
            trial = trial_of(scenes, side)
            for kind, counter in counters.items():
                mine, relative = found.setdefault(kind, {}), name == "many"
                mine.setdefault(f"{side}_px", {})[key] = off(count_trial(counter, trial), trial.true, relative)
                if side == 64:
                    large = interpolate(trial.images, scale_factor=2, mode="bilinear", antialias=True)
                    enlarged = count_trial(counter, trial, images=large.clamp(0, 1))
                    mine.setdefault("64_px_enlarged", {})[key] = off(enlarged, trial.true, relative)
                if side == 256 and kind in ("set", "density"):
                    tiled = count_in_tiles(counter, trial)
                    mine.setdefault("256_px_tiled", {})[key] = off(tiled, trial.true, relative)
    return found


def pooling(counters: dict[str, Counter], trial: Trial) -> dict[str, Any]:
    """Pairs of pictures side by side: the error, and what is counted as a share of both counted one by one."""
    images, phrases, true = side_by_side(trial)
    found: dict[str, Any] = {}
    if not len(images):
        return found
    width = images.shape[3] // 2
    for kind, counter in counters.items():
        whole, left, right = (
            torch.tensor([one.count for one in counter.count(part, phrases)])
            for part in (images, images[..., :width], images[..., width:])
        )
        share = whole / (left + right).clamp(min=0.5)
        found[kind] = {"pair_mae": off(whole, true), "share": mean_interval(share, torch.arange(len(true)))}
    return found


def priors(counters: dict[str, Counter], n: int) -> dict[str, Any]:
    """Apples in threes and in sevens, other things in sevens, and crowds of apples, which training never has."""
    found: dict[str, Any] = {}
    crowds = trial_of(trial_scenes("many_apples", n))
    for name in ("threes", "sevens", "other_sevens"):
        trial = trial_of(trial_scenes(name, n))
        for kind, counter in counters.items():
            counted = count_trial(counter, trial)
            mine = found.setdefault(kind, {})
            mine[f"{name}_mae"] = off(counted, trial.true)
            mine[f"{name}_counted"] = mean_interval(counted, torch.arange(n))
            usual = (counted - USUAL).abs() < (counted - 7).abs()
            mine[f"{name}_says_usual"] = mean_interval(usual.double(), torch.arange(n))
    for kind, counter in counters.items():
        found[kind]["apples_rel_20_100"] = off(count_trial(counter, crowds), crowds.true, relative=True)
    return found


def vague(counters: dict[str, Counter], n: int) -> dict[str, Any]:
    """Scenes with plates and bowls: "plate", "dish" as two annotators count, and the least error that "dish" allows."""
    scenes = trial_scenes("dishes", n)
    trial, truths = trial_of(scenes), vague_truths(scenes)
    drawn = torch.arange(n) % 2  # the annotators take turns
    true = truths[torch.arange(n), drawn]
    floor = mean_interval((truths[:, 1] - truths[:, 0]).double() / 2, torch.arange(n))
    return {
        kind: {
            "plate_mae": off(count_trial(counter, trial), trial.true),
            "dish_mae": off(count_trial(counter, trial, phrases=["dish"] * n), true),
            "dish_least_mae": floor,
        }
        for kind, counter in counters.items()
    }


def other_word(phrase: str) -> str:
    """The category after this one in the list: a wrong question.

    >>> other_word("mug"), other_word("bird")
    ('plate', 'mug')
    """
    return CATEGORIES[(CATEGORIES.index(phrase) + 1) % len(CATEGORIES)]
