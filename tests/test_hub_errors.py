import errno
import importlib
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants, errors
from safetensors import SafetensorError

from gk_utils.hub.hub_errors import HubError, explain, memory_too_small
from gk_utils.hub.published_models import MODELS

ROW = MODELS["sam-vit-base"]
HTTPX = importlib.import_module(errors.Response.__module__.split(".")[0])


def answered(status: int) -> errors.Response:
    """What a hub would answer."""
    return HTTPX.Response(status, request=HTTPX.Request("GET", "https://hub.example/x"))


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


class TestExplain:
    """The real exceptions of huggingface_hub, safetensors, torch and the system."""

    @pytest.mark.parametrize(
        ("error", "said", "remedy", "circumstance"),
        [
            (errors.GatedRepoError("gated", response=answered(403)), "given on request", "hf auth login", True),
            (errors.RepositoryNotFoundError("no", response=answered(404)), "has no facebook/sam", "folder=", False),
            (errors.RevisionNotFoundError("no", response=answered(404)), "no revision", "folder=", False),
            (errors.LocalEntryNotFoundError("no"), "the hub does not answer", "Connect to the network", True),
            (errors.OfflineModeIsEnabled("no"), "the hub does not answer", "Connect to the network", True),
            (errors.HfHubHTTPError("no", response=answered(401)), "does not accept your token", "login", True),
            (errors.HfHubHTTPError("no", response=answered(429)), "too many requests", "Try again", True),
            (errors.HfHubHTTPError("no", response=answered(503)), "error 503", "Try again later", True),
            (HTTPX.ReadTimeout("slow"), "broke off (slow)", "what has arrived is kept", True),
            (HTTPX.RemoteProtocolError("peer closed"), "broke off (peer closed)", "Load it again", True),
            (HTTPX.ConnectError("refused"), "broke off", "Load it again", True),
            (ConnectionResetError(104, "reset by peer"), "broke off", "Load it again", True),
            (errors.XetDownloadError("chunk"), "broke off (chunk)", "Load it again", True),
            (OSError("Consistency check failed: file should be of size 9"), "broke off", "Load it again", True),
            (OSError(errno.ENOSPC, "No space left on device"), "the disk is full in", "make room for 0.4 GB", True),
            (OSError(errno.EDQUOT, "Quota exceeded"), "the disk is full in", "HF_HOME", True),
            (PermissionError(13, "denied", "/cache/x"), "/cache/x cannot be written", "HF_HOME", True),
            (OSError(errno.EROFS, "Read-only file system"), "cannot be written", "HF_HOME", True),
            (SafetensorError("header too small"), "damaged (header too small)", "Delete", False),
            (torch.OutOfMemoryError("CUDA out of memory"), "needs about 2.5 GB of GPU memory", "cpu", True),
            (ModuleNotFoundError("No module", name="transformers"), "transformers cannot be", '-e ".[hub]"', True),
            (RuntimeError("size mismatch\nfor x"), "(RuntimeError: size mismatch)", "gk_utils doctor", False),
            (RuntimeError(), "(RuntimeError: RuntimeError)", "gk_utils doctor", False),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_one_line_with_the_remedy(self, error, said, remedy, circumstance):
        line = explain(error, ROW)
        assert str(line).startswith("sam-vit-base: ")
        assert len(str(line).splitlines()) == 1
        assert said in str(line)
        assert remedy in str(line)
        assert line.circumstance is circumstance

    def test_offline_because_one_wants_to_be(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert "HF_HUB_OFFLINE is set. Unset it" in str(explain(errors.LocalEntryNotFoundError("no"), ROW))

    def test_the_page_of_a_gated_model(self):
        line = str(explain(errors.GatedRepoError("gated", response=answered(403)), MODELS["sam3"]))
        assert "https://huggingface.co/facebook/sam3" in line

    def test_the_damaged_files_are_named(self, tmp_path: Path):
        line = str(explain(SafetensorError("x"), ROW))
        assert str(tmp_path / "cache" / "models--facebook--sam-vit-base") in line

    def test_what_is_explained_stays(self):
        error = HubError("a\n  b")
        assert explain(error, ROW) is error
        assert str(error) == "a b"


class TestMemoryTooSmall:
    def test_what_would_fit(self):
        line = str(memory_too_small(MODELS["qwen2.5-vl-3b"], 9.5, 7.0))
        assert line.startswith("qwen2.5-vl-3b: needs about 9.5 GB of GPU memory, 7.0 are free. Take qwen3-vl-2b")

    def test_nothing_would(self):
        line = str(memory_too_small(MODELS["sam2.1-tiny"], 1.2, 0.5))
        assert "Take" not in line
        assert line.endswith("Shut down other notebooks, or pass device='cpu'.")

    def test_it_ran_out(self):
        assert "it ran out. Take sam-vit-base" in str(memory_too_small(MODELS["sam-vit-large"], 3.5))

    def test_no_gated_model_is_advised(self):
        assert "sam3" not in str(memory_too_small(MODELS["sam-vit-huge"], 8.0, 7.0))
