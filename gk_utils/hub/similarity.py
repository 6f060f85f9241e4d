"""CLIP: how well a text fits a picture. It says whether, not where."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gk_utils.hub.half_precision import Loaded, to_picture
from gk_utils.hub.open_detectors import check_phrases


class PublishedClip:
    """CLIP. `similarities` are cosines; `temperature` turns them into the logits it was trained with."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.temperature = float(loaded.model.logit_scale.detach().exp())

    def similarities(
        self, images: Sequence[Float[Tensor, "3 _ _"]], texts: Sequence[str]
    ) -> Float[Tensor, "images texts"]:
        """The cosine of each picture's feature with each text's, in [-1, 1].

        Raises:
            ValueError: no pictures, no texts, or an empty text.
            HubError: the GPU's memory ran out.
        """
        check_phrases(texts)
        if not images:
            raise ValueError("images: expected at least one, got none. Pass a list of pictures.")
        loaded, options = self.loaded, {"padding": True, "truncation": True, "return_tensors": "pt"}
        batch = loaded.processor(images=[to_picture(image) for image in images], text=list(texts), **options)
        out = loaded.run(lambda: self._features(batch), lambda features: features)
        seen, read = (functional.normalize(part.float().cpu(), dim=-1) for part in out)
        return (seen @ read.T).clamp(-1, 1)

    def probabilities(
        self, images: Sequence[Float[Tensor, "3 _ _"]], texts: Sequence[str]
    ) -> Float[Tensor, "images texts"]:
        """For each picture which of the texts it goes with: a softmax over the texts."""
        return (self.temperature * self.similarities(images, texts)).softmax(-1)

    def _features(self, batch: Any) -> tuple[Tensor, Tensor]:
        given = self.loaded.inputs(batch)
        pixels = given.pop("pixel_values")
        seen = self.loaded.model.get_image_features(pixel_values=pixels)
        read = self.loaded.model.get_text_features(**given)
        return tuple(part if isinstance(part, torch.Tensor) else part.pooler_output for part in (seen, read))
