"""Rules for the text and code of lessons/NN_topic.py; those for its exercises are in `lint_exercises`.

Each rule takes a lesson and yields (line, what is wrong and what to do). `lint` runs them and says in which file.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

from gk_utils.classroom.source import Cell, Lesson, without_markers
from gk_utils.classroom.views import cell_ids, prose

Found = Iterator[tuple[int, str]]

VERDICTS = ("right", "imprecise", "wrong", "dated", "unsourced")
CLAIM_KEYS = ("claim", "verdict", "cell", "shows", "says")
CHECKED, IGNORED = "nbval-check-output", "nbval-ignore-output"
TAGS = {"setup", "demo", "raises-exception", "hide-input", CHECKED, IGNORED}
MAX_WORDS, MAX_CARD_WORDS, MAX_CODE_LINES, MAX_CORE_CELLS, MAX_CLAIM_WORDS, MIN_ALT = 120, 200, 30, 40, 50, 20
STALLS, NOISY = "it can stall the build. Use a lab", "it writes to stderr. Print a line instead"
UNWANTED = {
    **dict.fromkeys(("interact", "interact_manual", "interactive", "interactive_output"), STALLS),
    **dict.fromkeys(("tqdm", "trange"), NOISY),
    "input": "it waits for somebody at the keyboard",
    "*": "a star import hides where names come from. Import them by name",
}
HYPE = re.compile(
    r"\b(just|simply|obviously|trivially|basically|of course|powerful|seamless(ly)?|effortless(ly)?|amazing|"
    r"delv(e|es|ing)|leverag(e|es|ing)|cutting-edge|game-chang\w+|revolutionary|groundbreaking|unleash\w*|"
    r"deep dive|dive into)\b",
    re.IGNORECASE,
)
# Folders of somebody's machine.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|mnt|opt|private)/\w|\b[A-Za-z]:\\\w")


def course_facts(lesson: Lesson) -> Found:
    """The header says what the lesson shows, what for, what it needs and how long it takes."""
    facts = lesson.course
    claim = str(facts.get("claim", "")).strip()
    if not claim.endswith(".") or len(claim.split()) > MAX_CLAIM_WORDS:
        yield 1, f"claim: expected a sentence or two, {MAX_CLAIM_WORDS} words at most, with a full stop"
    for key, least in (("objectives", 3), ("prerequisites", 0)):
        values = facts.get(key)
        good = isinstance(values, list) and least <= len(values) <= 6 and all(isinstance(v, str) for v in values)
        if not good:
            yield 1, f"{key}: expected a list of {least} to 6 texts. Write it in the header"
    if not isinstance(minutes := facts.get("minutes"), int) or not 0 < minutes <= 75:
        yield 1, f"minutes: expected a whole number up to 75, got {minutes}. Split a longer lesson"


def claims(lesson: Lesson) -> Found:
    """Each claim has its five parts and points to a cell whose output the tests compare."""
    by_label = {cell.label: cell for cell in lesson.cells if cell.label}
    for claim in lesson.course.get("claims") or ():
        if not isinstance(claim, dict) or sorted(claim) != sorted(CLAIM_KEYS):
            yield 1, f"claims: expected the keys {', '.join(CLAIM_KEYS)} in each, got {claim}"
            continue
        if claim["verdict"] not in VERDICTS:
            yield 1, f"claims: expected a verdict out of {', '.join(VERDICTS)}, got {claim['verdict']!r}"
        if claim["cell"] not in by_label:
            yield 1, f'claims: no cell has the label {claim["cell"]!r}. Write label="{claim["cell"]}" on its line'
        elif CHECKED not in by_label[claim["cell"]].tags:
            yield by_label[claim["cell"]].line, f'a claim rests on this cell, so it needs tags=["{CHECKED}"]'


def headings(lesson: Lesson) -> Found:
    """The title is generated, so sections start with ## and no level is left out."""
    level = 1
    for cell in lesson.cells:
        for found in re.finditer(r"^(#{1,6}) \S", prose(cell), re.MULTILINE):
            new = len(found[1])
            if new == 1:
                yield cell.line, "a heading of level 1, but the title is generated from the header. Use ##"
            elif new > level + 1:
                yield cell.line, f"heading jumps from level {level} to {new}. Use {'#' * (level + 1)}"
            level = new


def length(lesson: Lesson) -> Found:
    """A cell is taken in at one go: few words, few lines. What is folded away is not counted."""
    for cell in lesson.cells:
        most = MAX_CARD_WORDS if cell.card or cell.answer else MAX_WORDS
        if (words := count_words(cell)) > most:
            yield cell.line, f"{words} words in a text cell, {most} allowed. Split or shorten it"
        lines = without_markers(cell.source).count("\n") + 1
        if cell.kind == "code" and lines > MAX_CODE_LINES:
            yield (
                cell.line,
                f"{lines} lines in a code cell, {MAX_CODE_LINES} allowed. Split it, or move parts to gk_utils",
            )


def count_words(cell: Cell) -> int:
    """Count the words of a text cell; a formula is one word, code blocks and folded parts are none."""
    text = re.sub(r"<details>.*?</details>", " ", prose(cell), flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", text)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]+`", " x ", text, flags=re.DOTALL)
    return len(re.findall(r"\w[\w'’.-]*", text))


def core(lesson: Lesson) -> Found:
    """What comes before `## Going further` fits one sitting and holds every exercise."""
    further = [i for i, cell in enumerate(lesson.cells) if re.search(r"^## Going further", prose(cell), re.MULTILINE)]
    end = further[0] if further else len(lesson.cells)
    if end + 1 > MAX_CORE_CELLS:  # with the generated header
        line = lesson.cells[MAX_CORE_CELLS - 1].line
        yield line, f"the Core has {end + 1} cells, {MAX_CORE_CELLS} allowed. Move some below '## Going further'"
    for cell in lesson.cells[end:]:
        if name := cell.exercise or cell.answer:
            yield cell.line, f"exercise {name!r} stands below '## Going further'. Move it into the Core"


