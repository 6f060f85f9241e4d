"""The tiny vision-language model: picture features in front, words behind, and a decoder that writes the next token.

    features of the trunk --projector--> prefix ┐
    tokens so far ---------embedding---> tokens ┴--causal decoder--> logits of the next token

The decoder is of the Llama kind (RMSNorm before, rotary positions, SwiGLU, no biases, input and output tokens share
their embedding) and equal to transformers' `LlamaModel` at equal weights. The projector is LLaVA's: two linear layers.
The encoder stays outside: `features` are what `Trunk.see` makes of the picture, or `Trunk.join` of picture and words.

Source: Llama, Touvron et al. 2023, arXiv:2302.13971, section 2.2; rotary positions, Su et al. 2021, arXiv:2104.09864,
equation 34; SwiGLU, Shazeer 2020, arXiv:2002.05202; projector, Liu et al. 2023, arXiv:2310.03744, section 3.
Notebooks: 03, 05, 12 to 15.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

Allowed = Callable[[Int[Tensor, "b k"]], Bool[Tensor, "b v"]]


@dataclass(frozen=True)
class VLMSettings:
    """The sizes of a vision-language model.

    Attributes:
        tokens: the size of the vocabulary.
        feature_width: numbers per position that the encoder gives.
        width: numbers per position in the decoder; heads: of attention, a divisor of half of it.
        layers: of the decoder; inner: width inside a layer's SwiGLU network.
        base: of the rotary positions' wavelengths.
    """

    tokens: int
    feature_width: int
    width: int = 128
    heads: int = 4
    layers: int = 2
    inner: int = 256
    base: float = 10_000.0


@dataclass(eq=False)
class Cache:
    """What the decoder need not compute again: keys and values of each layer, and which positions are no padding."""

    keys: list[Float[Tensor, "b h n c"]] = field(default_factory=list)
    values: list[Float[Tensor, "b h n c"]] = field(default_factory=list)
    seen: Bool[Tensor, "b n"] | None = None

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Put keys and values behind those that the layer has, and return all of them."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
        else:
            self.keys[layer] = torch.cat([self.keys[layer], key], 2)
            self.values[layer] = torch.cat([self.values[layer], value], 2)
        return self.keys[layer], self.values[layer]

    def take(self, rows: Int[Tensor, " r"]) -> None:
        """Keep these rows of the batch, in this order: a beam goes on from another one's past."""
        self.keys, self.values = [key[rows] for key in self.keys], [value[rows] for value in self.values]
        self.seen = self.seen[rows]


@dataclass(frozen=True, eq=False)
class Written:
    """What the model wrote for b pictures.

    Attributes:
        tokens: (b k) the tokens after the prompt; after an end token, end tokens.
        logits: (b k v) from which each was chosen, before `allowed` took any away.
        log_probability: (b) of the tokens up to the first end token, summed.
    """

    tokens: Int[Tensor, "b k"]
    logits: Float[Tensor, "b k v"]
    log_probability: Float[Tensor, " b"]


