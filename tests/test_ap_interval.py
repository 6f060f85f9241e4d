import numpy as np
import pytest
import torch

from gk_utils.average_precision import average_precision
from gk_utils.evaluate.ap_interval import Detections, ap_intervals


def random_pictures(rng: np.random.Generator, n: int) -> tuple[list[Detections], list[Detections]]:
    """Truths of three classes, and boxes near some of them, with classes that may be wrong; scores may be tied."""
    found, truth = [], []
    for _ in range(n):
        corners = torch.from_numpy(rng.uniform(0, 80, (rng.integers(0, 5), 2))).float()
        boxes = torch.cat([corners, corners + torch.from_numpy(rng.uniform(5, 40, corners.shape)).float()], 1)
        labels = torch.from_numpy(rng.integers(3, size=len(boxes)))
        truth.append(Detections(boxes, labels, torch.ones(len(boxes))))
        again = torch.from_numpy(rng.integers(max(len(boxes), 1), size=2 * len(boxes)))
        moved = boxes[again] + torch.from_numpy(rng.normal(0, 2, (len(again), 4))).float()
        moved[:, 2:] = torch.maximum(moved[:, :2], moved[:, 2:])
        wrong = torch.from_numpy(rng.random(len(again)) < 0.2)
        scores = torch.from_numpy(rng.integers(20, size=len(again)) / 20).float()
        found.append(Detections(moved, torch.where(wrong, (labels[again] + 1) % 3, labels[again]), scores))
    return found, truth


def parts(pictures: list[Detections], name: str) -> list[torch.Tensor]:
    return [getattr(picture, name) for picture in pictures]


def slow(found: list[Detections], truth: list[Detections]):
    return average_precision(
        parts(found, "boxes"),
        parts(found, "scores"),
        parts(truth, "boxes"),
        labels=parts(found, "labels"),
        true_labels=parts(truth, "labels"),
    )


class TestApIntervals:
    @pytest.mark.parametrize("seed", range(6))
    def test_the_value_is_average_precision(self, seed):
        found, truth = random_pictures(np.random.default_rng(seed), 12)
        expected = slow(found, truth)
        result = ap_intervals(found, truth)
        for name in ("ap", "ap50", "ap75"):
            assert result[name]["value"] == pytest.approx(getattr(expected, name), abs=6e-5)
            assert result[name]["low"] <= result[name]["value"] <= result[name]["high"]

    def test_resamples_are_average_precisions_of_resampled_pictures(self, monkeypatch):
        """The bounds equal a plain bootstrap that copies pictures and measures each resample from scratch."""
        monkeypatch.setattr("gk_utils.evaluate.ap_interval.RESAMPLES", 30)
        found, truth = random_pictures(np.random.default_rng(0), 10)
        # Ties between pictures depend on the order of copies, so every score is made another one.
        numbers = [len(one.scores) for one in found]
        places = torch.linspace(0, 1e-3, sum(numbers)).split(numbers)
        found = [Detections(one.boxes, one.labels, one.scores + more) for one, more in zip(found, places, strict=True)]
        drawn = np.random.default_rng(0).multinomial(10, np.full(10, 0.1), 30)
        values = []
        for counts in drawn:
            rows = [row for row, count in enumerate(counts) for _ in range(count)]
            values.append(slow([found[row] for row in rows], [truth[row] for row in rows]).ap50)
        result = ap_intervals(found, truth)["ap50"]
        assert [result["low"], result["high"]] == pytest.approx(np.quantile(values, [0.025, 0.975]).tolist(), abs=1e-4)

    def test_all_right_and_all_wrong(self):
        truth = random_pictures(np.random.default_rng(1), 8)[1]
        far = [Detections(one.boxes + 500, one.labels, one.scores) for one in truth]
        assert ap_intervals(truth, truth)["ap"] == {"value": 1.0, "low": 1.0, "high": 1.0}
        assert ap_intervals(far, truth)["ap50"] == {"value": 0.0, "low": 0.0, "high": 0.0}

    def test_nothing_found_and_nothing_to_find(self):
        nothing = Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
        one = Detections(torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([4]), torch.ones(1))
        assert ap_intervals([nothing], [one])["ap"]["value"] == 0.0
        assert ap_intervals([one], [nothing])["ap"]["value"] == -1.0

    def test_more_pictures_narrow_the_interval(self):
        few, many = (random_pictures(np.random.default_rng(3), n) for n in (8, 120))
        wide, narrow = (ap_intervals(*pictures)["ap50"] for pictures in (few, many))
        assert narrow["high"] - narrow["low"] < 0.5 * (wide["high"] - wide["low"])
