import base64
import copy
import re

import nbformat
import pytest
import tiny_lesson
from nbformat.v4 import new_output
from tiny_lesson import TEXT, changed, line_of

from gk_utils.classroom import build, colab, lint, lint_exercises, lint_lesson, lint_notebook, source

HOME = "/".join(("", "home", "me"))
MARKDOWN = "\n# %% [markdown]\n# More.\n"
FURTHER = "\n# %% [markdown]\n# ## Going further"
RED = 'display(Image.new("RGB", (4, 4), "red"))'
ALT = "A plain red square of four by four pixels."


def without(start, end, text=TEXT):
    """The text without what stands from `start` up to `end`."""
    first = text.index(start)
    return text[:first] + text[text.index(end, first + 1) :]


def three_ignored():
    """The text with three of its ten code cells exempt from comparison."""
    tag = "nbval-ignore-output"
    text = changed('tags=["setup"]', f'tags=["setup", "{tag}"]')
    text = changed(f'alt="{ALT}"', f'alt="{ALT}" tags=["{tag}"]', text)
    return changed("# %%\nprint", f'# %% tags=["{tag}"]\nprint', text)


HALF = '# %% label="half"'
CARD, EXERCISE, CHECK = '# %% [markdown] card="halve"', '# %% exercise="halve"', '# %% check="halve"'
RATED = '"halve" difficulty=2 importance=4 minutes=8'
# For each rule: a faulty text, what the message says, and the start of the line it names, or None for the header.
SOURCE_FAULTS = {
    "course_facts": [
        (changed('too little."', 'too little"'), "claim: expected a sentence", None),
        (changed('too little."', "too little" + " and little" * 50 + '."'), "50 words at most", None),
        (changed('"double a number", "say why"', '"double it"'), "objectives: expected a list of 3", None),
        (changed('["arithmetic"]', "arithmetic"), "prerequisites: expected a list", None),
        (changed("minutes: 50", "minutes: 90"), "minutes: expected a whole number up to 75, got 90", None),
    ],
    "claims": [
        (changed("verdict: wrong", "verdict: false"), "a verdict out of right, imprecise", None),
        (changed('shows: "half of ten", ', ""), "claims: expected the keys claim, verdict, cell, shows", None),
        (changed("cell: half,", "cell: nowhere,"), "no cell has the label 'nowhere'", None),
        (changed(' tags=["nbval-check-output"]', ""), "it needs tags=", HALF),
    ],
    "headings": [
        (changed("# ## Half", "# # Half"), "heading of level 1", "# # Half"),
        (changed("# ## Half", "# #### Half"), "jumps from level 1 to 4. Use ##", "# #### Half"),
    ],
    "length": [
        (changed("# Predict the", "# " + "word " * 120 + "the"), "128 words in a text cell, 120", "# ## Half"),
        (changed("ten = 10\n", "ten = 10\n" * 30), "31 lines in a code cell, 30", HALF),
    ],
    "core": [
        (changed(FURTHER, MARKDOWN * 24 + FURTHER), "the Core has 41 cells, 40 allowed", None),
        (TEXT + tiny_lesson.ANSWER.replace("explain", "late"), "'late' stands below", '# %% [markdown] answer="late"'),
    ],
    "text_before_code": [
        (without("# %% [markdown]\n# A red", "# %% alt="), "without a text cell above", "# %% alt="),
        (changed(f"\n{EXERCISE}", f"{MARKDOWN}\n{EXERCISE}"), "'halve' does not follow its card", EXERCISE),
        (changed(f"\n{CHECK}", f"{MARKDOWN}\n{CHECK}"), "'halve' does not follow its exercise", CHECK),
        (changed("\n# %% [markdown] answer", f"{MARKDOWN}\n# %% [markdown] answer"), "'explain' does not follow", None),
    ],
    "code": [
        (changed("ten = 10", "!ls"), "not plain Python", "!ls"),
        (changed("ten = 10", "ten = input()"), "input: it waits", "ten = input()"),
        (changed("ten = 10", "from math import *"), "a star import hides", "from math import *"),
        (changed("ten = 10", "from tqdm.auto import tqdm"), "tqdm: it writes to stderr", "from tqdm"),
        (changed("ten = 10", "ipywidgets.interact(print)"), "interact: it can stall", "ipywidgets"),
        (changed(RED, "# nothing"), "an empty code cell", "# %% alt="),
    ],
    "labels": [
        (TEXT + f"\n{HALF}\nten\n", "label 'half' is used in line", None),
        (TEXT + f"\n{CHECK}\nten\n", "check 'halve' is used in line", None),
        (changed('label="half"', 'label="Half_Of"'), "label 'Half_Of': expected at most 40", "# %% label="),
        (changed('label="half"', 'label="going-further-01"'), "got 01-going-further-01 again", "# ## Going further"),
    ],
    "tags": [
        (changed("nbval-check-output", "nbval-chek-output"), "tag 'nbval-chek-output': expected one of", HALF),
        (changed("ten = 10", "# NBVAL_CHECK_OUTPUT\nten = 10"), "an NBVAL_ comment", HALF),
    ],
    "compared_numbers": [
        (changed(' tags=["nbval-check-output"]', ""), "no cell has tags=", None),
        (three_ignored(), "3 of 10 code cells are tagged nbval-ignore-output", None),
    ],
    "alt_text": [
        (changed(ALT, "A red square."), "alt text 'A red square.': expected 20", "# %% alt="),
        (changed("# A red picture", "# ![dot](../a.png) A red picture"), "alt text 'dot'", "# !["),
        (changed("# A red picture", '# <img src="../a.png"> A red picture'), "alt text ''", "# <img"),
    ],
    "wording": [(changed("# Predict the", "# Simply predict the"), "the word 'Simply'", "# Simply")],
    "machine_paths": [(changed("ten = 10", f'ten = "{HOME}/x"'), f"the path {HOME}", "ten =")],
    "number_of_exercises": [
        (TEXT.replace(tiny_lesson.exercise("halve", "/"), ""), "3 exercises, expected 4 to 6", None),
        (TEXT.replace(tiny_lesson.ANSWER, ""), "no exercise is answered in words", None),
        (changed("minutes: 50", "minutes: 30"), "the exercises take 32 minutes", None),
    ],
    "cards": [
        (without(CARD, EXERCISE), "exercise 'halve' has no card", EXERCISE),
        (without(EXERCISE, "# %% [markdown] card="), "card 'halve' has no exercise", CARD),
        (changed("# ### Exercise: halve", "# Exercise: halve"), "card 'halve' has no heading", CARD),
        (changed(RATED, RATED.replace("=2", "=6")), "difficulty from 1 to 5, got 6", CARD),
        (changed(RATED, RATED.replace(" importance=4", "")), "importance from 1 to 5, got None", CARD),
        (changed(RATED, RATED.replace(" minutes=8", "")), "minutes from 1 to 30, got None", CARD),
        (without("# Hint: one", "# Hint: it is"), "'double': expected three paragraphs 'Hint: ...', got 2", None),
        (without("# Expected", "\n# %%"), "'double': expected one paragraph 'Expected: ...', got 0", None),
    ],
    "stubs": [
        (changed('exercise="halve" points=2', 'exercise="halve"'), "exercise 'halve' has no points", EXERCISE),
        (
            changed("    ### BEGIN SOLUTION\n    return value /", "    return value /"),
            "has no lines ### BEGIN",
            EXERCISE,
        ),
        (changed("def halve(", "def half_of("), "defines no function of that name", EXERCISE),
        (changed('    """Return {value} / 2."""\n', ""), "a stub without a docstring", EXERCISE),
    ],
    "checks": [
        (without(CHECK, "# %% [markdown] card="), "exercise 'halve' has no check", EXERCISE),
        (changed('check="halve"', 'check="other"'), "check 'other' has no exercise", '# %% check="other"'),
        (changed('check("01.halve"', 'check("02.halve"'), 'expected a call check("01.halve", halve)', CHECK),
        (changed('halve = use("01.halve", halve)', "halve"), 'expected a call use("01.halve", halve)', CHECK),
    ],
    "isolation": [
        (changed("value / 2\n", "value / (ten - 8)\n"), f"uses 'ten', which only line {line_of(HALF)} sets", EXERCISE),
        (changed("value / 2\n", "divide(value, 2)\n"), "uses 'divide', which no cell above sets", EXERCISE),
        (changed("value / 2\n", "double(value) / 4\n"), "uses 'double', which only line", EXERCISE),
        (changed('use("01.halve", halve)', 'use("01.halve", halve)\nprint(ten)'), "uses 'ten'", CHECK),
        (changed("import Image", "import Image\n\nprint(Image, seed)"), "uses 'seed'", "# %% tags="),
    ],
}
SOURCE_RULES = {rule.__name__: rule for rule in (*lint_lesson.RULES, *lint_exercises.RULES)}


