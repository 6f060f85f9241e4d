import contextlib
import errno
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from gk_utils import checkpoints
from gk_utils.checkpoints import Card, first_shipped, load, load_into, save, verify

CARD = Card(
    recipe="box_tokens",
    seed=3,
    steps=1200,
    hardware="one H100",
    minutes=2.5,
    metrics={"acc@0.5": 0.857, "by_type": {"ordinal": 0.8}},
    settings={"bins": 1000},
)


def numbered(number):
    """A checkpoint whose weights and card both say `number`."""
    return {"w": torch.full((100,), float(number))}, replace(CARD, steps=number)


def number_in(folder):
    """The number of the checkpoint in the folder, once weights and card agree on it."""
    tensors, card = load(folder)
    assert tensors["w"].unique().tolist() == [card.steps]
    return card.steps


def weights_in(folder):
    return sorted(Path(folder).glob("weights-*"))


@pytest.fixture
def saved(tmp_path):
    save(numbered(1)[0], tmp_path, numbered(1)[1])
    return tmp_path


class TestSave:
    def test_folder_holds_a_readable_card_and_the_weights_it_names(self, tmp_path):
        card = save({"w": torch.ones(3)}, tmp_path / "head", CARD)
        on_disk = json.loads((tmp_path / "head" / "card.json").read_text())
        assert on_disk["recipe"] == "box_tokens"
        assert on_disk["metrics"] == CARD.metrics
        assert sorted(file.name for file in (tmp_path / "head").iterdir()) == ["card.json", card.weights]
        assert safetensors.torch.load_file(tmp_path / "head" / card.weights)["w"].equal(torch.ones(3))

    def test_fills_in_what_it_knows(self, tmp_path):
        card = save({"w": torch.ones(3)}, tmp_path, CARD)
        assert card.bytes == (tmp_path / card.weights).stat().st_size
        assert card.created_with == f"gk-utils 0.1.0, torch {torch.__version__}"
        assert replace(card, weights="", sha256="", bytes=0, created_with="") == CARD

    def test_replaces_the_checkpoint_before_it(self, saved):
        (first,) = weights_in(saved)
        save(numbered(2)[0], saved, numbered(2)[1])
        assert number_in(saved) == 2
        assert not first.exists()
        assert len(weights_in(saved)) == 1

    def test_same_weights_with_another_card(self, saved):
        save(numbered(1)[0], saved, replace(numbered(1)[1], minutes=9.0))
        assert number_in(saved) == 1
        assert verify(saved).minutes == 9.0

    def test_clears_away_what_a_crash_left(self, saved):
        for name in (
            "weights-0123456789ab.safetensors",
            "weights-0123456789ab.safetensors.77.partial",
            "card.json.77.partial",
        ):
            (saved / name).write_bytes(b"half")
        (saved / "README.md").write_text("mine")
        save(numbered(2)[0], saved, numbered(2)[1])
        assert len(list(saved.iterdir())) == 3
        assert (saved / "README.md").exists()

    def test_leaves_the_callers_tensors_alone(self, tmp_path):
        weights = torch.randn(4, 3, requires_grad=True)
        state = {"w": weights, "t": weights.T}
        save(state, tmp_path, replace(CARD, half=True))
        assert state["w"] is weights
        assert weights.dtype == torch.float32

    @pytest.mark.usefixtures("unhooked")
    def test_refuses_what_is_no_tensor(self, tmp_path):
        with pytest.raises(TypeError, match=r"state_dict: expected tensors, got int for 'step'. Pass a state_dict\(\)"):
            save({"w": torch.ones(1), "step": 3}, tmp_path / "new", CARD)
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize(
        ("metrics", "message"), [({"a": math.nan}, "nan"), ({"a": torch.ones(1)}, "Tensor is not JSON serializable")]
    )
    def test_refuses_a_card_that_json_cannot_hold(self, saved, metrics, message):
        with pytest.raises(ValueError, match=f"card: expected what JSON can hold, got: .*{message}"):
            save(numbered(2)[0], saved, replace(CARD, metrics=metrics))
        assert number_in(saved) == 1


