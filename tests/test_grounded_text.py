"""Hyperlink text: a value, its form, and transformers' reader and writer of the same."""

import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from gk_utils.kosmos2.grounded_text import GroundedText, link, parse_grounded, render_grounded

CAT = GroundedText("An image of a red cat.", ((12, 21),), (((0.1, 0.2, 0.5, 0.9),),))
CAT_TEXT = "<grounding> An image of<phrase> a red cat</phrase><object><patch_index_0195><patch_index_0911></object>."
MESS = ("<phrase>", "</phrase>", "<object>", "</object>", "<patch_index_0001>", "<patch_index_9999>", " ", "cat")
MESS += ("</delimiter_of_multi_objects/>", "<grounding>", "</image>", "<p>", "<", ">", "<patch_index_0034>")
words = st.text(st.characters(codec="utf-8", exclude_characters="<>"), max_size=12)
numbers = st.integers(0, 1000)
pieces = st.lists(st.tuples(words, words, st.lists(st.tuples(*[numbers] * 4), max_size=3)), max_size=4)


def build(drawn: list[tuple[str, str, list[tuple[int, ...]]]], end: str = "") -> GroundedText:
    """A grounded text from what hypothesis drew."""
    text, spans, boxes = "", [], []
    for gap, phrase, rows in drawn:
        text += gap if text else gap.lstrip()
        if phrase.strip():
            spans.append((len(text), len(text) + len(phrase.strip())))
            text += phrase.strip()
            boxes.append(
                tuple((min(a, c) / 1000, min(b, d) / 1000, max(a, c) / 1000, max(b, d) / 1000) for a, b, c, d in rows)
            )
    text = (text + (end if text else end.lstrip())).rstrip()
    return GroundedText(text, tuple(spans), tuple(boxes))


class TestGroundedText:
    def test_it_is_a_value(self):
        assert GroundedText("An image of a red cat.", ((12, 21),), (((0.1, 0.2, 0.5, 0.9),),)) == CAT
        assert len({CAT, CAT.snapped(), CAT}) == 2

    def test_spans_count_characters_whatever_the_script(self):
        said = GroundedText("\U0001f600 na\u00efve \u732b\U0001f408!", ((2, 7), (8, 10)), ((), ()))
        assert said.phrases == ("na\u00efve", "\u732b\U0001f408")

    def test_boxes_in_pixels(self):
        assert_close(CAT.boxes(0, (100, 200)), torch.tensor([[20.0, 20.0, 100.0, 90.0]]))
        assert GroundedText("cat", ((0, 3),), ((),)).boxes(0, (10, 10)).shape == (0, 4)

    @pytest.mark.parametrize("spans", [((3, 3),), ((0, 9),), ((2, 4), (0, 2)), ((1, 2),), ((-1, 1),)])
    def test_spans_that_are_none(self, spans):
        with pytest.raises(ValueError, match="spans: expected characters"):
            GroundedText("a cat!", spans, tuple(() for _ in spans))

    def test_white_space_at_the_ends(self):
        with pytest.raises(ValueError, match="text: expected no white space"):
            GroundedText(" cat")

    @pytest.mark.parametrize("box", [(0.5, 0, 0.4, 1), (0, 0, 1, 1.2), (0, 0, 1.2, 1), (0.0, 0.0, float("nan"), 1.0)])
    def test_boxes_that_are_none(self, box):
        with pytest.raises(ValueError, match="boxes_unit: expected"):
            GroundedText("cat", ((0, 3),), ((tuple(map(float, box)),),))

    def test_as_many_boxes_as_spans(self, unhooked):
        with pytest.raises(ValueError, match="spans"):
            GroundedText("cat", ((0, 3),), ())


class TestLink:
    def test_cut_off_at_the_picture(self):
        said = link("cat", [(0, 3)], [torch.tensor([[-5.0, 0.0, 50.0, 120.0]])], (100, 200))
        assert said.boxes_unit == (((0.0, 0.0, 0.25, 1.0),),)

    def test_six_digits(self):
        said = link("cat", [(0, 3)], [torch.tensor([[1.0, 0.0, 2.0, 2.0]])], (3, 3))
        assert said.boxes_unit == (((0.333333, 0.0, 0.666667, 0.666667),),)


