import copy
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.coco import CocoFile, CocoImage, CocoObject
from gk_utils.formats.refcoco import SPLITS, Expression, Ref, RefCoco, read_refcoco, write_refcoco

INSTANCES = {
    "info": {"description": "two pictures"},
    "licenses": [],
    "categories": [{"id": 1, "name": "person"}, {"id": 47, "name": "cup"}],
    "images": [
        {"id": 3, "file_name": "COCO_train2014_000000000003.jpg", "height": 60, "width": 80},
        {"id": 5, "file_name": "COCO_train2014_000000000005.jpg", "height": 50, "width": 40},
    ],
    "annotations": [
        {"id": 90, "image_id": 3, "category_id": 47, "bbox": [10, 20.25, 30, 5.5], "area": 150},
        {"id": 91, "image_id": 3, "category_id": 47, "bbox": [0, 0, 8, 8], "area": 60},
        {"id": 92, "image_id": 5, "category_id": 1, "bbox": [1.5, 2, 30, 40], "area": 900},
    ],
}


def sentence(number: int, text: str) -> dict:
    return {"tokens": text.split(), "raw": text.capitalize(), "sent_id": number, "sent": text}


REFS = [
    {
        "sent_ids": [0, 1],
        "file_name": "COCO_train2014_000000000003_90.jpg",
        "ann_id": 90,
        "ref_id": 7,
        "image_id": 3,
        "split": "testB",
        "sentences": [sentence(0, "the cup"), sentence(1, "red mug right")],
        "category_id": 47,
    },
    {
        "sent_ids": [2],
        "file_name": "COCO_train2014_000000000005_92.jpg",
        "ann_id": 92,
        "ref_id": 0,
        "image_id": 5,
        "split": "train",
        "sentences": [sentence(2, "man")],
        "category_id": 1,
        "times": 3,
    },
]

JUNK = [
    None,
    True,
    0,
    -1,
    3,
    2.5,
    10**30,
    [],
    [[]],
    {},
    "",
    " ",
    "x",
    "3",
    [0],
    [3],
    {"id": 3},
    {"sent_id": 9},
    b"x",
    (1,),
]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder for the many examples of one test; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder: Path, refs: object = REFS, instances: object = INSTANCES, form: str = "p") -> Path:
    """The folder, with the two files in it; bytes and texts are written as they are."""
    for name in ("refs(unc).p", "refs(unc).json"):
        (folder / name).unlink(missing_ok=True)
    rendered = pickle.dumps(refs, 2) if form == "p" else refs if isinstance(refs, bytes) else json.dumps(refs).encode()
    (folder / f"refs(unc).{form}").write_bytes(refs if isinstance(refs, bytes) else rendered)
    (folder / "instances.json").write_text(instances if isinstance(instances, str) else json.dumps(instances))
    return folder


def changed(document: object, *steps: object, to: object) -> object:
    """A copy with one value changed: changed(REFS, 0, "split", to="dev")."""
    document = copy.deepcopy(document)
    *path, last = steps
    place = document
    for step in path:
        place = place[step]
    place[last] = to
    return document


class TestSplits:
    def test_refs_of_a_data_set_are_the_same_in_every_partition_of_it(self):
        assert sum(SPLITS["refcoco", "unc"].values()) == sum(SPLITS["refcoco", "google"].values()) == 50_000
        assert sum(SPLITS["refcoco+", "unc"].values()) == 49_856
        assert sum(SPLITS["refcocog", "google"].values()) == sum(SPLITS["refcocog", "umd"].values()) == 49_822

    def test_which_partition_has_which(self):
        assert {key: " ".join(splits) for key, splits in SPLITS.items()} == {
            ("refcoco", "unc"): "train val testA testB",
            ("refcoco", "google"): "train val test",
            ("refcoco+", "unc"): "train val testA testB",
            ("refcocog", "google"): "train val",
            ("refcocog", "umd"): "train val test",
        }


