"""What `python -m gk_utils evaluate NAME` measures: one module per kind of model, and `measure` for the intervals.

A module is imported when it is asked for: lessons use `measure` alone, and all models together take a while to load.
"""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from gk_utils.errors import check_choice
from gk_utils.evaluate.table import as_text

__all__ = ["EVALUATIONS", "as_text", "evaluate", "evaluation_of"]

_HEADS = ("box_tokens", "box_regression", "text_coordinates")
EVALUATIONS = (
    *("rec", "pix2seq", "grounding_dino", "segment_anything", "grounded_sam", "spatial", "contrastive"),
    *("capstone", "kosmos2", "shikra", "ferret", "conversation", "counting", *_HEADS),
)


def evaluate(name: str, **options: Any) -> dict[str, Any]:
    """Measure a model by its name in EVALUATIONS; the options are those of its function.

    Raises:
        ValueError: an unknown name.
    """
    return {"name": name, **evaluation_of(name)(**options)}


def evaluation_of(name: str) -> Callable[..., dict[str, Any]]:
    """The function that measures a model: `evaluate_NAME` of the module NAME, or `evaluate_head` for a head.

    Raises:
        ValueError: an unknown name.

    >>> evaluation_of("spatial").__name__
    'evaluate_spatial'
    """
    check_choice(name, EVALUATIONS, "name")
    if name in _HEADS:
        return partial(importlib.import_module("gk_utils.evaluate.heads").evaluate_head, name)
    return getattr(importlib.import_module(f"gk_utils.evaluate.{name}"), f"evaluate_{name}")
