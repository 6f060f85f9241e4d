"""The dialogue model to talk to: a picture, questions with boxes or points in them, answers with boxes in them.

`Talker` answers many questions about many pictures at once; `Chat` holds one conversation about one picture, of any
size and shape: it is padded to a square as published, and boxes come back in its own pixels.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import Card
from gk_utils.models.trunk_grounder import SHIPPED, check_weights, frozen_trunk
from gk_utils.models.vlm import VisionLanguageModel
from gk_utils.shikra.shikra_recipe import build
from gk_utils.shikra.surest_patches import Look, join_looks, see_patches
from gk_utils.shikra.talk import Conversation, Mark, Utterance, read, spell
from gk_utils.shikra.talk_tokens import TalkTokens

NAMES = ("shikra", "shikra_small")  # the better one first
LONGEST = 160  # tokens in an answer
BATCH = 256  # prompts at once


class Talker:
    """The model with its trunk and its words.

    >>> settings = {"trunk": "trunk_small", "patches": 8, "width": 32, "heads": 2}
    >>> talker = Talker(build(settings), settings)
    >>> look = talker.look(torch.zeros(1, 3, 128, 128))
    >>> [type(answer).__name__ for answer in talker.answer(look, [0], [Conversation((read("user", "What is it?"),))])]
    ['Utterance']
    """

    def __init__(self, model: VisionLanguageModel, settings: Mapping[str, Any], name: str = "shikra") -> None:
        self.model, self.settings, self.name = model.eval(), settings, name
        self.tokens = TalkTokens(settings.get("words"))
        self.device = model.embedding.weight.device
        self.trunk = frozen_trunk(settings["trunk"], str(self.device))

    def look(self, images: Float[Tensor, "s 3 h w"]) -> Look:
        """What the model gets of square pictures of the trunk's side."""
        patches = self.settings["patches"]
        return join_looks([see_patches(self.trunk, some.to(self.device), patches) for some in images.split(64)])

    def answer(
        self, look: Look, pictures: Sequence[int], conversations: Sequence[Conversation], steps: int = LONGEST
    ) -> list[Utterance]:
        """What the assistant says at the end of conversations that end with a question; `pictures` are rows of `look`.

        Raises:
            ValueError: a word that the model does not know.
        """
        prompts = [self.tokens.encode_talk(each, open_turn=True) for each in conversations]
        answers: list[Utterance | None] = [None] * len(prompts)
        for rows in _by_length(prompts):
            at = torch.tensor([pictures[row] for row in rows], device=self.device)
            prompt = torch.tensor([prompts[row] for row in rows], device=self.device)
            written = self.model.write(look.features[at], prompt, steps, look.seen[at], end=self.tokens.end).tokens
            for row, ids in zip(rows, written.tolist(), strict=True):
                answers[row] = self.tokens.read_answer(ids)
        return answers

    @torch.no_grad()
    def log_odds(
        self, look: Look, pictures: Sequence[int], conversations: Sequence[Conversation], words: tuple[str, str]
    ) -> Float[Tensor, " c"]:
        """How much likelier the first word is to begin the answer than the second, as a difference of logits."""
        prompts = [self.tokens.encode_talk(each, open_turn=True) for each in conversations]
        first, second = (self.tokens.encode(word)[0] for word in words)
        odds = torch.zeros(len(prompts))
        for rows in _by_length(prompts):
            at = torch.tensor([pictures[row] for row in rows], device=self.device)
            prompt = torch.tensor([prompts[row] for row in rows], device=self.device)
            logits = self.model(look.features[at], prompt, look.seen[at])[:, -1].cpu()
            odds[rows] = logits[:, first] - logits[:, second]
        return odds


