import torch

from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase, as_sure
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


class TestAsSure:
    def test_none(self):
        assert as_sure(torch.zeros(0)).tolist() == []
