import torch
from torch.testing import assert_close

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scenes
from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase, as_sure
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.protocols import Detector, Grounding


class Three:
    """A grounder that finds three boxes for each phrase but one."""

    def ground(self, image, phrase):
        n = 0 if phrase == "unicorn" else 3
        boxes = torch.tensor([[0.0, 0, 4, 4], [1.0, 0, 5, 4], [2.0, 0, 6, 4]])[:n]
        return Grounding(boxes, torch.tensor([0.8, 0.5, 0.1])[:n], phrase, n == 0, (10, 40))


class TestPhraseByPhrase:
    def test_boxes_that_are_nearly_as_sure(self):
        detector = PhraseByPhrase(Three())
        assert isinstance(detector, Detector)
        found = detector.detect(torch.zeros(3, 10, 40), ["mug", "unicorn", "cat"])
        assert found.phrases == ("mug", "mug", "cat", "cat")
        assert found.scores.tolist() == torch.tensor([0.8, 0.5, 0.8, 0.5]).tolist()
        assert found.boxes[:, 0].tolist() == [0, 1, 0, 1]

    def test_nothing(self):
        assert len(PhraseByPhrase(Three()).detect(torch.zeros(3, 10, 40), ["unicorn"])) == 0

    def test_all_at_once_is_the_same_as_one_by_one(self):
        grounder = load_grounder()[0]
        images = list(render(draw_scenes(range(3), n=5), (128, 160)).images)
        phrases = [["mug", "the leftmost plate"], [], ["apple", "unicorn", "red mug"]]
        for found, image, each in zip(
            PhraseByPhrase(grounder).detect_batch(images, phrases), images, phrases, strict=True
        ):
            alone = PhraseByPhrase(OneByOne(grounder)).detect(image, each)
            assert found.phrases == alone.phrases
            assert found.image_hw == (128, 160)
            assert_close(found.boxes, alone.boxes, atol=1e-2, rtol=0)
            assert_close(found.scores, alone.scores, atol=1e-4, rtol=0)


class OneByOne:
    """A grounder that offers nothing but `ground`."""

    def __init__(self, grounder):
        self.grounder = grounder

    def ground(self, image, phrase):
        return self.grounder.ground(image, phrase)


class TestAsSure:
    def test_none(self):
        assert as_sure(torch.zeros(0)).tolist() == []
