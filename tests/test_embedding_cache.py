import pytest
import torch

from gk_utils.grounded_sam.embedding_cache import EmbeddingCache, picture_key


class TestPictureKey:
    def test_what_is_the_same(self):
        image = torch.rand(3, 4, 6)
        assert picture_key(image) == picture_key(image.clone())
        assert picture_key(image) == picture_key(image.permute(1, 2, 0).contiguous().permute(2, 0, 1))

    def test_what_is_not(self):
        image = torch.zeros(3, 4, 6)
        one_more = image.clone()
        one_more[2, 3, 5] = 1e-6
        others = [one_more, image.transpose(1, 2), image.double(), torch.zeros(3, 6, 4), image.to(torch.uint8)]
        assert len({picture_key(each) for each in (image, *others)}) == 5  # two of them are 6 x 4


class TestEmbeddingCache:
    def test_the_longest_unused_one_goes(self):
        cache = EmbeddingCache(2)
        cache["a"], cache["b"] = 1, 2
        assert cache["a"] == 1
        cache["c"] = 3
        assert ("a" in cache, "b" in cache, "c" in cache, len(cache)) == (True, False, True, 2)

    def test_size(self):
        with pytest.raises(ValueError, match="size: expected 1 or more, got 0"):
            EmbeddingCache(0)
