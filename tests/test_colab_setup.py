"""The set-up cell of a notebook on Colab, faked: a module google.colab, a torch that only says its version, a pip that
writes down what it is asked, and a repository on this disk where git takes github.com to be. The cell itself is real.

GK_DEEP=1 also lets the real pip install the real checkout into a new environment, beside the real torch.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from gk_utils import colab_setup
from gk_utils.classroom import colab
from gk_utils.requirements import ROOT, read_bounds, requirements

HUB = [needed.name + needed.wanted for needed in requirements() if needed.group == "hub"]

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PUBLISHED = colab.Published("someone/grounding", f"v{VERSION}")
TORCH = "2.11.0+cu126"
PACKAGE = [f"gk_utils/{name}.py" for name in ("__init__", "requirements", "colab_setup")]
FAKE_TORCH = f'''
import os

__version__ = "{TORCH}"


class cuda:
    is_available = staticmethod(lambda: "FAKE_GPU" in os.environ)
    get_device_name = staticmethod(lambda number: os.environ["FAKE_GPU"])
'''
FAKE_PIP = """
import json, os, pathlib, re, shutil, sys

site, words = pathlib.Path(__file__).parents[1], sys.argv[1:]
kept = pathlib.Path(words[words.index("--constraint") + 1]).read_text().split() if "--constraint" in words else []
with open(site / "pip.log", "a") as log:
    log.write(json.dumps([words, kept]) + "\\n")
if os.environ.get("FAKE_FAULT", "nothing") in " ".join(words):
    sys.exit("WARNING: Retrying\\nERROR: No matching distribution found")


def put(name, version, record=None):
    for old in site.glob(f"{name.replace('-', '_')}-*.dist-info"):
        shutil.rmtree(old)
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: {name}\\nVersion: {version}\\n")
    if record:
        (folder / "direct_url.json").write_text(json.dumps(record))


if "--editable" in words:
    put("gk-utils", "0.1.0", {"dir_info": {"editable": True}, "url": pathlib.Path(words[-1]).as_uri()})
else:
    pinned = dict(line.split("==") for line in kept)
    for word in words[words.index("--constraint") + 2 :]:
        name = re.match(r"[\\w.-]+", word).group()
        put(name, pinned[name])
        (site / f"{name}.py").touch()
"""
DRIVER = """
import json, os, sys

if "FAKE_COLAB" in os.environ:
    import google.colab  # as Colab's kernel does before the first cell
before = os.getcwd(), list(sys.path)
scope = {}
for _ in range(int(sys.argv[2])):
    exec(compile(open(sys.argv[1]).read(), "cell", "exec"), scope)
if "FAKE_COLAB" in os.environ:
    import gk_utils.requirements, jaxtyping  # no restart
else:
    assert (os.getcwd(), sys.path) == before
