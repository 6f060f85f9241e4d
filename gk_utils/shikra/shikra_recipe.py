"""How the dialogue model is trained: a batch is some pictures with a conversation each, as long as `length` tokens.

The conversation strings together exchanges of all tasks, by the shares in `settings["tasks"]`; only answers are
learned. The third decimal of a coordinate is less than the trunk can know, so it weighs little: its noise would drown
the rest. With `pool` the patches of the first batches are kept in memory and the steps go through them again and
again, each time with fresh words.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from gk_utils.contrastive.pair_scenes import draw_pair_scene
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of
from gk_utils.models.vlm import VisionLanguageModel, VLMSettings
from gk_utils.shikra.aligned_start import align
from gk_utils.shikra.guided_attention import forward_with_attention, guide_loss, patches_of
from gk_utils.shikra.surest_patches import Look, prefix_width, see_patches
from gk_utils.shikra.talk_embedding import TalkEmbedding
from gk_utils.shikra.talk_tasks import TASKS, Exchange, draw_task
from gk_utils.shikra.talk_tokens import TalkTokens, number_like
from gk_utils.shikra.talk_views import View, views_of

TRAINING_SEEDS = 2**40
PAIRS = 0.25  # share of scenes with two or three things, as the probes of lesson 11 have
LAST_DIGIT = 0.1  # weight of a third decimal
GUIDE = 0.5  # weight of each of the two guides
SPREAD = 0.08  # of the embeddings at first: of the size of what the layers add


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch before its pictures are seen.

    Attributes:
        number, seed: which batch of pictures it is.
        images: (b 3 h w) 0 to 255; None where the patches of this batch are in memory.
        tokens: (b t) the conversations, padded behind.
        weights: (b t) how much it counts that each token is foreseen; 0 for what the user says.
        boxes: (b k 4) of the things, fractions; zeros for what cannot be seen, and in padding.
        early, late: (b t) the thing that each token should look at in the first and in the second guided layer, or -1.
    """

    number: int
    seed: int
    images: UInt8[Tensor, "b 3 h w"] | None
    tokens: Int[Tensor, "b t"]
    weights: Float[Tensor, "b t"]
    boxes: Float[Tensor, "b k 4"]
    early: Int[Tensor, "b t"]
    late: Int[Tensor, "b t"]


@dataclass
class Row:
    """A conversation as lists of equal length; see `Drawn`."""

    ids: list[int]
    weights: list[float]
    early: list[int]
    late: list[int]

    def __add__(self, other: "Row") -> "Row":
        return Row(*(getattr(self, name) + getattr(other, name) for name in ("ids", "weights", "early", "late")))