class TestSourceRules:
    @pytest.mark.parametrize(
        ("rule", "text", "message", "marker"),
        [(rule, *fault) for rule, faults in SOURCE_FAULTS.items() for fault in faults],
    )
    def test_fault_is_named_with_its_line(self, tmp_path, rule, text, message, marker):
        found = list(SOURCE_RULES[rule](tiny_lesson.write(tmp_path, text)))
        lines = [line for line, said in found if message in said]
        assert lines, found
        if marker:  # the line itself, or the line that starts its cell
            line = line_of(marker, text)
            starts = [number for number, start in enumerate(text.split("\n"), 1) if start.startswith("# %%")]
            assert lines[0] in (line, max(start for start in starts if start <= line))

    def test_every_rule_has_a_fault(self):
        assert SOURCE_FAULTS.keys() == SOURCE_RULES.keys()

    @pytest.mark.parametrize("rule", SOURCE_RULES)
    def test_a_clean_lesson_passes(self, tmp_path, rule):
        assert list(SOURCE_RULES[rule](tiny_lesson.write(tmp_path))) == []

    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            ("wording", changed("# Predict the", "# `just` predict the")),
            ("wording", changed("# Predict the half of ten.", "# ```\n# simply\n# ```")),
            ("length", changed("# Predict the", "# <details>" + "word " * 200 + "</details> the")),
            ("length", changed("# Predict the", "# $$" + "x + " * 200 + "$$ the")),
            ("headings", changed("# Predict the half of ten.", "# ```\n# # a comment\n# ```")),
            ("core", changed(FURTHER, MARKDOWN * 23 + FURTHER + MARKDOWN * 9)),
            ("code", changed("ten = 10", "interacting = 10; ten = interacting")),
            ("isolation", changed("return value / 2", "return abs(value) / len([1, 2]) + 0 * bool(display)")),
            ("machine_paths", changed("ten = 10", 'ten = 10  # https://example.org/home/x and a/tmp/b')),
            ("cards", re.sub(r"(?s)(card=\"explain\".*?)# Hint: look.*?\n# Expected", r"\1# Expected", TEXT)),
        ],
    )  # fmt: skip
    def test_what_is_allowed(self, tmp_path, rule, text):
        assert text != TEXT
        assert list(SOURCE_RULES[rule](tiny_lesson.write(tmp_path, text))) == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    lesson = tiny_lesson.write(tmp_path_factory.mktemp("lint"))
    build.build(lesson)
    path = build.notebook_path(lesson)
    return lint_notebook.Built(lesson, path, nbformat.read(path, as_version=4))