class TestHalf:
    def test_takes_half_the_room_and_comes_back_as_float32(self, tmp_path):
        state = {"w": torch.randn(1000, generator=torch.manual_seed(0)), "steps": torch.tensor(7)}
        full, half = save(state, tmp_path / "full", CARD), save(state, tmp_path / "half", replace(CARD, half=True))
        assert half.bytes < 0.55 * full.bytes
        restored, _ = load(tmp_path / "half")
        assert restored["w"].dtype == torch.float32
        assert restored["w"].equal(state["w"].half().float())
        assert restored["steps"].equal(state["steps"])

    def test_without_it_every_dtype_stays(self, tmp_path):
        dtypes = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
        state = {str(dtype): torch.tensor([[0, 1, 1]]).to(dtype) for dtype in dtypes} | {"none": torch.zeros(0, 4)}
        save(state, tmp_path, CARD)
        restored, _ = load(tmp_path)
        assert list(restored) == sorted(state)
        for name, tensor in state.items():
            torch.testing.assert_close(restored[name], tensor, rtol=0, atol=0)

    def test_refuses_weights_beyond_float16(self, saved):
        with pytest.raises(ValueError, match=r"expected values within 65504 for float16, got 70000 in 'big'"):
            save({"w": torch.ones(2), "big": torch.tensor([1.0, -7e4])}, saved, replace(CARD, half=True))
        assert number_in(saved) == 1

    def test_keeps_infinity_that_was_meant(self, tmp_path):
        save({"mask": torch.tensor([0.0, -math.inf])}, tmp_path, replace(CARD, half=True))
        assert load(tmp_path)[0]["mask"].tolist() == [0, -math.inf]


class TestLoad:
    def test_round_trip_of_awkward_layouts(self, tmp_path):
        base = torch.randn(4, 6, generator=torch.manual_seed(0))
        state = {"transposed": base.T, "sliced": base[:, 1:3], "tied": base, "tied again": base, "scalar": base[0, 0]}
        save(state, tmp_path, CARD)
        restored, card = load(tmp_path)
        assert set(restored) == set(state)
        assert all(restored[name].equal(state[name]) for name in state)
        assert card == verify(tmp_path)
        restored["tied"].add_(1)  # writable, and a tensor of its own
        assert restored["tied again"].equal(base)

    def test_accepts_text_paths_and_devices(self, saved):
        assert load(str(saved), torch.device("cpu"))[0]["w"].device.type == "cpu"
        assert load(saved, "meta")[0]["w"].device.type == "meta"

    def test_no_folder_no_card(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"none_here: expected a folder with card.json, got none"):
            load(tmp_path / "none_here")

    def test_card_without_weights(self, saved):
        weights_in(saved)[0].unlink()
        with pytest.raises(FileNotFoundError, match=r"expected the weights weights-\w{12}.safetensors beside the card"):
            load(saved)

    @pytest.mark.parametrize("length", [0, 8, 50, -1])
    def test_cut_short(self, saved, length):
        file = weights_in(saved)[0]
        whole = file.read_bytes()
        file.write_bytes(whole[:length])
        with pytest.raises(
            ValueError, match=rf"expected {len(whole)} bytes, got {len(whole[:length])}. It was cut short"
        ):
            load(saved)

    def test_one_flipped_bit(self, saved):
        file = weights_in(saved)[0]
        whole = bytearray(file.read_bytes())
        whole[-1] ^= 1
        file.write_bytes(whole)
        with pytest.raises(ValueError, match=r"expected sha256 \w{12}\.\.\., got \w{12}\.\.\.\. The file is damaged"):
            verify(saved)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "expected JSON, got 'Expecting value"),
            ('{"recipe": "a"', "expected JSON, got"),
            ("\udcff", "expected JSON, got"),
            ("[]", r"expected the entries of a card, got none for \['bytes', 'created_with'"),
        ],
    )
    def test_card_that_is_none(self, saved, text, message):
        (saved / "card.json").write_text(text, errors="surrogateescape")
        with pytest.raises(ValueError, match=message):
            load(saved)

    def edit_card(self, folder, **changes):
        entries = json.loads((folder / "card.json").read_text()) | changes
        (folder / "card.json").write_text(
            json.dumps({key: value for key, value in entries.items() if value is not None})
        )

    def test_card_with_missing_and_unknown_entries(self, saved):
        self.edit_card(saved, seed=None, colour="red")
        with pytest.raises(ValueError, match=r"got none for \['seed'\] and unknown \['colour'\]"):
            load(saved)

    @pytest.mark.parametrize(
        "name", ["../elsewhere/weights.safetensors", "/etc/hostname", "weights-000000000000.safetensors"]
    )
    def test_card_that_names_another_file(self, saved, name):
        self.edit_card(saved, weights=name)
        with pytest.raises(ValueError, match=r"expected a sha256 and weights named after it.*The card was edited"):
            load(saved)

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize("sha256", ["", "../../..", 12, "A" * 64])
    def test_card_with_a_checksum_that_is_none(self, saved, sha256):
        self.edit_card(saved, sha256=sha256)
        with pytest.raises(ValueError, match="expected a sha256 and weights named after it"):
            load(saved)

    def test_a_pickle_is_refused_and_not_run(self, saved, tmp_path):
        class Bomb:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "exploded"),))

        data = pickle.dumps(Bomb())
        sha256 = checkpoints.hashlib.sha256(data).hexdigest()
        name = f"weights-{sha256[:12]}.safetensors"
        (saved / name).write_bytes(data)
        self.edit_card(saved, sha256=sha256, weights=name, bytes=len(data))
        with pytest.raises(ValueError, match="expected safetensors, got"):
            load(saved)
        assert not (tmp_path / "exploded").exists()

    def test_a_save_between_reading_card_and_weights(self, saved, monkeypatch):
        read_card, calls = checkpoints._read_card, []

        def read_then_save(folder):
            card = read_card(folder)
            if not calls:
                calls.append(save(numbered(2)[0], saved, numbered(2)[1]))
            return card

        monkeypatch.setattr(checkpoints, "_read_card", read_then_save)
        assert number_in(saved) == 2


