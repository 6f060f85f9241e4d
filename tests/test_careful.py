"""A notebook whose cells loop, flood and crash: the others keep their outputs. Kernels without torch start quickly."""

import pytest
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gk_utils.classroom import careful
from gk_utils.classroom.careful import CarefulExecute

SECONDS = 4
LOOP = """
import time
while True:
    try:
        time.sleep(0.2)
    except KeyboardInterrupt:
        pass
"""


def ran(*sources, setup="x = 1"):
    head = new_code_cell(setup, metadata={"nbgrader": {"grade_id": "setup-1"}})
    notebook = new_notebook(cells=[head, new_markdown_cell("text"), *map(new_code_cell, sources)])
    CarefulExecute(timeout=SECONDS).preprocess(notebook, {"metadata": {"path": "."}})
    assert [cell.source for cell in notebook.cells[2:]] == list(sources)
    return [
        "".join(output.get("text", "") or output.get("evalue", "") for output in cell.outputs)
        for cell in notebook.cells[2:]
    ]


class TestCarefulExecute:
    def test_what_stops_a_kernel_costs_its_own_cell_alone(self, monkeypatch):
        monkeypatch.setattr(careful, "OUTPUT_CHARACTERS", 10_000)
        said = ran(
            "import os\nprint(x)",
            LOOP,
            "x += 1\nos._exit(0)",
            "for _ in range(200): print('flood ' * 1000)",
            "raise ValueError('long ' * 10**6)",
            "import sys\nsys.exit()",
            "print(x + 1)",
        )
        assert said[0] == "1\n"
        assert said[1].startswith(f"this cell did not end within {SECONDS} s")
        assert said[2] == "this cell ended the kernel"
        assert len(said[3]) <= 10_000
        assert len(said[4]) == careful.MESSAGE_CHARACTERS
        assert said[6] == "2\n"

    def test_a_set_up_that_dies_is_no_learners_fault(self):
        with pytest.raises(DeadKernelError, match="own set-up"):
            ran("print(1)", setup="import os\nos._exit(0)")
