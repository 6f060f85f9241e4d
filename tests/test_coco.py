import copy
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.coco import CocoFile, CocoImage, CocoObject, read_coco, write_coco
from gk_utils.formats.rle import decode_mask
from gk_utils.photos import LABELS

SMALL = {
    "info": {"description": "two pictures"},
    "licenses": [{"id": 1, "name": "CC0 1.0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"}],
    "categories": [{"id": 3, "name": "mug", "supercategory": "kitchen"}, {"id": 1, "name": "plate"}],
    "images": [
        {"id": 9, "file_name": "a.png", "height": 40, "width": 60, "license": 1, "absent": ["the cat"], "sha256": "ab"},
        {"id": 4, "file_name": "b.png", "height": 2, "width": 3},
    ],
    "annotations": [
        {"id": 17, "image_id": 9, "category_id": 3, "bbox": [10, 5.25, 20, 30.5], "area": 610, "phrases": ["the mug"]},
        {
            "id": 18,
            "image_id": 4,
            "category_id": 1,
            "bbox": [1, 0, 2, 2],
            "area": 3,
            "iscrowd": 1,
            "segmentation": {"size": [2, 3], "counts": [2, 3, 1]},
        },
        {
            "id": 2,
            "image_id": 9,
            "category_id": 1,
            "bbox": [0, 0, 60, 40],
            "area": 2400,
            "segmentation": [],
            "score": 0.5,
        },
    ],
}

NUMBERS = [True, 0, -1, 1, 2.5, 1e308, float("nan"), float("inf"), 10**30]
LISTS = [[], [1], [[]], [0, 0, 1, 1], [5, 5, -3, -3], [1e9, 0, 1, 1], [0, 0, 1, 0, 1]]
JUNK = [None, *NUMBERS, *LISTS, "", "x", "4", {}, {"id": 9}, {"size": [2, 3], "counts": "6"}]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, document: object, name: str = "labels.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def changed(*steps: object, to: object) -> dict:
    """SMALL with one value changed: changed("images", 0, "width", to=-1)."""
    document = copy.deepcopy(SMALL)
    *path, last = steps
    place = document
    for step in path:
        place = place[step]
    place[last] = to
    return document