print(json.dumps([os.getcwd(), "gk_utils" in sys.modules and gk_utils.__file__]))
"""


def git(*words, cwd):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True)


def new_repository(folder, files):
    """A bare repository of two commits, the second with the tag, and a HOME in which git takes it for GitHub."""
    work, bare, home = folder / "work", folder / "bare.git", folder / "home"
    home.mkdir()
    instead = f'[url "{bare.as_uri()}"]\n    insteadOf = https://github.com/{PUBLISHED.name}\n'
    (home / ".gitconfig").write_text(f"[user]\n    name = a\n    email = a@b.c\n{instead}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        git("init", "-q", str(work), cwd=folder)
        git("commit", "-q", "--allow-empty", "-m", "first", cwd=work)
        for name in files:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, work / name)
        git("add", "-A", "-f", cwd=work)
        git("commit", "-q", "-m", "second", cwd=work)
        git("tag", PUBLISHED.tag, cwd=work)
        git("clone", "-q", "--bare", str(work), str(bare), cwd=folder)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return new_repository(tmp_path_factory.mktemp("github"), [*PACKAGE, "pyproject.toml", "constraints.txt"])


class Machine:
    """A new Colab machine: most of the core in its oldest versions, old widgets, little of the lab."""

    def __init__(self, folder, home, published=PUBLISHED):
        self.site, self.content, self.home = folder / "site", folder / "content", home
        self.course = self.content / f"grounding-{published.tag}"
        (self.site / "google" / "colab").mkdir(parents=True)
        (self.site / "google" / "colab" / "__init__.py").touch()
        self.content.mkdir()
        (self.site / "torch.py").write_text(FAKE_TORCH)
        (self.site / "pip").mkdir()
        (self.site / "pip" / "__init__.py").touch()  # or the real one, which has it, goes first
        (self.site / "pip" / "__main__.py").write_text(FAKE_PIP)
        oldest = {one.name: one.bounds[0][1] for one in requirements() if one.group == "core"}
        del oldest["jaxtyping"]
        for name, version in {**oldest, "torch": TORCH, "ipywidgets": "7.7.1", "lark": "1.1"}.items():
            self.put(name, version)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(colab, "PLACE", str(self.content))
            (self.site / "cell.py").write_text(published.setup_text())
        (self.site / "driver.py").write_text(DRIVER)

    def put(self, name, version):
        folder = self.site / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")

    def run(self, times=1, **environment):
        """Run the cell in a new interpreter that sees nothing but this machine's packages."""
        command = [sys.executable, "-S", str(self.site / "driver.py"), str(self.site / "cell.py"), str(times)]
        # were the fake pip not found, the real one would find no index and write elsewhere
        safe = {"PIP_NO_INDEX": "1", "PIP_TARGET": str(self.site / "astray"), "PYTHONDONTWRITEBYTECODE": "1"}
        given = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONPATH": str(self.site)}
        given |= safe | environment
        return subprocess.run(command, env=given, cwd=self.content, capture_output=True, text=True, check=False)

    def on_colab(self, times=1, **environment):
        """Run it on Colab, and return the lines that it printed and where the kernel is then."""
        done = self.run(times, FAKE_COLAB="1", **environment)
        assert (done.returncode, done.stderr) == (0, "")
        *lines, last = done.stdout.splitlines()
        return lines, json.loads(last)

    def asked(self):
        """What pip was asked for so far: its packages and the versions it had to keep to."""
        log = self.site / "pip.log"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [([word for word in words[3:] if not word.endswith(".txt")], kept) for words, kept in calls]

    def versions(self):
        return dict(path.name.removesuffix(".dist-info").rsplit("-", 1) for path in self.site.glob("*.dist-info"))


@pytest.fixture
def machine(tmp_path, home):
    return Machine(tmp_path, home)


