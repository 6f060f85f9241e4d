"""GCG files: GranD-f as released, answers and truth as the published script reads them, malformed input by place."""

import json
import os
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.gcg import (
    GcgAnswer,
    GcgEntry,
    GcgPhrase,
    read_answers,
    read_grandf,
    read_truth,
    write_answers,
    write_grandf,
)
from gk_utils.grounded_sam.run_lengths import encode_masks

MASK = {"size": [2, 3], "counts": [2, 3, 1]}
RECORD = {
    "file_name": "sa_10010541.jpg",
    "caption": "A mug beside a cat.",
    "groundings": {
        "A mug": {"token_positives": [0, 5], "rle_masks": [MASK]},
        "a cat": {"token_positives": [13, 18], "rle_masks": [MASK, MASK]},
    },
    "id": 7,
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder, document, name="train.json"):
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def changed(**changes):
    """The record with a change in its first link, or in itself."""
    record = json.loads(json.dumps(RECORD))
    for key, value in changes.items():
        if key in ("token_positives", "rle_masks"):
            record["groundings"]["A mug"][key] = value
        else:
            record[key] = value
    return record


class TestReadGrandf:
    def test_as_released(self, tmp_path):
        (entry,) = read_grandf(saved(tmp_path, [RECORD]))
        assert entry.file_name == "sa_10010541.jpg"
        assert [phrase.text for phrase in entry.phrases] == ["A mug", "a cat"]
        assert entry.caption[entry.phrases[1].start : entry.phrases[1].end] == "a cat"
        assert len(entry.phrases[1].masks) == 2
        assert entry.extra == {"id": 7}

    def test_packed_counts_as_pycocotools_writes_them(self, tmp_path):
        (mask,) = encode_masks(torch.tensor([[[0, 1, 1], [0, 1, 0]]]).bool())
        assert isinstance(mask["counts"], str)
        (entry,) = read_grandf(saved(tmp_path, [changed(rle_masks=[mask])]))
        assert entry.phrases[0].masks == (mask,)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"file_name": 3}, "file_name: expected a text, got 3"),
            ({"caption": ""}, "caption: expected a text"),
            ({"groundings": []}, "groundings: expected an object"),
            ({"token_positives": [0]}, r"'A mug': token_positives: expected \[start, end\]"),
            ({"token_positives": [0, True]}, r"token_positives: expected \[start, end\]"),
            ({"token_positives": [2, 7]}, "expected where it stands in the caption, got 'mug b'"),
            ({"token_positives": [0, 99]}, "expected where it stands in the caption"),
            ({"rle_masks": []}, "rle_masks: expected one or more"),
            ({"rle_masks": [{"size": [2], "counts": [6]}]}, "expected run lengths with a size"),
            ({"rle_masks": [{"size": [2, 3], "counts": [5]}]}, "add up to 6 pixels"),
            ({"rle_masks": [{"size": [1, 2], "counts": [2]}]}, "expected one size in a picture"),
        ],
    )
    def test_names_file_and_entry(self, tmp_path, changes, message):
        with pytest.raises(ValueError, match=message) as error:
            read_grandf(saved(tmp_path, [RECORD, changed(**changes)]))
        assert str(error.value).startswith("train.json: entry 1: ")

    @pytest.mark.parametrize(
        ("text", "message"),
        [("{}", "train.json: expected a list of pictures"), ("[3]", "entry 0: expected an object"), ("[", "JSON")],
    )
    def test_no_file_of_this_kind(self, tmp_path, text, message):
        path = tmp_path / "train.json"
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_grandf(path)


class TestWriteGrandf:
    @settings(max_examples=30, deadline=None)
    @given(
        words=st.lists(st.text("abc é", min_size=1, max_size=6).filter(str.strip), min_size=1, max_size=4),
        pixels=st.lists(st.booleans(), min_size=6, max_size=6),
    )
    def test_what_is_written_reads_back(self, scratch, words, pixels):
        (mask,) = encode_masks(torch.tensor(pixels).view(1, 2, 3))
        caption, phrases = "", []
        for word in dict.fromkeys(words):
            phrases.append(GcgPhrase(word, len(caption), len(caption) + len(word), (mask,)))
            caption += f"{word}; "
        entries = (GcgEntry("a.jpg", caption, tuple(phrases), {"id": 3}), GcgEntry("b.jpg", "nothing", ()))
        write_grandf(entries, scratch / "train.json")
        assert read_grandf(scratch / "train.json") == entries

    def test_a_phrase_twice_cannot_be_written(self, tmp_path):
        path = tmp_path / "train.json"
        path.write_text("before")
        twice = (GcgPhrase("a mug", 0, 5, (MASK,)), GcgPhrase("a mug", 6, 11, (MASK,)))
        with pytest.raises(ValueError, match=r"train.json: entry 0: phrases: expected each once, .* got 'a mug'"):
            write_grandf([GcgEntry("a.jpg", "a mug a mug", twice)], path)
        assert path.read_text() == "before"

    def test_a_phrase_elsewhere_cannot_be_written(self, tmp_path):
        with pytest.raises(ValueError, match="expected where it stands"):
            write_grandf([GcgEntry("a.jpg", "a mug", (GcgPhrase("a cat", 0, 5, (MASK,)),))], tmp_path / "t.json")