def text_before_code(lesson: Lesson) -> Found:
    """Every code cell is announced by text; an exercise follows its card, and a check its exercise."""
    before: Cell | None = None
    for cell in lesson.cells:
        if (name := cell.exercise or cell.answer) and (before is None or before.card != name):
            yield cell.line, f'exercise {name!r} does not follow its card. Put [markdown] card="{name}" right above'
        elif cell.check and (before is None or before.exercise != cell.check):
            yield cell.line, f"check {cell.check!r} does not follow its exercise. Put it right below"
        elif cell.is_demo and before is not None and before.kind == "code":
            yield cell.line, "a code cell without a text cell above it. Say what to look for"
        before = cell


def code(lesson: Lesson) -> Found:
    """Plain Python that runs unattended: no magics, progress bars, interact, input or star imports."""
    for cell in (cell for cell in lesson.cells if cell.kind == "code"):
        try:
            module = ast.parse(cell.source)
        except SyntaxError as error:
            yield (
                cell.line + (error.lineno or 0),
                f"not plain Python ({error.msg}). Magics and shell lines do not count",
            )
            continue
        if not module.body:
            yield cell.line, "an empty code cell. Remove it"
        for node in ast.walk(module):
            for word in sorted(_names(node) & UNWANTED.keys()):
                yield cell.line + getattr(node, "lineno", 0), f"{word}: {UNWANTED[word]}"


def _names(node: Any) -> set[str]:
    """The names that a node imports, or the name it uses."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
        return {part for name in names for part in name.split(".")}
    return {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set()


def labels(lesson: Lesson) -> Found:
    """Names are plain and used once: they become cell ids and grade ids."""
    seen: dict[tuple[str, str], int] = {}
    for cell in lesson.cells:
        names = {"label": cell.label, "card": cell.card, "check": cell.check, "exercise": cell.exercise or cell.answer}
        for kind, name in names.items():
            if name is None:
                continue
            if not re.fullmatch("[a-z][a-z0-9-]{0,39}" if kind == "label" else "[a-z][a-z0-9_]{0,39}", name):
                yield cell.line, f"{kind} {name!r}: expected at most 40 lower-case letters, digits and joining marks"
            if (kind, name) in seen:
                yield cell.line, f"{kind} {name!r} is used in line {seen[kind, name]} already. Use each once"
            seen.setdefault((kind, name), cell.line)
    try:
        cell_ids(lesson)
    except ValueError as error:  # a label that looks like a generated id
        _, line, text = str(error).split(":", 2)
        yield int(line), text.strip()


def tags(lesson: Lesson) -> Found:
    """Every tag is one the course knows: a misspelt nbval tag would switch a test off without a word."""
    for cell in lesson.cells:
        for tag in cell.tags:
            if tag not in TAGS:
                yield cell.line, f"tag {tag!r}: expected one of {', '.join(sorted(TAGS))}"
        if re.search(r"^\s*#\s*NBVAL", cell.source, re.MULTILINE | re.IGNORECASE):
            yield cell.line, "an NBVAL_ comment. Use tags= on the cell's first line"


def compared_numbers(lesson: Lesson) -> Found:
    """Some output is compared when the notebook is tested, and little is exempt."""
    cells = [cell for cell in lesson.cells if cell.kind == "code"]
    if not any(CHECKED in cell.tags for cell in cells):
        yield 1, f'no cell has tags=["{CHECKED}"]. Tag those whose numbers matter'
    if (ignored := sum(IGNORED in cell.tags for cell in cells)) > len(cells) / 4:
        yield 1, f"{ignored} of {len(cells)} code cells are tagged {IGNORED}, a quarter allowed"


def alt_text(lesson: Lesson) -> Found:
    """Every picture in the text, and every alt= of a figure, says what is to be seen."""
    for cell in lesson.cells:
        texts = [found[1] for found in re.finditer(r"!\[(.*?)\]\(", prose(cell), re.DOTALL)]
        for image in re.findall(r"<img\b[^>]*>", prose(cell)):
            texts.append(found[1] if (found := re.search(r'\balt="([^"]*)"', image)) else "")
        for text in [*texts, *([cell.alt] if cell.alt is not None else [])]:
            if len(text.strip()) < MIN_ALT:
                yield cell.line, f"alt text {text!r}: expected {MIN_ALT} characters or more that say what is to be seen"


def wording(lesson: Lesson) -> Found:
    """Prose does not sell, and does not tell a learner that something is easy."""
    for cell in lesson.cells:
        fenced = False
        for number, line in enumerate(cell.source.split("\n") if cell.kind == "markdown" else (), start=1):
            fenced ^= line.startswith("```")
            for found in () if fenced else HYPE.finditer(re.sub(r"`[^`]*`", "", line)):
                yield cell.line + number, f"the word {found[0]!r}. Leave it out, or say what is meant"


def machine_paths(lesson: Lesson) -> Found:
    """No path of the author's machine."""
    for number, line in enumerate(lesson.path.read_text(encoding="utf-8").split("\n"), start=1):
        if found := MACHINE_PATH.search(line):
            yield (
                number,
                f"the path {line[found.start() :].split()[0]} of one machine. Build it from gk_utils or the folder",
            )


RULES = (
    course_facts,
    claims,
    headings,
    length,
    core,
    text_before_code,
    code,
    labels,
    tags,
    compared_numbers,
    alt_text,
    wording,
    machine_paths,
)
