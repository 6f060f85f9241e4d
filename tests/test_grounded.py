import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from some_pipeline import MASK, a_result

from gk_utils.formats.coco import read_coco, write_coco
from gk_utils.grounded_sam.grounded import Grounded, to_coco


class TestGrounded:
    def test_rows_and_what_is_absent(self):
        found = a_result(phrases=("plate", "plate"))
        assert found.rows_of("plate") == (0, 1)
        assert found.rows_of("mug") == ()
        assert found.absent == ("mug", "cat")
        assert found.mask(1).sum() == 100
        assert len(found) == 2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"boxes": [[0.0, 0, 41, 10]] * 2}, "boxes: expected them inside 40 x 10 pixels"),
            ({"boxes": [[5.0, 0, 4, 10]] * 2}, "boxes: expected x1 <= x2"),
            ({"phrases": ("mug", "dog")}, "phrases: expected those that were asked for, got 'dog'"),
            ({"phrases": ("mug",)}, r"phrases: expected as many rows as boxes \(2\), got 1"),
            ({"scores": torch.tensor([0.5, 1.5])}, r"scores: expected numbers in \[0, 1\]"),
            ({"masks": ({"size": [9, 40], "counts": [360]},) * 2}, r"masks: expected \(10, 40\) as image_hw says"),
            ({"image_hw": (0, 40)}, "image_hw: expected"),
        ],
    )
    def test_errors(self, change, message, unhooked):
        with pytest.raises(ValueError, match=message):
            a_result(**change)

    def test_an_unknown_phrase(self):
        with pytest.raises(ValueError, match="phrase: expected one of .*, got 'dog'"):
            a_result().rows_of("dog")


class TestJson:
    @given(
        seed=st.integers(0, 999),
        phrase=st.text(st.characters(codec="utf-8"), min_size=1).map(lambda t: t.strip() or "x"),
    )
    def test_round_trip_to_the_last_bit(self, seed, phrase):
        phrase = "".join(phrase.split()) or "x"
        generator = torch.Generator().manual_seed(seed)
        boxes = torch.rand(2, 2, 2, generator=generator).sort(1).values.flatten(1) * torch.tensor([40.0, 10, 40, 10])
        scores = torch.rand(2, generator=generator)
        found = a_result(boxes=boxes.tolist(), phrases=(phrase, "mug"), asked=(phrase, "mug"), scores=scores)
        again = Grounded.from_json(found.as_json())
        assert torch.equal(again.boxes, boxes)
        assert torch.equal(again.scores, scores)
        assert (again.phrases, again.asked, again.masks, again.name) == (
            found.phrases,
            found.asked,
            found.masks,
            "a.png",
        )
        assert again.as_json() == found.as_json()

    def test_short_numbers_and_one_line(self):
        text = a_result(boxes=[[0.1, 0.2, 0.3, 0.4]] * 2).as_json()
        assert json.loads(text)["boxes"][0] == [0.1, 0.2, 0.3, 0.4]
        assert "\n" not in text

    def test_nothing_found(self):
        found = a_result(boxes=(), phrases=())
        assert Grounded.from_json(found.as_json()).boxes.shape == (0, 4)

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("boxes", [[1, 2, 3]] * 2, "boxes: expected four numbers each"),
            ("boxes", [[1, 2, 3, "4"]] * 2, "boxes: expected four numbers each"),
            ("boxes", 3, "boxes: expected a list"),
            ("scores", [True, 0.5], "scores: expected numbers"),
            ("image_hw", [10], r"image_hw: expected \[height, width\]"),
            ("name", "", "name: expected a text"),
            ("asked", [3], "asked: expected texts"),
            ("masks", ["x", "y"], "masks: expected run lengths"),
            (
                "masks",
                [{**MASK, "counts": [3, 4]}] * 2,
                "segmentation: expected counts .* add up to 400",
            ),
            ("scores", [0.5], "scores: expected as many rows as boxes"),
        ],
    )
    def test_what_is_malformed(self, key, value, message, unhooked):
        entry = {**a_result().as_dict(), key: value}
        with pytest.raises(ValueError, match=f"photos.json: {message}"):
            Grounded.from_dict(entry, "photos.json")
        with pytest.raises(ValueError, match="expected the keys"):
            Grounded.from_dict({name: value for name, value in entry.items() if name != key})

    @pytest.mark.parametrize("text", ["", "[", "3", '{"name": NaN}'])
    def test_no_json(self, text):
        with pytest.raises(ValueError, match="grounded: .*xpect"):
            Grounded.from_json(text)


class TestToCoco:
    @pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # pycocotools with numpy 2
    def test_pycocotools_reads_it_and_areas_agree(self, tmp_path, capsys):
        from pycocotools.coco import COCO

        results = [
            a_result(),
            a_result(name="b.png", boxes=[[3.5, 1, 9.25, 7]], phrases=("cat",)),
            a_result((), (), name="c.png"),
        ]
        write_coco(to_coco(results), tmp_path / "found.json")
        theirs = COCO(tmp_path / "found.json")
        assert {entry["name"] for entry in theirs.loadCats(theirs.getCatIds())} == {"mug", "plate", "cat"}
        assert len(theirs.getImgIds()) == 3
        for annotation in theirs.loadAnns(theirs.getAnnIds()):
            assert annotation["area"] == theirs.annToMask(annotation).sum() == 100
        (cat,) = theirs.loadAnns(theirs.getAnnIds(catIds=theirs.getCatIds(["cat"])))
        assert (cat["bbox"], cat["score"], cat["image_id"]) == ([3.5, 1, 5.75, 6], 0.9, 2)
        capsys.readouterr()

    def test_our_reader_reads_it(self, tmp_path):
        file = to_coco([a_result()])
        write_coco(file, tmp_path / "found.json")
        assert read_coco(tmp_path / "found.json") == file
        assert file.images[0].absent == ("cat",)

    def test_a_picture_twice(self):
        with pytest.raises(ValueError, match="results: expected each picture once, got 'a.png' 2 times"):
            to_coco([a_result(), a_result()])


class TestDraw:
    @pytest.mark.parametrize("n", [0, 2])
    def test_labels(self, n):
        found = a_result(phrases=("mug", "plate")[:n], boxes=((0.0, 0, 10, 10), (20.0, 0, 30, 10))[:n])
        figure = found.draw(torch.zeros(10, 40, 3), title="kitchen")
        assert [text.get_text() for text in figure.axes[0].texts] == ["mug 0.90", "plate 0.50"][:n]