@pytest.fixture
def faulty(built, tmp_path):
    """A copy to plant a fault in."""
    lesson = tiny_lesson.write(tmp_path)
    (tmp_path / "notebooks" / "local.txt").touch()
    return lint_notebook.Built(lesson, build.notebook_path(lesson), copy.deepcopy(built.notebook))


def cell_of(notebook, cell_id):
    return next(cell for cell in notebook.cells if cell.id == cell_id)


def out(**options):
    """Put an output under the cell 01-half."""
    return lambda notebook: cell_of(notebook, "01-half").outputs.append(new_output(**options))


def show(mime, data="x", **metadata):
    return out(output_type="display_data", data={mime: data}, metadata=metadata)


def text(cell_id, change):
    """Change a cell's text."""

    def fault(notebook):
        cell = cell_of(notebook, cell_id)
        cell.source = change(cell.source)

    return fault


def link(target):
    return text("01-half-of-a-number-03", lambda old: f"{old} [there]({target})")


def course(**measured):
    return lambda notebook: notebook.metadata["course"]["measured"].update(measured)


def same_id(notebook):
    notebook.cells[2]["id"] = notebook.cells[1]["id"]


def odd_tags(notebook):
    notebook.cells[1].metadata["tags"] = "setup"


def open_in_colab(notebook):
    colab.add(notebook, "01_tiny", colab.Published("someone/grounding", "v1"))


