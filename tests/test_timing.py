import itertools
import math

import pytest
import torch

from gk_utils.bench import timing
from gk_utils.bench.timing import bandwidth, compare, floor_ms, largest_difference, not_run, rate, row


class TestCompare:
    def test_by_hand(self, monkeypatch):
        """Medians, the median of the ratios and their middle 80 %; who goes first changes from round to round."""
        order = []

        def clock(action, device):
            name = action()
            times = itertools.cycle([0.001, 0.002, 0.003]) if name == "ours" else itertools.repeat(0.004)
            return lambda: (order.append(name), next(times))[1]

        monkeypatch.setattr(timing, "_clock", clock)
        monkeypatch.setattr(timing, "MOST", 3)
        found = compare(lambda: "ours", lambda: "theirs", "cpu", 60.0)
        assert (found["ours_ms"], found["peer_ms"], found["ratio"]) == pytest.approx((2, 4, 0.5))
        assert (found["low"], found["high"]) == pytest.approx((0.3, 0.7))
        assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]

    def test_the_slower_side_is_slower(self):
        few, many = torch.rand(100), torch.rand(300_000)
        assert compare(few.sort, many.sort, "cpu", 0.01)["ratio"] < 0.5

    def test_at_least_five_rounds(self):
        runs = []
        compare(lambda: runs.append(1), lambda: None, "cpu", 0.0)
        assert len(runs) >= timing.FEWEST

    def test_on_cuda_the_cache_is_overwritten_before_the_clock_starts(self, monkeypatch):
        """With the device's part replaced: what happens between and outside of the two events."""
        log = []

        class Event:
            def __init__(self, enable_timing):
                assert enable_timing

            def record(self):
                log.append("event")

            def elapsed_time(self, end):
                return 2.0

        class Buffer:
            def zero_(self):
                log.append("write")

        monkeypatch.setattr(torch.cuda, "Event", Event)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: log.append("wait"))
        monkeypatch.setattr(torch, "empty", lambda n, dtype, device: Buffer())
        clock = timing._clock(lambda: log.append("run"), "cuda:0")
        log.clear()
        assert clock() == 0.002
        assert log == ["write", "event", "run", "event", "wait"]


class TestRow:
    def test_keys_and_values(self):
        zeros, ones = torch.zeros(3), torch.ones(3)
        options = {"device": "cpu", "peer": "numpy", "seconds": 0.0}
        found = row("3 numbers", ours=lambda: zeros, theirs=lambda: [ones], floor_ms=0.5, **options)
        assert (found["case"], found["pass"], found["dtype"], found["peer"]) == (
            "3 numbers",
            "forward",
            "float32",
            "numpy",
        )
        assert (found["max_error"], found["floor_ms"]) == (1.0, 0.5)
        assert "peer_error" not in found
        found = row("3 numbers", ours=lambda: zeros, theirs=lambda: ones, exact=[zeros + 0.25], **options)
        assert (found["max_error"], found["peer_error"]) == (0.25, 0.75)

    def test_not_run(self):
        found = not_run("a case", "cuda:0", "no such device")
        assert (found["device"], found["ours_ms"], found["not_run"]) == ("cuda", None, "no such device")


class TestLargestDifference:
    def test_of_several_and_of_half_precision(self):
        a, b = torch.tensor([1.0, 2.0]), torch.tensor([4.0])
        assert largest_difference([a, b], [a + 0.5, b - 2]) == 2
        assert largest_difference([a.half()], [a.bfloat16() + 0.5]) == 0.5
        assert largest_difference([a], [a.double() + 1e-12]) == pytest.approx(1e-12, rel=1e-3)

    def test_nothing_differs_from_nothing(self):
        assert largest_difference([torch.zeros(0, 4)], [torch.zeros(0, 4)]) == 0

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_not_finite(self, bad):
        assert largest_difference([torch.tensor([bad])], [torch.tensor([bad])]) == math.inf

    def test_another_shape(self):
        with pytest.raises(ValueError, match=r"ours: expected the peer's shape \(2,\), got \(1,\)"):
            largest_difference([torch.zeros(1)], [torch.zeros(2)])
        with pytest.raises(ValueError, match="zip"):
            largest_difference([torch.zeros(1)], [])


class TestFloor:
    def test_the_longer_of_the_two(self, monkeypatch):
        monkeypatch.setattr(timing, "bandwidth", lambda device: 1000.0)
        monkeypatch.setattr(timing, "rate", lambda device: 10.0)
        assert floor_ms("cpu", 500) == 500
        assert floor_ms("cpu", 500, operations=4) == 500
        assert floor_ms("cpu", 500, operations=40) == 4000

    def test_what_this_machine_reaches(self):
        assert 1e8 < bandwidth("cpu") < 1e13
        assert 1e8 < rate("cpu") < 1e14
