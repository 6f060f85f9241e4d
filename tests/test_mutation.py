import ast
import subprocess
import sys

import pytest
from mutants import mutants_of
from mutation import ROOT, TARGETS, Target, drawn

MODULES = {
    "between": "def between(number, low, high):\n    return low <= number and number < high\n",
    "countdown": "def countdown(n):\n    while n > 0:\n        n -= 1\n    return n\n",
}
TESTS = {
    "good": "from between import between\n\n\ndef test_it():\n"
    "    assert [between(n, 0, 3) for n in (-1, 0, 1, 2, 3)] == [False, True, True, True, False]\n",
    "bad": "from between import between\n\n\ndef test_it():\n    assert between(1, 0, 3) and not between(5, 0, 3)\n",
    "endless": "from countdown import countdown\n\n\ndef test_it():\n    assert countdown(3) == countdown(0) == 0\n",
    "wrong": "from between import between\n\n\ndef test_it():\n    assert between(3, 0, 3)\n",
}
RUN = """
import sys
from pathlib import Path
import mutation

mutation.GRACE = 1
root = Path(sys.argv[1])
targets = [
    mutation.Target(name, {f"{module}.py": (f"test_{name}.py",)}, root)
    for name, module in (("good", "between"), ("bad", "between"), ("endless", "countdown"), ("wrong", "between"))
]
for target in targets:
    print("status", mutation.run([target]), flush=True)
print("status", mutation.run(targets[:1], minutes=0))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    for name, text in TESTS.items():
        (folder / f"test_{name}.py").write_text(text)
    return folder


@pytest.fixture(scope="module")
def reports(folder):
    """What was printed of each target, up to and with its status."""
    command = [sys.executable, "-c", RUN, str(folder)]
    done = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, timeout=120, check=True)
    return [
        part.strip()
        for part in done.stdout.replace("status 0", "status 0\f").replace("status 1", "status 1\f").split("\f")
    ]


class TestRun:
    def test_a_good_test_kills_all(self, reports):
        assert reports[0].startswith("good    3 killed    0 survived    0%")
        assert reports[0].endswith("status 0")

    def test_survivors_of_a_bad_test_are_listed(self, reports):
        lines = [line.strip() for line in reports[1].splitlines()]
        assert lines[0].startswith("bad    1 killed    2 survived   67%")
        assert lines[1:] == [
            "between.py:2  return low [<= -> <] number and number < high",
            "between.py:2  return low <= number and number [< -> <=] high",
            "status 1",
        ]

    def test_a_mutant_without_an_end_is_killed(self, reports):
        assert reports[2].startswith("endless    5 killed    0 survived    0%")
        assert reports[2].endswith("status 0")

    def test_the_module_itself_has_to_pass(self, reports):
        assert reports[3].startswith("wrong  the tests fail on the module as it is:")
        assert "assert between(3, 0, 3)" in reports[3]
        assert reports[3].endswith("status 1")

    def test_what_there_was_no_time_for_is_said(self, reports):
        assert "3 not run: no time" in reports[4]
        assert reports[4].endswith("status 1")

    def test_writes_into_no_module(self, folder, reports):
        assert {name: (folder / f"{name}.py").read_text() for name in MODULES} == MODULES


class TestDrawn:
    def test_the_same_for_the_same_seed(self, tmp_path):
        (tmp_path / "sums.py").write_text("".join(f"a{row} = b + {row} if a else c * 2\n" for row in range(10)))
        target = Target("sums", {"sums.py": ()}, tmp_path)
        first = drawn(target, 20, 0)
        assert len(first) == len(set(first)) == 20
        assert drawn(target, 20, 0) == first
        assert drawn(target, 20, 1) != first

    def test_no_more_than_there_are(self, folder):
        assert len(drawn(Target("between", {"between.py": ()}, folder), 50, 0)) == 3


class TestMutantsOf:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("x = a < b", ["a <= b"]),
            ("x = a is not None", ["a is None"]),
            ("x = (a + b) * 2", ["(a + b) * (1)", "(a + b) * 3", "(a + b) / 2", "(a - b) * 2"]),
            ("x = not (a or b)", ["(a or b)", "not (a and b)"]),
            ("x = a.clamp(low, high)", ["a", "a.clamp(high, low)"]),
            ("x = torch.minimum(a, b)", ["torch.maximum(a, b)"]),
            ("x = -a if flag else a", ["-a if (not flag) else a", "a if flag else a"]),
            ("x = [a, True]", ["[a, False]"]),
            ("x = zip(a, b, strict=True)", ["zip(b, a, strict=True)"]),
            ("x = 'one' + a", []),
        ],
    )
    def test_known_answers(self, tmp_path, line, expected):
        path = tmp_path / "module.py"
        path.write_text(line + "\n")
        assert sorted(mutant.source().decode().strip() for mutant in mutants_of(path)) == [f"x = {e}" for e in expected]

    def test_statements(self, tmp_path):
        path = tmp_path / "module.py"
        path.write_text("def f(a, b):\n    check(a)\n    a += b\n    for x in a:\n        break\n    return a\n")
        told = [(mutant.line, str(mutant)) for mutant in mutants_of(path)]
        assert told == [
            (2, "[check(a) -> pass]"),
            (3, "a [+= -> -=] b"),
            (5, "[break -> continue]"),
            (6, "[return a -> return b]"),
        ]

    def test_leaves_out_what_only_people_read(self, tmp_path):
        path = tmp_path / "module.py"
        path.write_text(
            '"""1 < 2"""\n__all__ = ["a", 1]\n'
            '@cache(5)\ndef f(a: Int[Tensor, 3]) -> Int[Tensor, 4]:\n    """2 < 3"""\n'
            '    raise ValueError(f"{1 + 2}" if a else "no")\n'
            "class C:\n    def __repr__(self):\n        return 1 < 2\n"
        )
        assert mutants_of(path) == []

    def test_every_mutant_is_one_change_and_is_python(self):
        path = ROOT / "gk_utils/requirements.py"
        plain = ast.dump(ast.parse(path.read_bytes()))
        mutants = mutants_of(path)
        assert len(mutants) > 10
        for mutant in mutants:
            assert ast.dump(ast.parse(mutant.source())) != plain


class TestTargets:
    def test_name_modules_and_tests_that_exist(self):
        files = [file for target in TARGETS for module, tests in target.tests.items() for file in (module, *tests)]
        assert [file for file in files if not (ROOT / file).is_file()] == []
        assert len({target.name for target in TARGETS}) == len(TARGETS)
