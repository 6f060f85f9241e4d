"""Talks with links: written and read back, and every flaw of a link said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.grounded_conversation.linked_talk import (
    TalkTurn,
    read_links,
    read_talk,
    without_links,
    write_links,
    write_talk,
)
from gk_utils.kosmos2.grounded_text import GroundedText

BOX = (0.1, 0.2, 0.5, 0.9)
corner = st.integers(0, 500).map(lambda k: k / 1000)
box = st.tuples(*[corner] * 4).map(lambda b: (b[0], b[1], round(b[0] + b[2], 3), round(b[1] + b[3], 3)))
pieces = st.lists(st.tuples(st.sampled_from(["a cat", "mugs", "x"]), st.lists(box, min_size=1, max_size=3)), max_size=3)


def linked(parts) -> GroundedText:
    text, spans, boxes = "See", [], []
    for words, some in parts:
        text += " "
        spans.append((len(text), len(text) + len(words)))
        boxes.append(tuple(some))
        text += words
    return GroundedText(f"{text}.", tuple(spans), tuple(boxes))


class TestLinks:
    @settings(max_examples=50, deadline=None)
    @given(parts=pieces)
    def test_round_trip(self, parts):
        said = linked(parts)
        read = read_links(write_links(said))
        assert read.grounded == said
        assert read.problems == ()

    @settings(max_examples=100, deadline=None)
    @given(text=st.text("[]()0.1,; ab\n", max_size=40))
    def test_any_text_can_be_read(self, text):
        assert isinstance(read_links(text).grounded, GroundedText)

    @pytest.mark.parametrize(
        ("link", "problem"),
        [
            ("[a cat](0.1,0.2)", "'0.1,0.2': expected four numbers a box"),
            ("[a cat](12,5,90,80)", "'12,5,90,80': expected numbers in 0 to 1"),
            ("[a cat](0.5,0.2,0.1,0.9)", "'0.5,0.2,0.1,0.9': expected left before right"),
            ("[a cat](here)", "'here': expected numbers with commas between them"),
            ("[a cat](nan,0,1,1)", "'nan,0,1,1': expected numbers in 0 to 1"),
        ],
    )
    def test_a_flaw_makes_plain_words_of_a_link(self, link, problem):
        read = read_links(f"I see {link}.")
        assert read.grounded == GroundedText("I see a cat.")
        assert read.problems == (problem,)

    def test_a_link_without_words(self):
        assert read_links("I see [ ](0,0,1,1).").problems == ("'[ ](0,0,1,1)': expected words in a link",)

    def test_blanks_inside_a_link(self):
        read = read_links("[ a cat ](0.1,0.2,0.5,0.9) sleeps")
        assert read.grounded.phrases == ("a cat",)
        assert read.grounded.text == "a cat  sleeps"

    def test_a_phrase_without_boxes_is_plain(self):
        assert write_links(GroundedText("a cat", ((2, 5),), ((),))) == "a cat"

    def test_brackets_in_the_words(self):
        with pytest.raises(ValueError, match="text: expected words without brackets"):
            write_links(GroundedText("a [cat]"))


class TestTalk:
    def test_round_trip(self):
        turns = (
            TalkTurn("user", GroundedText("What do you see?")),
            TalkTurn("assistant", GroundedText("A cat.", ((2, 5),), ((BOX, BOX),))),
        )
        assert read_talk(write_talk(turns)) == (turns, ())

    def test_lines_without_a_speaker(self):
        turns, problems = read_talk("Sure, here it is:\n\nUser: And?\nAssistant: A cat.\n  It sleeps.\n")
        assert [turn.said.text for turn in turns] == ["And?", "A cat. It sleeps."]
        assert problems == ("'Sure, here it is:': nobody says it",)

    @pytest.mark.parametrize(
        "speaker", ["ASSISTANT:", "**Assistant:**", "**assistant**:", "*Assistant*:", "Assistant :"]
    )
    def test_however_the_speaker_is_written(self, speaker):
        turns, problems = read_talk(f"**User:** And?\n{speaker} A **red** cat.")
        assert [(turn.role, turn.said.text) for turn in turns] == [("user", "And?"), ("assistant", "A **red** cat.")]
        assert problems == ()

    @pytest.mark.parametrize("text", ["", "User: And?\nIt is a cat.", "Assistants: A cat."])
    def test_nothing_by_the_assistant_is_a_problem(self, text):
        assert read_talk(text)[1][-1] == "no turn of the assistant: expected a line 'Assistant: ...'"

    def test_flaws_of_links_are_told(self):
        assert read_talk("Assistant: [a cat](1)")[1] == ("'1': expected four numbers a box",)

    def test_without_links(self):
        turn = TalkTurn("assistant", GroundedText("A cat.", ((2, 5),), ((BOX,),)))
        assert without_links(turn) == TalkTurn("assistant", GroundedText("A cat."))
