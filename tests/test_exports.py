import os
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils.countertop.exports import (
    export_coco,
    export_fsc147,
    export_refcoco,
    name_picture,
    to_bytes,
    write_pictures,
)
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.splits import read_split
from gk_utils.countertop.things import CATEGORIES
from gk_utils.formats.coco import read_coco
from gk_utils.formats.fsc147 import read_fsc147
from gk_utils.formats.refcoco import read_refcoco
from gk_utils.formats.rle import decode_mask

VAL, TEST_A, TEST_B = (read_split(name)[:16] for name in ("val", "testA", "testB"))
SEEDS = list(dict.fromkeys(sample.seed for sample in VAL))


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """The folder, and what export_coco returned for VAL."""
    folder = tmp_path_factory.mktemp("coco")
    return folder, export_coco(VAL, folder)


class TestNamePicture:
    def test_by_hand(self):
        assert name_picture(draw_scene(2**40 + 1, n=1)) == "countertop_1099511627777.png"


class TestToBytes:
    def test_by_hand(self):
        image = torch.tensor([[[0.0, 1.0]], [[0.5, 0.002]], [[0.0019, 0.25]]])
        assert to_bytes(image).tolist() == [[[0, 128, 0], [255, 1, 64]]]

    def test_a_batch(self):
        images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
        assert to_bytes(images).shape == (2, 4, 5, 3)
        assert torch.equal(to_bytes(images)[1], to_bytes(images[1]))


class TestWritePictures:
    def test_pixel_by_pixel(self, tmp_path):
        scenes = [draw_scene(seed, n=3) for seed in (4, 5, 4)]
        pictures = list(write_pictures(scenes, tmp_path, (64, 96)))
        assert [picture.scene.seed for picture in pictures] == [4, 5]
        rendered = render(scenes[:2], (64, 96))
        for row, picture in enumerate(pictures):
            with Image.open(tmp_path / "images" / picture.name) as file:
                assert (file.format, file.mode, file.size) == ("PNG", "RGB", (96, 64))
                assert np.array_equal(np.array(file), to_bytes(rendered.images[row]).numpy())
            assert torch.equal(picture.masks, rendered.masks[row])
            assert torch.equal(picture.boxes, rendered.boxes[row])
            assert picture.seen == (0, 1, 2)

    def test_no_half_file(self, tmp_path, monkeypatch):
        def fail(number):
            raise OSError("disk full")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="disk full"):
            list(write_pictures([draw_scene(1, n=1)], tmp_path, (32, 32)))
        assert list((tmp_path / "images").iterdir()) == []

    def test_nothing(self, tmp_path):
        assert list(write_pictures([], tmp_path, (32, 32))) == []


