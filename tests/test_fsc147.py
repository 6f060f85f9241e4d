import copy
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.fsc147 import ANNOTATIONS, CLASSES, LISTS, Fsc147, FscImage, read_fsc147, write_fsc147

# The keys of the release. The sizes are those of 1050.jpg: 1300 x 1065 before, 469 x 384 after resizing.
ENTRIES = {
    "1050.jpg": {
        "H": 1065,
        "W": 1300,
        "box_examples_coordinates": [
            [[143, 266], [143, 317], [190, 317], [190, 266]],
            [[10.5, 20], [40, 20], [40, 50.25], [10.5, 50.25]],
        ],
        "box_examples_path": ["/somewhere/1050_0.jpg", "/somewhere/1050_1.jpg"],
        "density_path": "/somewhere/1050.npy",
        "density_path_fixed": "/somewhere/fixed/1050.npy",
        "img_path": "/somewhere/1050.jpg",
        "points": [[166.5, 290], [25, 35], [468, 383]],
        "r": [30, 30],
        "ratio_h": 384 / 1065,
        "ratio_w": 469 / 1300,
    },
    "2.jpg": {"H": 384, "W": 500, "box_examples_coordinates": [], "points": [], "ratio_h": 1, "ratio_w": 1.0},
    "3.jpg": {"H": 10, "W": 20, "box_examples_coordinates": [], "points": [[0, 0]], "ratio_h": 2, "ratio_w": 2},
}
CLASS_LINES = "1050.jpg\tsheep\n2.jpg\tsea shells\n"
LISTED = {"test": ["1050.jpg"], "test_coco": ["1050.jpg"], "train": [], "val": ["2.jpg"], "val_coco": []}

NUMBERS = [True, 0, -1, 1, 2.5, 384, 1e308, float("nan"), float("inf"), 10**30]
JUNK = [None, *NUMBERS, "", "x", "2.jpg", {}, [], [[]], [1, 2], [[1, 2]], [[1, 2], [1, 9], [9, 9], [9, 2]]]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, entries: object = ENTRIES, classes: str = CLASS_LINES, lists: object = LISTED) -> Path:
    (folder / ANNOTATIONS).write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
    (folder / CLASSES).write_text(classes, encoding="utf-8")
    (folder / LISTS).write_text(lists if isinstance(lists, str) else json.dumps(lists), encoding="utf-8")
    return folder


def changed(name: str, **fields: object) -> dict:
    entries = copy.deepcopy(ENTRIES)
    entries[name] |= fields
    return entries


