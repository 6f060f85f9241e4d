"""The desk of lesson 17: what is shown of an answer, and the widget that asks again."""

from dataclasses import replace

import pytest
from some_assistant import ask, kitchen_view, painted, some_assistant

from gk_utils.assistant.asking import EXAMPLES
from gk_utils.labs.assistant_desk import AssistantLab, answer_panel, answer_words


@pytest.fixture
def desk():
    image = painted().images[0]
    return AssistantLab(some_assistant(), {"A": image, "B": image.flip(2)}, "How many mugs are there?")


class TestAnswerPanel:
    def test_what_belongs_to_the_answer_is_solid_and_the_rest_hatched(self):
        answer = ask("Is there a mug?")
        answer = replace(answer, shown=(*answer.shown, *ask("Where is the plate?").shown))
        panel = answer_panel(kitchen_view().image, answer)
        assert len(panel.boxes) == 1
        assert list(panel.region_labels)[-1].startswith("white plate")
        assert len(panel.boxes) + len(panel.regions) == len(answer.shown)

    def test_masks(self):
        panel = answer_panel(kitchen_view().image, ask("Cut out the mugs."))
        assert panel.masks.shape == (2, 128, 128)
        assert sorted(panel.mask_labels) == ["blue mug", "red mug"]

    def test_none_draws_nothing_and_long_answers_are_cut(self):
        panel = answer_panel(kitchen_view().image, ask("Is there a cat?"))
        assert (panel.boxes, panel.regions, panel.masks) == (None, None, None)
        assert len(answer_panel(kitchen_view().image, ask("Describe the picture.")).title) < 90


class TestAnswerWords:
    def test_answer_evidence_and_functions(self):
        lines = answer_words(ask("How many mugs are there?")).split("\n")
        assert lines[0] == "There are 2: mugs."
        assert lines[1] == "mugs: 2 boxes"
        assert lines[-1] == "functions: 10.from_to (reference)"
        assert answer_words(ask("Why?")).endswith("functions: none of the lessons")

    def test_much_evidence_is_cut(self):
        answer = replace(ask("Why?"), notes=tuple(map(str, range(30))))
        assert "and 22 more" in answer_words(answer)


class TestAssistantLab:
    def test_asks_again_after_every_choice(self, desk):
        assert desk.answer.value == "2"
        desk.question.value = "Is there a cat?"
        assert desk.answer.value == "none"
        desk.example.value = EXAMPLES["locate"]
        assert desk.question.value == EXAMPLES["locate"]
        first = desk.answer.shown[0].box
        desk.picture.value = "B"
        assert desk.answer.shown[0].box[0] > first[0]  # mirrored

    def test_the_view_says_it_in_words_and_as_a_picture(self, desk):
        desk.question.value = 'Is there a "red" mug <b>?'
        assert "<b>" not in desk.view.value.split("<strong>")[1].split("</strong>")[0]
        assert 'role="status"' in desk.view.value
        assert "data:image/" in desk.view.value

    def test_no_words(self, desk):
        desk.question.value = "  "
        assert "Write a question." in desk.view.value

    def test_more_words_than_a_model_reads(self, desk):
        desk.question.value = f"Where is the {'red ' * 80}mug?"
        assert "expected 1 to 64 words" in desk.view.value

    def test_stands_still_in_a_notebook(self, desk):
        data, metadata = desk._repr_mimebundle_()
        assert "There are 2: mugs." in data["text/plain"]
        (mime,) = metadata
        assert mime in data
        assert len(data[mime]) < 60_000
