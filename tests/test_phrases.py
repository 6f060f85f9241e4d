import pytest
import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.grounding_dino.phrases import best_phrases, phrase_scores, read_phrases

WORDS = {1: "[CLS]", 2: "red", 3: "mug", 4: ".", 5: "cat", 6: "[SEP]"}
IDS = torch.tensor([1, 2, 3, 4, 5, 4, 6])


def decode(ids: list[int]) -> str:
    return " ".join(WORDS[one] for one in ids)


def logits_of(*rows: dict[int, float]) -> torch.Tensor:
    logits = torch.full((len(rows), 7), -9.0)
    for row, values in enumerate(rows):
        for token, value in values.items():
            logits[row, token] = value
    return logits


def boxes(n: int) -> torch.Tensor:
    return torch.tensor([[0.5, 0.5, 0.2, 0.4]]).repeat(n, 1)


class TestReadPhrases:
    def test_two_thresholds(self):
        """A query under the box threshold is gone; what a box is called is decided token by token."""
        logits = logits_of({1: 1.0, 2: 2.0}, {4: 0.1}, {2: -1.0})
        found = read_phrases(logits, boxes(3), IDS, decode, (100, 200), box_threshold=0.3, text_threshold=0.3)
        assert found.phrases == ("red mug", "cat")
        assert_close(found.scores, torch.tensor([2.0, 0.1]).sigmoid())
        assert_close(found.boxes[0], torch.tensor([80.0, 30, 120, 70]))

    def test_labels_are_cut_run_together_and_empty(self):
        logits = logits_of({1: 0.0, 2: 2.0}, {2: 2.0, 4: 2.0, 3: 1.5}, {0: 3.0, 2: 0.5})
        strict = {"box_threshold": 0.3, "text_threshold": 0.7}
        found = read_phrases(logits, boxes(3), IDS, decode, (10, 10), **strict)
        assert found.phrases == ("mug", "mug . cat", "")

    def test_equals_transformers(self):
        from types import SimpleNamespace

        from transformers import GroundingDinoProcessor

        given = tiny_dino.inputs()
        logits = torch.randn(3, 10, 10, generator=torch.Generator().manual_seed(0)) * 2
        logits = logits.masked_fill(~given.words[:, None], -torch.inf)
        box = torch.rand(3, 10, 4, generator=torch.Generator().manual_seed(1)) / 2
        blank = SimpleNamespace(batch_decode=lambda rows: [[int(one) for one in row] for row in rows])
        want = GroundingDinoProcessor.post_process_grounded_object_detection(
            blank,
            SimpleNamespace(logits=torch.nn.functional.pad(logits, (0, 6), value=-torch.inf), pred_boxes=box),
            given.ids,
            threshold=0.6,
            text_threshold=0.4,
            target_sizes=[(75, 100)] * 3,
        )
        for row, theirs in enumerate(want):
            thresholds = {"box_threshold": 0.6, "text_threshold": 0.4}
            ours = read_phrases(logits[row], box[row], given.ids[row], str, (75, 100), **thresholds)
            assert_close(ours.boxes, theirs["boxes"])
            assert_close(ours.scores, theirs["scores"])
            assert list(ours.phrases) == [str(ids) for ids in theirs["text_labels"]]
        assert sum(len(theirs["scores"]) for theirs in want) > 5

    def test_nothing_found(self):
        found = read_phrases(logits_of({}), boxes(1), IDS, decode, (10, 10))
        assert (found.boxes.shape, found.phrases) == ((0, 4), ())

    def test_a_threshold_in_percent(self):
        with pytest.raises(ValueError, match="thresholds: expected"):
            read_phrases(logits_of({}), boxes(1), IDS, decode, (10, 10), box_threshold=25.0)


class TestBestPhrases:
    TOKENS = torch.tensor([[0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]], dtype=torch.bool)

    def test_best_first_and_one_of_those_asked_for(self):
        logits = logits_of({1: 2.0, 2: 0.0, 4: 1.0}, {4: 3.0})
        found = best_phrases(logits, boxes(2), self.TOKENS, ["red mug", "cat"], (10, 10))
        assert found.phrases == ("cat", "cat")  # 0.73 against a mean of 0.88 and 0.5
        assert_close(found.scores, torch.tensor([3.0, 1.0]).sigmoid())

    def test_threshold(self):
        found = best_phrases(logits_of({4: 1.0}, {4: -2.0}), boxes(2), self.TOKENS, ["red mug", "cat"], (10, 10))
        assert found.phrases == ("cat",)

    def test_scores_of_a_batch(self):
        logits = torch.stack([logits_of({1: 0.0, 2: 0.0}), logits_of({4: 0.0})])
        scores = phrase_scores(logits, self.TOKENS.expand(2, -1, -1))
        assert_close(scores[:, 0], torch.tensor([[0.5, 0.0], [0.0, 0.5]]), atol=2e-4, rtol=0)