def build(settings: Mapping[str, Any]) -> VisionLanguageModel:
    """A decoder of these sizes over the words in `settings["words"]` or the course's, with random weights."""
    tokens = TalkTokens(settings.get("words"))
    sizes = {name: settings[name] for name in ("width", "heads", "layers", "inner") if name in settings}
    model = VisionLanguageModel(VLMSettings(len(tokens), prefix_width(frozen_trunk(settings["trunk"])), **sizes))
    if settings.get("sum_up"):
        model.embedding = TalkEmbedding(tokens, model.settings.width)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        model.embedding.weight.normal_(std=SPREAD)
        model.embedding.weight[tokens.first_piece : tokens.first_word] = number_like(
            tokens, model.settings.width, generator
        )
        for layer in model.layers:  # begin near the identity: the residual stream of a deep stack stays small
            for part in (layer.project, layer.down):
                part.weight.mul_((2 * len(model.layers)) ** -0.5)
    align(model, tokens, guided_layers(len(model.layers)), generator)
    return model


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step."""
    number = step % settings["pool"] if settings.get("pool") else step
    batch, side = settings["batch"], frozen_side(settings)
    views, images = _views(seed, number, batch, side, step == number)
    rng = np.random.default_rng([seed, step, 1])
    rows = [draw_conversation(view, settings, rng) for view in views]
    t, k = settings["length"], max(len(view.boxes) for view in views)
    boxes = torch.zeros(batch, k, 4)
    for row, view in enumerate(views):
        boxes[row, : len(view.boxes)] = torch.tensor(view.boxes)

    def filled(name: str, padding: float) -> Tensor:
        """One of the lists of all rows; always of the same shape, which memory likes."""
        lists = [getattr(row, name) for row in rows]
        return torch.tensor([each + [padding] * (t - len(each)) for each in lists])

    numbers = {name: filled(name, padding) for name, padding in (("weights", 0.0), ("early", -1), ("late", -1))}
    return Drawn(number, seed, images, filled("ids", _tokens(_words(settings)).pad), boxes=boxes, **numbers)


def draw_conversation(view: View, settings: Mapping[str, Any], rng: np.random.Generator) -> Row:
    """A conversation about a view, at most `settings["length"]` tokens."""
    tokens, shares = _tokens(_words(settings)), settings["tasks"]
    names = [name for name in TASKS if shares.get(name)]
    share = np.array([shares[name] for name in names], float) / sum(shares[name] for name in names)
    whole = Row([tokens.start], [0.0], [-1], [-1])
    for _ in range(1000):
        said = Row([], [], [], [])
        for exchange in draw_task(view, names[int(rng.choice(len(names), p=share))], rng):
            said += row_of(exchange, view, tokens)
        if len(whole.ids) + len(said.ids) > settings["length"]:
            break
        whole += said
    return whole


def row_of(exchange: Exchange, view: View, tokens: TalkTokens) -> Row:
    """One exchange as tokens, with what counts and what each token should look at.

    What speaks of one thing looks at it: behind a bracket or a noun of the question early, in the answer late.
    """
    asked, answered = tokens.encode_turn(exchange.question), tokens.encode_turn(exchange.answer)
    n, m = len(asked), len(answered)
    weights = [0.0] * (n + 1) + [LAST_DIGIT if each in tokens.digit_ids else 1.0 for each in answered[1:]]
    early, late = [-1] * (n + m), [-1] * (n + m)
    if len(exchange.things) == 1 and exchange.task != "caption":
        (thing,) = exchange.things
        late[n:] = [thing] * m
        closed = [place for place, each in enumerate(asked) if each == tokens.close]
        for place in closed:
            early[place:n] = [thing] * (n - place)
    for noun, thing in exchange.nouns:
        number = tokens.encode(noun)[0]
        for place in [place for place, each in enumerate(asked) if each == number]:
            early[place] = thing
    if exchange.task == "caption":
        for mark in exchange.answer.marks:
            before = n + 1 + len(tokens.encode(exchange.answer.text[: mark.start]))
            behind = n + 1 + len(tokens.encode(exchange.answer.text[: mark.end]))
            if len(mark.places) == 1:
                thing = min(exchange.things, key=lambda index: _apart(view.boxes[index], mark.places[0]))
                late[before - 1 : behind - 1] = [thing] * (behind - before)
    return Row(asked + answered, weights, early, late)


def loss(module: VisionLanguageModel, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """Cross-entropy per token of the answers, and the share of words and of coordinates that are right."""
    device = module.embedding.weight.device
    look = _patches(drawn, settings, str(device))
    tokens, weights = drawn.tokens.to(device), drawn.weights.to(device)[:, 1:]
    targets = tokens[:, 1:]
    guided = guided_layers(len(module.layers))
    logits, shares = forward_with_attention(module, look.features, tokens[:, :-1], look.seen, guided)
    same = patches_of(look.boxes_unit, drawn.boxes.to(device), look.seen)
    guides = []
    # One head is enough to read a bracket; all that an answer is made of must come through the late heads.
    for share, things in zip((shares[0][:, :1], shares[1]), (drawn.early, drawn.late), strict=True):
        thing = things.to(device)[:, :-1, None]
        target = same.gather(1, thing.clamp(min=0).expand(-1, -1, same.shape[2])) & (thing >= 0)
        guides.append(guide_loss(share, target))
    lost = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)
    hit = logits.argmax(-1) == targets
    spoken = weights == 1
    pieces = _tokens(_words(settings)).is_piece(targets)
    words_loss = (lost * weights).sum() / weights.sum().clamp(min=1)
    return {
        "loss": words_loss + GUIDE * (guides[0][0] + guides[1][0]),
        "words_loss": words_loss,
        "early": guides[0][1],
        "late": guides[1][1],
        "words": _share(hit, spoken & ~pieces),
        "pieces": _share(hit, spoken & pieces),
        "piece_loss": (lost * pieces * spoken).sum() / (pieces & spoken).sum().clamp(min=1),
    }


def evaluate(module: VisionLanguageModel, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """How the model does on the first n expressions of val, and on n / 4 fresh questions of the other tasks each."""
    from gk_utils.shikra.shikra_chat import Talker
    from gk_utils.shikra.talk_measure import measure_rec, measure_tasks

    talker = Talker(module, settings)
    return {
        "split": "val",
        "n": n,
        **measure_rec(talker, n),
        **measure_tasks(talker, max(n // 4, 4)),
        "trunk": weights_of(settings["trunk"]),
    }


def frozen_side(settings: Mapping[str, Any]) -> int:
    """The side of the trunk's pictures."""
    return frozen_trunk(settings["trunk"]).settings.image_side


