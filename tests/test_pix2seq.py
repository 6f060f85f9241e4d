import pytest
import torch

from gk_utils import checkpoints
from gk_utils.average_precision import average_precision
from gk_utils.box_tokens.detector import build_detector
from gk_utils.checkpoints import Card
from gk_utils.evaluate import as_text, evaluate, evaluation_of
from gk_utils.evaluate.ap_interval import Detections
from gk_utils.evaluate.pix2seq import measure, patch_detections
from gk_utils.models.trunk import LABELS, Seen
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of


def detections(*rows: tuple[list[float], int, float]) -> Detections:
    boxes, labels, scores = zip(*rows, strict=True)
    return Detections(torch.tensor(boxes), torch.tensor(labels), torch.tensor(scores))


class TestMeasure:
    def test_wrong_classes_cost_nothing_where_none_are_asked_for(self):
        truth = [detections(([0.0, 0, 10, 10], 3, 1.0)), detections(([5.0, 5, 30, 30], 4, 1.0))]
        found = [detections(([0.0, 0, 10, 10], 4, 0.9)), detections(([5.0, 5, 30, 30], 4, 0.8))]
        result = measure(found, truth)
        assert result["ap50"]["value"] == 0.25  # class 3: 0; class 4: a wrong one before the right one
        assert result["any_class"]["ap50"]["value"] == 1.0
        assert set(result) == {"ap", "ap50", "ap75", "any_class"}


class TestPatchDetections:
    def test_by_hand(self):
        """Two patches of one mug, a plate at the same place, and a patch that shows nothing."""
        box, other = [0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.52]
        logits = torch.full((1, 4, len(LABELS["category"])), -20.0)
        for patch, (label, logit) in enumerate([(1, 1.0), (1, 2.0), (2, 3.0), (0, 5.0)]):
            logits[0, patch, label] = logit
            logits[0, patch, 0] = max(logits[0, patch, 0], torch.tensor(0.0))
        seen = Seen(torch.zeros(1, 4, 8), torch.tensor([[box, other, box, [0.6, 0.6, 1.2, 0.9]]]), {"category": logits})
        found = patch_detections(seen, 100)[0]
        assert found.labels.tolist()[:2] == [1, 0]  # plate, mug: "no thing" is no category
        assert found.scores.tolist()[:2] == pytest.approx([0.9526, 0.8808], abs=1e-4)
        assert torch.allclose(found.boxes[:2], 100 * torch.tensor([box, other]))
        assert found.boxes.max() <= 100
        assert len(found.boxes) == 3
        assert found.scores[2] < 1e-6

    def test_the_trunk_finds_most_things(self):
        """The shipped trunk, on training pictures: what the detector is held against is a detector."""
        from gk_utils.box_tokens.detector_recipe import objects_of
        from gk_utils.countertop.language import draw_scene_for
        from gk_utils.countertop.render import render

        scenes = [draw_scene_for(seed) for seed in range(30)]
        trunk = frozen_trunk()
        rendered = render(scenes)
        with torch.no_grad():
            found = patch_detections(trunk.see(rendered.images), 128)
        boxes, labels = objects_of(scenes, rendered)
        result = average_precision(
            [one.boxes for one in found],
            [one.scores for one in found],
            boxes,
            labels=[one.labels for one in found],
            true_labels=labels,
        )
        assert result.ap50 > 0.6


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A checkpoint with random weights."""
    torch.manual_seed(0)
    settings = {"trunk": "trunk_small", "objects": 4, "width": 32, "layers": 1}
    folder = tmp_path_factory.mktemp("untrained")
    metrics = {"trunk": weights_of("trunk_small")}
    checkpoints.save(
        build_detector(settings).state_dict(), folder, Card("pix2seq", 0, 0, "CPU", 0.0, metrics, settings)
    )
    return str(folder)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("gk_utils.evaluate.ap_interval.RESAMPLES", 40)


class TestEvaluatePix2Seq:
    def test_what_is_reported(self, untrained):
        result = evaluate("pix2seq", limit=12, checkpoint=untrained)
        assert {"name", "split", "n", "checkpoint", "device", "seconds", "metrics", "baselines"} == set(result)
        assert (result["name"], result["split"], result["n"]) == ("pix2seq", "val", 12)
        assert set(result["baselines"]) == {"dense_trunk", "other_picture", "classless"}
        for metrics in (result["metrics"], *result["baselines"].values()):
            assert {"ap", "ap50", "ap75", "any_class"} == set(metrics)
            interval = metrics["ap50"]
            assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1
        assert result["metrics"]["ap50"]["value"] < 0.1
        assert result["baselines"]["dense_trunk"]["ap50"]["value"] > 0.5
        assert "any_class ap50" in as_text(result)

    def test_controls_fail_where_the_detector_does_not(self, untrained, monkeypatch):
        """A detector that is always right: its answers to other pictures, or without classes, are not."""
        from gk_utils.box_tokens import detector, detector_recipe
        from gk_utils.box_tokens.object_sequence import Pix2SeqObjects
        from gk_utils.countertop.render import render

        scenes = detector_recipe.scenes_of("val", 24)
        things = zip(*detector_recipe.objects_of(scenes, render(scenes)), strict=True)
        known = [Pix2SeqObjects(boxes, labels, torch.ones(len(labels)), (), False) for boxes, labels in things]
        monkeypatch.setattr(detector.Pix2SeqDetector, "detect", lambda self, features, image_hw: known)
        result = evaluate("pix2seq", limit=24, checkpoint=untrained)
        assert result["metrics"]["ap"]["value"] == 1.0
        controls = [result["baselines"][name]["ap50"]["value"] for name in ("other_picture", "classless")]
        assert max(controls) < 0.2
        assert result["baselines"]["classless"]["any_class"]["ap"]["value"] == 1.0

    def test_a_split_and_a_limit(self, untrained, unhooked):
        assert evaluation_of("pix2seq")(split="testB", limit=2, checkpoint=untrained)["split"] == "testB"
        with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
            evaluate("pix2seq", limit=0, checkpoint=untrained)
        with pytest.raises(ValueError, match="name: expected one of"):
            evaluate("pix2seq", limit=1, split="train", checkpoint=untrained)
