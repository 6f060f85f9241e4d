"""Counters in use: a picture and a question in, a number out, with the boxes or the density that it is made of."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from gk_utils import checkpoints
from gk_utils.checkpoints import Card, first_shipped
from gk_utils.counting.countable_words import word_of
from gk_utils.counting.counting_model import COARSE, KINDS, KINDS_READ, STRIDE, CountingNet, build_counter
from gk_utils.counting.exemplar_prompts import NO_WORD, Prompts
from gk_utils.counting.set_cells import boxes_of_cells
from gk_utils.errors import check_boxes, check_choice, check_same_length

AT_ONCE = 1 << 20  # pixels that are looked at together: more cost memory
LEAST_SCORE = 0.05  # of the candidates that a counter of kind "set" keeps


@dataclass(frozen=True, eq=False)
class Counted:
    """How many there are, and what the number is made of.

    Attributes:
        count: the answer; a counter that adds up gives fractions.
        boxes: (n 4) of the things found, in pixels, the surest first; None for kinds without boxes.
        points: (n 2) their centres.
        density: (h w) things a pixel, alike in each cell of 4 x 4 pixels; it sums to `count`. None for kinds without
            one.
        scores: (n) of the boxes.
        candidates, candidate_scores: all boxes with a score of 0.05 or more: another threshold leaves others of them.
    """

    count: float
    boxes: Float[Tensor, "n 4"] | None = None
    points: Float[Tensor, "n 2"] | None = None
    density: Float[Tensor, "h w"] | None = None
    scores: Float[Tensor, " n"] | None = None
    candidates: Float[Tensor, "m 4"] | None = None
    candidate_scores: Float[Tensor, " m"] | None = None


class Counter:
    """A trained counting network with its threshold.

    Attributes:
        net: the network; kind: one of KINDS.
        threshold: least score of a box that counts, for the kind "set"; chosen on val.
    """

    def __init__(self, net: CountingNet, threshold: float = 0.3):
        self.net, self.kind, self.threshold = net.eval(), net.kind, threshold

    @property
    def reads_words(self) -> bool:
        """Whether it must be told what to count in words (kind "text_exemplar": may)."""
        return KINDS_READ[self.kind][0]

    @property
    def reads_exemplars(self) -> bool:
        """Whether it must be shown boxes of examples (kind "text_exemplar": may)."""
        return KINDS_READ[self.kind][1]

    @torch.no_grad()
    def count(
        self,
        images: Float[Tensor, "s 3 h w"],
        phrases: Sequence[str] | None = None,
        exemplars: Sequence[Float[Tensor, "_ 4"]] | None = None,
        *,
        threshold: float | None = None,
    ) -> list[Counted]:
        """Count in each picture, as it is: nothing is resized. The counters were trained on pictures of 128 x 128.

        Args:
            images: RGB in [0, 1], 16 pixels or more on a side.
            phrases: one a picture, "apples" or "how many apples?"; see `countable_words.word_of`.
            exemplars: one set of boxes a picture, in pixels, each around a thing of the kind to be counted. Only
                beside a phrase may a set be empty.
            threshold: of the kind "set", instead of the one chosen on val.

        Kinds read what they need and do not look at the rest: "pooled", "pooled_sum", "set" and "density" the
        phrases, "exemplar" the boxes, "text_exemplar" both or one of them, "text_blind" nothing.

        Raises:
            TypeError, ValueError: what the kind needs is not there, or not one for each picture; a phrase with no name
                that it knows; boxes that are none.
        """
        s, _, height, width = images.shape
        if min(height, width) < 16:
            raise ValueError(f"images: expected 16 pixels or more a side, got {height} x {width}. Enlarge them.")
        words = self._words(s, phrases, exemplars)
        shown = self._shown(s, exemplars, phrases)
        device = next(self.net.parameters()).device
        step = max(AT_ONCE // (height * width), 1)
        counted: list[Counted] = []
        for start in range(0, s, step):
            some = slice(start, start + step)
            padded = pad(images[some].to(device), (0, -width % COARSE, 0, -height % COARSE), mode="replicate")
            prompts = Prompts.one_each(words[some], [boxes.to(device) for boxes in shown[some]])
            answers = self.net(padded, prompts)
            rows, columns = (-(-side // STRIDE) for side in (height, width))
            for i in range(len(padded)):
                if self.kind == "set":
                    least = self.threshold if threshold is None else threshold
                    logits, sizes = answers.logits[i, :rows, :columns], answers.sizes[i, :, :rows, :columns]
                    counted.append(_by_boxes(*boxes_of_cells(logits, sizes, LEAST_SCORE), least))
                elif answers.density is not None:
                    cells = answers.density[i, :rows, :columns]
                    counted.append(Counted(cells.sum().item(), density=_by_pixels(cells, height, width)))
                else:
                    counted.append(Counted(answers.count[i].item()))
        return counted

    def _words(self, s: int, phrases: Sequence[str] | None, exemplars: Sequence[Tensor] | None) -> list[int]:
        if not self.reads_words or (phrases is None and self.kind == "text_exemplar" and exemplars is not None):
            return [NO_WORD] * s
        if phrases is None or isinstance(phrases, str):
            raise TypeError(
                f"phrases: expected one phrase for each of {s} pictures, got {phrases!r}. "
                f"A counter of kind {self.kind!r} must be told what to count."
            )
        check_same_length(phrases, range(s), ("phrases", "images"))
        return [word_of(phrase) for phrase in phrases]

    def _shown(self, s: int, exemplars: Sequence[Tensor] | None, phrases: Sequence[str] | None) -> list[Tensor]:
        if not self.reads_exemplars or (exemplars is None and self.kind == "text_exemplar" and phrases is not None):
            return [torch.zeros(0, 4)] * s
        if exemplars is None:
            raise TypeError(
                f"exemplars: expected boxes for each of {s} pictures, got None. A counter of kind {self.kind!r} must "
                "be shown what to count."
            )
        check_same_length(exemplars, range(s), ("exemplars", "images"))
        for number, boxes in enumerate(exemplars):
            check_boxes(boxes, f"exemplars[{number}]")
            if not len(boxes) and (self.kind == "exemplar" or phrases is None):
                raise ValueError(
                    f"exemplars[{number}]: expected at least one box, got none. A counter of kind {self.kind!r} must "
                    "be shown what to count."
                )
        return list(exemplars)


def load_counter(
    kind: str, checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[Counter, Card]:
    """The best counter of a kind that the course ships, or the one in the folder `checkpoint`; and its card.

    Raises:
        FileNotFoundError: none is shipped; says how to train one.
        ValueError: an unknown kind, or a checkpoint that is damaged or of another kind.
    """
    check_choice(kind, KINDS, "kind")
    folder = first_shipped(f"counting_{kind}", f"counting_{kind}_small") if checkpoint is None else Path(checkpoint)
    card = checkpoints.verify(folder)
    if card.settings.get("kind") != kind:
        raise ValueError(f"checkpoint: expected a counter of kind {kind!r}, got {card.recipe!r}. Name another folder.")
    net = build_counter(card.settings)
    checkpoints.load_into(net, folder)
    return Counter(net.to(device), card.metrics.get("threshold", 0.3)), card


def _by_boxes(boxes: Tensor, scores: Tensor, least: float) -> Counted:
    kept = scores >= least
    found = boxes[kept]
    points = (found[:, :2] + found[:, 2:]) / 2
    return Counted(float(kept.sum()), found, points, None, scores[kept], boxes, scores)


def _by_pixels(cells: Tensor, height: int, width: int) -> Tensor:
    """What lies in a cell, shared among those of its pixels that are in the picture."""
    rows, columns = (torch.arange(side, device=cells.device) // STRIDE for side in (height, width))
    shares = rows.bincount()[:, None] * columns.bincount()
    return (cells / shares)[rows][:, columns]
