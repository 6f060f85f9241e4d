"""Tests of gk_utils.doctor and of the command line: machines on which something is missing, broken or full."""

import http.server
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gk_utils import __main__ as command_line
from gk_utils import doctor
from gk_utils.doctor import Finding

ROOT = Path(__file__).parents[1]
# Enough of torch for the probe; `{cuda}` and `{kept}` are filled in.
TORCH = """
class cuda:
    is_available = staticmethod(lambda: {cuda} is not None)
    get_device_name = staticmethod(lambda index: "Tesla T4")
    get_device_capability = staticmethod(lambda index: {cuda})
def tensor(values):
    return values
__version__ = "2.14.1"
"""
NMS = "class ops:\n    nms = staticmethod(lambda *arguments: type('Kept', (), {'tolist': lambda self: [0, 2]})())\n"


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """Change this to pretend that other versions are installed; None: not installed."""
    pretended: dict[str, str | None] = {}
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: pretended[name] if name in pretended else real(name))
    return pretended


@pytest.fixture
def fake_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write packages called torch and torchvision, which the probe's interpreter then imports."""

    def write(torch: str, torchvision: str = NMS) -> None:
        (tmp_path / "torch.py").write_text(torch)
        (tmp_path / "torchvision").mkdir()
        (tmp_path / "torchvision" / "__init__.py").write_text(torchvision)
        (tmp_path / "torchvision" / "ops.py").write_text("from torchvision import ops\nnms = ops.nms\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return write


class TestCheckPython:
    def test_this_one_is_fine(self):
        assert only(doctor.check_python()).state == "OK"

    @pytest.mark.parametrize("version", [(3, 10, 4), (3, 14, 0)])
    def test_another_is_not(self, version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sys, "version_info", version)
        found = only(doctor.check_python())
        assert found.state == "FAIL"
        assert ">=3.11,<3.14" in found.found


class TestCheckPackages:
    def test_complete(self, versions: dict[str, str | None]):
        versions["torch"] = "2.14.1+cu130"
        findings = doctor.check_packages()
        assert {finding.state for finding in findings} == {"OK"}
        assert [finding.need for finding in findings] == [
            f"packages: {name}" for name in ("core", "lab", "hub", "scale", "book", "dev")
        ]
        assert findings[0].found.startswith("torch 2.14.1+cu130, torchvision ")

    def test_missing_core_package(self, versions: dict[str, str | None]):
        versions.update(torch=None, scipy=None)
        found = next(finding for finding in doctor.check_packages() if finding.need == "packages: core")
        assert (found.state, found.found) == ("FAIL", "not installed: torch, scipy")
        assert found.remedy == 'Run: python -m pip install -e ".[lab]"'

    @pytest.mark.parametrize(("name", "group"), [("jupytext", "lab"), ("transformers", "hub"), ("nbval", "dev")])
    def test_missing_extra_is_a_note(self, name: str, group: str, versions: dict[str, str | None]):
        versions[name] = None
        found = next(finding for finding in doctor.check_packages() if finding.need == f"packages: {group}")
        assert (found.state, found.found) == ("note", f"not installed: {name}")
        assert found.remedy == f'Run: python -m pip install -e ".[{group}]"'

    def test_old_version(self, versions: dict[str, str | None]):
        versions["numpy"] = "1.24.0"
        found = next(finding for finding in doctor.check_packages() if finding.state != "OK")
        assert (found.state, found.found) == ("FAIL", "numpy 1.24.0, but the course needs >=1.26")
        assert found.remedy == 'Run: python -m pip install "numpy>=1.26"'

    def test_too_new_version(self, versions: dict[str, str | None]):
        versions["jupyterlab"] = "5.0.1"
        found = next(finding for finding in doctor.check_packages() if finding.state != "OK")
        assert (found.state, found.found) == ("note", "jupyterlab 5.0.1, but the course needs >=4.2,<5")

    def test_old_torch_is_replaced_with_its_partner(self, versions: dict[str, str | None]):
        versions["torch"] = "2.9.1"
        found = next(finding for finding in doctor.check_packages() if finding.state != "OK")
        assert found.remedy == 'Run: python -m pip install "torch>=2.11" "torchvision>=0.26"'


class TestCheckTorch:
    """The probe really runs, in another interpreter, on packages made for the case."""

    def test_a_pair(self, fake_torch):
        fake_torch(TORCH.format(cuda=None))
        pair, gpu = doctor.check_torch()
        assert (pair.state, gpu.state) == ("OK", "note")
        assert gpu.found == "none: the course runs on the CPU"

    def test_no_pair(self, fake_torch, versions: dict[str, str | None]):
        versions.update(torch="2.14.1+cpu", torchvision="0.26.0")
        fake_torch(TORCH.format(cuda=None), "raise RuntimeError('operator torchvision::nms does not exist')")
        found = doctor.check_torch()[0]
        assert found.state == "FAIL"
        assert found.found.startswith("torch 2.14.1+cpu does not work with torchvision 0.26.0 (RuntimeError: operator ")
        assert found.remedy == 'Install a pair: python -m pip install "torch==2.14.*" "torchvision==0.29.*"'

    def test_wrong_boxes(self, fake_torch):
        fake_torch(TORCH.format(cuda=None), NMS.replace("[0, 2]", "[0, 1, 2]"))
        assert "NMS is wrong" in doctor.check_torch()[0].found

    def test_torch_itself_is_broken(self, fake_torch):
        fake_torch("raise OSError('libcudart.so: cannot open\\nsecond line')")
        found = only(doctor.check_torch())
        assert found.state == "FAIL"
        assert found.found.endswith("cannot be imported (OSError: libcudart.so: cannot open)")

    def test_torch_takes_the_interpreter_with_it(self, fake_torch):
        fake_torch("import os; os._exit(7)")
        assert "the interpreter ended with status 7" in only(doctor.check_torch()).found

    def test_torch_talks_while_it_is_imported(self, fake_torch):
        fake_torch("print('a banner')\n" + TORCH.format(cuda=None))
        assert doctor.check_torch()[0].state == "OK"

    def test_missing(self, versions: dict[str, str | None]):
        versions["torch"] = None
        assert doctor.check_torch() == []

    @pytest.mark.parametrize(("cuda", "state"), [((7, 5), "note"), ((8, 0), "OK"), ((9, 0), "OK"), ((12, 0), "OK")])
    def test_gpu(self, cuda: tuple[int, int], state: str, fake_torch):
        fake_torch(TORCH.format(cuda=cuda))
        gpu = doctor.check_torch()[1]
        assert gpu.state == state
        assert gpu.found.startswith(f"Tesla T4, compute capability {cuda[0]}.{cuda[1]}")
        assert ("fp16" in gpu.found) == (state == "note")

    def test_a_gpu_that_fails_is_no_fault_of_the_pair(self, fake_torch):
        fake_torch(TORCH.format(cuda="(9, 0)[2]"))  # asking for it raises
        pair, gpu = doctor.check_torch()
        assert (pair.state, gpu.state) == ("OK", "note")
        assert gpu.found.startswith("none that works (IndexError: ")

    def test_a_gpu_that_torch_cannot_use(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
        assert "install a CUDA build" in only(doctor.judge_gpu({})).remedy


class TestCheckKernel:
    def kernel(self, folder: Path, program: str) -> None:
        place = folder / "kernels" / "python3"
        place.mkdir(parents=True)
        spec = {"argv": [program, "-m", "ipykernel_launcher"], "display_name": "Python 3", "language": "python"}
        (place / "kernel.json").write_text(json.dumps(spec))

    def test_this_interpreter(self):
        assert only(doctor.check_kernel()).state == "OK"

    @pytest.mark.parametrize("program", [sys.executable, "python", "python3"])
    def test_a_spec_that_starts_it(self, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.kernel(tmp_path, program)
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
        assert only(doctor.check_kernel()).state == "OK"

    def test_another_interpreter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.kernel(tmp_path, "/opt/other/bin/python")
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
        found = only(doctor.check_kernel())
        assert (found.state, found.found) == ("FAIL", "python3 is another interpreter, /opt/other/bin/python")

    def test_none(self, monkeypatch: pytest.MonkeyPatch):
        from jupyter_client import kernelspec

        def refuse(manager: Any, name: str) -> None:
            raise kernelspec.NoSuchKernel(name)

        monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", refuse)
        found = only(doctor.check_kernel())
        assert (found.state, found.remedy) == ("FAIL", "Run: python -m ipykernel install --sys-prefix")

    def test_no_ipykernel(self, versions: dict[str, str | None]):
        versions["ipykernel"] = None
        assert only(doctor.check_kernel()).state == "note"


class TestCheckLabs:
    def test_in_place(self):
        assert only(doctor.check_labs()).state == "OK"

    def test_no_canvas(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor, "ROOT", tmp_path)
        found = only(doctor.check_labs())
        assert found.state == "FAIL"
        assert "canvas.js is missing" in found.found

    def test_no_anywidget(self, versions: dict[str, str | None]):
        versions["anywidget"] = None
        assert only(doctor.check_labs()).state == "note"

    @pytest.mark.parametrize("there", [[], ["anywidget"], ["@jupyter-widgets/jupyterlab-manager"]])
    def test_no_extension(self, there: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        for name in there:
            (tmp_path / "labextensions" / name).mkdir(parents=True)
            (tmp_path / "labextensions" / name / "package.json").touch()
        monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda: [str(tmp_path)])
        found = only(doctor.check_labs())
        assert found.state == "FAIL"
        assert found.remedy.endswith("jupyterlab_widgets" if there == ["anywidget"] else "anywidget") or not there


class TestCheckPhotographs:
    def test_in_place(self):
        assert only(doctor.check_photographs()) == Finding("OK", "photographs", "7 in scikit-image")

    def test_packed_without_them(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "coffee.png").touch()
        spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
        monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: spec)
        found = only(doctor.check_photographs())
        assert found.state == "FAIL"
        assert "astronaut.png" in found.found
        assert "coffee.png" not in found.found

    def test_no_labels(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor, "ROOT", tmp_path)
        assert "git checkout" in only(doctor.check_photographs()).remedy

    def test_no_scikit_image(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
        assert only(doctor.check_photographs()).state == "note"


class TestCheckDisk:
    @pytest.mark.parametrize(("gib", "state"), [(0, "FAIL"), (0.4, "FAIL"), (0.6, "note"), (11, "note"), (13, "OK")])
    def test_by_free_space(self, gib: float, state: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=gib * 2**30))
        assert only(doctor.check_disk()).state == state


class TestCheckMachine:
    def test_here(self):
        assert "cores" in only(doctor.check_machine()).found

    def test_little_memory(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**19}.get)
        found = only(doctor.check_machine())
        assert found.state == "note"
        assert "2.0 GiB" in found.found

    def test_a_system_that_does_not_say(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delattr(doctor.os, "sysconf")
        monkeypatch.delattr(doctor.os, "sched_getaffinity", raising=False)
        assert only(doctor.check_machine()).state == "note"


class TestCheckHub:
    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch):
        """Something that listens at the hub's address, and answers 404 after `delay` seconds."""

        class Handler(http.server.BaseHTTPRequestHandler):
            delay = 0.0

            def do_HEAD(self) -> None:
                time.sleep(self.delay)
                self.send_error(404)

            def log_message(self, *arguments: Any) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            listening.daemon_threads = True
            listening.block_on_close = False
            threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
            monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listening.server_port}")
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            yield Handler
            listening.shutdown()

    def test_any_answer_will_do(self, server: Any):
        assert only(doctor.check_hub()).state == "OK"

    def test_silence(self, server: Any, monkeypatch: pytest.MonkeyPatch):
        server.delay = 0.4
        monkeypatch.setattr(doctor, "HUB_PATIENCE", 0.6)
        found = only(doctor.check_hub())
        assert (found.state, found.remedy) == ("note", "Fine: the mini tier is offline.")

    @pytest.mark.parametrize("address", ["http://127.0.0.1:1", "not an address"])
    def test_nobody_there(self, address: str, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert only(doctor.check_hub()).state == "note"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch):
    """Replace the checks."""

    def replace(**others: Any) -> None:
        monkeypatch.setattr(doctor, "CHECKS", others)

    return replace


