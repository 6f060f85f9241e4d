import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.carpk import Carpk, CarpkImage, read_carpk, write_carpk

TRAIN, TEST = "20160331_NTU_00001\n20160331_NTU_00010\n", "20160331_NTU_00003\n"
FILES = {
    "20160331_NTU_00001": "1047 0 1141 49 1\n760 1 864 30 1\n",
    "20160331_NTU_00010": "",
    "20160331_NTU_00003": "10 20 10 25 1\n",
    "spare": "1 2 3 4 1\n",
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, files: dict = FILES, train: str = TRAIN, test: str = TEST) -> Path:
    for part in ("ImageSets", "Annotations"):
        (folder / part).mkdir(exist_ok=True)
    for path in (folder / "Annotations").iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / "Annotations" / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "ImageSets" / "train.txt").write_text(train, encoding="utf-8")
    (folder / "ImageSets" / "test.txt").write_text(test, encoding="utf-8")
    return folder


class TestReadCarpk:
    def test_by_hand(self, tmp_path):
        file = read_carpk(saved(tmp_path), image_hw=(720, 1280))
        assert [image.name for image in file.images] == [*TRAIN.split(), *TEST.split(), "spare"]
        assert [image.split for image in file.images] == ["train", "train", "test", None]
        assert [image.count for image in file.images] == [2, 0, 1, 1]
        assert file.images[0].boxes.tolist() == [[1047, 0, 1141, 49], [760, 1, 864, 30]]
        assert file.images[1].boxes.shape == (0, 4)
        assert [image.name for image in file.of("test")] == TEST.split()

    def test_equals_the_usual_loop(self, tmp_path):
        """As loaders of the set do it: a line split at blanks, four numbers taken."""
        lines = FILES["20160331_NTU_00001"].splitlines()
        wanted = [[float(number) for number in line.split()[:4]] for line in lines]
        assert read_carpk(saved(tmp_path)).images[0].boxes.tolist() == wanted

    def test_windows_lines_blank_ones_and_a_byte_order_mark(self, tmp_path):
        files = FILES | {"spare": "\ufeff1 2 3 4 1\r\n\r\n  5\t6 7 8 1  \r\n"}
        file = read_carpk(saved(tmp_path, files, train="\ufeff" + TRAIN.replace("\n", "\r\n") + "\n"))
        assert file.images[-1].boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
        assert len(file.of("train")) == 2

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("1 2 3 4 1\n1 2 3 4\n", "line 2: expected 'x1 y1 x2 y2 label'"),
            ("1 2 3 4 1 1\n", "line 1: expected 'x1 y1 x2 y2 label'"),
            ("\n1 2 3 4.5 1\n", "line 2: expected 'x1 y1 x2 y2 label', whole numbers"),
            ("-1 2 3 4 1\n", "line 1: expected 'x1 y1 x2 y2 label', whole numbers from 0"),
            ("1 2 3 nan 1\n", "line 1: expected"),
            ("1 2 3 100000 1\n", "line 1: expected"),
            ("1 2 3 \u0664 1\n", "line 1: expected"),
            ("1,2,3,4,1\n", "line 1: expected"),
            ("1 2 3 4 0\n", "line 1: expected the label 1, got '0'"),
            ("5 2 3 4 1\n", "line 1: expected x1 <= x2 and y1 <= y2, got '5 2 3 4 1'"),
            ("1 9 3 4 1\n", "line 1: expected x1 <= x2 and y1 <= y2"),
            ("1 2 3 721 1\n", "line 1: expected a box in its picture, 1280 wide and 720 high"),
            ("1 2 1281 4 1\n", "line 1: expected a box in its picture"),
        ],
    )
    def test_error_text_of_a_line(self, tmp_path, text, complaint):
        with pytest.raises(ValueError, match=rf"^spare\.txt: {complaint}.*nothing was loaded"):
            read_carpk(saved(tmp_path, FILES | {"spare": text}), image_hw=(720, 1280))

    @pytest.mark.parametrize(
        ("lists", "complaint"),
        [
            ({"train": TRAIN + "gone\n"}, r"train\.txt: line 3: expected a picture with annotations, got 'gone'"),
            ({"train": "../spare\n"}, r"train\.txt: line 1: expected a picture with annotations"),
            ({"train": TRAIN * 2}, r"train\.txt: line 3: expected every picture once, in one list"),
            ({"test": "\n20160331_NTU_00001\n"}, r"test\.txt: line 2: expected every picture once, in one list"),
        ],
    )
    def test_error_text_of_a_list(self, tmp_path, lists, complaint):
        with pytest.raises(ValueError, match=rf"^{complaint}"):
            read_carpk(saved(tmp_path, **lists))

    def test_bytes_that_are_no_text(self, tmp_path):
        (saved(tmp_path) / "Annotations" / "spare.txt").write_bytes(b"1 2 3 4 \xff\n")
        with pytest.raises(ValueError, match=r"^spare\.txt: expected UTF-8 text"):
            read_carpk(tmp_path)

    def test_a_missing_list(self, tmp_path):
        (saved(tmp_path) / "ImageSets" / "test.txt").unlink()
        with pytest.raises(FileNotFoundError, match=r"test\.txt"):
            read_carpk(tmp_path)

    def test_a_size_that_is_none(self, tmp_path, unhooked):
        with pytest.raises(ValueError, match="^image_hw: expected"):
            read_carpk(saved(tmp_path), image_hw=(0, 5))

    @given(text=st.text(alphabet="0123456789 -.1\n\tx", max_size=40))
    @settings(max_examples=150, deadline=None)
    def test_any_text_is_refused_or_sound(self, scratch, text):
        try:
            image = read_carpk(saved(scratch, {"a": text}, "a\n", "")).images[0]
        except ValueError as problem:
            assert str(problem).startswith("a.txt: line")  # noqa: PT017, both outcomes are looked at
            return
        assert image.count == sum(1 for line in text.split("\n") if line.split())
        assert (image.boxes[:, 2:] >= image.boxes[:, :2]).all()