class VisionLanguageModel(nn.Module):
    """Projector and decoder; `forward` to train, `write` to answer.

    >>> model = VisionLanguageModel(VLMSettings(tokens=50, feature_width=24, width=32, heads=2))
    >>> features = torch.zeros(2, 16, 24)
    >>> model(features, torch.tensor([[1, 7, 8], [1, 9, 2]])).shape
    torch.Size([2, 3, 50])
    >>> model.write(features, torch.tensor([[1], [1]]), steps=4).tokens.shape
    torch.Size([2, 4])
    """

    def __init__(self, settings: VLMSettings) -> None:
        """A model with random weights.

        Raises:
            ValueError: sizes that do not go together.
        """
        super().__init__()
        width = settings.width
        if settings.tokens < 1 or width % (2 * settings.heads):
            raise ValueError(
                f"settings: expected 1 token or more and a width that 2 x heads divides, got {settings.tokens} tokens, "
                f"width {width} and {settings.heads} heads. Change them."
            )
        self.settings = settings
        self.projector = nn.Sequential(nn.Linear(settings.feature_width, width), nn.GELU(), nn.Linear(width, width))
        self.embedding = nn.Embedding(settings.tokens, width)
        self.layers = nn.ModuleList(DecoderLayer(width, settings.heads, settings.inner) for _ in range(settings.layers))
        self.norm = nn.RMSNorm(width, eps=1e-6)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(
        self,
        features: Float[Tensor, "b n d"],
        tokens: Int[Tensor, "b t"],
        seen: Bool[Tensor, "b n"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits: those at place k are for the token that comes after `tokens[:, k]`.

        `seen` is False where the features are padding. Tokens may be padded behind: nothing before them can tell.
        """
        x = torch.cat([self.projector(features), self.embedding(tokens)], 1)
        return self.score(self.decode(x, _with_tokens(features, tokens, seen), wanted=tokens.shape[1]))

    def decode(
        self,
        x: Float[Tensor, "b n d"],
        seen: Bool[Tensor, "b n"],
        cache: Cache | None = None,
        wanted: int | None = None,
    ) -> Float[Tensor, "b w d"]:
        """All layers and the last norm, on positions that come after those in the cache, which is extended.

        Every position looks at itself and at those before it that are `seen`. Padding takes up no position. The last
        layer computes the last `wanted` positions alone; all if None.
        """
        before = 0 if cache is None or cache.seen is None else cache.seen.shape[1]
        if before:
            seen = torch.cat([cache.seen, seen], 1)
        if cache is not None:
            cache.seen = seen
        place = torch.arange(seen.shape[1], device=x.device)
        mask = (place[None, before:, None] >= place) & seen[:, None, :]
        mask = mask | (place[None, before:, None] == place)
        turns = rotations((seen.cumsum(1) - 1).clamp(min=0)[:, before:], self.settings)
        mask = mask[:, None]
        for index, layer in enumerate(self.layers):
            if wanted is not None and index == len(self.layers) - 1:
                mask = mask[:, :, -wanted:]
            x = layer(x, mask, turns, cache, index)
        return self.norm(x)

    def score(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b v"]:
        """Logits of the vocabulary, in float32: the similarity to each token's embedding."""
        return functional.linear(x, self.embedding.weight).float()

    @torch.no_grad()
    def write(
        self,
        features: Float[Tensor, "b n d"],
        prompt: Int[Tensor, "b t"],
        steps: int,
        seen: Bool[Tensor, "b n"] | None = None,
        *,
        allowed: Allowed | None = None,
        beams: int = 1,
        end: int | None = None,
    ) -> Written:
        """Write `steps` tokens after the prompt: with one beam the likeliest token each time (greedy).

        With k beams the k likeliest beginnings are kept at every step and the likeliest whole is returned; no reward
        for length. A finished beam stays as it is.

        Args:
            features: of the pictures.
            prompt: at least one token each, the same number for all.
            steps: tokens to write at most; fewer come back when every text has ended.
            seen: False where the features are padding.
            allowed: given the tokens written so far (r k), without the prompt, which may come next (r v). It takes
                tokens away; the probabilities of the others stay as they were.
            beams: how many beginnings are kept.
            end: the token that ends a text; None if it has a fixed length.

        Raises:
            ValueError: no prompt, fewer than one step or beam, or nothing is allowed.
        """
        if min(prompt.shape[1], steps, beams) < 1:
            raise ValueError(
                f"prompt, steps, beams: expected at least 1 of each, got {prompt.shape[1]}, {steps} and {beams}. "
                "Begin the prompt with a start token."
            )
        b, v, device = len(features), self.settings.tokens, features.device
        cache = Cache()
        x = torch.cat([self.projector(features), self.embedding(prompt)], 1)
        last = self.decode(x, _with_tokens(features, prompt, seen), cache, wanted=1)[:, -1]
        cache.take(torch.arange(b, device=device).repeat_interleave(beams))
        logits = self.score(last).repeat_interleave(beams, 0)
        total = torch.full((b, beams), -torch.inf, device=device)
        total[:, 0] = 0.0
        written, chosen_from = prompt.new_zeros(b * beams, 0), logits.new_zeros(b * beams, 0, v)
        for step in range(steps):
            score = self._next_scores(logits, written, allowed, end).view(b, beams, v) + total[..., None]
            total, best = score.flatten(1).topk(beams)
            if not torch.isfinite(total[:, 0]).all():
                raise ValueError(f"allowed: expected at least one token at step {step}, got none. Check its rule.")
            rows = (torch.arange(b, device=device)[:, None] * beams + best // v).flatten()
            written = torch.cat([written[rows], (best % v).view(-1, 1)], 1)
            chosen_from = torch.cat([chosen_from[rows], logits[rows, None]], 1)
            if step + 1 == steps or (end is not None and bool((written == end).any(1).all())):
                break
            cache.take(rows)
            x = self.decode(self.embedding(written[:, -1:]), rows.new_ones(len(rows), 1, dtype=torch.bool), cache)
            logits = self.score(x[:, -1])
        first = torch.arange(b, device=device) * beams  # topk sorts: the likeliest beam is the first
        return Written(written[first], chosen_from[first], total[:, 0])

    def _next_scores(
        self, logits: Float[Tensor, "r v"], written: Int[Tensor, "r k"], allowed: Allowed | None, end: int | None
    ) -> Float[Tensor, "r v"]:
        """Log-probability of each next token; minus infinity where it may not come; an ended text costs no more."""
        score = logits.log_softmax(-1)
        if allowed is not None:
            score = score.masked_fill(~allowed(written), -torch.inf)
        if end is not None:
            ended = (written == end).any(1)
            score[ended] = -torch.inf
            score[ended, end] = 0.0
        return score


class DecoderLayer(nn.Module):
    """Attention to what came before, then SwiGLU, both after an RMSNorm and as residuals; no biases."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_inner = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.query, self.key, self.value, self.project = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b m d"],
        mask: Bool[Tensor, "b 1 q n"],
        turns: tuple[Tensor, Tensor],
        cache: Cache | None,
        index: int,
    ) -> Float[Tensor, "b q d"]:
        """The last q of the m positions afterwards. `mask` says what they see; `index` is the place in the cache."""
        q = mask.shape[2]
        normed = self.norm_attention(x)
        query, key, value = (
            linear(positions).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # b h m c; of the query: b h q c
            for linear, positions in ((self.query, normed[:, -q:]), (self.key, normed), (self.value, normed))
        )
        query, key = rotate(query, tuple(turn[:, :, -q:] for turn in turns)), rotate(key, turns)
        if cache is not None:
            key, value = cache.extend(index, key, value)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x[:, -q:] + self.project(mixed.transpose(1, 2).flatten(2))
        normed = self.norm_inner(x)
        return x + self.down(functional.silu(self.gate(normed)) * self.up(normed))


def rotations(places: Int[Tensor, "b n"], settings: VLMSettings) -> tuple[Float[Tensor, "b 1 n c"], Tensor]:
    """Cosines and sines by which the c numbers of a head are turned at each place; numbers k and k + c/2 are a pair.

    >>> cosines, sines = rotations(torch.tensor([[0, 1]]), VLMSettings(tokens=1, feature_width=1, width=4, heads=1))
    >>> [round(number, 2) for number in cosines[0, 0, 1].tolist()]
    [0.54, 1.0, 0.54, 1.0]
    """
    c = settings.width // settings.heads
    frequencies = settings.base ** (-torch.arange(0, c, 2, device=places.device) / c)
    angles = (places[:, None, :, None] * frequencies).repeat(1, 1, 1, 2)
    return angles.cos(), angles.sin()


def rotate(x: Float[Tensor, "b h n c"], turns: tuple[Tensor, Tensor]) -> Float[Tensor, "b h n c"]:
    """Turn each pair of numbers by its angle: the product of two rotated vectors knows only how far apart they are.

    >>> turns = rotations(torch.tensor([[3, 5]]), VLMSettings(tokens=1, feature_width=1, width=4, heads=1))
    >>> rotate(torch.ones(1, 1, 2, 4), turns).square().sum(-1)
    tensor([[[4., 4.]]])
    """
    cosines, sines = (turn.to(x) for turn in turns)
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat([-second, first], -1) * sines


def _with_tokens(features: Tensor, tokens: Tensor, seen: Tensor | None) -> Bool[Tensor, "b n"]:
    """Which positions of features and tokens are no padding: all tokens are taken as none."""
    if seen is None:
        seen = torch.ones(features.shape[:2], dtype=torch.bool, device=features.device)
    return torch.cat([seen, seen.new_ones(tokens.shape)], 1)
