"""What `python -m gk_utils evaluate NAME` measures: one module per kind of model, and `measure` for the intervals."""

from collections.abc import Callable
from functools import partial
from typing import Any

from gk_utils.errors import check_choice
from gk_utils.evaluate.contrastive import evaluate_contrastive
from gk_utils.evaluate.grounded_sam import evaluate_grounded_sam
from gk_utils.evaluate.grounding_dino import evaluate_grounding_dino
from gk_utils.evaluate.heads import evaluate_head
from gk_utils.evaluate.pix2seq import evaluate_pix2seq
from gk_utils.evaluate.rec import evaluate_rec
from gk_utils.evaluate.segment_anything import evaluate_segment_anything
from gk_utils.evaluate.spatial import evaluate_spatial
from gk_utils.evaluate.table import as_text

__all__ = ["EVALUATIONS", "as_text", "evaluate"]

EVALUATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "rec": evaluate_rec,
    "pix2seq": evaluate_pix2seq,
    "grounding_dino": evaluate_grounding_dino,
    "segment_anything": evaluate_segment_anything,
    "grounded_sam": evaluate_grounded_sam,
    "spatial": evaluate_spatial,
    "contrastive": evaluate_contrastive,
    **{name: partial(evaluate_head, name) for name in ("box_tokens", "box_regression", "text_coordinates")},
}


def evaluate(name: str, **options: Any) -> dict[str, Any]:
    """Measure a model by its name in EVALUATIONS; the options are those of its function there.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, tuple(EVALUATIONS), "name")
    return {"name": name, **EVALUATIONS[name](**options)}
