"""my/solutions.py: what is stored, what stays, and what a broken file or a full disk does."""

import ast
import functools
import linecache
import threading

import pytest

from gk_utils.classroom import solutions
from gk_utils.classroom.solutions import block_of, folder, load, store

SETUP = """import math
from collections import Counter as Tally, OrderedDict

import torch
from torch import Tensor

SIDE = 4
torch.manual_seed(0)
print("ready")
"""

AREA = '''def area(box: "Tensor", scale: float = SIDE) -> float:
    """Area."""
    # a comment that stays
    return math.prod(box) * scale
'''


def cell(code, name, number=[0], **more):  # noqa: B006
    """Run code as a notebook cell would and return the function of that name."""
    number[0] += 1
    filename = f"<cell {number[0]}>"
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    namespace = {"__name__": "__main__", **more}
    exec(SETUP.replace("print", "str") + "\n", namespace)
    exec(compile(code, filename, "exec"), namespace)
    return namespace[name]


@pytest.fixture
def my(tmp_path):
    return tmp_path


class TestBlockOf:
    def test_takes_the_imports_and_values_it_needs_and_no_more(self):
        block, missing = block_of(cell(AREA, "area"), SETUP)
        assert missing == []
        assert block == f"import math\n\n\nSIDE = 4\n\n\n{AREA}".rstrip()

    def test_helpers_of_its_cell_come_first(self):
        code = (
            "def area(n):\n    def inner(x):\n        return helper(x) + BASE\n    return inner(n)\n\n"
            "BASE: int = 2\n\ndef helper(x):\n    return Tally([x])[x] + deeper(x)\n\n"
            "def deeper(x):\n    return [x for _ in range(1)][0]\n\ndef unused():\n    return 0\n\n"
            "area_of_two = 5\nprint(area_of_two)\n"
        )
        function = cell(code, "area")
        block, missing = block_of(function, SETUP)
        assert missing == []
        assert block.index("def helper") < block.index("def deeper") < block.index("def area")
        assert block.startswith("from collections import Counter as Tally, OrderedDict\n\n\nBASE: int = 2")
        assert "unused" not in block
        assert "print" not in block

    def test_decorators_come_along(self):
        code = "import functools\n\n@functools.lru_cache(maxsize=None)\ndef double(n):\n    return 2 * n\n"
        block, _ = block_of(cell(code, "double"), SETUP)
        assert block == code.strip().replace("\n\n@", "\n\n\n@")

    def test_the_cell_comes_before_the_setup(self):
        block, _ = block_of(cell("SIDE = 5\ndef side():\n    return SIDE\n", "side"), SETUP)
        assert block == "SIDE = 5\n\n\ndef side():\n    return SIDE"

    @pytest.mark.parametrize("change", ["LIMIT += 5", "LIMIT = LIMIT + 5", "LIMIT = 3\nLIMIT: int = 5 * LIMIT"])
    def test_a_value_made_in_steps_comes_with_all_of_them(self, change):
        code = f"LIMIT = 10\n{change}\ndef area(n):\n    return n * LIMIT\n"
        block, missing = block_of(cell(code, "area"), SETUP)
        namespace = {}
        exec(block, namespace)
        assert (namespace["area"](2), missing) == (30, [])

    @pytest.mark.parametrize("change", ["LIMIT += 5", "LIMIT = LIMIT + 5"])
    def test_a_value_that_starts_in_another_cell_is_missing(self, change):
        code = f"{change}\ndef area(n):\n    return n * LIMIT\n"
        assert block_of(cell(code, "area", LIMIT=10), SETUP)[1] == ["LIMIT"]

    def test_a_helper_that_calls_itself_is_not_missing(self):
        code = "down = lambda n: n and down(n - 1)\ndef area(n):\n    return down(n)\n"
        assert block_of(cell(code, "area"), SETUP)[1] == []

    def test_names_from_other_cells_are_missing_but_local_ones_are_not(self):
        code = "def area(box):\n    image = helper(box)\n    return [image for box in image] + OTHER\n"
        block, missing = block_of(cell(code, "area", helper=len, OTHER=1, image=2, box=3), SETUP)
        assert missing == ["OTHER", "helper"]
        assert block == code.strip()

    @pytest.mark.parametrize("function", [len, functools.partial(len), int])
    def test_not_a_function_of_python(self, function):
        with pytest.raises(TypeError, match="function: expected a function, got"):
            block_of(function, SETUP)

    def test_not_a_def(self):
        with pytest.raises(ValueError, match="expected one defined by def, got <lambda>"):
            block_of(cell("area = lambda n: n\n", "area"), SETUP)


