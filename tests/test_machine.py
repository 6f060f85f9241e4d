import os
import types

import accelerate
import numpy as np
import pytest
import tiny_task
import torch

from gk_utils.training.machine import accelerator_for, draw_ahead, hardware


class TestAcceleratorFor:
    @pytest.mark.parametrize(
        ("capability", "device", "precision"),
        [((9, 0), None, "bf16"), ((8, 0), "cuda", "bf16"), ((7, 5), None, "fp16"), ((9, 0), "cpu", "no")],
    )
    def test_precision_suits_the_device(self, capability, device, precision, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)

        def recorded(cpu, mixed_precision):
            return types.SimpleNamespace(device=torch.device("cpu" if cpu else "cuda"), mixed_precision=mixed_precision)

        monkeypatch.setattr(accelerate, "Accelerator", recorded)
        assert accelerator_for(device).mixed_precision == precision

    def test_launched_on_the_cpu_beside_a_gpu(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
        monkeypatch.setattr(accelerate, "Accelerator", types.SimpleNamespace)
        assert vars(accelerator_for(None)) == {"cpu": True, "mixed_precision": "no"}

    def test_a_device_that_is_not_there(self, monkeypatch):
        here = types.SimpleNamespace(device=torch.device("cpu"))
        monkeypatch.setattr(accelerate, "Accelerator", lambda **_: here)
        with pytest.raises(ValueError, match="device: expected one that is here, got 'xpu' where there is 'cpu'"):
            accelerator_for("xpu")


class TestHardware:
    def test_in_words(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
        assert hardware(torch.device("cuda"), 1) == "one Tesla T4"
        assert hardware(torch.device("cuda", 0), 8) == "8 Tesla T4"
        assert hardware(torch.device("cpu"), 2).startswith(f"{os.cpu_count()} CPU cores, 2 x ")


class TestDrawAhead:
    @pytest.mark.parametrize("workers", [0, 2])
    def test_draws_each_step_in_order(self, workers):
        samples = list(draw_ahead("tiny_task", {}, 3, range(4, 9, 2), workers))
        assert [step for _, _, step in samples] == [4, 6, 8]
        for x, y, step in samples:
            expected = tiny_task.draw({}, 3, step)
            assert x.equal(expected[0])
            assert y.equal(expected[1])

    def test_returns_samples_as_they_are(self, monkeypatch):
        monkeypatch.setattr(tiny_task, "draw", lambda settings, seed, step: (np.zeros(2), {"a": None}, "text"))
        [(array, entries, text)] = draw_ahead("tiny_task", {}, 0, range(1), workers=0)
        assert isinstance(array, np.ndarray)
        assert (entries, text) == ({"a": None}, "text")

    @pytest.mark.parametrize(
        ("cores", "processes", "workers"), [(1, 1, 1), (2, 1, 1), (16, 1, 15), (16, 4, 3), (2, 2, 1)]
    )
    def test_leaves_a_core_to_the_loop(self, cores, processes, workers, monkeypatch):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
        assert draw_ahead("tiny_task", {}, 0, range(3), None).num_workers == workers
