"""Qwen2.5-VL and Qwen3-VL on tiny random checkpoints, and on answers written by hand."""

import pytest
import tiny_models
import torch
from PIL import Image
from torch.testing import assert_close

from gk_utils import hub
from gk_utils.hub import chat_grounders
from gk_utils.hub.chat_grounders import MOST_PIXELS, read_answer, shrunk
from gk_utils.protocols import Grounder

IMAGE = tiny_models.image()
QWENS = {"qwen2.5-vl-3b": "qwen2_5_vl", "qwen3-vl-2b": "qwen3_vl"}
ANSWER = '```json\n[{"bbox_2d": [20, 30, 40, 60], "label": "cat"}]\n```'


@pytest.fixture(scope="module", params=QWENS)
def qwen(request):
    return hub.load(request.param, "cpu", folder=tiny_models.folder(QWENS[request.param]))


class TestPublishedQwen:
    def test_it_runs(self, qwen):
        assert isinstance(qwen.answer(IMAGE, "what is it?", max_tokens=3), str)
        assert isinstance(qwen, Grounder)

    def test_each_reads_its_own_frame(self, qwen, monkeypatch):
        """Qwen2.5-VL: pixels of the picture as it was resized. Qwen3-VL: thousandths."""
        seen = {}

        def write(loaded, batch, most):
            grid = batch["image_grid_thw"][0].tolist()
            seen["hw"] = [side * loaded.model.config.vision_config.patch_size for side in grid[1:]]
            said = torch.tensor(loaded.processor.tokenizer(ANSWER)["input_ids"])
            return torch.cat([batch["input_ids"][0], said])

        monkeypatch.setattr(chat_grounders, "write_tokens", write)
        found = qwen.ground(IMAGE, "the cat")
        height, width = seen["hw"] if qwen.format_name == "qwen2_5_vl" else (1000, 1000)
        wanted = torch.tensor([[20 / width * 100, 30 / height * 75, 40 / width * 100, 60 / height * 75]])
        assert_close(found.boxes, wanted)
        assert (found.phrase, found.absent, found.scores.tolist()) == ("the cat", False, [1.0])

    def test_it_is_asked_for_the_phrase_with_the_picture(self, qwen, monkeypatch):
        asked = {}
        monkeypatch.setattr(
            chat_grounders, "write_tokens", lambda loaded, batch, most: asked.update(batch) or batch["input_ids"][0]
        )
        found = qwen.ground(IMAGE, " the red cat")
        text = qwen.loaded.processor.tokenizer.decode(asked["input_ids"][0])
        assert "Find every instance of: the red cat. Answer with a JSON list" in text
        assert text.count("<|image_pad|>") == int(asked["image_grid_thw"].prod()) // 4
        assert text.endswith("<|im_start|>assistant\n")
        assert (len(found), found.absent) == (0, False)  # it wrote nothing: that is no "there is none"

    def test_a_large_photograph_is_made_smaller_first(self, qwen, monkeypatch):
        sizes = []
        real = type(qwen.loaded.processor).apply_chat_template

        def look(processor, messages, **options):
            sizes.append(messages[0]["content"][0]["image"].size)
            return real(processor, messages, **options)

        monkeypatch.setattr(type(qwen.loaded.processor), "apply_chat_template", look)
        qwen.answer(torch.zeros(3, 1500, 2000), "what?", max_tokens=1)
        assert sizes == [(1156, 867)]

    def test_no_words(self, qwen):
        with pytest.raises(ValueError, match="phrases: expected words"):
            qwen.ground(IMAGE, "")


class TestReadAnswer:
    def test_none(self):
        found = read_answer("[]", "cat", "qwen3_vl", (75, 100), (64, 96))
        assert (len(found), found.absent) == (0, True)

    def test_no_answer_is_not_absent(self):
        for text in ("I cannot see that.", "", '[{"bbox_2d": [1, 2'):
            found = read_answer(text, "cat", "qwen3_vl", (75, 100), (64, 96))
            assert (len(found), found.absent) == (0, False)

    def test_outside_and_swapped(self):
        found = read_answer('[{"bbox_2d": [500, 1200, 100, 0]}]', "cat", "qwen3_vl", (75, 100), (64, 96))
        assert_close(found.boxes, torch.tensor([[10.0, 0, 50, 75]]))

    def test_pixels_of_the_resized_picture(self):
        found = read_answer('[{"bbox_2d": [48, 32, 96, 64]}]', "cat", "qwen2_5_vl", (75, 100), (64, 96))
        assert_close(found.boxes, torch.tensor([[50.0, 37.5, 100, 75]]))


class TestShrunk:
    def test_a_small_one_stays(self):
        picture = Image.new("RGB", (640, 480))
        assert shrunk(picture) is picture

    def test_never_more_than_the_limit(self):
        width, height = shrunk(Image.new("RGB", (3001, 1999))).size
        assert 0.99 * MOST_PIXELS < width * height <= MOST_PIXELS
