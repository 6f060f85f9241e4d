import unicodedata

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from some_pipeline import a_result

from gk_utils.grounded_sam.caption_links import GroundedCaption, Mention, link_caption, write_caption


def asked(*phrases: str):
    return a_result(boxes=(), phrases=(), asked=phrases)


def linked(text: str, *phrases: str) -> list[tuple[str, str]]:
    caption = link_caption(text, asked(*phrases))
    return list(zip(caption.parts(), (mention.phrase for mention in caption.mentions), strict=True))


class TestWriteCaption:
    def test_boxes_of_each_phrase(self):
        boxes = [[0.0, 0, 4, 4], [5.0, 0, 9, 4], [20.0, 0, 30, 9]]
        found = a_result(boxes, ("mug", "mug", "the old cat"), asked=("apple", "mug", "the old cat"))
        caption = write_caption(found)
        assert caption.text == "The picture shows 2 x mug and the old cat."
        assert caption.parts() == ["2 x mug", "the old cat"]
        assert [mention.rows for mention in caption.mentions] == [(0, 1), (2,)]

    def test_articles_and_nothing(self):
        found = a_result(phrases=("apple", "plate"), asked=("plate", "apple"))
        assert write_caption(found).text == "The picture shows a plate and an apple."
        assert write_caption(asked("mug")).text == "The picture shows none of it."


class TestLinkCaption:
    def test_by_hand(self):
        found = a_result()
        caption = link_caption("Two mugs, a PLATE; no cat. Muggy weather.", found)
        assert caption.parts() == ["mugs", "PLATE", "cat"]
        assert [mention.rows for mention in caption.mentions] == [(0,), (1,), ()]

    def test_the_longer_phrase_is_meant(self):
        assert linked("the red mug and a mug", "mug", "red mug") == [("red mug", "red mug"), ("mug", "mug")]
        assert linked("a cupboard, a cup", "cup", "cupboard") == [("cupboard", "cupboard"), ("cup", "cup")]

    def test_articles_of_a_phrase_need_not_be_there(self):
        assert linked("His mug fell.", "the mug") == [("mug", "the mug")]

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    @pytest.mark.parametrize("asked_form", ["NFC", "NFD"])
    def test_accents(self, form, asked_form):
        """The same word with 4 or 5 characters: positions are those of the text as it is."""
        word = unicodedata.normalize(form, "Café")
        text = f"\U0001f600 {word}s und mehr"
        caption = link_caption(text, asked(unicodedata.normalize(asked_form, "café")))
        assert caption.parts() == [f"{word}s"]
        assert caption.mentions[0].start == 2

    def test_letters_that_grow(self):
        """In lower case the sharp s is two letters, the Turkish I with a dot too."""
        assert linked("Die STRASSE, die Straße", "straße") == [("STRASSE", "straße"), ("Straße", "straße")]
        assert linked("İ mug", "mug") == [("mug", "mug")]

    @given(
        before=st.text(max_size=8),
        after=st.text(max_size=8),
        phrase=st.text(st.characters(categories=["L"]), min_size=1, max_size=5),
    )
    def test_positions_are_exact(self, before, after, phrase):
        text = f"{before} {phrase} {after}"
        for mention in link_caption(text, asked(phrase)).mentions:
            words = unicodedata.normalize("NFC", text[mention.start : mention.end]).casefold()
            plain = unicodedata.normalize("NFC", phrase).casefold()
            assert words in (plain, f"{plain}s")

    def test_nothing(self):
        assert linked("", "mug") == []
        assert linked("a kettle", "mug") == []


class TestGroundedCaption:
    @pytest.mark.parametrize("spans", [[(2, 1)], [(0, 9)], [(0, 2), (1, 3)], [(-1, 2)], [(1, 1)]])
    def test_spans_that_cannot_be(self, spans):
        with pytest.raises(ValueError, match="mentions: expected characters"):
            GroundedCaption("a mug", tuple(Mention(start, end, "mug", ()) for start, end in spans))

    def test_whole(self):
        assert GroundedCaption("a mug", (Mention(0, 5, "mug", (0,)),)).parts() == ["a mug"]
        assert torch.is_tensor(a_result().boxes)