class TestSetUp:
    def test_a_new_machine(self, machine):
        before = machine.versions()
        lines, (folder, package) = machine.on_colab()
        assert lines == [f"Colab: torch {TORCH} as it was, device cpu, tier mini, course in {machine.course}"]
        assert folder == str(machine.course / "my")
        assert package == str(machine.course / "gk_utils" / "__init__.py")
        after = machine.versions()
        assert {name: after[name] for name in before if name != "lark"} == {
            name: version for name, version in before.items() if name != "lark"
        }
        asked = {word for word in machine.asked()[0][0] if not word.startswith("--")}
        assert asked == {
            *("jaxtyping>=0.3", "anywidget>=0.9.13", "scikit-image>=0.24", "pycocotools>=2.0.8"),
            *("jupytext>=1.17", "tokenizers>=0.22", "lark>=1.2"),
        }
        assert machine.asked()[1][0] == ["--no-deps", "--editable", str(machine.course)]
        assert len(machine.asked()) == 2

    def test_the_clone_is_shallow_and_of_the_tag(self, machine, monkeypatch):
        machine.on_colab()
        monkeypatch.setenv("HOME", str(machine.home))
        for words, said in ((["rev-list", "--count", "HEAD"], "1"), (["describe", "--tags"], PUBLISHED.tag)):
            done = subprocess.run(["git", *words], cwd=machine.course, capture_output=True, text=True, check=False)
            assert done.stdout.strip() == said

    def test_running_it_again_is_harmless(self, machine):
        lines, (folder, _) = machine.on_colab(times=2)
        assert len(lines) == 2
        assert lines[0] == lines[1]
        assert folder == str(machine.course / "my")
        (machine.course / "my" / "solutions.py").write_text("mine = 1\n")
        assert machine.on_colab()[0] == lines[:1]  # a restarted kernel
        assert len(machine.asked()) == 2
        assert (machine.course / "my" / "solutions.py").read_text() == "mine = 1\n"

    def test_with_a_gpu_the_packages_of_the_hub_come_too(self, machine):
        lines, _ = machine.on_colab(FAKE_GPU="Tesla T4")
        assert lines[0].startswith(f"Colab: torch {TORCH} as it was, device cuda (Tesla T4), tier hub, course in ")
        assert machine.asked()[2][0] == ["--constraint", *HUB]

    def test_without_them_the_tier_is_mini(self, machine):
        lines, _ = machine.on_colab(FAKE_GPU="Tesla T4", FAKE_FAULT="transformers")
        assert lines[0] == (
            f"pip: expected to install {' '.join(HUB)}, "
            "got 'ERROR: No matching distribution found'. Run this cell again."
        )
        assert "device cuda (Tesla T4), tier mini, " in lines[1]

    def test_a_fault_of_pip_is_said_and_the_next_run_makes_it_good(self, machine):
        done = machine.run(FAKE_COLAB="1", FAKE_FAULT="--editable")
        assert done.returncode == 1
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith(f"RuntimeError: pip: expected to install {machine.course}, got 'ERROR: No matching")
        assert machine.on_colab()[0][0].startswith("Colab: torch")

    def test_an_old_torch_is_kept_and_named(self, machine):
        (machine.site / f"torch-{TORCH}.dist-info").rename(machine.site / "torch-2.9.1.dist-info")
        (machine.site / "torch-2.9.1.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.9.1\n")
        assert machine.on_colab()[0][0].endswith("; the course was not tested with torch 2.9.1 (wanted: >=2.11)")
        assert machine.versions()["torch"] == "2.9.1"
        assert "torch==2.9.1" in machine.asked()[0][1]

    def test_a_tag_that_was_not_pushed(self, tmp_path, home):
        done = Machine(tmp_path, home, colab.Published(PUBLISHED.name, "v9.9")).run(FAKE_COLAB="1")
        assert "Remote branch v9.9 not found" in done.stdout
        assert "'gk_utils'" in done.stderr.strip().splitlines()[-1]

    def test_elsewhere_it_does_nothing(self, machine):
        done = machine.run()
        assert (done.returncode, done.stderr, done.stdout) == (0, "", json.dumps([str(machine.content), False]) + "\n")
        assert list(machine.content.iterdir()) == []
        assert machine.asked() == []

    def test_called_elsewhere_it_returns_at_once(self, monkeypatch, capsys):
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
        monkeypatch.setattr(subprocess, "run", None)
        assert colab_setup.set_up() is None
        assert capsys.readouterr().out == ""


class TestMissing:
    def test_what_is_not_there_or_too_old(self, monkeypatch):
        here = {"scipy": "1.10", "pillow": "12", "torch": None, "numpy": "1.0"}
        monkeypatch.setattr(colab_setup, "installed", lambda name: here.get(name, "99"))
        assert [needed.name for needed in colab_setup.missing("core")] == ["scipy"]
        here["accelerate"] = None
        assert [needed.name for needed in colab_setup.missing("core", "hub")] == ["scipy", "accelerate"]

    def test_what_is_colabs_own_is_never_asked_for(self, monkeypatch):
        monkeypatch.setattr(colab_setup, "installed", lambda name: None)
        asked = {needed.name for needed in colab_setup.missing("core", "lab", "hub")}
        assert asked == {one.name for one in requirements() if one.group in ("core", "lab", "hub")} - {
            *colab_setup.KEPT
        }
        assert asked


