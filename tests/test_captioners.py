"""Kosmos-2 and Florence-2 on tiny random checkpoints, and on answers written by hand."""

import pytest
import tiny_models
import torch
from torch.testing import assert_close

from gk_utils import hub
from gk_utils.hub import captioners
from gk_utils.hub.captioners import in_pixels, ordered
from gk_utils.protocols import Detector, Grounder

IMAGE = tiny_models.image()


@pytest.fixture(scope="module")
def kosmos():
    return hub.load("kosmos-2", "cpu", folder=tiny_models.folder("kosmos2"))


@pytest.fixture(scope="module")
def florence():
    return hub.load("florence-2-base", "cpu", folder=tiny_models.folder("florence2"))


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch):
    """Let the next answers be these texts; the model is asked, and what it says is put aside."""

    def put(adapter, *texts: str) -> list[dict]:
        asked, waiting = [], list(texts)

        def write(loaded, batch, most):
            asked.append({"batch": batch, "most": most})
            tokenizer = adapter.loaded.processor.tokenizer
            return torch.tensor(tokenizer(waiting.pop(0), add_special_tokens=False)["input_ids"])

        monkeypatch.setattr(captioners, "write_tokens", write)
        return asked

    return put


class TestPublishedKosmos:
    def test_it_runs(self, kosmos):
        found = kosmos.ground(IMAGE, "a red cat")
        assert found.image_hw == (75, 100)
        assert isinstance(kosmos.caption(IMAGE, max_tokens=3)[0], str)
        assert isinstance(kosmos, Grounder)

    def test_ground(self, kosmos, writes):
        """Patches 195 and 911 of 32 x 32 are (0.109, 0.203) and (0.484, 0.891): the centres of their cells."""
        answer = "<grounding><phrase>a red cat</phrase><object><patch_index_0195><patch_index_0911></object>"
        writes(kosmos, answer)
        found = kosmos.ground(IMAGE, "a red cat")
        assert_close(found.boxes, torch.tensor([[10.9375, 15.234375, 48.4375, 66.796875]]))
        assert (found.scores.tolist(), found.phrase, found.absent) == ([1.0], "a red cat", False)

    def test_nothing_found(self, kosmos, writes):
        writes(kosmos, "<grounding><phrase>a red cat</phrase>")
        assert kosmos.ground(IMAGE, "a red cat").absent

    def test_caption(self, kosmos, writes):
        link = "<phrase>{}</phrase><object><patch_index_{:04d}><patch_index_{:04d}></object>"
        writes(kosmos, "<grounding>" + link.format("a cat", 0, 1023) + " on" + link.format("the ball", 33, 66))
        caption, linked = kosmos.caption(IMAGE)
        assert [row.phrase for row in linked] == ["a cat", "the ball"]
        for row in linked:
            assert caption[slice(*row.span)] == row.phrase
        assert_close(linked[0].boxes, torch.tensor([[1.5625, 1.171875, 98.4375, 73.828125]]))

    def test_the_prompt(self, kosmos, writes):
        asked = writes(kosmos, "<grounding>")
        kosmos.ground(IMAGE, " the cat ")
        text = kosmos.loaded.processor.tokenizer.decode(asked[0]["batch"]["input_ids"][0])
        assert text.endswith("<grounding><phrase> the cat</phrase>")

    def test_no_words(self, kosmos):
        with pytest.raises(ValueError, match="phrases: expected words"):
            kosmos.ground(IMAGE, " ")


class TestPublishedFlorence:
    def test_it_runs(self, florence):
        found = florence.detect(IMAGE, ["a red cat", "dog"])
        assert set(found.phrases) <= {"a red cat", "dog"}
        assert isinstance(florence, Detector)
        assert isinstance(florence, Grounder)

    def test_detect_asks_for_each_phrase(self, florence, writes):
        """Bins of a thousandth: 100 is 10.05 of 100 pixels; transformers rounds down to whole pixels."""
        asked = writes(
            florence,
            "</s><s>cat<loc_100><loc_200><loc_500><loc_999></s>",
            "</s><s>the dog<loc_0><loc_0><loc_300><loc_400><loc_700><loc_700><loc_900><loc_900></s>",
        )
        found = florence.detect(IMAGE, ["a cat", "dog"])
        assert found.phrases == ("a cat", "dog", "dog")
        assert_close(found.boxes[0], torch.tensor([10.0, 15, 50, 74]), atol=1, rtol=0)
        assert_close(found.boxes[2], torch.tensor([70.0, 52, 90, 67]), atol=1, rtol=0)
        assert len(asked) == 2
        text = florence.loaded.processor.tokenizer.decode(asked[0]["batch"]["input_ids"][0])
        assert text.endswith("Locate the phrases in the caption: a cat</s>")

    def test_nothing_found(self, florence, writes):
        writes(florence, "</s><s></s>")
        assert florence.ground(IMAGE, "a cat").absent

    def test_caption(self, florence, writes):
        writes(
            florence,
            "</s><s>The cat is on a blue ball</s>",
            "</s><s>The cat<loc_0><loc_0><loc_500><loc_500>a blue ball<loc_500><loc_500><loc_999><loc_999></s>",
        )
        caption, linked = florence.caption(IMAGE)
        assert caption == "The cat is on a blue ball"
        assert [caption[slice(*row.span)] for row in linked] == ["The cat", "a blue ball"]
        assert linked[1].boxes.shape == (1, 4)

    def test_no_caption(self, florence, writes):
        writes(florence, "</s><s></s>")
        assert florence.caption(IMAGE) == ("", ())


class TestInPixels:
    def test_no_boxes(self):
        assert in_pixels([], (75, 100)).shape == (0, 4)

    def test_width_and_height(self):
        assert_close(in_pixels([(0.1, 0.2, 0.5, 1.0)], (75, 100)), torch.tensor([[10.0, 15, 50, 75]]))


class TestOrdered:
    def test_swapped_corners(self):
        assert ordered([(50, 60, 10, 20)], (75, 100)).tolist() == [[10, 20, 50, 60]]
