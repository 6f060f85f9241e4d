"""The small CLIPs on held-out scenes: retrieval, the relation probe, and what words alone can win.

Every probe is drawn from seeds of its own, so there is one split. A checkpoint that is not there is said to be missing,
with the command that trains it; nothing stands in for its numbers.
"""

import time
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.contrastive.balanced_probes import attribution_probe, order_probe, relation_probe, unbalanced_probe
from gk_utils.contrastive.galleries import Gallery, draw_galleries, top1_of
from gk_utils.contrastive.mini_clip import load_mini
from gk_utils.contrastive.probe_items import ClipScorer, Probe, Scorer, measure_probe
from gk_utils.contrastive.sugar_crepe import SUGAR_KINDS, sugar_probe
from gk_utils.contrastive.whats_up import directions_probe, surfaces_probe
from gk_utils.countertop.scene import Scene
from gk_utils.errors import check_choice
from gk_utils.evaluate.measure import mean_interval

GALLERY = 64
LIMIT = 1024  # pictures of the galleries and questions of the relation probe
MODELS = {  # the model: the prefix of its metrics
    "clip": "clip",
    "clip_wide": "clip_wide",
    "negclip": "negclip",
    "clip_layout": "layout",
    "clip_text_only": "text_only",
}


def evaluate_contrastive(
    *, split: str = "probes", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the small CLIPs as `python -m gk_utils evaluate contrastive` prints it.

    `NAME_top1` is picture to caption among 64, `NAME_probe` the balanced relation probe (choice of two), for clip,
    clip_wide, negclip and layout; `text_only_balanced` and `text_only_unbalanced` the model of captions alone.
    `by_probe` has every other probe of every model. `instruct_probe` is the dialogue model of lesson 13 on the relation
    probe; it is there when that model is shipped.

    Baselines: `chance`, which is also what a bag of words gets on the relation probe. The control, `other_picture`, is
    each model asked about the picture of another question: it must fall to chance on the
    probes, and below it in the galleries, where the caption of the picture that it is shown wins.

    Args:
        split: "probes", the only one.
        limit: questions of the relation probe and pictures of the galleries, 64 or more; 1024 if None.
        device: where the models run.
        checkpoint: the folder of one model, measured as "clip" instead of all that are shipped.

    Raises:
        ValueError: another split, a limit below 64, a checkpoint that is no small CLIP.
        FileNotFoundError: `checkpoint` is given and there is none, or none of the models is shipped.
    """
    check_choice(split, ("probes",), "split")
    if limit is not None and limit < GALLERY:
        raise ValueError(f"limit: expected {GALLERY} or more, a whole gallery, got {limit}. Leave it out for {LIMIT}.")
    began, n = time.monotonic(), limit or LIMIT
    scorers: dict[str, ClipScorer] = {}
    patches: dict[tuple[str, Scene], Tensor] = {}
    missing, shown = {}, {}
    for name in ["clip"] if checkpoint else MODELS:
        try:
            clip, card = load_mini(checkpoint or name, device)
        except FileNotFoundError as error:
            if checkpoint:
                raise
            missing[name] = str(error)
            continue
        scorers[name], shown[name] = ClipScorer(clip, patches), card.recipe
    if not scorers:
        raise FileNotFoundError(f"checkpoint: expected a small CLIP, got none. {next(iter(missing.values()))}")
    galleries, probes = draw_galleries(n // GALLERY, GALLERY), draw_probes(n)
    metrics: dict[str, Any] = {}
    control: dict[str, Any] = {}
    chance: dict[str, Any] = {}
    for name, scorer in scorers.items():
        found, named = measure(scorer, galleries, probes), MODELS[name]
        fallen = measure(OtherPicture(scorer), galleries, {"relation": probes["relation"]})
        if name == "clip_text_only":
            top = {"text_only_balanced": "relation", "text_only_unbalanced": "unbalanced"}
        else:
            top = {f"{named}_top1": "top1", f"{named}_probe": "relation"}
        for key, source in top.items():
            metrics[key] = found[source]
            chance[key] = _constant(1 / GALLERY if source == "top1" else probes[source].chance)
            if source in fallen:
                control[key] = fallen[source]
        metrics.setdefault("by_probe", {})[name] = {
            probe: value for probe, value in found.items() if probe not in top.values()
        }
        chance.setdefault("by_probe", {})[name] = {
            probe: _constant(probes[probe].chance) for probe in found if probe in probes and probe not in top.values()
        }
    instructed = None if checkpoint else _dialogue_model(device)
    if instructed is not None:
        probe = probes["relation"]
        for into, scorer in ((metrics, instructed), (control, OtherPicture(instructed))):
            probed = measure_probe(probe, scorer)
            into["instruct_probe"] = mean_interval(probed.right, probed.groups)
        chance["instruct_probe"] = _constant(probe.chance)
    return {
        "split": split,
        "n": n,
        "checkpoint": checkpoint or ", ".join(shown.values()),
        "device": device,
        "metrics": {**{name: value for name, value in metrics.items() if name != "by_probe"}, **_last(metrics)},
        "baselines": {"chance": chance, "other_picture": control},
        "missing": missing,
        "seconds": round(time.monotonic() - began, 1),
    }


def draw_probes(n: int) -> dict[str, Probe]:
    """All probes, `n` questions in the relation probe and fewer in the others."""
    half = max(n // 2, 12)
    probes = {
        "relation": relation_probe(n),
        "attribution": attribution_probe(half),
        "order": order_probe(half),
        "unbalanced": unbalanced_probe(half),
        "directions": directions_probe(half),
        "surfaces": surfaces_probe(half),
    }
    return probes | {f"sugar_{kind}": sugar_probe(kind, max(n // 4, 8)) for kind in SUGAR_KINDS}


def measure(scorer: Scorer, galleries: list[Gallery], probes: dict[str, Probe]) -> dict[str, dict[str, float]]:
    """`top1` and the accuracy on each probe, with intervals over the probe's groups."""
    top1 = top1_of(galleries, scorer)
    result = {"top1": mean_interval(top1, torch.arange(len(top1)))}
    for name, probe in probes.items():
        probed = measure_probe(probe, scorer)
        result[name] = mean_interval(probed.right, probed.groups)
    return result


class OtherPicture:
    """A scorer that is shown the picture of another question: half the list further on."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def __call__(self, scenes: Sequence[Scene], texts: Sequence[Sequence[str]]) -> Float[Tensor, "n k"]:
        """What the scorer says of the wrong pictures."""
        half = len(scenes) // 2
        return self.scorer([*scenes[half:], *scenes[:half]], texts)


def _dialogue_model(device: str) -> Scorer | None:
    """Lesson 13's model as a judge of captions; None where it is not shipped."""
    from gk_utils.shikra import TruthScorer
    from gk_utils.shikra import load_mini as load_talker

    try:
        return TruthScorer(load_talker(None, device)[0])
    except FileNotFoundError:
        return None


def _constant(value: float) -> dict[str, float]:
    return dict.fromkeys(("value", "low", "high"), round(value, 4))


def _last(metrics: dict[str, Any]) -> dict[str, Any]:
    return {"by_probe": metrics["by_probe"]}
