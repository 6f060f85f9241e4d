"""Runs a submission that may loop for ever, print without end or kill its kernel; its other exercises still count.

The cell that did it is blamed: the notebook runs again in a new kernel with an error in that cell's place.
"""

from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

OUTPUT_CHARACTERS = 1_000_000
"""How much of a cell's output is kept; a figure has about 100,000."""
MESSAGE_CHARACTERS = 2_000
SETUP_FACTOR = 5
"""The set-up cell imports torch, which takes long on a busy machine: its time limit is that many times longer."""


class _Stuck(Exception):
    """A cell was stopped; the kernel may still be in it."""


class CarefulExecute(Execute):
    """nbgrader's Execute, with a new kernel after each cell that has to be stopped."""

    def preprocess(self, nb: NotebookNode, resources: Any = None, km: Any = None) -> tuple[NotebookNode, Any]:
        """Run the cells in place.

        Raises:
            DeadKernelError: the kernel cannot start, or dies in the lesson's own set-up.
        """
        written = {index: cell.source for index, cell in enumerate(nb.cells)}
        self.timeout_func = self._seconds
        while True:
            self._now: int | None = None
            try:
                nb, resources = super().preprocess(nb, resources, km)
                break
            except (DeadKernelError, CellTimeoutError, _Stuck) as error:
                index = self._now
                if index is None or _is_setup(nb.cells[index]) or nb.cells[index].source != written[index]:
                    raise DeadKernelError("the kernel did not start, or died in the lesson's own set-up") from error
                nb.cells[index].source = f"raise RuntimeError({self._reason(error)!r})"
        for index, source in written.items():
            nb.cells[index].source = source
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """Run one cell; stop the run if it was stopped by its time limit."""
        self._now, self._kept = index, 0
        cell, resources = super().preprocess_cell(cell, resources, index)
        if any(output.get("ename") == "CellTimeoutError" for output in cell.get("outputs", ())):
            raise _Stuck
        return cell, resources

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
        """Keep an output, up to a limit; an error is always kept, its text cut."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["evalue"] = content["evalue"][:MESSAGE_CHARACTERS]
            content["traceback"] = [line[:MESSAGE_CHARACTERS] for line in content["traceback"][-50:]]
        else:
            self._kept += len(str(content.get("text") or content.get("data")))
            if self._kept > OUTPUT_CHARACTERS:
                return None
        return super().output(outs, msg, display_id, cell_index)

    def _seconds(self, cell: NotebookNode) -> int:
        return self.timeout * (SETUP_FACTOR if _is_setup(cell) else 1)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, DeadKernelError):
            return "this cell ended the kernel"
        return f"this cell did not end within {self.timeout} s, or printed more than can be read in that time"


def _is_setup(cell: NotebookNode) -> bool:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("setup-")