class TestExamine:
    def test_one_that_breaks_does_not_break_the_others(self, checks):
        def broken() -> list[Finding]:
            raise OSError("a message\nof two lines")

        def leaves() -> list[Finding]:
            sys.exit(3)

        checks(first=broken, second=leaves, third=lambda: doctor.ok("third", "fine"))
        first, second, third = doctor.examine()
        assert (first.state, second.state, third.state) == ("FAIL", "FAIL", "OK")
        assert first.found == "could not be checked (OSError: a message of two lines)"

    def test_a_program_without_an_answer(self, checks):
        waits = [sys.executable, "-c", "import time; time.sleep(5)"]
        checks(first=lambda: subprocess.run(waits, timeout=0.01, check=False))
        assert only(doctor.examine()) == Finding("FAIL", "first", "no answer in time", "Try again.")

    def test_they_run_side_by_side_and_keep_their_order(self, checks):
        def slow(need: str) -> Any:
            return lambda: time.sleep(0.2) or doctor.ok(need, "slept")

        checks(**{need: slow(need) for need in "abcdefgh"})
        start = time.monotonic()
        assert [finding.need for finding in doctor.examine()] == list("abcdefgh")
        assert time.monotonic() - start < 1.2  # one after the other: 1.6

    @pytest.mark.parametrize(("need", "state"), [("hub", "note"), ("disk", "FAIL")])
    def test_no_answer(self, need: str, state: str, checks, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor, "PATIENCE", 0.1)
        monkeypatch.setattr(doctor, "HUB_PATIENCE", 0.1)
        checks(**{need: lambda: time.sleep(1) or []})
        assert (only(doctor.examine()).state, only(doctor.examine()).found) == (state, "no answer in time")


