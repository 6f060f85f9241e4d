import builtins
import importlib
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import tiny_models
import torch
from huggingface_hub import constants, errors

from gk_utils import hub
from gk_utils.hub import loading
from gk_utils.hub.hub_errors import HubError


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


class TestLoad:
    def test_by_its_published_name(self, tmp_path):
        """What a download would have left in the cache is read by name, through transformers' own classes."""
        place = tmp_path / "cache" / "models--facebook--sam-vit-base"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text("0" * 40)
        shutil.copytree(tiny_models.folder("sam"), place / "snapshots" / ("0" * 40))
        segmenter = hub.load("sam-vit-base", "cpu")
        assert type(segmenter.loaded.model).__name__ == "SamModel"
        assert segmenter.loaded.folder == place / "snapshots" / ("0" * 40)

    def test_a_folder_may_be_a_string(self):
        assert hub.load("sam-vit-base", "cpu", folder=str(tiny_models.folder("sam"))).loaded.row.name == "sam-vit-base"

    def test_offline(self):
        with pytest.raises(HubError, match="sam-vit-base: is not on this machine, and HF_HUB_OFFLINE is set"):
            hub.load("sam-vit-base", "cpu")

    def test_unknown_names(self):
        with pytest.raises(ValueError, match="name: expected one of"):
            hub.load("sam-vit-tiny")
        with pytest.raises(ValueError, match="device: expected one that is here, got 'toaster'"):
            hub.load("sam-vit-base", "toaster")

    def test_a_gpu_that_is_too_small_is_seen_before_the_download(self, monkeypatch):
        monkeypatch.setattr(loading, "check_device", lambda device: None)
        monkeypatch.setattr(loading, "free_gpu_gb", lambda device: 2.0)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
        with pytest.raises(HubError, match=r"sam-vit-huge: needs about 4.5 GB of GPU memory, 2.0 are free. Take"):
            hub.load("sam-vit-huge", "cuda")
        with pytest.raises(HubError, match=r"needs about 6.0 GB"):
            hub.load("sam-vit-huge", "cuda", dtype=torch.float32)

    def test_the_gpu_is_the_default_where_there_is_one(self, monkeypatch):
        devices = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(loading, "check_device", devices.append)
        monkeypatch.setattr(loading, "free_gpu_gb", lambda device: 0.1)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
        assert hub.try_load("sam-vit-base") is None
        assert devices == ["cuda"]

    def test_no_transformers(self, monkeypatch):
        real = builtins.__import__

        def refuse(name, *arguments, **options):
            if name == "transformers":
                raise ModuleNotFoundError("No module named 'transformers'", name="transformers")
            return real(name, *arguments, **options)

        monkeypatch.setattr(builtins, "__import__", refuse)
        with pytest.raises(HubError, match=r'transformers cannot be imported .* install -e "\.\[hub\]"'):
            hub.load("sam-vit-base", "cpu")


class TestTryLoad:
    def test_it_says_why_not_in_one_line(self, capsys):
        assert hub.try_load("grounding-dino-tiny", "cpu") is None
        assert capsys.readouterr().out == (
            "grounding-dino-tiny: is not on this machine, and HF_HUB_OFFLINE is set. Unset it to download.\n"
            "Going on in the mini tier.\n"
        )

    def test_a_gated_model(self, capsys, monkeypatch):
        httpx = importlib.import_module(errors.Response.__module__.split(".")[0])
        answer = httpx.Response(403, request=httpx.Request("GET", "https://hub.example/x"))

        def refuse(repository, **options):
            if options.get("local_files_only"):
                raise errors.LocalEntryNotFoundError("none")
            raise errors.GatedRepoError("gated", response=answer)

        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        assert hub.try_load("sam3", "cpu") is None
        assert "sam3: its weights are given on request. Accept" in capsys.readouterr().out

    def test_a_folder(self, capsys):
        assert hub.try_load("sam-vit-base", "cpu", folder=tiny_models.folder("sam")) is not None
        assert "mini" not in capsys.readouterr().out

    def test_a_slip_of_the_pen_is_not_swallowed(self):
        with pytest.raises(ValueError, match="name"):
            hub.try_load("grounding-dino")


class TestLoadTransformers:
    def test_in_eval_mode_and_in_the_type_asked_for(self):
        folder = tiny_models.folder("grounding_dino")
        model, processor = hub.load_transformers("grounding-dino-tiny", "cpu", folder=folder)
        assert (type(model).__name__, type(processor).__name__) == (
            "GroundingDinoForObjectDetection",
            "GroundingDinoProcessor",
        )
        assert not model.training
        assert model.dtype is torch.float32
        wide, _ = hub.load_transformers("grounding-dino-tiny", "cpu", folder=folder, dtype=torch.float64)
        assert wide.dtype is torch.float64
