"""Tests of gk_utils.book.pages."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_layout import TECHNIQUES

from gk_utils.book.pages import COPIED, LAB, as_page, linked, modules_of, with_lessons, write_pages
from gk_utils.classroom.source import ROOT, lesson_paths


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("book")
    write_pages(target)
    return target


class TestWritePages:
    def test_every_lesson_is_a_page(self, book: Path):
        names = {path.stem for path in (book / "notebooks").glob("*.ipynb")}
        assert names == {path.stem for path in lesson_paths()}
        text = (book / "lessons.md").read_text()
        assert all(f"notebooks/{name}" in text for name in names)

    def test_every_link_of_the_sources_leads_somewhere(self, book: Path):
        """A link to what is no page becomes its text: here links are read where they were written."""
        made = {path.relative_to(book) for path in book.rglob("*.*")}
        for page in [*(ROOT / "book").glob("*.md"), *(ROOT / name for name in COPIED)]:
            for address in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                if "://" not in address and not address.startswith(("#", "mailto:")):
                    file = page.parent / address.partition("#")[0]
                    assert file.exists() or Path(address.partition("#")[0]) in made, f"{page.name}: {address}"

    def test_claims_link_to_their_cells(self, book: Path):
        text = (book / "book" / "CLAIMS.md").read_text()
        assert '<a href="../notebooks/01_boxes.html#01-lenient">' in text
        cells = nbformat.read(book / "notebooks" / "01_boxes.ipynb", as_version=4).cells
        assert any('id="01-lenient"' in cell.source for cell in cells)

    def test_labs_say_that_they_need_a_kernel(self, book: Path):
        """One sentence a lab, also where the page can run it; none is without."""
        for path in (book / "notebooks").glob("*.ipynb"):
            cells = nbformat.read(path, as_version=4).cells
            labs = [cell.source for cell in cells if cell.cell_type == "code" and LAB.search(cell.source)]
            notes = [cell.source for cell in cells if cell.cell_type == "markdown" and "lab-note" in cell.source]
            assert len(notes) == len(labs) == (path.stem[:2] not in ("00", "02", "04", "05", "17")), path.name
            live = [note for note in notes if "gk-live" in note]
            assert bool(live) == (path.stem[:2] in ("01", "03", "06")), path.name
            assert all("make lab" in note for note in notes)

    def test_the_glossary_links_to_lessons(self, book: Path):
        assert re.search(
            r"\(\[02\]\(notebooks/02_metrics\.ipynb\)\)$", (book / "glossary.md").read_text(), re.MULTILINE
        )

    def test_every_package_of_the_techniques_has_a_page(self, book: Path):
        pages = {path.stem for path in (book / "api").glob("*.md")}
        assert TECHNIQUES | {"index"} <= pages
        assert "gk_utils.boxes" in (book / "api" / "boxes.md").read_text()

    def test_a_lesson_that_was_not_built(self, tmp_path: Path):
        root = tmp_path / "root"
        for name in ("book", "lessons", "notebooks"):
            (root / name).mkdir(parents=True)
        for name in ("conf.py", "_static"):
            (root / "book" / name).symlink_to(ROOT / "book" / name)
        (root / "lessons" / "01_boxes.py").symlink_to(ROOT / "lessons" / "01_boxes.py")
        with pytest.raises(ValueError, match=r"01_boxes.ipynb: expected a built notebook, got none"):
            write_pages(tmp_path / "out", root)


class TestLinked:
    def test_by_hand(self, tmp_path: Path):
        (tmp_path / "there.md").write_text("")
        text = "[a](there.md) [b](gone.md) [c](https://x.org) ![d](p.png) [e](#f)"
        assert linked(text, tmp_path, tmp_path) == "[a](there.md) b [c](https://x.org) ![d](p.png) [e](#f)"

    def test_of_a_cell(self, tmp_path: Path):
        found = linked("[x](../notebooks/01_boxes.ipynb#cell-id=01-iou)", tmp_path / "book", tmp_path)
        assert found == '<a href="../notebooks/01_boxes.html#01-iou">x</a>'


class TestAsPage:
    def test_a_lab(self, tmp_path: Path):
        frame = new_output("display_data", {"image/png": "AAAA"}, metadata={"image/png": {"alt": "first\nsecond"}})
        cell = new_code_cell("lab = click_lab(1)", outputs=[frame], id="01-lab")
        page = as_page(new_notebook(cells=[new_markdown_cell("# 01", id="a"), cell]), tmp_path, tmp_path)
        assert [each.cell_type for each in page.cells] == ["markdown", "markdown", "code"]
        assert page.cells[1].source.startswith('<span id="01-lab"></span><p class="lab-note">')
        assert page.cells[2].metadata.mystnb.image.alt == "first second"
        nbformat.validate(page)

    def test_a_cell_that_is_no_lab(self, tmp_path: Path):
        page = as_page(new_notebook(cells=[new_code_cell("x = 1", id="c")]), tmp_path, tmp_path)
        assert page.cells[0].source == '<span id="c"></span>'

    def test_a_lab_that_the_page_runs(self, tmp_path: Path):
        frame = new_output("display_data", {"image/png": "AAAA"})
        cell = new_code_cell("from x import drag_lab\n\nlab = drag_lab(1)\nlab", outputs=[frame], id="01-lab")
        page = as_page(new_notebook(cells=[cell]), tmp_path / "notebooks", tmp_path)
        assert [each.cell_type for each in page.cells] == ["markdown", "code", "markdown"]
        assert page.cells[0].source == '<span id="01-lab"></span>'
        assert 'data-lab="drag_lab"' in page.cells[2].source
        assert 'src="../_static/labs.js"' in page.cells[2].source


class TestWithLessons:
    def test_only_at_the_end_of_a_line(self):
        text = "In (01) words. (01, 02)\nmore (02)"
        one, two = "[01](notebooks/01_a.ipynb)", "[02](notebooks/02_b.ipynb)"
        assert with_lessons(text, ["01_a", "02_b"]) == f"In (01) words. ({one}, {two})\nmore ({two})"


class TestModulesOf:
    def test_neither_module_nor_package(self):
        assert modules_of("no_such_thing") == []
