import dataclasses

import pytest
import torch
from torch.nn import functional

from gk_utils import checkpoints
from gk_utils.box_tokens.detector import (
    DetectorSettings,
    PictureDetector,
    Pix2SeqDetector,
    build_detector,
    load_detector,
    next_tokens,
    smooth_noise,
)
from gk_utils.box_tokens.object_sequence import Pix2SeqVocabulary, make_targets
from gk_utils.boxes import paired_iou
from gk_utils.checkpoints import Card
from gk_utils.countertop.things import CATEGORIES
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of

TINY = DetectorSettings(feature_width=12, classes=3, bins=16, objects=4, width=32, heads=2, layers=1, inner=32)
HW = (64, 64)
SETTINGS = {"trunk": "trunk_small", "objects": 3, "width": 32, "layers": 1}


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return Pix2SeqDetector(TINY)


def pictures(n: int) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """Features of 9 patches, and one to three objects each; the features tell them."""
    generator = torch.Generator().manual_seed(1)
    boxes, labels = [], []
    for number in range(n):
        corners = 8 * torch.randint(4, (number % 3 + 1, 2), generator=generator).float()
        boxes.append(torch.cat([corners, corners + 24], 1))
        labels.append(torch.randint(3, (len(corners),), generator=generator))
    return torch.randn(n, 9, 12, generator=generator), boxes, labels


class TestLoss:
    def test_equals_a_slow_loop(self, detector):
        """Token by token, from the rows that the same generator makes."""
        features, boxes, labels = pictures(3)
        result = detector.loss(features, boxes, labels, HW, generator=torch.Generator().manual_seed(7))
        generator = torch.Generator().manual_seed(7)
        total, weight, parts = 0.0, 0.0, {"coordinates": [0.0, 0.0], "classes": [0.0, 0.0]}
        for picture in range(3):
            row = make_targets(boxes[picture], labels[picture], HW, detector.vocabulary, objects=4, generator=generator)
            logits = detector.model(features[picture : picture + 1], row.inputs[None])[0]
            for place, (target, counts) in enumerate(zip(row.targets.tolist(), row.weights.tolist(), strict=True)):
                lost = -logits[place].log_softmax(0)[target].item() * counts
                part = parts["classes" if place % 5 == 4 else "coordinates"]
                total, weight, part[0], part[1] = total + lost, weight + counts, part[0] + lost, part[1] + counts
        assert result["loss"].item() == pytest.approx(total / weight, rel=1e-5)
        for name, (lost, counts) in parts.items():
            assert result[name].item() == pytest.approx(lost / counts, rel=1e-5)

    def test_several_orders_of_a_picture_equal_the_picture_several_times(self, detector):
        features, boxes, labels = pictures(2)
        shared = detector.loss(features, boxes, labels, HW, generator=torch.Generator().manual_seed(3), orders=2)
        twice = [[one for one in many for _ in range(2)] for many in (boxes, labels)]
        alone = detector.loss(features.repeat_interleave(2, 0), *twice, HW, generator=torch.Generator().manual_seed(3))
        assert shared["loss"].item() == pytest.approx(alone["loss"].item(), rel=1e-5)

    def test_coordinates_of_noise_cost_nothing(self, detector):
        """A picture without objects has noise alone: all of the loss is in the classes."""
        features, none = torch.randn(1, 9, 12), [torch.zeros(0, 4)]
        result = detector.loss(features, none, [torch.zeros(0, dtype=torch.long)], HW, generator=torch.Generator())
        assert result["coordinates"].item() == 0.0
        assert result["loss"].item() == pytest.approx(result["classes"].item(), rel=1e-6)

    def test_the_gradient_reaches_every_weight(self, detector):
        features, boxes, labels = pictures(2)
        detector.loss(features, boxes, labels, HW, generator=torch.Generator())["loss"].backward()
        assert all(weight.grad.abs().sum() > 0 for weight in detector.parameters())

    def test_too_many_objects(self, detector, unhooked):
        boxes, labels = [torch.tensor([[0.0, 0, 8, 8]] * 5)], [torch.zeros(5, dtype=torch.long)]
        with pytest.raises(ValueError, match=r"boxes: expected at most 4 \(objects\), got 5"):
            detector.loss(torch.randn(1, 9, 12), boxes, labels, HW, generator=torch.Generator())


