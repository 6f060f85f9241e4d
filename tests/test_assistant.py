"""The assistant: a picture and a question in, an answer with its evidence out."""

import pytest
import torch
from some_assistant import PARTS, kitchen_view, painted, some_assistant

from gk_utils.assistant import Answer, load_assistant
from gk_utils.assistant.asking import EXAMPLES


class TestAssistant:
    @pytest.mark.parametrize("question", EXAMPLES.values(), ids=EXAMPLES)
    def test_every_kind_is_answered_and_survives_json(self, question):
        answer = some_assistant().ask(kitchen_view(), question)
        assert answer.kind == next(kind for kind, text in EXAMPLES.items() if text == question)
        assert Answer.from_json(answer.as_json()) == answer

    def test_a_question_it_cannot_read(self):
        answer = some_assistant().ask(kitchen_view(), "Why?")
        assert (answer.kind, answer.value) == ("unread", "unknown")
        assert "How many mugs are there?" in answer.text

    def test_bytes_and_floats_are_one_picture(self):
        image = (painted().images[0] * 255).round().to(torch.uint8)
        answers = [some_assistant().ask(one, "How many mugs are there?") for one in (image, image.float() / 255)]
        assert answers[0].as_json() == answers[1].as_json()

    def test_no_words_no_pixels(self):
        with pytest.raises(ValueError, match="question: expected words"):
            some_assistant().ask(kitchen_view(), "  ")
        with pytest.raises(ValueError, match="image: expected pixels"):
            some_assistant().look(torch.zeros(3, 0, 5))


class TestLoadAssistant:
    def test_the_shipped_models(self):
        assistant = load_assistant(PARTS)
        assert assistant.models.name.startswith("trunk + segment_anything")
        answer = assistant.ask(painted().images[0], "Cut out the red mug.")
        x1, y1, x2, y2 = painted().boxes[0, 0].round().int().tolist()
        mask = answer.mask(0)
        assert mask.sum() > 20
        assert mask[y1:y2, x1:x2].sum() > 0.9 * mask.sum()

    def test_another_trunk_has_no_captioner(self, monkeypatch):
        from gk_utils.models.trunk_grounder import SHIPPED

        assert load_assistant(PARTS, SHIPPED / "trunk_small").models.captioner is None
