"""What a learner reads: points, the check's words, repairs, and nothing that another program would run."""

import pytest
import synthetic_lesson
from nbformat.v4 import new_code_cell, new_notebook, new_output

from gk_utils.classroom import source
from gk_utils.classroom.coursework import Grade
from gk_utils.classroom.feedback import CHARACTERS, feedback, refusal

PARTS = {"areas-check": (0.0, 2.0), "visible_width-check": (3.0, 3.0), "explain": (0.0, 1.0)}


@pytest.fixture
def lesson(tmp_path):
    return source.read(synthetic_lesson.write(tmp_path))


def ran(name, *errors):
    outputs = [new_output("error", ename=kind, evalue=text) for kind, text in errors]
    return new_code_cell("", outputs=outputs, metadata={"nbgrader": {"grade_id": name}})


class TestFeedback:
    def test_points_and_words(self, lesson):
        notebook = new_notebook(
            cells=[
                ran("areas", ("SyntaxError", "invalid syntax")),
                ran("areas-check", ("AssertionError", "90.areas not passed: ``` <b>\x1b[31mred\x1b[0m")),
                ran("visible_width-check"),
            ]
        )
        text = feedback(lesson, Grade("anna", 3, 6, 3, 5, True, PARTS), notebook, ["areas: was <b>renamed</b> *x*"])
        assert text.startswith("# 90 · A synthetic lesson\n\nanna: 3 of 6 points so far.\n")
        assert "| areas | 0 of 2 |\n| visible_width | 3 of 3 |\n| explain | to be read of 1 |" in text
        words = "SyntaxError: invalid syntax\n\n90.areas not passed: ``` <b>red"
        assert f"## areas\n\n````text\n{words}\n````" in text
        assert "## visible_width" not in text
        assert text.endswith("## Repaired before grading\n\n- areas: was \\<b\\>renamed\\</b\\> \\*x\\*\n")

    def test_all_marked(self, lesson):
        grade = Grade("anna", 3, 6, 3, 5, False, PARTS)
        text = feedback(lesson, grade, new_notebook())
        assert "anna: 3 of 6 points.\n" in text
        assert "| explain | 0 of 1 |" in text
        assert "Its check did not run." in text
        assert "Repaired" not in text

    def test_endless_words_are_cut(self, lesson):
        notebook = new_notebook(cells=[ran("areas-check", ("AssertionError", "x" * 10**6))])
        assert len(feedback(lesson, Grade("a", 3, 6, 3, 5, False, PARTS), notebook)) < CHARACTERS + 1000


class TestRefusal:
    def test_says_which_file_and_why(self, lesson):
        text = refusal(lesson, "anna", "=x/`<img>`.ipynb", "not a <notebook>\n# no")
        assert text.endswith("```text\n=x/`<img>`.ipynb\n```\n\nnot a \\<notebook\\> # no\n")
