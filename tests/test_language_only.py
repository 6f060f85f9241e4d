import pytest
import torch

from gk_utils.evaluate.language_only import LanguageOnly, language_only


class TestLanguageOnly:
    def test_learns_where_a_word_points(self):
        """Half the expressions say left and lie left: the words decide, and an unknown word says nothing."""
        left, right = [0.0, 0.2, 0.2, 0.6], [0.8, 0.2, 1.0, 0.6]
        texts = ["left mug", "right mug", "left cat", "right cat"] * 50
        learned = LanguageOnly(texts, torch.tensor([left, right] * 100))
        boxes = learned.boxes_unit(["left mug", "right cat", "zebra"])
        assert boxes[0].tolist() == pytest.approx(left, abs=0.05)
        assert boxes[1].tolist() == pytest.approx(right, abs=0.05)
        assert boxes[2].tolist() == pytest.approx([0.4, 0.2, 0.6, 0.6], abs=0.1)

    def test_boxes_are_boxes(self):
        """Corners in order and inside the picture, whatever the sum of the words gives."""
        learned = LanguageOnly(["a b", "a c"] * 9, torch.tensor([[0.9, 0.9, 1.0, 1.0], [0.0, 0.0, 0.1, 0.1]] * 9))
        boxes = learned.boxes_unit(["b b b", "c", "b c", "a b c", ""])
        assert (boxes[:, 2:] >= boxes[:, :2]).all()
        assert ((boxes >= 0) & (boxes <= 1)).all()

    def test_the_baseline_knows_left_from_right(self, monkeypatch):
        monkeypatch.setattr("gk_utils.evaluate.language_only.SCENES", 60)
        learned = language_only.__wrapped__()
        left, right = learned.boxes_unit(["the leftmost mug", "the rightmost mug"])
        assert left[0] + left[2] < right[0] + right[2]
