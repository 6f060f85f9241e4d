import importlib.util
import re

import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils import photos
from gk_utils.formats.coco import read_coco
from gk_utils.photos import LABELS, load, names

README = LABELS.parents[1] / "README.md"


@pytest.fixture(scope="module", params=names())
def photo(request):
    return load(request.param)


class TestNames:
    def test_enough_to_learn_from(self):
        every = [load(name) for name in names()]
        assert len(every) >= 6
        assert sum(len(one.boxes) for one in every) >= 80
        assert sum(mask is not None for one in every for mask in one.masks) >= 24

    def test_the_readme_counts_the_same(self):
        rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \| (\d+) \| (\d+) \|$", README.read_text("utf-8"), re.MULTILINE)
        found = {name: (len(load(name).boxes), sum(map(len, load(name).phrases))) for name in names()}
        masks = {name: sum(mask is not None for mask in load(name).masks) for name in names()}
        assert {name: (int(n), int(m)) for name, n, m, _ in rows} == found
        assert {name: int(k) for name, _, _, k in rows} == masks


class TestLoad:
    def test_by_hand(self):
        photo = load("coffee")
        assert photo.image_hw == (400, 600)
        assert photo.image[0, 0].tolist() == [21, 13, 8]
        assert photo.boxes[photo.index("the cup")].tolist() == [172, 17, 409, 308]
        assert photo.absent[0] == "the blue cup"
        assert photo.licence.startswith("CC0 1.0. ")

    def test_picture(self, photo):
        assert photo.image.shape == (*photo.image_hw, 3)
        assert photo.image.dtype == np.uint8
        assert photo.image.flags.writeable
        assert photo.source
        assert photo.licence

    def test_every_box_is_inside_its_picture_and_has_an_area(self, photo):
        height, width = photo.image_hw
        assert photo.boxes.dtype == torch.float32
        assert len(photo.boxes) == len(photo.categories) == len(photo.phrases) == len(photo.masks)
        assert (photo.boxes[:, :2] >= 0).all()
        assert (photo.boxes[:, 2:] <= torch.tensor([width, height])).all()
        assert (photo.boxes[:, 2:] - photo.boxes[:, :2] >= 10).all()
        assert len({tuple(box) for box in photo.boxes.tolist()}) == len(photo.boxes)

    def test_a_phrase_picks_out_one_object(self, photo):
        every = [phrase for phrases in photo.phrases for phrase in phrases] + list(photo.absent)
        assert all(photo.phrases)
        assert photo.absent
        assert len(set(every)) == len(every)
        for phrase in every:
            assert re.fullmatch(r"(the|her) [A-Za-z' ,-]+", phrase)

    def test_a_mask_fills_its_box(self, photo):
        (entry,) = [image for image in read_coco(LABELS).images if image.extra["name"] == photo.name]
        for box, mask, item in zip(photo.boxes, photo.masks, entry.objects, strict=True):
            if mask is None:
                assert item.area == (box[2] - box[0]) * (box[3] - box[1])
                continue
            rows, columns = mask.nonzero().unbind(-1)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert item.area == mask.sum()

    def test_counts(self, photo):
        assert photo.counts
        for category, count in photo.counts.items():
            assert photo.categories.count(category) == count

    def test_coins(self):
        photo = load("coins")
        assert photo.counts == {"coin": 24}
        masks = torch.stack(photo.masks)
        assert masks.sum(0).max() == 1  # no two touch
        assert masks.flatten(1).sum(1).argmax() == photo.index("the largest coin")

    def test_coin_masks_are_what_a_threshold_gives(self):
        from scipy import ndimage
        from skimage.filters import threshold_local

        photo = load("coins")
        grey = photo.image[:, :, 0]
        bright = ndimage.binary_fill_holes(grey > threshold_local(grey, 101, offset=-8))
        bright = ndimage.binary_opening(bright, np.ones((3, 3)))
        labels, count = ndimage.label(bright)
        large = [labels == i for i in range(1, count + 1) if (labels == i).sum() > 300]
        assert len(large) == 24
        ours = torch.stack(photo.masks).any(0).numpy()
        theirs = np.any(large, axis=0)
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.99

    def test_disparity_tells_near_from_far(self):
        photo = load("motorcycle")
        assert photo.disparity.shape == photo.image_hw
        assert not photo.disparity.isinf().any()
        assert 0 < photo.disparity.isnan().float().mean() < 0.1

        def middle(phrase):
            x1, y1, x2, y2 = photo.boxes[photo.index(phrase)].int().tolist()
            return photo.disparity[y1:y2, x1:x2].nanmedian()

        near_to_far = ["the headlight", "the fuel tank", "the wooden bench", "the yellow bottle on the shelf"]
        values = [middle(phrase) for phrase in near_to_far]
        assert values == sorted(values, reverse=True)
        assert load("coffee").disparity is None

    def test_every_call_gives_its_own_arrays(self):
        first = load("chelsea")
        first.image[:] = 0
        first.boxes.zero_()
        first.counts.clear()
        second = load("chelsea")
        assert second.image.any()
        assert second.boxes.any()
        assert second.counts["eye"] == 2

    def test_error_unknown_name(self):
        with pytest.raises(ValueError, match=r"name: expected one of 'coffee', 'astronaut', .*, got 'tea'"):
            load("tea")

    def test_error_without_scikit_image(self, monkeypatch):
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        with pytest.raises(ModuleNotFoundError, match="pip install scikit-image"):
            load("coffee")

    def test_error_without_the_picture(self, monkeypatch, tmp_path):
        class Spec:
            origin = str(tmp_path / "__init__.py")

        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: Spec)
        with pytest.raises(FileNotFoundError, match=r"coffee\.png: expected it in"):
            load("coffee")

    def test_error_another_picture(self, monkeypatch, tmp_path):
        image = load("coffee").image
        image[0, 0, 0] += 1
        Image.fromarray(image).save(tmp_path / "coffee.png")
        monkeypatch.setattr(photos, "_picture", lambda file_name: tmp_path / file_name)
        with pytest.raises(ValueError, match=r"coffee: expected the picture that was labelled .*0ce2b51640b9"):
            load("coffee")

    def test_the_same_pixels_in_another_file_pass(self, monkeypatch, tmp_path):
        Image.fromarray(load("coffee").image).save(tmp_path / "coffee.png", compress_level=1)
        monkeypatch.setattr(photos, "_picture", lambda file_name: tmp_path / file_name)
        assert load("coffee").image_hw == (400, 600)


class TestIndex:
    def test_every_phrase(self, photo):
        for i, phrases in enumerate(photo.phrases):
            assert [photo.index(phrase) for phrase in phrases] == [i] * len(phrases)

    def test_error_text(self):
        with pytest.raises(ValueError, match=r"phrase: expected one of 'the cat', .*, got 'the dog'"):
            load("chelsea").index("the dog")
