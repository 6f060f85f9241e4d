"""How the small SAM is trained: prompts as a person would give them, then corrections where the mask is wrong.

A batch is some scenes with several prompts each. A prompt means one reading of one thing (see `readings`): it starts
with a click or a loose box, and goes on for some rounds with a click on the error and the last mask. In the end the
mask alone is the prompt. Of the three readings the best alone learns, the single mask and the quality head always.

Source: Kirillov et al. 2023, "Segment Anything", arXiv:2304.02643, appendix A, "Training algorithm". The paper has the
single mask learn from prompts of several points alone, and the readings from those of one; here all learn from all, so
that any may be asked for. It goes on for eleven rounds, here for three or four.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.thing_rows import rows_of
from gk_utils.models.trunk_recipe import LEAST_VISIBLE, TRAINING_SEEDS
from gk_utils.segment_anything.clicks import error_clicks, loose_boxes, random_clicks
from gk_utils.segment_anything.mask_decoder import Decoded
from gk_utils.segment_anything.mask_losses import least_loss, mask_iou, mask_loss, to_side
from gk_utils.segment_anything.mini_sam import SURE, build_sam
from gk_utils.segment_anything.prompt_encoder import LOWER_RIGHT, ON, PADDING, UPPER_LEFT
from gk_utils.segment_anything.readings import all_readings
from gk_utils.segment_anything.sam import SegmentAnything
from gk_utils.segment_anything.sam_measure import measure_prompts
from gk_utils.segment_anything.two_way import NarrowAttention

NEARNESS = 1.5  # gain of the weights that compare places, at the start
TRIES = 8  # scenes looked at for one where something stands on something


@dataclass(frozen=True, eq=False)
class Drawn:
    """The sample of a step: its number and seed, and the scenes unless the batch has been used before."""

    number: int
    seed: int
    scenes: tuple[Scene, ...] | None


@dataclass(frozen=True, eq=False)
class Pictures:
    """A painted batch: s pictures of at most n things, which have at most r readings.

    Attributes:
        images: (s 3 side side) RGB from 0 to 255.
        owner: (s side side) the thing that each pixel belongs to, n where it is none's.
        members: (s r n+1) the things of each reading; the last, nothing, is in none.
        clicked: (s r) the thing that a click is on.
        chance: (s r) weight of each reading: 1 shared by those of a thing, 0 for a thing that is too hidden.
    """

    images: Tensor
    owner: Tensor
    members: Bool[Tensor, "s r _"]
    clicked: Int[Tensor, "s r"]
    chance: Float[Tensor, "s r"]


@dataclass(frozen=True, eq=False)
class Asked:
    """q prompts: the picture of each, what it means, and the thing that was clicked, pixel by pixel."""

    picture: Int[Tensor, " q"]
    truth: Bool[Tensor, "q side side"]
    clicked: Bool[Tensor, "q side side"]


def build(settings: Mapping[str, Any]) -> SegmentAnything:
    """A model of these sizes, with random weights that know where they look.

    Attention between prompt and picture starts with equal weights for queries and keys: then what asks attends to what
    has a similar place, and a click begins with the cells around it. To find that out by itself takes a model from
    scratch longer than all the rest. For the same reason the learned vectors start small beside the places.
    """
    sam = build_sam(settings)
    torch.nn.init.trunc_normal_(sam.image_encoder.places, std=0.02)
    for vectors in (sam.prompt_encoder.kinds, sam.prompt_encoder.no_mask, sam.prompt_encoder.padding):
        torch.nn.init.normal_(vectors.weight, std=0.1)
    transformer = sam.mask_decoder.transformer
    for layer in transformer.layers:
        _look_near(layer.from_picture)
        _look_near(layer.from_tokens)
    _look_near(transformer.last_look)
    return sam


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step: `settings["scenes"]` fresh scenes, or again one of the first `settings["pool"]` batches.

    In every second scene something stands on or in something, if a few tries find one.

    >>> drawn = draw({"scenes": 2, "pool": 4}, seed=0, step=3)
    >>> len(drawn.scenes), any(thing.support is not None for thing in drawn.scenes[0].things)
    (2, True)
    >>> draw({"scenes": 2, "pool": 4}, seed=0, step=7)
    Drawn(number=3, seed=0, scenes=None)
    """
    number = step % settings["pool"] if "pool" in settings else step
    if number != step:
        return Drawn(number, seed, None)
    rng, scenes = np.random.default_rng([seed, step, 8]), []
    for index in range(settings["scenes"]):
        for _ in range(TRIES):
            scene = draw_scene_for(int(rng.integers(TRAINING_SEEDS)))
            if index % 2 or any(thing.support is not None for thing in scene.things):
                break
        scenes.append(scene)
    rows_of(tuple(scenes))  # kept by the scenes: what `render` needs is ready before they reach the device
    return Drawn(number, seed, tuple(scenes))


