"""Jobs in one process: what every other way of doing them must equal."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_jobs import Squares

from gk_utils.scale.jobs import in_this_process, items_in_a_shard, read_manifest, run_job


@pytest.fixture
def task(tmp_path):
    return Squares(23, 4, str(tmp_path / "log"), broken=(3, 8), empty=(5,))


def stop_after(count: int):
    """A spread whose driver is stopped after so many shards."""

    def spread(task, shards, out):
        for number, entry in enumerate(in_this_process(task, shards, out)):
            if number == count:
                raise KeyboardInterrupt
            yield entry

    return spread


def without_times(manifest) -> list[dict]:
    return [
        {key: entry[key] for key in entry if key not in ("worker", "began", "seconds")} for entry in manifest.entries
    ]


class TestRunJob:
    def test_rows_and_counts(self, task, tmp_path):
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert list(manifest.rows()) == task.rows()
        assert [manifest.total(key) for key in ("items", "rows", "empty")] == [23, 20, 1]
        assert manifest.broken == (("number 3", "too odd"), ("number 8", "too odd"))
        assert manifest.settings == {**task.settings(), "columns": task.columns}
        names = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert names == ["manifest.json", *(f"part-00000{number}.parquet" for number in range(6))]

    @pytest.mark.parametrize("stops", [[0], [1, 2], [3, 0, 1]])
    def test_stopped_and_resumed(self, task, tmp_path, stops):
        task = replace(task, broken=())
        whole = run_job(task, tmp_path / "whole", in_this_process)
        again = replace(task, log=str(tmp_path / "again"))
        for count in stops:
            with pytest.raises(KeyboardInterrupt):
                run_job(again, tmp_path / "out", stop_after(count))
            assert not (tmp_path / "out" / "manifest.json").exists()
        manifest = run_job(again, tmp_path / "out", in_this_process)
        assert without_times(manifest) == without_times(whole)
        assert list(manifest.rows()) == task.rows()
        # Twice at most is done the shard that was made but whose entry did not arrive.
        assert len(again.seen()) <= 23 + 4 * len(stops)

    def test_broken_items_are_tried_again_with_their_shards(self, task, tmp_path):
        run_job(task, tmp_path / "out", in_this_process)
        mended = replace(task, broken=(8,), log=str(tmp_path / "mended"))
        manifest = run_job(mended, tmp_path / "out", in_this_process)
        assert mended.seen() == [0, 1, 2, 3, 8, 9, 10, 11]
        assert (manifest.broken, list(manifest.rows())) == ((("number 8", "too odd"),), mended.rows())

    def test_a_finished_job_has_nothing_to_do(self, task, tmp_path):
        task = replace(task, broken=())
        run_job(task, tmp_path / "out", in_this_process)
        before, seen = (tmp_path / "out" / "manifest.json").read_bytes(), task.seen()
        run_job(task, tmp_path / "out", in_this_process)
        assert (task.seen(), (tmp_path / "out" / "manifest.json").read_bytes()) == (seen, before)

    @pytest.mark.parametrize("damage", ["gone", "cut", "other"])
    def test_a_damaged_shard_is_made_again(self, task, tmp_path, damage):
        task = replace(task, broken=())
        manifest = run_job(task, tmp_path / "out", in_this_process)
        path = tmp_path / "out" / "part-000002.parquet"
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(content[:50] if damage == "cut" else (tmp_path / "out/part-000001.parquet").read_bytes())
        with pytest.raises((ValueError, FileNotFoundError), match="part-000002"):
            list(manifest.rows())
        fresh = replace(task, log=str(tmp_path / "fresh"))
        assert list(run_job(fresh, tmp_path / "out", in_this_process).rows()) == task.rows()
        assert fresh.seen() == [8, 9, 10, 11]
        assert path.read_bytes() == content

    def test_leftovers_of_killed_workers_go(self, task, tmp_path):
        (tmp_path / "out").mkdir()
        for name in (".part-000001.parquet.77.part", ".part-000001.parquet.trying"):
            (tmp_path / "out" / name).write_text("")
        (tmp_path / "out" / "notes.txt").write_text("mine")
        run_job(task, tmp_path / "out", in_this_process)
        names = {path.name for path in (tmp_path / "out").iterdir()}
        assert {"notes.txt", "manifest.json"} < names
        assert not [name for name in names if name.startswith(".")]

    def test_another_job(self, task, tmp_path):
        run_job(task, tmp_path / "out", in_this_process)
        before = (tmp_path / "out" / "manifest.json").read_bytes()
        with pytest.raises(ValueError, match=r"manifest.json: expected the results of .*'count': 24"):
            run_job(replace(task, count=24), tmp_path / "out", in_this_process)
        assert (tmp_path / "out" / "manifest.json").read_bytes() == before

    def test_in_any_order(self, task, tmp_path):
        def backwards(task, shards, out):
            yield from in_this_process(task, shards[::-1], out)

        one, other = (run_job(task, tmp_path / how.__name__, how) for how in (in_this_process, backwards))
        assert without_times(one) == without_times(other)

    def test_progress(self, task, tmp_path):
        task = replace(task, broken=())
        told = []

        def progress(entries, items, done):
            told.append((items, done))
            for entry in entries:
                told.append(entry["items"])
                yield entry

        with pytest.raises(KeyboardInterrupt):
            run_job(task, tmp_path / "out", stop_after(2), progress)
        run_job(task, tmp_path / "out", in_this_process, progress)
        assert told == [(23, 0), 4, 4, (23, 8), 4, 4, 4, 3]


class TestReadManifest:
    def test_read_back(self, task, tmp_path):
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert read_manifest(tmp_path / "out") == manifest
        assert json.loads((tmp_path / "out" / "manifest.json").read_text())["count"] == 23

    def test_none(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="folder: expected a finished job"):
            read_manifest(tmp_path)


class TestItemsInAShard:
    @given(st.integers(1, 10**9))
    def test_neither_too_few_nor_too_many(self, items):
        each = items_in_a_shard(items)
        assert 16 <= each <= 4096
        assert -(-items // each) <= 256 or each == 4096
