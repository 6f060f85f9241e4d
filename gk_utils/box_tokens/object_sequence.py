"""Object sequences: all objects of a picture as one row of tokens, y1 x1 y2 x2 class each; the codec of Pix2Seq.

Detection becomes language modelling: what is predicted is the next token. The class comes after its box, so that it
can depend on it. Objects have no order, so each time they are drawn in a new one. Without help a model ends its
sequence too early, since an annotator who missed an object teaches it to stop; *sequence augmentation* therefore fills
the sequence up with noise boxes of class "noise", whose coordinates cost nothing. At test time the model writes as
many objects as there is room for, and the class probabilities say which to believe.

Source: Pix2Seq, Chen et al. 2022, arXiv:2109.10852, sections 2.1 and 2.3; google-research/pix2seq at 029f504,
tasks/object_detection.py (order, weights), tasks/task_utils.py (decoding), configs/config_det_finetune.py (numbers),
data/data_utils.py at 0840b96 (noise boxes). Notebook: 03.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.box_tokens.bins import Bins, are_boxes, decode_bins, encode_bins
from gk_utils.box_tokens.noise_boxes import NOISE, add_noise_boxes
from gk_utils.errors import check_same_length

PER_OBJECT = 5
_SWAP = [1, 0, 3, 2]  # x first to y first, and back


@dataclass(frozen=True)
class Pix2SeqVocabulary:
    """Which ids mean what. The defaults are the published layout; `compact` wastes no id on a small model.

    Attributes:
        classes: how many; class label c (from 0) has the id first_class + c. The published model uses the category
            ids of COCO, which start at 1.
        bins: how many bins a side has.
        end: ends the sequence, and fills it up after its end.
        start: the first input: the task "detect" of the published model.
        noise: the class of a noise box.
        first_class: id of class 0.
        first_coordinate: id of bin 0.

    Raises:
        ValueError: ids that overlap.
    """

    classes: int = 900
    bins: int = 1000
    end: int = 0
    start: int = 10
    noise: int = 30
    first_class: int = 100
    first_coordinate: int = 1000

    def __post_init__(self) -> None:
        if self.first_class + self.classes > self.first_coordinate or self.classes < 1:
            raise ValueError(
                f"classes: expected 1 to {self.first_coordinate - self.first_class}, got {self.classes}. "
                "Class ids end where coordinates begin."
            )
        special = (self.end, self.start, self.noise)
        if len(set(special)) < 3 or min(special) < 0 or max(special) >= self.first_class:
            raise ValueError(
                f"end, start, noise: expected three different ids below {self.first_class}, got {special}. "
                "Keep them apart from the classes."
            )

    @classmethod
    def compact(cls, classes: int, bins: int) -> "Pix2SeqVocabulary":
        """End, start, noise, the classes, the bins, without a gap.

        >>> Pix2SeqVocabulary.compact(classes=12, bins=128).size
        143
        """
        return cls(classes, bins, end=0, start=1, noise=2, first_class=3, first_coordinate=3 + classes)

    @property
    def size(self) -> int:
        """How many ids the layout needs (the published model has 3000, the rest for text)."""
        return self.first_coordinate + self.bins

    @property
    def quantisation(self) -> Bins:
        """Nearest of N points, as in the published code."""
        return Bins(self.bins)


def encode_pix2seq(
    boxes: Float[Tensor, "n 4"],
    labels: Int[Tensor, " n"],
    image_hw: tuple[float, float],
    vocabulary: Pix2SeqVocabulary,
) -> Int[Tensor, " t"]:
    """Objects in the given order as ids, five each, without an end.

    Args:
        boxes: xyxy in pixels, inside the picture.
        labels: classes from 0, or NOISE (-1).
        image_hw: height and width of the picture.
        vocabulary: the layout.

    Raises:
        TypeError, ValueError: not boxes, a box that leaves the picture, a label the vocabulary does not have.

    >>> vocabulary = Pix2SeqVocabulary()
    >>> box = torch.tensor([[150.0, 100.0, 400.0, 350.0]])
    >>> encode_pix2seq(box, torch.tensor([17]), (480, 640), vocabulary)
    tensor([1208, 1234, 1728, 1624,  117])
    """
    check_same_length(boxes, labels, ("boxes", "labels"))
    bad = (labels < NOISE) | (labels >= vocabulary.classes)
    if bool(bad.any()):
        raise ValueError(
            f"labels: expected 0 to {vocabulary.classes - 1}, or {NOISE} for noise, got {labels[bad][0].item()}. "
            "Classes are numbered from 0."
        )
    coordinates = encode_bins(boxes, image_hw, vocabulary.quantisation)[:, _SWAP] + vocabulary.first_coordinate
    classes = torch.where(labels == NOISE, vocabulary.noise, labels + vocabulary.first_class)
    return torch.cat([coordinates, classes[:, None]], dim=1).flatten()


@dataclass(frozen=True, eq=False)
class Pix2SeqTargets:
    """One sequence to learn from: at each place, what goes in, what should come out, what it counts.

    Attributes:
        inputs: start, then the targets shifted by one, the classes among them made useless.
        targets: the ids to predict.
        weights: of the cross-entropy at each place.
    """

    inputs: Int[Tensor, " t"]
    targets: Int[Tensor, " t"]
    weights: Float[Tensor, " t"]


def make_targets(
    boxes: Float[Tensor, "n 4"],
    labels: Int[Tensor, " n"],
    image_hw: tuple[float, float],
    vocabulary: Pix2SeqVocabulary,
    *,
    objects: int,
    generator: torch.Generator,
    noise: bool = True,
    end_weight: float = 0.1,
) -> Pix2SeqTargets:
    """Shuffle the objects, fill the sequence up, and weigh its tokens, as the published training does.

    With `noise` the places up to `objects` are noise boxes: weight 0 on their coordinates, 1 on their class. Without,
    they are end tokens with `end_weight` each (all of them, not the first only). Every class in `inputs` is replaced,
    half of them by a random class and half by noise, so that the model cannot lean on the classes it wrote before.

    Args:
        boxes: xyxy in pixels, inside the picture.
        labels: classes from 0.
        image_hw: height and width of the picture.
        vocabulary: the layout.
        objects: how many objects a sequence holds; t is five times that.
        generator: where the order, the noise and the replaced classes come from.
        noise: sequence augmentation, or an end token.
        end_weight: of end tokens.

    Raises:
        TypeError, ValueError: as `encode_pix2seq`, or more objects than there is room for.
    """
    if len(boxes) > objects:
        raise ValueError(f"boxes: expected at most {objects} (objects), got {len(boxes)}. Raise objects, or drop some.")
    check_same_length(boxes, labels, ("boxes", "labels"))
    order = torch.randperm(len(boxes), generator=generator).to(boxes.device)
    boxes, labels = boxes[order], labels[order]
    if noise:
        boxes, labels = add_noise_boxes(boxes, labels, image_hw, total=objects, generator=generator)
    rows = encode_pix2seq(boxes, labels, image_hw, vocabulary).reshape(-1, PER_OBJECT)
    weights = torch.ones(rows.shape, device=boxes.device)
    weights[labels == NOISE, :4] = 0.0

    replaced = rows.clone()
    random_classes = torch.randint(vocabulary.classes, (len(rows),), generator=generator) + vocabulary.first_class
    coin = torch.rand(len(rows), generator=generator) > 0.5
    replaced[:, 4] = torch.where(coin, random_classes, vocabulary.noise).to(rows)

    left = objects * PER_OBJECT - rows.numel()
    ends = rows.new_full((left,), vocabulary.end)
    start = rows.new_full((1,), vocabulary.start)
    return Pix2SeqTargets(
        inputs=torch.cat([start, replaced.flatten(), ends])[:-1],
        targets=torch.cat([rows.flatten(), ends]),
        weights=torch.cat([weights.flatten(), weights.new_full((left,), end_weight)]),
    )


@dataclass(frozen=True, eq=False)
class Pix2SeqObjects:
    """What a sequence says.

    Attributes:
        boxes: xyxy in pixels.
        labels: classes from 0.
        scores: probability of that class; 1 where no logits were given.
        problems: one sentence for each part that was dropped.
        ended: whether there was an end token; without one the sequence was read to its last token.
    """

    boxes: Float[Tensor, "n 4"]
    labels: Int[Tensor, " n"]
    scores: Float[Tensor, " n"]
    problems: tuple[str, ...]
    ended: bool


def decode_pix2seq(
    tokens: Int[Tensor, " t"],
    image_hw: tuple[float, float],
    vocabulary: Pix2SeqVocabulary,
    logits: Float[Tensor, "t v"] | None = None,
) -> Pix2SeqObjects:
    """Read a sequence that a model wrote (start not included), five tokens at a time, up to the first end token.

    An object counts if its first four tokens are coordinates in the order of a box and its fifth is a class or noise.
    Anything else (a class first, an unknown id, an end token or the end of the sequence inside an object) is dropped
    and named in `problems`; reading goes on five tokens further. The published decoder clamps such tokens into the
    picture and keeps the box, and knows no end token.

    With logits, the class is the most probable one whatever was written, noise too, and its probability (of a softmax
    over all ids) the score: this is how sequence augmentation is undone. Without, noise is dropped: it is no problem.

    >>> vocabulary = Pix2SeqVocabulary()
    >>> found = decode_pix2seq(torch.tensor([1208, 1234, 1728, 1624, 117, 0]), (480, 640), vocabulary)
    >>> found.boxes.round().tolist(), found.labels.tolist(), found.ended
    ([[150.0, 100.0, 400.0, 350.0]], [17], True)
    """
    if logits is not None:
        check_same_length(tokens, logits, ("tokens", "logits"))
    ends = (tokens == vocabulary.end).nonzero()
    length = int(ends[0]) if len(ends) else len(tokens)
    whole = length - length % PER_OBJECT
    problems = [] if whole == length else [f"tokens {whole} to {length - 1}: an object has {PER_OBJECT}"]

    rows = tokens[:whole].reshape(-1, PER_OBJECT)
    bins, classes = (rows[:, :4] - vocabulary.first_coordinate)[:, _SWAP], rows[:, 4] - vocabulary.first_class
    is_noise = rows[:, 4] == vocabulary.noise
    are_bins = ((bins >= 0) & (bins < vocabulary.bins)).all(1)
    is_class = ((classes >= 0) & (classes < vocabulary.classes)) | is_noise
    ordered = are_boxes(bins)
    for why, bad in (
        ("expected four coordinates first", ~are_bins),
        ("expected a class last", are_bins & ~is_class),
        ("corners in the wrong order", are_bins & is_class & ~ordered),
    ):
        problems += [f"object {number}, {rows[number].tolist()}: {why}" for number in bad.nonzero()[:, 0].tolist()]

    keep = are_bins & is_class & ordered
    scores = torch.ones(len(rows), device=rows.device)
    if logits is None:
        keep = keep & ~is_noise
    else:
        probabilities = logits[:whole].float().softmax(-1)[4::PER_OBJECT]
        of_classes = probabilities[:, vocabulary.first_class : vocabulary.first_class + vocabulary.classes]
        scores, classes = of_classes.max(-1)
    boxes = decode_bins(bins[keep], image_hw, vocabulary.quantisation)
    return Pix2SeqObjects(boxes, classes[keep], scores[keep], tuple(problems), ended=len(ends) > 0)