def loss(sam: SegmentAnything, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The loss of a batch, a mean over the rounds, and its parts.

    `readings` and `single` are losses of masks, `quality` the squared error of the quality head; `iou_click` is the IoU
    of the best reading after one click, `iou_box` that of the single mask after a box.

    >>> settings = {"image_side": 64, "patch": 8, "width": 16, "layers": 1, "heads": 2, "inner": 32, "window": 4}
    >>> settings |= {"out_width": 32, "decoder_heads": 2, "decoder_inner": 32, "global_layers": []}
    >>> settings |= {"scenes": 1, "prompts": 2, "rounds": 2}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['iou_box', 'iou_click', 'loss', 'quality', 'readings', 'single']
    """
    device, side = sam.mean.device, sam.settings.image_side
    with torch.autocast(device.type, enabled=False), torch.no_grad():
        pictures = _pictures(drawn, settings, side, device)
        images, owner = _mirrored(pictures)
        asked = ask_for(pictures, owner, settings["prompts"])
        covered = functional.adaptive_avg_pool2d(asked.truth.float()[:, None], sam.settings.mask_side)[:, 0]
        is_box = torch.arange(len(asked.truth), device=device) % 2 == 0
        points, labels = first_prompts(asked, is_box)
    embeddings = sam.embed(images)[asked.picture]
    masks, parts, found = None, [], []
    for turn in range(settings["rounds"]):
        said = _in_full(sam.ask(embeddings, points, labels, masks))
        more, iou = _losses(said, covered, asked.truth)
        parts.append(more)
        found.append(iou)
        with torch.no_grad():
            masks = _next_mask(said, ~is_box if turn == 0 else torch.zeros_like(is_box))
            if turn + 1 < settings["rounds"]:
                wrong = to_side(masks, side)[:, 0] > 0
                place, kind = error_clicks(wrong, asked.truth)
                points, labels = torch.cat([points, place[:, None]], 1), torch.cat([labels, kind[:, None]], 1)
    some = torch.arange(0, len(points), 4, device=device)  # a quarter is asked with the mask alone
    hard = torch.where(torch.arange(len(some), device=device)[:, None, None, None] % 2 == 0, 1e4, 1.0)
    masks = (hard * masks[some]).clamp(-SURE, SURE)
    nothing = torch.full((len(some), 2), PADDING, device=device)
    said = _in_full(sam.ask(embeddings[some], points.new_zeros(len(some), 2, 2), nothing, masks))
    parts.append(_losses(said, covered[some], asked.truth[some])[0])
    means = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
    first = found[0]
    return {
        "loss": sum(means.values()),
        **means,
        "iou_click": first[~is_box, 1:].amax(1).mean(),
        "iou_box": first[is_box, 0].mean(),
    }


def evaluate(sam: SegmentAnything, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Means over the first n prompts of the frozen split val; `evaluate segment_anything` has them with intervals."""
    measured = measure_prompts(sam, "val", n)
    return {"split": "val", "n": len(measured.picture), **measured.means()}


def pictures_of(scenes: tuple[Scene, ...], side: int, device: str | torch.device) -> Pictures:
    """Paint scenes, and list what can be meant in each."""
    rendered = render(scenes, (side, side), device)
    s, n = rendered.masks.shape[:2]
    nothing = torch.full_like(rendered.masks[:, :1], fill_value=True)
    owner = torch.cat([rendered.masks, nothing], 1).to(torch.uint8).argmax(1).to(torch.uint8)
    shown = rendered.masks.flatten(2).sum(-1)
    visible = (shown > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)).cpu()
    listed = [all_readings(scene) for scene in scenes]
    r = max(map(len, listed))
    members = torch.zeros(s, r, n + 1, dtype=torch.bool)
    clicked, chance = torch.zeros(s, r, dtype=torch.long), torch.zeros(s, r)
    for index, readings in enumerate(listed):
        things = [reading.clicked for reading in readings]
        for row, reading in enumerate(readings):
            members[index, row, list(reading.members)] = True
            clicked[index, row] = reading.clicked
            chance[index, row] = float(visible[index, reading.clicked]) / things.count(reading.clicked)
    images = (255 * rendered.images).round().to(torch.uint8)
    return Pictures(images, owner, members.to(device), clicked.to(device), chance.to(device))


