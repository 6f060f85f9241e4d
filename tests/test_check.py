"""check, use and solution, as a learner and as a grader meets them."""

import sys
import warnings

import nbformat
import numpy as np
import pytest
import synthetic_lesson
import torch
from matplotlib import pyplot
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from synthetic_lesson import right_areas

from gk_utils.classroom import check, exercise, judge, solution, use
from gk_utils.classroom.exercise import Exercise

AREAS = "90.areas"


@pytest.fixture(autouse=True)
def lesson(tmp_path, monkeypatch):
    synthetic_lesson.open_lesson(tmp_path, monkeypatch)
    return tmp_path


def said(capsys, exercise_id, function, **options):
    """What check prints; it must return None and leave stderr empty."""
    assert check(exercise_id, function, **options) is None
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.fixture
def plain(monkeypatch):
    """Make an exercise of a reference and its results, the cases being the numbers 1 to 8."""

    def install(reference, **options):
        made = Exercise("90.areas", lambda rng: [(n,) for n in range(1, 8)] + [(int(rng.integers(9, 99)),)], **options)
        monkeypatch.setattr(synthetic_lesson, "EXERCISES", (made,))
        monkeypatch.setattr(exercise, "reference", lambda exercise_id: reference)

    return install


# --- functions a learner might write ----------------------------------------------------------------------------


def loop_areas(boxes):
    result = []
    for x1, y1, x2, y2 in boxes.tolist():
        result.append((x2 - x1) * (y2 - y1) if x2 > x1 and y2 > y1 else 0.0)
    return torch.tensor(result)


def stub(boxes): ...


def ellipsis(boxes):
    return ...


def raising(boxes):
    return boxes[:, 5]


def raising_deeper(boxes):
    return raising(boxes)


def in_place(boxes):
    boxes[:, 0] += 1
    return right_areas(boxes)


def two_arguments(boxes, image_hw):
    return right_areas(boxes)


def as_list(boxes):
    return right_areas(boxes).tolist()


def one_path(boxes):
    return right_areas(boxes) if len(boxes) == 1 else None


def column(boxes):
    return right_areas(boxes)[:, None]


def whole_numbers(boxes):
    return right_areas(boxes).long()


def not_a_number(boxes):
    return right_areas(boxes) * float("nan")


def infinite(boxes):
    return right_areas(boxes) / 0


def doubled(boxes):
    return 2 * right_areas(boxes)


def odd(boxes):
    return right_areas(boxes) + boxes[:, 0] ** 2


def printing(boxes):
    print("boxes:", tuple(boxes.shape))
    print("a line on stderr", file=sys.stderr)
    warnings.warn("careful", stacklevel=1)
    return right_areas(boxes) + 7


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Weird:
    """An object that refuses everything."""

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    def __repr__(self):
        raise RuntimeError("no text")

    def __bool__(self):
        raise RuntimeError("no truth")

    def __deepcopy__(self, memo):
        raise RuntimeError("no copy")

    __hash__ = None


class WeirdNumber(float):
    def __sub__(self, other):
        raise RuntimeError("no subtraction")

    def __eq__(self, other):
        return False

    __hash__ = None


def raises(error):
    def function(boxes):
        raise error

    return function


def returns(value):
    return lambda boxes: value


def endless(boxes):
    return endless(boxes)


async def asynchronous(boxes):
    return right_areas(boxes)


WRONG = {
    "not attempted": (stub, ["90.areas not attempted yet: areas returns None. Write its body, run its cell"]),
    "ellipsis": (ellipsis, ["not attempted yet: areas returns Ellipsis."]),
    "raised": (
        raising,
        [
            "90.areas not passed: 0 of 10 cases are right.\n  Case 1: areas(tensor([[0, 0, 4, 3]]))\n",
            "\n  raised IndexError: index 5 is out of bounds",
            f"in line {raising.__code__.co_firstlineno + 1} of your cell: return boxes[:, 5]",
        ],
    ),
    "raised in a helper": (raising_deeper, ["raised IndexError", "of your cell: return boxes[:, 5]"]),
    "in place": (in_place, ["changed its argument boxes in place. Work on a copy"]),
    "arity": (
        two_arguments,
        ["it cannot be called with 1 argument. Keep the first line of the stub: def areas(boxes)."],
    ),
    "no function": (3, ['3 is no function. Pass the function itself, not what it returns: check("90.areas", areas).']),
    "type": (as_list, ["wrong type: expected a tensor of shape (1,), got a list", "got      [12]"]),
    "missing return": (one_path, ["4 of 10 cases are right (1-4)", "got None", "look for a missing return"]),
    "shape": (column, ["wrong shape: expected shape (1,), got (1, 1)"]),
    "numbers": (whole_numbers, ["wrong kind of numbers: expected floating-point numbers, got whole numbers (int64)"]),
    "nan": (not_a_number, ["not a number: at [0]: expected 12, got nan", "division by zero"]),
    "infinite": (infinite, ["not finite: at [0]: expected 12, got inf", "division by zero"]),
    "general diagnosis": (doubled, ["expected 12, got 24", "This looks like: the result 2 times too large."]),
    "no diagnosis": (odd, ["wrong value: ", "expected 400, got 500"]),
    "prints": (printing, ["got 19", "it printed:\n    boxes: (1, 4)\n    a line on stderr\n"]),
    "cannot be compared": (
        lambda boxes: type("Odd", (torch.Tensor,), {"shape": property(lambda self: 1 / 0)})(),
        ["the result, of type Odd, cannot be compared: ZeroDivisionError: division by zero"],
    ),
}

