import importlib
import json
from types import SimpleNamespace

import huggingface_hub
import pytest
import tiny_models
import torch
from huggingface_hub import constants, errors

from gk_utils import __main__ as command_line
from gk_utils import doctor, photos
from gk_utils.hub import MODELS, HubError, hub_check
from gk_utils.hub.hub_check import ASKED, ENOUGH, examine_hub, run
from gk_utils.protocols import Grounding, Segmentation


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """No downloads, and no network that could bring some."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(doctor, "check_hub", lambda: doctor.note("hub", "does not answer"))


class Oracle:
    """Knows the labels, and misses the photographs that it is told to miss."""

    def __init__(self, misses: int = 0) -> None:
        self.missed = [phrase for _, phrase in ASKED[:misses]]
        self.boxes = {phrase: photos.load(name).boxes[photos.load(name).index(phrase)] for name, phrase in ASKED}

    def ground(self, image, phrase):
        box = self.boxes[phrase][None] if phrase not in self.missed else torch.zeros(0, 4)
        return Grounding(box, torch.ones(len(box)), phrase, not len(box), tuple(image.shape[1:]))

    def set_image(self, image):
        self.image_hw = tuple(image.shape[1:])

    def segment(self, *, boxes):
        mask = torch.zeros(1, *self.image_hw, dtype=torch.bool)
        x1, y1, x2, y2 = boxes[0].int().tolist()
        if not any(torch.equal(boxes[0], self.boxes[phrase]) for phrase in self.missed):
            mask[0, y1:y2, x1:x2] = True
        return Segmentation(mask, torch.ones(1), self.image_hw)

    def similarities(self, images, texts):
        return torch.eye(len(texts)).roll(1 if self.missed else 0, 0)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch):
    def put(answer) -> None:
        def load(name, device, folder):
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(hub_check, "load", load)

    return put


class TestExamineHub:
    @pytest.mark.parametrize("name", ["grounding-dino-tiny", "sam-vit-base", "clip-vit-large", "qwen3-vl-2b"])
    def test_one_that_works(self, name, pretend):
        pretend(Oracle())
        (found,) = examine_hub([f"{name}=x"])
        assert (found.name, found.state) == (name, "PASS")
        assert found.reason.startswith("6 of 6 photographs: ")

    @pytest.mark.parametrize(("misses", "state"), [(6 - ENOUGH, "PASS"), (7 - ENOUGH, "FAIL")])
    @pytest.mark.parametrize("name", ["grounding-dino-tiny", "sam-vit-base"])
    def test_one_that_misses_some(self, name, misses, state, pretend):
        pretend(Oracle(misses))
        (found,) = examine_hub([f"{name}=x"])
        assert found.state == state
        assert "IoU cup 0.00" in found.reason
        assert "tripod 1.00" in found.reason

    def test_a_similarity_that_mixes_them_up(self, pretend):
        pretend(Oracle(1))
        (found,) = examine_hub(["clip-vit-large=x"])
        assert (found.state, found.reason) == ("FAIL", "0 of 6 photographs: matched none")

    @pytest.mark.parametrize(
        ("error", "state", "reason"),
        [
            (HubError("sam-vit-base: the disk is full."), "SKIPPED", "the disk is full."),
            (HubError("sam-vit-base: damaged.", circumstance=False), "FAIL", "damaged."),
            (RuntimeError("shapes differ\nsecond line"), "FAIL", "RuntimeError: shapes differ"),
            (RuntimeError(), "FAIL", "RuntimeError: "),
        ],
        ids=["full", "damaged", "broken", "silent"],
    )
    def test_one_that_cannot_be_had(self, error, state, reason, pretend):
        pretend(error)
        (found,) = examine_hub(["sam-vit-base=x"])
        assert (found.state, found.reason) == (state, reason)

    @pytest.mark.parametrize(
        ("name", "kind"), [("mm-grounding-dino-tiny", "mm_grounding_dino"), ("sam2.1-tiny", "sam2")]
    )
    def test_random_weights_fail(self, name, kind):
        """The whole way: a folder, transformers' classes, the photographs. Random weights find nothing."""
        (found,) = examine_hub([f"{name}={tiny_models.folder(kind)}"], "cpu")
        assert found.state == "FAIL"
        assert "of 6 photographs: IoU cup " in found.reason

    def test_every_kind_can_be_asked(self):
        for kind in ("clip", "kosmos2"):
            row = next(row for row in MODELS.values() if row.kind == kind)
            (found,) = examine_hub([f"{row.name}={tiny_models.folder(kind)}"], "cpu")
            assert " of 6 photographs: " in found.reason

    def test_offline_all_are_skipped_at_once(self, monkeypatch):
        """The hub is asked once, not once a model."""
        asked = []
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(doctor, "check_hub", lambda: asked.append(1) or doctor.note("hub", "does not answer"))
        found = list(examine_hub())
        assert [one.name for one in found] == list(MODELS)
        assert {one.state for one in found} == {"SKIPPED"}
        assert all("the hub does not answer. Connect to the network" in one.reason for one in found)
        assert asked == [1]
        assert sum(one.seconds for one in found) < 2

    def test_a_hub_that_answers_with_a_gate(self, monkeypatch):
        httpx = importlib.import_module(errors.Response.__module__.split(".")[0])
        answer = httpx.Response(403, request=httpx.Request("GET", "https://hub.example/x"))

        def refuse(repository, **options):
            if options.get("local_files_only"):
                raise errors.LocalEntryNotFoundError("none")
            raise errors.GatedRepoError("gated", response=answer)

        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(doctor, "check_hub", lambda: doctor.ok("hub", "answers"))
        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        (found,) = examine_hub(["sam3"], "cpu")
        assert (found.state, found.reason.split(".")[0]) == ("SKIPPED", "its weights are given on request")

    def test_an_unknown_name_before_anything_is_loaded(self, pretend):
        pretend(AssertionError("loaded"))
        with pytest.raises(ValueError, match="name: expected one of"):
            next(examine_hub(["sam-vit-base=x", "sam4"]))


