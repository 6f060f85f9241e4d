"""Parquet files that are whole or not there."""

import sys
from pathlib import Path

import pytest

from gk_utils.scale.shards import is_whole, read_shard, write_shard

COLUMNS = {"name": "text", "number": "int", "score": "float", "fine": "bool", "boxes": "[[float]]"}
ROWS = [
    {"name": "mug", "number": 3, "score": 0.1, "fine": True, "boxes": [[0.0, 1.0, 2.0, 3.0], []]},
    {"name": "na\u00efve \U0001f600", "number": -(2**62), "score": None, "fine": False, "boxes": []},
]


class TestWriteShard:
    def test_read_back(self, tmp_path):
        length, sha256 = write_shard(tmp_path / "a.parquet", ROWS, COLUMNS)
        assert read_shard(tmp_path / "a.parquet", sha256) == ROWS
        assert (tmp_path / "a.parquet").stat().st_size == length
        assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]

    def test_the_same_rows_are_the_same_bytes(self, tmp_path):
        first, second = (write_shard(tmp_path / name, ROWS, COLUMNS) for name in ("a", "b"))
        assert first == second
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_pandas_and_arrow_read_it(self, tmp_path):
        write_shard(tmp_path / "a.parquet", ROWS, COLUMNS)
        from pyarrow import parquet

        schema = parquet.read_schema(tmp_path / "a.parquet")
        assert schema.names == list(COLUMNS)
        assert str(schema.field("boxes").type).count("list") == 2

    def test_no_rows_and_missing_columns(self, tmp_path):
        write_shard(tmp_path / "none", [], COLUMNS)
        assert read_shard(tmp_path / "none") == []
        write_shard(tmp_path / "one", [{"name": "mug"}], COLUMNS)
        assert read_shard(tmp_path / "one") == [dict.fromkeys(COLUMNS) | {"name": "mug"}]

    def test_what_does_not_fit_leaves_the_old_file(self, tmp_path):
        write_shard(tmp_path / "a", ROWS, COLUMNS)
        before = (tmp_path / "a").read_bytes()
        for row in ({"number": "three"}, {"number": 2**70}, {"boxes": [1.0]}):
            with pytest.raises(ValueError, match=r"rows: expected .*Nothing was written"):
                write_shard(tmp_path / "a", [row], COLUMNS)
        with pytest.raises(ValueError, match="columns: expected text, int, float, bool or lists of them, got 'image'"):
            write_shard(tmp_path / "a", [], {"x": "image"})
        assert (tmp_path / "a").read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_full_disk_leaves_the_old_file(self, tmp_path, monkeypatch):
        write_shard(tmp_path / "a", ROWS, COLUMNS)
        before = (tmp_path / "a").read_bytes()

        def full(self, target):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            write_shard(tmp_path / "a", [], COLUMNS)
        assert (tmp_path / "a").read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1

    def test_without_pyarrow(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(ModuleNotFoundError, match="Install the extra `scale`"):
            write_shard(tmp_path / "a", [], COLUMNS)


class TestReadShard:
    @pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
    def test_cut_short(self, tmp_path, share):
        _, sha256 = write_shard(tmp_path / "a", ROWS, COLUMNS)
        content = (tmp_path / "a").read_bytes()
        (tmp_path / "a").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match="a: expected Parquet"):
            read_shard(tmp_path / "a")
        with pytest.raises(ValueError, match="a: expected the checksum"):
            read_shard(tmp_path / "a", sha256)


class TestIsWhole:
    def test_by_its_checksum(self, tmp_path):
        _, sha256 = write_shard(tmp_path / "a", ROWS, COLUMNS)
        assert is_whole(tmp_path / "a", sha256)
        (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes() + b" ")
        assert not is_whole(tmp_path / "a", sha256)
        assert not is_whole(tmp_path / "b", sha256)