class TestAnswers:
    answer = GcgAnswer("sa_1", "a mug and a cat", ("a mug", "a cat"), (MASK, MASK))

    def test_round_trip(self, tmp_path):
        other = GcgAnswer("sa_2", "nothing", (), ())
        write_answers([self.answer, other], tmp_path)
        assert read_answers(tmp_path, ["sa_2", "sa_1"]) == (other, self.answer)
        assert json.loads((tmp_path / "sa_1.json").read_text())["pred_masks"][0] == MASK

    def test_one_level_deeper(self, tmp_path):
        inner = {"caption": "a mug", "phrases": ["a mug"], "pred_masks": [MASK]}
        saved(tmp_path, {"sa_1.jpg": inner}, "sa_1.json")
        assert read_answers(tmp_path, ["sa_1"])[0].phrases == ("a mug",)

    @pytest.mark.parametrize(
        ("record", "message"),
        [
            ([], "expected an object"),
            ({"sa_1": 3}, "expected an object, got 3"),
            ({"caption": 3, "phrases": [], "pred_masks": []}, "caption: expected a text"),
            ({"caption": "", "phrases": "a mug", "pred_masks": []}, "phrases: expected texts"),
            ({"caption": "", "phrases": ["a mug"], "pred_masks": []}, "pred_masks: expected 1, one for each phrase"),
            ({"caption": "", "phrases": ["a"], "pred_masks": [3]}, "pred_masks: expected run lengths"),
            ({"image_id": "sa_9", "caption": "", "phrases": [], "pred_masks": []}, "image_id: expected 'sa_1'"),
        ],
    )
    def test_names_the_file(self, tmp_path, record, message):
        saved(tmp_path, record, "sa_1.json")
        with pytest.raises(ValueError, match=message) as error:
            read_answers(tmp_path, ["sa_1"])
        assert str(error.value).startswith("sa_1.json: ")

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            read_answers(tmp_path, ["sa_1"])

    @pytest.mark.parametrize("image_id", ["../sa", "", "a/b"])
    def test_no_way_out_of_the_folder(self, tmp_path, image_id):
        with pytest.raises(ValueError, match="expected a file name"):
            write_answers([replace(self.answer, image_id=image_id)], tmp_path)

    def test_nothing_is_written_if_one_is_wrong(self, tmp_path):
        with pytest.raises(ValueError, match="each once"):
            write_answers([self.answer, self.answer], tmp_path)
        assert not list(tmp_path.iterdir())


LABELS = {"id": 1, "image_id": 5, "caption": "a mug", "labels": ["a mug"]}
TRUTH = {
    "captions": {"images": [{"id": 5}], "annotations": [LABELS]},
    "masks": {"annotations": [{"id": 1, "image_id": 5, "category_id": 1, "segmentation": MASK}]},
}


class TestReadTruth:
    def read(self, folder, captions=None, masks=None):
        return read_truth(
            saved(folder, captions or TRUTH["captions"], "val_gcg_coco_caption_gt.json"),
            saved(folder, masks or TRUTH["masks"], "val_gcg_coco_mask_gt.json"),
        )

    def test_joined_by_picture(self, tmp_path):
        assert self.read(tmp_path) == (GcgAnswer("5", "a mug", ("a mug",), (MASK,)),)

    @pytest.mark.parametrize(
        ("part", "change", "message"),
        [
            ("masks", {"category_id": 2}, "val_gcg_coco_mask_gt.json: annotation 0: category_id: expected 1"),
            ("masks", {"image_id": None}, "val_gcg_coco_mask_gt.json: annotations: expected objects"),
            ("masks", {"segmentation": []}, "expected run lengths"),
            ("masks", {"image_id": 6}, "annotation 0: masks: expected 1, one for each phrase, got 0"),
            ("captions", {"labels": None}, "val_gcg_coco_caption_gt.json: annotation 0: labels: expected texts"),
        ],
    )
    def test_names_file_and_annotation(self, tmp_path, part, change, message):
        document = json.loads(json.dumps(TRUTH[part]))
        document["annotations"][0] |= change
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, **{part: document})

    def test_each_picture_once(self, tmp_path):
        twice = {"annotations": TRUTH["captions"]["annotations"] * 2}
        with pytest.raises(ValueError, match="annotation 1: image_id: expected each once"):
            self.read(tmp_path, captions=twice)
