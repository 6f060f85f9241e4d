"""Segment Anything from the top: embed a picture once, then ask for masks as often as you like.

    embedding = sam.embed(images)                              # slow, once a picture
    said = sam.ask(embedding, points, labels)                  # fast, once a prompt
    said.logits > 0, said.iou                                  # four masks a prompt, and how good each should be

Source: Kirillov et al. 2023, "Segment Anything", arXiv:2304.02643; code facebookresearch/segment-anything at dca509f.
Notebook: 08.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gk_utils.segment_anything.image_encoder import ImageEncoder
from gk_utils.segment_anything.mask_decoder import Decoded, MaskDecoder
from gk_utils.segment_anything.prompt_encoder import PromptEncoder
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels, as RGB in [0, 1]


class SegmentAnything(nn.Module):
    """The model: image encoder, prompt encoder, mask decoder.

    >>> sizes = {"image_side": 64, "width": 16, "layers": 1, "heads": 2, "inner": 32, "window": 2, "global_layers": ()}
    >>> sizes |= {"out_width": 32, "decoder_heads": 2, "decoder_inner": 32}
    >>> sam = SegmentAnything(SegmentAnythingSettings(**sizes))
    >>> embedding = sam.embed(torch.rand(1, 3, 64, 64))
    >>> sam.ask(embedding, torch.tensor([[[8.0, 9.0], [0.0, 0.0]]]), torch.tensor([[1, -1]])).logits.shape
    torch.Size([1, 4, 16, 16])
    """

    def __init__(self, settings: SegmentAnythingSettings) -> None:
        super().__init__()
        self.settings = settings
        self.image_encoder = ImageEncoder(settings)
        self.prompt_encoder = PromptEncoder(settings)
        self.mask_decoder = MaskDecoder(settings)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD)[:, None, None], persistent=False)

    def embed(self, images: Float[Tensor, "b 3 side side"]) -> Float[Tensor, "b d grid grid"]:
        """The embeddings of RGB pictures in [0, 1], of the model's size.

        Raises:
            ValueError: another size.
        """
        return self.image_encoder((images - self.mean) / self.spread)

    def ask(
        self,
        embeddings: Float[Tensor, "n d grid grid"],
        points: Float[Tensor, "n t 2"],
        labels: Int[Tensor, "n t"],
        masks: Float[Tensor, "n 1 side side"] | None = None,
    ) -> Decoded:
        """All masks of n prompts, each with the embedding of its picture.

        Args:
            embeddings: for several prompts about one picture, `embedding.expand(n, -1, -1, -1)`.
            points: x, y in pixels of the model's picture, counted by index; `with_corners` makes points of boxes.
            labels: what each point is, see `prompt_encoder`.
            masks: logits of earlier masks; None for prompts without.
        """
        tokens, maps = self.prompt_encoder(points, labels, masks)
        places = self.prompt_encoder.places.of_grid(self.settings.grid)
        return self.mask_decoder(embeddings + maps, places, tokens)
