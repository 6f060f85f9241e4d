"""Badges and set-up cells: what they say, and that nothing else moves. test_colab_setup.py runs the cell."""

import ast
import copy
import json
import re
import shutil

import nbformat
import pytest
import tiny_lesson
from tiny_lesson import exercise

from gk_utils.classroom import build, colab, coursework, lint, source
from gk_utils.classroom.rebuild import rebuild
from gk_utils.classroom.submission import parse
from gk_utils.classroom.views import graded_view, student_view

NAME = "someone/grounding"
COPIED = ("00_start_here", "01_boxes", "17_capstone")
BAD_NAMES = [
    *("someone", "someone/", "/grounding", "a/b/c", "https://github.com/someone/grounding", "a b/c", "-a/b", "a/.."),
    *('a/b"', "a/b;ls", "a/b\n", "é/b", " "),
]


@pytest.fixture
def checkout(tmp_path):
    """Three lessons and their notebooks, and the settings, as committed."""
    for folder, ending in (("lessons", "py"), ("notebooks", "ipynb")):
        (tmp_path / folder).mkdir()
        for stem in COPIED:
            shutil.copy(source.ROOT / folder / f"{stem}.{ending}", tmp_path / folder)
    shutil.copy(source.ROOT / "pyproject.toml", tmp_path)
    colab.publish("", tmp_path)  # a fork's are published
    return tmp_path


@pytest.fixture
def tiny(tmp_path):
    """A checkout of the tiny lesson, whose notebook has not run."""
    lesson = tiny_lesson.write(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nversion = "2.5"\n[tool.gk_utils]\n# a word\nrepository = "" # why\n[tool.other]\nrepository = "x"\n'
    )
    measured = {"seconds": 5, "peak_gb": 0.1}
    nbformat.write(student_view(lesson, measured), build.notebook_path(lesson))
    return lesson


def root_of(lesson):
    return lesson.path.parents[1]