class TestRun:
    def test_for_people(self, checks, capsys: pytest.CaptureFixture):
        checks(a=lambda: doctor.ok("a", "fine"), longer=lambda: doctor.note("longer", "less", "Do this."))
        assert doctor.run() == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines == [
            "OK    a       fine",
            "note  longer  less. Do this.",
            "",
            "This machine is ready for the course.",
        ]

    def test_a_need_that_fails(self, checks, capsys: pytest.CaptureFixture):
        checks(a=lambda: doctor.fail("a", "broken", "Mend it."), b=lambda: doctor.ok("b", "fine"))
        assert doctor.run() == 1
        assert capsys.readouterr().out == "FAIL  a  broken. Mend it.\nOK    b  fine\n\n1 of these needs FAIL.\n"

    @pytest.mark.parametrize(("check", "ready"), [(doctor.ok, True), (doctor.fail, False)])
    def test_for_machines(self, check: Any, ready: bool, checks, capsys: pytest.CaptureFixture):
        checks(a=lambda: [Finding("OK" if ready else "FAIL", "a", "b", "c")])
        assert doctor.run(as_json=True) == (not ready)
        state = "OK" if ready else "FAIL"
        needs = [{"state": state, "need": "a", "found": "b", "remedy": "c"}]
        assert json.loads(capsys.readouterr().out) == {"ready": ready, "needs": needs}


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)


