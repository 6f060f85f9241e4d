"""What lesson 08 measures with: one click on everything that a click can mean, and a user who goes on clicking.

Pictures have 256 pixels a side, as in `segment_anything.sam_measure`; places are continuous.

Notebook: 08.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from gk_utils.evaluate.segment_anything import guesses
from gk_utils.segment_anything import MiniSegmenter, SegmentAnything
from gk_utils.segment_anything.clicks import error_clicks, random_clicks
from gk_utils.segment_anything.mask_losses import mask_iou
from gk_utils.segment_anything.prompt_encoder import ON
from gk_utils.segment_anything.sam_measure import (
    SIDE,
    Measured,
    Wanted,
    embed_pictures,
    join_measured,
    measure_one,
    targets_of_split,
)
from gk_utils.segment_anything.two_way import NarrowAttention

RADII = (15.0, 21.0, 30.0)  # of the discs, pixels of SIDE: half, usual and twice the usual area
User = Callable[[Bool[Tensor, "h w"], Bool[Tensor, "h w"]], tuple[float, float, bool]]


@dataclass(frozen=True, eq=False)
class ClickTrials:
    """Targets, each asked for by one click and by its box, and who answers them without knowing the picture.

    Attributes:
        pictures: what is wanted of each picture.
        measured: the answers; control: those to the same prompts about another picture's embedding.
        discs: (k) IoU of the best of three discs around the click; filled, ellipse: of the box filled and the ellipse.
    """

    pictures: tuple[Wanted, ...]
    measured: Measured
    control: Measured
    discs: Float[Tensor, " k"]
    filled: Float[Tensor, " k"]
    ellipse: Float[Tensor, " k"]

    @property
    def several(self) -> Bool[Tensor, " k"]:
        """Whether the click has other readings too."""
        return self.measured.several

    @property
    def picture(self) -> Int[Tensor, " k"]:
        """Which picture each target is of, for intervals."""
        return self.measured.picture


@dataclass(frozen=True, eq=False)
class Readings:
    """The three masks that answered the click of one target: IoU with it, area in pixels, expected IoU.

    Attributes:
        alone: whether the thing alone is meant; several: whether the click has other readings; picture: its seed.
    """

    ious: Float[Tensor, "3"]
    areas: tuple[int, ...]
    said: tuple[float, ...]
    alone: bool
    several: bool
    picture: int


def click_trials(sam: SegmentAnything, n: int, split: str = "val") -> ClickTrials:
    """Ask for the first n targets of a split (a few more: whole pictures).

    >>> from gk_utils.segment_anything import load_mini
    >>> trials = click_trials(load_mini()[0].sam, 3)
    >>> len(trials.discs) == len(trials.measured.box) >= 3
    True
    """
    found, control, given, pictures = [], [], [], []
    for some in targets_of_split(split, n):
        embeddings = embed_trials(sam, some)
        for number, one in enumerate(some):
            other = embeddings[number - 1] if len(some) > 1 else embeddings[number].flip(1)
            found.append(measure_one(sam, embeddings[number], one))
            control.append(measure_one(sam, other, one))
            given.append(
                {**{name: values["miou_box"] for name, values in _of_box(one).items()}, "discs": discs_of(one)}
            )
            pictures.append(one)
    joined = {name: torch.cat([row[name] for row in given]) for name in given[0]}
    measured, elsewhere = join_measured(found), join_measured(control)
    return ClickTrials(
        tuple(pictures), measured, elsewhere, joined["discs"], joined["box_filled"], joined["ellipse_in_box"]
    )


@torch.no_grad()
def embed_trials(sam: SegmentAnything, pictures: Sequence[Wanted]) -> Float[Tensor, "b d grid grid"]:
    """The embeddings of some pictures, in one pass of the encoder."""
    return embed_pictures(sam, torch.stack([one.image for one in pictures]))


def discs_of(wanted: Wanted) -> Float[Tensor, " k"]:
    """The IoU of the best of three discs around each click: what needs no model."""
    y, x = torch.meshgrid(*[torch.arange(SIDE) + 0.5] * 2, indexing="ij")
    at_x, at_y = (wanted.clicks + 0.5)[..., None, None].unbind(1)
    away = ((x - at_x) ** 2 + (y - at_y) ** 2).sqrt()
    return torch.stack([mask_iou(away < radius, wanted.truth) for radius in RADII]).amax(0)


def readings_of_clicks(mini: MiniSegmenter, pictures: Sequence[Wanted]) -> Iterator[Readings]:
    """The three masks for the click of every target, picture by picture."""
    for one in pictures:
        mini.set_image(one.image)
        answer = mini.segment(points=(one.clicks + 0.5)[:, None], all_masks=True)
        for row, reading in enumerate(one.readings):
            masks, said = answer.masks[3 * row : 3 * row + 3], answer.scores[3 * row : 3 * row + 3]
            ious = mask_iou(masks, one.truth[row].expand_as(masks))
            areas = tuple(masks.flatten(1).sum(1).tolist())
            several = bool(one.several[row])
            yield Readings(ious, areas, tuple(said.tolist()), reading.storeys == 0, several, one.seed)


def click_rounds(
    mini: MiniSegmenter, pictures: Sequence[Wanted], user: User, clicks: int, *, with_mask: bool
) -> Float[Tensor, "clicks k"]:
    """The IoU after each of some clicks of a user on every target.

    Args:
        mini: is set to each picture in turn.
        pictures: the targets.
        user: given a mask and the truth, says x, y of the next click and whether it is on the object.
        clicks: how many, the first of them given: deepest inside the thing, answered by the model's choice.
        with_mask: whether the mask before goes in as a prompt.
    """
    columns = []
    for one in pictures:
        mini.set_image(one.image)
        points, on = (one.clicks + 0.5)[:, None], torch.ones(len(one.clicks), 1, dtype=torch.bool)
        answer = mini.segment(points=points)
        ious = [mask_iou(answer.masks, one.truth)]
        for _ in range(clicks - 1):
            new = [user(mask, truth) for mask, truth in zip(answer.masks, one.truth, strict=True)]
            points = torch.cat([points, torch.tensor([[click[:2]] for click in new])], 1)
            on = torch.cat([on, torch.tensor([[bool(click[2])] for click in new])], 1)
            answer = mini.segment(points=points, is_object=on, masks=answer.masks if with_mask else None)
            ious.append(mask_iou(answer.masks, one.truth))
        columns.append(torch.stack(ious))
    return torch.cat(columns, 1)


def any_error(said: Bool[Tensor, "h w"], truth: Bool[Tensor, "h w"]) -> tuple[float, float, bool]:
    """A user who clicks any wrong pixel; any of the object where nothing is wrong.

    >>> any_error(torch.tensor([[True, True]]), torch.tensor([[True, False]]))
    (1.5, 0.5, False)
    """
    place, kind = error_clicks(said[None], truth[None])
    x, y = place[0].tolist()
    return x + 0.5, y + 0.5, bool(kind[0] == ON)


def any_pixel(said: Bool[Tensor, "h w"], truth: Bool[Tensor, "h w"]) -> tuple[float, float, bool]:
    """A user who does not look at the mask: any pixel of the object.

    >>> any_pixel(torch.tensor([[True, True]]), torch.tensor([[False, True]]))
    (1.5, 0.5, True)
    """
    x, y = random_clicks(truth[None])[0].tolist()
    return x + 0.5, y + 0.5, True


def look_shares(
    attention: NarrowAttention, asking: Float[Tensor, "n q d"], keys: Float[Tensor, "n k d"]
) -> Float[Tensor, "n q k"]:
    """Which share of what each query reads comes from each key, the mean over the heads.

    >>> look_shares(NarrowAttention(8, heads=2), torch.rand(1, 3, 8), torch.rand(1, 5, 8)).sum(-1).mean().round().item()
    1.0
    """
    parts = (attention.query(asking), attention.key(keys))
    query, key = (part.unflatten(-1, (attention.heads, -1)).transpose(1, 2) for part in parts)
    return (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1).mean(1)


@torch.no_grad()
def operations(model: SegmentAnything) -> tuple[float, float]:
    """Multiplications and additions of an embedding and of one click, in billions.

    Counted on torch's `meta` device, whose tensors have shapes and no numbers: nothing is computed.

    >>> from gk_utils.segment_anything import load_mini
    >>> embedding, click = operations(load_mini()[0].sam)
    >>> embedding > click > 0
    True
    """
    model, counts = copy.deepcopy(model).to("meta").requires_grad_(False), []
    settings = model.settings
    image = torch.empty(1, 3, settings.image_side, settings.image_side, device="meta")
    embedding = torch.empty(1, settings.out_width, settings.grid, settings.grid, device="meta")
    where, kind = torch.zeros(1, 2, 2, device="meta"), torch.tensor([[1, -1]], device="meta")
    for call in (lambda: model.embed(image), lambda: model.ask(embedding, where, kind)):
        with FlopCounterMode(display=False) as counter:
            call()
        counts.append(counter.get_total_flops() / 1e9)
    return counts[0], counts[1]


def _of_box(wanted: Wanted) -> dict[str, dict[str, Tensor]]:
    """What needs no model, of those that take the box."""
    return {name: values for name, values in guesses(wanted).items() if "miou_box" in values}