class TestDetect:
    def test_learns_a_few_pictures_by_heart(self, detector):
        """What it then believes is exactly what is there; the other places of the row get low scores."""
        features, boxes, labels = pictures(2)
        optimizer = torch.optim.AdamW(detector.parameters(), 1e-2)
        generator = torch.Generator().manual_seed(0)
        first = None
        for _ in range(140):
            result = detector.loss(features, boxes, labels, HW, generator=generator, orders=2)
            first = first or result["loss"].item()
            optimizer.zero_grad()
            result["loss"].backward()
            optimizer.step()
        assert result["loss"].item() < 0.5 * first
        for found, true_boxes, true_labels in zip(detector.detect(features, HW), boxes, labels, strict=True):
            sure = found.scores > 0.5
            assert sorted(found.labels[sure].tolist()) == sorted(true_labels.tolist())
            for box, label in zip(true_boxes, true_labels, strict=True):
                same = found.boxes[sure & (found.labels == label)]
                assert paired_iou(same, box.expand_as(same)).max() > 0.7

    def test_never_writes_what_is_no_object(self, detector):
        """However wild the weights: every place is a box inside the picture with a class."""
        for seed in range(5):
            generator = torch.Generator().manual_seed(seed)
            for weight in detector.parameters():
                weight.data.normal_(generator=generator)
            for found in detector.detect(torch.randn(6, 9, 12, generator=generator), HW):
                assert found.problems == ()
                assert len(found.boxes) == 4
                assert (found.boxes[:, :2] <= found.boxes[:, 2:]).all()
                assert found.boxes.min() >= 0
                assert found.boxes.max() <= 64
                assert found.scores.min() >= 0
                assert found.scores.max() <= 1

    def test_no_pictures(self, detector):
        assert detector.detect(torch.zeros(0, 9, 12), HW) == []


class TestNextTokens:
    VOCABULARY = Pix2SeqVocabulary.compact(classes=2, bins=5)  # noise 2, classes 3 4, coordinates 5 to 9

    def allowed(self, *written: int) -> list[int]:
        rows = torch.tensor([written], dtype=torch.long).reshape(1, -1)
        return next_tokens(rows, self.VOCABULARY)[0].nonzero()[:, 0].tolist()

    def test_by_hand(self):
        """y1 = bin 2, x1 = bin 4, y2 = bin 3, x2 = bin 4, class 1, and the next object starts anew."""
        coordinates = [5, 6, 7, 8, 9]
        assert self.allowed() == coordinates
        assert self.allowed(7) == coordinates
        assert self.allowed(7, 9) == [7, 8, 9]
        assert self.allowed(7, 9, 8) == [9]
        assert self.allowed(7, 9, 8, 9) == [2, 3, 4]
        assert self.allowed(7, 9, 8, 9, 4) == coordinates
        assert self.allowed(7, 9, 8, 9, 4, 6, 5) == [6, 7, 8, 9]

    def test_each_row_has_its_own_corner(self):
        rows = next_tokens(torch.tensor([[5, 8, 6], [5, 6, 6]]), self.VOCABULARY)
        assert rows.sum(1).tolist() == [2, 4]