class TestStore:
    def test_a_new_file_is_plain_python(self, my):
        assert store("01.area", cell(AREA, "area"), SETUP, my) == "Stored in my/solutions.py."
        text = (my / "solutions.py").read_text()
        assert text.startswith('"""What I have written so far')
        assert text.endswith("    return math.prod(box) * scale\n# <<< 01.area\n")
        namespace = {}
        exec(text, namespace)
        assert namespace["area"]((2, 3)) == 24
        assert [path.name for path in my.iterdir()] == ["solutions.py"]

    def test_a_second_pass_replaces_the_block_alone(self, my):
        first = "def {0}(n):\n    return {1}\n"
        for name in "abc":
            store(f"01.{name}", cell(first.format(name, 1), name), SETUP, my)
        path = my / "solutions.py"
        path.write_text(path.read_text().replace("# >>> 01.b", "MINE = 'kept'\n\n# >>> 01.b") + "\n# the end\n")
        before = path.read_text()
        store("01.b", cell(first.format("b", 22), "b"), SETUP, my)
        assert path.read_text() == before.replace("def b(n):\n    return 1", "def b(n):\n    return 22")
        store("01.d", cell(first.format("d", 4), "d"), SETUP, my)
        assert path.read_text().startswith(path.read_text().split("# the end")[0])
        assert path.read_text().endswith("# the end\n\n\n# >>> 01.d\ndef d(n):\n    return 4\n# <<< 01.d\n")

    @pytest.mark.parametrize(
        "damage",
        [
            b"def half(:\n",
            b"\xff\xfe\x00",
            b"x = 1\x00\n",
            b"# >>> 01.area\n",
            b"# <<< 01.area\n",
            b"# >>> 01.area\n# >>> 01.b\n# <<< 01.b\n# <<< 01.area\n",
            b"# >>> 01.area\n# <<< 01.area\n# >>> 01.area\n# <<< 01.area\n",
        ],
    )
    def test_a_file_that_cannot_be_read_is_kept(self, my, damage):
        path = my / "solutions.py"
        function = cell(AREA, "area")
        for number in (1, 2):
            path.write_bytes(damage)
            said = store("01.area", function, SETUP, my)
            assert said == (
                f"Stored in my/solutions.py. The file could not be read: it is kept as solutions.broken-{number}.py."
            )
            assert (my / f"solutions.broken-{number}.py").read_bytes() == damage
            assert load("01.area", my)((2, 3)) == 24

    def test_says_why_it_stored_nothing(self, my, monkeypatch):
        code = "def area(box):\n    return helper(box)\n"
        assert store("01.area", cell(code, "area", helper=len), SETUP, my) == (
            "Not stored: it uses helper from another cell. Move that into the exercise's cell and check again."
        )
        assert store("01.area", len, SETUP, my).startswith("Not stored: its source is not at hand.")
        linecache.cache.pop("<cell gone>", None)
        gone = {}
        exec(compile("def area(box):\n    return 1\n", "<cell gone>", "exec"), gone)
        assert store("01.area", gone["area"], SETUP, my).startswith("Not stored: its source is not at hand.")
        assert not (my / "solutions.py").exists()

        def full(path, text):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(solutions, "write_atomically", full)
        assert store("01.area", cell(AREA, "area"), SETUP, my) == (
            "Not stored: solutions.py could not be written (No space left on device)."
        )

    def test_a_marker_inside_a_function_does_not_break_the_file(self, my):
        store("01.area", cell(AREA, "area"), SETUP, my)
        code = 'def half(n):\n    """\n# >>> 01.area\n    """\n    return n / 2\n'
        assert store("01.half", cell(code, "half"), SETUP, my).startswith("Not stored: a line of it looks like a mark")
        assert load("01.area", my)((2, 3)) == 24

    def test_a_byte_order_mark_is_no_damage(self, my):
        store("01.area", cell(AREA, "area"), SETUP, my)
        path = my / "solutions.py"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert load("01.area", my)((2, 3)) == 24
        assert store("01.one", cell("def one():\n    return 1\n", "one"), SETUP, my) == "Stored in my/solutions.py."
        assert load("01.area", my)((2, 3)) == 24

    def test_nothing_is_lost_when_writing_fails(self, my, monkeypatch):
        store("01.area", cell(AREA, "area"), SETUP, my)
        before = (my / "solutions.py").read_bytes()

        def full(*paths):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.replace", full)
        assert store("01.area", cell("def area(box):\n    return 1\n", "area"), SETUP, my).startswith("Not stored")
        assert (my / "solutions.py").read_bytes() == before
        assert [path.name for path in my.iterdir()] == ["solutions.py"]

    def test_a_lock_left_behind_does_not_stop_it(self, my, monkeypatch):
        monkeypatch.setattr(solutions, "LOCK_SECONDS", 0.05)
        (my / ".solutions.lock").mkdir()
        assert store("01.area", cell(AREA, "area"), SETUP, my) == "Stored in my/solutions.py."
        assert not (my / ".solutions.lock").exists()

    def test_two_notebooks_at_once_lose_no_block(self, my):
        functions = {name: cell(f"def {name}(n):\n    return '{name}'\n", name) for name in ("a", "b")}

        def work(name):
            for number in range(10):
                store(f"01.{name}{number}", functions[name], SETUP, my)

        workers = [threading.Thread(target=work, args=(name,)) for name in functions]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        text = (my / "solutions.py").read_text()
        ast.parse(text)
        assert text.count("# >>> ") == text.count("# <<< ") == 20