class TestRun:
    def test_for_people(self, pretend, capsys):
        pretend(Oracle())
        assert run(["sam-vit-base=x"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("PASS     sam-vit-base            6 of 6 photographs: IoU cup 1.00, woman 1.00")
        assert lines[-1] == "1 PASS, 0 FAIL, 0 SKIPPED."

    def test_skipped_is_no_fault(self, capsys):
        assert run(["sam-vit-base", "sam-vit-huge"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith(
            "SKIPPED  sam-vit-base            is not on this machine, and HF_HUB_OFFLINE is set."
        )
        assert lines[-1] == "0 PASS, 0 FAIL, 2 SKIPPED."

    def test_for_machines(self, pretend, capsys):
        pretend(Oracle(6))
        assert run(["grounding-dino-tiny=x"], as_json=True) == 1
        answer = json.loads(capsys.readouterr().out)
        assert answer["ready"] is False
        assert [(one["name"], one["state"]) for one in answer["models"]] == [("grounding-dino-tiny", "FAIL")]


class TestCommandLine:
    def test_named_models(self, capsys):
        assert command_line.main(["doctor", "--hub", "sam-vit-base", "owlv2-base", "--device", "cpu"]) == 0
        assert capsys.readouterr().out.count("SKIPPED  ") == 2

    def test_all_of_them(self, monkeypatch):
        asked = SimpleNamespace(names=None)
        monkeypatch.setattr(hub_check, "run", lambda names, **options: setattr(asked, "names", names) or 1)
        assert command_line.main(["doctor", "--hub"]) == 1
        assert asked.names == []

    @pytest.mark.parametrize(
        ("arguments", "said"), [(["--hub", "sam4"], "got 'sam4'"), (["--device", "cpu"], "expected with --hub")]
    )
    def test_bad_arguments(self, arguments, said, capsys):
        with pytest.raises(SystemExit) as stop:
            command_line.main(["doctor", *arguments])
        written = capsys.readouterr()
        assert (stop.value.code, written.out, len(written.err.splitlines())) == (2, "", 1)
        assert said in written.err