class TestReadCoco:
    def test_by_hand(self, tmp_path):
        file = read_coco(saved(tmp_path, SMALL))
        first, second = file.images
        assert (first.id, first.file_name, first.image_hw, first.absent) == (9, "a.png", (40, 60), ("the cat",))
        assert first.extra == {"license": 1, "sha256": "ab"}
        assert first.boxes.tolist() == [[10, 5.25, 30, 35.75], [0, 0, 60, 40]]
        assert [item.category for item in first.objects] == ["mug", "plate"]
        assert first.objects[0].phrases == ("the mug",)
        assert first.objects[1].extra == {"score": 0.5}
        assert first.objects[1].segmentation is None
        assert second.objects == (CocoObject(18, "plate", 3.0, True, SMALL["annotations"][1]["segmentation"]),)
        assert file.info == SMALL["info"]
        assert file.categories[0]["supercategory"] == "kitchen"

    def test_an_image_without_annotations_has_no_boxes(self, tmp_path):
        file = read_coco(saved(tmp_path, {**SMALL, "annotations": []}))
        assert [image.boxes.shape for image in file.images] == [(0, 4), (0, 4)]

    def test_info_and_licenses_may_be_missing(self, tmp_path):
        document = {key: SMALL[key] for key in ("categories", "images", "annotations")}
        assert read_coco(saved(tmp_path, document)).licenses == ()

    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
    def test_equals_pycocotools(self, capsys):
        from pycocotools.coco import COCO

        theirs, ours = COCO(str(LABELS)), read_coco(LABELS)
        assert "Done" in capsys.readouterr().out
        assert theirs.getImgIds() == [image.id for image in ours.images]
        masks = 0
        for image in ours.images:
            annotations = theirs.loadAnns(theirs.getAnnIds(imgIds=image.id))
            assert [entry["id"] for entry in annotations] == [item.id for item in image.objects]
            for entry, box, item in zip(annotations, image.boxes, image.objects, strict=True):
                x, y, w, h = entry["bbox"]
                assert box.tolist() == [x, y, x + w, y + h]
                assert theirs.loadCats(entry["category_id"])[0]["name"] == item.category
                if item.segmentation is not None:
                    mask = torch.from_numpy(theirs.annToMask(entry)).bool()
                    assert torch.equal(decode_mask(item.segmentation, image.image_hw), mask)
                    masks += 1
        assert masks >= 24

    @pytest.mark.parametrize(
        ("document", "place", "complaint"),
        [
            ([], "", "expected an object"),
            ({}, "categories", "expected a list, got None"),
            (changed("info", to=3), "", "info"),
            (changed("info", to={"year": float("nan")}), "", "info"),
            (changed("images", to={}), "images", "expected a list"),
            (changed("images", 1, to="b.png"), r"images\[1\] \(id None\)", "id: expected a whole number"),
            (changed("images", 1, "id", to=9), r"images\[1\] \(id 9\)", "used once"),
            (changed("images", 1, "id", to="4"), r"images\[1\]", "id: expected a whole number"),
            (changed("images", 1, "id", to=True), r"images\[1\]", "id: expected a whole number"),
            (changed("images", 0, "width", to=-60), r"images\[0\] \(id 9\)", "height, width: expected whole"),
            (changed("images", 0, "height", to=40.0), r"images\[0\]", "height, width: expected whole"),
            (changed("images", 0, "file_name", to=""), r"images\[0\]", "file_name: expected a text"),
            (changed("images", 0, "license", to=2), r"images\[0\]", "license: expected the id of one of the licenses"),
            (changed("images", 0, "absent", to="the cat"), r"images\[0\]", "absent: expected a list of phrases"),
            (changed("images", 0, "sha256", to=float("inf")), r"images\[0\]", "expected finite numbers"),
            (changed("licenses", 0, "id", to=None), r"licenses\[0\]", "id: expected a whole number"),
            (changed("categories", 1, "id", to=3), r"categories\[1\] \(id 3\)", "used once"),
            (changed("categories", 1, "name", to="mug"), "categories", "every name once"),
            (changed("categories", 1, "name", to=7), r"categories\[1\]", "name: expected a text"),
            (changed("annotations", 1, "id", to=17), r"annotations\[1\] \(id 17\)", "used once"),
            (changed("annotations", 0, "image_id", to=5), r"annotations\[0\] \(id 17\)", "image_id: expected the id"),
            (changed("annotations", 0, "category_id", to=2), r"annotations\[0\]", "category_id: expected the id"),
            (changed("annotations", 0, "category_id", to="3"), r"annotations\[0\]", "category_id: expected the id"),
            (changed("annotations", 0, "bbox", to=[1, 2, 3]), r"annotations\[0\] \(id 17\)", r"bbox: expected four"),
            (changed("annotations", 0, "bbox", to="1234"), r"annotations\[0\]", "bbox: expected four numbers"),
            (changed("annotations", 0, "bbox", to=[1, 2, "3", 4]), r"annotations\[0\]", "bbox: expected four"),
            (changed("annotations", 0, "bbox", to=[1, 2, 3, None]), r"annotations\[0\]", "bbox: expected four"),
            (changed("annotations", 0, "bbox", to=[1, 2, 3, float("nan")]), r"annotations\[0\]", "bbox: expected four"),
            (
                changed("annotations", 0, "bbox", to=[1, float("-inf"), 3, 4]),
                r"annotations\[0\]",
                "bbox: expected four",
            ),
            (changed("annotations", 0, "bbox", to=[1, 2, 3, 10**400]), r"annotations\[0\]", "bbox: expected four"),
            (changed("annotations", 0, "bbox", to=[30, 5, -20, 30]), r"annotations\[0\]", "bbox: .* at least 0"),
            (changed("annotations", 0, "bbox", to=[30, 35, 20, -30]), r"annotations\[0\]", "bbox: .* at least 0"),
            (
                changed("annotations", 0, "bbox", to=[41, 5, 20, 30]),
                r"annotations\[0\]",
                "bbox: .* 60 wide and 40 high",
            ),
            (changed("annotations", 0, "bbox", to=[10, 15, 20, 30]), r"annotations\[0\]", "bbox: .* inside its image"),
            (changed("annotations", 0, "bbox", to=[-1, 5, 20, 30]), r"annotations\[0\]", "bbox: .* inside its image"),
            (changed("annotations", 0, "area", to=-1), r"annotations\[0\]", "area: expected a number"),
            (changed("annotations", 0, "area", to=None), r"annotations\[0\]", "area: expected a number"),
            (changed("annotations", 0, "iscrowd", to=2), r"annotations\[0\]", "iscrowd: expected 0 or 1"),
            (changed("annotations", 0, "iscrowd", to=True), r"annotations\[0\]", "iscrowd: expected 0 or 1"),
            (changed("annotations", 0, "phrases", to=["the mug", 3]), r"annotations\[0\]", "phrases: expected a list"),
            (changed("annotations", 0, "phrases", to=None), r"annotations\[0\]", "phrases: expected a list"),
            (changed("annotations", 0, "segmentation", to=0), r"annotations\[0\]", "segmentation: expected polygons"),
            (changed("annotations", 0, "segmentation", to=[[1, 2]]), r"annotations\[0\]", "segmentation: expected"),
            (
                changed("annotations", 1, "segmentation", "size", to=[3, 2]),
                r"annotations\[1\] \(id 18\)",
                r"segmentation: expected .* size \[2, 3\]",
            ),
            (changed("annotations", 1, "segmentation", "counts", to=[2, 3]), r"annotations\[1\]", "add up to 6 pixels"),
            (changed("annotations", 2, "score", to=float("nan")), r"annotations\[2\]", "expected finite numbers"),
        ],
    )
    def test_error_text(self, tmp_path, document, place, complaint):
        with pytest.raises(ValueError, match=rf"^labels\.json: {place}.*{complaint}"):
            read_coco(saved(tmp_path, document))

    @pytest.mark.parametrize("text", ["", "{", '{"images": [', "\ufeff{}", "nonsense", "[" * 100_000])
    def test_what_is_no_json(self, tmp_path, text):
        with pytest.raises(ValueError, match=r"^labels\.json: expected one JSON document"):
            read_coco(saved(tmp_path, text))

    def test_bytes_that_are_no_text(self, tmp_path):
        path = tmp_path / "labels.json"
        path.write_bytes(b'{"info": "\xff"}')
        with pytest.raises(ValueError, match=r"^labels\.json: expected one JSON document"):
            read_coco(path)

    @given(length=st.integers(0, LABELS.stat().st_size - 3))
    @settings(max_examples=25, deadline=None)
    def test_a_cut_off_file_is_refused(self, scratch, length):
        path = saved(scratch, LABELS.read_text(encoding="utf-8")[:length])
        with pytest.raises(ValueError, match=r"^labels\.json: "):
            read_coco(path)

    @given(data=st.data())
    @settings(max_examples=200, deadline=None)
    def test_a_changed_file_is_refused_or_sound(self, scratch, data):
        document = copy.deepcopy(SMALL)
        for _ in range(data.draw(st.integers(1, 3))):
            parent, key = document, data.draw(st.sampled_from(sorted(document)))
            while isinstance(parent[key], dict | list) and parent[key] and data.draw(st.integers(0, 4)):
                parent = parent[key]
                keys = sorted(parent) if isinstance(parent, dict) else range(len(parent))
                key = data.draw(st.sampled_from(keys))
            action = data.draw(
                st.sampled_from(["replace", "repeat"] if parent is document else ["replace", "repeat", "delete"])
            )
            if action == "delete":
                del parent[key]
            elif action == "repeat" and isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
            else:
                parent[key] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
        path = saved(scratch, document)
        try:
            file = read_coco(path)
        except ValueError as problem:
            assert str(problem).startswith("labels.json: ")  # noqa: PT017, both outcomes are looked at
            return
        assert len(file.images) == len(document["images"])
        assert sum(len(image.objects) for image in file.images) == len(document["annotations"])
        for image in file.images:
            height, width = image.image_hw
            assert image.boxes.shape == (len(image.objects), 4)
            assert (image.boxes[:, 2:] >= image.boxes[:, :2]).all()
            assert (image.boxes >= -0.5).all()
            assert (image.boxes[:, 2:] <= torch.tensor([width + 0.5, height + 0.5])).all()
            for item in image.objects:
                if item.segmentation is not None:
                    assert decode_mask(item.segmentation, image.image_hw).shape == image.image_hw
        write_coco(file, path)
        assert read_coco(path) == file


