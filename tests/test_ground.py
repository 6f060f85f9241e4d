import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils import ground
from gk_utils.__main__ import main
from gk_utils.formats.coco import read_coco
from gk_utils.ground import Found, ground_file, ground_pictures, read_picture, save_picture
from gk_utils.protocols import Grounding


@pytest.fixture
def picture(tmp_path):
    """A small picture file."""
    path = tmp_path / "kitchen.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(48, 64, 3), dtype=np.uint8)).save(path)
    return path


class TestReadPicture:
    def test_pixels_as_they_are(self, picture):
        expected = np.random.default_rng(0).integers(256, size=(48, 64, 3), dtype=np.uint8)
        assert np.array_equal(read_picture(picture), expected)

    def test_grey_and_transparent(self, tmp_path):
        Image.new("L", (4, 2), 100).save(tmp_path / "grey.png")
        assert read_picture(tmp_path / "grey.png").tolist() == [[[100] * 3] * 4] * 2
        Image.new("RGBA", (1, 1), (0, 0, 0, 0)).save(tmp_path / "clear.png")
        assert read_picture(tmp_path / "clear.png").tolist() == [[[255] * 3]]

    def test_sixteen_bits(self, tmp_path):
        Image.fromarray(np.full((2, 2), 128 * 257, dtype=np.uint16)).save(tmp_path / "deep.png")
        assert read_picture(tmp_path / "deep.png").tolist() == [[[128] * 3] * 2] * 2

    def test_turned_as_exif_says(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held upright
        Image.new("RGB", (40, 20), "red").save(tmp_path / "upright.jpg", exif=exif)
        assert read_picture(tmp_path / "upright.jpg").shape == (40, 20, 3)

    def test_a_hundred_megapixels_are_not_decoded(self, tmp_path, monkeypatch):
        Image.new("1", (10_000, 10_000)).save(tmp_path / "huge.png")
        monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
        with pytest.raises(ValueError, match=r"IMAGE: expected at most 50 megapixels, got 100 in .*huge\.png"):
            read_picture(tmp_path / "huge.png")
        assert Image.MAX_IMAGE_PIXELS is not None  # Pillow's own guard is back

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"hello", "expected a picture"), (b"", "expected a picture"), (None, "expected a file")],
    )
    def test_no_picture(self, tmp_path, content, message):
        path = tmp_path / "no.png"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"IMAGE: {message}, got .*no\.png"):
            read_picture(path)

    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
    def test_a_picture_cut_short(self, tmp_path, picture, share):
        content = picture.read_bytes()
        (tmp_path / "cut.png").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r"IMAGE: expected a picture, got .*cut\.png"):
            read_picture(tmp_path / "cut.png")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ValueError, match="IMAGE: expected a file"):
            read_picture(tmp_path)


def found(absent: bool = False) -> Found:
    boxes = torch.tensor([[1.0, 2.0, 30.126, 40.0], [5.0, 5.0, 9.0, 9.0]])[: 0 if absent else 2]
    grounding = Grounding(boxes, torch.tensor([0.75, 0.25])[: len(boxes)], "the mug", absent, (48, 64))
    return Found("kitchen.png", np.zeros((48, 64, 3), np.uint8), grounding, "mini", "trunk")


class TestFound:
    def test_json(self):
        assert json.loads(found().as_json()) == {
            **{"image": "kitchen.png", "image_hw": [48, 64], "phrase": "the mug", "tier": "mini", "model": "trunk"},
            **{"boxes": [[1.0, 2.0, 30.13, 40.0], [5.0, 5.0, 9.0, 9.0]], "scores": [0.75, 0.25], "absent": False},
        }

    def test_text(self):
        assert found().as_text().splitlines() == [
            "kitchen.png (48 x 64), 'the mug', mini model trunk: x1 y1 x2 y2 in pixels, best first",
            "  [1, 2, 30, 40]  score 0.75",
            "  [5, 5, 9, 9]  score 0.25",
        ]
        assert found(absent=True).as_text().endswith("there is no such thing")


class TestGroundFile:
    def test_answers_in_the_pictures_pixels(self, picture):
        answer = ground_file(picture, "the red mug")
        assert answer.grounding.image_hw == (48, 64)
        assert answer.model in ("trunk", "trunk_small")

    @pytest.mark.parametrize("phrase", ["", "  ", "?!"])
    def test_no_words(self, picture, phrase):
        with pytest.raises(ValueError, match=r"(?i)phrase: expected .*words, got"):
            ground_file(picture, phrase)

    def test_a_device_that_is_not_there(self, picture):
        with pytest.raises(ValueError, match="device: expected one that is here, got 'nonsense'"):
            ground_file(picture, "mug", device="nonsense")


