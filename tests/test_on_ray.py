"""Jobs on a local Ray: what one process would write, whatever is killed meanwhile. One Ray for the whole file."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from some_jobs import Squares
from some_pairs import write_pairs

from gk_utils.__main__ import main
from gk_utils.scale import grit_command
from gk_utils.scale.cluster import cluster
from gk_utils.scale.grit_job import grit_task, read_samples
from gk_utils.scale.jobs import in_this_process, read_manifest, run_job
from gk_utils.scale.on_ray import on_ray, why_it_failed

TESTS = Path(__file__).parent
PATH = os.pathsep.join([str(TESTS.parent), str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
# A driver with a Ray of its own, to be killed. It says which processes are its Ray's.
DRIVER = """
import sys
from some_jobs import Squares
from gk_utils.scale.cluster import cluster
from gk_utils.scale.jobs import run_job
from gk_utils.scale.on_ray import on_ray
with cluster(1, device="cpu") as pool:
    import psutil
    print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
    run_job(Squares(60, 3, sys.argv[1], pause=0.05), sys.argv[2], on_ray(pool))
"""


@pytest.fixture(scope="module")
def pool():
    """Two workers; they find the modules of this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATH)
        with cluster(2, device="cpu") as pool:
            yield pool


def checksums(manifest) -> list[str]:
    return [entry["sha256"] for entry in manifest.entries]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestOnRay:
    def test_equals_one_process_byte_for_byte(self, pool, tmp_path):
        task = Squares(60, 4, str(tmp_path / "log"), pause=0.02, broken=(3, 41), empty=(7,))
        manifest = run_job(task, tmp_path / "out", on_ray(pool))
        assert list(manifest.rows()) == task.rows()
        assert manifest.broken == (("number 3", "too odd"), ("number 41", "too odd"))
        assert sorted(task.seen()) == list(range(60))
        assert len(task.loads()) == len(set(task.loads())) <= 2  # each worker once
        assert {process for _, process in task.log_lines()} <= set(task.loads())
        assert checksums(manifest) == checksums(run_job(task, tmp_path / "single", in_this_process))

    def test_killed_workers(self, pool, tmp_path):
        """SIGKILL to the worker at 17, once, and at 33, whenever it comes: it is given up, and nothing else is lost."""
        task = Squares(40, 5, str(tmp_path / "log"), kills=((17, 1), (33, 99)))
        manifest = run_job(task, tmp_path / "out", on_ray(pool))
        assert manifest.broken == (("number 33", "its worker died 3 times"),)
        assert list(manifest.rows()) == [row for row in task.rows() if row["number"] != 33]
        times = {number: task.seen().count(number) for number in range(40)}
        assert times == {
            number: 2 if number in (15, 16, 17) else 4 if number in (30, 31, 32) else 1 for number in times
        } | {33: 3}
        assert len({process for _, process in task.log_lines()}) >= 4
        assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]

    def test_killed_driver(self, pool, tmp_path):
        """SIGKILL to a driver in the middle: its Ray goes with it, and another driver does the rest, and only that."""
        task, out = Squares(60, 3, str(tmp_path / "log"), pause=0.05), tmp_path / "out"
        environment = {**os.environ, "PYTHONPATH": PATH}
        command = [sys.executable, "-c", DRIVER, task.log, str(out)]
        driver = subprocess.Popen(command, cwd=TESTS.parent, env=environment, stdout=subprocess.PIPE, text=True)
        with driver:
            its_ray = [int(word) for word in driver.stdout.readline().split()]
            journal, deadline = out / "manifest.json.journal", time.monotonic() + 300
            while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") >= 4):
                time.sleep(0.02)
            driver.send_signal(signal.SIGKILL)
        assert driver.returncode == -signal.SIGKILL
        assert len(its_ray) >= 3
        while time.monotonic() < deadline and any(map(is_alive, its_ray)):
            time.sleep(0.05)
        assert not any(map(is_alive, its_ray))
        assert not (out / "manifest.json").exists()
        finished = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
        assert 3 <= len(finished) < 20
        before, task = task.seen(), replace(task, pause=0)
        manifest = run_job(task, out, on_ray(pool))
        assert list(manifest.rows()) == task.rows()
        done = {number for entry in finished for number in range(entry["first"], entry["first"] + entry["items"])}
        assert sorted(task.seen()[len(before) :]) == sorted(set(range(60)) - done)
        assert checksums(manifest) == checksums(run_job(task, tmp_path / "single", in_this_process))

    def test_a_worker_that_cannot_load(self, pool, tmp_path):
        from ray.exceptions import RayError

        task = Squares(4, 2, str(tmp_path / "log"), sulks="weights: expected a, got b.")
        with pytest.raises(RayError) as caught:
            run_job(task, tmp_path / "out", on_ray(pool))
        assert "weights: expected a, got b." in why_it_failed(caught.value)
        assert "\n" not in why_it_failed(caught.value)


class TestGrit:
    def test_stopped_and_resumed_and_equal_to_one_process(self, pool, tmp_path, capsys, monkeypatch):
        captions, images = write_pairs(tmp_path, 36)
        (images / "33.png").write_bytes(b"")  # in the last shard, which mostly comes after the stop
        files = {"--captions": captions, "--images": images, "--out": tmp_path / "out"}
        command = ["grit", *(str(part) for pair in files.items() for part in pair)]
        progress = grit_command.show_progress

        def stop(entries, items, done):
            for entry in progress(entries, items, done):
                yield entry
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(grit_command, "show_progress", stop)
        assert main(command) == 130
        said = capsys.readouterr()
        assert "rows" not in said.out
        assert said.err.splitlines()[-1] == "python -m gk_utils grit: stopped; the same command goes on from here"
        _, line = (tmp_path / "out" / "manifest.json.journal").read_text().splitlines()
        kept = 0 if json.loads(line)["broken"] else json.loads(line)["items"]  # what is broken is tried once more
        monkeypatch.setattr(grit_command, "show_progress", progress)
        assert main([*command, "--json"]) == 0
        said = capsys.readouterr()
        printed = json.loads(said.out.splitlines()[-1])  # Ray may still tell of the workers killed above
        assert re.search(r"\d+/36", said.err).group() == f"{kept}/36"  # it goes on from there
        assert (printed["pairs"], printed["shards"]) == (36, 3)
        assert [each["name"] for each in printed["broken"]] == ["33.png"]
        manifest = read_manifest(tmp_path / "out")
        single = run_job(grit_task(captions, images), tmp_path / "single", in_this_process)
        assert checksums(manifest) == checksums(single)
        assert len(list(read_samples(manifest))) == printed["rows"] > 20
