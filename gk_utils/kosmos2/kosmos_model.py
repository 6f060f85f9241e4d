"""The mini Kosmos-2: a small decoder on the frozen trunk that captions with boxes, finds phrases and answers questions.

The picture is a prefix of 64 positions: 2 x 2 patches of the trunk each, with where they lie, and what the trunk says
of them in the decoder's own tokens: the words for what they show, the places of the box that they belong to. Behind it
come words, tags and 1,024 place tokens, all in one vocabulary.

The published model is that, large, and learns from 90 million pictures where things are. A small one that has minutes
gets two aids: its last layer looks at the patches once more (`PatchLook`), is shown in training where to look, and may
copy the box of what it looks at instead of spelling it out of its vocabulary.

Source: Kosmos-2, Peng et al. 2023, arXiv:2306.14824, section 3: a causal language model behind an image encoder; there
64 latent queries resample the picture, here its patches are merged. Words beside the features of what they show: Oscar,
Li et al. 2020, arXiv:2004.06165, section 3. Copying: pointer-generator, See et al. 2017, arXiv:1704.04368, equation 9.
Notebook: 12.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.box_tokens.cell_pairs import BETWEEN, GRID, OPEN, encode_cells
from gk_utils.box_tokens.detector import SCALE, smooth_noise
from gk_utils.kosmos2.grounded_text import GROUNDING, GroundedText, ReadText, parse_grounded
from gk_utils.kosmos2.hyperlink_grammar import HyperlinkGrammar
from gk_utils.kosmos2.kosmos_samples import (
    ANSWER,
    PLACE,
    PLACES,
    WORD,
    Rows,
    first_place,
    kosmos_tokens,
    phrase_prompt,
    question_prompt,
)
from gk_utils.models.places import place_encoding
from gk_utils.models.trunk import LABELS, Seen, Trunk
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.models.vlm import Cache, VisionLanguageModel, VLMSettings

SHOWN = tuple(f"facing {value}" if name == "facing" else value for name in LABELS for value in LABELS[name] if value)
STEPS = {"caption": 110, "answer": 24, "phrase": 20}  # tokens at most


@dataclass(frozen=True, eq=False)
class Patches:
    """What the decoder has of b pictures: vectors (b p d) of the patches and the cells (b p 2) of their boxes."""

    vectors: Float[Tensor, "b p d"]
    cells: Int[Tensor, "b p 2"]

    def of(self, rows: Int[Tensor, " r"]) -> "Patches":
        """Those of some rows."""
        return Patches(self.vectors[rows], self.cells[rows])


class PatchLook(nn.Module):
    """The last look at the patches: where, what is there, and whether to copy the box from there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.copies = nn.Linear(width, 1)

    def forward(
        self, x: Float[Tensor, "b t d"], vectors: Float[Tensor, "b p d"]
    ) -> tuple[Float[Tensor, "b t p"], Float[Tensor, "b t d"]]:
        """Logits of where to look, and x with what is there added."""
        scores = self.query(x) @ self.key(vectors).transpose(1, 2) / x.shape[-1] ** 0.5
        return scores, x + scores.softmax(-1) @ self.value(vectors)


