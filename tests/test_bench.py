import json

import pytest

from gk_utils import bench as module
from gk_utils.__main__ import main
from gk_utils.bench import FOLDER, as_text, bench

KEYS = {
    *("case", "device", "dtype", "pass", "ours_ms", "peer", "peer_ms"),
    *("ratio", "low", "high", "max_error", "floor_ms", "per_second"),
}


class TestBench:
    def test_render(self):
        """A small run: both cases, a batch equal to its scenes, and numbers that can be."""
        result = bench("render", scale=0.02)
        forward, end_to_end = result["rows"]
        assert result["name"] == "render"
        assert set(forward) == set(end_to_end) == KEYS
        assert (forward["pass"], end_to_end["pass"]) == ("forward", "end-to-end")
        assert forward["max_error"] < 1e-5
        assert forward["low"] <= forward["ratio"] <= forward["high"]
        assert all(row["ours_ms"] > 0 for row in result["rows"])
        assert as_text(result).count("a second") == 2

    def test_unknown(self):
        with pytest.raises(ValueError, match="name: expected one of 'render'"):
            bench("rendering")

    def test_every_file_has_rows(self):
        files = list(FOLDER.glob("*.py"))
        assert files
        assert all("def rows(device: str, scale: float = 1.0)" in path.read_text(encoding="utf-8") for path in files)


class TestCommand:
    def test_json(self, capsys, monkeypatch):
        monkeypatch.setattr(module, "bench", lambda name, device: {"name": name, "machine": device, "rows": []})
        assert main(["bench", "render", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"name": "render", "machine": "cpu", "rows": []}

    @pytest.mark.parametrize(
        "arguments",
        [
            *(["bench", "nothing"], ["bench", "render", "--device", "nonsense"]),
            *(["train", "nothing"], ["train", "trunk", "--device", "nonsense"], ["train", "trunk", "--steps", "0"]),
        ],
        ids=" ".join,
    )
    def test_bad_arguments(self, arguments, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