class TestRefCoco:
    def test_refs_and_expressions_are_counted_apart(self, tmp_path):
        data = read_refcoco(saved(tmp_path), "refcoco", "unc")
        assert data.counts() == {"train": (1, 1), "val": (0, 0), "testA": (0, 0), "testB": (1, 2)}
        assert [ref.id for ref in data.of("testB")] == [7]

    def test_a_split_that_is_not_there(self, tmp_path):
        data = read_refcoco(saved(tmp_path), "refcoco", "unc")
        with pytest.raises(ValueError, match="split: expected one of 'train', 'val', 'testA', 'testB', got 'test'"):
            data.of("test")

    @pytest.mark.parametrize(
        ("dataset", "partition"), [("refcoco", "umd"), ("refcoco+", "google"), ("refcocog", "unc"), ("refclef", "unc")]
    )
    def test_wrong_combinations_are_refused_with_the_list(self, tmp_path, dataset, partition):
        listed = r"\('refcoco', 'unc'\), .*\('refcocog', 'umd'\), got"
        with pytest.raises(ValueError, match=f"dataset, partition: expected one of {listed}"):
            read_refcoco(saved(tmp_path), dataset, partition)
        with pytest.raises(ValueError, match=f"dataset, partition: expected one of {listed}"):
            RefCoco(dataset, partition, (), CocoFile((), ()))


class TestRef:
    def test_equal_to_a_millionth_of_a_pixel(self, tmp_path):
        ref = read_refcoco(saved(tmp_path), "refcoco", "unc").refs[0]
        assert replace(ref, box=ref.box + 5e-7) == ref
        assert replace(ref, box=ref.box + 1e-3) != ref
        assert replace(ref, box=ref.box.float()) == ref
        assert replace(ref, split="val") != ref
        assert ref != REFS[0]