def ask_for(pictures: Pictures, owner: Tensor, prompts: int) -> Asked:
    """Draw what is meant: `prompts` readings of each picture, their things equally likely."""
    s, side = len(owner), owner.shape[-1]
    row = (pictures.chance + 1e-9).multinomial(prompts, replacement=True).flatten()
    picture = torch.arange(s, device=owner.device).repeat_interleave(prompts)
    of_pixel = owner[picture].long()
    truth = pictures.members[picture, row].gather(1, of_pixel.flatten(1)).view(-1, side, side)
    return Asked(picture, truth, of_pixel == pictures.clicked[picture, row][:, None, None])


def first_prompts(asked: Asked, is_box: Bool[Tensor, " q"]) -> tuple[Float[Tensor, "q 2 2"], Int[Tensor, "q 2"]]:
    """A loose box around what is meant, or a click and a point of padding."""
    side = asked.truth.shape[-1]
    corners = loose_boxes(boxes_from_masks(asked.truth), (side, side)).view(-1, 2, 2) - 0.5
    click = random_clicks(asked.clicked)
    clicks = torch.stack([click, torch.zeros_like(click)], 1)
    labels = torch.tensor([[ON, PADDING], [UPPER_LEFT, LOWER_RIGHT]], device=click.device)
    return torch.where(is_box[:, None, None], corners, clicks), labels[is_box.long()]


def _look_near(attention: NarrowAttention) -> None:
    """Make an attention start with what is most like it, by equal weights for queries and keys."""
    torch.nn.init.orthogonal_(attention.query.weight, gain=NEARNESS)
    for linear in (attention.query, attention.key):
        torch.nn.init.zeros_(linear.bias)
    with torch.no_grad():
        attention.key.weight.copy_(attention.query.weight)


def _pictures(drawn: Drawn, settings: Mapping[str, Any], side: int, device: torch.device) -> Pictures:
    """The painted batch of a step; those of a pool are kept."""
    if "pool" not in settings:
        return pictures_of(drawn.scenes, side, device)
    kept = _pool(settings["scenes"], settings["pool"], side, str(device), drawn.seed)
    if drawn.number not in kept:
        scenes = drawn.scenes or draw(settings, drawn.seed, drawn.number).scenes
        kept[drawn.number] = pictures_of(scenes, side, device)
    return kept[drawn.number]


@functools.lru_cache(maxsize=1)
def _pool(scenes: int, pool: int, side: int, device: str, seed: int) -> dict[int, Pictures]:
    """What was painted for these settings so far."""
    return {}


def _mirrored(pictures: Pictures) -> tuple[Float[Tensor, "s 3 side side"], Tensor]:
    """The pictures in [0, 1] and the owners of their pixels, every second one of them left for right."""
    flip = (torch.rand(len(pictures.images), device=pictures.images.device) < 0.5)[:, None, None]
    images = torch.where(flip[..., None], pictures.images.flip(-1), pictures.images)
    return images.float() / 255, torch.where(flip, pictures.owner.flip(-1), pictures.owner)


def _in_full(said: Decoded) -> Decoded:
    """In float32, whatever the precision of the model."""
    return Decoded(said.logits.float(), said.iou.float())


def _losses(
    said: Decoded, covered: Float[Tensor, "q h w"], truth: Bool[Tensor, "q side side"]
) -> tuple[dict[str, Tensor], Float[Tensor, "q m"]]:
    """The losses of one round, and the IoU that each mask has at the picture's resolution."""
    with torch.no_grad():
        masks = to_side(said.logits, truth.shape[-1]) > 0
        iou = mask_iou(masks, truth[:, None].expand_as(masks))
    parts = {
        "readings": least_loss(said.readings.logits, covered).mean(),
        "single": mask_loss(said.single.logits[:, 0], covered).mean(),
        "quality": (said.iou - iou).square().mean(),
    }
    return parts, iou


def _next_mask(said: Decoded, ambiguous: Bool[Tensor, " q"]) -> Float[Tensor, "q 1 h w"]:
    """The logits that the next round starts from: the best reading where the prompt was one click, else the single."""
    chosen = torch.where(ambiguous, 1 + said.iou[:, 1:].argmax(1), 0)
    return said.logits[torch.arange(len(chosen), device=chosen.device), chosen][:, None].detach()
