"""Questions to requests."""

import pytest

from gk_utils.assistant.asking import EXAMPLES, Request, can_be_asked, read_question


class TestReadQuestion:
    @pytest.mark.parametrize(("kind", "question"), EXAMPLES.items())
    def test_the_examples_are_read_as_their_kind(self, kind, question):
        assert read_question(question).kind == kind

    @pytest.mark.parametrize(
        ("question", "phrases", "aspect"),
        [
            ("Where is the red mug?", ("the red mug",), ""),
            ("  where IS the red   mug ", ("the red mug",), ""),
            ("What color is the mug?", ("the mug",), "colour"),
            ("How many mugs are on the plate?", ("mugs that are on the plate",), ""),
            ("How many mugs near the kettle are there?", ("mugs near the kettle",), ""),
            ("How many mugs?", ("mugs",), ""),
            ("Are there as many mugs as plates?", ("mugs", "plates"), "as many"),
            ("Which are there more of, red mugs or plates?", ("red mugs", "plates"), "which"),
            ("Is the cat to the left or to the right of the mug?", ("the cat", "the mug"), "sides"),
            ("Is the cat left or right of the mug?", ("the cat", "the mug"), "sides"),
            ("Where is the cat relative to the mug?", ("the cat", "the mug"), "both"),
            ("Is there an orange mug?", ("orange mug",), ""),
        ],
    )
    def test_phrases_and_aspects(self, question, phrases, aspect):
        found = read_question(question)
        assert (found.phrases, found.aspect) == (phrases, aspect)

    @pytest.mark.parametrize(
        ("question", "statement"),
        [
            ("Is it true that the mug is red?", "the mug is red"),
            ("The mug is on the plate.", "The mug is on the plate"),
            ("Is the mug near the plate?", "the mug is near the plate"),
            ("There are two mugs.", "There are two mugs"),
            ("True or false: no mug is red", "no mug is red"),
        ],
    )
    def test_statements(self, question, statement):
        assert read_question(question) == Request("verify", statement=statement)

    def test_a_rank_makes_it_ordinal(self):
        assert [read_question(f"Where is the {word} mug?").kind for word in ("red", "second", "leftmost")] == [
            *("locate", "ordinal", "ordinal")
        ]

    @pytest.mark.parametrize("question", ["Why?", "Hello", "How old is the cat?", "?", "is are there"])
    def test_unread(self, question):
        assert read_question(question) == Request("unread")


class TestCanBeAsked:
    def test_a_line_for_each_kind(self):
        assert [line.split(":")[0] for line in can_be_asked().split("\n")] == list(EXAMPLES)


class TestRequest:
    def test_an_unknown_kind(self):
        with pytest.raises(ValueError, match="kind: expected one of"):
            Request("riddle")