NASTY = {
    "system exit": raises(SystemExit(1)),
    "generator exit": raises(GeneratorExit()),
    "memory": raises(MemoryError()),
    "base exception": raises(BaseException("stop")),
    "unprintable error": raises(Unprintable()),
    "recursion": endless,
    "coroutine": asynchronous,
    "generator": lambda boxes: (box for box in boxes),
    "weird object": returns(Weird()),
    "weird number": returns(WeirdNumber(3)),
    "weird inside": returns([Weird(), torch.tensor(1)]),
    "a type": returns(torch.Tensor),
    "a module": returns(sys),
    "text": returns("areas"),
    "huge number": returns(10**400),
    "complex": returns(torch.tensor([1j])),
    "numpy": lambda boxes: np.asarray(right_areas(boxes)),
    "builtin": print,
    "a class": Weird,
    "None": None,
    "a weird object as the function": Weird(),
}


class TestCheck:
    @pytest.mark.parametrize("function", [right_areas, loop_areas])
    def test_right_answers_written_differently_pass(self, function, capsys):
        assert said(capsys, AREAS, function) == "90.areas passed: all 10 cases are right.\n"
        assert said(capsys, AREAS, function, hidden=True) == "90.areas passed: all 10 hidden cases are right.\n"

    @pytest.mark.parametrize("name", WRONG)
    def test_says_what_is_wrong_the_same_way_each_time(self, name, capsys):
        function, fragments = WRONG[name]
        text = said(capsys, AREAS, function)
        for fragment in fragments:
            assert fragment in text
        assert said(capsys, AREAS, function) == text

    @pytest.mark.parametrize("name", NASTY)
    def test_never_raises_and_never_writes_to_stderr(self, name, capsys):
        text = said(capsys, AREAS, NASTY[name])
        assert text.startswith("90.areas not ")
        assert " at 0x" not in text
        assert said(capsys, AREAS, NASTY[name]) == text

    def test_ctrl_c_gets_through(self):
        with pytest.raises(KeyboardInterrupt):
            check(AREAS, raises(KeyboardInterrupt()))

    def test_an_endless_loop_is_stopped(self, capsys, monkeypatch):
        def looping(boxes):
            while len(boxes) == 5:
                pass
            return right_areas(boxes)

        monkeypatch.setattr(judge, "SECONDS", 0.2)
        text = said(capsys, AREAS, looping)
        assert text.startswith("90.areas not passed: stopped after 0.2 s in case 5: areas(tensor(")
        assert text.endswith("Look for a loop that never ends.\n")

    @pytest.mark.parametrize(
        ("reference", "function", "fragment"),
        [
            (lambda n: list(range(n)), lambda n: list(range(n + 1)), "wrong length: expected 1 items, got 2"),
            (lambda n: {"n": n}, lambda n: {"m": n}, "wrong keys: got a dict without the key 'n' and with a key 'm'"),
            (lambda n: n % 2 == 0, lambda n: n % 2, "wrong type: expected True or False, got a whole number (int)"),
            (lambda n: "mug", lambda n: "cup", "wrong value: expected 'mug', got 'cup'"),
            (lambda n: (n, [0.5]), lambda n: (n, [0.25]), "wrong value: in result[1][0]: expected 0.5, got 0.25"),
            (lambda n: n if n > 4 else None, lambda n: n, "wrong type: expected None, got a whole number (int)"),
        ],
    )
    def test_other_kinds_of_results(self, reference, function, fragment, plain, capsys):
        plain(reference)
        assert fragment in said(capsys, AREAS, function)
        assert "passed: all 8" in said(capsys, AREAS, reference)

    def test_every_mistake_of_the_exercise_is_named(self, capsys):
        for known in synthetic_lesson.EXERCISES:
            for mistake in known.mistakes:
                text = said(capsys, known.id, mistake.wrong(exercise.reference(known.id)))
                assert f"This looks like: {mistake.name}.\n  {mistake.advice}\n" in text
                text = said(capsys, known.id, mistake.wrong(exercise.reference(known.id)), hidden=True)
                assert "hidden cases are right" in text
                assert mistake.name in text

    def test_the_visible_cases_learnt_by_heart_fail_the_hidden_ones(self, capsys):
        cases = exercise.cases_of(synthetic_lesson.EXERCISES[0])
        table = {str(case[0]): exercise.reference(AREAS)(*case) for case in cases}
        assert "passed: all 10" in said(capsys, AREAS, lambda boxes: table[str(boxes)])
        assert "4 of 10 hidden cases are right (1-4)" in said(
            capsys, AREAS, lambda boxes: table[str(boxes)], hidden=True
        )

    @pytest.mark.parametrize("unknown", ["90.area", "90.explain", "77.areas", "areas", ""])
    def test_an_unknown_exercise(self, unknown, capsys):
        assert said(capsys, unknown, right_areas).startswith(f"{unknown} not checked: ValueError: ")

    def test_a_bad_cohort_seed_is_the_teachers_error(self, capsys, monkeypatch):
        monkeypatch.setenv(exercise.COHORT_VARIABLE, "autumn")
        assert "GK_COHORT_SEED: expected a whole number, got 'autumn'" in said(capsys, AREAS, right_areas, hidden=True)
        assert "passed" in said(capsys, AREAS, right_areas)


