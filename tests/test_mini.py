import pytest
import torch

from gk_utils.grounded_sam.mini import MiniDetector, load_detector, load_pipeline
from gk_utils.grounding_dino.mini_dino import build_mini
from gk_utils.protocols import Detector


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    sizes = {"words": ["mug", "cat", "red"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    built = build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 1}).eval()
    built.absent_below = 0.001
    return built


class TestMiniDetector:
    def test_together_as_one_by_one(self, mini):
        detector = MiniDetector(mini)
        assert isinstance(detector, Detector)
        images = [torch.rand(3, *hw, generator=torch.Generator().manual_seed(1)) for hw in ((48, 64), (90, 30))]
        asked = [["mug", "red cat"], ["cat"]]
        for found, image, phrases in zip(detector.detect_batch(images, asked), images, asked, strict=True):
            alone = [mini.ground(image, phrase) for phrase in phrases]
            kept = [one[one.scores >= 0.5 * one.scores[0]] for one in alone]
            torch.testing.assert_close(found.boxes, torch.cat([one.boxes for one in kept]), atol=1e-3, rtol=1e-4)
            torch.testing.assert_close(found.scores, torch.cat([one.scores for one in kept]))
            assert found.phrases == tuple(p for p, one in zip(phrases, kept, strict=True) for _ in range(len(one)))
            assert found.image_hw == tuple(image.shape[1:])

    def test_more_prompts_than_go_at_once(self, mini, monkeypatch):
        monkeypatch.setattr("gk_utils.grounded_sam.mini.PROMPTS", 2)
        image = torch.rand(3, 48, 64)
        assert set(MiniDetector(mini).detect(image, ["mug", "cat", "red mug"]).phrases) == {"mug", "cat", "red mug"}

    @pytest.mark.parametrize("phrase", ["?!", "", "a. b"])
    def test_no_words(self, mini, phrase):
        with pytest.raises(ValueError, match="phrases: expected words"):
            MiniDetector(mini).detect(torch.rand(3, 48, 64), [phrase])


class TestLoadDetector:
    def test_a_trunk_on_request(self):
        from gk_utils.checkpoints import SHIPPED

        assert load_detector(SHIPPED / "trunk_small")[1] == "trunk_small"
        with pytest.raises(FileNotFoundError):
            load_detector("nowhere")

    def test_the_small_dino_on_request(self):
        from gk_utils.checkpoints import SHIPPED

        detector, name = load_detector(SHIPPED / "grounding_dino_small")
        assert (type(detector), name) == (MiniDetector, "grounding_dino_small")


class TestLoadPipeline:
    def test_finds_things(self):
        from gk_utils.countertop.render import render
        from gk_utils.countertop.scene import draw_scene

        scene = draw_scene(3, n=4)
        pipeline, name = load_pipeline()
        (found,) = pipeline(list(render([scene], (256, 256)).images), ["bottle", "apple", "banana"])
        assert " + " in name
        assert found.phrases