class TestReadRefcoco:
    @pytest.mark.parametrize("form", ["p", "json"])
    def test_by_hand(self, tmp_path, form):
        data = read_refcoco(saved(tmp_path, form=form), "refcoco", "unc")
        first, second = data.refs
        assert first.expressions == (
            Expression(0, "the cup", "The cup", ("the", "cup")),
            Expression(1, "red mug right", "Red mug right", ("red", "mug", "right")),
        )
        assert (first.id, first.ann_id, first.image_id, first.category_id, first.category) == (7, 90, 3, 47, "cup")
        assert (first.split, first.image_hw) == ("testB", (60, 80))
        assert first.image_file_name == "COCO_train2014_000000000003.jpg"
        assert first.ref_file_name == "COCO_train2014_000000000003_90.jpg"
        assert first.box.tolist() == [10, 20.25, 40, 25.75]
        assert first.box.dtype == torch.float64
        assert second.box.tolist() == [1.5, 2, 31.5, 42]
        assert (first.extra, second.extra) == ({}, {"times": 3})
        assert [len(image.objects) for image in data.instances.images] == [2, 1]

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_every_protocol(self, tmp_path, protocol):
        want = read_refcoco(saved(tmp_path), "refcoco", "unc")
        assert read_refcoco(saved(tmp_path, pickle.dumps(REFS, protocol)), "refcoco", "unc") == want

    def test_python_2_texts_are_latin_1(self, tmp_path):
        data = pickle.dumps(changed(REFS, 0, "sentences", 0, "sent", to="CAFE"), 2)
        old = data.replace(b"X\x04\x00\x00\x00CAFE", b"U\x04\xe9tui")  # a byte string instead of Unicode
        assert old != data
        assert read_refcoco(saved(tmp_path, old), "refcoco", "unc").refs[0].expressions[0].text == "\xe9tui"

    def test_a_partition_without_testa(self, tmp_path):
        (saved(tmp_path) / "refs(unc).p").rename(tmp_path / "refs(umd).p")
        with pytest.raises(ValueError, match=r"split: expected one of train, val, test, got 'testB'"):
            read_refcoco(tmp_path, "refcocog", "umd")

    def test_missing_files(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"refs\(unc\)"):
            read_refcoco(tmp_path, "refcoco", "unc")
        (saved(tmp_path) / "instances.json").unlink()
        with pytest.raises(FileNotFoundError, match=r"instances\.json"):
            read_refcoco(tmp_path, "refcoco", "unc")

    def test_two_lists_side_by_side(self, tmp_path):
        (saved(tmp_path) / "refs(unc).json").write_text("[]")
        with pytest.raises(ValueError, match=r"^refs\(unc\)\.p: expected one list of refs, got refs\(unc\)\.json"):
            read_refcoco(tmp_path, "refcoco", "unc")

    @pytest.mark.parametrize("form", ["p", "json"])
    @pytest.mark.parametrize(
        ("refs", "complaint"),
        [
            ({}, "expected a list of refs, got {}"),
            ("refs", "expected a list of refs, got 'refs'"),
            ([3], r"\[0\] \(ref_id None\): ref_id: expected a whole number"),
            (changed(REFS, 1, "ref_id", to=7), r"\[1\] \(ref_id 7\): ref_id: expected a whole number, used once"),
            (changed(REFS, 1, "ref_id", to="0"), r"\[1\] \(ref_id '0'\): ref_id: expected a whole number"),
            (changed(REFS, 1, "ref_id", to=True), r"\[1\] \(ref_id True\): ref_id: expected a whole number"),
            (changed(REFS, 0, "ann_id", to=99), r"\[0\] \(ref_id 7\): ann_id: expected an annotation .* got 99"),
            (changed(REFS, 0, "ann_id", to=[90]), r"\[0\] \(ref_id 7\): ann_id: expected an annotation"),
            (
                changed(REFS, 0, "image_id", to=99),
                r"\[0\] \(ref_id 7\): image_id: expected the annotation's, 3, got 99",
            ),
            (changed(REFS, 0, "image_id", to=5), r"\[0\] \(ref_id 7\): image_id: expected the annotation's, 3, got 5"),
            (changed(REFS, 1, "category_id", to=True), r"\[1\] .*category_id: expected the annotation's, 1, got True"),
            (changed(REFS, 0, "category_id", to=1), r"\[0\] .*category_id: expected the annotation's, 47, got 1"),
            (
                changed(REFS, 0, "split", to="dev"),
                r"\[0\] .*split: expected one of train, val, testA, testB, got 'dev'",
            ),
            (changed(REFS, 0, "split", to=[]), r"\[0\] .*split: expected one of"),
            (changed(REFS, 0, "file_name", to=3), r"\[0\] .*file_name: expected a text"),
            (changed(REFS, 0, "sentences", to=[]), r"\[0\] .*sentences: expected a list, not empty"),
            (changed(REFS, 0, "sentences", 1, to="mug"), r"\[0\] .*sentences\[1\]: expected a sentence, got 'mug'"),
            (
                changed(REFS, 0, "sentences", 1, "sent_id", to=0),
                r"\[0\] .*sentences\[1\]: sent_id: .* used once, got 0",
            ),
            (
                changed(REFS, 1, "sentences", 0, "sent_id", to=1),
                r"\[1\] .*sentences\[0\]: sent_id: .* used once, got 1",
            ),
            (changed(REFS, 0, "sentences", 1, "sent", to=""), r"\[0\] .*sentences\[1\]: sent: expected a text"),
            (changed(REFS, 0, "sentences", 1, "sent", to=" \n"), r"\[0\] .*sentences\[1\]: sent: expected a text"),
            (changed(REFS, 0, "sentences", 1, "raw", to=None), r"\[0\] .*sentences\[1\]: raw: expected a text"),
            (changed(REFS, 0, "sentences", 1, "tokens", to=[]), r"\[0\] .*sentences\[1\]: tokens: expected a list"),
            (changed(REFS, 0, "sentences", 1, "tokens", to=["a", ""]), r"\[0\] .*sentences\[1\]: tokens: expected"),
            (changed(REFS, 0, "sentences", 1, "tokens", to="red mug"), r"\[0\] .*sentences\[1\]: tokens: expected"),
            (changed(REFS, 0, "sent_ids", to=[1, 0]), r"\[0\] .*sent_ids: expected the ids of the sentences"),
            (changed(REFS, 0, "sent_ids", to=[0.0, 1]), r"\[0\] .*sent_ids: expected the ids of the sentences"),
            (changed(REFS, 0, "times", to=float("nan")), "NaN|the number nan"),
            (changed(REFS, 0, "times", to=2**65), "more than 64 bits"),
            (changed(REFS, 0, "times", to="\ud800"), "UTF-8 cannot hold"),
            (changed(REFS, 0, "times", to=[[[[[[[[1]]]]]]]]), "more than 8 containers"),
        ],
    )
    def test_error_text(self, tmp_path, form, refs, complaint):
        with pytest.raises(ValueError, match=rf"^refs\(unc\)\.{form}: .*({complaint})"):
            read_refcoco(saved(tmp_path, refs, form=form), "refcoco", "unc")

    @pytest.mark.parametrize(
        ("instances", "complaint"),
        [
            (
                changed(INSTANCES, "annotations", 0, "bbox", to=[1, 2, 3]),
                r"annotations\[0\] \(id 90\): bbox: expected four",
            ),
            (changed(INSTANCES, "annotations", 0, "bbox", to=[30, 5, -20, 3]), r"annotations\[0\] \(id 90\): bbox"),
            (changed(INSTANCES, "annotations", 0, "bbox", 0, to=float("nan")), r"annotations\[0\] \(id 90\): bbox"),
            (changed(INSTANCES, "annotations", 2, "id", to=90), r"annotations\[2\] \(id 90\): id: .* used once"),
            (changed(INSTANCES, "annotations", 0, "image_id", to=4), r"annotations\[0\] \(id 90\): image_id"),
            (changed(INSTANCES, "images", to=[]), r"annotations\[0\] \(id 90\): image_id"),
            (json.dumps(INSTANCES)[:-9], "expected one JSON document"),
        ],
    )
    def test_instances_are_as_strict(self, tmp_path, instances, complaint):
        with pytest.raises(ValueError, match=rf"^instances\.json: {complaint}"):
            read_refcoco(saved(tmp_path, instances=instances), "refcoco", "unc")

    def test_a_class_is_named(self, tmp_path):
        with pytest.raises(ValueError, match=r"^refs\(unc\)\.p: .* the class or function pathlib"):
            read_refcoco(saved(tmp_path, changed(REFS, 0, "times", to=Path("a"))), "refcoco", "unc")

    @given(length=st.integers(0, len(pickle.dumps(REFS, 2)) - 1))
    @settings(max_examples=40, deadline=None)
    def test_a_cut_off_pickle_is_refused(self, scratch, length):
        with pytest.raises(ValueError, match=r"^refs\(unc\)\.p: "):
            read_refcoco(saved(scratch, pickle.dumps(REFS, 2)[:length]), "refcoco", "unc")

    @given(length=st.integers(0, len(json.dumps(REFS)) - 1))
    @settings(max_examples=40, deadline=None)
    def test_cut_off_json_is_refused(self, scratch, length):
        with pytest.raises(ValueError, match=r"^refs\(unc\)\.json: "):
            read_refcoco(saved(scratch, json.dumps(REFS)[:length].encode(), form="json"), "refcoco", "unc")

    @given(form=st.sampled_from(["p", "json"]), changes=st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255))))
    @settings(max_examples=150, deadline=None)
    def test_changed_bytes_are_refused_or_sound(self, scratch, form, changes):
        data = bytearray(pickle.dumps(REFS, 2) if form == "p" else json.dumps(REFS).encode())
        for place, byte in changes:
            data[place % len(data)] = byte
        self.refused_or_sound(saved(scratch, bytes(data), form=form), form)

    @given(data=st.data())
    @settings(max_examples=200, deadline=None)
    def test_a_changed_list_is_refused_or_sound(self, scratch, data):
        refs = copy.deepcopy(REFS)
        for _ in range(data.draw(st.integers(1, 3))):
            parent, key = refs, data.draw(st.integers(0, max(len(refs) - 1, 0)))
            while refs and isinstance(parent[key], dict | list) and parent[key] and data.draw(st.integers(0, 4)):
                parent = parent[key]
                keys = sorted(parent) if isinstance(parent, dict) else range(len(parent))
                key = data.draw(st.sampled_from(keys))
            action = data.draw(st.sampled_from(["replace", "repeat", "delete"])) if refs else "none"
            if action == "delete":
                del parent[key]
            elif action == "repeat" and isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
            elif action != "none":
                parent[key] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
        self.refused_or_sound(saved(scratch, refs), "p")

    @staticmethod
    def refused_or_sound(folder: Path, form: str) -> None:
        try:
            found = read_refcoco(folder, "refcoco", "unc")
        except ValueError as problem:
            assert str(problem).startswith(f"refs(unc).{form}: ")  # noqa: PT017, both outcomes are looked at
            return
        boxes = {
            item.id: box
            for image in found.instances.images
            for item, box in zip(image.objects, image.boxes, strict=True)
        }
        for ref in found.refs:
            assert torch.equal(ref.box, boxes[ref.ann_id])
            assert ref.split in SPLITS["refcoco", "unc"]
            assert ref.expressions
            assert all(item.text.strip() and item.tokens for item in ref.expressions)
        write_refcoco(found, folder, "pickle" if form == "p" else "json")
        assert read_refcoco(folder, "refcoco", "unc") == found