class TestWhileGrading:
    @pytest.fixture(autouse=True)
    def grading(self, lesson, monkeypatch):
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")

    @pytest.mark.parametrize("name", [*WRONG, *NASTY])
    def test_raises_what_a_lesson_prints(self, name, capsys, monkeypatch):
        function = WRONG[name][0] if name in WRONG else NASTY[name]
        with pytest.raises(AssertionError) as caught:
            check(AREAS, function)
        assert capsys.readouterr() == ("", "")
        monkeypatch.delenv("NBGRADER_EXECUTION")
        assert said(capsys, AREAS, function) == f"{caught.value}\n"

    def test_a_right_answer_passes(self, capsys):
        assert "passed" in said(capsys, AREAS, right_areas)
        assert "passed" in said(capsys, AREAS, right_areas, hidden=True)

    def test_the_reference_from_use_earns_nothing(self):
        with pytest.raises(AssertionError, match=r"use\(\) put the reference solution under that name"):
            check(AREAS, use(AREAS, stub))

    def test_a_misspelt_exercise_earns_nothing(self):
        with pytest.raises(AssertionError, match="not checked"):
            check("90.area", right_areas)


class TestDrawing:
    def drawn(self, monkeypatch, draw):
        first = synthetic_lesson.EXERCISES[0]
        monkeypatch.setattr(
            synthetic_lesson, "EXERCISES", (Exercise(first.id, first.cases, first.mistakes, draw, first.tolerance),)
        )

    def test_draws_the_first_failing_case(self, monkeypatch, capsys):
        calls = []
        self.drawn(monkeypatch, lambda *given: calls.append(given))
        said(capsys, AREAS, right_areas)
        said(capsys, AREAS, stub)
        said(capsys, AREAS, raising)
        assert calls == []
        said(capsys, AREAS, synthetic_lesson._areas_without_clamp)
        ((case, expected, got),) = calls
        assert case[0].tolist() == [[4, 4, 2, 1]]
        assert (expected.tolist(), got.tolist()) == ([0], [6])

    def test_leaves_no_figure_open(self, capsys):
        before = pyplot.get_fignums()
        said(capsys, AREAS, doubled)
        assert pyplot.get_fignums() == before

    def test_a_drawing_that_fails_is_mentioned(self, monkeypatch, capsys):
        self.drawn(monkeypatch, lambda *given: 1 / 0)
        text = said(capsys, AREAS, doubled)
        assert "This looks like: the result 2 times too large." in text
        assert text.endswith("No drawing: ZeroDivisionError: division by zero\n")

    def test_a_drawing_that_warns_stays_off_stderr(self, monkeypatch, capsys):
        self.drawn(monkeypatch, lambda *given: print("a warning", file=sys.stderr) or warnings.warn("x", stacklevel=1))
        assert "No drawing" not in said(capsys, AREAS, doubled)