class TestSmoothNoise:
    def test_mean_and_variance(self):
        torch.manual_seed(0)
        noise = torch.stack([smooth_noise(32, 16) for _ in range(200)])
        assert noise.mean().abs() < 0.05
        assert torch.allclose(noise.square().mean(0), torch.ones(32, 16), atol=0.45)
        assert noise.square().mean().item() == pytest.approx(1, abs=0.05)

    def test_the_nearer_the_more_alike(self):
        torch.manual_seed(0)
        noise = smooth_noise(128, 256)
        alike = [functional.cosine_similarity(noise[:-k], noise[k:]).mean().item() for k in (1, 4, 16, 64)]
        assert alike == sorted(alike, reverse=True)
        assert alike[0] > 0.85


class TestDetector:
    def test_no_room_for_an_object(self, unhooked):
        with pytest.raises(ValueError, match="objects: expected 1 or more, got 0"):
            Pix2SeqDetector(dataclasses.replace(TINY, objects=0))

    def test_build_takes_the_sizes_alone(self):
        built = build_detector({**dataclasses.asdict(TINY), "scenes": 32, "trunk": "trunk_small"})
        assert built.settings == TINY
        assert built.vocabulary.size == 3 + 3 + 16
        assert build_detector({}).vocabulary.classes == len(CATEGORIES)


class TestPictureDetector:
    @pytest.fixture
    def bound(self):
        torch.manual_seed(0)
        trunk = frozen_trunk()
        return PictureDetector(trunk, build_detector({"objects": 3, "width": 32, "layers": 1}))

    def test_a_square_picture_is_seen_as_it_is(self, bound):
        images = torch.rand(2, 3, 128, 128)
        found = bound.detect(images)
        expected = bound.detector.detect(bound.trunk.see(images).features, (128, 128))
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one.boxes, other.boxes)
            assert torch.equal(one.labels, other.labels)

    def test_boxes_are_in_the_pictures_own_pixels(self, bound):
        """A picture of 256 x 192 is halved to 128 x 96 and padded: boxes come back twice as large, and cut."""
        image = torch.rand(1, 3, 192, 256)
        halved = functional.interpolate(image, (96, 128), mode="bilinear", antialias=True).clamp(0, 1)
        square = torch.cat([halved, torch.full((1, 3, 32, 128), 0.5)], 2)
        found, expected = bound.detect(image)[0], bound.detect(square)[0]
        limit = torch.tensor([256.0, 192.0, 256.0, 192.0])
        assert torch.allclose(found.boxes, torch.minimum(2 * expected.boxes, limit), atol=1e-3)
        assert torch.equal(found.labels, expected.labels)

    def test_no_pictures(self, bound):
        assert bound.detect(torch.zeros(0, 3, 128, 128)) == []
        assert bound.detect(torch.zeros(0, 3, 50, 70)) == []


class TestLoadDetector:
    def save(self, folder, settings, metrics):
        torch.manual_seed(0)
        detector = build_detector(settings)
        checkpoints.save(detector.state_dict(), folder, Card("pix2seq", 0, 0, "CPU", 0.0, metrics, settings))
        return detector

    def test_what_was_saved(self, tmp_path):
        detector = self.save(tmp_path, SETTINGS, {"trunk": weights_of("trunk_small")})
        bound, card = load_detector(tmp_path)
        assert card.recipe == bound.name == "pix2seq"
        for name, weight in detector.state_dict().items():
            assert torch.equal(bound.detector.state_dict()[name], weight)
        assert bound.trunk is frozen_trunk()

    def test_trained_on_another_trunk(self, tmp_path, unhooked):
        self.save(tmp_path, SETTINGS, {"trunk": "0" * 12})
        with pytest.raises(ValueError, match="the weights .{12} of trunk_small, got one for 0{12}"):
            load_detector(tmp_path)

    def test_no_detector(self, tmp_path, unhooked):
        checkpoints.save({"w": torch.ones(1)}, tmp_path, Card("trunk", 0, 0, "CPU", 0.0, {}))
        with pytest.raises(ValueError, match="checkpoint: expected a detector, got 'trunk'"):
            load_detector(tmp_path)

    def test_no_checkpoint(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"card\.json"):
            load_detector(tmp_path / "nothing")