class TestWriteRefcoco:
    @pytest.mark.parametrize("form", ["pickle", "json"])
    def test_round_trip(self, tmp_path, form):
        data = read_refcoco(saved(tmp_path), "refcoco", "unc")
        (tmp_path / "new").mkdir()
        write_refcoco(data, tmp_path / "new", form)
        assert read_refcoco(tmp_path / "new", "refcoco", "unc") == data
        ending = "p" if form == "pickle" else "json"
        assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["instances.json", f"refs(unc).{ending}"]

    def test_the_toolkit_could_read_it(self, tmp_path):
        write_refcoco(read_refcoco(saved(tmp_path), "refcoco", "unc"), tmp_path)
        data = (tmp_path / "refs(unc).p").read_bytes()
        assert data[:2] == b"\x80\x02"
        assert pickle.loads(data) == REFS

    @given(corners=st.lists(st.tuples(*[st.integers(0, 100_000)] * 4), min_size=1, max_size=4), form=st.integers(0, 1))
    @settings(max_examples=40, deadline=None)
    def test_round_trip_of_hundredths(self, scratch, corners, form):
        x1, y1, x2, y2 = torch.tensor(corners, dtype=torch.float64).div(100).unbind(-1)
        boxes = torch.stack([x1.minimum(x2), y1.minimum(y2), x1.maximum(x2), y1.maximum(y2)], -1).float()
        objects = tuple(CocoObject(i, "cup", 1.5) for i in range(len(boxes)))
        image = CocoImage(1, "a.png", (1000, 1000), boxes, objects)
        said = [(Expression(i, "cup", "Cup", ("cup",)),) for i in range(len(boxes))]
        refs = tuple(
            Ref(i, i, 1, 4, "cup", "val", box, (1000, 1000), "a.png", "a.png", said[i]) for i, box in enumerate(boxes)
        )
        data = RefCoco("refcocog", "google", refs, CocoFile((image,), ({"id": 4, "name": "cup"},)))
        for name in ("refs(google).p", "refs(google).json"):
            (scratch / name).unlink(missing_ok=True)
        write_refcoco(data, scratch, ("pickle", "json")[form])
        back = read_refcoco(scratch, "refcocog", "google")
        assert back == data
        assert [ref.box.tolist() for ref in back.refs] == back.instances.images[0].boxes.tolist()

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"box": torch.tensor([0.0, 0.0, 5.0, 5.0])}, "expected the box, picture and category of its annotation"),
            ({"box": torch.full((4,), float("nan"))}, "expected the box, picture and category of its annotation"),
            ({"image_hw": (61, 80)}, "expected the box, picture and category of its annotation"),
            ({"category": "mug"}, "expected the box, picture and category of its annotation"),
            ({"extra": {"split": "val"}}, "expected the box, picture and category of its annotation"),
            ({"extra": {"score": float("nan")}}, "not JSON compliant"),
            ({"extra": {"half": "\udc00"}}, "UTF-8 cannot hold"),
            ({"ann_id": 4}, "ann_id: expected an annotation"),
            ({"split": "test"}, "split: expected one of train, val"),
            ({"expressions": ()}, "sentences: expected a list, not empty"),
            ({"expressions": (Expression(0, "", "", ()),)}, r"sentences\[0\]: tokens: expected a list"),
        ],
    )
    def test_what_could_not_be_read_is_not_written(self, tmp_path, change, complaint):
        data = read_refcoco(saved(tmp_path), "refcoco", "unc")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        wrong = replace(data, refs=(replace(data.refs[0], **change), data.refs[1]))
        with pytest.raises(ValueError, match=rf"^refs\(unc\)\.p: .*{complaint}"):
            write_refcoco(wrong, tmp_path)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_instances_are_checked_too(self, tmp_path):
        data = read_refcoco(saved(tmp_path), "refcoco", "unc")
        image = replace(data.instances.images[0], image_hw=(-60, 80))
        wrong = replace(data, refs=(), instances=replace(data.instances, images=(image,)))
        (tmp_path / "new").mkdir()
        with pytest.raises(ValueError, match=r"^instances\.json: images\[0\] \(id 3\): height, width"):
            write_refcoco(wrong, tmp_path / "new")
        assert list((tmp_path / "new").iterdir()) == []

    def test_the_other_form_is_in_the_way(self, tmp_path):
        data = read_refcoco(saved(tmp_path), "refcoco", "unc")
        with pytest.raises(ValueError, match=r"^refs\(unc\)\.json: expected no other list .* got refs\(unc\)\.p"):
            write_refcoco(data, tmp_path, "json")

    @pytest.mark.usefixtures("unhooked")
    def test_forms(self, tmp_path):
        with pytest.raises(ValueError, match="form: expected one of 'pickle', 'json', got 'p'"):
            write_refcoco(RefCoco("refcoco", "unc", (), CocoFile((), ())), tmp_path, "p")

    @pytest.mark.parametrize("form", ["pickle", "json"])
    def test_a_failed_write_leaves_the_old_files(self, tmp_path, monkeypatch, form):
        saved(tmp_path, form="p" if form == "pickle" else "json")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        data = read_refcoco(tmp_path, "refcoco", "unc")

        def full(_descriptor):
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_refcoco(data, tmp_path, form)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