def draw_scenes(seed: int, number: int, batch: int) -> list[Any]:
    """The scenes of a batch; some are small ones."""
    rng = np.random.default_rng([seed, number])
    seeds = [int(each) for each in rng.integers(TRAINING_SEEDS, size=batch)]
    small = rng.random(batch) < PAIRS
    return [draw_pair_scene(each) if few else draw_scene_for(each) for each, few in zip(seeds, small, strict=True)]


@functools.lru_cache(maxsize=4096)
def _kept_views(seed: int, number: int, batch: int, side: int) -> tuple[View, ...]:
    return _views(seed, number, batch, side, True)[0]


def _views(
    seed: int, number: int, batch: int, side: int, first: bool
) -> tuple[tuple[View, ...], UInt8[Tensor, "b 3 h w"] | None]:
    """The views of a batch; and, the first time, its pictures."""
    if not first:
        return _kept_views(seed, number, batch, side), None
    scenes = draw_scenes(seed, number, batch)
    rendered = render(scenes, (side, side))
    views = tuple(views_of(scenes, rendered, np.random.default_rng([seed, number, 2])))
    return views, (rendered.images * 255).round().to(torch.uint8)


def guided_layers(layers: int) -> tuple[int, int]:
    """The two layers that are guided, of three or more: the last but one, and the one before it.

    >>> guided_layers(4)
    (1, 2)
    """
    return max(layers - 3, 0), max(layers - 2, 1)


def _apart(box: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(abs(a - b) for a, b in zip(box, other, strict=True))


def _words(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(settings.get("words") or ())


@functools.cache
def _tokens(words: tuple[str, ...]) -> TalkTokens:
    return TalkTokens(words or None)


@functools.cache
def _kept(trunk: str, device: str) -> dict[tuple[int, int, int, int], Look]:
    """The patches that a frozen trunk has seen, by seed, number and size of the batch."""
    return {}


def _patches(drawn: Drawn, settings: Mapping[str, Any], device: str) -> Look:
    kept, key = _kept(settings["trunk"], device), (drawn.seed, drawn.number, len(drawn.tokens), settings["patches"])
    look = kept.get(key)
    if look is None:
        images = drawn.images
        if images is None:  # a resumed run: the first pass was another process
            images = _views(drawn.seed, drawn.number, settings["batch"], frozen_side(settings), True)[1]
        with torch.autocast(torch.device(device).type, enabled=False):
            look = see_patches(frozen_trunk(settings["trunk"], device), images.to(device) / 255, settings["patches"])
        look = Look(look.features.half(), look.seen, look.boxes_unit)
        if settings.get("pool"):
            kept[key] = look
    return Look(look.features.float(), look.seen, look.boxes_unit)


def _share(hit: Bool[Tensor, "b t"], rows: Bool[Tensor, "b t"]) -> Float[Tensor, ""]:
    return (hit & rows).sum() / rows.sum().clamp(min=1)
