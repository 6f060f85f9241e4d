"""SAM, SAM 2.1 and SAM 3 behind `Segmenter`, against transformers with the picture and the prompt in one call."""

import pytest
import tiny_models
import torch
from torch.testing import assert_close

from gk_utils import hub
from gk_utils.hub.half_precision import to_picture

SEGMENTERS = {"sam-vit-base": "sam", "sam2.1-tiny": "sam2", "sam3": "sam3"}
BOXES = torch.tensor([[10.0, 10, 50, 60], [20, 5, 90, 70]])
POINTS = torch.tensor([[[30.0, 30], [5, 70]], [[50, 40], [80, 10]]])
ON = torch.tensor([[True, False], [True, True]])


@pytest.fixture(scope="module")
def segmenters():
    return {name: hub.load(name, "cpu", folder=tiny_models.folder(kind)) for name, kind in SEGMENTERS.items()}


@pytest.fixture(params=SEGMENTERS)
def named(request, segmenters):
    segmenter = segmenters[request.param]
    segmenter.set_image(tiny_models.image())
    return request.param, segmenter


def theirs(name: str, **prompts):
    """Masks n 3 h w and expected IoUs n 3 of transformers."""
    model, processor = hub.load_transformers(name, "cpu", folder=tiny_models.folder(SEGMENTERS[name]))
    batch = processor(images=to_picture(tiny_models.image()), return_tensors="pt", **prompts)
    with torch.no_grad():
        out = model(**{key: value.float() if value.is_floating_point() else value for key, value in batch.items()})
    sizes = [batch[key] for key in ("original_sizes", "reshaped_input_sizes") if key in batch]
    return processor.post_process_masks(out.pred_masks, *sizes)[0], out.iou_scores[0]