class TestLoadInto:
    def test_fills_the_module_and_returns_the_card(self, tmp_path):
        source, target = nn.Linear(3, 2), nn.Linear(3, 2)
        save(source.state_dict(), tmp_path, CARD)
        assert load_into(target, tmp_path).recipe == "box_tokens"
        assert target.weight.equal(source.weight)
        assert target.weight.requires_grad

    def test_keeps_the_modules_dtype(self, tmp_path):
        save(nn.Linear(3, 2).state_dict(), tmp_path, replace(CARD, half=True))
        target = nn.Linear(3, 2).bfloat16()
        load_into(target, tmp_path)
        assert target.weight.dtype == torch.bfloat16

    def test_buffers_and_tied_weights(self, tmp_path):
        def build():
            module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
            module[2].weight = module[0].weight
            return module

        source, target = build(), build()
        source(torch.randn(8, 4, generator=torch.manual_seed(0)))
        save(source.state_dict(), tmp_path, CARD)
        load_into(target, tmp_path)
        torch.testing.assert_close(target.state_dict(), source.state_dict(), rtol=0, atol=0)
        assert target[2].weight is target[0].weight

    @pytest.mark.parametrize(
        ("module", "message"),
        [
            (nn.Linear(3, 2, bias=False), "expected the weights of Linear, got 'bias', which Linear has not"),
            (
                nn.Sequential(nn.Linear(3, 2)),
                "got no '0.weight'; no '0.bias'; 'bias', which Sequential has not and 1 more",
            ),
            (nn.Linear(3, 4), r"got 'bias' of shape \(2,\) where \(4,\) is needed|'weight' of shape \(2, 3\)"),
        ],
    )
    def test_another_module_is_refused_unchanged(self, tmp_path, module, message):
        save(nn.Linear(3, 2).state_dict(), tmp_path, CARD)
        before = {name: value.clone() for name, value in module.state_dict().items()}
        with pytest.raises(ValueError, match=message) as caught:
            load_into(module, tmp_path)
        assert "recipe 'box_tokens' with settings {'bins': 1000}" in str(caught.value)
        assert all(value.equal(before[name]) for name, value in module.state_dict().items())


STEPS = ((Path, "mkdir"), (Path, "open"), (os, "fsync"), (os, "replace"), (Path, "unlink"))


def interrupt(patch, at, action):
    """Run `action` in place of the at-th call that a save makes to the file system; return the running count."""
    count = [0]

    def wrap(function):
        def wrapped(*args, **kwargs):
            count[0] += 1
            return action() if count[0] == at else function(*args, **kwargs)

        return wrapped

    patch.setattr(checkpoints, "_version", lambda package: "1.0")  # it reads files of its own
    for owner, name in STEPS:
        patch.setattr(owner, name, wrap(getattr(owner, name)))
    return count


def crash():
    raise KeyboardInterrupt


def disk_full():
    raise OSError(errno.ENOSPC, "No space left on device")


