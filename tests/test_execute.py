import os
import sys

import pytest
import tiny_lesson

from gk_utils.classroom import execute
from gk_utils.classroom.views import student_view


def run(root, code, markers=""):
    """Run a lesson of one cell, whose marker stands in line 5; return the cell with its outputs, seconds and bytes."""
    lesson = tiny_lesson.one_cell(root, code, markers)
    notebook = student_view(lesson)
    seconds, peak = execute.execute(notebook, lesson, root / "notebooks")
    assert len(notebook.cells) == 2  # the cell that asks for the cost is gone
    return notebook.cells[1], seconds, peak


class TestExecute:
    def test_the_kernel_sees_this_python_and_checkout_and_no_grading(self, tmp_path, monkeypatch):
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        monkeypatch.setenv("MPLBACKEND", "agg")
        code = (
            "import os, sys\nfrom pathlib import Path\n"
            'print(sys.executable, "NBGRADER_EXECUTION" in os.environ, os.environ["MPLBACKEND"])\n'
            'print(Path.cwd().name, Path.cwd().parent in map(Path, sys.path), [os.environ["CUDA_VISIBLE_DEVICES"]])'
        )
        lines = run(tmp_path, code)[0].outputs[0].text.split("\n")
        python, *rest = lines[0].split()
        assert os.path.samefile(python, sys.executable)
        assert rest == ["False", "module://matplotlib_inline.backend_inline"]
        assert lines[1] == "notebooks True ['']"

    def test_cost(self, tmp_path):
        wait = "import time\nblock = b'x' * 300_000_000\nstart = time.process_time()\n"
        cell, seconds, peak = run(tmp_path, wait + "while time.process_time() < start + 1:\n    pass")
        assert cell.execution_count == 1
        assert 1 <= seconds < 30
        assert 300_000_000 < peak < 450_000_000  # of the kernel, not of the process that started it

    def test_an_exception(self, tmp_path):
        with pytest.raises(
            execute.BuildError, match=r"^lessons/01_tiny.py:7: cell 01-start-01 .* ZeroDivisionError: div"
        ):
            run(tmp_path, "one = 1\none / 0")

    def test_an_exception_that_is_meant(self, tmp_path):
        assert run(tmp_path, "1 / 0", 'tags=["raises-exception"]')[0].outputs[0].ename == "ZeroDivisionError"

    def test_a_syntax_error(self, tmp_path):
        with pytest.raises(execute.BuildError, match=r"^lessons/01_tiny.py:\d+: cell 01-start-01 .* SyntaxError: "):
            run(tmp_path, "one = = 1")

    def test_a_warning(self, tmp_path):
        with pytest.raises(execute.BuildError, match=r"(?s)01_tiny.py:5: cell 01-start-01 .*stderr: .*old spelling"):
            run(tmp_path, 'import warnings\nwarnings.warn("old spelling")')

    def test_a_cell_that_does_not_end(self, tmp_path, monkeypatch):
        monkeypatch.setattr(execute, "CELL_TIMEOUT", 1)
        with pytest.raises(execute.BuildError, match="01_tiny.py:5: cell 01-start-01 .*took over 1 s"):
            run(tmp_path, "import time\ntime.sleep(60)")

    def test_a_kernel_that_dies(self, tmp_path):
        with pytest.raises(execute.BuildError, match="01_tiny.py:5: cell 01-start-01 .*the kernel died"):
            run(tmp_path, "import os\nos._exit(1)")
