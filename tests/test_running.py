import pytest
import torch

from gk_utils.bench.running import FOLDER, bench, devices_here, load, machine, names, versions


class TestNames:
    def test_are_the_files(self):
        assert set(names()) >= {"boxes", "metrics", "render", "roi_align", "roi_align_cost"}
        assert all((FOLDER / f"{name}.py").is_file() for name in names())


class TestLoad:
    def test_once(self):
        assert load("boxes") is load("boxes")

    def test_unknown(self):
        with pytest.raises(ValueError, match="name: expected one of 'boxes', .*, got 'rendering'"):
            load("rendering")
        with pytest.raises(ValueError, match="name: expected one of 'boxes'"):
            bench("rendering")


class TestMachine:
    def test_cpu(self):
        threads = torch.get_num_threads()
        assert machine("cpu").endswith(f", {threads} thread" + "s" * (threads != 1))
        assert "CPU cores" in machine("cpu")

    def test_accelerator(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
        assert machine("cuda") == "one NVIDIA H100"


class TestVersions:
    def test_names_what_is_compared(self):
        assert versions().startswith(f"torch {torch.__version__.partition('+')[0]}, torchvision ")
        assert "numpy" in versions()


class TestDevicesHere:
    def test_with_and_without_cuda(self, monkeypatch):
        for there, devices in ((False, ("cpu",)), (True, ("cpu", "cuda"))):
            monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
            assert devices_here() == devices
