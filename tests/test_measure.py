import numpy as np
import pytest
import torch

from gk_utils.evaluate.measure import f1_interval, mean_interval
from gk_utils.metrics import bootstrap_interval


class TestMeanInterval:
    def test_pictures_of_one_answer_are_the_plain_bootstrap(self):
        values = torch.tensor(np.random.default_rng(0).random(60))
        found = mean_interval(values, torch.arange(60))
        plain = bootstrap_interval(values)
        assert found["value"] == pytest.approx(plain.value, abs=1e-4)
        assert [found["low"], found["high"]] == pytest.approx([plain.low, plain.high], abs=1e-4)

    def test_answers_that_share_a_picture_widen_it(self):
        """Forty pictures, all five answers of each alike: as if there were forty answers, not two hundred."""
        hits = torch.tensor(np.random.default_rng(1).random(40) < 0.5).repeat_interleave(5)
        picture = torch.arange(40).repeat_interleave(5)
        together = mean_interval(hits, picture)
        alone = mean_interval(hits, torch.arange(200))
        assert together["value"] == alone["value"]
        assert together["high"] - together["low"] > 1.8 * (alone["high"] - alone["low"])

    def test_the_names_of_pictures_do_not_matter(self):
        values = torch.tensor([1.0, 0.0, 1.0, 1.0])
        assert mean_interval(values, torch.tensor([7, 7, 2**40, 9])) == mean_interval(
            values, torch.tensor([0, 0, 2, 1])
        )

    def test_equals_the_plain_bootstrap_over_pictures(self):
        """Unequal numbers of answers: the statistic is the ratio of two sums, as a plain bootstrap computes it."""
        rng = np.random.default_rng(2)
        picture, values = torch.tensor(rng.integers(0, 12, 50)), torch.tensor(rng.random(50))
        groups = [values[picture == number] for number in range(12)]
        plain = bootstrap_interval(
            torch.arange(12), lambda drawn: torch.cat([groups[number] for number in drawn.tolist()]).mean()
        )
        found = mean_interval(values, picture)
        assert list(found.values()) == pytest.approx([plain.value, plain.low, plain.high], abs=1e-4)


class TestF1Interval:
    def test_by_hand(self):
        """Two right, one false alarm, one missed: precision 2/3, recall 2/3."""
        said, true = torch.tensor([1, 1, 1, 0, 0]).bool(), torch.tensor([1, 1, 0, 1, 0]).bool()
        found = f1_interval(said, true, torch.arange(5))
        assert found["value"] == pytest.approx(2 / 3, abs=1e-4)
        assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1

    def test_never_said_and_never_true(self):
        nothing = torch.zeros(4, dtype=torch.bool)
        assert f1_interval(nothing, nothing, torch.arange(4)) == {"value": 0.0, "low": 0.0, "high": 0.0}
