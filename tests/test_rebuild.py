"""What survives in a submission, whatever was done to its notebook; nothing runs here."""

import copy
import json

import pytest
import synthetic_lesson

from gk_utils.classroom import source
from gk_utils.classroom.rebuild import rebuild
from gk_utils.classroom.source import without_markers
from gk_utils.classroom.submission import parse
from gk_utils.classroom.views import TEXT_STUB, student_view

AREAS = """def areas(boxes: Tensor) -> Tensor:
    size_wh = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    return size_wh[:, 0] * size_wh[:, 1]"""
WIDTH = """def visible_width(box, image_hw):
    return max(min(box[2], image_hw[1]) - max(box[0], 0), 0)"""
ANSWER = "Two negative sides have a positive area."
WRITTEN = {"areas": AREAS, "visible_width": WIDTH, "explain": ANSWER}


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    return source.read(synthetic_lesson.write(tmp_path_factory.mktemp("checkout")))


@pytest.fixture(scope="module")
def release(lesson):
    return student_view(lesson)


@pytest.fixture
def handed(release):
    """A notebook as a learner hands it in, solved."""
    notebook = copy.deepcopy(release)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = WRITTEN.get(name, cell.source)
    return notebook


@pytest.fixture
def repaired(lesson, release):
    """Rebuild, and return what each exercise holds then, with the notes."""

    def run(notebook):
        before = json.dumps(release)
        made, notes = rebuild(release, lesson, parse(json.dumps(notebook).encode()))
        assert json.dumps(release) == before
        cells = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in made.cells if "nbgrader" in cell.metadata}
        own = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in release.cells if "nbgrader" in cell.metadata}
        assert list(cells) == list(own)  # each once, in their order
        for name in ("setup-1", "areas-check", "visible_width-check"):
            assert cells[name].source == own[name].source
        assert not any("demo" in cell.metadata.get("tags", ()) for cell in made.cells)
        extra = [cell.source for cell in made.cells if "-taken-along-" in cell.id]
        return {name: cells[name].source for name in WRITTEN}, extra, notes

    return run


def at(notebook, name):
    places = [
        number
        for number, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == name
    ]
    return places[0]


def strip(notebook, *, ids):
    """Lose the metadata, and the ids too."""
    notebook.metadata.clear()
    for cell in notebook.cells:
        cell.metadata.clear()
        if ids:
            del cell["id"]
    return notebook


def inserted(notebook, place, text, kind="code"):
    cell = copy.deepcopy(notebook.cells[0])
    cell.update(cell_type=kind, source=text, id=f"new-{place}", metadata={})
    notebook.cells.insert(place, cell)


