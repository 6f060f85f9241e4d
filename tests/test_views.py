import ast
import re

import nbformat
import pytest
import tiny_lesson

from gk_utils.classroom import source, views


@pytest.fixture
def lesson(tmp_path):
    return tiny_lesson.write(tmp_path)


class TestStudentView:
    def test_no_solution_is_left(self, lesson):
        text = nbformat.writes(views.student_view(lesson))
        for secret in ("value * 2", "value / 2", "value + 2", "five and five", "SOLUTION", "HIDDEN"):
            assert secret not in text.replace("{value}", "")

    def test_stub_keeps_signature_and_docstring(self, lesson):
        stub = next(cell for cell in views.student_view(lesson).cells if "def halve" in cell.source)
        assert stub.source == 'def halve(value):\n    """Return {value} / 2."""\n    ...  # your code here'
        names = {}
        exec(stub.source, names)
        assert names["halve"](4) is None

    def test_answer_is_a_place_to_write(self, lesson):
        answer = views.student_view(lesson).cells[-3]
        assert answer.source == "*Write your answer here.*"
        assert dict(answer.metadata.nbgrader) == {
            "schema_version": 3, "grade_id": "explain", "grade": True, "solution": True, "locked": False,
            "task": False, "points": 3,
        }  # fmt: skip

    def test_nbgrader_metadata_of_code(self, lesson):
        marked = [cell.metadata.nbgrader for cell in views.student_view(lesson).cells if "nbgrader" in cell.metadata]
        found = {metadata.grade_id: metadata for metadata in marked}
        graded = ["double", "double-check", "halve", "halve-check", "raised", "raised-check", "explain"]
        assert list(found) == ["setup-1", *graded]
        setup = found["setup-1"]  # the grader restores it
        assert (setup.solution, setup.grade, setup.locked) == (False, False, True)
        solution, check = found["halve"], found["halve-check"]
        assert (solution.solution, solution.grade, solution.locked, "points" in solution) == (True, False, False, False)
        assert (check.solution, check.grade, check.locked, check.points) == (False, True, True, 2)

    def test_demo_tags(self, lesson):
        tags = [cell.metadata.get("tags") for cell in views.student_view(lesson).cells if cell.cell_type == "code"]
        assert tags == [["setup"], ["nbval-check-output", "demo"], ["demo"], *[None] * 6, ["demo"]]

    def test_header(self, lesson):
        header = views.student_view(lesson, {"seconds": 15, "peak_gb": 0.6}).cells[0]
        assert header.id == "01-header"
        assert header.source == (
            "# 01 · Tiny\n\n**Claim.** Half of ten is five, and a third would be too little.\n\n"
            "**Afterwards you can**\n\n- halve a number\n- double a number\n- say why\n\n"
            "**Before you start:** arithmetic.\n\n"
            "**Budget:** 50 minutes of work. The whole notebook runs in 15 s on two CPU cores, in 0.6 GB."
        )
        assert "Not measured yet." in views.student_view(lesson).cells[0].source

    def test_prerequisite_lesson_becomes_a_link(self, lesson, tmp_path):
        text = tiny_lesson.changed('["arithmetic"]', '["01_tiny", "05_none_yet"]')
        second = tiny_lesson.write(tmp_path, text, name="02_next")
        header = views.student_view(second).cells[0].source
        assert "**Before you start:** [01 · Tiny](01_tiny.ipynb); 05_none_yet." in header

    def test_card(self, lesson):
        texts = [cell.source for cell in views.student_view(lesson).cells]
        card = next(text for text in texts if text.startswith("### Exercise: halve"))
        lines = [line for line in card.split("\n") if line]
        assert lines[1] == "Exercise 01.halve · difficulty ●●○○○ · importance ●●●●○ · 8 minutes · 2 points"
        assert lines[2] == "Write a function that can halve a number."
        assert re.findall("<summary>(.*?)</summary>", card) == [
            "Hint 1", "Hint 2", "Hint 3", "Expected output", "Solution",
        ]  # fmt: skip
        assert card.count("<details>") == card.count("</details>") == 5
        assert "\n\none operator is enough.\n\n" in card
        assert 'Run `solution("01.halve")` in a new cell.' in card
        assert "Hint:" not in card

    def test_text_above_the_heading_of_a_card_stays_there(self, tmp_path):
        text = tiny_lesson.changed("# ### Exercise: halve", "# So much for doubling.\n#\n# ### Exercise: halve")
        cards = [cell.source for cell in views.student_view(tiny_lesson.write(tmp_path, text)).cells]
        card = next(source for source in cards if "01.halve ·" in source)
        assert card.startswith(
            "So much for doubling.\n\n### Exercise: halve a number\n\nExercise 01.halve · difficulty"
        )

    def test_units_of_one(self, tmp_path):
        rated = "difficulty={} importance={} minutes={}"
        text = tiny_lesson.changed('card="explain" ' + rated.format(2, 4, 8), 'card="explain" ' + rated.format(5, 1, 1))
        text = tiny_lesson.changed("points=3", "points=1", text)
        source = nbformat.writes(views.student_view(tiny_lesson.write(tmp_path, text)))
        assert "difficulty ●●●●● · importance ●○○○○ · 1 minute · 1 point" in source

    def test_is_valid_and_the_same_every_time(self, lesson):
        first, second = views.student_view(lesson), views.student_view(lesson)
        nbformat.validate(first)
        assert nbformat.writes(first) == nbformat.writes(second)
        code = [cell for cell in first.cells if cell.cell_type == "code"]
        assert all(not cell.outputs and cell.execution_count is None for cell in code)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("    return value / 2\n    ### END SOLUTION", "    return value / 2", "expected pairs of ### BEGIN"),
            ("    ### BEGIN SOLUTION\n    return value / 2", "    return value / 2", "expected pairs of ### BEGIN"),
            ("ten = 10", "### BEGIN SOLUTION\nten = 10\n### END SOLUTION", "expected no pair of ### BEGIN"),
            ('exercise="halve" points=2', 'exercise="halve"', "expected points for 'halve', got none"),
            ('label="half"', 'label="header"', "got 01-header again"),
        ],
    )
    def test_malformed_lesson(self, tmp_path, old, new, message):
        lesson = tiny_lesson.write(tmp_path, tiny_lesson.changed(old, new))
        with pytest.raises(ValueError, match=rf"^01_tiny.py:\d+: .*{message}"):
            views.student_view(lesson)


