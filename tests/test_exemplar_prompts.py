"""Words and examples as prompts."""

import pytest
import torch

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.countable_words import WORDS
from gk_utils.counting.exemplar_prompts import NO_WORD, PromptReader, Prompts


def reader(**options: bool) -> PromptReader:
    torch.manual_seed(0)
    return PromptReader(8, **{"words": True, "examples": True, **options}).eval()


FEATURES = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(1))
BOXES = [torch.tensor([[4.0, 4, 12, 12], [16, 16, 28, 24]]), torch.tensor([[0.0, 0, 8, 8]])]


class TestPrompts:
    def test_one_each(self):
        prompts = Prompts.one_each([2, NO_WORD], BOXES)
        assert len(prompts) == 2
        assert prompts.owner.tolist() == [0, 0, 1]
        assert prompts.picture.tolist() == [0, 1]

    def test_none(self):
        prompts = Prompts.one_each([], [])
        assert (len(prompts), prompts.boxes.shape) == (0, (0, 4))
        assert len(Prompts.one_each([1, 1]).boxes) == 0

    def test_moved(self):
        moved = Prompts.one_each([2, NO_WORD], BOXES).to("cpu")
        assert torch.equal(moved.boxes, torch.cat(BOXES))


class TestPromptReader:
    def test_words_alone(self):
        net = reader(examples=False)
        vector, maps = net(FEATURES, Prompts.one_each([0, 5]), 4)
        assert maps.shape == (2, net.maps, 8, 8)
        assert net.maps == 1
        assert torch.equal(vector, net.word.weight[[0, 5]])
        names = net.names(FEATURES)
        assert torch.allclose(maps[:, 0], torch.stack([names[0, 0], names[1, 5]]).tanh(), atol=1e-5)

    def test_a_control_that_reads_nothing_knows_no_word(self):
        net = reader(words=False, examples=False)
        vector, maps = net(FEATURES, Prompts.one_each([0, 5], BOXES), 4)
        assert torch.equal(vector, net.word.weight[[len(WORDS)] * 2])
        assert maps is None

    def test_maps_of_examples(self):
        net = reader()
        vector, maps = net(FEATURES, Prompts.one_each([0, NO_WORD], BOXES), 4)
        assert (vector.shape, maps.shape) == ((2, 8), (2, net.maps, 8, 8))
        likeness = maps[:, -2:]
        assert (likeness.abs() <= 1 + 1e-5).all()
        assert (likeness[:, 1] >= likeness[:, 0] - 1e-6).all()  # the most is no less than the mean

    def test_the_place_of_the_example_is_like_it(self):
        """On a map with one odd region, an example of it is likest there."""
        features = torch.full((1, 8, 8, 8), 0.2)
        features[:, :4, 4:6, 4:6] = 3.0
        net = reader()
        _, maps = net(features, Prompts.one_each([NO_WORD], [torch.tensor([[16.0, 16, 24, 24]])]), 4)
        likeness = maps[0, -1]
        assert likeness[4:6, 4:6].min() > likeness[:4].max()

    def test_order_of_examples_does_not_matter(self):
        net = reader()
        first = net(FEATURES[:1], Prompts.one_each([0], BOXES[:1]), 4)
        second = net(FEATURES[:1], Prompts.one_each([0], [BOXES[0].flip(0)]), 4)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(first, second, strict=True))

    def test_questions_in_a_batch_do_not_disturb_each_other(self):
        net = reader()
        both = net(FEATURES, Prompts.one_each([0, 3], BOXES), 4)
        alone = net(FEATURES[1:], Prompts.one_each([3], BOXES[1:]), 4)
        assert torch.allclose(both[0][1:], alone[0], atol=1e-5)
        assert torch.allclose(both[1][1:], alone[1], atol=1e-5)

    def test_without_examples(self):
        net = reader()
        _, maps = net(FEATURES, Prompts.one_each([0, 3]), 4)
        assert (maps[:, -2:] == 0).all()
        assert maps.isfinite().all()

    def test_no_word_fits_nothing(self):
        _, maps = reader()(FEATURES, Prompts.one_each([0, NO_WORD], BOXES), 4)
        assert maps[0, 0].abs().sum() > 0
        assert (maps[1, 0] == 0).all()

    def test_names_of_places(self):
        names = reader().names(FEATURES)
        assert names.shape == (2, len(CATEGORIES) + 1, 8, 8)

    def test_gradient_reaches_the_picture(self):
        features = FEATURES.clone().requires_grad_()
        vector, maps = reader()(features, Prompts.one_each([0, 3], BOXES), 4)
        (vector.sum() + maps.sum()).backward()
        assert features.grad.abs().sum() > 0

    @pytest.mark.parametrize("words", [True, False])
    def test_a_word_counts_only_where_it_is_read(self, words):
        net = reader(words=words)
        first, second = (net(FEATURES, Prompts.one_each(some, BOXES), 4)[0] for some in ([0, 0], [1, 1]))
        assert torch.equal(first, second) is not words
