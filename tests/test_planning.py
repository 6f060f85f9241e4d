"""What millions of pairs take: by hand, and the page held to the function."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.scale.planning import MEASURED, PAGE, plan, read_measured, steady_rate
from gk_utils.scale.planning_page import as_page

QUIET = {"days_between_failures": math.inf, "broken": 0.0}


class TestPlan:
    def test_by_hand(self):
        """10,000,000 pairs at 0.1 s are 1,000,000 worker-seconds, 277.8 hours; 4 workers do 345,600 s of them a day."""
        made = plan(10_000_000, 0.1, days=1, workers_a_machine=4, **QUIET, kept=0.5, picture_bytes=1e5, row_bytes=400)
        assert made.worker_hours == pytest.approx(277.78, abs=0.01)
        assert made.machines == 3
        assert made.days == pytest.approx(1_000_000 / 3 / 345_600)
        assert (made.rows, made.rows_gb, made.pictures_tb) == (5_000_000, 2.0, 1.0)
        assert (made.failures, made.undisturbed, made.lost_hours, made.broken) == (0, 1, 0, 0)
        assert made.shards == math.ceil(10_000_000 / 4096)
        assert made.shard_minutes == pytest.approx(409.6 / 60)

    def test_failures_by_hand(self):
        """Ten days of one machine that fails every two: five failures, each half a shard of 1,000 s and 100 s."""
        made = plan(
            864_000, 1.0, days=20, workers_a_machine=1, days_between_failures=2, start_seconds=100, shard_items=1000
        )
        assert made.failures == pytest.approx(made.worker_hours / 48)
        assert made.lost_hours * 3600 == pytest.approx(made.failures * 600)
        assert made.worker_hours * 3600 == pytest.approx(864_000 + made.failures * 600)
        assert made.undisturbed == pytest.approx(math.exp(-made.failures))

    def test_workers_that_slow_each_other(self):
        alone, beside = (plan(10**6, 1.0, **QUIET, side_by_side=share) for share in (1.0, 0.8))
        assert beside.worker_hours == pytest.approx(alone.worker_hours / 0.8)

    @given(
        st.tuples(st.integers(1, 10**9), st.floats(1e-3, 10)),
        st.tuples(st.floats(0.1, 100), st.integers(1, 64)),
        st.tuples(st.floats(1, 400), st.floats(0.5, 1)),
    )
    def test_machines_do_the_work_in_time(self, work, wanted, trouble):
        (pairs, seconds), (days, workers), (between, share) = work, wanted, trouble
        options = {"days": days, "workers_a_machine": workers, "days_between_failures": between}
        made = plan(pairs, seconds, **options, side_by_side=share)
        assert made.days <= days * (1 + 1e-6)
        assert made.machines * made.days * workers * 24 == pytest.approx(made.worker_hours)
        assert made.worker_hours * 3600 * share >= pairs * seconds * (1 - 1e-9)
        assert made.machines == 1 or (made.machines - 1) * workers * days * 24 < made.worker_hours * (1 + 1e-6)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"seconds_per_pair": 0}, "seconds_per_pair: expected a number above 0, got 0"),
            ({"days": -1}, "days: expected a number above 0, got -1"),
            ({"broken": 1.5}, "broken: expected a share from 0 to 1, got 1.5"),
            ({"side_by_side": 0}, "side_by_side: expected a share from 0 to 1, got 0"),
            ({"seconds_per_pair": 60, "days_between_failures": 0.5}, "shard_items: expected shards that end before"),
        ],
    )
    def test_errors(self, change, message):
        with pytest.raises(ValueError, match=message):
            plan(**{"pairs": 1000, "seconds_per_pair": 1.0, **change})


class TestSteadyRate:
    def test_two_workers_by_hand(self):
        """a: shards of 10 items from 0 to 6; b starts at 1: all are busy, past their first shards, from 3 to 6."""
        a = [{"worker": "a", "began": 2.0 * turn, "seconds": 2.0, "items": 10} for turn in range(3)]
        b = [{"worker": "b", "began": 1.0 + 2.0 * turn, "seconds": 2.0, "items": 20} for turn in range(3)]
        assert steady_rate(a + b) == pytest.approx(5 + 10)

    def test_waiting_counts(self):
        entries = [{"worker": "a", "began": 4.0 * turn, "seconds": 2.0, "items": 10} for turn in range(3)]
        assert steady_rate(entries) == pytest.approx(20 / 8)

    def test_too_few(self):
        with pytest.raises(ValueError, match="entries: expected two shards or more"):
            steady_rate([{"worker": "a", "began": 0.0, "seconds": 1.0, "items": 1}])


class TestReadMeasured:
    def test_another_file(self, tmp_path):
        kept = {"date": "", "versions": "", "name": "scale", "machine": "", "rows": []}
        (tmp_path / "x.json").write_text(json.dumps(kept))
        with pytest.raises(ValueError, match="x.json: expected what `bench scale` wrote"):
            read_measured(tmp_path / "x.json")


class TestPage:
    @pytest.mark.skipif(not MEASURED.is_file(), reason="nothing is measured yet: bench scale")
    def test_its_numbers_are_those_of_the_measurement(self):
        assert PAGE.read_text(encoding="utf-8") == as_page(read_measured()), "run python -m gk_utils.scale.planning"