class TestGradedView:
    def test_solutions_and_hidden_tests(self, lesson):
        cells = views.graded_view(lesson).cells
        assert any("### BEGIN SOLUTION\n    return value / 2\n    ### END SOLUTION" in cell.source for cell in cells)
        check = next(cell.source for cell in cells if cell.source.startswith('check("01.halve"'))
        assert check.split("\n") == [
            'check("01.halve", halve)',
            "### BEGIN HIDDEN TESTS",
            "from gk_utils.classroom import check",
            "check('01.halve', halve, hidden=True)",
            "### END HIDDEN TESTS",
            'halve = use("01.halve", halve)',
        ]

    def test_clearing_it_gives_the_student_view(self, lesson):
        graded = views.graded_view(lesson)
        student = views.student_view(lesson)
        assert [cell.id for cell in graded.cells] == [cell.id for cell in student.cells]
        assert [cell.metadata for cell in graded.cells] == [cell.metadata for cell in student.cells]

    def test_check_over_two_lines(self, tmp_path):
        text = tiny_lesson.changed('check("01.halve", halve)', 'check(\n    "01.halve", halve)')
        cells = views.graded_view(tiny_lesson.write(tmp_path, text)).cells
        check = next(cell.source for cell in cells if '"01.halve", halve)' in cell.source)
        assert check.index("BEGIN HIDDEN") > check.index('"01.halve", halve)')
        assert ast.parse(check)

    def test_no_check_call(self, tmp_path):
        lesson = tiny_lesson.write(tmp_path, tiny_lesson.changed('check("01.halve", halve)', "print(halve)"))
        with pytest.raises(ValueError, match=r'got none. Write check\("01.halve", halve\)'):
            views.graded_view(lesson)


class TestCellIds:
    def test_section_index_and_label(self, lesson):
        ids = views.cell_ids(lesson)
        assert ids[:3] == ["01-header", "01-start-01", "01-half-of-a-number-01"]
        assert ids[3:6] == ["01-half", "01-half-of-a-number-03", "01-half-of-a-number-04"]
        assert ids[-2:] == ["01-going-further-01", "01-going-further-02"]
        assert len(set(ids)) == len(ids) == len(lesson.cells) + 1

    def test_a_cell_more_moves_only_its_section(self, lesson, tmp_path):
        more = tiny_lesson.changed("# ## Half of", "# Before.\n\n# %% [markdown]\n# ## Half of")
        assert set(views.cell_ids(tiny_lesson.write(tmp_path, more))) - set(views.cell_ids(lesson)) == {"01-start-02"}

    def test_heading_in_a_code_block_is_none(self, tmp_path):
        text = tiny_lesson.changed("# Predict the half of ten.", "# ```\n# ## Not a section\n# ```")
        assert "01-half-of-a-number-01" in views.cell_ids(tiny_lesson.write(tmp_path, text))


class TestSlug:
    @pytest.mark.parametrize(
        ("title", "expected"),
        [("IoU & GIoU", "iou-giou"), ("Größe", "groe"), ("?", "section"), ("a" * 29 + " b", "a" * 29)],
    )
    def test_plain(self, title, expected):
        assert views.slug(title) == expected


def test_views_of_a_lesson_do_not_change_it(lesson):
    before = source.read(lesson.path)
    views.student_view(lesson)
    views.graded_view(lesson)
    assert source.read(lesson.path) == before
