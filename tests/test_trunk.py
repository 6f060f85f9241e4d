from dataclasses import replace

import pytest
import torch
from torch import nn

from gk_utils.models.trunk import LABELS, PADDING, UNKNOWN, Layer, Trunk, TrunkSettings

SMALL = TrunkSettings(("mug", "red", "the"), image_side=32, patch=8, width=24, heads=2, joint_layers=2)


@pytest.fixture
def trunk():
    torch.manual_seed(0)
    return Trunk(SMALL).eval()


def library_layer(layer: Layer, width: int, heads: int, growth: int) -> nn.TransformerEncoderLayer:
    """torch's own layer with the weights of ours."""
    theirs = nn.TransformerEncoderLayer(
        width, heads, growth * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    pairs = {
        theirs.self_attn.in_proj_weight: layer.query_key_value.weight,
        theirs.self_attn.in_proj_bias: layer.query_key_value.bias,
        theirs.self_attn.out_proj.weight: layer.project.weight,
        theirs.self_attn.out_proj.bias: layer.project.bias,
        theirs.linear1.weight: layer.mlp[0].weight,
        theirs.linear1.bias: layer.mlp[0].bias,
        theirs.linear2.weight: layer.mlp[2].weight,
        theirs.linear2.bias: layer.mlp[2].bias,
        theirs.norm1.weight: layer.norm_attention.weight,
        theirs.norm1.bias: layer.norm_attention.bias,
        theirs.norm2.weight: layer.norm_mlp.weight,
        theirs.norm2.bias: layer.norm_mlp.bias,
    }
    assert len(pairs) == len(list(theirs.parameters()))
    with torch.no_grad():
        for other, own in pairs.items():
            other.copy_(own)
    return theirs


class TestLayer:
    @pytest.mark.parametrize("masked", [False, True])
    def test_equals_the_library(self, masked):
        torch.manual_seed(0)
        layer = Layer(12, 3, 2).double()
        for value in layer.parameters():
            nn.init.normal_(value, std=0.5)
        theirs = library_layer(layer, 12, 3, 2)
        x = torch.randn(4, 7, 12, dtype=torch.double)
        seen = torch.rand(4, 7) > 0.4 if masked else None
        if masked:
            seen[:, 0] = True
        expected = theirs(x, src_key_padding_mask=None if seen is None else ~seen)
        assert torch.allclose(layer(x, seen), expected, atol=1e-10)


class TestTrunk:
    def test_what_comes_out(self, trunk):
        images = torch.rand(3, 3, 32, 32)
        seen, asked = trunk(images, trunk.number(["the red mug", "mug"]), torch.tensor([2, 0]))
        assert seen.features.shape == (3, 16, 24)
        assert seen.boxes_unit.shape == (3, 16, 4)
        assert {name: logits.shape for name, logits in seen.labels.items()} == {
            name: (3, 16, len(values)) for name, values in LABELS.items()
        }
        assert asked.answer.shape == (2, 17)
        assert asked.steps.shape == (2, 16, 2)

    def test_each_pair_is_asked_alone(self, trunk):
        """A batch gives what each of its pairs gives alone, though the shorter expression is padded."""
        texts = ["the red mug", "mug", "red mug red mug red"]
        images = torch.rand(2, 3, 32, 32)
        scene = torch.tensor([1, 0, 1])
        together = trunk(images, trunk.number(texts), scene)[1].answer
        for row, text in enumerate(texts):
            alone = trunk(images[scene[row]][None], trunk.number([text]), torch.tensor([0]))[1].answer[0]
            assert torch.allclose(together[row], alone, atol=1e-5)

    def test_patches_go_by_rows(self, trunk):
        """Patch 1 is right of patch 0: its box is predicted around its own centre."""
        assert trunk.centres_unit[:2].tolist() == [[0.125, 0.125], [0.375, 0.125]]
        assert trunk.centres_unit[4].tolist() == [0.125, 0.375]
        nn.init.zeros_(trunk.box_head[2].weight)
        nn.init.zeros_(trunk.box_head[2].bias)
        boxes = trunk.see(torch.rand(1, 3, 32, 32)).boxes_unit[0]
        assert torch.allclose(boxes[1], torch.tensor([0.375 - 0.06, 0.125 - 0.06, 0.375 + 0.06, 0.125 + 0.06]))

    def test_every_weight_learns(self, trunk):
        seen, asked = trunk(torch.rand(2, 3, 32, 32), trunk.number(["the red mug", "mug"]), torch.tensor([0, 1]))
        parts = [seen.boxes_unit, asked.answer, asked.steps, *seen.labels.values()]
        sum(part.square().sum() for part in parts).backward()
        silent = [name for name, value in trunk.named_parameters() if value.grad is None or not value.grad.any()]
        assert silent == []

    def test_answers_take_the_surest_patch(self, trunk):
        images, texts, scene = torch.rand(2, 3, 32, 32), ["mug", "red mug"], torch.tensor([1, 0])
        boxes, none = trunk.answers(images, texts, scene)
        seen, asked = trunk(images, trunk.number(texts), scene)
        for row in range(2):
            shares = asked.answer[row].softmax(0)
            assert torch.allclose(boxes[row], 32 * seen.boxes_unit[scene[row], shares[:-1].argmax()])
            assert torch.isclose(none[row], shares[-1])

    def test_pictures_of_another_size(self, trunk):
        with pytest.raises(ValueError, match=r"images: expected 32 x 32, got \(32, 48\)"):
            trunk.see(torch.zeros(1, 3, 32, 48))

    def test_number(self, trunk):
        assert trunk.number(["The red, mug!", "kettle"]).tolist() == [[4, 3, 2], [UNKNOWN, PADDING, PADDING]]

    @pytest.mark.parametrize("text", ["", " ?! ", "mug " * 65])
    def test_number_of_no_words_or_too_many(self, trunk, text):
        with pytest.raises(ValueError, match=r"phrase: expected 1 to 64 words, got (0|65) in"):
            trunk.number(["mug", text])

    @pytest.mark.parametrize("change", [{"patch": 6}, {"patch": 2}, {"image_side": 36}, {"width": 20}])
    def test_sizes_that_do_not_go_together(self, change):
        with pytest.raises(ValueError, match="settings: expected a patch of 4, 8, 16"):
            Trunk(replace(SMALL, **change))
