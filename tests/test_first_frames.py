"""What a lab shows where no kernel runs, on GitHub or in a preview: the first frame, in the built notebooks."""

import ast
import base64
import io
import re
from pathlib import Path

import nbformat
import pytest
from lab_cells import lab_cells, shows_lab
from PIL import Image

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
WITH_LAB = [path for path in NOTEBOOKS if lab_cells(path)]
PICTURES = ("image/png", "image/jpeg")
WIDGET = re.compile(r"^\w+\((children=|value=|description=|layout=)|^<[\w.]+ object|^Output\(\)")


def outputs_of(path: Path, *, labs: bool) -> list:
    """What the code cells show as results or displays, of all of them or of the cell with the lab."""
    codes = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    shown = [cell for cell in codes if not labs or shows_lab(ast.parse(cell.source))]
    return [output for cell in shown for output in cell.outputs if "data" in output]


@pytest.mark.parametrize("path", WITH_LAB, ids=lambda path: path.stem)
def test_a_lab_leaves_a_picture_and_its_words(path):
    shown = [output for output in outputs_of(path, labs=True) if set(output.data) & set(PICTURES)]
    assert shown, f"{path.name}: the cell with the lab shows no picture without a kernel"
    for output in shown:
        (mime,) = set(output.data) & set(PICTURES)
        with Image.open(io.BytesIO(base64.b64decode(output.data[mime]))) as picture:
            assert min(picture.size) >= 150
            assert picture.convert("L").getextrema() != (255, 255)  # not a blank sheet
        words, alt = output.data["text/plain"], output.metadata[mime]["alt"]
        assert len(words.split()) >= 5
        assert not WIDGET.match(words)
        assert len(alt.split()) >= 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_shows_the_name_of_a_widget_alone(path):
    for output in outputs_of(path, labs=False):
        words = output.data.get("text/plain", "")
        seen = {mime for mime in output.data if mime in PICTURES or mime in ("text/html", "image/svg+xml")}
        assert seen or not WIDGET.match(words), f"{path.name}: {words[:80]}"
