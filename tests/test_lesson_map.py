import nbformat
import pytest
import tiny_lesson

from gk_utils.classroom import build, lesson_map
from gk_utils.classroom.source import ROOT

ROW_END = "| 4 | 50 min | 75 s | 0.4 GB |\n"


@pytest.fixture
def root(tmp_path):
    lesson = tiny_lesson.write(tmp_path)
    notebook = build.student_view(lesson)
    notebook.metadata["course"]["measured"] = {"seconds": 75, "peak_gb": 0.4}
    path = build.notebook_path(lesson)
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    (tmp_path / "README.md").write_text(f"# Course\n\n{lesson_map.BEGIN}\nold\n{lesson_map.END}\n\nEnd.\n")
    return tmp_path


class TestReadme:
    def test_replaces_what_stands_between_the_markers_alone(self, root):
        text = lesson_map.readme(root)
        assert text.startswith(f"# Course\n\n{lesson_map.BEGIN}\n\n| lesson |")
        assert text.endswith(f"{ROW_END}\n{lesson_map.END}\n\nEnd.\n")
        assert "old" not in text

    def test_is_stable(self, root):
        assert lesson_map.main(root) == 0
        written = (root / "README.md").read_text()
        assert lesson_map.main(root) == 0
        assert (root / "README.md").read_text() == written

    def test_missing_marker(self, root, capsys):
        (root / "README.md").write_text("# Course\n")
        assert lesson_map.main(root) == 1
        assert "README.md: expected the lines" in capsys.readouterr().err
        assert (root / "README.md").read_text() == "# Course\n"

    def test_lesson_not_built(self, root):
        next((root / "notebooks").glob("*.ipynb")).unlink()
        with pytest.raises(ValueError, match=r"expected notebooks/01_tiny.ipynb, got none. Run: make notebooks"):
            lesson_map.table(root)


def test_the_readme_of_the_course_is_current():
    assert (ROOT / "README.md").read_text(encoding="utf-8") == lesson_map.readme(ROOT)