class TestReadFsc147:
    def test_by_hand(self, tmp_path):
        sheep, shells, third = read_fsc147(saved(tmp_path)).images
        assert (sheep.name, sheep.original_hw, sheep.image_hw) == ("1050.jpg", (1065, 1300), (384, 469))
        assert (sheep.category, sheep.split, sheep.lists) == ("sheep", "test", ("test", "test_coco"))
        assert sheep.points_xy.tolist() == [[166.5, 290], [25, 35], [468, 383]]
        assert sheep.boxes.tolist() == [[143, 266, 190, 317], [10.5, 20, 40, 50.25]]
        assert sheep.count == 3
        assert set(sheep.extra) == {"box_examples_path", "density_path", "density_path_fixed", "img_path", "r"}
        assert (shells.category, shells.split, shells.count) == ("sea shells", "val", 0)
        assert (shells.points_xy.shape, shells.boxes.shape) == ((0, 2), (0, 4))
        assert (third.category, third.split, third.lists, third.image_hw) == (None, None, (), (20, 40))

    def test_equals_the_authors_loop(self, tmp_path):
        """As train.py takes a box: its first and its third corner."""
        image = read_fsc147(saved(tmp_path)).images[0]
        boxes = [[c[0][0], c[0][1], c[2][0], c[2][1]] for c in ENTRIES["1050.jpg"]["box_examples_coordinates"]]
        assert image.boxes.tolist() == boxes

    def test_lines_as_windows_ends_them_and_a_blank_one(self, tmp_path):
        file = read_fsc147(saved(tmp_path, classes="\n1050.jpg\tsheep\r\n\r\n2.jpg\tsea shells\r\n"))
        assert [image.category for image in file.images] == ["sheep", "sea shells", None]

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"H": 0}, "width, height: expected whole numbers"),
            ({"W": 1300.0}, "width, height: expected whole numbers"),
            ({"H": None}, "width, height: expected whole numbers"),
            ({"ratio_h": None}, "ratio_h, ratio_w: expected numbers that make a size"),
            ({"ratio_w": "1"}, "ratio_h, ratio_w: expected numbers"),
            ({"ratio_w": 0}, "ratio_h, ratio_w: expected numbers"),
            ({"ratio_w": -1}, "ratio_h, ratio_w: expected numbers"),
            ({"ratio_w": 1e11}, "ratio_h, ratio_w: expected numbers"),
            ({"ratio_w": True}, "ratio_h, ratio_w: expected numbers"),
            ({"points": None}, "points, box_examples_coordinates: expected lists"),
            ({"box_examples_coordinates": {}}, "points, box_examples_coordinates: expected lists"),
            ({"points": [[1, 2], [3]]}, r"points\[1\]: expected two numbers \[x, y\], got \[3\]"),
            ({"points": [1]}, r"points\[0\]: expected two numbers"),
            ({"points": [["1", 2]]}, r"points\[0\]: expected two numbers"),
            ({"points": [[1, None]]}, r"points\[0\]: expected two numbers"),
            ({"points": [[471, 2]]}, r"points\[0\]: expected a point in its picture, 469 wide and 384 high"),
            ({"points": [[1, 386]]}, r"points\[0\]: expected a point in its picture"),
            ({"points": [[-1.5, 2]]}, r"points\[0\]: expected a point in its picture"),
            ({"box_examples_coordinates": [[[1, 2], [1, 9], [9, 9]]]}, r"coordinates\[0\]: expected four corners"),
            ({"box_examples_coordinates": [[1, 2, 9, 9]]}, r"coordinates\[0\]: expected two numbers"),
            ({"box_examples_coordinates": ["1234"]}, r"coordinates\[0\]: expected four corners"),
            (
                {"box_examples_coordinates": [[[9, 9], [9, 2], [1, 2], [1, 9]]]},
                r"coordinates\[0\]: expected the upper left corner first, the lower right third",
            ),
            (
                {"box_examples_coordinates": [[[1, 2], [9, 9], [9, 9], [9, 2]]]},
                r"coordinates\[0\]: expected the corners of an upright rectangle",
            ),
            (
                {"box_examples_coordinates": [[[1, 2], [1, 9], [600, 9], [600, 2]]]},
                r"coordinates\[0\]: expected a point in its picture",
            ),
        ],
    )
    def test_error_text_of_an_entry(self, tmp_path, fields, complaint):
        with pytest.raises(ValueError, match=rf"^annotation_FSC147_384\.json: '1050\.jpg': .*{complaint}"):
            read_fsc147(saved(tmp_path, changed("1050.jpg", **fields)))

    @pytest.mark.parametrize(
        ("entries", "complaint"),
        [
            ([], r"expected an object with an entry per picture, got \[\]"),
            ({"1050.jpg": []}, r"'1050\.jpg': expected an object"),
            ({"a\nb": ENTRIES["2.jpg"]}, "expected a file name on one line"),
            (json.dumps(ENTRIES)[:-1], "expected one JSON document"),
            (json.dumps(ENTRIES).replace("3.jpg", "2.jpg"), "expected every key once, got '2.jpg' twice"),
            (json.dumps(ENTRIES).replace("166.5", "NaN"), "expected a finite number, got NaN"),
            (json.dumps(ENTRIES).replace("[30, 30]", "1e999"), "expected a finite number, got 1e999"),
        ],
    )
    def test_error_text_of_the_annotations(self, tmp_path, entries, complaint):
        with pytest.raises(ValueError, match=rf"^annotation_FSC147_384\.json: .*{complaint}"):
            read_fsc147(saved(tmp_path, entries))

    @pytest.mark.parametrize(
        ("classes", "complaint"),
        [
            ("2.jpg\tsea shells\n2.jpg\tshells\n", "line 2: expected every picture once"),
            ("\n4.jpg\tsea shells\n", r"line 2: expected a picture of the annotation file before the tab, got '4\.jpg"),
            ("2.jpg sea shells\n", "line 1: expected a picture"),
            ("2.jpg\t\n", "line 1: expected a class after the tab"),
            ("2.jpg", "line 1: expected a class after the tab"),
            ("2.jpg\tsea\tshells\n", "line 1: expected a class after the tab"),
        ],
    )
    def test_error_text_of_the_classes(self, tmp_path, classes, complaint):
        with pytest.raises(ValueError, match=rf"^ImageClasses_FSC147\.txt: {complaint}"):
            read_fsc147(saved(tmp_path, classes=classes))

    @pytest.mark.parametrize(
        ("lists", "complaint"),
        [
            ([], "expected lists train, val and test"),
            ({"train": [], "val": []}, "expected lists train, val and test"),
            (LISTED | {"val": "2.jpg"}, "expected lists train, val and test"),
            (LISTED | {"train": ["4.jpg"]}, r"train\[0\]: expected a picture of the annotation file, got '4\.jpg'"),
            (LISTED | {"train": [["2.jpg"]]}, r"train\[0\]: expected a picture of the annotation file"),
            (LISTED | {"val": ["2.jpg", "2.jpg"]}, r"val\[1\]: expected every picture once in a list"),
            (LISTED | {"train": ["1050.jpg"]}, r"train\[0\]: expected it in one of train, val, test"),
            ('{"train": [], "val": [], "test": [', "expected one JSON document"),
        ],
    )
    def test_error_text_of_the_lists(self, tmp_path, lists, complaint):
        with pytest.raises(ValueError, match=rf"^Train_Test_Val_FSC_147\.json: {complaint}"):
            read_fsc147(saved(tmp_path, lists=lists))

    def test_bytes_that_are_no_text(self, tmp_path):
        (saved(tmp_path) / CLASSES).write_bytes(b"2.jpg\t\xff\n")
        with pytest.raises(ValueError, match=r"^ImageClasses_FSC147\.txt: expected UTF-8 text"):
            read_fsc147(tmp_path)

    @given(data=st.data())
    @settings(max_examples=40, deadline=None)
    def test_a_cut_off_file_is_refused(self, scratch, data):
        name = data.draw(st.sampled_from([ANNOTATIONS, LISTS]))
        text = (saved(scratch) / name).read_text()
        (scratch / name).write_text(text[: data.draw(st.integers(0, len(text) - 1))])
        with pytest.raises(ValueError, match=f"^{name}: expected one JSON document"):
            read_fsc147(scratch)

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_a_changed_file_is_refused_or_sound(self, scratch, data):
        documents = {"entries": copy.deepcopy(ENTRIES), "lists": copy.deepcopy(LISTED)}
        for _ in range(data.draw(st.integers(1, 3))):
            parent, key = documents, data.draw(st.sampled_from(sorted(documents)))
            while isinstance(parent[key], dict | list) and parent[key] and data.draw(st.integers(0, 5)):
                parent = parent[key]
                keys = sorted(parent) if isinstance(parent, dict) else range(len(parent))
                key = data.draw(st.sampled_from(keys))
            if parent is documents or data.draw(st.booleans()):
                parent[key] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
            elif isinstance(parent, list) and data.draw(st.booleans()):
                parent.append(copy.deepcopy(parent[key]))
            else:
                del parent[key]
        classes = data.draw(st.sampled_from([CLASS_LINES, "", "x", "2.jpg\t\u00fcber\n", CLASS_LINES * 2]))
        try:
            file = read_fsc147(saved(scratch, classes=classes, **documents))
        except ValueError as problem:
            assert str(problem).startswith((ANNOTATIONS, CLASSES, LISTS))  # noqa: PT017, both outcomes are looked at
            return
        assert [image.name for image in file.images] == list(documents["entries"])
        for image in file.images:
            height, width = image.image_hw
            assert image.count == len(documents["entries"][image.name]["points"])
            for corners in (image.points_xy, image.boxes[:, :2], image.boxes[:, 2:]):
                assert ((corners >= -1) & (corners <= torch.tensor([width + 1, height + 1]))).all()
            assert (image.boxes[:, 2:] >= image.boxes[:, :2]).all()
        write_fsc147(file, scratch)
        assert read_fsc147(scratch) == file


