import base64
import io
import os

import nbformat
import pytest
import tiny_lesson
from PIL import Image

from gk_utils.classroom import build, views


@pytest.fixture
def lesson(tmp_path):
    return tiny_lesson.write(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The tiny lesson, built once; tests copy what they change."""
    root = tmp_path_factory.mktemp("built")
    lesson = tiny_lesson.write(root)
    measured = build.build(lesson)
    return lesson, measured, build.notebook_path(lesson).read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path, built):
    """A checkout of its own with the lesson and its notebook; returns the lesson."""
    lesson = tiny_lesson.write(tmp_path)
    build.notebook_path(lesson).write_text(built[2], encoding="utf-8")
    return lesson


def by_id(notebook):
    return {cell.id: cell for cell in notebook.cells}


def read_notebook(lesson):
    return nbformat.read(build.notebook_path(lesson), as_version=4)


class TestBuild:
    def test_outputs_are_kept(self, built):
        cells = by_id(nbformat.reads(built[2], as_version=4))
        assert cells["01-half"].outputs[0].text == "half of ten: 5.000\n"
        assert cells["01-half-of-a-number-07"].outputs[0].text == "01.double: not attempted yet\n"

    def test_counts_metadata_and_cells(self, built):
        notebook = nbformat.reads(built[2], as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, 11))
        assert notebook.metadata == {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "course": {"lesson": "01_tiny", "measured": built[1]},
        }
        assert [cell.id for cell in notebook.cells] == views.cell_ids(built[0])
        assert {key for cell in notebook.cells for key in cell.metadata} == {"tags", "alt", "nbgrader"}

    def test_measured(self, built):
        seconds, peak = built[1]["seconds"], built[1]["peak_gb"]
        assert seconds == 5
        assert 0.03 < peak <= 0.3  # a kernel that imported PIL
        assert f"runs in {seconds} s on two CPU cores, in {peak:g} GB" in built[2]

    def test_alt_text_goes_to_the_figure(self, built):
        figure = by_id(nbformat.reads(built[2], as_version=4))["01-half-of-a-number-04"].outputs[0]
        assert figure.metadata == {"image/png": {"alt": "A plain red square of four by four pixels."}}

    def test_one_encoding_of_a_figure_is_kept(self, built):
        figure = by_id(nbformat.reads(built[2], as_version=4))["01-half-of-a-number-04"].outputs[0]
        assert sorted(figure.data) == ["image/png", "text/plain"]  # PIL sends JPEG too, which is larger here

    def test_a_current_notebook_is_left_alone(self, checkout):
        path = build.notebook_path(checkout)
        before = path.stat()
        assert build.build(checkout) is None
        assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)

    def test_force_changes_no_byte_and_keeps_figures_with_the_same_pixels(self, checkout):
        path = build.notebook_path(checkout)
        notebook = read_notebook(checkout)
        output = by_id(notebook)["01-half-of-a-number-04"].outputs[0]
        picture, data = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))), io.BytesIO()
        picture.save(data, "png", compress_level=0)
        other = base64.b64encode(data.getvalue()).decode()
        assert output.data["image/png"] != other
        output.data["image/png"] = other
        nbformat.write(notebook, path)
        before = path.read_bytes()
        assert build.build(checkout, force=True) is not None
        assert path.read_bytes() == before

    def test_a_figure_with_other_pixels_is_replaced(self, checkout, built, tmp_path):
        lesson = tiny_lesson.write(tmp_path, tiny_lesson.changed('(4, 4), "red"', '(4, 4), "blue"'))
        old = by_id(read_notebook(checkout))["01-half-of-a-number-04"].outputs[0].data["image/png"]
        build.build(lesson)
        new = by_id(read_notebook(lesson))["01-half-of-a-number-04"].outputs[0].data["image/png"]
        assert Image.open(io.BytesIO(base64.b64decode(new))).convert("RGB").getpixel((0, 0)) == (0, 0, 255)
        assert new != old

    def test_an_exception_names_the_line_and_leaves_the_notebook(self, checkout, tmp_path):
        text = tiny_lesson.changed('print(f"half of ten', "ten /= 0\n" + 'print(f"half of ten')
        lesson = tiny_lesson.write(tmp_path, text)
        before = build.notebook_path(lesson).read_bytes()
        where = f"^lessons/01_tiny.py:{tiny_lesson.line_of('ten /= 0', text)}: cell 01-half must run clean, but "
        with pytest.raises(build.BuildError, match=where + "ZeroDivisionError: division by zero"):
            build.build(lesson)
        assert build.notebook_path(lesson).read_bytes() == before
        assert os.listdir(build.notebook_path(lesson).parent) == ["01_tiny.ipynb"]

    def test_an_expected_error_is_saved_without_its_traceback_and_a_widget_as_its_fallback(self, tmp_path):
        widget = (
            '"application/vnd.jupyter.widget-view+json": {"model_id": "a", "version_major": 2, "version_minor": 0}, '
            '"text/html": "<b>one</b>", "text/plain": "one"'
        )
        second = f"# %%\nfrom IPython.display import display\n\ndisplay({{{widget}}}, raw=True)\n"
        lesson = tiny_lesson.one_cell(tmp_path, "1 / 0", 'tags=["raises-exception"]', second)
        build.build(lesson)
        _, failing, shown = read_notebook(lesson).cells
        assert failing.outputs[0].traceback == ["ZeroDivisionError: division by zero"]
        assert shown.outputs[0].data == {"text/html": "<b>one</b>", "text/plain": "one"}
        assert "widgets" not in read_notebook(lesson).metadata


class TestMeasured:
    def test_rounds_up(self):
        assert build._measured(11.2, 640_000_000, None) == {"seconds": 15, "peak_gb": 0.7}
        assert build._measured(0.3, 10, None) == {"seconds": 5, "peak_gb": 0.1}

    def test_chance_changes_nothing(self):
        old = nbformat.v4.new_notebook(metadata={"course": {"measured": {"seconds": 10, "peak_gb": 0.6}}})
        assert build._measured(11.2, 640_000_000, old) == {"seconds": 10, "peak_gb": 0.6}
        assert build._measured(16, 640_000_000, old) == {"seconds": 20, "peak_gb": 0.7}
        assert build._measured(8, 900_000_000, old) == {"seconds": 10, "peak_gb": 0.9}


class TestFreshness:
    def test_current(self, checkout):
        assert build.freshness(checkout) == []

    def test_missing_and_damaged(self, checkout):
        path = build.notebook_path(checkout)
        path.write_text("{", encoding="utf-8")
        assert build.freshness(checkout)[0].startswith("lessons/01_tiny.py:1: notebooks/01_tiny.ipynb cannot be read")
        path.unlink()
        assert build.freshness(checkout) == [
            "lessons/01_tiny.py:1: notebooks/01_tiny.ipynb does not exist. Run: make notebooks"
        ]

    @pytest.mark.parametrize(
        ("old", "new", "marker", "cell"),
        [
            ("ten / 2", "ten / 2.0", '# %% label="half"', "half"),
            ("plain red square", "small red square", "# %% alt=", "half-of-a-number-04"),
            (
                'card="halve" difficulty=2',
                'card="halve" difficulty=3',
                '# %% [markdown] card="halve"',
                "half-of-a-number-08",
            ),
            ('exercise="halve" points=2', 'exercise="halve" points=3', '# %% check="halve"', "half-of-a-number-10"),
            ('title: "Tiny"', 'title: "Small"', "# ---", "header"),
        ],
    )
    def test_a_changed_lesson_is_named_with_its_line(self, checkout, old, new, marker, cell):
        text = tiny_lesson.changed(old, new)
        where = f"lessons/01_tiny.py:{tiny_lesson.line_of(marker, text)}: cell 01-{cell}"
        problems = build.freshness(tiny_lesson.write(checkout.path.parents[1], text))
        assert f"{where} differs from notebooks/01_tiny.ipynb. Run: make notebooks" in problems

    def test_a_changed_solution_is_no_change_of_the_notebook(self, checkout, tmp_path):
        text = tiny_lesson.changed("return value / 2", "return 0.5 * value")
        assert build.freshness(tiny_lesson.write(tmp_path, text)) == []

    def test_a_cell_more(self, checkout, tmp_path):
        text = tiny_lesson.TEXT + '\n# %% label="extra"\nten\n'
        line = tiny_lesson.line_of('# %% label="extra"', text)
        assert build.freshness(tiny_lesson.write(tmp_path, text)) == [
            f"lessons/01_tiny.py:{line}: cell 01-extra is missing from notebooks/01_tiny.ipynb. Run: make notebooks"
        ]

    def test_a_cell_less(self, checkout, tmp_path):
        text = tiny_lesson.TEXT[: tiny_lesson.TEXT.rindex("\n# %%")]
        [problem] = build.freshness(tiny_lesson.write(tmp_path, text))
        assert problem.startswith("lessons/01_tiny.py:1: notebooks/01_tiny.ipynb has a cell 01-going-further-02 of no")

    def test_an_edited_notebook(self, checkout):
        path = build.notebook_path(checkout)
        notebook = read_notebook(checkout)
        notebook.cells[2], notebook.cells[3] = notebook.cells[3], notebook.cells[2]
        nbformat.write(notebook, path)
        assert "in another order" in build.freshness(checkout)[0]
        notebook.cells[2], notebook.cells[3] = notebook.cells[3], notebook.cells[2]
        notebook.metadata["kernelspec"]["name"] = "other"
        nbformat.write(notebook, path)
        assert "the metadata differ" in build.freshness(checkout)[0]

    def test_outputs_are_not_looked_at(self, checkout):
        notebook = read_notebook(checkout)
        by_id(notebook)["01-half"].outputs = []
        nbformat.write(notebook, build.notebook_path(checkout))
        assert build.freshness(checkout) == []


class TestMain:
    def test_current(self, checkout, tmp_path, capsys):
        assert build.main(["01"], tmp_path) == 0
        assert capsys.readouterr().out == "notebooks/01_tiny.ipynb: current\n"

    def test_unknown_lesson(self, checkout, tmp_path, capsys):
        with pytest.raises(SystemExit, match="2"):
            build.main(["02"], tmp_path)
        assert "lesson: expected one of 01_tiny, got '02'" in capsys.readouterr().err

    def test_goes_on_after_a_failure(self, checkout, tmp_path, capsys):
        tiny_lesson.one_cell(tmp_path, "1 / 0", name="00_bad")
        assert build.main([], tmp_path) == 1
        out, err = capsys.readouterr()
        assert "lessons/00_bad.py:6: cell 00-start-01 must run clean, but ZeroDivisionError" in err
        assert out == "notebooks/01_tiny.ipynb: current\n"
