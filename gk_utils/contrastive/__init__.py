"""CLIP, and why it cannot tell left from right: the loss, two small towers, hard negatives, and probes.

- `clip_loss`: CLIP's loss with its learned temperature, NegCLIP's, and vectors gathered across processes.
- `pair_claims`, `hard_negatives`, `pair_scenes`: captions of two things, their false neighbours, scenes for both.
- `mini_clip`, `layout_loss`, `clip_recipe`: the model, pretraining that keeps where things are, and the training.
- `probe_items`, `galleries`, `balanced_probes`, `whats_up`, `sugar_crepe`: what is measured, with its chance level.
"""

from gk_utils.contrastive.clip_loss import LogitScale, clip_loss, gather, negclip_loss, own_negatives_loss, unit
from gk_utils.contrastive.mini_clip import ClipSettings, MiniClip, build_clip, load_mini
from gk_utils.contrastive.probe_items import ClipScorer, Probe, measure_probe

__all__ = [
    "ClipScorer",
    "ClipSettings",
    "LogitScale",
    "MiniClip",
    "Probe",
    "build_clip",
    "clip_loss",
    "gather",
    "load_mini",
    "measure_probe",
    "negclip_loss",
    "own_negatives_loss",
    "unit",
]