class TestWriteFsc147:
    def test_round_trip(self, tmp_path):
        file = read_fsc147(saved(tmp_path))
        again = tmp_path / "again"
        again.mkdir()
        write_fsc147(file, again)
        assert read_fsc147(again) == file
        assert sorted(path.name for path in again.iterdir()) == sorted([ANNOTATIONS, CLASSES, LISTS])
        assert (again / CLASSES).read_text() == CLASS_LINES
        kept = {"train": [], "val": ["2.jpg"], "test": ["1050.jpg"], "test_coco": ["1050.jpg"]}
        assert json.loads((again / LISTS).read_text()) == kept
        entry = json.loads((again / ANNOTATIONS).read_text())["1050.jpg"]
        assert entry.pop("box_examples_coordinates")[1] == [[10.5, 20], [10.5, 50.25], [40, 50.25], [40, 20]]
        assert entry == {key: ENTRIES["1050.jpg"][key] for key in ENTRIES["1050.jpg"] if key in entry}
        assert len(entry) == len(ENTRIES["1050.jpg"]) - 1

    @given(points=st.lists(st.tuples(st.floats(0, 60), st.floats(0, 40)), max_size=6))
    @settings(max_examples=50, deadline=None)
    def test_every_digit_is_kept(self, scratch, points):
        points_xy = torch.tensor(points, dtype=torch.float64).reshape(-1, 2)
        file = Fsc147((FscImage("1.png", (40, 60), points_xy, torch.zeros(0, 4), "mugs", ("train",)),))
        write_fsc147(file, scratch)
        back = read_fsc147(scratch)
        assert back == file
        assert torch.equal(back.images[0].points_xy, points_xy)

    def test_two_files_differ_when_a_point_does(self, tmp_path):
        file = read_fsc147(saved(tmp_path))
        image = replace(file.images[0], points_xy=file.images[0].points_xy - 1e-3)
        assert Fsc147((image, *file.images[1:])) != file
        assert file != ENTRIES

    @pytest.mark.parametrize(
        ("fields", "place", "complaint"),
        [
            (
                {"points_xy": torch.tensor([[70.0, 2.0]])},
                f"{ANNOTATIONS}: 'a.png'",
                r"points\[0\]: expected a point in",
            ),
            ({"points_xy": torch.tensor([[torch.nan, 2.0]])}, ANNOTATIONS, "finite number"),
            ({"boxes": torch.tensor([[9.0, 9.0, 2.0, 2.0]])}, f"{ANNOTATIONS}: 'a.png'", "upper left corner first"),
            ({"category": " mugs"}, f"{CLASSES}: line 1", "expected a class"),
            ({"category": "mugs\nb.png\tcups"}, f"{CLASSES}: line 2", "expected a picture"),
            ({"lists": ("val", "test")}, LISTS, "expected it in one of train, val, test"),
            ({"name": "a\tb"}, ANNOTATIONS, "expected a file name"),
            ({"extra": {"r": float("inf")}}, ANNOTATIONS, "finite number"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, fields, place, complaint):
        image = FscImage("a.png", (40, 60), torch.zeros(1, 2), torch.zeros(0, 4), "mugs")
        with pytest.raises(ValueError, match=rf"^{place}.*{complaint}"):
            write_fsc147(Fsc147((replace(image, **fields),)), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_name_used_twice(self, tmp_path):
        image = FscImage("a.png", (40, 60), torch.zeros(1, 2), torch.zeros(0, 4))
        with pytest.raises(ValueError, match=rf"^{ANNOTATIONS}: expected every picture once"):
            write_fsc147(Fsc147((image, image)), tmp_path)

    def test_a_failed_write_leaves_the_old_files(self, tmp_path, monkeypatch):
        before = {path.name: path.read_bytes() for path in saved(tmp_path).iterdir()}

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_fsc147(read_fsc147(tmp_path), tmp_path)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
