import json

import pytest

from gk_utils.__main__ import main
from gk_utils.bench import command, running
from gk_utils.bench.results import read

ROW = {
    **{"case": "2 boxes", "device": "cpu", "dtype": "float32", "pass": "forward", "ours_ms": 1.0, "peer": None},
    **{"peer_ms": None, "ratio": None, "low": None, "high": None, "max_error": None, "floor_ms": None},
}


@pytest.fixture(autouse=True)
def measured(monkeypatch, tmp_path):
    """What is run, instead of running it; results and the page go to a folder of the test."""
    runs = []

    def bench(name, device, scale):
        runs.append((name, device, scale))
        if name == "render":
            raise RuntimeError("no scene")
        return {"name": name, "machine": f"a {device}", "rows": [ROW]}

    monkeypatch.setattr(command, "bench", bench)
    monkeypatch.setattr(command, "STORED", tmp_path / "stored")
    monkeypatch.setattr(command, "write_page", lambda: tmp_path / "RESULTS.md")
    return runs


class TestNames:
    def test_one_as_json(self, capsys, tmp_path):
        assert main(["bench", "boxes", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"name": "boxes", "machine": "a cpu", "rows": [ROW]}
        assert not list(tmp_path.iterdir())

    def test_several(self, capsys, measured):
        assert main(["bench", "metrics", "boxes", "--scale", "0.5", "--json"]) == 0
        assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["metrics", "boxes"]
        assert measured == [("metrics", "cpu", 0.5), ("boxes", "cpu", 0.5)]

    def test_for_people(self, capsys):
        assert main(["bench", "boxes"]) == 0
        assert capsys.readouterr().out.splitlines() == ["boxes on a cpu", "  2 boxes, cpu, float32, forward: 1.000 ms"]

    def test_out(self, tmp_path):
        assert main(["bench", "boxes", "metrics", "--device", "cpu", "--out", str(tmp_path / "a" / "b")]) == 0
        files = sorted((tmp_path / "a" / "b").iterdir())
        assert [path.name for path in files] == ["boxes-cpu.json", "metrics-cpu.json"]
        assert read(files[0])["machine"] == "a cpu"

    def test_one_that_fails_does_not_stop_the_others(self, capsys):
        assert main(["bench", "render", "boxes"]) == 1
        said = capsys.readouterr()
        assert said.out.startswith("boxes on a cpu")
        assert "RuntimeError: no scene" in said.err
        assert said.err.endswith("failed: render on cpu\n")


class TestAll:
    def test_runs_and_keeps_everything(self, monkeypatch, measured, tmp_path, capsys):
        monkeypatch.setattr(command, "devices_here", lambda: ("cpu", "cuda"))
        assert main(["bench"]) == 1  # render fails here
        assert measured == [(name, device, 1.0) for name in running.names() for device in ("cpu", "cuda")]
        names = [name for name in running.names() if name != "render"]
        kept = sorted(path.name for path in (tmp_path / "stored").iterdir())
        assert kept == sorted(f"{name}-{device}.json" for name in names for device in ("cpu", "cuda"))
        assert f"written: {tmp_path / 'RESULTS.md'}" in capsys.readouterr().out

    def test_elsewhere(self, tmp_path, capsys):
        main(["bench", "--scale", "0.1", "--out", str(tmp_path / "out")])
        assert not (tmp_path / "stored").exists()
        assert "written" not in capsys.readouterr().out


class TestReport:
    def test_measures_nothing(self, measured, capsys):
        assert main(["bench", "--report"]) == 0
        assert not measured
        assert capsys.readouterr().out.startswith("written: ")

    def test_takes_a_folder(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(command, "take", lambda folder: [f"{folder.name}-cuda.json"])
        assert main(["bench", "--report", str(tmp_path / "boxes")]) == 0
        assert capsys.readouterr().out.splitlines()[0] == "taken: boxes-cuda.json"


class TestBadArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nothing"], "name: expected one of 'boxes'"),
            (["boxes", "nothing"], "got 'nothing'"),
            (["boxes", "--device", "nonsense"], "device: expected one that is here"),
            (["boxes", "--scale", "0"], "scale: expected a number above 0"),
            (["boxes", "--scale", "much"], "invalid float"),
            (["--scale", "0.1"], "scale: expected 1 for RESULTS.md, got 0.1"),
            (["boxes", "--out", __file__], "exists"),
            (["--report", "nowhere"], "nowhere: expected a folder with results"),
            (["boxes", "--report"], "report: expected no other argument"),
        ],
        ids=" ".join,
    )
    def test_bench(self, arguments, message, capsys, measured):
        with pytest.raises(SystemExit) as stopped:
            main(["bench", *arguments])
        said = capsys.readouterr()
        assert stopped.value.code == 2
        assert len(said.err.splitlines()) == 1
        assert message in said.err
        assert not said.out
        assert not measured

    @pytest.mark.parametrize(
        "arguments",
        [["train", "nothing"], ["train", "trunk", "--device", "nonsense"], ["train", "trunk", "--steps", "0"]],
        ids=" ".join,
    )
    def test_train(self, arguments, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
