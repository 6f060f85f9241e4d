"""Captions with places, held against the scene: whether each phrase is true, and its box holds what it names.

Notebook: 13.
"""

import re

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.scene import Scene
from gk_utils.kosmos2.phrase_meaning import Meaning, read_phrase
from gk_utils.shikra.expression_reader import MOST_WORDS
from gk_utils.shikra.talk import Utterance


def check_brackets(said: Utterance, scene: Scene, boxes_unit: Float[Tensor, "n 4"]) -> Bool[Tensor, "b 2"]:
    """For each bracket of boxes: whether its phrase fits something in the scene, and its first box that thing.

    A box fits with an IoU of 0.5 or more; `boxes_unit` are those of the scene's things. A phrase that cannot be read
    is not true.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> from gk_utils.shikra.talk import read
    >>> scene = draw_scene(0, n=1, wanted=[{"category": "mug", "colour": "red"}])
    >>> said = read("assistant", "We see a red mug[0.1,0.2,0.3,0.4] and a cat[0.5,0.5,0.6,0.6].")
    >>> check_brackets(said, scene, torch.tensor([[0.1, 0.2, 0.3, 0.4]])).tolist()
    [[True, True], [False, False]]
    """
    rows = []
    for mark in said.marks:
        if mark.kind != "boxes":
            continue
        meaning = phrase_before(said.text[: mark.start])
        fits = list(meaning.fits(scene)) if meaning else []
        iou = pairwise_iou(torch.tensor(mark.places[:1]), boxes_unit[fits])
        rows.append([bool(fits), bool((iou >= 0.5).any())])
    return torch.tensor(rows, dtype=torch.bool).reshape(-1, 2)


def phrase_before(text: str) -> Meaning | None:
    """The meaning of the longest phrase, at most MOST_WORDS, at the end of a text that can be read; None if none can.

    >>> print(phrase_before("A mug[0.1,0.2,0.3,0.4] is near the red plate").program)
    all things > plate > colour is red
    """
    tail = re.split(r"[.\]]", text)[-1].split()[-MOST_WORDS:]
    read = (read_phrase(" ".join(tail[start:])) for start in range(len(tail)))
    return next((meaning for meaning in read if meaning), None)
