"""Reading what was handed in, whatever is left of it."""

import json

import pytest

from gk_utils.classroom import submission
from gk_utils.classroom.submission import (
    CELL_CHARACTERS,
    CELLS,
    SubmittedCell,
    as_code,
    functions,
    parse,
    plain,
    python_of,
    recognise,
)


def notebook(*cells, **metadata):
    return json.dumps({"cells": list(cells), "metadata": metadata}).encode()


def code(source, **fields):
    return {"cell_type": "code", "source": source, **fields}


class TestParse:
    def test_takes_ids_from_where_they_are(self):
        cells = parse(
            notebook(
                code(["a = 1\n", "b"], id="01-x-01", metadata={"nbgrader": {"grade_id": "iou"}}),
                code("c", metadata={"id": "01-x-02"}),  # as Colab keeps it
                {"cell_type": "raw", "source": "d"},
                course={"lesson": "01_boxes"},
            )
        )
        assert cells.lesson == "01_boxes"
        assert cells.cells == (
            SubmittedCell("code", "a = 1\nb", "iou", "01-x-01"),
            SubmittedCell("code", "c", "", "01-x-02"),
            SubmittedCell("markdown", "d"),
        )

    @pytest.mark.parametrize(
        "cell",
        ["text", 3, None, {}, {"source": None}, {"source": [1, None]}, {"source": "", "metadata": [], "id": 4}],
    )
    def test_odd_cells_do_no_harm(self, cell):
        found = parse(notebook(cell, code("x", metadata={"nbgrader": "lost"}))).cells
        assert found[-1] == SubmittedCell("code", "x")
        assert {made.source for made in found[:-1]} <= {""}

    def test_odd_metadata(self):
        data = json.dumps({"cells": [], "metadata": {"course": ["01_boxes"]}}).encode()
        assert parse(data) == submission.Submission(())

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"", "got an empty file"),
            (b"%PDF-1.7", "got something else"),
            (b"\xff\xfe\x00", "got something else"),
            (b"[" * 100_000, "got something else"),
            (b"[1]", "got JSON without cells"),
            (b'{"cells": 3}', "got JSON without cells"),
            (b'{"worksheets": []}', "got one of a format from before 2015"),
            (json.dumps({"cells": [{}] * (CELLS + 1)}).encode(), f"at most {CELLS} cells, got {CELLS + 1}"),
        ],
    )
    def test_what_is_no_notebook(self, data, what):
        with pytest.raises(ValueError, match=what):
            parse(data)

    def test_a_byte_order_mark_windows_lines_and_half_characters(self):
        data = b"\xef\xbb\xbf" + notebook(code("a\r\nb"))
        assert parse(data).cells[0].source == "a\nb"
        parse(b'{"cells": [{"source": "\\ud800"}]}').cells[0].source.encode()

    def test_an_endless_cell_is_cut(self):
        (cell,) = parse(notebook(code("x" * 10**6))).cells
        assert len(cell.source) < CELL_CHARACTERS + 100
        assert cell.source.endswith(f"cut by the grader after {CELL_CHARACTERS} characters")


class TestRecognise:
    @pytest.mark.parametrize(
        ("data", "told"),
        [
            (notebook(course={"lesson": "01_boxes"}), ("01_boxes", "metadata")),
            (notebook(code("", id="06-setup-01"), course={"lesson": "99_gone"}), ("06_roi_align", "its cells")),
            (notebook(code('check("01.waste", f)')), ("01_boxes", "its cells")),
            (notebook({"cell_type": "markdown", "source": "### X\n\nExercise 10.clock · 5"}), None),
            (notebook(code("x = 1", id="99-a"), code("", id="1234-abcd")), ("", "")),
            (notebook(code("def nothing_like_it(): return 1")), ("", "")),
            (notebook(), ("", "")),
        ],
    )
    def test_metadata_then_cells(self, data, told):
        assert recognise(parse(data)) == (told or ("10_spatial_relations", "its cells"))

    def test_most_cells_win(self):
        cells = [code("", id="01-a"), code("", id="10-b"), code("", id="10-c")]
        assert recognise(parse(notebook(*cells)))[0] == "10_spatial_relations"

    def test_the_names_of_functions_alone(self):
        cells = code("def clock(a, b, c):\n    return 12"), code("%time\ndef refuse(m, r, c): return 0.5\nx = (")
        assert recognise(parse(notebook(*cells))) == ("10_spatial_relations", "the names of its functions")


class TestFunctions:
    @pytest.mark.parametrize(
        ("source", "found"),
        [
            ("x = 1", {}),
            ('def f(x):\n    """Text."""\n    ...  # your code here', {"f": False}),
            ("def f(x):\n    ...\n    return x", {"f": True}),
            ("async def f(x): pass", {"f": False}),
            ("def f(x):\n    def g(): return 1\n    return g()", {"f": True}),
            ("%timeit 1\n!ls\ndef f(x): return x", {"f": True}),
            ("def f(x):\nreturn x", {"f": True}),  # no Python: found by its first line
            ("(" * 10_000, {}),
        ],
    )
    def test_finds(self, source, found):
        assert functions(source) == found


class TestPythonOf:
    def test_none_if_it_is_no_python(self):
        assert python_of("x = = 1") is None
        assert python_of("\0") is None
        assert python_of("%magic\nx = 1") is not None


class TestAsCode:
    @pytest.mark.parametrize("text", ["x = 1", "```python\nx = 1\n```", "```\nx = 1\n```\n", "\n```py\nx = 1```"])
    def test_out_of_its_fence(self, text):
        assert as_code(SubmittedCell("markdown", text)) == "x = 1"

    def test_code_stays(self):
        assert as_code(SubmittedCell("code", "```\nx\n```")) == "```\nx\n```"


class TestPlain:
    def test_spaces_and_empty_lines(self):
        assert plain("\n\na  \n\nb\t\n") == "a\n\nb"
        assert plain("a") != plain("  a\nb")


class TestListed:
    def test_one_two_three(self):
        assert [submission.listed("abc"[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