class TestRebuild:
    def test_nothing_to_repair(self, handed, repaired):
        assert repaired(handed) == (WRITTEN, [], [])

    def test_an_untouched_release_stays_what_it_is(self, release, repaired):
        held, extra, notes = repaired(release)
        assert (held["explain"], extra, notes) == (TEXT_STUB, [], [])
        assert held["areas"] == release.cells[at(release, "areas")].source

    @pytest.mark.parametrize(("ids", "by"), [(False, "its cell's id"), (True, "its function's name")])
    def test_metadata_lost(self, handed, repaired, ids, by):
        held, extra, notes = repaired(strip(handed, ids=ids))
        assert (held, extra) == (WRITTEN, [])
        assert notes[0] == "metadata was lost"
        assert f"areas: found by {by}" in notes
        assert ("explain: found below its card" in notes) == ids

    def test_checks_edited_and_deleted_and_set_up_edited(self, handed, repaired):
        handed.cells[at(handed, "areas-check")].source = "areas = 1"
        handed.cells[at(handed, "setup-1")].source += "\ncheck = print"
        del handed.cells[at(handed, "visible_width-check")]
        held, _, notes = repaired(handed)
        assert held == WRITTEN
        assert notes == [
            "the set-up and areas-check: changed by the learner, put back",
            "visible_width-check: missing, put back",
        ]

    def test_duplicated_ids(self, handed, release, repaired):
        """The stub is left behind in a copy, before or after; of two answers the later one counts."""
        stub = copy.deepcopy(release.cells[at(release, "areas")])
        handed.cells.insert(0, stub)
        handed.cells.append(stub)
        early = copy.deepcopy(handed.cells[at(handed, "visible_width")])
        early.source = "def visible_width(box, image_hw):\n    return 0"
        handed.cells.insert(1, early)
        held, _, notes = repaired(handed)
        assert held == WRITTEN
        assert notes == ["areas: 3 cells with its id", "visible_width: 2 cells with its id"]

    def test_code_turned_markdown_and_an_answer_turned_code(self, handed, repaired):
        handed.cells[at(handed, "areas")].update(cell_type="markdown", source=f"```python\n{AREAS}\n```")
        handed.cells[at(handed, "visible_width")].update(cell_type="raw")
        handed.cells[at(handed, "explain")].update(cell_type="code", outputs=[], execution_count=None)
        held, _, notes = repaired(handed)
        assert held == WRITTEN
        assert notes == [f"{name}: Markdown, turned back to code" for name in ("areas", "visible_width")]

    def test_a_renamed_function_gets_its_name_back(self, handed, repaired):
        handed.cells[at(handed, "areas")].source = AREAS.replace("def areas", "def aeras")
        held, _, notes = repaired(handed)
        assert held["areas"].endswith("\n\nareas = aeras")
        assert notes == ["areas: was renamed aeras"]

    def test_two_candidates_for_a_name_are_left_to_the_check(self, handed, repaired):
        text = AREAS.replace("areas", "first") + "\n\n" + AREAS.replace("areas", "second")
        handed.cells[at(handed, "areas")].source = text
        held, _, notes = repaired(handed)
        assert held["areas"] == text
        assert notes == ["areas: its cell defines no function of this name"]

    def test_written_into_a_cell_of_its_own_below_the_stub(self, handed, release, repaired):
        place = at(handed, "areas")
        handed.cells[place].source = release.cells[place].source + "\n# see below"
        inserted(handed, place + 1, AREAS)
        held, _, notes = repaired(handed)
        assert held["areas"] == AREAS
        assert notes == ["areas: found by its function's name"]

    def test_an_exercise_deleted(self, handed, release, repaired):
        del handed.cells[at(handed, "areas")]
        held, _, notes = repaired(handed)
        assert held["areas"] == release.cells[at(release, "areas")].source
        assert notes == ["areas: no cell of it, counts as not attempted"]

    def test_helpers_come_along_from_wherever_they_are(self, handed, repaired):
        place = at(handed, "areas")
        handed.cells[place].source = "def areas(boxes):\n    return sides(boxes).prod(1)"
        inserted(handed, place, "import math, os\nos.remove('gradebook.db')")
        inserted(handed, place, "def sides(boxes):\n    return clipped(boxes[:, 2:] - boxes[:, :2])")
        inserted(handed, 0, "LOWEST = 9\nwhile True:\n    pass")
        inserted(handed, 1, "LOWEST: int = 0\ndef clipped(sizes): return sizes.clamp(min=LOWEST)")
        held, extra, notes = repaired(handed)
        assert "sides(boxes).prod(1)" in held["areas"]
        (text,) = extra
        assert [line.split("(")[0] for line in text.split("\n") if not line.startswith(" ")] == [
            "LOWEST: int = 0",
            "def clipped",
            "def sides",
        ]
        assert "while" not in text
        assert "remove" not in text
        assert notes == ["areas: LOWEST, clipped and sides taken along from another cell"]

    def test_an_import_added_to_the_set_up_comes_along(self, handed, repaired):
        handed.cells[at(handed, "setup-1")].source += "\nimport itertools"
        place = at(handed, "areas")
        handed.cells[place].source = "%precision 3\n" + AREAS + "\nitertools.count()"
        _, extra, notes = repaired(handed)
        assert extra == ["import itertools"]
        assert "areas: itertools taken along from another cell" in notes

    def test_an_answer_below_its_stub(self, handed, release, repaired):
        place = at(handed, "explain")
        handed.cells[place].source = release.cells[place].source
        inserted(handed, place + 1, "First.", "markdown")
        inserted(handed, place + 2, "Second.", "markdown")
        held, _, notes = repaired(handed)
        assert held["explain"] == "First.\n\nSecond."
        assert notes == ["explain: found below its card"]

    def test_code_that_is_no_python_is_kept(self, handed, repaired):
        handed.cells[at(handed, "areas")].source = "def areas(boxes):\nreturn = 3"
        held, extra, notes = repaired(handed)
        assert (held["areas"], extra, notes) == ("def areas(boxes):\nreturn = 3", [], [])

    def test_two_arguments_of_one_name(self, handed, repaired):
        wrong = "def areas(box, box):\n    return box"
        handed.cells[at(handed, "areas")].source = wrong
        held, extra, notes = repaired(handed)
        assert (held, extra, notes) == (WRITTEN | {"areas": wrong}, [], [])

    @pytest.mark.parametrize(
        "scratch",
        [
            "def odd(x, x): pass",
            "def odd():\n    y = 1\n    global y",
            f"odd = {'+'.join(['x'] * 2000)}",
            "def odd(): return 1\nnonlocal odd",
        ],
    )
    def test_an_odd_scratch_cell(self, handed, repaired, scratch):
        place = at(handed, "areas")
        handed.cells[place].source = f"{AREAS}\n\nareas = tidy(areas)"
        inserted(handed, place, f"{scratch}\ndef tidy(made): return made")
        held, (extra,), notes = repaired(handed)
        assert held["areas"].endswith("areas = tidy(areas)")
        assert extra == "def tidy(made):\n    return made"
        assert notes == ["areas: tidy taken along from another cell"]

    def test_an_endless_sum_in_an_exercise(self, handed, repaired):
        long = f"def areas(boxes):\n    return {'+'.join(['boxes'] * 2000)}"
        handed.cells[at(handed, "areas")].source = long
        held, extra, notes = repaired(handed)
        assert (held["areas"], extra, notes) == (long, [], [])

    def test_an_answer_far_from_its_cell(self, handed, release, repaired):
        handed.cells[at(handed, "explain")].source = release.cells[at(release, "explain")].source
        handed.cells[0].source += "\n\nThe whole notebook runs in 7 s."  # the header: measured anew
        assert repaired(copy.deepcopy(handed))[2] == []
        inserted(handed, 1, ANSWER, "markdown")
        held, _, notes = repaired(handed)
        assert held["explain"] == TEXT_STUB
        assert notes == ["explain: no answer in its cell; text elsewhere, look"]

    def test_an_empty_notebook(self, lesson, release, repaired):
        held, _, notes = repaired({"cells": [], "metadata": {}})
        assert held["explain"] == TEXT_STUB
        assert [note.partition(":")[0] for note in notes[-3:]] == list(WRITTEN)
        solution = without_markers(lesson.exercise_cells()["areas"].source)
        assert held["areas"] != solution
