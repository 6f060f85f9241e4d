"""The parts out of the lessons."""

from gk_utils.assistant.parts import USED
from gk_utils.classroom.composing import compose, say_whose

MINE = '''"""Mine."""


# >>> 10.from_to
def from_to(truths, low, high):
    return "mine"
# <<< 10.from_to


# >>> 09.overlap
import a_package_that_nobody_has


def overlap(first, second):
    return 1.0
# <<< 09.overlap
'''


class TestCompose:
    def test_the_references_alone(self):
        parts = compose(None)
        assert set(parts.whose.values()) == {"reference"}
        assert parts.functions["10.from_to"]([True, None], 2, 2) == "unknown"
        assert parts.functions["05.read_box"]("<box>(1,2),(3,4)</box>") == [1, 2, 3, 4]

    def test_the_learners_where_they_can_be_loaded(self, tmp_path):
        (tmp_path / "solutions.py").write_text(MINE)
        parts = compose(tmp_path)
        assert parts.whose == {**dict.fromkeys(USED, "reference"), "10.from_to": "yours"}
        assert parts.functions["10.from_to"]([], 0, 0) == "mine"
        assert parts.references["10.from_to"]([], 0, 0) == "true"
        lines = say_whose(parts).split("\n")
        assert len(lines) == len(USED) + 1
        why = lines[1 + next(place for place, line in enumerate(lines) if line.startswith("09.overlap"))]
        assert "yours could not be loaded (ModuleNotFoundError: No module named 'a_package_that_nobody_has')" in why
        assert set(parts.broken) == {"09.overlap"}
        assert "yours" in next(line for line in lines if line.startswith("10.from_to"))

    def test_no_folder(self, tmp_path):
        assert set(compose(tmp_path / "nowhere").whose.values()) == {"reference"}
