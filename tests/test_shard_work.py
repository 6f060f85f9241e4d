"""What one worker makes of one shard."""

import json
import os
import socket
from dataclasses import replace

import pytest
from some_jobs import Squares

from gk_utils.scale.shard_work import Shard, ShardWorker, make_shard, reason_of
from gk_utils.scale.shards import read_shard


@pytest.fixture
def task(tmp_path):
    return Squares(7, 4, str(tmp_path / "log"), broken=(1,), empty=(2, 5))


class TestMakeShard:
    def test_file_and_entry(self, task, tmp_path):
        entry = make_shard(task, task.load("cpu"), task.shards()[0], tmp_path)
        rows = read_shard(tmp_path / "part-000000.parquet", entry["sha256"])
        assert rows == [row for row in task.rows() if row["number"] < 4]
        assert [entry[key] for key in ("name", "first", "items", "rows", "empty")] == [
            "part-000000.parquet",
            0,
            4,
            2,
            1,
        ]
        assert entry["broken"] == [["number 1", "too odd"]]
        assert entry["bytes"] == (tmp_path / "part-000000.parquet").stat().st_size
        assert entry["worker"] == f"{socket.gethostname()}:{os.getpid()}"
        assert entry["seconds"] >= 0
        assert json.loads(json.dumps(entry)) == entry
        assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.loads", "part-000000.parquet"]

    def test_twice_is_the_same_file(self, task, tmp_path):
        first, second = (make_shard(task, task.load("cpu"), task.shards()[1], tmp_path) for _ in range(2))
        assert first["sha256"] == second["sha256"]

    def test_an_item_at_which_workers_died(self, task, tmp_path):
        trying = tmp_path / ".part-000000.parquet.trying"
        trying.write_text(3 * "[]\n[0]\n[3]\n")
        entry = make_shard(task, task.load("cpu"), task.shards()[0], tmp_path)
        assert entry["broken"] == [["number 1", "too odd"], ["number 3", "its worker died 3 times"]]
        assert task.seen() == [0, 1, 2]
        assert not trying.exists()

    @pytest.mark.parametrize("at_once", [1, 3])
    def test_an_item_that_raises(self, task, tmp_path, at_once):
        """It is broken, the others of its chunk are not, and nobody died."""
        task = replace(task, raises=(0,), at_once=at_once)
        entry = make_shard(task, task.load("cpu"), task.shards()[0], tmp_path)
        assert entry["broken"] == [["number 0", "RuntimeError: not 0"], ["number 1", "too odd"]]
        assert read_shard(tmp_path / entry["name"]) == [row for row in task.rows() if row["number"] < 4]

    def test_what_cannot_be_written_is_no_death_of_the_last_item(self, task, tmp_path):
        def work(numbers):
            return [{"number": "three"} for _ in numbers]

        for _ in range(4):
            with pytest.raises(ValueError, match="rows: expected"):
                make_shard(task, work, task.shards()[0], tmp_path)
        entry = make_shard(task, task.load("cpu"), task.shards()[0], tmp_path)
        assert entry["broken"] == [["number 1", "too odd"]]

    def test_a_stop_is_no_death(self, task, tmp_path):
        def work(numbers):
            raise KeyboardInterrupt

        for _ in range(4):
            with pytest.raises(KeyboardInterrupt):
                make_shard(task, work, task.shards()[0], tmp_path)
        assert make_shard(task, task.load("cpu"), task.shards()[0], tmp_path)["broken"] == [["number 1", "too odd"]]


class TestReasonOf:
    def test_in_one_line(self):
        assert reason_of(ValueError("IMAGE: expected\na picture")) == "IMAGE: expected a picture"
        assert reason_of(ValueError()) == "ValueError: "
        assert reason_of(MemoryError("no room")) == "MemoryError: no room"


class TestShardWorker:
    def test_one_shard_a_call(self, task, tmp_path):
        worker = ShardWorker(task, str(tmp_path), "cpu")
        text = json.dumps({"number": 1, "first": 4, "count": 3, "where": {"say": "here"}})
        entry = json.loads(worker({"shard": [text]})["entry"][0])
        assert (entry["name"], entry["rows"]) == ("part-000001.parquet", 2)
        assert read_shard(tmp_path / "part-000001.parquet") == [row for row in task.rows() if row["number"] >= 4]


class TestShard:
    def test_names_sort_like_numbers(self):
        names = [Shard(number, 0, 1, None).name for number in (0, 9, 10, 99_999)]
        assert sorted(names) == names