BIG = base64.b64encode(b"x" * 100_001).decode()
WIDGET = {"model_id": "a", "version_major": 2, "version_minor": 0}
NOTEBOOK_FAULTS = [
    ("valid_format", odd_tags, "not a valid notebook", None),
    ("valid_format", lambda nb: nb.metadata["kernelspec"].update(name="other"), "expected python3, got other", None),
    ("valid_format", same_id, "two cells have this id", "01-start-01"),
    ("header", text("01-half-of-a-number-03", lambda old: f"# Two\n{old}"), "expected one title", None),
    ("header", lambda nb: nb.cells.insert(0, nb.cells.pop(2)), "expected one title", None),
    ("header", text("01-header", lambda old: old.replace("**Claim.**", "Claim:")), "lacks **Claim.**", None),
    ("execution_order", lambda nb: cell_of(nb, "01-half").update(execution_count=3), "count 3, expected 2", "01-half"),
    ("execution_order", lambda nb: cell_of(nb, "01-half").update(execution_count=None), "count None", "01-half"),
    ("clean_outputs", out(output_type="error", ename="KeyError", evalue="x"), "failed with KeyError: x", "01-half"),
    ("clean_outputs", out(output_type="stream", name="stderr", text="old"), "wrote to stderr: old", "01-half"),
    ("clean_outputs", out(output_type="stream", text=f"in {HOME}/a"), f"a path of one machine: {HOME}/a", "01-half"),
    ("clean_outputs", out(output_type="stream", text="<A at 0x7f0123456789>"), "a memory address", "01-half"),
    ("figures", show("image/png", "eA=="), "a figure with alt text ''", "01-half"),
    ("figures", show("image/jpeg", "eA==", **{"image/jpeg": {"alt": "short"}}), "alt text 'short'", "01-half"),
    ("figures", show("image/png", BIG, **{"image/png": {"alt": ALT}}), "a figure of 100 kB, 100 allowed", "01-half"),
    ("widgets", show(build.WIDGET, WIDGET), "a widget without a static picture", "01-half"),
    ("widgets", lambda nb: nb.metadata.update(widgets={}), "saved widget state", None),
    ("widgets", lambda nb: nb.cells[1].metadata.update(execution={}), "saved execution times", "01-start-01"),
    ("budget", text("01-header", lambda old: old + "x" * 500_000), "kB, 500 allowed", None),
    ("budget", course(seconds=50), "it ran 50 s, 45 allowed", None),
    ("budget", course(peak_gb=1.6), "it took 1.6 GB of memory, 1.5 allowed", None),
    ("budget", course(peak_gb="much"), "no measured run time", None),
    ("links", link("../gone.md"), "the link ../gone.md leads nowhere", "01-half-of-a-number-03"),
    ("links", link("02_none.ipynb#part"), "the link 02_none.ipynb#part leads nowhere", "01-half-of-a-number-03"),
    ("links", link("local.txt"), "the link local.txt breaks in a copy", "01-half-of-a-number-03"),
    ("links", text("01-header", lambda old: old + '<img src="../x.png">'), "../x.png leads nowhere", "01-header"),
    ("published", open_in_colab, "set-up cell: expected none, as pyproject.toml names no repository, got some", None),
    ("claims", lambda nb: cell_of(nb, "01-half").update(outputs=[]), "a printed line 'half of ten: ...'", "01-half"),
]  # fmt: skip
NOTEBOOK_RULES = {rule.__name__: rule for rule in lint_notebook.RULES}