class MiniKosmos(nn.Module):
    """The decoder; `loss` to train, the others to answer. `features` are `patch_features` of the pictures.

    >>> kosmos = MiniKosmos(VLMSettings(tokens=len(kosmos_tokens()), feature_width=24, width=32, heads=2, layers=1))
    >>> len(kosmos.write(torch.zeros(2, 16, 24 + len(SHOWN) + 2), [[1, 3], [1, 3]], steps=5))
    2
    """

    def __init__(self, settings: VLMSettings) -> None:
        """Random weights; `feature_width` is the trunk's. Close places have embeddings that are alike."""
        super().__init__()
        width = settings.width
        self.decoder = VisionLanguageModel(replace(settings, feature_width=4 * width))
        self.see, self.corners = nn.Linear(settings.feature_width, width), nn.Linear(2 * width, width, bias=False)
        self.norm, self.look = nn.LayerNorm(width), PatchLook(width)
        tokens, first = kosmos_tokens(), first_place()
        share = torch.zeros(len(SHOWN), len(tokens))
        for row, shown in enumerate(SHOWN):
            ids = tokens.encode(shown)
            share[row, ids] = 1 / len(ids)
        self.register_buffer("share", share[:, tokens.first_word :], persistent=False)
        with torch.no_grad():
            table = self.decoder.embedding.weight
            table.normal_(std=SCALE)
            rows, columns = smooth_noise(GRID, width), smooth_noise(GRID, width)
            table[first : first + PLACES] = SCALE * ((rows[:, None] + columns[None]) / 2**0.5).flatten(0, 1)

    def patches(self, features: Float[Tensor, "b p f"]) -> Patches:
        """Vectors of the patches: features, the words for what they show, the places of their boxes."""
        plain, shown, cells = features.split([features.shape[-1] - len(SHOWN) - 2, len(SHOWN), 2], -1)
        cells = cells.round().long()
        table = self.decoder.embedding.weight / SCALE  # fresh embeddings: about 1
        words = shown @ (self.share @ table[kosmos_tokens().first_word :])
        x = self.see(plain) + words + self.corners(table[first_place() + cells].flatten(-2))
        return Patches(self.norm(x), cells)

    def prefix(self, patches: Patches) -> Float[Tensor, "b n d"]:
        """The positions before the text: 2 x 2 patches each, row by row."""
        b, p, d = patches.vectors.shape
        side = round(p**0.5)
        grid = patches.vectors.view(b, side // 2, 2, side // 2, 2, d).transpose(2, 3)
        return self.decoder.projector(grid.reshape(b, p // 4, 4 * d))

    def loss(
        self, features: Float[Tensor, "s p f"], groups: Sequence[Rows], owned: Bool[Tensor, "s n p"]
    ) -> dict[str, Tensor]:
        """Cross-entropy of the next token: the sum of the means over words, over places, over answers, and of looks.

        The pictures go through the decoder once, whatever is said of them. `looks` is minus the log of how much it
        looks at patches of the things that a token is about; `places_sure` and `answers_sure` are mean probabilities.

        Args:
            features: of s pictures.
            groups: rows of about one length each.
            owned: which patches belong to which of the n things.
        """
        patches, picture = self.patches(features), Cache()
        x = self.prefix(patches)
        self.decoder.decode(x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device), picture, wanted=1)
        lost: dict[str, list[Tensor]] = {"words": [], "places": [], "answers": [], "looks": []}
        for rows in groups:
            if not len(rows.tokens):
                continue
            cache = Cache(
                [key[rows.scene] for key in picture.keys],
                [value[rows.scene] for value in picture.values],
                picture.seen[rows.scene],
            )
            for name, values in self._lost(rows, cache, patches.of(rows.scene), owned[rows.scene]).items():
                lost[name].append(values)
        parts = {name: torch.cat(values) for name, values in lost.items()}
        means = {name: values.sum() / max(len(values), 1) for name, values in parts.items()}
        sure = {f"{name}_sure": (-parts[name]).exp().sum() / max(len(parts[name]), 1) for name in ("places", "answers")}
        return {"loss": sum(means.values()), **means, **sure}

    def _lost(
        self, rows: Rows, cache: Cache, patches: Patches, owned: Bool[Tensor, "b n p"]
    ) -> dict[str, Float[Tensor, " _"]]:
        """Minus the log-probability of the tokens of each kind, and of looks."""
        before, after, role = rows.tokens[:, :-1], rows.tokens[:, 1:], rows.role[:, 1:]
        x = self.decoder.decode(self.decoder.embedding(before), torch.ones_like(before, dtype=torch.bool), cache)
        scores, seen = self.look(x, patches.vectors)
        learned, placed, things = role > 0, role == PLACE, rows.things[:, 1:]
        plain = -functional.cross_entropy(self.decoder.score(seen[learned]), after[learned], reduction="none")
        row = placed.nonzero()[:, 0]
        corner = corners_of(before)[placed] - 1
        cells = patches.cells[row, :, corner]
        there = cells == (after[placed] - first_place())[:, None]
        copied = (scores[placed].float().softmax(-1) * there).sum(-1)
        share = self.look.copies(x[placed]).sigmoid()[:, 0].float()
        mixed = share * copied + (1 - share) * plain[role[learned] == PLACE].exp()
        about = things.any(-1)
        wanted = torch.einsum("mn,mnp->mp", things[about].float(), owned[about.nonzero()[:, 0]].float()) > 0
        looked = scores[about].float().log_softmax(-1).masked_fill(~wanted, -torch.inf)
        return {
            "words": -plain[role[learned] == WORD],
            "answers": -plain[role[learned] == ANSWER],
            "places": -mixed.clamp(min=1e-9).log(),
            "looks": -looked[wanted.any(-1)].logsumexp(-1),
        }

    @torch.no_grad()
    def write(self, features: Float[Tensor, "b p f"], prompts: Sequence[Sequence[int]], steps: int) -> list[list[int]]:
        """The likeliest tokens after each prompt, by the grammar, without the end; prompts may differ in length."""
        patches, written = self.patches(features), [[] for _ in prompts]
        for length in sorted({len(prompt) for prompt in prompts}):
            rows = torch.tensor([row for row, prompt in enumerate(prompts) if len(prompt) == length])
            prompt = torch.tensor([prompts[row] for row in rows.tolist()], device=features.device)
            found = self._write(patches.of(rows.to(features.device)), prompt, steps)
            for row, ids in zip(rows.tolist(), found.tolist(), strict=True):
                written[row] = ids[: ids.index(kosmos_tokens().end)] if kosmos_tokens().end in ids else ids
        return written

    def _write(self, patches: Patches, prompt: Int[Tensor, "b t"], steps: int) -> Int[Tensor, "b k"]:
        """Greedy, for prompts of one length."""
        grammar, end, cache = HyperlinkGrammar(prompt), kosmos_tokens().end, Cache()
        x = torch.cat([self.prefix(patches), self.decoder.embedding(prompt)], 1)
        text, start = prompt, prompt.shape[1]
        for _ in range(steps):
            seen = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
            last = self.decoder.decode(x, seen, cache, wanted=1)
            shares = self._shares(last, patches, text).masked_fill(~grammar(text[:, start:]), -1.0)
            ended = (text[:, start:] == end).any(1)
            text = torch.cat([text, torch.where(ended, end, shares.argmax(-1))[:, None]], 1)
            if bool((text[:, start:] == end).any(1).all()):
                break
            x = self.decoder.embedding(text[:, -1:])
        return text[:, start:]

    def _shares(self, last: Float[Tensor, "b 1 d"], patches: Patches, text: Int[Tensor, "b t"]) -> Float[Tensor, "b v"]:
        """Probabilities of the next token."""
        scores, seen = self.look(last, patches.vectors)
        shares = self.decoder.score(seen)[:, 0].softmax(-1)
        corner = corners_of(text)[:, -1]
        cells = patches.cells.gather(2, (corner - 1).clamp(min=0)[:, None, None].expand(-1, patches.cells.shape[1], 1))
        copied = torch.zeros_like(shares).scatter_add(
            1, first_place() + cells[..., 0], scores[:, 0].float().softmax(-1)
        )
        share = self.look.copies(last[:, 0]).sigmoid().float() * (corner > 0)[:, None]
        return share * copied + (1 - share) * shares

    def captions(self, features: Float[Tensor, "b p f"], start: str = "") -> list[ReadText]:
        """A caption with boxes for each picture; all begin with `start`."""
        tokens = kosmos_tokens()
        prompt = [tokens.start, tokens.ids[GROUNDING], *tokens.encode(start)]
        written = self.write(features, [prompt] * len(features), STEPS["caption"])
        return [parse_grounded(tokens.decode([*prompt, *ids])) for ids in written]

    def answers(
        self, features: Float[Tensor, "b p f"], questions: Sequence[str], *, grounded: bool = False
    ) -> list[GroundedText]:
        """The answer to one question a picture, in its words; `grounded`: with the boxes that go with it."""
        prompts = [question_prompt(question, grounded=grounded) for question in questions]
        written = self.write(features, prompts, STEPS["answer"])
        return [parse_grounded(kosmos_tokens().decode(ids)).grounded for ids in written]

    def boxes_unit(self, features: Float[Tensor, "b p f"], phrases: Sequence[str]) -> list[Float[Tensor, "_ 4"]]:
        """The boxes of one phrase a picture, in the order written, as parts of the picture."""
        prompts = [phrase_prompt(phrase) for phrase in phrases]
        written = self.write(features, prompts, STEPS["phrase"])
        texts = [kosmos_tokens().decode([*prompt, *ids]) for prompt, ids in zip(prompts, written, strict=True)]
        said = [parse_grounded(text).grounded for text in texts]
        return [one.boxes(0, (1, 1)) if one.spans else torch.zeros(0, 4) for one in said]


def corners_of(text: Int[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    """What comes behind each token of a text: 1, the first corner of a box; 2, its second; 0, anything else."""
    tag, first = kosmos_tokens().ids, first_place()
    place = (text >= first) & (text < first + PLACES)
    second = place & ~functional.pad(place, (1, 0))[:, :-1]
    return ((text == tag[OPEN]) | (text == tag[BETWEEN])).long() + 2 * second.long()


def patch_features(trunk: Trunk, seen: Seen) -> Float[Tensor, "s p f"]:
    """What the model is told of each patch: features and place, how surely it shows each of SHOWN, its box's cells.

    The cells are whole numbers up to 1023, which half precision keeps.

    >>> trunk = frozen_trunk("trunk_small")
    >>> features = patch_features(trunk, trunk.see(torch.zeros(1, 3, 128, 128)))
    >>> features.shape == (1, 64, 128 + len(SHOWN) + 2)
    True
    """
    places = seen.features + place_encoding(trunk.centres_unit, trunk.settings.width)
    something = 1 - seen.labels["category"].softmax(-1)[..., :1]
    shares = []
    for name, logits in seen.labels.items():
        values = logits.softmax(-1)[..., [value is not None for value in LABELS[name]]]
        shares.append(values if name == "category" else something * values)
    cells = encode_cells(seen.boxes_unit.clamp(0, 1), (1.0, 1.0))
    return torch.cat([places, *shares, cells.to(places)], -1)


def build_kosmos(settings: Mapping[str, Any]) -> MiniKosmos:
    """A mini model with random weights for the trunk that the settings name; what is no size of it is left out."""
    known = {name: value for name, value in settings.items() if name in VLMSettings.__dataclass_fields__}
    width = frozen_trunk(settings["trunk"]).settings.width
    return MiniKosmos(VLMSettings(**{**known, "tokens": len(kosmos_tokens()), "feature_width": width}))