class TestUse:
    def test_goes_on_with_what_passed(self, capsys):
        check(AREAS, right_areas)
        capsys.readouterr()
        assert use(AREAS, right_areas) is right_areas
        assert capsys.readouterr().out == "90.areas: going on with your function.\n"

    def test_goes_on_with_the_reference_otherwise(self, capsys):
        check(AREAS, stub)
        capsys.readouterr()
        assert use(AREAS, stub) is exercise.reference(AREAS)
        assert capsys.readouterr().out == "90.areas: going on with the reference solution until yours passes.\n"

    def test_judges_a_function_whose_check_has_not_run(self, capsys):
        check(AREAS, right_areas)
        assert use(AREAS, doubled) is exercise.reference(AREAS)
        assert use(AREAS, loop_areas) is loop_areas
        assert use(AREAS, None) is exercise.reference(AREAS)
        assert "cases" not in capsys.readouterr().out.replace("all 10 cases", "")

    def test_the_reference_is_never_taken_for_the_learners(self, capsys):
        given = use(AREAS, stub)
        assert "not checked: use() put the reference solution under that name." in said(capsys, AREAS, given)
        assert use(AREAS, given) is given
        assert "going on with the reference" in capsys.readouterr().out
        assert "passed: all" in said(capsys, AREAS, right_areas)

    def test_a_failed_hidden_check_changes_nothing(self, capsys):
        check(AREAS, right_areas)
        check(AREAS, doubled, hidden=True)
        assert use(AREAS, right_areas) is right_areas

    def test_unknown_exercise(self):
        with pytest.raises(ValueError, match="expected one of 90.areas, .*, got '90.area'"):
            use("90.area", right_areas)


class TestSolution:
    def test_prints_the_source_without_markers(self, capsys):
        assert solution(AREAS) is None
        text = capsys.readouterr().out
        assert text.startswith("def areas(boxes: Tensor) -> Tensor:\n")
        assert "clamp(min=0)\n" in text
        assert "###" not in text

    def test_unknown_exercise(self):
        with pytest.raises(ValueError, match="expected one of 90.areas"):
            solution("90.area")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    synthetic_lesson.write(root)
    (root / "my").mkdir()
    setup = synthetic_lesson.TEXT.split('tags=["setup"]\n')[1].split("\n\n# %%")[0]
    setup = setup.replace("TESTS_FOLDER", str(synthetic_lesson.Path(__file__).parent)).replace("LESSON_ROOT", str(root))
    setup += "\nfrom gk_utils.classroom import judge\njudge.SECONDS = 0.5"
    sources = {
        "setup": setup,
        "wrong": 'import torch\ndef areas(boxes):\n    return 2 * boxes.sum(1)\ncheck("90.areas", areas)',
        "raising": 'def areas(boxes):\n    x = 0\n    return 1 / x\ncheck("90.areas", areas)',
        "endless": 'def areas(boxes):\n    while True:\n        pass\ncheck("90.areas", areas)',
        "right": "FLOOR = 0\n\ndef side(a, b):\n    return (b - a).clamp(min=FLOOR)\n\n"
        "def areas(boxes: Tensor) -> Tensor:\n    return side(boxes[:, 0], boxes[:, 2]) * "
        'side(boxes[:, 1], boxes[:, 3])  # two sides\n\ncheck("90.areas", areas)',
        "use": 'areas = use("90.areas", areas)',
    }
    notebook = new_notebook(cells=[new_code_cell(text) for text in sources.values()])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(root / "my")}}).execute()
    nbformat.validate(notebook)
    return root, dict(zip(sources, (cell.outputs for cell in notebook.cells), strict=True))


class TestInANotebook:
    """One kernel, in the learner's folder, as JupyterLab would run it."""

    def text(self, outputs):
        return "".join(output.text for output in outputs if output.output_type == "stream")

    def test_nothing_on_stderr_and_no_error(self, cells):
        for outputs in cells[1].values():
            assert {output.output_type for output in outputs} <= {"stream", "display_data"}
            assert {output.name for output in outputs if output.output_type == "stream"} <= {"stdout"}

    def test_one_picture_for_a_wrong_value(self, cells):
        pictures = [output for output in cells[1]["wrong"] if output.output_type == "display_data"]
        assert len(pictures) == 1
        assert pictures[0].data["image/png"]
        assert pictures[0].metadata["image/png"]["alt"] == (
            "90.areas: what was expected and what your function returned"
        )

    def test_the_learners_own_line(self, cells):
        assert "raised ZeroDivisionError: division by zero\n  in line 3 of your cell: return 1 / x" in self.text(
            cells[1]["raising"]
        )

    def test_an_endless_loop_is_stopped(self, cells):
        assert "stopped after 0.5 s in case 1" in self.text(cells[1]["endless"])

    def test_what_passed_is_stored_with_what_it_needs(self, cells):
        root, outputs = cells
        assert self.text(outputs["right"]) == "90.areas passed: all 10 cases are right. Stored in my/solutions.py.\n"
        text = (root / "my" / "solutions.py").read_text()
        assert "from torch import Tensor" in text
        assert "FLOOR = 0" in text
        assert "def side(a, b):" in text
        assert "# two sides" in text
        assert "check(" not in text
        assert self.text(outputs["use"]) == "90.areas: going on with your function.\n"
