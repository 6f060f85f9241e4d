r"""Grounding DINO from the top: pictures and prompts in, boxes with a fit for every token out.

    pictures -> image backbone -> pyramid of cells \
                                                     enhancer -> query selection -> decoder -> boxes, fits
    prompts  -> text encoder   -> words            /

Read on in this order: `prompts`, `pyramid`, `enhancer`, `query_selection`, `cross_decoder`; for training
`denoising` and `set_loss`; `phrases` turns the result into words. Equal to GroundingDinoForObjectDetection of
transformers on equal weights, which `published_dino` loads.

Source: Liu et al. 2023, "Grounding DINO: Marrying DINO with Grounded Pre-Training", arXiv:2303.05499; code
IDEA-Research/GroundingDINO at ed4c52e. Notebook: 07.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.grounding_dino.cross_decoder import Decoded, Decoder
from gk_utils.grounding_dino.denoising import Denoiser, Noised
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings, ImageBackbone, TextEncoder
from gk_utils.grounding_dino.enhancer import Enhancer
from gk_utils.grounding_dino.prompts import Words, sub_sentences
from gk_utils.grounding_dino.pyramid import Cells, Pyramid
from gk_utils.grounding_dino.query_selection import QuerySelection, Selected
from gk_utils.grounding_dino.set_loss import Targets


@dataclass(frozen=True, eq=False)
class Found:
    """What the model says of b pictures with q queries and prompts of t tokens.

    Attributes:
        decoded: after each decoder layer; the last is the answer, training looks at all.
        selected: what the queries started from.
        cells, words: after the enhancer; half_way: (b s d) the cells' features half way through it.
        noised, denoised: what training added to the queries, and what came of it; None without.
    """

    decoded: Decoded
    selected: Selected
    cells: Cells
    words: Words
    half_way: Float[Tensor, "b s d"]
    noised: Noised | None = None
    denoised: Decoded | None = None

    @property
    def logits(self) -> Float[Tensor, "b q t"]:
        """How well each query fits each token; minus infinity in padding. The sigmoid makes it a score."""
        return self.decoded.logits[-1]

    @property
    def boxes_cxcywh(self) -> Float[Tensor, "b q 4"]:
        """Centre and size of each query's box, as fractions of the picture without its padding."""
        return self.decoded.boxes_cxcywh[-1]


class GroundingDino(nn.Module):
    """The model around an image backbone and a text encoder; see `dino_settings` for what they must offer."""

    def __init__(
        self, settings: GroundingDinoSettings, image_backbone: ImageBackbone, text_encoder: TextEncoder
    ) -> None:
        super().__init__()
        self.settings = settings
        self.image_backbone, self.text_encoder = image_backbone, text_encoder
        self.text_projection = nn.Linear(text_encoder.width, settings.width)
        self.pyramid = Pyramid(settings, image_backbone)
        self.enhancer = Enhancer(settings)
        self.selection = QuerySelection(settings)
        self.decoder = Decoder(settings)
        self.denoiser = Denoiser(settings) if settings.denoising_groups else None

    def forward(
        self,
        images: Float[Tensor, "b 3 h w"],
        input_ids: Int[Tensor, "b t"],
        words_seen: Bool[Tensor, "b t"] | None = None,
        pixels_seen: Bool[Tensor, "b h w"] | None = None,
    ) -> Found:
        """Look for what each prompt names in its picture: `see`, then `find`."""
        return self.find(self.see(images, pixels_seen), input_ids, words_seen)

    def see(self, images: Float[Tensor, "b 3 h w"], pixels_seen: Bool[Tensor, "b h w"] | None = None) -> Cells:
        """The cells of pictures, before any words.

        Args:
            images: normalised as the image backbone wants them, padded at the right and at the bottom.
            pixels_seen: False in padding; None: there is none.
        """
        if pixels_seen is None:
            pixels_seen = images.new_ones(images.shape[0], *images.shape[2:], dtype=torch.bool)
        return self.pyramid(self.image_backbone, images, pixels_seen)

    def find(
        self,
        cells: Cells,
        input_ids: Int[Tensor, "b t"],
        words_seen: Bool[Tensor, "b t"] | None = None,
        targets: Targets | None = None,
    ) -> Found:
        """Look for what each prompt names, one prompt for each picture of `cells`.

        Args:
            cells: what `see` made of the pictures.
            input_ids: tokens of the prompts; see `prompts.write_prompt`.
            words_seen: False in padding; None: there is none.
            targets: what there is to find, for denoising in training; None without.

        Raises:
            ValueError: a prompt with too many tokens, pictures with fewer cells than there are queries.
        """
        if input_ids.shape[1] > self.settings.max_tokens:
            raise ValueError(
                f"input_ids: expected at most {self.settings.max_tokens} tokens, got {input_ids.shape[1]}. "
                "Ask for fewer phrases at once."
            )
        if words_seen is None:
            words_seen = torch.ones_like(input_ids, dtype=torch.bool)
        attends, positions = sub_sentences(input_ids, self.settings.separators)
        features = self.text_projection(self.text_encoder(input_ids, attends, positions))
        words = Words(features, words_seen, attends, positions)
        cells, words, half_way = self.enhancer(cells, words)
        selected = self.selection(cells, words)
        start = (selected.contents, selected.references)
        if self.denoiser is None or targets is None:
            decoded = self.decoder(*start, cells, words)
            return Found(decoded, selected, cells, words, half_way)
        noised = self.denoiser(targets, words.features, self.settings.queries)
        m = noised.contents.shape[1]
        start = (torch.cat(pair, 1) for pair in zip((noised.contents, noised.references), start, strict=True))
        both = self.decoder(*start, cells, words, noised.attends)
        denoised = Decoded(both.logits[:, :, :m], both.boxes_cxcywh[:, :, :m])
        decoded = Decoded(both.logits[:, :, m:], both.boxes_cxcywh[:, :, m:])
        return Found(decoded, selected, cells, words, half_way, noised, denoised)