class TestLoad:
    def test_helpers_of_two_blocks_do_not_mix(self, my):
        for name, value in (("a", 1), ("b", 2)):
            store(
                f"01.{name}", cell(f"def h():\n    return {value}\n\ndef {name}():\n    return h()\n", name), SETUP, my
            )
        assert (load("01.a", my)(), load("01.b", my)()) == (1, 2)

    def test_errors_point_at_the_file(self, my):
        store("01.a", cell("def a():\n    return 1 / 0\n", "a"), SETUP, my)
        with pytest.raises(ZeroDivisionError) as caught:
            load("01.a", my)()
        line = (my / "solutions.py").read_text().split("\n").index("    return 1 / 0") + 1
        assert (caught.traceback[-1].path, caught.traceback[-1].lineno + 1) == (my / "solutions.py", line)

    @pytest.mark.parametrize("text", [None, "", "# >>> 01.a\n", "def (", "# >>> 01.a\nx = 1\n# <<< 01.a\n"])
    def test_nothing_to_load(self, my, text):
        if text is not None:
            (my / "solutions.py").write_text(text)
        assert load("01.a", my) is None


class TestFolder:
    def test_only_inside_my(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert folder(tmp_path) is None
        inside = tmp_path / "my" / "deeper"
        inside.mkdir(parents=True)
        assert folder(tmp_path) is None
        for here in (inside, inside.parent):
            monkeypatch.chdir(here)
            assert folder(tmp_path) == (tmp_path / "my").resolve()
        assert folder(tmp_path / "my") is None