class TestExportCoco:
    def test_reads_back_equal(self, coco):
        folder, written = coco
        assert read_coco(folder / "instances.json") == written
        assert [image.extra["seed"] for image in written.images] == SEEDS
        assert [entry["name"] for entry in written.categories] == list(CATEGORIES)

    def test_boxes_and_masks_are_a_new_renders(self, coco):
        for image in coco[1].images:
            scene = next(sample.scene for sample in VAL if sample.seed == image.extra["seed"])
            rendered = render([scene])
            indices = [item.id - 100 * image.id for item in image.objects]
            assert indices == [index for index in range(len(scene)) if rendered.masks[0, index].any()]
            torch.testing.assert_close(image.boxes.float(), rendered.boxes[0, indices])
            for index, item in zip(indices, image.objects, strict=True):
                assert item.category == scene.things[index].category
                assert torch.equal(decode_mask(item.segmentation, image.image_hw), rendered.masks[0, index])
                assert item.area == rendered.masks[0, index].sum()

    def test_every_expression_is_there_once(self, coco):
        images = coco[1].images
        said = [(image.extra["seed"], text) for image in images for item in image.objects for text in item.phrases]
        absent = [(image.extra["seed"], text) for image in images for text in image.absent]
        assert Counter(said) == Counter((sample.seed, sample.text) for sample in VAL if sample.box)
        assert Counter(absent) == Counter((sample.seed, sample.text) for sample in VAL if not sample.box)
        assert absent

    def test_boxes_are_those_of_the_samples(self, coco):
        found = {
            (image.extra["seed"], text): tuple(box)
            for image in coco[1].images
            for item, box in zip(image.objects, image.boxes.tolist(), strict=True)
            for text in item.phrases
        }
        assert found == {(sample.seed, sample.text): sample.box for sample in VAL if sample.box}

    def test_a_picture_for_every_image_and_nothing_else(self, coco):
        folder, written = coco
        names = {path.name for path in (folder / "images").iterdir()}
        assert names == {image.file_name for image in written.images}
        assert {path.name for path in folder.iterdir()} == {"images", "instances.json"}

    def test_interrupted_before_its_end_there_is_no_annotation(self, tmp_path, monkeypatch):
        monkeypatch.setattr("gk_utils.countertop.exports.encode_mask", lambda mask: {"size": [1, 1], "counts": "1"})
        with pytest.raises(ValueError, match="segmentation: expected polygons, or run lengths of the image's size"):
            export_coco(VAL[:3], tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["images"]


class TestExportRefcoco:
    @pytest.mark.parametrize("form", ["pickle", "json"])
    @pytest.mark.parametrize("dataset", ["refcoco", "refcoco+", "refcocog"])
    def test_reads_back_equal(self, dataset, form, tmp_path):
        partition = "umd" if dataset == "refcocog" else "unc"
        written = export_refcoco(VAL, tmp_path, dataset, form)
        assert read_refcoco(tmp_path, dataset, partition) == written
        ending = "p" if form == "pickle" else "json"
        assert {path.name for path in tmp_path.iterdir()} == {"images", "instances.json", f"refs({partition}).{ending}"}
        chosen = [sample for sample in VAL if sample.dialect == dataset]
        said = {(ref.image_file_name, e.text): ref for ref in written.refs for e in ref.expressions}
        found = {key: tuple(ref.box.tolist()) for key, ref in said.items()}
        assert found == {(name_picture(sample.scene), sample.text): sample.box for sample in chosen if sample.box}
        absent = [text for image in written.instances.images for text in image.absent]
        assert Counter(absent) == Counter(sample.text for sample in chosen if not sample.box)

    def test_as_lesson_02_reads_it(self, tmp_path):
        """One folder, the defaults, the pictures beside the refs; each ref names a thing and its distractors."""
        export_refcoco(VAL, tmp_path)
        data = read_refcoco(tmp_path, "refcoco", "unc")
        assert data.counts()["val"] == (
            len(data.refs),
            sum(sample.dialect == "refcoco" for sample in VAL if sample.box),
        )
        for ref in data.refs:
            with Image.open(tmp_path / "images" / ref.image_file_name) as picture:
                assert picture.size[::-1] == ref.image_hw == (128, 128)
        assert len(data.instances.images) < len([item for image in data.instances.images for item in image.objects])

    def test_one_ref_a_thing_with_types_and_tokens(self, tmp_path):
        samples = [sample for split in (VAL, TEST_A, TEST_B) for sample in split if sample.dialect == "refcocog"]
        written = export_refcoco(samples, tmp_path, "refcocog")
        assert len({ref.ann_id for ref in written.refs}) == len(written.refs)
        assert max(len(ref.expressions) for ref in written.refs) >= 2
        for ref in written.refs:
            for expression in ref.expressions:
                (sample,) = [
                    sample
                    for sample in samples
                    if (name_picture(sample.scene), sample.text) == (ref.image_file_name, expression.text)
                ]
                assert expression.extra == {"type": sample.type}
                assert expression.tokens == tuple(sample.text.split())
                assert ref.split == {"val": "val", "testA": "test", "testB": "test"}[sample.split]
                assert sample.scene.things[sample.referent].category == ref.category

    def test_split_names_of_unc(self, tmp_path):
        counts = export_refcoco([*VAL, *TEST_A, *TEST_B], tmp_path, "refcoco").counts()
        assert counts.pop("train") == (0, 0)
        assert [n > 0 for n, _ in counts.values()] == [True, True, True]

    def test_error_text(self, tmp_path, unhooked):
        with pytest.raises(
            ValueError, match=r"dataset: expected one of 'refcoco', 'refcoco\+', 'refcocog', got 'gref'"
        ):
            export_refcoco(VAL, tmp_path, "gref")
        with pytest.raises(ValueError, match="form: expected one of 'pickle', 'json', got 'csv'"):
            export_refcoco(VAL[:1], tmp_path, form="csv")

    def test_an_export_that_fails_leaves_the_old_refs(self, tmp_path, monkeypatch):
        export_refcoco(VAL[:6], tmp_path, form="json")
        before = (tmp_path / "refs(unc).json").read_bytes()
        monkeypatch.setattr("gk_utils.countertop.exports.words", lambda text: [])
        with pytest.raises(ValueError, match=r"refs\(unc\).json: .*tokens: expected a list of words, not empty"):
            export_refcoco(VAL, tmp_path, form="json")
        assert (tmp_path / "refs(unc).json").read_bytes() == before
        assert not list(tmp_path.rglob("*.part"))


class TestExportFsc147:
    def test_reads_back_equal(self, tmp_path):
        scenes = [draw_scene(seed, n=n, categories=["apple", "mug"]) for seed, n in ((1, 6), (2, 12), (3, 2))]
        written = export_fsc147(scenes, tmp_path, "apple", "test")
        assert read_fsc147(tmp_path) == written
        rendered = render(scenes, (384, 384))
        for row, (scene, image) in enumerate(zip(scenes, written.images, strict=True)):
            apples = list(scene.select(category="apple"))
            assert (image.count, image.category, image.split, image.image_hw) == (
                len(apples),
                "apples",
                "test",
                (384, 384),
            )
            boxes = rendered.boxes[row, apples].double()
            torch.testing.assert_close(image.points_xy, (boxes[:, :2] + boxes[:, 2:]) / 2)
            assert len(image.boxes) == min(3, len(apples))
            assert {tuple(box) for box in image.boxes.tolist()} <= {tuple(box) for box in boxes.tolist()}
            with Image.open(tmp_path / "images" / image.name) as picture:
                assert np.array_equal(np.array(picture), to_bytes(rendered.images[row]).numpy())

    def test_none_of_them(self, tmp_path):
        scene = draw_scene(0, n=2, categories=["mug"])
        (image,) = export_fsc147([scene], tmp_path, "apple").images
        assert (image.count, image.boxes.shape) == (0, (0, 4))

    def test_error_text(self, tmp_path):
        with pytest.raises(ValueError, match="category: expected one of 'mug'"):
            export_fsc147([Scene(())], tmp_path, "pear")
