import inspect
import os
import traceback

import pytest
import tiny_lesson

from gk_utils.classroom import source


@pytest.fixture
def lesson(tmp_path):
    return tiny_lesson.write(tmp_path)


class TestRead:
    def test_lesson(self, lesson):
        assert (lesson.number, lesson.stem, lesson.name) == ("01", "tiny", "01_tiny")
        assert lesson.course["title"] == "Tiny"
        assert lesson.course["claims"][0]["verdict"] == "wrong"
        assert type(lesson.course["claims"][0]) is dict

    def test_every_line_is_the_cell_marker(self, lesson):
        lines = lesson.path.read_text().split("\n")
        assert [cell.line for cell in lesson.cells] == [
            number for number, line in enumerate(lines, start=1) if line.startswith("# %%")
        ]

    def test_line_n_of_a_cell_stands_at_line_plus_n(self, lesson):
        lines = lesson.path.read_text().split("\n")
        for cell in lesson.cells:
            first = cell.source.split("\n")[0]
            assert lines[cell.line] == (f"# {first}" if cell.kind == "markdown" else first)

    def test_markers(self, lesson):
        card = next(cell for cell in lesson.cells if cell.card == "halve")
        assert (card.kind, card.difficulty, card.importance, card.minutes) == ("markdown", 2, 4, 8)
        labelled = next(cell for cell in lesson.cells if cell.label)
        assert (labelled.label, labelled.tags) == ("half", ("nbval-check-output",))
        assert {name: cell.points for name, cell in lesson.exercise_cells().items()} == {
            "double": 2, "halve": 2, "raised": 2, "explain": 3,
        }  # fmt: skip

    def test_kinds_of_code_cells(self, lesson):
        code = [cell for cell in lesson.cells if cell.kind == "code"]
        kinds = [
            "setup" if c.is_setup else "demo" if c.is_demo else "exercise" if c.exercise else "check" for c in code
        ]
        assert kinds == ["setup", "demo", "demo", *["exercise", "check"] * 3, "demo"]

    def test_alt_keeps_quotes_signs_and_brackets(self, tmp_path):
        alt = "It's a [box], x = 3: wide # and 100 % red"
        text = tiny_lesson.changed("A plain red square of four by four pixels.", alt)
        assert next(cell.alt for cell in tiny_lesson.write(tmp_path, text).cells if cell.alt) == alt

    def test_an_edit_is_seen(self, lesson, tmp_path):
        again = tiny_lesson.write(tmp_path, tiny_lesson.changed('title: "Tiny"', 'title: "Small"'))
        assert again.course["title"] == "Small"

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('label="half"', 'name="half"', r"01_tiny.py:LINE: .*name='half'"),
            ('label="half"', "half label", r"01_tiny.py:LINE: .*title='half label'"),
            ('title: "Tiny"', 'heading: "Tiny"', r"01_tiny.py:1: .*got no title"),
            ("#   course:", "#   curse:", r"01_tiny.py:1: .*got none"),
            ('\n# %% tags=["setup"]', '\nx = 1\n# %% tags=["setup"]', r"got 18 such lines for 19 cells"),
            ("# %% [markdown]\n# A red", "# %% [raw]\n# A red", "code or markdown cell, got raw"),
        ],
    )
    def test_what_it_does_not_know_is_named_with_its_line(self, tmp_path, old, new, message):
        message = message.replace("LINE", str(tiny_lesson.line_of('# %% label="half"')))
        with pytest.raises(ValueError, match=message):
            tiny_lesson.write(tmp_path, tiny_lesson.changed(old, new))

    def test_file_name(self, tmp_path):
        with pytest.raises(ValueError, match="expected a name like 01_boxes.py"):
            tiny_lesson.write(tmp_path, name="tiny")