class TestSegment:
    def test_boxes(self, named):
        name, segmenter = named
        masks, ious = theirs(name, input_boxes=[BOXES.tolist()])
        found = segmenter.segment(boxes=BOXES, all_masks=True)
        assert (found.masks == masks.flatten(0, 1).bool()).float().mean() > 0.9995  # a logit of 0 may round either way
        assert_close(found.scores, ious.flatten().clamp(0, 1), atol=1e-5, rtol=0)
        assert found.image_hw == (75, 100)

    def test_the_best_of_three(self, named):
        segmenter = named[1]
        three, best = segmenter.segment(boxes=BOXES, all_masks=True), segmenter.segment(boxes=BOXES)
        assert (len(three), len(best)) == (6, 2)
        for i in range(2):
            top = 3 * i + int(three.scores[3 * i : 3 * i + 3].argmax())
            if three.scores[top] > 0:
                assert torch.equal(best.masks[i], three.masks[top])
                assert best.scores[i] == three.scores[top]

    def test_points_on_and_beside_the_object(self, named):
        name, segmenter = named
        masks, _ = theirs(name, input_points=[POINTS.tolist()], input_labels=[ON.int().tolist()])
        found = segmenter.segment(points=POINTS, is_object=ON, all_masks=True)
        assert (found.masks == masks.flatten(0, 1).bool()).float().mean() > 0.9995  # a logit of 0 may round either way

    def test_points_are_on_the_object_if_nothing_else_is_said(self, named):
        segmenter = named[1]
        said = segmenter.segment(points=POINTS, is_object=torch.ones(2, 2, dtype=torch.bool))
        assert torch.equal(segmenter.segment(points=POINTS).masks, said.masks)
        beside = segmenter.segment(points=POINTS, is_object=~ON, all_masks=True)
        assert not torch.equal(beside.masks, segmenter.segment(points=POINTS, is_object=ON, all_masks=True).masks)

    def test_a_box_with_points(self, named):
        name, segmenter = named
        prompts = {"input_points": [POINTS.tolist()], "input_labels": [ON.int().tolist()]}
        masks, _ = theirs(name, input_boxes=[BOXES.tolist()], **prompts)
        found = segmenter.segment(boxes=BOXES, points=POINTS, is_object=ON, all_masks=True)
        assert (found.masks == masks.flatten(0, 1).bool()).float().mean() > 0.9995  # a logit of 0 may round either way

    def test_an_earlier_mask_counts_prompt_by_prompt(self, named):
        name = named[0]
        segmenter = hub.load(name, "cpu", folder=tiny_models.folder(SEGMENTERS[name]))
        with torch.no_grad():
            segmenter.loaded.model.prompt_encoder.mask_embed.conv3.weight.mul_(300)  # so that an earlier mask matters
        segmenter.set_image(tiny_models.image())
        left, right = torch.zeros(2, 75, 100, dtype=torch.bool).unbind()
        left[:, :50], right[:, 50:] = True, True
        both = segmenter.segment(boxes=BOXES, masks=torch.stack([left, right]), all_masks=True)
        for i, mask in enumerate((left, right)):
            alone = segmenter.segment(boxes=BOXES[i : i + 1], masks=mask[None], all_masks=True)
            assert torch.equal(both.masks[3 * i : 3 * i + 3], alone.masks)
        other = segmenter.segment(boxes=BOXES, masks=torch.stack([right, left]), all_masks=True)
        assert not torch.equal(other.masks, both.masks)
        assert len(segmenter.segment(masks=left[None])) == 1

    def test_no_prompts_no_masks(self, named):
        found = named[1].segment(boxes=torch.zeros(0, 4))
        assert found.masks.shape == (0, 75, 100)

    def test_a_picture_is_embedded_once(self, named):
        segmenter = named[1]
        before = segmenter.embeddings
        segmenter.set_image(tiny_models.image())
        for _ in range(3):
            segmenter.segment(boxes=BOXES)
        assert segmenter.embeddings == before + 1

    def test_half_precision(self, named):
        name, segmenter = named
        half = hub.load(name, "cpu", folder=tiny_models.folder(SEGMENTERS[name]), dtype=torch.float16)
        half.set_image(tiny_models.image())
        found = half.segment(boxes=BOXES, all_masks=True)
        assert half.loaded.dtype is torch.float16
        same = (found.masks == segmenter.segment(boxes=BOXES, all_masks=True).masks).float().mean()
        assert same > 0.97

    def test_errors(self, named, unhooked):
        segmenter = named[1]
        with pytest.raises(ValueError, match="segment: expected boxes, points or masks, got none"):
            segmenter.segment()
        with pytest.raises(ValueError, match="expected as many rows as boxes"):
            segmenter.segment(boxes=BOXES, points=POINTS[:1])
        with pytest.raises(ValueError, match="boxes: expected x1 <= x2"):
            segmenter.segment(boxes=BOXES[:, [2, 1, 0, 3]])

    def test_without_an_image(self):
        fresh = hub.load("sam-vit-base", "cpu", folder=tiny_models.folder("sam"))
        with pytest.raises(RuntimeError, match=r"segment: expected an image first, got none. Call set_image\(image\)."):
            fresh.segment(boxes=BOXES)


class TestMaskLogits:
    """An earlier mask reaches the model in its own frame: SAM pads right and below, SAM 2 stretches."""

    @pytest.mark.parametrize(("name", "rows"), [("sam-vit-base", 6), ("sam2.1-tiny", 16), ("sam3", 16)])
    def test_the_upper_half(self, name, rows, segmenters):
        segmenter = segmenters[name]
        segmenter.set_image(tiny_models.image())
        mask = torch.zeros(75, 100, dtype=torch.bool)
        mask[:38] = True
        logits = segmenter._mask_logits(mask)
        assert logits.shape == (1, 1, *[{"sam-vit-base": 16}.get(name, 32)] * 2)
        assert float(logits.max()) == 10
        assert float(logits.min()) == -10
        assert int((logits[0, 0, :, 5] > 0).sum()) == rows
