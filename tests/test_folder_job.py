"""A folder over many workers, held against the same folder in one process."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gk_utils import ground
from gk_utils.checkpoints import SHIPPED
from gk_utils.ground import ground_pictures, read_picture
from gk_utils.grounded_sam.folder import find_pictures
from gk_utils.scale import jobs
from gk_utils.scale.folder_job import folder_task, read_folder, result_of, row_of
from gk_utils.scale.jobs import in_this_process, run_job

CHECKPOINT = str(SHIPPED / "trunk_small")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eighteen small pictures, two of them broken."""
    root, rng = tmp_path_factory.mktemp("folder"), np.random.default_rng(0)
    for number in range(18):
        Image.fromarray(rng.integers(256, size=(24, 32, 3), dtype=np.uint8)).save(root / f"{number:02d}.png")
    (root / "03.png").write_bytes(b"")
    (root / "17.png").write_bytes((root / "16.png").read_bytes()[:60])
    return root


@pytest.fixture(scope="module")
def task(folder):
    return folder_task(folder, ["mug", "the red plate"], CHECKPOINT)


class TestJob:
    def test_equals_one_process(self, folder, task, tmp_path, monkeypatch):
        monkeypatch.setattr(jobs, "FEWEST", 8)
        single = ground_pictures(
            str(folder), "mug; the red plate", str(tmp_path / "single.json"), checkpoint=CHECKPOINT
        )
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert len(manifest.entries) == 3
        result = read_folder(manifest)
        assert [one.as_json() for one in result.results] == [one.as_json() for one in single.results]
        assert [name for name, _ in result.broken] == [name for name, _ in single.broken] == ["03.png", "17.png"]

    def test_a_name_that_is_no_utf8_and_a_picture_that_cannot_be_decoded(self, folder, task, tmp_path, monkeypatch):
        def read(path):
            if path.name == "01.png":
                raise RuntimeError("decoder")
            return read_picture(path)

        monkeypatch.setattr(ground, "read_picture", read)
        task = replace(task, names=("00.png", "\udcff.png", "01.png"))
        manifest = run_job(task, tmp_path / "out", in_this_process)
        assert [row["name"] for row in manifest.rows()] == ["00.png"]
        reasons = ["name: expected UTF-8, got other bytes. Rename the file.", "RuntimeError: decoder"]
        assert manifest.broken == tuple(zip(("\udcff.png", "01.png"), reasons, strict=True))

    def test_settings(self, folder, task):
        assert task.settings()["folder"] == str(folder.resolve())
        assert task.settings()["pictures"] == 18
        assert len(task.settings()["weights"]) == 2
        assert list(task.names) == find_pictures(folder)
        assert [item for shard in task.shards() for item in task.items(shard)] == list(task.names)

    def test_errors(self, folder, tmp_path):
        with pytest.raises(ValueError, match="phrases: expected a list"):
            folder_task(folder, "mug")
        with pytest.raises(ValueError, match="FOLDER: expected pictures"):
            folder_task(tmp_path, ["mug"])


class TestRowOf:
    def test_there_and_back(self):
        from some_pipeline import a_result

        for result in (a_result(), a_result(boxes=(), phrases=())):
            assert result_of(row_of(result)).as_json() == result.as_json()
