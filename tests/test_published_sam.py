import pytest
import torch
from tiny_sam import some_prompts, tiny_sam
from torch.testing import assert_close

from gk_utils.segment_anything.mask_decoder import Decoded
from gk_utils.segment_anything.prompt_encoder import with_corners
from gk_utils.segment_anything.published_sam import of_transformers, rename, settings_of

KINDS = {
    "points": ("input_points", "input_labels"),
    "points alone on the object": ("input_points",),
    "boxes": ("input_boxes",),
    "points and boxes": ("input_points", "input_labels", "input_boxes"),
    "boxes and a mask": ("input_boxes", "input_masks"),
    "points and a mask": ("input_points", "input_labels", "input_masks"),
}


@pytest.fixture(scope="module")
def theirs():
    return tiny_sam()


def ours_says(sam, inputs) -> Decoded:
    """Ours on the inputs of theirs: their pictures are normalised, and their prompts come by picture."""
    embeddings = sam.embed(inputs["pixel_values"] * sam.spread + sam.mean).repeat_interleave(3, 0)
    points, labels, boxes, masks = (
        inputs.get(name) for name in ("input_points", "input_labels", "input_boxes", "input_masks")
    )
    flat = (None if each is None else each.flatten(0, 1) for each in (points, labels, boxes))
    return sam.ask(embeddings, *with_corners(*flat), None if masks is None else masks.repeat_interleave(3, 0))


class TestOfTransformers:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-8), (torch.float32, 1e-4)])
    def test_equal_masks_and_scores(self, theirs, kind, dtype, tolerance):
        model = theirs.to(dtype)
        prompts = some_prompts(dtype)
        inputs = {"pixel_values": prompts["pixel_values"], **{name: prompts[name] for name in KINDS[kind]}}
        with torch.no_grad():
            said = ours_says(of_transformers(model), inputs)
            for part, several in ((said.readings, True), (said.single, False)):
                want = model(**inputs, multimask_output=several)
                assert_close(part.logits, want.pred_masks.flatten(0, 1), atol=tolerance, rtol=tolerance)
                assert_close(part.iou, want.iou_scores.flatten(0, 1), atol=tolerance, rtol=tolerance)

    def test_the_comparison_would_see_relative_positions(self, theirs):
        inputs = {name: some_prompts(torch.float64)[name] for name in ("pixel_values", "input_boxes")}
        sam = of_transformers(theirs.double())
        with torch.no_grad():
            before = ours_says(sam, inputs)
            for layer in sam.image_encoder.layers:
                layer.attention.rows.zero_()
            assert (ours_says(sam, inputs).logits - before.logits).abs().max() > 1e-3

    def test_without_a_bias_on_queries(self):
        model = tiny_sam(qkv_bias=False)
        inputs = {name: some_prompts(torch.float32)[name] for name in ("pixel_values", "input_boxes")}
        with torch.no_grad():
            said = ours_says(of_transformers(model), inputs)
            assert_close(said.readings.logits, model(**inputs).pred_masks.flatten(0, 1), atol=1e-4, rtol=1e-4)

    def test_takes_a_copy_of_every_weight(self, theirs):
        sam = of_transformers(theirs)
        assert not sam.training
        count = sum(value.numel() for value in sam.state_dict().values())
        again = theirs.prompt_encoder.shared_embedding.positional_embedding.numel()
        assert count == sum(value.numel() for value in theirs.state_dict().values()) - again
        assert sam.prompt_encoder.padding.weight.data_ptr() != theirs.prompt_encoder.not_a_point_embed.weight.data_ptr()


class TestSettingsOf:
    def test_the_published_sizes(self):
        from transformers import SamConfig

        settings = settings_of(SamConfig())
        assert (settings.grid, settings.mask_side, settings.window) == (64, 256, 14)

    def test_what_no_published_model_has(self):
        from transformers import SamConfig, SamVisionConfig

        with pytest.raises(ValueError, match=r"config: expected use_rel_pos = True in SamVisionConfig, got False. Use"):
            settings_of(SamConfig(vision_config=SamVisionConfig(use_rel_pos=False)))


class TestRename:
    def test_every_name_is_one_of_ours(self, theirs):
        assert rename(theirs.state_dict()).keys() == of_transformers(theirs).state_dict().keys()

    def test_kinds_of_points_in_their_order(self):
        names = [f"prompt_encoder.point_embed.{number}.weight" for number in (2, 0, 3, 1)]
        state = {name: torch.tensor([[float(name[27])]]) for name in names}
        assert rename(state)["prompt_encoder.kinds.weight"].flatten().tolist() == [0, 1, 2, 3]

    def test_another_model(self):
        with pytest.raises(ValueError, match=r"state: expected names of transformers' SAM, got 'bert\.x'. Is it"):
            rename({"bert.x": torch.zeros(1)})