@pytest.fixture
def folder(tmp_path, picture):
    """A folder with two pictures and a broken one."""
    root = tmp_path / "photos"
    root.mkdir()
    for name in ("a.png", "b.png"):
        (root / name).write_bytes(picture.read_bytes())
    (root / "broken.jpg").write_text("hello")
    return root


class TestGroundPictures:
    def test_all_phrases_in_all_pictures(self, folder, tmp_path):
        result = ground_pictures(str(folder), "mug; the red plate ;; mug", str(tmp_path / "out.json"))
        assert [one.asked for one in result.results] == [("mug", "the red plate")] * 2
        assert [one.image_hw for one in result.results] == [(48, 64)] * 2
        assert [name for name, _ in result.broken] == ["broken.jpg"]

    @pytest.mark.parametrize("phrases", ["", " ; "])
    def test_no_words(self, folder, tmp_path, phrases):
        with pytest.raises(ValueError, match="PHRASE: expected words, got none"):
            ground_pictures(str(folder), phrases, str(tmp_path / "out.json"))


class TestSavePicture:
    @pytest.mark.parametrize("absent", [False, True])
    def test_a_picture_comes_out(self, tmp_path, absent):
        save_picture(found(absent), tmp_path / "out.png")
        with Image.open(tmp_path / "out.png") as picture:
            assert picture.width > 200

    def test_another_ending(self, tmp_path):
        with pytest.raises(ValueError, match=r"--save: expected a name that ends in .png"):
            save_picture(found(), tmp_path / "out.jpg")

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(OSError, match="nowhere"):
            save_picture(found(), tmp_path / "nowhere" / "out.png")


class TestCommand:
    def test_prints_one_json_object_and_saves(self, picture, tmp_path, capsys):
        assert main(["ground", str(picture), "the red mug", "--json", "--save", str(tmp_path / "out.png")]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert set(printed) == {"image", "image_hw", "phrase", "tier", "model", "boxes", "scores", "absent"}
        assert (tmp_path / "out.png").is_file()

    @pytest.mark.parametrize("case", ["file", "text", "phrase", "huge", "ending"])
    def test_bad_input_is_one_line_and_status_2(self, picture, tmp_path, capsys, monkeypatch, case):
        monkeypatch.setattr(ground, "MOST_PIXELS", 3000 if case == "huge" else 10**6)
        (tmp_path / "no.png").write_text("hello")
        arguments = {
            "file": [str(tmp_path / "none.png"), "mug"],
            "text": [str(tmp_path / "no.png"), "mug"],
            "phrase": [str(picture), ""],
            "huge": [str(picture), "mug"],
            "ending": [str(picture), "mug", "--save", str(tmp_path / "out.gif")],
        }[case]
        with warnings.catch_warnings(), pytest.raises(SystemExit) as stopped:
            main(["ground", *arguments])
        printed = capsys.readouterr()
        assert stopped.value.code == 2
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1
        assert "expected" in printed.err
        assert not (tmp_path / "out.gif").exists()

    def test_a_folder(self, folder, tmp_path, capsys):
        out, coco = tmp_path / "out.json", tmp_path / "coco.json"
        assert main(["ground", str(folder), "mug; plate", "--out", str(out), "--coco", str(coco)]) == 0
        printed = capsys.readouterr()
        assert "2 pictures, " in printed.out
        assert "1 could not be read:\n  broken.jpg: IMAGE: expected a picture" in printed.out
        assert "3/3" in printed.err  # the progress bar
        assert [image.file_name for image in read_coco(coco).images] == ["a.png", "b.png"]
        assert main(["ground", str(folder), "mug; plate", "--out", str(out), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["pictures"] == 2

    @pytest.mark.parametrize("options", [[], ["--save", "a.png", "--out", "o.json"], ["--out", "nowhere/o.json"]])
    def test_a_folder_without_a_file_to_write(self, folder, capsys, options):
        with pytest.raises(SystemExit) as stopped:
            main(["ground", str(folder), "mug", *options])
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_coco_of_one_picture(self, picture, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(["ground", str(picture), "mug", "--coco", "c.json"])
        assert stopped.value.code == 2
        assert "--coco: expected a folder" in capsys.readouterr().err
