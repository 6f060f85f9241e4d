"""The command's words and its answers to bad arguments; test_on_ray.py runs it."""

import json
import sys
from pathlib import Path

import pytest

from gk_utils.__main__ import main
from gk_utils.scale import grit_command
from gk_utils.scale.grit_command import JobFailed, as_json, as_text, show_progress
from gk_utils.scale.jobs import Manifest

ENTRY = {"name": "part-000000.parquet", "first": 0, "items": 4, "rows": 2, "empty": 1, "bytes": 1_250_000, "sha256": ""}
MANIFEST = Manifest(Path("out"), {}, ({**ENTRY, "broken": [["b.png", "no picture"]]}, {**ENTRY, "broken": []}))


class TestAsText:
    def test_by_hand(self):
        assert as_text(MANIFEST).splitlines() == [
            "out: 4 rows of 8 pairs in 2 shards, 2.5 MB; 2 pairs without a box",
            "1 could not be done:",
            "  b.png: no picture",
        ]


class TestAsJson:
    def test_one_object(self):
        printed = json.loads(as_json(MANIFEST))
        counts = {"out": "out", "pairs": 8, "rows": 4, "empty": 2, "bytes": 2_500_000, "shards": 2}
        assert printed == {**counts, "broken": [{"name": "b.png", "reason": "no picture"}]}


class TestShowProgress:
    def test_counts_pairs_and_goes_on_where_it_was(self, capsys):
        assert list(show_progress(iter(MANIFEST.entries), 20, 12)) == list(MANIFEST.entries)
        said = capsys.readouterr()
        assert said.out == ""
        assert "20/20" in said.err


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "a.tsv").write_text("a.png\ta mug\n")
        return {"--captions": tmp_path / "a.tsv", "--images": tmp_path / "images", "--out": tmp_path / "out"}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"--captions": "none.tsv"}, "--captions: expected a file, got 'none.tsv'"),
            ({"--captions": "x.csv"}, "--captions: expected a name that ends in .jsonl or .tsv"),
            ({"--images": "none"}, "--images: expected a folder, got 'none'"),
            ({"--workers": "0"}, "--workers: expected 1 or more, got 0"),
            ({"--workers": "many"}, "argument --workers: invalid int value"),
            ({"--out": __file__}, "--out: expected a folder, got the file"),
        ],
    )
    def test_bad_arguments(self, files, capsys, change, message):
        given = {**files, **change}
        with pytest.raises(SystemExit) as stopped:
            main(["grit", *(str(part) for pair in given.items() for part in pair)])
        said = capsys.readouterr()
        assert (stopped.value.code, said.out) == (2, "")
        assert said.err.startswith("python -m gk_utils grit: ")
        assert message in said.err
        assert said.err.count("\n") == 1

    def test_without_ray(self, files, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(SystemExit) as stopped:
            main(["grit", *(str(part) for pair in files.items() for part in pair)])
        assert stopped.value.code == 2
        assert capsys.readouterr().err.endswith("Install the extra `scale`: pip install -e '.[scale]'\n")

    @pytest.mark.parametrize(("rows", "status"), [(0, 1), (3, 0)])
    def test_nothing_but_broken_pairs(self, files, capsys, monkeypatch, rows, status):
        entry = {**ENTRY, "rows": rows, "broken": [["\u00fcber\udcff.png", "no picture"]]}
        monkeypatch.setattr(grit_command, "make_grit", lambda **options: Manifest(Path("out"), {}, (entry,)))
        command = ["grit", *(str(part) for pair in files.items() for part in pair)]
        assert main(command) == status
        assert capsys.readouterr().out.splitlines()[-1] == "  \u00fcber?.png: no picture"
        assert main([*command, "--json"]) == status
        assert json.loads(capsys.readouterr().out)["broken"][0]["name"] == "\u00fcber\udcff.png"

    def test_a_failed_worker(self, files, capsys, monkeypatch):
        def fail(**options):
            raise JobFailed("ValueError: weights")

        monkeypatch.setattr(grit_command, "make_grit", fail)
        assert main(["grit", *(str(part) for pair in files.items() for part in pair)]) == 1
        assert capsys.readouterr().err == "python -m gk_utils grit: ValueError: weights\n"
