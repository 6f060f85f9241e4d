"""Head C: a box as text, character by character, written by the same small decoder as head A.

Its vocabulary are the characters of a published format, here Qwen-VL's: `(12,40),(300,410)` between its two special
tokens `<box>`, which starts the answer, and `</box>`, which ends it. What it writes may be no box: the total parser
reads it, and says what was wrong.

Source: Qwen-VL, Bai et al. 2023, arXiv:2308.12966, section 3.1 (format; its tokenizer splits numbers into digits).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.boxes import clip_boxes
from gk_utils.heads.lookups import Answered, Lookups
from gk_utils.models.vlm import VisionLanguageModel, VLMSettings
from gk_utils.text_coordinates.parsing import parse_boxes
from gk_utils.text_coordinates.rendering import render_boxes

FORMAT = "qwen_vl"
START, END = "<box>", "</box>"
TOKENS = (START, END, *"0123456789(),")
LONGEST = len("(999,999),(999,999)") + 1  # tokens, with the one that ends the answer
PADDING = -100  # a target that counts nothing
# Numbers run from 0 to 999 on each side whatever the picture's size: a picture of this size writes fractions as text.
UNIT_HW = (999, 999)


class TextHead(nn.Module):
    """A decoder over TOKENS.

    >>> from gk_utils.heads.lookups import Lookups
    >>> seen, present = torch.ones(2, 3, dtype=torch.bool), torch.tensor([True, True])
    >>> boxes = torch.tensor([[0.1, 0.1, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]])
    >>> lookups = Lookups(torch.zeros(2, 19, 24), seen, boxes, present, torch.zeros(2))
    >>> sorted(TextHead(24, heads=2).loss(lookups))
    ['hit', 'loss']
    """

    def __init__(self, width: int, heads: int = 4, layers: int = 2) -> None:
        """A head for features of this width."""
        super().__init__()
        settings = VLMSettings(len(TOKENS), width, width=width, heads=heads, layers=layers, inner=2 * width)
        self.decoder = VisionLanguageModel(settings)

    def loss(self, lookups: Lookups) -> dict[str, Float[Tensor, ""]]:
        """Cross-entropy per token over the expressions that mean something; and the share of tokens that are right."""
        there = lookups[lookups.present]
        tokens = encode_texts(write_boxes(there.boxes_unit)).to(there.features.device)
        targets = tokens[:, 1:]
        logits = self.decoder(there.features, tokens[:, :-1].clamp(min=0), there.seen)
        counts = (targets != PADDING).sum().clamp(min=1)
        flat = logits.flatten(0, 1)
        lost = functional.cross_entropy(flat, targets.flatten(), ignore_index=PADDING, reduction="sum") / counts
        return {"loss": lost, "hit": (flat.argmax(1) == targets.flatten()).sum() / counts}

    @torch.no_grad()
    def answer(self, lookups: Lookups, image_hw: tuple[int, int], beams: int = 1) -> Answered:
        """What is written for every expression, and the box that it says, in pixels of a picture of this size.

        Nothing keeps the head from writing what is no box; the first box of an answer counts, corners put in order.
        """
        device = lookups.features.device
        start = torch.zeros(len(lookups), 1, dtype=torch.long, device=device)
        tokens = self.decoder.write(
            lookups.features, start, LONGEST, lookups.seen, beams=beams, end=TOKENS.index(END)
        ).tokens
        texts = tuple(map(decode_tokens, tokens.tolist()))
        boxes, readable = torch.zeros(len(texts), 4), torch.zeros(len(texts), dtype=torch.bool)
        for row, text in enumerate(texts):
            found = parse_boxes(text, FORMAT)
            if len(found.boxes_in_frame):
                boxes[row], readable[row] = clip_boxes(found.to_pixels(image_hw)[:1], image_hw)[0], True
        ended = (tokens == TOKENS.index(END)).cumsum(1)
        return Answered(boxes.to(device), readable.to(device), (ended == 0).sum(1) + ended.amax(1).clamp(max=1), texts)


def write_boxes(boxes_unit: Float[Tensor, "e 4"]) -> list[str]:
    """Each box as a text of its own.

    >>> write_boxes(torch.tensor([[0.0, 0.25, 0.5, 1.0]]))
    ['<box>(0,250),(500,999)</box>']
    """
    boxes = boxes_unit.detach().float().cpu() * UNIT_HW[0]
    return render_boxes(boxes, FORMAT, UNIT_HW).replace("</box>", "</box>\n").splitlines() if len(boxes) else []


def encode_texts(texts: list[str]) -> Int[Tensor, "e t"]:
    """Texts as numbers in TOKENS, padded behind with PADDING.

    Raises:
        ValueError: a character that is no token.

    >>> encode_texts(["<box>(7,", "<box>"])
    tensor([[   0,   12,    9,   14],
            [   0, -100, -100, -100]])
    """
    rows = []
    for text in texts:
        inside = text.removeprefix(START).removesuffix(END)
        pieces = [START] * text.startswith(START) + [*inside] + [END] * text.endswith(END)
        unknown = [piece for piece in pieces if piece not in TOKENS]
        if unknown:
            raise ValueError(f"texts: expected characters of {TOKENS}, got {unknown[0]!r} in {text!r}. Write with it.")
        rows.append(torch.tensor([TOKENS.index(piece) for piece in pieces], dtype=torch.long))
    if not rows:
        return torch.zeros(0, LONGEST + 1, dtype=torch.long)
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING)


def decode_tokens(tokens: list[int]) -> str:
    """The text of an answer, its start token put back, up to the first end token.

    >>> decode_tokens([12, 9, 14, 1, 1])
    '<box>(7,</box>'
    """
    end = TOKENS.index(END)
    length = tokens.index(end) + 1 if end in tokens else len(tokens)
    return START + "".join(TOKENS[token] for token in tokens[:length])
