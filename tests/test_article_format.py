"""The article's format, and its five faults."""

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.box_tokens.cell_pairs import decode_cells, parse_cells
from gk_utils.kosmos2.article_format import FAULTS, careless_box, parse_article, render_article
from gk_utils.kosmos2.grounded_text import GroundedText, parse_grounded, render_grounded

CAT = GroundedText("I see a cat.", ((6, 11),), (((0.1, 0.2, 0.5, 0.9),),))


class TestRenderArticle:
    def test_by_hand(self):
        assert render_article(CAT) == "I see <p>a cat</p><box><loc_100><loc_200><loc_500><loc_899></box>."

    def test_a_tag_in_the_text(self):
        with pytest.raises(ValueError, match="text: expected words, got the tag"):
            render_article(GroundedText("a <p>"))

    @settings(deadline=None)
    @given(st.tuples(*[st.integers(0, 999)] * 4))
    def test_comes_back(self, numbers):
        a, b, c, d = numbers
        box = tuple(number / 999 for number in (min(a, c), min(b, d), max(a, c), max(b, d)))
        said = GroundedText("I see a cat.", ((6, 11),), ((box, box),))
        read = parse_article(render_article(said))
        assert read.problems == ()
        assert read.grounded == said


class TestParseArticle:
    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text_can_be_read(self, text):
        parse_article(text)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("<p>a cat</p><box><loc_1><loc_2><loc_3></box>", "expected four"),
            ("<p>a cat</p><box><loc_1><loc_2><loc_3><loc_1000></box>", "last number is 999"),
            ("<p>a cat</p><box><loc_9><loc_2><loc_3><loc_4></box>", "wrong order"),
            ("<box><loc_1><loc_2><loc_3><loc_4></box>a cat", "no phrase"),
            ("<p> </p>a cat", "no words"),
        ],
    )
    def test_flaws_are_named(self, text, problem):
        read = parse_article(text)
        assert problem in read.problems[0]
        assert not any(read.grounded.boxes_unit)


class TestFaults:
    """Each shows on its text, and the mended way is right there."""

    def test_five(self):
        assert [fault.id for fault in FAULTS] == ["K1", "K2", "K3", "K4", "K5"]

    def test_k1_finds_nothing_ever(self):
        assert careless_box(FAULTS[0].answer, (480, 640)) is None
        assert parse_grounded(FAULTS[0].answer).grounded.phrases == ("a cat",)

    def test_k2_is_no_tag(self):
        assert parse_grounded(FAULTS[1].answer).problems
        assert parse_grounded(FAULTS[1].answer).grounded.spans == ()

    def test_k3_mixes_two_phrases(self):
        """Asked for the cat, it takes the dog's pair and the cat's for one box."""
        numbers = [44, 863, 195, 911]
        box = careless_box(FAULTS[2].answer, (999, 999), r"<patch_index_(\d+)>")
        assert box == pytest.approx(numbers)
        assert parse_grounded(FAULTS[2].answer).grounded.phrases == ("a dog", "a cat")

    def test_k4_a_cell_is_no_coordinate(self):
        cells = parse_cells(FAULTS[3].answer)[0][0].cells
        right = decode_cells(cells, (480, 640))[0].tolist()
        twice = FAULTS[3].answer.replace("</object>", "") + FAULTS[3].answer
        wrong = careless_box(twice, (480, 640), r"<patch_index_(\d+)>")
        assert max(abs(a - b) for a, b in zip(right, wrong, strict=True)) > 50

    def test_k5_the_class_is_gone(self):
        assert not hasattr(transformers, "AutoModelForVision2Seq")
        assert hasattr(transformers, "AutoModelForImageTextToText")


class TestCarelessBox:
    def test_its_own_format(self):
        assert careless_box(render_article(CAT), (999, 999)) == pytest.approx([100.0, 200.0, 500.0, 899.0])

    def test_it_is_what_the_published_form_gives_to_it(self):
        assert careless_box(render_grounded(CAT), (10, 10)) is None
