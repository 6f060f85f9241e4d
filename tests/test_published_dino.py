import pytest
import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.grounding_dino.dino_settings import BERT_SEPARATORS
from gk_utils.grounding_dino.prompts import phrase_tokens
from gk_utils.grounding_dino.published_dino import of_transformers, rename, settings_of
from gk_utils.grounding_dino.set_loss import Targets, grounding_losses


@pytest.fixture
def precise():
    """float64 everywhere: transformers makes some tensors of the default dtype on the way."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def answers(kind: str, **change: object):
    """What transformers says, and what is said here, of the same pictures and prompts with the same weights."""
    model, given = tiny_dino.theirs(kind, **change), tiny_dino.inputs()
    model = model.to(given.images.dtype)
    with torch.no_grad():
        want = model(given.images, given.ids, attention_mask=given.words.long(), pixel_mask=given.pixels.long())
        found = of_transformers(model)(given.images, given.ids, given.words, given.pixels)
    return want, found, given.ids.shape[1]


class TestOfTransformers:
    @pytest.mark.parametrize(
        ("kind", "change"),
        [
            ("GroundingDino", {}),
            ("GroundingDino", {"decoder_bbox_embed_share": False, "num_feature_levels": 5}),
            ("MMGroundingDino", {}),
        ],
    )
    def test_equal_logits_and_boxes(self, kind, change):
        want, found, t = answers(kind, **change)
        assert want.pred_boxes.std(1).amax(0).min() > 0.02  # boxes that are not all the same
        assert_close(found.logits, want.logits[..., :t], atol=1e-4, rtol=1e-4)
        assert_close(found.boxes_cxcywh, want.pred_boxes, atol=1e-5, rtol=0)
        assert want.logits[..., t:].isinf().all()

    def test_every_layer_and_the_enhancer_in_double_precision(self, precise):
        """Only a saturated box differs: the paper's code cuts its logit at 11.51293, transformers at 11.51292."""
        want, found, t = answers("GroundingDino")
        assert_close(found.cells.features, want.encoder_last_hidden_state_vision, atol=1e-10, rtol=1e-10)
        assert_close(found.words.features, want.encoder_last_hidden_state_text, atol=1e-10, rtol=1e-10)
        assert_close(found.selected.cell_logits, want.enc_outputs_class[..., :t], atol=1e-9, rtol=1e-9)
        assert_close(found.selected.references, want.init_reference_points, atol=1e-10, rtol=0)
        assert_close(found.logits, want.logits[..., :t], atol=1e-8, rtol=1e-8)
        assert_close(found.boxes_cxcywh, want.pred_boxes, atol=1e-8, rtol=0)

    def test_equal_losses_of_every_decoder_layer(self):
        """Two pictures with two phrases each. Its loss of the selection is another one: see grounding_losses."""
        model = tiny_dino.theirs(auxiliary_loss=True)
        ids = torch.tensor([[101, 1030, 1031, 1012, 1032, 1012, 102], [101, 1033, 1012, 1034, 1012, 102, 0]])
        labels = [
            {"class_labels": torch.tensor([1, 0]), "boxes": torch.tensor([[0.3, 0.3, 0.2, 0.2], [0.6, 0.6, 0.3, 0.2]])},
            {"class_labels": torch.tensor([1, 1]), "boxes": torch.tensor([[0.5, 0.4, 0.2, 0.6], [0.2, 0.7, 0.1, 0.3]])},
        ]
        tokens = [
            phrase_tokens(row, BERT_SEPARATORS)[label["class_labels"]] for row, label in zip(ids, labels, strict=True)
        ]
        targets = Targets(
            torch.stack([label["boxes"] for label in labels]), torch.stack(tokens), torch.ones(2, 2).bool()
        )
        images = tiny_dino.inputs().images[:2]
        with torch.no_grad():
            want = model(images, ids, attention_mask=(ids != 0).long(), labels=labels).loss_dict
            found = of_transformers(model)(images, ids, ids != 0)
        losses = grounding_losses(found.decoded, found.selected, targets)
        for ours, theirs in (("class", "ce"), ("l1", "bbox"), ("giou", "giou")):
            assert_close(losses[ours][:2], torch.stack([want[f"loss_{theirs}{layer}"] for layer in ("_0", "")]))

    def test_one_weight_elsewhere_is_seen(self):
        """The comparison can fail: any tensor behind the backbones changes the answer."""
        given = tiny_dino.inputs()
        ours = of_transformers(tiny_dino.theirs(encoder_layers=1))
        asked = (given.images[:1, :, :64, :85], given.ids[:1])
        with torch.no_grad():
            before = ours(*asked)
            for name, value in ours.named_parameters():
                # The backbones are transformers' own; a shift of all keys alike changes no softmax.
                if "backbone" in name or "text_encoder" in name or name.endswith("key.bias"):
                    continue
                value.add_(0.05 * torch.randn_like(value))
                after = ours(*asked)
                same = torch.equal(after.logits, before.logits) and torch.equal(after.boxes_cxcywh, before.boxes_cxcywh)
                assert not same, name
                before = after

    def test_copies_of_a_shared_box_head_need_not_be_there(self):
        state = rename(tiny_dino.theirs().state_dict())
        assert [name for name in state if "box_heads" in name and name.endswith("layers.2.bias")] == [
            "decoder.box_heads.0.layers.2.bias"
        ]

    def test_the_published_sizes_are_the_default(self):
        from transformers import GroundingDinoConfig

        settings = settings_of(GroundingDinoConfig())
        assert settings == type(settings)()


class TestSettingsOf:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"position_embedding_type": "learned"}, "position_embedding_type = 'sine', got 'learned'"),
            ({"two_stage": False}, "two_stage = True, got False"),
            ({"decoder_ffn_dim": 64}, "decoder_ffn_dim = 32, got 64"),
        ],
    )
    def test_what_no_published_model_has(self, change, said):
        config = tiny_dino.theirs().config
        for name, value in change.items():
            setattr(config, name, value)
        with pytest.raises(ValueError, match=said):
            settings_of(config)


class TestRename:
    def test_another_model(self):
        with pytest.raises(ValueError, match=r"got 'vision_model.weight'. Is it another model"):
            rename({"vision_model.weight": torch.zeros(1)})
