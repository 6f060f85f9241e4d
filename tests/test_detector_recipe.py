import pytest
import torch

from gk_utils.box_tokens import detector_recipe
from gk_utils.box_tokens.detector import patch_features
from gk_utils.box_tokens.detector_recipe import build, draw, evaluate, look, loss, objects_of, scenes_of
from gk_utils.box_tokens.object_sequence import Pix2SeqObjects
from gk_utils.countertop.dataset import read_split
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of
from gk_utils.models.trunk_recipe import owners
from gk_utils.training import RECIPES

SETTINGS = {
    **{"trunk": "trunk_small", "pool": 2, "scenes": 3, "orders": 2},
    **{"objects": 10, "bins": 64, "width": 32, "heads": 2, "layers": 1, "inner": 64},
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """Each test starts without cached batches."""
    monkeypatch.setattr(detector_recipe, "_known", {})


class TestBuild:
    def test_fits_the_trunk(self):
        detector = build(SETTINGS)
        assert detector.settings.feature_width == frozen_trunk().settings.width
        assert (detector.settings.objects, detector.settings.bins) == (10, 64)

    def test_the_recipe_of_the_course(self):
        """It has room for every scene, and its weights stay small."""
        recipe = RECIPES["pix2seq"]
        detector = build(recipe.settings)
        assert detector.settings.objects >= max(map(len, scenes_of("val", 100)))
        assert 2 * sum(weight.numel() for weight in detector.parameters()) <= 2_500_000
        bytes_of_the_pool = recipe.settings["pool"] * recipe.settings["scenes"] * 64 * 128 * 2
        assert bytes_of_the_pool < 2.5e9


class TestDraw:
    def test_the_pool_comes_again_and_again(self):
        drawn = [draw(SETTINGS, 5, step) for step in range(5)]
        assert [one.number for one in drawn] == [0, 1, 0, 1, 0]
        assert [len(one.scenes) for one in drawn] == [3, 3, 0, 0, 0]
        assert drawn[0].scenes != drawn[1].scenes

    def test_another_seed_draws_other_scenes(self):
        assert draw(SETTINGS, 0, 0).scenes == draw(SETTINGS, 0, 0).scenes
        assert draw(SETTINGS, 0, 0).scenes != draw(SETTINGS, 1, 0).scenes

    def test_no_scene_of_a_frozen_split(self):
        assert max(scene.seed for scene in draw({**SETTINGS, "scenes": 50}, 0, 0).scenes) < 2**40


class TestLoss:
    def test_a_resumed_run_sees_the_same(self):
        """A batch that is not known is drawn and painted anew, with the same loss."""
        detector = build(SETTINGS)
        results = []
        for forget in (False, False, True):
            if forget:
                detector_recipe._known.clear()
            torch.manual_seed(3)
            step = 1 if not results else 3  # the second time round the scenes do not come with it
            results.append(loss(detector, draw(SETTINGS, 0, step), SETTINGS)["loss"].item())
        assert results[0] == results[1] == results[2]

    def test_paints_a_batch_once(self, monkeypatch):
        painted = []

        def counting(scenes, *rest):
            painted.append(len(scenes))
            return render(scenes, *rest)

        monkeypatch.setattr(detector_recipe, "render", counting)
        detector = build(SETTINGS)
        for step in range(4):
            loss(detector, draw(SETTINGS, 0, step), SETTINGS)
        assert painted == [3, 3]

    def test_order_and_noise_are_new_each_time(self):
        detector = build(SETTINGS)
        torch.manual_seed(0)
        first, second = (loss(detector, draw(SETTINGS, 0, 0), SETTINGS)["loss"].item() for _ in range(2))
        assert first != second

    def test_a_few_steps_lower_it(self):
        torch.manual_seed(0)
        detector = build(SETTINGS)
        optimizer = torch.optim.AdamW(detector.parameters(), 3e-3)
        values = []
        for step in range(30):
            result = loss(detector, draw(SETTINGS, 0, step), SETTINGS)
            optimizer.zero_grad()
            result["loss"].backward()
            optimizer.step()
            values.append(result["loss"].item())
        assert sum(values[-5:]) < 0.85 * sum(values[:5])


class TestLook:
    def test_features_and_truths(self):
        scenes = scenes_of("val", 3)
        trunk = frozen_trunk()
        pictures, rendered = look(scenes, "trunk_small"), render(scenes)
        with torch.no_grad():
            expected = patch_features(trunk, trunk.see(rendered.images))
        assert pictures.features.dtype == torch.float16
        assert torch.allclose(pictures.features.float(), expected, atol=5e-3)
        for boxes, expected in zip(pictures.boxes, objects_of(scenes, rendered)[0], strict=True):
            assert torch.equal(boxes, expected)


class TestObjectsOf:
    def rendered(self, visible: list[int], full: list[int]) -> Rendered:
        """One picture of 10 x 10 whose things fill so many pixels."""
        pixels = torch.arange(100).view(1, 1, 10, 10)
        masks, masks_full = (pixels < torch.tensor(counts).view(1, -1, 1, 1) for counts in (visible, full))
        boxes = torch.arange(4.0 * len(full)).view(1, -1, 4)
        ranks = torch.arange(len(full))[None]
        return Rendered(torch.zeros(1, 3, 10, 10), masks, masks_full, boxes, boxes, ranks, ranks >= 0)

    def test_a_quarter_is_the_border(self):
        """Of 40 pixels 11, 10 and 0 can be seen: the first counts alone, and the picture's padding never does."""
        scene = Scene(draw_scene(0, n=3).things, seed=0)
        boxes, labels = objects_of([scene], self.rendered([11, 10, 0, 0], [40, 40, 40, 0]))
        assert boxes[0].tolist() == [[0, 1, 2, 3]]
        assert labels[0].tolist() == [CATEGORIES.index(scene.things[0].category)]

    def test_the_same_things_as_the_trunk_learns(self):
        """What counts here owns a patch there, and nothing else does."""
        scenes = scenes_of("val", 8)
        rendered = render(scenes)
        owner = owners(rendered, (32, 32))  # so fine that no thing loses its last patch to another
        for number, boxes in enumerate(objects_of(scenes, rendered)[0]):
            owned = rendered.boxes[number, [index for index in owner[number].unique().tolist() if index >= 0]]
            assert torch.equal(boxes, owned)

    def test_a_scene_without_things(self):
        scenes = [Scene((), seed=0)]
        boxes, labels = objects_of(scenes, render(scenes))
        assert (boxes[0].shape, labels[0].shape) == ((0, 4), (0,))


class TestScenesOf:
    def test_each_scene_once(self):
        seeds = sorted({sample.seed for sample in read_split("testA")})
        assert [scene.seed for scene in scenes_of("testA", 20)] == seeds[:20]


class TestEvaluate:
    def test_the_truth_is_right_and_the_rest_is_not(self):
        """A detector that knows the pictures, and one that finds nothing."""
        detector = build(SETTINGS).eval()
        truth = look(scenes_of("val", 6), "trunk_small")
        known = [
            Pix2SeqObjects(*pair, torch.ones(len(pair[1])), (), False)
            for pair in zip(truth.boxes, truth.labels, strict=True)
        ]
        detector.detect = lambda features, image_hw: known
        result = evaluate(detector, SETTINGS, 6)
        assert {name: result[name] for name in ("split", "n", "ap", "ap50", "ap75")} == {
            **{"split": "val", "n": 6, "ap": 1.0, "ap50": 1.0, "ap75": 1.0}
        }
        assert result["trunk"] == weights_of("trunk_small")
        nothing = Pix2SeqObjects(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0), (), False)
        detector.detect = lambda features, image_hw: [nothing] * 6
        assert evaluate(detector, SETTINGS, 6)["ap50"] == 0.0

    def test_random_weights_find_nothing(self):
        torch.manual_seed(0)
        assert evaluate(build(SETTINGS).eval(), SETTINGS, 10)["ap50"] < 0.05