class TestWriteCarpk:
    @given(
        rows=st.lists(
            st.lists(st.tuples(*[st.integers(0, 900)] * 4), max_size=4),
            max_size=4,
        ),
        data=st.data(),
    )
    @settings(max_examples=60, deadline=None)
    def test_round_trip(self, scratch, rows, data):
        images = []
        for number, boxes in enumerate(rows):
            corners = [[x, y, x + w, y + h] for x, y, w, h in boxes]
            split = data.draw(st.sampled_from(["train", "test", None]))
            images.append(CarpkImage(f"lot_{number}", torch.tensor(corners).reshape(-1, 4).double(), split))
        saved(scratch, {}, "", "")
        write_carpk(Carpk(tuple(images)), scratch)
        back = read_carpk(scratch)
        assert back == Carpk(tuple(sorted(images, key=lambda image: ("train", "test", None).index(image.split))))
        assert sum(image.count for image in back.images) == sum(len(boxes) for boxes in rows)

    def test_files_as_they_were(self, tmp_path):
        (tmp_path / "again").mkdir()
        write_carpk(read_carpk(saved(tmp_path)), tmp_path / "again")
        for name, text in FILES.items():
            assert (tmp_path / "again" / "Annotations" / f"{name}.txt").read_text() == text
        assert (tmp_path / "again" / "ImageSets" / "train.txt").read_text() == TRAIN

    def test_two_files_differ_when_a_box_does(self):
        one, other = (Carpk((CarpkImage("a", torch.tensor([[1.0, 2, 3, x2]])),)) for x2 in (4, 5))
        assert one != other
        assert one != "a"

    @pytest.mark.parametrize(
        ("image", "complaint"),
        [
            (CarpkImage("a", torch.tensor([[1.0, 2, 3.5, 4]])), r"a\.txt: boxes: expected whole numbers"),
            (CarpkImage("a", torch.tensor([[1.0, 2, torch.nan, 4]])), r"a\.txt: boxes: expected whole numbers"),
            (CarpkImage("a", torch.tensor([[5.0, 2, 3, 4]])), r"a\.txt: line 1: expected x1 <= x2"),
            (CarpkImage("a", torch.tensor([[-5.0, 2, 3, 4]])), r"a\.txt: line 1: expected 'x1 y1 x2 y2 label'"),
            (CarpkImage("a/b", torch.zeros(0, 4)), "name: expected letters"),
            (CarpkImage("", torch.zeros(0, 4), "train"), "name: expected letters"),
            (CarpkImage("a\nb", torch.zeros(0, 4), "train"), r"train\.txt: line 1: expected a picture"),
            (CarpkImage("a", torch.zeros(0, 4), "val"), r"a\.txt: split: expected one of train, test"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, unhooked, image, complaint):
        with pytest.raises(ValueError, match=rf"^{complaint}"):
            write_carpk(Carpk((image,)), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_name_used_twice(self, tmp_path):
        image = CarpkImage("a", torch.zeros(0, 4))
        with pytest.raises(ValueError, match=r"^images: expected every picture once, got \['a'\]"):
            write_carpk(Carpk((image, image)), tmp_path)

    def test_a_failed_write_leaves_the_old_files(self, tmp_path, monkeypatch):
        file = read_carpk(saved(tmp_path))
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.txt")}

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_carpk(file, tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
