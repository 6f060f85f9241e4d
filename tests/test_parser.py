import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spatial_sentences import SENTENCES

from gk_utils.evaluate.spatial_statements import read_statements
from gk_utils.formats.vsr import RELATIONS as OF_VSR
from gk_utils.spatial_relations import statement as forms
from gk_utils.spatial_relations.diagnosis import StatementError
from gk_utils.spatial_relations.parser import parse, parse_phrase
from gk_utils.spatial_relations.statement import NounPhrase

_TEXT = (
    "the a an is are not that which and or , . ; mug plate red mugs two exactly at least most no all it 's each other "
    "on there more than as many same colour closer to nearest second from left right sitting stands blocks contains "
    "does of both neither nor with flowers either only near between in front picture point view frob"
)
WORDS = _TEXT.split()


class TestParse:
    def test_written_by_people(self):
        assert {sentence: str(parse(sentence)) for sentence, _ in SENTENCES} == dict(SENTENCES)

    def test_there_are_enough(self):
        assert len(SENTENCES) >= 150

    def test_all_frozen_statements(self):
        assert all(parse(statement.text) for statement in read_statements()[::9])

    @pytest.mark.parametrize(
        "relation", [relation for relation in OF_VSR if relation not in ("contains", "consists of")]
    )
    def test_all_relations_of_vsr(self, relation):
        be = "" if relation.startswith("has") else "is "
        assert parse(f"The cat {be}{relation} the dog.").predicate.landmarks == (NounPhrase("dog"),)

    @pytest.mark.parametrize(
        ("text", "word", "near"),
        [
            ("The cat is beind the sofa", "beind", ("behind",)),
            ("The cat is withn the box.", "withn", ("within", "with")),
            ("The cat jumped over the dog.", "jumped", ()),
            ("All mugs except the red one are on it.", "except", ()),
            ("the mug is red and", "", ()),
            ("the mug is behind.", "", None),
            ("", "", ()),
        ],
    )
    def test_points_at_the_word(self, text, word, near):
        with pytest.raises(StatementError) as caught:
            parse(text)
        start, end = caught.value.span
        assert text[start:end] == word
        assert near is None or caught.value.nearest == near

    @pytest.mark.parametrize(
        ("text", "form"),
        [
            (
                "The mug is closer to the plate than the bowl is and the cat is red.",
                "(the(mug): closer_than(the(plate), the(bowl)) and the(cat): red)",
            ),
            ("There are sheep on the tray", "exists bare(sheep+, on(the(tray)))"),
            ("There is sheep on the tray", "exists a(sheep, on(the(tray)))"),
            ("There is red mug on tray", "exists a(red mug, on(the(tray)))"),
            ("The mug is near blocks", "the(mug): near(bare(block+))"),
        ],
    )
    def test_verbs_and_articles_left_out(self, text, form):
        assert str(parse(text)) == form

    def test_a_phrase_alone_needs_a_verb(self):
        with pytest.raises(StatementError, match="expected 'is', 'are' or another verb, got the end"):
            parse("the red mug")

    def test_places_of_noun_phrases(self):
        text = "Two mugs are on the tray near the cat."
        spans = [form.span for form in parse(text).walk() if isinstance(form, NounPhrase)]
        assert [text[a:b] for a, b in spans] == ["Two mugs", "the tray near the cat", "the cat"]

    @given(st.lists(st.sampled_from(WORDS), max_size=25))
    @settings(max_examples=150, deadline=None)
    def test_reads_or_diagnoses(self, words):
        text = " ".join(words)
        try:
            form = parse(text)
        except StatementError as error:
            start, end = error.span
        else:
            start, end = 0, len(text)
            assert eval(repr(form), vars(forms)) == form
        assert 0 <= start <= end <= len(text)

    @pytest.mark.parametrize(
        "part", ["the mug is on the tray and ", "the mug that is red ", "on the tray ", "the mug, "]
    )
    def test_long_texts_take_linear_time(self, part):
        def seconds(n: int) -> float:
            began = time.perf_counter()
            with contextlib.suppress(StatementError):
                parse(part * n + "the mug is red")
            return time.perf_counter() - began

        seconds(10)
        short = min(seconds(100) for _ in range(3))
        assert min(seconds(400) for _ in range(2)) < 20 * short


class TestParsePhrase:
    def test_a_statement_is_none(self):
        with pytest.raises(StatementError):
            parse_phrase("the mug is red")