class Chat:
    """A conversation about one picture.

    >>> settings = {"trunk": "trunk_small", "patches": 8, "width": 32, "heads": 2}
    >>> talker = Talker(build(settings), settings)
    >>> chat = Chat(talker, torch.zeros(3, 48, 64))
    >>> chat.bracket(torch.tensor([[16.0, 12.0, 48.0, 36.0]]))
    '[0.250,0.313,0.750,0.688]'
    """

    def __init__(self, talker: Talker, image: Float[Tensor, "3 h w"]) -> None:
        """Look at a picture, RGB in [0, 1].

        Raises:
            ValueError: a picture without pixels.
        """
        self.talker, self.image_hw = talker, tuple(image.shape[1:])
        self.look = talker.look(pad_to_square(image, talker.trunk.settings.image_side)[None])
        self.conversation = Conversation()

    def ask(self, question: str) -> Utterance:
        """The answer to one more question, in the light of all before it.

        Raises:
            ValueError: a word that the model does not know; the conversation stays as it was.
        """
        asked = Conversation((*self.conversation.utterances, respelled(read("user", question))))
        (answer,) = self.talker.answer(self.look, [0], [asked])
        self.conversation = Conversation((*asked.utterances, answer))
        return answer

    def forget(self) -> None:
        """Begin a new conversation about the same picture."""
        self.conversation = Conversation()

    def bracket(self, regions: Float[Tensor, "n k"]) -> str:
        """Boxes (n 4) or points (n 2) in pixels of the picture, as words to put into a question."""
        height, width = self.image_hw
        side = max(self.image_hw)
        shift = regions.new_tensor([(side - width) // 2, (side - height) // 2] * (regions.shape[1] // 2))
        return spell(tuple(tuple(row) for row in ((regions + shift) / side).clamp(0, 1).tolist()))

    def boxes(self, mark: Mark) -> Float[Tensor, "n 4"]:
        """The boxes that a mark of an answer says, in pixels of the picture and inside it."""
        return clip_boxes(mark.to_pixels(self.image_hw), self.image_hw)


def respelled(said: Utterance) -> Utterance:
    """The same with every place in three decimals and corners in order, as the model has learned to read them.

    >>> respelled(read("user", "What is at [0.5,0.25], near [1,0]?")).text
    'What is at [0.500,0.250], near [1.000,0.000]?'
    """
    text = said.text
    for mark in reversed(said.marks):
        text = text[: mark.start] + spell(mark.places) + text[mark.end :]
    return read(said.role, text)


def pad_to_square(image: Float[Tensor, "3 h w"], side: int) -> Float[Tensor, "3 side side"]:
    """Grey above and below, or left and right, until the picture is square; then resized to this side.

    Source: Expand2square in shikras/shikra at 1204f10, mllm/dataset/utils/transform.py.

    >>> pad_to_square(torch.zeros(3, 2, 4), 4)[0, :, 0].tolist()
    [0.5, 0.0, 0.0, 0.5]

    Raises:
        ValueError: a picture without pixels.
    """
    height, width = image.shape[1:]
    if not height or not width:
        raise ValueError(f"image: expected pixels, got {height} x {width}. Check how it was cut.")
    whole = max(height, width)
    square = image.new_full((3, whole, whole), 0.5)
    top, left = (whole - height) // 2, (whole - width) // 2
    square[:, top : top + height, left : left + width] = image
    if whole == side:
        return square
    return functional.interpolate(square[None], (side, side), mode="bilinear", antialias=True)[0].clamp(0, 1)


def load_mini(name: str | os.PathLike | None = None, device: str | torch.device = "cpu") -> tuple[Talker, Card]:
    """The best dialogue model that the course ships, or the one of that name or in that folder, and its card.

    Raises:
        FileNotFoundError: there is none; says how to train it. ValueError: damaged, or no dialogue model.
    """
    tried = NAMES if name is None else (name,)
    folder = next((each for each in (SHIPPED / str(one) for one in tried) if each.is_dir()), None)
    if folder is None and name is not None and Path(name).is_dir():
        folder = Path(name)
    if folder is None:
        raise FileNotFoundError(
            f"name: expected {' or '.join(map(str, tried))} in {SHIPPED}, got none. "
            "Train it: python -m gk_utils train shikra_small"
        )
    card = checkpoints.verify(folder)
    if "tasks" not in card.settings or "patches" not in card.settings:
        raise ValueError(f"checkpoint: expected a dialogue model, got {card.recipe!r}. Name the folder of one.")
    check_weights(card, card.settings["trunk"])
    model = build(card.settings)
    checkpoints.load_into(model, folder)
    return Talker(model.to(device), card.settings, card.recipe), card


def _by_length(prompts: Sequence[Sequence[int]]) -> Iterable[list[int]]:
    """Rows with prompts of one length, BATCH at a time."""
    groups: dict[int, list[int]] = {}
    for row, prompt in enumerate(prompts):
        groups.setdefault(len(prompt), []).append(row)
    for rows in groups.values():
        yield from (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
