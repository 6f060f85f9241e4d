"""Nothing touches the network: what would be downloaded is put where a download puts it, or the real error comes."""

import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import tiny_models
from huggingface_hub import constants, errors
from test_hub_errors import HTTPX, answered

from gk_utils.hub import fetch as fetching
from gk_utils.hub.fetch import announcement, fetch, free_gpu_gb, is_here
from gk_utils.hub.hub_errors import HubError
from gk_utils.hub.published_models import MODELS

ROW = MODELS["sam-vit-base"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty place for downloads, and a hub that is allowed."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path / "cache"


def keep(cache: Path, model: Path) -> Path:
    """A model among the downloads, as the hub's own program leaves it."""
    place = cache / "models--facebook--sam-vit-base"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(model, place / "snapshots" / COMMIT))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, cache: Path):
    """Replace the download by an error, or by a folder that appears; what it was asked is kept."""
    real, asked = huggingface_hub.snapshot_download, []

    def replace(answer: BaseException | Path) -> list[dict]:
        def download(repository: str, **options):
            if options.get("local_files_only"):
                return real(repository, **options)
            asked.append({"repository": repository, **options})
            if isinstance(answer, Path):
                return str(keep(cache, answer))
            raise answer

        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        return asked

    return replace


class TestFetch:
    def test_a_folder_in_place_of_the_download(self, hub):
        asked = hub(RuntimeError("no download"))
        assert fetch(ROW, tiny_models.folder("sam")) == tiny_models.folder("sam")
        assert asked == []

    def test_what_is_here_is_taken_without_the_network(self, hub, cache, capsys):
        asked = hub(RuntimeError("no download"))
        kept = keep(cache, tiny_models.folder("sam"))
        assert not is_here(MODELS["sam-vit-huge"])
        assert is_here(ROW)
        assert fetch(ROW) == kept
        assert (asked, capsys.readouterr().out) == ([], "")

    def test_what_is_here_serves_without_any_network(self, cache, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert fetch(ROW) if keep(cache, tiny_models.folder("sam")) else None

    def test_a_download_is_announced(self, hub, capsys):
        asked = hub(tiny_models.folder("sam"))
        assert (fetch(ROW) / "model.safetensors").is_file()
        assert capsys.readouterr().out.startswith(
            "sam-vit-base (facebook/sam-vit-base, 94 M parameters, licence Apache"
        )
        assert [(one["repository"], one["revision"]) for one in asked] == [("facebook/sam-vit-base", None)]
        assert is_here(ROW)

    def test_no_pickles_are_asked_for(self, hub):
        options = hub(tiny_models.folder("sam"))
        fetch(ROW)
        there = ["model.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "merges.txt"]
        there += ["config.json", "chat_template.jinja", "sentencepiece.bpe.model"]
        not_there = ["pytorch_model.bin", "tf_model.h5", "sam3.pt", "onnx/model.safetensors", "flax_model.msgpack"]
        not_there += ["open_clip_model.safetensors", "pytorch_model.bin.index.json"]
        wanted = huggingface_hub.utils.filter_repo_objects(
            there + not_there,
            allow_patterns=options[0]["allow_patterns"],
            ignore_patterns=options[0]["ignore_patterns"],
        )
        assert list(wanted) == there

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (errors.GatedRepoError("gated", response=answered(403)), "given on request"),
            (errors.RepositoryNotFoundError("no", response=answered(404)), "the hub has no"),
            (errors.LocalEntryNotFoundError("no"), "does not answer"),
            (HTTPX.ReadError("cut"), "broke off (cut)"),
            (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_an_error_on_the_way(self, hub, error, said):
        hub(error)
        with pytest.raises(HubError, match=said.replace("(", r"\(").replace(")", r"\)")) as found:
            fetch(ROW)
        assert found.value.__cause__ is error

    def test_a_stop_by_the_learner_is_no_error_of_the_hub(self, hub):
        hub(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            fetch(ROW)

    def test_offline_asks_nobody(self, hub, monkeypatch, capsys):
        asked = hub(RuntimeError("no download"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
            fetch(ROW)
        assert (asked, capsys.readouterr().out) == ([], "")

    def test_a_full_disk_is_seen_before_the_download(self, hub, monkeypatch):
        asked = hub(RuntimeError("no download"))
        monkeypatch.setattr(fetching.shutil, "disk_usage", lambda place: SimpleNamespace(free=0.41e9))
        with pytest.raises(HubError, match="the disk is full"):
            fetch(ROW)
        assert asked == []

    def test_an_interrupted_download_goes_on(self, hub, cache):
        kept = keep(cache, tiny_models.folder("sam"))
        (kept / "model.safetensors").unlink()
        asked = hub(HTTPX.ReadError("cut"))
        assert not is_here(ROW)
        with pytest.raises(HubError, match="what has arrived is kept"):
            fetch(ROW)
        assert len(asked) == 1

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors", "processor_config.json"])
    def test_a_folder_that_lacks_something(self, name, tmp_path):
        folder = Path(shutil.copytree(tiny_models.folder("sam"), tmp_path / "sam"))
        (folder / name).unlink()
        (folder / "pytorch_model.bin").touch()
        with pytest.raises(HubError, match=f"sam-vit-base: .*sam has no {name}"):
            fetch(ROW, folder)

    def test_weights_in_several_files(self, tmp_path):
        folder = Path(shutil.copytree(tiny_models.folder("sam"), tmp_path / "sam"))
        shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
        (folder / "model.safetensors").rename(folder / shards[0])
        index = {"weight_map": dict(zip("ab", shards, strict=True))}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(HubError, match="has no model-00002-of-00002"):
            fetch(ROW, folder)
        (folder / shards[1]).touch()
        assert fetch(ROW, folder) == folder

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(HubError, match="has no config.json"):
            fetch(ROW, tmp_path / "nowhere")


class TestAnnouncement:
    def test_on_a_gpu_its_memory_is_named(self, monkeypatch):
        monkeypatch.setattr(fetching.torch.cuda, "mem_get_info", lambda device: (15_000_000_000, 16_000_000_000))
        assert announcement(ROW, "cuda").endswith("Needs about 2.5 GB of GPU memory, 15.0 GB are free.")

    def test_on_a_cpu_not(self):
        assert free_gpu_gb("cpu") is None
        assert announcement(ROW).endswith("GB free on disk.")
