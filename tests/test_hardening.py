"""What learners' work survives: no network, a full disk, two writers, odd input; and what the package stands on.

`make deep` runs the long versions: fifty kills of a training, and minutes of fuzzing for each parser.
"""

import asyncio
import contextlib
import csv
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path

import fuzzing
import no_network
import numpy as np
import pytest
import tiny_task
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.classroom import source, workspace
from gk_utils.classroom.grade import GRADED, Row, write_table
from gk_utils.classroom.solutions import load, store
from gk_utils.formats.files import one_writer, write_whole
from gk_utils.grounded_sam.journal import Journal
from gk_utils.requirements import requirements
from gk_utils.scale.shards import write_shard
from gk_utils.training import train
from gk_utils.training.loop import STATE
from gk_utils.training.run_files import Curve, read_state, write_state

TESTS = Path(__file__).parent
DEEP = os.environ.get("GK_DEEP") == "1"
FULL = r"expected to write \d+ bytes.*, got 'File too large'\. .* (still is one|stands)\. Make room"


class TestOffline:
    @pytest.fixture
    def tried(self):
        """What was tried; forgotten afterwards, or the test would fail for it."""
        yield no_network.ATTEMPTS
        no_network.ATTEMPTS.clear()

    @pytest.mark.parametrize("connect", ["connect", "connect_ex"])
    def test_a_connection_out_of_this_machine(self, connect, tried):
        with (
            socket.socket() as sock,
            pytest.raises(OSError, match=rf"got {connect} \('192.0.2.1', 80\)\. The suite is"),
        ):
            getattr(sock, connect)(("192.0.2.1", 80))
        assert len(tried) == 1

    def test_a_look_up(self, tried):
        with pytest.raises(no_network.NetworkBlockedError, match=r"got getaddrinfo 'example.org'"):
            socket.create_connection(("example.org", 80))
        with pytest.raises(no_network.NetworkBlockedError, match=r"got gethostbyname 'example.org'"):
            socket.gethostbyname("example.org")

    def test_other_ways(self, tried):
        async def ask():
            await asyncio.open_connection("2001:db8::1", 443)

        with pytest.raises(no_network.NetworkBlockedError, match="2001:db8::1"):
            asyncio.run(ask())
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            with pytest.raises(no_network.NetworkBlockedError, match="sendto"):
                sock.sendto(b"?", ("192.0.2.53", 53))
            with pytest.raises(no_network.NetworkBlockedError, match="datagram"):
                sock.connect(("192.0.2.53", 53))

    def test_a_swallowed_error_still_fails_the_test(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with pytest.raises(AssertionError, match=r"this test tried to: connect \('192.0.2.1', 80\)"):
            no_network.settle()
        no_network.settle()  # once is enough

    def test_this_machine_answers(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5):
                server.accept()[0].close()
        for host in (None, "localhost", "127.0.0.1", "::1", b"127.0.0.1", socket.gethostname(), "127.8.8.8"):
            assert no_network.is_here(host)
        for host in ("192.0.2.1", "2001:db8::1", "example.org", "localhost.example.org", "127.0.0.1.example.org"):
            assert not no_network.is_here(host)

    def test_paths_are_no_addresses(self, tmp_path):
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(str(tmp_path / "s"))
            server.listen()
            client.connect(str(tmp_path / "s"))

    def test_processes_started_here(self):
        code = "import urllib.request as u; u.urlopen('http://192.0.2.1', timeout=20)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
        assert "Connection refused" in done.stderr  # by the proxy that is none
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert urllib.request.getproxies()["https"] == no_network.NOBODY


@contextlib.contextmanager
def disk_takes(length):
    """No file grows beyond this many bytes in the block: what a full disk does in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


def contents(folder):
    """Every file below a folder, whatever its name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


CARD = Card("demo", seed=0, steps=1, hardware="CPU", minutes=0.1, metrics={})


def save_checkpoint(folder, number):
    checkpoints.save({"w": torch.full((5000,), float(number))}, folder, replace(CARD, steps=number))


def save_state(folder, number):
    write_state(folder / STATE, {"step": number, "w": torch.full((5000,), float(number))})


def write_curve(folder, number):
    curve = Curve()
    curve.rows = [[step, 0.1, 0.5, float(number)] for step in range(1000)]
    curve.names = ["loss"]
    curve.write(folder)


def draw_curve(folder, number):
    curve = Curve()
    curve.rows = [[step, 0.1, 0.5, float(number * step)] for step in range(30)]
    curve.names = ["loss"]
    curve.draw(folder, "a run")


def write_grades(folder, number):
    lesson = source.read(source.find("01"))
    write_table(
        folder / "grades.csv", [Row(f"s{row}", "x" * 50, GRADED, problem=str(number)) for row in range(50)], lesson
    )


def write_rows(folder, number):
    rows = [{"n": n} for n in np.random.default_rng(number).integers(0, 2**60, 2000).tolist()]
    write_shard(folder / "a.parquet", rows, {"n": "int"})


WRITERS = {
    "checkpoint": save_checkpoint,
    "state": save_state,
    "curve.csv": write_curve,
    "curve.png": draw_curve,
    "grades.csv": write_grades,
    "shard": write_rows,
    "annotations": lambda folder, number: write_whole(folder / "a.json", f"{number}" * 9000),
    "notebook copy": lambda folder, number: source.write_atomically(folder / "01.ipynb", f"{number}" * 9000),
}


class TestFullDisk:
    @pytest.mark.parametrize("name", WRITERS)
    def test_old_content_or_nothing_and_a_sentence(self, name, tmp_path):
        write = WRITERS[name]
        for start in ("empty", "old"):
            folder = tmp_path / start
            folder.mkdir()
            if start == "old":
                write(folder, 1)
            before = contents(folder)
            for length in (0, 1, 4096):
                with disk_takes(length), pytest.raises(OSError, match=FULL) as caught:
                    write(folder, 2)
                assert Path(caught.value.filename).is_relative_to(folder)
                assert contents(folder) == before
            write(folder, 3)  # there is room again
            assert contents(folder) != before
        assert len(contents(tmp_path / "empty")) == len(contents(tmp_path / "old"))

    def test_solutions(self, tmp_path):
        def area(box):
            return box[0]

        source_lines = "def area(box):\n    return box[0] * box[1]" + "  # long" * 1000 + "\n"
        functions = {}
        for name in ("area", "other"):
            text = source_lines.replace("area", name)
            file = tmp_path / f"{name}.py"
            file.write_text(text)
            exec(compile(text, str(file), "exec", dont_inherit=True), functions)
        my = tmp_path / "my"
        my.mkdir()
        assert store("01.area", functions["area"], "", my) == "Stored in my/solutions.py."
        before = contents(my)
        with disk_takes(8192):
            said = store("01.other", functions["other"], "", my)
        assert said == "Not stored: solutions.py could not be written (File too large)."
        assert contents(my) == before
        assert list(my.iterdir()) == [my / "solutions.py"]  # and no lock
        assert load("01.area", my)((2, 3)) == 6

    def test_submission(self, tmp_path, monkeypatch):
        opened = source.ROOT / "notebooks" / "01_boxes.ipynb"
        submit = importlib.import_module("gk_utils.classroom.submit")  # the package's own name is the function's
        monkeypatch.setattr(submit, "_open_file", lambda: opened)
        monkeypatch.chdir(tmp_path)
        with (
            contextlib.redirect_stdout(None),
            disk_takes(4096),
            pytest.raises(OSError, match="01_boxes--anna.ipynb: " + FULL),
        ):
            submit.submit("Anna")
        assert not list(tmp_path.iterdir())

    def test_my_copies_are_made_next_time(self, tmp_path):
        (tmp_path / "notebooks").mkdir()
        text = json.dumps({"cells": [{"cell_type": "markdown", "source": "x" * 9000}]})
        (tmp_path / "notebooks" / "01_boxes.ipynb").write_text(text)
        with disk_takes(4096), pytest.raises(OSError, match=FULL):
            workspace.prepare(tmp_path)
        assert not (tmp_path / "my" / "01_boxes.ipynb").exists()
        workspace.prepare(tmp_path)
        assert (tmp_path / "my" / "01_boxes.ipynb").read_text() == text

    def test_a_journal_goes_on_in_the_same_process(self, tmp_path):
        journal = Journal(tmp_path / "result.json", {"phrases": ["mug"]})
        journal.add([{"name": "a"}])
        with disk_takes(1000), pytest.raises(OSError, match=FULL):
            journal.add([{"name": "b", "text": "x" * 2000}])
        assert list(journal.entries) == ["a"]
        journal.add([{"name": "c"}])
        assert list(Journal(tmp_path / "result.json", {"phrases": ["mug"]}).entries) == ["a", "c"]

    def test_a_training_goes_on_from_its_last_state(self, tmp_path):
        recipe = tiny_task.recipe(steps=12)
        torch.set_num_threads(1)
        calm = train(recipe, out=tmp_path / "calm", workers=0, progress=False)
        options = {"out": tmp_path / "full", "workers": 0, "progress": False, "save_seconds": 1e-9}
        with disk_takes(2048), pytest.raises(OSError, match=rf"{STATE}: " + FULL):
            train(recipe, **options)
        assert STATE not in contents(tmp_path / "full")
        train(replace(recipe), steps=5, **options)
        before = read_state(tmp_path / "full" / STATE)["step"]
        with disk_takes(2048), pytest.raises(OSError, match=rf"{STATE}: " + FULL):
            train(recipe, resume=True, **options)
        assert read_state(tmp_path / "full" / STATE)["step"] == before == 5
        assert not list((tmp_path / "full").glob("*.partial"))
        again = train(recipe, resume=True, out=tmp_path / "again", workers=0, progress=False)
        assert again.sha256 == calm.sha256


def script(name, *arguments, timeout):
    """Run a file of this folder in a process of its own; its output's words."""
    paths = {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(TESTS / name), *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | paths, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class TestTwoWriters:
    def test_one_of_two_whole_versions_and_nothing_lost(self, tmp_path):
        seen = [int(word) for word in script("two_writers.py", tmp_path, 40, timeout=120)]
        assert len(seen) == 6
        assert all(seen)  # the reader met both writers' versions, of all three

    def test_one_waits_for_the_other(self, tmp_path):
        order, inside = [], threading.Event()

        def first():
            with one_writer(tmp_path):
                inside.set()
                waiting.wait(0.2)
                order.append("first")

        waiting, thread = threading.Event(), threading.Thread(target=first)
        thread.start()
        inside.wait(10)
        with one_writer(tmp_path):
            order.append("second")
        thread.join()
        assert order == ["first", "second"]
        assert not list(tmp_path.iterdir())

    def test_an_error_lets_go(self, tmp_path):
        with pytest.raises(ZeroDivisionError), one_writer(tmp_path):
            1 / 0  # noqa: B018
        with one_writer(tmp_path):
            pass


@pytest.mark.skipif(not DEEP, reason="takes a minute: make deep")
class TestFiftyKills:
    def test_they_change_no_bit(self, tmp_path):
        settings = {"steps": 900, "sleep": 0.002}
        options = {"workers": 0, "save_seconds": 0.004}
        torch.set_num_threads(1)
        calm = train(tiny_task.recipe(**settings), out=tmp_path / "calm", workers=0, progress=False)
        draws = json.dumps([int(os.environ.get("GK_KILL_SEED", "0")), 50])
        settings_, options_ = json.dumps(settings), json.dumps(options)
        (halves,) = script("train_line.py", "moments", tmp_path / "killed", settings_, options_, draws, timeout=500)
        assert int(halves) >= 10  # these were killed while they wrote
        assert checkpoints.verify(tmp_path / "killed").sha256 == calm.sha256
        first, second = (read_state(tmp_path / name / STATE) for name in ("calm", "killed"))
        assert first["step"] == second["step"] == 900
        for part in ("module", "average"):
            assert first[part].keys() == second[part].keys()
            assert all(value.equal(second[part][name]) for name, value in first[part].items())
        curves = [list(csv.reader((tmp_path / name / "curve.csv").read_text().split())) for name in ("calm", "killed")]
        assert [row[:1] + row[2:] for row in curves[0]] == [row[:1] + row[2:] for row in curves[1]]  # but for seconds
        assert sorted(contents(tmp_path / "killed")) == sorted(contents(tmp_path / "calm"))


class TestCorpus:
    """What once tripped a reader, or might: data/fuzz, one JSON string a line."""

    @pytest.mark.parametrize("name", fuzzing.READERS)
    def test_every_kept_input(self, name):
        faults = [(text[:80], fault) for text in fuzzing.corpus(name) for _, fault in [fuzzing.try_out(name, text)]]
        assert len(faults) >= 7
        assert not [pair for pair in faults if pair[1]]

    def test_no_file_without_a_reader(self):
        assert sorted(path.stem for path in fuzzing.FOLDER.iterdir()) == sorted(fuzzing.READERS)

    def test_it_finds_faults_makes_them_small_and_keeps_them(self, tmp_path, monkeypatch):
        def fragile(text):
            if "<loc_" in text and "99" in text:
                raise KeyError(text)
            return len(text)

        reader = replace(fuzzing.READERS["box_tokens"], read=fragile)
        monkeypatch.setitem(fuzzing.READERS, "box_tokens", reader)
        monkeypatch.setattr(fuzzing, "FOLDER", tmp_path)
        (tmp_path / "box_tokens.jsonl").write_text(json.dumps("a mug <loc_1><loc_2>") + "\n")
        _, _, faults = fuzzing.fuzz("box_tokens", seconds=2, seed=0)
        assert len(faults) >= 1
        assert sorted(fuzzing.corpus("box_tokens")[-1]) == sorted("<loc_99")

    def test_it_stops_what_takes_too_long(self, monkeypatch):
        def endless(text):
            while True:
                pass

        monkeypatch.setattr(fuzzing, "SLOW", 0.05)
        monkeypatch.setitem(fuzzing.READERS, "article", fuzzing.Reader(endless, ()))
        assert fuzzing.try_out("article", "x") == ("fault", "TimeoutError: expected an answer within 0.05 s")

    @pytest.mark.skipif(not DEEP, reason="takes a minute a reader: make deep")
    @pytest.mark.parametrize("name", fuzzing.READERS)
    def test_long(self, name):
        tried, kinds, faults = fuzzing.fuzz(name, fuzzing.seconds(), fuzzing.seed())
        print(f"{name}: {tried} inputs, {kinds} kinds of answer")
        assert not faults, "\n".join(faults)
        assert tried > 50


# Who brings what is imported without being asked for, and where what is asked for is used without being imported.
BROUGHT = {
    **{"IPython": "ipykernel", "jupyter_client": "ipykernel", "jupyter_core": "ipykernel", "traitlets": "ipykernel"},
    **{"nbconvert": "nbgrader", "docutils": "sphinx", "huggingface_hub": "transformers", "triton": "torch"},
    "psutil": "ray",
}
USED_BY_NAME = {
    **{"codespell": ("Makefile", "codespell"), "ruff": ("Makefile", "ruff check"), "nbval": ("Makefile", "--nbval")},
    **{"jupyterlab": ("Makefile", "-m jupyterlab"), "pytest-xdist": ("Makefile", "--dist loadfile")},
    **{"furo": ("book/conf.py", '"furo"'), "myst-nb": ("book/conf.py", '"myst_nb"')},
    **dict.fromkeys(("onnx", "onnxscript"), ("gk_utils/book/grounder_export.py", "torch.onnx.export")),
    "ipykernel": ("gk_utils/classroom/execute.py", "ipykernel_launcher"),
    "pandas": ("gk_utils/scale/cluster.py", "import ray.data"),
}
ELSEWHERE = {"google", "spacy"}  # on Colab alone; only if there is one
OPEN = r"MIT|BSD|Apache|MPL-2.0|Python Software Foundation"  # licences that ask for no more than a notice
TOOLS = {"codespell": "GPL-2.0-only"}  # run as a program of its own, on this source


@functools.cache
def imported():
    """The first names of all absolute imports of the package, the lessons, the book and the tests' helpers."""
    files = [path for folder in ("gk_utils", "lessons", "benchmarks") for path in (source.ROOT / folder).rglob("*.py")]
    files += [path for path in TESTS.glob("*.py") if path.name != "test_composing.py"]  # one that nobody has
    pattern = re.compile(r"^ *(?:import|from) +([a-zA-Z]\w*)(?:[\w.]* +import\b|[\w., ]*(?: as \w+)?(?: *#.*)?$)", re.M)
    names = {name for path in files for name in pattern.findall(path.read_text(encoding="utf-8"))}
    own = {"gk_utils", *(path.stem for path in files)}
    return {name for name in names - own - set(sys.stdlib_module_names) if importlib.util.find_spec(name)}


def licence(name):
    """What the package's own metadata says, in one line: an expression, a classifier, or the start of a text."""
    held = importlib.metadata.metadata(name)
    classes = [line for line in held.get_all("Classifier") or [] if line.startswith("License ::")]
    said = held.get("License-Expression") or "".join(classes).rpartition(":: ")[2] or held.get("License") or ""
    return " ".join(said.split())[:120]


distributions = functools.cache(importlib.metadata.packages_distributions)


def canonical(name):
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class TestDependencies:
    asked = {canonical(one.name) for one in requirements()}  # noqa: RUF012

    def test_nothing_is_imported_that_nobody_asked_for(self):
        brings = distributions()
        unknown = {
            name
            for name in imported() - ELSEWHERE - BROUGHT.keys()
            if not self.asked & {canonical(one) for one in brings.get(name, [])}
        }
        assert not unknown
        assert set(BROUGHT.values()) <= self.asked

    def test_nothing_is_asked_for_that_nobody_uses(self):
        brings = distributions()
        used = {canonical(one) for name in imported() for one in brings.get(name, [])}
        assert self.asked - used <= USED_BY_NAME.keys()
        for name, (file, text) in USED_BY_NAME.items():
            assert text in (source.ROOT / file).read_text(encoding="utf-8"), name

    @pytest.mark.parametrize("name", sorted(asked))
    def test_open_licence(self, name):
        if name in TOOLS:
            assert licence(name) == TOOLS[name]
        else:
            assert re.search(OPEN, licence(name)) or (name == "pycocotools" and licence(name) == "FreeBSD")
            assert not re.search(r"(?<!L)GPL", licence(name))

    @pytest.mark.skipif(not DEEP, reason="two seconds: make deep")
    def test_what_is_installed_fits_together(self):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout
