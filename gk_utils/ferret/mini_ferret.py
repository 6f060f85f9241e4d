"""The course's own small Ferret: a picture of any size, a region in its pixels, a question, an answer.

A picture is fitted into the trunk's square as for every mini model (grey where it is too short), with its region.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.errors import check_choice
from gk_utils.ferret.ferret_recipe import build
from gk_utils.ferret.hybrid_reference import HybridReference, reference_to
from gk_utils.ferret.point_sets import points_inside
from gk_utils.ferret.region_forms import Region, mask_box, reference_numbers, region_mask
from gk_utils.ferret.region_questions import ANSWERS, ASKS, question_texts
from gk_utils.ferret.region_reader import RegionReader, RegionsAsked, allowed_answers
from gk_utils.ferret.two_resolutions import SeenPictures, see_pictures
from gk_utils.models.trunk import Trunk
from gk_utils.models.trunk_grounder import check_weights, frozen_trunk, letterbox

NAMES = ("ferret", "ferret_small")  # the better one first


@dataclass(frozen=True)
class RegionAnswer:
    """An answer about a region.

    Attributes:
        question: as the model was asked, with the region's reference in it.
        answer: the likeliest answer.
        shares: of every answer that the question allows, likeliest first; they sum to 1.
    """

    question: str
    answer: str
    shares: dict[str, float]


class MiniFerret:
    """A reader with its trunk.

    >>> sizes = {"width": 16, "heads": 2, "layers": 1, "sampler_width": 8, "points": 8, "kept": [4, 2]}
    >>> reader = build({"trunk": "trunk_small", "neighbours": [3, 2], **sizes})
    >>> ferret = MiniFerret(reader, frozen_trunk("trunk_small"))
    >>> from gk_utils.ferret.region_forms import PointRegion
    >>> answer = ferret.answer(torch.rand(3, 60, 120), PointRegion(30, 20), "facing")
    >>> answer.question, len(answer.shares)
    ('Which way does [250, 166] <region_fea> face?', 2)
    """

    def __init__(
        self, reader: RegionReader, trunk: Trunk, name: str = "ferret", trunk_name: str = "trunk_small"
    ) -> None:
        self.reader, self.trunk, self.name, self.trunk_name = reader.eval(), trunk, name, trunk_name

    @torch.no_grad()
    def see(self, image: Float[Tensor, "3 h w"]) -> SeenPictures:
        """What the trunk makes of a picture, for `answer` to be asked several times.

        Raises:
            ValueError: a picture without pixels.
        """
        side, device = self.trunk.settings.image_side, self.reader.positions.device
        large = letterbox(image.to(device), 2 * side)[0][None] if self.reader.settings.tiles else None
        return see_pictures(self.trunk, letterbox(image.to(device), side)[0][None], large)

    @torch.no_grad()
    def answer(
        self,
        image: Float[Tensor, "3 h w"],
        region: Region,
        ask: str = "category",
        *,
        seen: SeenPictures | None = None,
        seed: int = 0,
    ) -> RegionAnswer:
        """Answer one of ASKS about a region of a picture.

        Args:
            image: RGB in [0, 1], any size.
            region: in its pixels; an empty one has coordinates 0 and no features.
            ask: "category", "colour", "pattern", "facing" or "state".
            seen: what `see` made of this picture.
            seed: of the random points.

        Raises:
            ValueError: another question, or a region that cannot be (see `region_mask`).
        """
        check_choice(ask, tuple(ASKS), "ask")
        seen = self.see(image) if seen is None else seen
        asked, reference = self.ask(image, region, ask, seed)
        logits = self.reader(seen, asked, torch.Generator().manual_seed(seed))
        logits = logits.masked_fill(~allowed_answers([ask]).to(logits.device), -torch.inf)[0]
        values, order = logits.softmax(0).cpu().sort(descending=True)
        shares = {
            ANSWERS[index]: round(value, 4)
            for value, index in zip(values.tolist(), order.tolist(), strict=True)
            if ANSWERS[index] in ASKS[ask][1]
        }
        return RegionAnswer(question_texts([ask], [reference])[0], next(iter(shares)), shares)

    def ask(
        self, image: Float[Tensor, "3 h w"], region: Region, ask: str, seed: int = 0
    ) -> tuple[RegionsAsked, HybridReference]:
        """The question as the reader takes it, region and points moved into the trunk's square; and the reference."""
        image_hw, side = (image.shape[1], image.shape[2]), self.trunk.settings.image_side
        frame = letterbox(torch.zeros(3, *image_hw), side)[1]
        mask, numbers = region_mask(region, image_hw), reference_numbers(region, image_hw)
        corners = torch.tensor([[*numbers, *numbers][:4] if len(numbers) == 2 else [*numbers]])
        numbers = frame.from_pixels(corners)[0].tolist()[: len(numbers)]
        reference = reference_to(numbers, (side, side), feature=self.reader.settings.reference != "coordinates")
        boxes_unit = frame.from_pixels(torch.tensor([mask_box(mask)])) / side
        points, there = points_inside([mask], self.reader.settings.points, torch.Generator().manual_seed(seed))
        places = points * torch.tensor([image_hw[1], image_hw[0]])
        points = frame.from_pixels(places.repeat(1, 1, 2))[..., :2] / side
        tokens = self.reader.sentences([ask], [reference])
        first = torch.zeros(1, dtype=torch.long)
        device = self.reader.positions.device
        return RegionsAsked(*(part.to(device) for part in (tokens, first, boxes_unit, points, there))), reference


def load_mini(name: str | None = None, device: str | torch.device = "cpu") -> tuple[MiniFerret, Card]:
    """The best Ferret that the course ships, or a named one, such as "ferret_coordinates_small"; and its card.

    Raises:
        FileNotFoundError: the course ships no such checkpoint; says how to train it.
        ValueError: a checkpoint that is damaged, is no Ferret, or was trained on another trunk.
    """
    folder = checkpoints.first_shipped(*(NAMES if name is None else (name,)))
    return load_ferret(folder, device)


def load_ferret(folder: Path | str, device: str | torch.device = "cpu") -> tuple[MiniFerret, Card]:
    """The Ferret in a folder, and its card; as `load_mini`."""
    card = checkpoints.verify(folder)
    if "reference" not in card.settings:
        raise ValueError(f"checkpoint: expected a Ferret, got {card.recipe!r}. Name the folder of one.")
    trunk = card.settings["trunk"]
    check_weights(card, trunk)
    reader = build(card.settings)
    checkpoints.load_into(reader, folder)
    return MiniFerret(reader.to(device), frozen_trunk(trunk, str(device)), card.recipe, trunk), card
