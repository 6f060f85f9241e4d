"""What a detector, a grounder, a segmenter and a language model offer, and what they return.

Mini models and published checkpoints stand behind the same calls. An implementation derives from nothing: it has the
method (`isinstance` sees just that). All keep these habits: images are RGB in [0, 1], boxes and points are in pixels of
the image passed in, a model is loaded once, and the same call gives the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.errors import check_boxes, check_hw, check_same_length

Kind = TypeVar("Kind", bound="_Rows")


class _Rows:
    """What the three results share: one entry per row in each field of `per_row`, scores, and an image size."""

    per_row: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        first, *others = self.per_row
        check_hw(self.image_hw)
        if first == "boxes":
            check_boxes(self.boxes)
        for other in others:
            check_same_length(getattr(self, first), getattr(self, other), (first, other))
        if not bool(((self.scores >= 0) & (self.scores <= 1 + 1e-6)).all()):
            low, high = self.scores.min().item(), self.scores.max().item()
            raise ValueError(f"scores: expected numbers in [0, 1], got {low:g} to {high:g}. Logits? Take the sigmoid.")

    def __len__(self) -> int:
        return len(getattr(self, self.per_row[0]))

    def __getitem__(self: Kind, rows: slice | Bool[Tensor, " n"] | Int[Tensor, " k"]) -> Kind:
        """The rows of a slice, a mask or a tensor of indices; for a single row [i : i + 1]."""
        if not isinstance(rows, slice | Tensor):
            raise TypeError(f"rows: expected a slice, mask or indices, got {type(rows).__name__}. Use [i : i + 1].")
        numbers = torch.arange(len(self))[rows.cpu() if isinstance(rows, Tensor) else rows].tolist()
        values = {name: getattr(self, name) for name in self.per_row}
        taken = {k: v[numbers] if isinstance(v, Tensor) else tuple(v[n] for n in numbers) for k, v in values.items()}
        return replace(self, **taken)

    def to(self: Kind, device: str | torch.device) -> Kind:
        """The same on another device."""
        return replace(self, **{name: v.to(device) for name, v in vars(self).items() if isinstance(v, Tensor)})


@dataclass(frozen=True, eq=False)
class Detections(_Rows):
    """All that a detector found in one image, for several phrases, in any order.

    Attributes:
        boxes: xyxy, in pixels; they may stick out of the image.
        scores: confidence of each box, in [0, 1].
        phrases: what each box is of, in the words of the prompt.
        image_hw: height and width of the image.

    >>> boxes = torch.tensor([[0.0, 0, 8, 9], [5.0, 5, 9, 9]])
    >>> found = Detections(boxes, torch.tensor([0.9, 0.3]), ("mug", "cat"), image_hw=(48, 64))
    >>> found[found.scores > 0.5].phrases
    ('mug',)
    """

    boxes: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]
    phrases: tuple[str, ...]
    image_hw: tuple[int, int]
    per_row = ("boxes", "scores", "phrases")


@dataclass(frozen=True, eq=False)
class Grounding(_Rows):
    """Boxes for one phrase in one image, best first: `boxes[0]` answers "where is it?". Units as in `Detections`.

    `absent`: the model says that there is no such thing, and returns no boxes. No boxes without it: none good enough.
    """

    boxes: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]
    phrase: str
    absent: bool
    image_hw: tuple[int, int]
    per_row = ("boxes", "scores")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.absent and len(self):
            raise ValueError(f"absent: expected no boxes beside it, got {len(self)}. Drop them, or set absent=False.")
        if bool((self.scores[1:] > self.scores[:-1]).any()):
            raise ValueError("scores: expected the best first, got another order. Sort boxes and scores.")


@dataclass(frozen=True, eq=False)
class Segmentation(_Rows):
    """One mask per prompt, or three per prompt (rows 3i to 3i + 2 for prompt i), at the size of the image.

    `scores` is the IoU that the model expects each mask to have, in [0, 1]; clamp it, since SAM's head can overshoot.
    """

    masks: Bool[Tensor, "n h w"]
    scores: Float[Tensor, " n"]
    image_hw: tuple[int, int]
    per_row = ("masks", "scores")

    def __post_init__(self) -> None:
        super().__post_init__()
        mask_hw = tuple(self.masks.shape[1:])
        if mask_hw != tuple(self.image_hw):
            raise ValueError(f"masks: expected {self.image_hw} as image_hw says, got {mask_hw}. Resize them first.")


@runtime_checkable
class Detector(Protocol):
    """Finds every instance of several phrases. Detection is not grounding: for "left mug" it may return every mug."""

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """All boxes of all phrases."""


@runtime_checkable
class Grounder(Protocol):
    """Finds what one phrase refers to, or says that it is absent."""

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of the phrase, best first."""


@runtime_checkable
class Segmenter(Protocol):
    """Cuts out what prompts point at. An image is embedded once; prompts are cheap from then on."""

    def set_image(self, image: Float[Tensor, "3 h w"]) -> None:
        """Embed an image; every prompt until the next call is about it."""

    def segment(
        self,
        *,
        boxes: Float[Tensor, "n 4"] | None = None,
        points: Float[Tensor, "n p 2"] | None = None,
        is_object: Bool[Tensor, "n p"] | None = None,
        masks: Bool[Tensor, "n h w"] | None = None,
        all_masks: bool = False,
    ) -> Segmentation:
        """The masks of n prompts, each a box, p points (x, y), an earlier mask, or several of these.

        `is_object` says which points lie on the object, the others lie beside it; None: all on it. `all_masks` asks for
        the three readings of each prompt instead of the best one.

        Raises:
            RuntimeError: "segment: expected an image first, got none. Call set_image(image)."
            ValueError: no prompts, or prompts whose n differ.
        """


@runtime_checkable
class LanguageModel(Protocol):
    """Answers text with text."""

    def complete(self, messages: str | Sequence[Mapping[str, str]], *, max_tokens: int = 256) -> str:
        """The likeliest reply, without its prompt, cut off after `max_tokens`.

        `messages` is one question, or a conversation of {"role": "system" | "user" | "assistant", "content": text}.
        """
