"""A tiny Grounding DINO of transformers with weights that matter, a tiny one of ours, and inputs for both."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from gk_utils.grounding_dino.dino import GroundingDino
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.prompts import Words, sub_sentences
from gk_utils.grounding_dino.pyramid import Cells, Pyramid

TINY = GroundingDinoSettings(
    **{"width": 32, "heads": 2, "inner": 32, "enhancer_layers": 1, "decoder_layers": 2},
    **{"levels": 3, "points": 2, "queries": 6, "max_tokens": 16, "separators": (1, 2)},
)
IDS = torch.tensor([[1, 5, 6, 2, 7, 2, 1], [1, 8, 2, 1, 0, 0, 0]])


class Maps(nn.Module):
    """An image backbone: two maps, at a quarter and at an 8th."""

    channels = (8, 16)

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 8, 4, stride=4), nn.Conv2d(3, 16, 8, stride=8)

    def forward(self, images: Tensor) -> list[Tensor]:
        return [self.fine(images), self.coarse(images)]


class Bag(nn.Module):
    """A text encoder: the mean of the words that a word may read, and its place."""

    width = 8

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, 8), nn.Embedding(16, 8)

    def forward(self, input_ids: Tensor, attends: Tensor, positions: Tensor) -> Tensor:
        share = attends / attends.sum(-1, keepdim=True)
        return share.to(self.words.weight.dtype) @ self.words(input_ids) + self.places(positions)


def randomise(module: nn.Module, seed: int = 0, scale: float = 0.15) -> nn.Module:
    """Weights that all matter: what begins at zero does not stay there."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(scale * torch.randn_like(value) + float("norm" in name and name.endswith("weight")))
    return module.eval()


def tiny_model(**change: object) -> GroundingDino:
    return randomise(GroundingDino(GroundingDinoSettings(**{**vars(TINY), **change}), Maps(), Bag()))


def tiny_cells(pixels_seen: Tensor | None = None, seed: int = 0) -> Cells:
    """Cells of two random pictures of 32 x 48."""
    torch.manual_seed(seed)
    seen = torch.ones(2, 32, 48, dtype=torch.bool) if pixels_seen is None else pixels_seen
    pyramid = Pyramid(TINY, Maps())
    with torch.no_grad():
        return pyramid(Maps(), torch.randn(2, 3, 32, 48), seen)


def tiny_words(seed: int = 0) -> Words:
    torch.manual_seed(seed)
    return Words(torch.randn(*IDS.shape, 32), IDS != 0, *sub_sentences(IDS, TINY.separators))


def theirs(kind: str = "GroundingDino", **change: object) -> nn.Module:
    """A tiny model of transformers, `kind` its name before ForObjectDetection."""
    import transformers

    swin = {"image_size": 64, "embed_dim": 16, "depths": [1] * 4, "num_heads": [1, 1, 2, 2], "window_size": 4}
    bert = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    sizes = {
        **{"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32},
        **{"encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_queries": 10, "max_text_len": 16},
    }
    config = getattr(transformers, f"{kind}Config")(
        backbone_config=transformers.SwinConfig(**swin, out_features=["stage2", "stage3", "stage4"]),
        text_config=transformers.BertConfig(**bert, vocab_size=1040, max_position_embeddings=64),
        **{**sizes, **change},
    )
    return randomise(getattr(transformers, f"{kind}ForObjectDetection")(config))


def inputs() -> SimpleNamespace:
    """Three pictures of unlike sizes and three prompts of unlike lengths, one without its final dot."""
    torch.manual_seed(1)
    ids = torch.tensor(
        [
            [101, 1030, 1031, 1012, 1032, 1012, 1035, 1036, 1012, 102],
            [101, 1033, 1012, 102, 0, 0, 0, 0, 0, 0],
            [101, 1033, 1034, 1029, 1035, 102, 0, 0, 0, 0],
        ]
    )
    pixels = torch.ones(3, 75, 100, dtype=torch.bool)
    pixels[1, 50:] = False
    pixels[2, :, 60:] = False
    pixels[2, 70:] = False
    return SimpleNamespace(images=torch.randn(3, 3, 75, 100), ids=ids, words=ids != 0, pixels=pixels)
