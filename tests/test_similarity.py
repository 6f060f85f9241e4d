import pytest
import tiny_models
import torch
from torch.testing import assert_close

from gk_utils import hub
from gk_utils.hub.half_precision import to_picture

IMAGES = [tiny_models.image(), 1 - tiny_models.image()[:, :60]]
TEXTS = ["a red cat", "a dog on the ball", "the mug"]


@pytest.fixture(scope="module")
def clip():
    return hub.load("clip-vit-large", "cpu", folder=tiny_models.folder("clip"))


class TestSimilarities:
    def test_as_transformers_says(self, clip):
        model, processor = hub.load_transformers("clip-vit-large", "cpu", folder=tiny_models.folder("clip"))
        batch = processor(images=[to_picture(one) for one in IMAGES], text=TEXTS, padding=True, return_tensors="pt")
        with torch.no_grad():
            logits = model(**batch).logits_per_image
        assert_close(clip.similarities(IMAGES, TEXTS) * clip.temperature, logits, atol=1e-5, rtol=1e-4)
        assert_close(clip.probabilities(IMAGES, TEXTS), logits.softmax(-1), atol=1e-5, rtol=1e-4)

    def test_a_long_text_is_cut(self, clip):
        assert clip.similarities(IMAGES, ["the cat on the left of a blue ball " * 5]).shape == (2, 1)

    def test_nothing_to_compare(self, clip):
        with pytest.raises(ValueError, match="images: expected at least one"):
            clip.similarities([], TEXTS)
        with pytest.raises(ValueError, match="phrases: expected words"):
            clip.similarities(IMAGES, [])


class TestProbabilities:
    def test_they_add_up(self, clip):
        assert_close(clip.probabilities(IMAGES, TEXTS).sum(-1), torch.ones(2))