class TestCommandLine:
    def test_this_machine(self):
        done = run("-m", "gk_utils", "doctor", "--json")
        answer = json.loads(done.stdout)
        assert (done.returncode, done.stderr, answer["ready"]) == (0, "", True)
        states = {need["need"]: need["state"] for need in answer["needs"]}
        assert states["torch pair"] == states["packages: core"] == "OK"
        assert {"GPU", "labs", "hub"} < set(states)

    def test_a_machine_with_python_alone(self):
        """Without site-packages there is no torch, no Jupyter, nothing: the doctor says so and lives."""
        done = run("-S", "-m", "gk_utils", "doctor")
        assert (done.returncode, done.stderr) == (1, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith("OK    Python")
        assert lines[1].startswith("FAIL  packages: core   not installed: torch, torchvision, numpy")
        assert lines[1].endswith('Run: python -m pip install -e ".[lab]"')
        assert sum(line.startswith("FAIL") for line in lines) == 1  # all else follows from that: notes
        assert lines[-1] == "1 of these needs FAIL."

    def test_no_arguments_is_a_call_for_help(self, capsys: pytest.CaptureFixture):
        assert command_line.main([]) == 0
        assert "doctor" in capsys.readouterr().out

    @pytest.mark.parametrize("arguments", [["surgeon"], ["doctor", "--quick"], ["--json"], ["doctor", "now"]])
    def test_bad_arguments(self, arguments: list[str], capsys: pytest.CaptureFixture):
        with pytest.raises(SystemExit) as stop:
            command_line.main(arguments)
        written = capsys.readouterr()
        assert (stop.value.code, written.out) == (2, "")
        assert len(written.err.splitlines()) == 1
        assert arguments[-1] in written.err