class TestChoose:
    def test_by_name_number_and_path(self, tmp_path):
        for name in ("02_b", "01_a", "notes"):
            (tmp_path / "lessons").mkdir(exist_ok=True)
            (tmp_path / "lessons" / f"{name}.py").touch()
        first, second = source.lesson_paths(tmp_path)
        assert (first.stem, second.stem) == ("01_a", "02_b")
        assert source.choose([], tmp_path) == [first, second]
        assert source.choose(["02", "lessons/01_a.py", "02_b"], tmp_path) == [second, first]
        assert source.find("02", tmp_path) == second

    def test_unknown(self, lesson, tmp_path):
        with pytest.raises(ValueError, match="lesson: expected one of 01_tiny, got '7'"):
            source.choose(["7"], tmp_path)

    def test_no_lessons(self, tmp_path):
        assert source.choose([], tmp_path) == []


class TestReference:
    def test_is_the_solution(self, lesson, tmp_path):
        assert source.reference("01.double", tmp_path)(21) == 42
        assert source.reference("01.halve", tmp_path)(42) == 21

    def test_setup_and_exercise_only(self, lesson, tmp_path, capsys):
        names = source.reference("01.halve", tmp_path).__globals__
        assert "check" in names
        assert not {"ten", "double"} & names.keys()
        assert capsys.readouterr().out == ""

    def test_each_call_makes_a_new_one(self, lesson, tmp_path):
        first, second = (source.reference("01.halve", tmp_path) for _ in range(2))
        assert first is not second
        assert first.__globals__ is not second.__globals__

    def test_source_and_traceback_lead_to_the_lesson(self, lesson, tmp_path):
        halve = source.reference("01.halve", tmp_path)
        assert inspect.getsource(halve).startswith("def halve(value):")
        with pytest.raises(TypeError) as caught:
            halve("a")
        frame = traceback.extract_tb(caught.value.__traceback__)[-1]
        assert (frame.filename, frame.line) == (str(lesson.path), "return value / 2")

    def test_function_of_another_name(self, tmp_path):
        tiny_lesson.write(tmp_path, tiny_lesson.changed("def raised(value)", "def add_two(value)"))
        assert source.reference("01.raised", tmp_path)(1) == 3

    @pytest.mark.parametrize(
        ("exercise_id", "message"),
        [
            ("01.nothing", "exercise_id: expected one of 01.double, 01.halve, 01.raised, 01.explain, got '01.nothing'"),
            ("09.halve", "lesson: expected one of 01_tiny, got '09'"),
            ("01.explain", "answered in words"),
        ],
    )
    def test_unknown(self, lesson, tmp_path, exercise_id, message):
        with pytest.raises(ValueError, match=message):
            source.reference(exercise_id, tmp_path)

    def test_no_function(self, tmp_path):
        text = tiny_lesson.changed("def raised(value):\n", "if True:\n")
        text = text.replace("    return value + 2", "    made = 2")
        tiny_lesson.write(tmp_path, text)
        with pytest.raises(ValueError, match=r"01_tiny.py:\d+: expected a function raised, got none"):
            source.reference("01.raised", tmp_path)


class TestSolutionText:
    def test_code(self, lesson, tmp_path):
        assert source.solution_text("01.halve", tmp_path) == (
            'def halve(value):\n    """Return {value} / 2."""\n    return value / 2'
        )

    def test_answer(self, lesson, tmp_path):
        assert source.solution_text("01.explain", tmp_path) == "Because five and five are ten."


class TestSetupText:
    def test_setup_cells_only(self, lesson):
        text = source.setup_text(lesson)
        assert text.startswith("from IPython.display import display")
        assert "ten" not in text


class TestWriteAtomically:
    def test_replaces(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("old")
        source.write_atomically(path, "new ·\n")
        assert path.read_bytes() == "new ·\n".encode()
        assert os.listdir(tmp_path) == ["a.txt"]

    def test_a_failure_leaves_the_old_file_alone(self, tmp_path, monkeypatch):
        path = tmp_path / "a.txt"
        path.write_text("old")

        def stop(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            source.write_atomically(path, "new")
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["a.txt"]