class TestNotebookRules:
    @pytest.mark.parametrize(("rule", "fault", "message", "cell"), NOTEBOOK_FAULTS)
    def test_fault_is_named_with_its_cell(self, faulty, rule, fault, message, cell):
        fault(faulty.notebook)
        faulty.path.write_text(nbformat.v4.writes(faulty.notebook), encoding="utf-8")
        found = list(NOTEBOOK_RULES[rule](faulty))
        assert [where for where, said in found if message in said] == [cell], found

    def test_every_rule_has_a_fault(self):
        assert {fault[0] for fault in NOTEBOOK_FAULTS} == NOTEBOOK_RULES.keys()

    @pytest.mark.parametrize("rule", NOTEBOOK_RULES)
    def test_a_clean_notebook_passes(self, built, rule):
        assert list(NOTEBOOK_RULES[rule](built)) == []

    @pytest.mark.parametrize(
        ("rule", "change"),
        [
            ("links", link("https://example.org/a b")),
            ("links", link("#half")),
            ("links", link("01_tiny.ipynb#half")),
            ("links", text("01-half-of-a-number-03", lambda old: f"{old} `[not](a.link)`")),
            ("header", text("01-half-of-a-number-03", lambda old: f"{old}\n```\n# a comment\n```")),
        ],
    )
    def test_what_is_allowed(self, faulty, rule, change):
        faulty.path.touch()
        change(faulty.notebook)
        assert list(NOTEBOOK_RULES[rule](faulty)) == []

    def test_an_expected_error_is_allowed(self, faulty):
        out(output_type="error", ename="KeyError", evalue="x")(faulty.notebook)
        cell_of(faulty.notebook, "01-half").metadata["tags"].append("raises-exception")
        assert list(lint_notebook.clean_outputs(faulty)) == []


class TestShownValue:
    def test_the_rest_of_the_line(self, built):
        assert lint_notebook.shown_value(built.notebook, "01-half", "half of ten") == "5.000"
        assert lint_notebook.shown_value(built.notebook, "01-half", "half") is None
        assert lint_notebook.shown_value(built.notebook, "01-gone", "half of ten") is None


class TestLint:
    def test_clean(self, built, capsys):
        root = built.lesson.path.parents[1]
        assert lint.lint(built.lesson.path) == []
        assert lint.main([], root) == 0
        assert capsys.readouterr().out == "lessons and notebooks: nothing to report\n"

    def test_source_problem(self, tmp_path, capsys):
        lesson = tiny_lesson.write(tmp_path, changed("# Predict the", "# Simply predict the"))
        line = lesson.path.read_text().split("\n").index("# Simply predict the half of ten.") + 1
        assert lint.main(["01"], tmp_path) == 1
        assert capsys.readouterr().out == (
            f"lessons/01_tiny.py:{line}: the word 'Simply'. Leave it out, or say what is meant [wording]\n"
        )

    def test_unreadable_source(self, tmp_path):
        path = tmp_path / "lessons" / "01_tiny.py"
        path.parent.mkdir()
        path.write_text("# %%\n1\n")
        assert lint.lint(path) == [
            "lessons/01_tiny.py:1: expected a header with jupyter: course: title:, got none. "
            "Copy the header of another lesson. [readable]"
        ]

    def test_notebook_problem_names_the_lesson_line(self, built, tmp_path):
        lesson = tiny_lesson.write(tmp_path)
        notebook = copy.deepcopy(built.notebook)
        cell_of(notebook, "01-half").execution_count = 7
        nbformat.write(notebook, build.notebook_path(lesson))
        assert lint.lint(lesson.path) == [
            f"lessons/01_tiny.py:{line_of('# %% label=')}: cell 01-half: execution count 7, expected 2. "
            "Run: make notebooks [execution_order]"
        ]

    def test_stale_notebook(self, tmp_path):
        lesson = tiny_lesson.write(tmp_path)
        assert lint.lint(lesson.path) == [
            "lessons/01_tiny.py:1: notebooks/01_tiny.ipynb does not exist. Run: make notebooks [freshness]"
        ]

    def test_orphan(self, tmp_path, capsys):
        (tmp_path / "notebooks").mkdir()
        (tmp_path / "notebooks" / "09_gone.ipynb").touch()
        assert lint.main([], tmp_path) == 1
        assert "notebooks/09_gone.ipynb: no lesson builds it" in capsys.readouterr().out

    def test_unknown_lesson(self, tmp_path, capsys):
        with pytest.raises(SystemExit, match="2"):
            lint.main(["07"], tmp_path)
        assert "expected one of none, got '07'" in capsys.readouterr().err


def test_reading_changes_nothing(built):
    assert source.read(built.lesson.path).path.read_text() == TEXT
