"""What is in this region, and what does the picture show."""

import pytest
import torch
from some_assistant import ask, kitchen_view, painted, some_assistant

from gk_utils.kosmos2.grounded_text import link


def box_of(index):
    return painted().boxes[0, index][None]


def asked(said, spans, boxes):
    """A description whose captioner says this, its phrases linked to things of the scene by their indices."""
    found = link(said, spans, [torch.cat([box_of(index) for index in one]) for one in boxes], (128, 128))
    assistant = some_assistant(said=found)
    return assistant.ask(assistant.look(kitchen_view().image), "Describe the picture.")


class TestRegionAnswer:
    def test_the_thing_that_is_meant(self):
        x1, y1, x2, y2 = (round(value / 128 * 999) for value in painted().boxes[0, 1].tolist())
        answer = ask(f"What is in <box>({x1},{y1}),({x2},{y2})</box>?")
        assert answer.value == "blue mug"
        assert set(answer.parts) == {"05.read_box", "01.read_answer", "01.coverage"}
        assert answer.shown[0].numbers["covers"] > 0.8

    @pytest.mark.parametrize("numbers", ["(0,0),(40,40)", "(0,0),(999,999)"])
    def test_a_region_that_means_nothing(self, numbers):
        answer = ask(f"What is in <box>{numbers}</box>?")
        assert (answer.value, answer.shown) == ("none", ())

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("<box>(1,2),(3", "does not end"),
            ("<box>(1,2)</box>", "four numbers"),
            ("<box>(1,2),(3,1000)</box>", "above 999"),
        ],
    )
    def test_a_region_that_cannot_be_read(self, text, why):
        answer = ask(f"What is in {text}?")
        assert answer.value == "unknown"
        assert why in answer.text


class TestDescribeAnswer:
    def test_without_a_captioner_all_things_are_listed(self):
        answer = ask("Describe the picture.")
        assert answer.value == "described"
        assert sorted(row for one in answer.named for row in one.rows) == [0, 1, 2, 3, 4]
        assert "a red mug" in answer.text

    def test_what_is_borne_out_stays(self):
        said = "The red mug is to the left of the white plate."
        answer = asked(said, [(0, 11), (30, 45)], [[0], [2]])
        assert answer.text.startswith(said + " There are also a blue mug")
        assert [one.relation for one in answer.decisions] == ["left_of"]
        assert set(answer.parts) == {"10.conflicts"}

    def test_what_is_not_so_is_left_out_and_said(self):
        said = "The red mug is to the right of the white plate."
        answer = asked(said, [(0, 11), (31, 46)], [[0], [2]])
        assert said not in answer.text
        assert answer.decisions == ()
        assert any(note.startswith("left out 'The red mug is to the right") for note in answer.notes)

    def test_a_phrase_on_another_thing_is_left_out(self):
        said = "The picture shows a red mug and a green bottle."
        answer = asked(said, [(18, 27), (32, 46)], [[0], [4]])
        assert "The picture shows a red mug." in answer.text
        assert "left out 'a green bottle': what was seen does not bear it out" in answer.notes
        assert "a green bottle" in answer.text  # from what was seen, on its own box

    def test_a_number_has_to_be_right(self):
        said = "The picture shows two mugs."
        assert asked(said, [(18, 26)], [[0, 1]]).text.startswith("The picture shows two mugs.")
        assert not asked(said, [(18, 26)], [[0]]).text.startswith("The picture shows two mugs.")

    def test_nothing_is_said_twice(self):
        said = "The red mug is to the left of the white plate. The white plate is to the right of the red mug."
        answer = asked(said, [(0, 11), (30, 45), (47, 62), (82, 93)], [[0], [2], [2], [0]])
        assert answer.text.count("left of") + answer.text.count("right of") == 1

    def test_an_empty_picture(self):
        answer = some_assistant().ask(torch.full((3, 40, 40), 0.5), "Describe the picture.")
        assert answer.value == "none"
