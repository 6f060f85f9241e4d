import os
import shutil
import subprocess
import sys

import pytest
import tiny_lesson

from gk_utils.classroom import build, claims, lint, new, source


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory):
    """A checkout with the package and one new lesson."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(source.ROOT / "gk_utils", root / "gk_utils")
    shutil.copy(source.ROOT / "pyproject.toml", root)
    for name in ("tests", "lessons"):
        (root / name).mkdir()
    shutil.copy(source.ROOT / "lessons" / "ruff.toml", root / "lessons")
    for name in ("conftest.py", "no_network.py", "typechecker.py"):
        shutil.copy(source.ROOT / "tests" / name, root / "tests")
    return root, new.scaffold("97_new_topic", root)


def start(root, *command):
    environment = os.environ | {"PYTHONPATH": str(root)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, *command], cwd=root, env=environment, **pipes)


def result(process):
    out, _ = process.communicate()
    assert process.returncode == 0, out
    return out


class TestScaffold:
    def test_four_files(self, scaffolded):
        root, paths = scaffolded
        assert [path.relative_to(root).as_posix() for path in paths] == [
            "lessons/97_new_topic.py",
            "gk_utils/new_topic.py",
            "gk_utils/classroom/exercises/new_topic.py",
            "tests/test_new_topic.py",
        ]
        assert all("$" not in path.read_text(encoding="utf-8") for path in paths)

    def test_source_is_clean(self, scaffolded):
        root, paths = scaffolded
        assert lint.lint_source(paths[0]) == []
        result(start(root, "-m", "ruff", "check", *map(str, paths)))
        result(start(root, "-m", "ruff", "format", "--check", *map(str, paths)))

    def test_builds_and_passes_lint_ledger_and_its_own_tests(self, scaffolded):
        root, paths = scaffolded
        command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_new_topic.py", "gk_utils/new_topic.py")
        tests = start(root, *command)  # at the same time as the build
        build.build(source.read(paths[0]))
        assert "7 passed" in result(tests)
        assert lint.main([], root) == 0
        assert "centre: [25.000, 40.000]" in claims.write(root).read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        "name",
        ["topic", "8_topic", "18-topic", "18_Topic", "18_", "18_a__b", "18_class", "18_../x", "018_topic", "18_a.py"],
    )
    def test_bad_name(self, tmp_path, name):
        with pytest.raises(ValueError, match="name: expected two digits, '_' and a topic such as 18_topic, got"):
            new.scaffold(name, tmp_path)
        assert os.listdir(tmp_path) == []

    def test_number_in_use(self, tmp_path):
        tiny_lesson.write(tmp_path)
        with pytest.raises(ValueError, match="expected a number not in use, got 01, which is 01_tiny"):
            new.scaffold("01_topic", tmp_path)

    @pytest.mark.parametrize(
        "path",
        ["gk_utils/topic.py", "gk_utils/topic/x.py", "gk_utils/classroom/exercises/topic.py", "tests/test_topic.py"],
    )
    def test_topic_in_use(self, tmp_path, path):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("mine")
        with pytest.raises(ValueError, match="expected a topic not in use, got 'topic'"):
            new.scaffold("18_topic", tmp_path)
        assert (tmp_path / path).read_text() == "mine"
        assert not (tmp_path / "lessons").exists()


class TestMain:
    def test_says_what_it_wrote(self, tmp_path, capsys):
        assert new.main(["18_topic"], tmp_path) == 0
        assert capsys.readouterr().out.split("\n")[0] == "lessons/18_topic.py"

    def test_bad_name(self, tmp_path, capsys):
        with pytest.raises(SystemExit, match="2"):
            new.main(["topic"], tmp_path)
        assert "expected two digits" in capsys.readouterr().err
