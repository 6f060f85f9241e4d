import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils.counting.count_exports import HW, export_carpk, export_countbench, export_fsc147, name_picture
from gk_utils.counting.counting_scenes import draw_counting_scene, render_counting
from gk_utils.formats.carpk import read_carpk
from gk_utils.formats.countbench import read_countbench
from gk_utils.formats.fsc147 import read_fsc147


@pytest.fixture(scope="module")
def scenes():
    """Few and many, one category and two."""
    return [
        draw_counting_scene(seed, n=n, category=category)
        for seed, (n, category) in enumerate([(2, "apple"), (9, "mug"), (4, "apple")])
    ]


class TestExportFsc147:
    def test_reads_back_as_written(self, scenes, tmp_path):
        written = export_fsc147(scenes, tmp_path, "test")
        assert read_fsc147(tmp_path) == written
        assert [image.category for image in written.images] == ["apples", "mugs", "apples"]
        assert all(image.split == "test" and image.image_hw == HW for image in written.images)
        assert [len(image.boxes) for image in written.images] == [2, 3, 3]

    def test_points_lie_in_the_boxes_of_what_can_be_seen(self, scenes, tmp_path):
        image = export_fsc147(scenes[1:2], tmp_path).images[0]
        painted = render_counting(scenes[1:2], HW)
        seen = painted.boxes[0, list(scenes[1].select())].double()
        assert torch.equal(image.points_xy, (seen[:, :2] + seen[:, 2:]) / 2)
        with Image.open(tmp_path / "images" / image.name) as picture:
            assert np.abs(np.asarray(picture) / 255.0 - painted.images[0].movedim(0, -1).numpy()).max() < 0.003


class TestExportCarpk:
    def test_reads_back_as_written(self, scenes, tmp_path):
        written = export_carpk(scenes, tmp_path)
        assert read_carpk(tmp_path, HW) == written
        assert [image.count for image in written.of("test")] == [scene.count() for scene in scenes]
        assert all((tmp_path / "Images" / f"{image.name}.png").is_file() for image in written.images)


class TestExportCountbench:
    def test_reads_back_as_written(self, scenes, tmp_path):
        written = export_countbench(scenes, tmp_path)
        assert read_countbench(tmp_path / "CountBench.json") == written
        assert [item.text.split()[0] for item in written] == ["Two", "Nine", "Four"]
        assert all((tmp_path / item.image_url).is_file() for item in written)

    def test_a_scene_with_another_number(self, tmp_path):
        with pytest.raises(ValueError, match=r"^scenes: expected 2 to 10 apples that can be seen, got 1 .* seed 5"):
            export_countbench([draw_counting_scene(5, n=1, category="apple")], tmp_path)
        assert not (tmp_path / "CountBench.json").exists()


class TestNamePicture:
    def test_one_scene_twice(self, scenes, tmp_path):
        assert name_picture(scenes[1]) == "mug_1.png"
        with pytest.raises(ValueError, match=r"^scenes: expected a seed of its own .* \['mug_1.png'\]"):
            export_carpk([scenes[1]] * 2, tmp_path)