class TestPins:
    def test_what_is_here_stays_and_what_is_new_is_as_tested(self, monkeypatch, tmp_path):
        (tmp_path / "constraints.txt").write_text(
            "# no pin (x==1)\nnumpy==2.4.6\nlark==1.3.1\nnew==1\ntorch==2.14.1\nold==5\n"
        )
        here = {"torch": TORCH, "lark": "1.2", "old": "4"}
        monkeypatch.setattr(colab_setup, "ROOT", tmp_path)
        monkeypatch.setattr(colab_setup, "installed", here.get)
        assert colab_setup.pins({"new", "old"}) == ["numpy==2.4.6", "new==1", "old==5", f"torch=={TORCH}"]

    def test_the_tested_versions_are_within_the_bounds(self, monkeypatch):
        monkeypatch.setattr(colab_setup, "installed", lambda name: None)
        tested = dict(pin.split("==") for pin in colab_setup.pins(set()))
        for needed in colab_setup.missing("core", "lab", "hub"):
            assert colab_setup.within(tested[needed.name], read_bounds(needed.wanted))


class TestInstall:
    def test_nothing_to_do(self, monkeypatch):
        monkeypatch.setattr(subprocess, "run", None)
        assert colab_setup.install([]) is None


class TestIsEditable:
    def test_a_link_to_this_checkout_and_to_no_other(self, monkeypatch, tmp_path):
        folder = tmp_path / "gk_utils-0.1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Name: gk-utils\nVersion: 0.1.0\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path)])
        monkeypatch.setattr(colab_setup, "ROOT", tmp_path / "course")
        importlib.invalidate_caches()
        assert not colab_setup.is_editable()  # a copy
        for other, found in (("course", True), ("course-v2", False)):
            (folder / "direct_url.json").write_text(json.dumps({"url": (tmp_path / other).as_uri()}))
            assert colab_setup.is_editable() == found


def files_of_torch():
    """This environment's torch, NumPy and link to the checkout."""
    folder = Path(sysconfig.get_path("purelib"))
    paths = [path for start in ("torch", "torch-", "numpy", "gk_utils") for path in folder.glob(f"{start}*/*")]
    assert paths
    return sorted((str(path), path.stat().st_mtime_ns) for path in paths)


@pytest.mark.skipif("GK_DEEP" not in os.environ, reason="a minute: make deep runs it")
class TestRealPip:
    def test_the_real_checkout_beside_the_real_torch(self, tmp_path):
        """A new virtual environment that sees the packages of this one, but not this one's gk_utils."""
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        new = [*PACKAGE, "pyproject.toml", "constraints.txt"]
        home = new_repository(tmp_path, dict.fromkeys([*tracked.splitlines(), *new]))
        machine = Machine(tmp_path, home)
        for name in ("torch.py", "pip"):
            path = machine.site / name
            path.unlink() if path.is_file() else shutil.rmtree(path)
        for path in machine.site.glob("*.dist-info"):
            shutil.rmtree(path)
        environment = tmp_path / "environment"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
        [site] = environment.glob("lib/python*/site-packages")
        (site / "beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n{machine.site}\n")
        (machine.site / "driver.py").write_text(
            DRIVER
            + "import torch\nfrom gk_utils.boxes import box_areas\nprint(box_areas(torch.tensor([[0., 0, 2, 3]])))\n"
        )
        before = files_of_torch()
        command = [
            str(environment / "bin" / "python"),
            str(machine.site / "driver.py"),
            str(machine.site / "cell.py"),
            "2",
        ]
        given = {"HOME": str(home), "PATH": os.environ["PATH"], "FAKE_COLAB": "1", "PIP_NO_INDEX": "1"}
        given |= {"PIP_NO_BUILD_ISOLATION": "0", "PIP_REQUIRE_VIRTUALENV": "1"}  # 0: it is not isolated
        done = subprocess.run(command, env=given, cwd=machine.content, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"course in {machine.course}" in done.stdout
        assert done.stdout.endswith("tensor([6.])\n")
        [record] = site.glob("gk_utils-*.dist-info/direct_url.json")
        assert json.loads(record.read_text()) == {"dir_info": {"editable": True}, "url": machine.course.as_uri()}
        # a new kernel finds the course by the link alone
        ask = [command[0], "-c", "import gk_utils; print(gk_utils.__file__, gk_utils.__version__)"]
        found = subprocess.run(ask, env=given, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        assert found == f"{machine.course / 'gk_utils' / '__init__.py'} {VERSION}\n"
        assert files_of_torch() == before


def test_importing_it_needs_the_standard_library_alone():
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import gk_utils.colab_setup"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)