class TestWriteCoco:
    def test_round_trip(self, tmp_path):
        file = read_coco(saved(tmp_path, SMALL))
        write_coco(file, tmp_path / "again.json")
        assert read_coco(tmp_path / "again.json") == file

    def test_the_labels_are_written_as_they_are(self, tmp_path):
        write_coco(read_coco(LABELS), tmp_path / "again.json")
        assert (tmp_path / "again.json").read_bytes() == LABELS.read_bytes()

    @given(corners=st.lists(st.tuples(*[st.integers(0, 100_000)] * 4), max_size=6))
    @settings(max_examples=50, deadline=None)
    def test_round_trip_of_hundredths(self, scratch, corners):
        x1, y1, x2, y2 = torch.tensor(corners, dtype=torch.float64).reshape(-1, 4).div(100).unbind(-1)
        boxes = torch.stack([x1.minimum(x2), y1.minimum(y2), x1.maximum(x2), y1.maximum(y2)], -1)
        objects = tuple(CocoObject(i, "mug", 1.5) for i in range(len(boxes)))
        file = CocoFile((CocoImage(1, "a.png", (1000, 1000), boxes, objects),), ({"id": 1, "name": "mug"},))
        path = scratch / "labels.json"
        write_coco(file, path)
        back = read_coco(path)
        assert back == file
        torch.testing.assert_close(back.images[0].boxes, boxes, rtol=0, atol=1e-9)

    def test_two_files_differ_when_a_box_does(self, tmp_path):
        file = read_coco(saved(tmp_path, SMALL))
        moved = replace(file.images[0], boxes=file.images[0].boxes - 1e-3)
        assert replace(file, images=(moved, file.images[1])) != file
        assert file != SMALL

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        path = saved(tmp_path, SMALL)
        before = path.read_bytes()

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_coco(read_coco(path), path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("box", "category", "complaint"),
        [
            ([0.0, 0.0, 61.0, 40.0], "mug", "bbox: expected a box inside"),
            ([0.0, 0.0, float("nan"), 40.0], "mug", "bbox: expected four numbers"),
            ([9.0, 0.0, 5.0, 40.0], "mug", "bbox: expected a width"),
            ([0.0, 0.0, 5.0, 40.0], "cup", "category_id: expected the id"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, box, category, complaint):
        image = CocoImage(
            1, "a.png", (40, 60), torch.tensor([box], dtype=torch.float64), (CocoObject(7, category, 1.0),)
        )
        with pytest.raises(ValueError, match=rf"^new\.json: annotations\[0\] \(id 7\): {complaint}"):
            write_coco(CocoFile((image,), ({"id": 1, "name": "mug"},)), tmp_path / "new.json")
        assert list(tmp_path.iterdir()) == []

    def test_a_box_for_every_object(self, tmp_path):
        image = CocoImage(1, "a.png", (40, 60), torch.zeros(2, 4), (CocoObject(7, "mug", 1.0),))
        with pytest.raises(ValueError, match=r"objects: expected as many rows as boxes \(2\), got 1"):
            write_coco(CocoFile((image,), ({"id": 1, "name": "mug"},)), tmp_path / "new.json")
