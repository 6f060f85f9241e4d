"""Runs a notebook's cells in a kernel that is the same on every author's machine, and measures what they take."""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

from nbformat import NotebookNode

from gk_utils.classroom.source import Cell, Lesson

CELL_TIMEOUT = 120  # seconds
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# Printed after the last cell: peak bytes and seconds of processor time. VmHWM is the process's own peak, while
# ru_maxrss may be inherited from the process that started the kernel.
_ASK_COST = """
import pathlib, re, resource, sys, time
status = pathlib.Path("/proc/self/status")
if status.exists():
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak, time.process_time())
"""


class BuildError(Exception):
    """A lesson that does not run clean; the message starts with the lesson's file and line."""


def execute(notebook: NotebookNode, lesson: Lesson, folder: Path) -> tuple[float, int]:
    """Run the cells in place in a new kernel of this Python; return seconds and peak bytes.

    The seconds are those on the clock, or of the processor if that is less: then other programs were in the way.

    Args:
        notebook: the student view of the lesson, whose cells get outputs and execution counts.
        lesson: where its cells come from, for the messages.
        folder: where the kernel runs.

    Raises:
        BuildError: a cell raised without the tag raises-exception, warned, wrote to stderr or took over CELL_TIMEOUT.
    """
    import matplotlib.font_manager  # noqa: F401  (on a new machine it builds a cache, and says so on stderr: not in a cell)
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbformat.v4 import new_code_cell

    where = dict(zip((cell.id for cell in notebook.cells), [None, *lesson.cells], strict=True))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    manager = client.create_kernel_manager()
    manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=40"]
    with tempfile.TemporaryDirectory() as ipython_folder, client.setup_kernel(env=_environment(folder, ipython_folder)):
        start = time.perf_counter()
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                raise BuildError(_failure(cell, where[cell.id], lesson, f"{error.ename}: {error.evalue}")) from None
            except (CellTimeoutError, DeadKernelError) as error:
                reason = "the kernel died" if isinstance(error, DeadKernelError) else f"it took over {CELL_TIMEOUT} s"
                raise BuildError(_failure(cell, where[cell.id], lesson, reason)) from None
            if words := [out.text.strip() for out in cell.get("outputs", ()) if out.get("name") == "stderr"]:
                raise BuildError(_failure(cell, where[cell.id], lesson, f"it wrote to stderr: {words[0]}"))
        seconds = time.perf_counter() - start
        notebook.cells.append(new_code_cell(_ASK_COST))  # nbclient runs cells of its notebook only
        client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    peak, processor = notebook.cells.pop().outputs[0].text.split()
    return min(seconds, float(processor)), int(peak)


def _environment(folder: Path, ipython_folder: str) -> dict[str, str]:
    """Return the environment of the kernel: the same on every author's machine, and always the CPU."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "NBGRADER_EXECUTION")}
    search = os.pathsep.join([str(folder.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": search, "CUDA_VISIBLE_DEVICES": "", "IPYTHONDIR": ipython_folder}


def _failure(cell: NotebookNode, source: Cell | None, lesson: Lesson, reason: str) -> str:
    """Say where a cell went wrong: the line itself if the traceback names it, else the line that starts the cell."""
    line = source.line if source else 1
    for output in cell.get("outputs", ()):
        trace = _ANSI.sub("", "\n".join(output.get("traceback", ())))
        if source and (found := re.findall(rf"Cell In\[{cell.execution_count}\], line (\d+)", trace)):
            line += int(found[-1])
    return f"lessons/{lesson.path.name}:{line}: cell {cell.id} must run clean, but {reason}"
