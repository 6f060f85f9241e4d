import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from some_pipeline import CountingDetector, CountingSegmenter

from gk_utils.formats.coco import read_coco
from gk_utils.grounded_sam.folder import find_pictures, ground_folder, read_result, write_folder_coco
from gk_utils.grounded_sam.pipeline import GroundedSam

# A pipeline that takes 50 ms a picture, for a process that is to be killed.
SLOW = """
import sys, time
from test_folder import pipeline, read
from gk_utils.grounded_sam.folder import ground_folder
slow = pipeline()
detect = slow.detector.detect
slow.detector.detect = lambda *arguments: (time.sleep(0.05), detect(*arguments))[1]
ground_folder(sys.argv[1], ["mug"], sys.argv[2], slow, read)
"""


def pipeline() -> GroundedSam:
    return GroundedSam(CountingDetector(), CountingSegmenter(), batch=2)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture.convert("RGB"))


@pytest.fixture
def folder(tmp_path):
    """Seven pictures, each of another shade, one of them in a subfolder."""
    root = tmp_path / "photos"
    (root / "more").mkdir(parents=True)
    for number in range(7):
        place = root / ("more" if number == 6 else "") / f"{number}.png"
        Image.new("RGB", (40, 10), (30 * number, 0, 0)).save(place)
    return root


class TestFindPictures:
    def test_by_their_endings(self, folder):
        (folder / "notes.txt").write_text("x")
        (folder / ".hidden.png").write_text("x")
        (folder / "LOUD.JPG").write_text("x")
        assert find_pictures(folder) == ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "LOUD.JPG", "more/6.png"]

    def test_errors(self, tmp_path):
        with pytest.raises(ValueError, match="FOLDER: expected a folder"):
            find_pictures(tmp_path / "none")
        with pytest.raises(ValueError, match="FOLDER: expected pictures, got none"):
            find_pictures(tmp_path)


class TestGroundFolder:
    def test_everything_and_in_order(self, folder, tmp_path):
        result = ground_folder(folder, ["mug", "plate"], tmp_path / "out.json", pipeline(), read)
        assert [one.name for one in result.results] == find_pictures(folder)
        assert all(one.phrases == ("mug", "plate") for one in result.results)
        assert result.broken == ()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "photos"]

    def test_broken_pictures_are_listed_and_the_rest_is_right(self, folder, tmp_path):
        expected = ground_folder(folder, ["mug"], tmp_path / "whole.json", pipeline(), read)
        for name, content in {"2.png": b"", "4.png": (folder / "4.png").read_bytes()[:40], "8.png": b"hello"}.items():
            (folder / name).write_bytes(content)
        result = ground_folder(folder, ["mug"], tmp_path / "out.json", pipeline(), read)
        assert [name for name, _ in result.broken] == ["2.png", "4.png", "8.png"]
        assert all(reason for _, reason in result.broken)
        rest = {one.name: one.as_json() for one in result.results}
        assert rest == {one.name: one.as_json() for one in expected.results if one.name not in ("2.png", "4.png")}

    def test_all_of_them_broken(self, tmp_path):
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "a.png").write_text("x")
        result = ground_folder(tmp_path / "photos", ["mug"], tmp_path / "out.json", pipeline(), read)
        assert (result.results, len(result.broken)) == ((), 1)

    def test_stopped_and_resumed(self, folder, tmp_path):
        """An error after two batches; what was done is not done again, and the result is that of one run."""
        out, first = tmp_path / "out.json", pipeline()

        def stop(batches, done):
            for number, batch in enumerate(batches):
                if number == 2:
                    raise KeyboardInterrupt
                yield batch

        with pytest.raises(KeyboardInterrupt):
            ground_folder(folder, ["mug"], out, first, read, progress=stop)
        assert not out.exists()
        again = pipeline()
        result = ground_folder(folder, ["mug"], out, again, read)
        assert (first.detector.pictures, again.detector.pictures) == (4, 3)
        whole = ground_folder(folder, ["mug"], tmp_path / "whole.json", pipeline(), read)
        assert out.read_text() == (tmp_path / "whole.json").read_text()
        assert len(result.results) == len(whole.results) == 7

    def test_killed(self, folder, tmp_path):
        """A process that is killed in the middle, with SIGKILL, twice; then the job is finished here."""
        out, tests = tmp_path / "out.json", Path(__file__).parent
        journal, seen = tmp_path / "out.json.journal", 0
        environment = {**os.environ, "PYTHONPATH": str(tests)}
        command = [sys.executable, "-c", SLOW, str(folder), str(out)]
        process = subprocess.Popen(command, cwd=tests.parent, env=environment)
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not out.exists()
        seen = journal.read_bytes().count(b"\n") - 1
        assert 2 <= seen < 7
        rest = pipeline()
        result = ground_folder(folder, ["mug"], out, rest, read)
        assert rest.detector.pictures == 7 - seen
        assert [one.name for one in result.results] == find_pictures(folder)
        assert not journal.exists()

    def test_a_finished_job_has_nothing_to_do(self, folder, tmp_path):
        out = tmp_path / "out.json"
        ground_folder(folder, ["mug"], out, pipeline(), read)
        before, again = out.read_bytes(), pipeline()
        ground_folder(folder, ["mug"], out, again, read)
        assert (again.detector.pictures, out.read_bytes()) == (0, before)

    def test_a_changed_picture_is_done_again_and_a_lost_one_left_out(self, folder, tmp_path):
        out = tmp_path / "out.json"
        ground_folder(folder, ["mug"], out, pipeline(), read)
        Image.new("RGB", (50, 12), "blue").save(folder / "3.png")
        (folder / "0.png").unlink()
        again = pipeline()
        result = ground_folder(folder, ["mug"], out, again, read)
        assert again.detector.pictures == 1
        assert {one.name: one.image_hw for one in result.results}["3.png"] == (12, 50)
        assert [one.name for one in result.results] == find_pictures(folder)

    def test_another_job(self, folder, tmp_path):
        ground_folder(folder, ["mug"], tmp_path / "out.json", pipeline(), read, model="a")
        for change in ({"phrases": ["cat"], "model": "a"}, {"phrases": ["mug"], "model": "b"}):
            arguments = {"out": tmp_path / "out.json", "pipeline": pipeline(), "read": read, **change}
            with pytest.raises(ValueError, match=r"out.json: expected the results of"):
                ground_folder(folder, **arguments)


class TestReadResult:
    def test_a_damaged_entry(self, folder, tmp_path):
        out = tmp_path / "out.json"
        ground_folder(folder, ["mug"], out, pipeline(), read)
        out.write_text(out.read_text().replace('"scores": [0.25]', '"scores": [2.5]', 1))
        with pytest.raises(ValueError, match=r"out.json: 0.png: scores: expected numbers in \[0, 1\]"):
            read_result(out)


class TestWriteFolderCoco:
    def test_read_back(self, folder, tmp_path):
        result = ground_folder(folder, ["mug", "nothing"], tmp_path / "out.json", pipeline(), read)
        write_folder_coco(result, tmp_path / "coco.json")
        file = read_coco(tmp_path / "coco.json")
        assert [image.file_name for image in file.images] == find_pictures(folder)
        assert all(image.absent == ("nothing",) for image in file.images)
