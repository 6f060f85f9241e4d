"""Embeddings of pictures, kept by what the pictures show and not by what they are called."""

import hashlib
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor


def picture_key(image: Tensor) -> str:
    """A picture's fingerprint: equal pixels of equal type and shape, equal key.

    >>> one, same, other = torch.zeros(3, 2, 2), torch.zeros(3, 2, 2), torch.ones(3, 2, 2)
    >>> picture_key(one) == picture_key(same), picture_key(one) == picture_key(other)
    (True, False)
    """
    pixels = image.detach().cpu().contiguous()
    about = f"{pixels.dtype} {tuple(pixels.shape)} ".encode()
    return hashlib.sha256(about + pixels.view(torch.uint8).numpy().tobytes()).hexdigest()


class EmbeddingCache:
    """At most `size` embeddings; the one that was not used for longest makes room.

    >>> cache = EmbeddingCache(1)
    >>> cache["a"], cache["b"] = 1, 2
    >>> "a" in cache, cache["b"]
    (False, 2)
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size: expected 1 or more, got {size}. It is how many embeddings are kept.")
        self.size = size
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: str) -> bool:
        return key in self._kept

    def __getitem__(self, key: str) -> Any:
        self._kept.move_to_end(key)
        return self._kept[key]

    def __setitem__(self, key: str, embedding: Any) -> None:
        self._kept[key] = embedding
        self._kept.move_to_end(key)
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
