import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.formats.files import is_text
from gk_utils.formats.pope import PopeQuestion, read_answers, read_pope, write_pope

NAME = "COCO_val2014_000000310196.jpg"
LINES = [  # in the notation of the released files, "imange" included
    {
        "question_id": 1,
        "image": NAME,
        "text": "Is there a mug in the image?",
        "label": "yes",
    },
    {
        "question_id": 2,
        "image": NAME,
        "text": "Is there an apple in the imange?",
        "label": "no",
    },
]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("scratch")


def saved(folder, lines):
    path = folder / "polls.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class TestReadPope:
    def test_as_released(self, tmp_path):
        first, second = read_pope(saved(tmp_path, LINES))
        assert first == PopeQuestion(1, NAME, "Is there a mug in the image?", True)
        assert second.label is False

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"label": "Yes"}, 'line 2: label: expected "yes" or "no", got \'Yes\''),
            ({"label": True}, 'line 2: label: expected "yes" or "no", got True'),
            ({"question_id": "2"}, "line 2: question_id: expected a whole number, got '2'"),
            ({"question_id": True}, "line 2: question_id: expected a whole number, got True"),
            ({"question_id": 1}, "line 2: question_id: expected each once, got 1"),
            ({"image": 7}, "line 2: image: expected a text, got 7"),
            ({"text": None}, "line 2: text: expected a text, got None"),
        ],
    )
    def test_names_file_and_line(self, tmp_path, change, message):
        with pytest.raises(ValueError, match="polls.json: ") as error:
            read_pope(saved(tmp_path, [LINES[0], {**LINES[1], **change}]))
        assert message in str(error.value)

    def test_no_object_and_no_json(self, tmp_path):
        with pytest.raises(ValueError, match=r"line 1: expected an object, got \[1\]"):
            read_pope(saved(tmp_path, [[1]]))
        (tmp_path / "polls.json").write_text('{"question_id": 1')
        with pytest.raises(ValueError, match="polls.json: line 1"):
            read_pope(tmp_path / "polls.json")


class TestWritePope:
    @settings(max_examples=30, deadline=None)
    @given(
        rows=st.lists(st.tuples(st.text('aé🙂 "?', min_size=1).filter(is_text), st.booleans()), max_size=4),
        extra=st.dictionaries(st.sampled_from(["source", "note"]), st.integers()),
    )
    def test_round_trip(self, scratch, rows, extra):
        questions = tuple(PopeQuestion(i, "a.png", text, label, extra) for i, (text, label) in enumerate(rows, 1))
        write_pope(questions, scratch / "polls.json")
        assert read_pope(scratch / "polls.json") == questions

    def test_what_cannot_be_read_back_is_not_written(self, tmp_path):
        path = saved(tmp_path, LINES)
        before = path.read_bytes()
        for wrong in (PopeQuestion(1, "", "Is there a mug?", True), PopeQuestion(1, "a", "b", True, {"x": (1,)})):
            with pytest.raises(ValueError, match="polls.json: "):
                write_pope([wrong], path)
        with pytest.raises(ValueError, match="each once"):
            write_pope([PopeQuestion(1, "a", "b", True)] * 2, path)
        assert path.read_bytes() == before


class TestReadAnswers:
    def test_in_the_order_of_the_questions(self, tmp_path):
        questions = read_pope(saved(tmp_path, LINES))
        lines = [{"question": questions[0].text.upper(), "answer": "Yes."}, {"answer": ""}]
        assert read_answers(saved(tmp_path, lines), questions) == ("Yes.", "")

    def test_shuffled_answers_are_noticed(self, tmp_path):
        questions = read_pope(saved(tmp_path, LINES))
        lines = [{"question": question.text, "answer": "no"} for question in questions]
        with pytest.raises(ValueError, match="line 1: question: expected 'Is there a mug in the image"):
            read_answers(saved(tmp_path, lines[::-1]), questions)

    def test_too_few_too_many_and_no_text(self, tmp_path):
        questions = read_pope(saved(tmp_path, LINES))
        with pytest.raises(ValueError, match="expected 2 answers, one a question, got 1"):
            read_answers(saved(tmp_path, [{"answer": "no"}]), questions)
        with pytest.raises(ValueError, match="line 3: expected 2 answers, one a question, got 'more'"):
            read_answers(saved(tmp_path, [{"answer": "no"}] * 3), questions)
        with pytest.raises(ValueError, match="line 1: answer: expected a text, got 1"):
            read_answers(saved(tmp_path, [{"answer": 1}]), questions)