def contents(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read_notebook(path):
    return nbformat.read(path, as_version=4)


class TestPublished:
    def test_badge(self):
        badge = colab.Published(NAME, "v0.1.0").badge("01_boxes")
        assert badge == (
            "[![Open this lesson in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
            "(https://colab.research.google.com/github/someone/grounding/blob/v0.1.0/notebooks/01_boxes.ipynb)"
        )
        assert colab.BADGE.fullmatch("\n\n" + badge)

    def test_the_set_up_cell_is_short_plain_python(self):
        text = colab.Published(NAME, "v0.1.0").setup_text()
        assert len(text.split("\n")) <= 6
        imports, condition = ast.parse(text).body  # without magics, and nothing else at its top
        assert isinstance(imports, ast.Import)
        assert ast.unparse(condition.test) == "'google.colab' in sys.modules"
        assert condition.orelse == []
        assert "--depth 1 --branch v0.1.0 https://github.com/someone/grounding /content/grounding-v0.1.0" in text

    @pytest.mark.parametrize("name", [*BAD_NAMES, ""])
    def test_a_name_that_no_repository_has(self, name):
        with pytest.raises(
            ValueError, match=r"^repository: expected owner/name of .*, got .*\. Run: make badges REPO="
        ):
            colab.Published(name, "v1")

    @pytest.mark.parametrize("name", ["a/b", "A-1/b_c.d-e", "someone/.github"])
    def test_names(self, name):
        assert colab.Published(name, "v1").name == name


class TestSetting:
    def test_set(self, tiny):
        colab.publish(NAME, root_of(tiny))
        assert colab.setting(root_of(tiny)) == colab.Published(NAME, "v2.5")

    def test_no_such_file_or_table(self, tmp_path):
        assert colab.setting(tmp_path) is None
        (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1"\n')
        assert colab.setting(tmp_path) is None


class TestPublish:
    def test_three_lessons_there_and_back(self, checkout):
        before = contents(checkout)
        changed = colab.publish(NAME, checkout)
        assert [path.stem for path in changed] == list(COPIED)
        for path in changed:
            old, new = nbformat.reads(before[path].decode(), as_version=4), read_notebook(path)
            nbformat.validate(new)
            setup = new.cells.pop(1)
            assert (setup.id, setup.execution_count, setup.outputs) == (f"{path.stem[:2]}-colab_setup", None, [])
            assert new.cells[0].source.split("\n\n")[1] == colab.setting(checkout).badge(path.stem)
            new.cells[0].source = old.cells[0].source
            assert new == old
        published = contents(checkout)
        assert {path for path in before if published[path] != before[path]} == {*changed, checkout / "pyproject.toml"}
        assert colab.publish(NAME, checkout) == []  # twice is once
        assert contents(checkout) == published
        colab.publish("another/name", checkout)
        assert b"someone" not in b"".join(contents(checkout).values())
        assert colab.publish("", checkout) == changed
        assert contents(checkout) == before

    def test_the_rest_of_the_settings_stays(self, tiny):
        path = root_of(tiny) / "pyproject.toml"
        text = path.read_text().replace("\n", "\r\n").encode()
        path.write_bytes(text)
        colab.publish(NAME, root_of(tiny))
        assert path.read_bytes() == text.replace(b'repository = "" #', b'repository = "someone/grounding" #')

    def test_notebooks_stay_current(self, checkout):
        lesson = source.read(checkout / "lessons" / "01_boxes.py")
        before = build.freshness(lesson)  # nothing, unless somebody is editing the lesson
        colab.publish(NAME, checkout)
        assert build.freshness(lesson) == before

    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_a_bad_name_changes_nothing(self, tiny, name):
        before = contents(root_of(tiny))
        with pytest.raises(ValueError, match="^repository: expected owner/name"):
            colab.publish(name, root_of(tiny))
        assert contents(root_of(tiny)) == before

    def test_a_damaged_notebook_changes_nothing(self, tiny):
        other = tiny_lesson.write(root_of(tiny), name="02_next")
        build.notebook_path(other).write_text("{")
        before = contents(root_of(tiny))
        with pytest.raises(ValueError, match=r"^notebooks/02_next.ipynb: expected a notebook, got what raises "):
            colab.publish(NAME, root_of(tiny))
        assert contents(root_of(tiny)) == before

    def test_without_the_setting(self, tiny):
        (root_of(tiny) / "pyproject.toml").write_text(
            '[project]\nversion = "1"\n[tool.gk_utils]\n[a]\nrepository = ""\n'
        )
        before = contents(root_of(tiny))
        with pytest.raises(ValueError, match=r"^pyproject.toml: expected a line repository = .*, got none\. Put both"):
            colab.publish(NAME, root_of(tiny))
        assert contents(root_of(tiny)) == before

    def test_a_lesson_that_is_not_built_yet(self, tiny):
        tiny_lesson.write(root_of(tiny), name="02_next")
        assert colab.publish(NAME, root_of(tiny)) == [build.notebook_path(tiny)]


class TestBuild:
    def test_the_same_notebook_as_publish_writes(self, tiny):
        path = build.notebook_path(tiny)
        build.build(tiny, force=True)
        bare = path.read_bytes()
        colab.publish(NAME, root_of(tiny))
        written = path.read_bytes()
        assert b"colab_setup" in written
        assert build.build(tiny) is None  # current: nothing to run
        build.build(tiny, force=True)
        assert path.read_bytes() == written
        assert lint.lint_notebook_of(tiny) == []
        colab.publish("", root_of(tiny))
        assert path.read_bytes() == bare


class TestFaults:
    def found(self, lesson):
        notebook = read_notebook(build.notebook_path(lesson))
        return colab.faults(notebook, lesson.name, root_of(lesson))

    def test_as_set(self, tiny):
        assert self.found(tiny) == []
        colab.publish(NAME, root_of(tiny))
        assert self.found(tiny) == []

    @pytest.mark.parametrize(
        ("notebook", "setting", "said"),
        [
            (NAME, "", "expected none, as pyproject.toml names no repository, got some. Run: make badges REPO="),
            ("", NAME, f"expected those of {NAME} at v2.5, got none. Run: make badges REPO={NAME}"),
            ("a/b", NAME, f"expected those of {NAME} at v2.5, got others. Run: make badges REPO={NAME}"),
        ],
    )
    def test_another_setting(self, tiny, notebook, setting, said):
        project = root_of(tiny) / "pyproject.toml"
        colab.publish(setting, root_of(tiny))
        wanted = project.read_text()
        colab.publish(notebook, root_of(tiny))
        project.write_text(wanted)
        assert self.found(tiny) == [f"Colab badge and set-up cell: {said}"]

    def test_another_version(self, tiny):
        colab.publish(NAME, root_of(tiny))
        project = root_of(tiny) / "pyproject.toml"
        project.write_text(project.read_text().replace("2.5", "2.6"))
        assert "at v2.6, got others" in self.found(tiny)[0]
        assert len(colab.publish(NAME, root_of(tiny))) == 1
        assert self.found(tiny) == []

    @pytest.mark.parametrize(
        "change",
        [
            lambda notebook: notebook.cells[1].update(source="import os"),
            lambda notebook: notebook.cells[1].update(execution_count=1),
            lambda notebook: notebook.cells.insert(3, notebook.cells.pop(1)),
            lambda notebook: notebook.cells.pop(1),
            lambda notebook: notebook.cells[0].update(source=notebook.cells[0].source.replace("01_tiny", "02_next")),
        ],
    )
    def test_an_edited_notebook(self, tiny, change):
        path = build.notebook_path(tiny)
        colab.publish(NAME, root_of(tiny))
        notebook = read_notebook(path)
        change(notebook)
        nbformat.write(notebook, path)
        assert "got others" in self.found(tiny)[0]
        assert build.freshness(tiny) == []  # the lesson itself is

    def test_a_setting_by_hand(self, tiny):
        project = root_of(tiny) / "pyproject.toml"
        project.write_text(project.read_text().replace('repository = "" #', 'repository = "someone" #'))
        assert self.found(tiny) == [
            "pyproject.toml: repository: expected owner/name of a repository on GitHub, got 'someone'. "
            "Run: make badges REPO=owner/name"
        ]

    def test_every_notebook_of_this_checkout_is_as_set(self):
        for path in (source.ROOT / "notebooks").glob("*.ipynb"):
            assert colab.faults(read_notebook(path), path.stem) == []


class TestGrading:
    """An assignment has the set-up cell, so that it can be opened on Colab; a grader never runs it."""

    @pytest.fixture
    def release(self, tiny):
        colab.publish(NAME, root_of(tiny))
        return graded_view(tiny)

    def test_the_cell_is_there_and_the_badge_is_not(self, release, tiny):
        assert [cell.id for cell in release.cells[:3]] == ["01-header", "01-colab_setup", "01-start-01"]
        assert colab.IMAGE not in release.cells[0].source
        colab.publish("", root_of(tiny))
        colab.take_out(release)
        assert release == graded_view(tiny)

    @pytest.mark.parametrize("lost", ["nothing", "metadata", "everything"])
    def test_the_grader_leaves_it_out(self, release, tiny, lost):
        handed = copy.deepcopy(release)
        for cell in handed.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "halve":
                cell.source = source.without_markers(cell.source) + "\nprint(sys.version)"
            if lost != "nothing":
                cell.metadata.clear()
            if lost == "everything":
                del cell["id"]
        handed.cells[1].source += "\nraise SystemExit"
        made, notes = rebuild(release, tiny, parse(json.dumps(handed).encode()))
        text = "\n".join(cell.source for cell in made.cells)
        assert "git" not in text
        assert "colab" not in text
        assert "import os, subprocess, sys" in text  # what the learner's function needs of it comes along
        assert not any("set-up" in note for note in notes)
        left, _ = coursework.leave_out_demos(copy.deepcopy(release), {})
        assert not any(colab.is_setup(cell) for cell in left.cells)

    def test_its_id_is_no_lessons(self, tmp_path):
        """A label or a heading cannot make the same id: both join words with dashes."""
        text = tiny_lesson.TEXT.replace("## Half of a number", "## Colab_setup")
        lesson = tiny_lesson.write(tmp_path, text + exercise("colab_setup", "-"))
        assert not any(colab.SETUP_ID.fullmatch(cell.id) for cell in student_view(lesson).cells)


class TestMain:
    def test_there_and_back(self, tiny, capsys):
        assert colab.main([NAME], root_of(tiny)) == 0
        assert capsys.readouterr().out == (
            "Colab badges and set-up cells: someone/grounding at v2.5; notebooks written: 1\n"
            "They lead to the tag v2.5. Commit, then: git tag v2.5 && git push origin HEAD v2.5\n"
        )
        assert colab.main([""], root_of(tiny)) == 0
        assert capsys.readouterr().out == "Colab badges and set-up cells: no repository; notebooks written: 1\n"

    def test_a_bad_name(self, tiny, capsys):
        with pytest.raises(SystemExit, match="2"):
            colab.main(["grounding"], root_of(tiny))
        assert "repository: expected owner/name of a repository on GitHub, got 'grounding'" in capsys.readouterr().err

    def test_the_makefile_says_how(self):
        text = (source.ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(
            r'^badges:.*## .*\n(?:\t.*\n)*\t@\$\(PY\) -m gk_utils.classroom.colab "\$\(REPO\)"$', text, re.M
        )