class TestRenderGrounded:
    def test_by_hand(self):
        assert render_grounded(CAT) == CAT_TEXT

    def test_the_first_phrase_and_several_boxes(self):
        said = GroundedText("Two cats sleep", ((0, 8),), (((0.0, 0, 1, 1), (0.5, 0.5, 0.52, 0.52)),))
        assert render_grounded(said) == (
            "<grounding><phrase> Two cats</phrase><object><patch_index_0000><patch_index_1023>"
            "</delimiter_of_multi_objects/><patch_index_0528><patch_index_0528></object> sleep"
        )

    def test_no_space_before_a_phrase(self):
        assert "see (<phrase>a cat</phrase>)" in render_grounded(GroundedText("see (a cat)", ((5, 10),), ((),)))

    @pytest.mark.parametrize("text", ["a <b> c", "<phrase> x", "see </s>"])
    def test_a_tag_in_the_text(self, text):
        with pytest.raises(ValueError, match="text: expected words, got the tag"):
            render_grounded(GroundedText(text))

    @settings(deadline=None)
    @given(pieces, words)
    def test_comes_back(self, drawn, end):
        said = build(drawn, end)
        read = parse_grounded(render_grounded(said))
        assert read.grounded == said.snapped()
        assert read.problems == ()
        assert parse_grounded(render_grounded(read.grounded)) == read


class TestParseGrounded:
    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_any_text_can_be_read(self, text):
        parse_grounded(text)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(MESS), max_size=14))
    def test_any_mess_of_tags_can_be_read(self, parts):
        read = parse_grounded("".join(parts))
        assert all(phrase == phrase.strip() != "" for phrase in read.grounded.phrases)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("<phrase> a cat</phrase><object><patch_index_0195></object>", "expected two cells"),
            ("<phrase> a cat</phrase><object><patch_index_0195><patch_index_0911>", "no </object>"),
            ("<phrase> a cat</phrase><object><patch_index_0911><patch_index_0195></object>", "wrong order"),
            ("<phrase> a cat</phrase><object><patch_index_0195><patch_index_1024></object>", "last cell is 1023"),
            ("<object><patch_index_0195><patch_index_0911></object> a cat", "no phrase before it"),
            ("<phrase></phrase><object><patch_index_0195><patch_index_0911></object>a cat", "no words"),
            ("<phrase> a cat", "in no link"),
            ("<p> a cat</p>", "no tag of Kosmos-2"),
        ],
    )
    def test_flaws_are_named(self, text, problem):
        read = parse_grounded(text)
        assert problem in " ".join(read.problems)
        assert read.grounded.text == "a cat"
        assert not any(read.grounded.boxes_unit)

    def test_the_echo_of_the_prompt_goes(self):
        assert parse_grounded(f"<s><image> what</image>{CAT_TEXT}</s>").grounded == CAT.snapped()

    def test_a_phrase_without_an_object_stays(self):
        assert parse_grounded("<phrase> a cat</phrase> sleeps").grounded == GroundedText(
            "a cat sleeps", ((0, 5),), ((),)
        )

    def test_goes_on_after_an_object_without_a_phrase(self):
        read = parse_grounded(f"<object><patch_index_0000><patch_index_0001></object>{CAT_TEXT}")
        assert read.grounded == CAT.snapped()

    def test_less_than_is_no_tag(self):
        assert parse_grounded("1 < 2 and 3 > 2").grounded.text == "1 < 2 and 3 > 2"


@pytest.fixture(scope="module")
def processor():
    return tiny_models.kosmos2()[1]


class TestKosmos2Processor:
    """transformers' class on a vocabulary of a few words."""

    @settings(deadline=None)
    @given(pieces, words)
    def test_reads_the_same(self, processor, drawn, end):
        said = build(drawn, end.replace("\n", " "))
        text = render_grounded(said)
        theirs, entities = processor.post_process_generation(f"<image></image>{text}")
        assert theirs == said.text
        ours = said.snapped()
        linked = [place for place, boxes in enumerate(ours.boxes_unit) if boxes]
        assert [(name, span) for name, span, _ in entities] == [
            (ours.phrases[place], ours.spans[place]) for place in linked
        ]
        for place, (_, _, boxes) in zip(linked, entities, strict=True):
            assert_close(torch.tensor(ours.boxes_unit[place]), torch.tensor(boxes), rtol=0, atol=1e-7)

    def test_writes_the_same_tokens(self, processor):
        said = GroundedText(
            "a red cat and a cat",
            ((0, 9), (14, 19)),
            (((0.1, 0.2, 0.5, 0.9), (0.0, 0.0, 1.0, 1.0)), ((0.5, 0.5, 0.6, 0.6),)),
        )
        plain = "<grounding><phrase> a red cat</phrase> and<phrase> a cat</phrase>"
        theirs = processor(text=plain, bboxes=[list(said.boxes_unit[0]), said.boxes_unit[1][0]])["input_ids"]
        ours = processor.tokenizer(render_grounded(said))["input_ids"]
        assert ours[:-1] == theirs  # but for the end