class TestFirstShipped:
    def test_the_better_one_goes_first(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        (tmp_path / "small").mkdir()
        assert first_shipped("large", "small") == tmp_path / "small"
        (tmp_path / "large").mkdir()
        assert first_shipped("large", "small") == tmp_path / "large"

    def test_none(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match=r"expected large or small in .*, got none.*gk_utils train small"):
            first_shipped("large", "small")


class TestCrash:
    @pytest.mark.parametrize("action", [crash, disk_full])
    def test_at_every_step_the_old_or_the_new_checkpoint_is_whole(self, tmp_path, action):
        numbers = []
        for at in range(1, 12):
            folder = tmp_path / str(at)
            save(numbered(1)[0], folder, numbered(1)[1])
            with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt, OSError):
                count = interrupt(patch, at, action)
                save(numbered(2)[0], folder, numbered(2)[1])
            numbers.append(number_in(folder))
            save(numbered(3)[0], folder, numbered(3)[1])
            assert number_in(folder) == 3
            assert len(list(folder.iterdir())) == 2  # and nothing is left of the save that failed
        # mkdir; open, sync, rename, sync folder for the weights and again for the card; old weights removed.
        assert count == [10]
        assert numbers == [1] * 8 + [2] * 3

    @pytest.mark.parametrize("at", range(1, 9))
    def test_in_an_empty_folder_there_is_no_checkpoint_then(self, tmp_path, monkeypatch, at):
        interrupt(monkeypatch, at, disk_full)
        with pytest.raises(OSError, match="No space left on device"):
            save(numbered(1)[0], tmp_path, numbered(1)[1])
        monkeypatch.undo()
        with pytest.raises(FileNotFoundError, match="expected a folder with card.json"):
            load(tmp_path)

    def test_full_disk_is_said_and_takes_no_room(self, saved, monkeypatch):
        interrupt(monkeypatch, 3, disk_full)
        with pytest.raises(OSError, match="expected to write 472 bytes of weights and a card, got 'No space") as caught:
            save(numbered(2)[0], saved, numbered(2)[1])
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == str(saved)
        assert len(list(saved.iterdir())) == 2

    def test_folder_that_cannot_be_written(self, saved, monkeypatch):
        def refuse():
            raise PermissionError(errno.EACCES, "Permission denied")

        interrupt(monkeypatch, 2, refuse)
        with pytest.raises(
            PermissionError, match="got 'Permission denied'. If there was a checkpoint, there still is one"
        ):
            save(numbered(2)[0], saved, numbered(2)[1])
        assert number_in(saved) == 1

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
    def test_read_only_folder(self, saved):
        saved.chmod(0o500)
        with pytest.raises(PermissionError, match="got 'Permission denied'"):
            save(numbered(2)[0], saved, numbered(2)[1])
        saved.chmod(0o700)
        assert number_in(saved) == 1

    def test_path_that_is_a_file(self, tmp_path):
        (tmp_path / "head").write_text("a file")
        with pytest.raises(FileExistsError, match="Make room or choose another folder"):
            save(numbered(1)[0], tmp_path / "head", numbered(1)[1])

    def test_a_drive_that_cannot_sync_folders_is_good_enough(self, tmp_path, monkeypatch):
        fsync = os.fsync

        def only_files(handle):
            if os.path.isdir(f"/proc/self/fd/{handle}"):
                raise OSError(errno.EINVAL, "Invalid argument")
            fsync(handle)

        monkeypatch.setattr(os, "fsync", only_files)
        save(numbered(1)[0], tmp_path, numbered(1)[1])
        assert number_in(tmp_path) == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_killed_for_good(self, tmp_path):
        """This file as a script: processes killed at every step and at any moment, a write that fails half way."""
        root = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, __file__, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["1"] * 8 + ["2"] * 3 + ["killed"] * 6 + ["refused"]


def kill_savers(root):
    """The script of `test_killed_for_good`: one forked process per save."""
    torch.set_num_threads(1)
    patch = pytest.MonkeyPatch()

    def start(work):
        pid = os.fork()
        if not pid:
            try:
                work()
            finally:
                os._exit(0)
        return pid

    for at in range(1, 12):  # killed at each step
        folder = root / str(at)
        save(numbered(1)[0], folder, numbered(1)[1])

        def save_two(at=at, folder=folder):
            interrupt(patch, at, lambda: os.kill(os.getpid(), signal.SIGKILL))
            save(numbered(2)[0], folder, numbered(2)[1])

        os.waitpid(start(save_two), 0)
        print(number_in(folder))

    def save_on():
        for number in range(before + 1, before + 100_000):
            save({"w": torch.full((300_000,), float(number))}, root, replace(CARD, steps=number))

    save(numbered(1)[0], root, numbered(1)[1])
    for moment in range(6):  # killed at any moment, most often while 1.2 MB are on their way
        before, started = number_in(root), time.monotonic()
        pid = start(save_on)
        while number_in(root) == before and time.monotonic() < started + 10:
            pass  # reads while the other process saves
        time.sleep(0.007 * moment)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert number_in(root) > before
        print("killed")

    def save_beyond_the_limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # the disk takes 1000 bytes of the file, then no more
        try:
            save({"w": torch.zeros(300_000)}, root, CARD)
        except OSError as error:
            os._exit(7 if "File too large" in str(error) and not list(root.glob(f"*.{os.getpid()}.*")) else 8)

    before = number_in(root)
    _, status = os.waitpid(start(save_beyond_the_limit), 0)
    assert os.WEXITSTATUS(status) == 7
    assert number_in(root) == before
    print("refused")


if __name__ == "__main__":
    import resource

    kill_savers(Path(sys.argv[1]))
