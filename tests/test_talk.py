import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.shikra.talk import Conversation, Mark, Utterance, join, read, read_conversation, say, spell
from gk_utils.text_coordinates import parse_boxes, parse_points, render_boxes, render_points

NUMBER = st.floats(0, 1)
BOX = st.tuples(NUMBER, NUMBER, NUMBER, NUMBER).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


class TestSpell:
    def test_known(self):
        assert spell(((0.1, 0.2, 0.3, 1.0),)) == "[0.100,0.200,0.300,1.000]"
        assert spell(((0.5, 0.0), (0.25, 0.75))) == "[0.500,0.000;0.250,0.750]"

    @given(BOX)
    def test_is_what_lesson_05_writes(self, box):
        boxes = torch.tensor([box], dtype=torch.double)
        assert spell((box,)) == render_boxes(boxes * 640, "shikra", (640, 640))
        assert spell((box[:2],)) == render_points(boxes[:, :2] * 640, "shikra", (640, 640))

    @pytest.mark.parametrize("places", [(), ((0.1, 0.2), (0.1, 0.2, 0.3, 0.4)), ((0.1,),), ((0.1, 1.2),)])
    def test_refuses(self, places):
        with pytest.raises(ValueError, match="places: expected"):
            spell(places)


class TestSayAndRead:
    def test_marks_are_exact(self):
        said = say("assistant", ["A mug", ((0.1, 0.2, 0.3, 0.4),), " and apples", ((0, 0, 1, 1), (0, 0, 0.5, 1)), "."])
        assert (
            said.text == "A mug[0.100,0.200,0.300,0.400] and apples[0.000,0.000,1.000,1.000;0.000,0.000,0.500,1.000]."
        )
        assert [said.text[mark.start : mark.end] for mark in said.marks] == [spell(mark.places) for mark in said.marks]
        assert said.plain == "A mug and apples."

    @given(st.lists(st.tuples(st.sampled_from(["A mug", " is ", "Größe"]), st.lists(BOX, min_size=1, max_size=3))))
    def test_reading_gives_it_back(self, pieces):
        parts = [part for text, boxes in pieces for part in (text, tuple(boxes))]
        said = say("user", parts)
        assert read("user", said.text) == said

    @given(st.text(alphabet="[]0123456789.,; amug", max_size=60))
    def test_any_text_is_read(self, text):
        found = read("assistant", text)
        assert found.text == text
        for mark in found.marks:
            assert text[mark.start] == "["
            assert text[mark.end - 1] == "]"
            assert {len(place) for place in mark.places} in ({2}, {4})

    def test_agrees_with_lesson_05_on_well_formed_text(self):
        text = "A mug[0.100,0.200,0.300,0.400;0.500,0.500,0.600,0.700] at [0.250,0.500]."
        boxes, point = read("user", text).marks
        assert boxes.places == tuple(
            tuple(row)
            for row in (parse_boxes(text, "shikra").boxes_in_frame.double() * 1000).round().div(1000).tolist()
        )
        assert point.kind == "points"
        assert len(parse_points("[0.250,0.500]", "shikra").points_in_frame) == 1

    @pytest.mark.parametrize(
        "text", ["[0.1,0.2,0.3]", "[0.1, 0.2]", "[1.2,0.3]", "[0.1,0.2;0.1,0.2,0.3,0.4]", "[0.1,0.2", "[]"]
    )
    def test_what_is_no_bracket_stays_text(self, text):
        assert read("user", text).marks == ()

    def test_corners_are_put_in_order(self):
        assert read("user", "[0.9,0.8,0.1,0.2]").marks[0].places == ((0.1, 0.2, 0.9, 0.8),)

    def test_a_bracket_inside_a_text_is_refused(self):
        with pytest.raises(ValueError, match="Give the bracket as a part"):
            say("user", ["at [0.1,0.2]"])


class TestMark:
    def test_counts_on_the_padded_square(self):
        # 40 x 80 pixels: 20 of grey above, so that the middle of the square is the middle of the picture
        assert Mark(0, 1, ((0.5, 0.5),)).to_pixels((40, 80)).tolist() == [[40.0, 20.0]]
        assert Mark(0, 1, ((0.0, 0.25, 1.0, 0.75),)).to_pixels((40, 80)).tolist() == [[0.0, 0.0, 80.0, 40.0]]


class TestConversation:
    def test_goes_through_its_text(self):
        talk = join([say("user", ["Where is it?"]), say("assistant", ["At ", ((0.1, 0.2, 0.3, 0.4),), "."])])
        assert str(talk) == "USER: Where is it? ASSISTANT: At [0.100,0.200,0.300,0.400]."
        assert read_conversation(str(talk)) == talk

    @given(st.text(alphabet="USERASSISTANT: ab[0.1,0.2]", max_size=80))
    def test_any_text_is_read(self, text):
        assert len(read_conversation(text).utterances) <= text.count(":")

    def test_takes_turns(self):
        with pytest.raises(ValueError, match="in turn"):
            Conversation((Utterance("assistant", "Hello."),))

    def test_knows_two_roles(self, unhooked):
        with pytest.raises(ValueError, match="role"):
            Utterance("system", "Hello.")
