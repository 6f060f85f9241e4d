"""A lesson small enough to build in two seconds, clean under every rule of the lint; tests plant faults in copies."""

from pathlib import Path

from gk_utils.classroom import source

NAME = "01_tiny"


def card(name: str) -> str:
    return f'''
# %% [markdown] card="{name}" difficulty=2 importance=4 minutes=8
# ### Exercise: {name} a number
#
# Write a function that can {name} a number.
#
# Hint: look at the docstring.
#
# Hint: one operator is enough.
#
# Hint: it is the operator that the docstring names.
#
# Expected: a number of the same type.
'''


def exercise(name: str, operator: str) -> str:
    return f'''{card(name)}
# %% exercise="{name}" points=2
def {name}(value):
    """Return {{value}} {operator} 2."""
    ### BEGIN SOLUTION
    return value {operator} 2
    ### END SOLUTION


# %% check="{name}"
check("01.{name}", {name})
{name} = use("01.{name}", {name})
'''


HEADER = """# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
#   course:
#     title: "Tiny"
#     claim: "Half of ten is five, and a third would be too little."
#     objectives: ["halve a number", "double a number", "say why"]
#     prerequisites: ["arithmetic"]
#     minutes: 50
#     claims:
#       - {claim: "half of ten is four", verdict: wrong, cell: half, shows: "half of ten", says: "it is five"}
# ---
"""
CLAIM = (
    '#       - {claim: "half of ten is four", verdict: wrong, cell: half, shows: "half of ten", says: "it is five"}\n'
)

BODY = """
# %% tags=["setup"]
from IPython.display import display
from PIL import Image

def check(name, function, hidden=False):
    print(f"{name}: not attempted yet" if function(3) is None else f"{name}: passed")

def use(name, function):
    return function

# %% [markdown]
# ## Half of a number
# Predict the half of ten.

# %% label="half" tags=["nbval-check-output"]
ten = 10
print(f"half of ten: {ten / 2:.3f}")

# %% [markdown]
# A red picture, [the source](../lessons/01_tiny.py) and a [page](https://example.org/x).

# %% alt="A plain red square of four by four pixels."
display(Image.new("RGB", (4, 4), "red"))
"""

ANSWER = f"""{card("explain")}
# %% [markdown] answer="explain" points=3
# ### BEGIN SOLUTION
# Because five and five are ten.
# ### END SOLUTION
"""

END = """
# %% [markdown]
# ## Going further
# Halve it again.

# %%
print(f"a quarter of ten: {ten / 4:.3f}")
"""

TEXT = HEADER + BODY + exercise("double", "*") + exercise("halve", "/") + exercise("raised", "+") + ANSWER + END


def write(root: Path, text: str = TEXT, name: str = NAME) -> source.Lesson:
    """Write a lesson into a checkout at `root`, which is made if need be, and read it."""
    (root / "lessons").mkdir(parents=True, exist_ok=True)
    (root / "notebooks").mkdir(exist_ok=True)
    path = root / "lessons" / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return source.read(path)


def changed(old: str, new: str, text: str = TEXT) -> str:
    """The text with its one occurrence of `old` replaced: a fault that no longer fits the lesson is an error."""
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new)


def line_of(start: str, text: str = TEXT) -> int:
    """The line, from 1, that starts with `start`."""
    return next(number for number, line in enumerate(text.split("\n"), start=1) if line.startswith(start))


def one_cell(root: Path, code: str, markers: str = "", text: str = "", name: str = NAME) -> source.Lesson:
    """A lesson of one code cell; the cell's marker stands in line 5."""
    header = '# ---\n# jupyter:\n#   course: {title: "One"}\n# ---\n'
    return write(root, f"{header}# %% {markers}\n{code}\n{text}", name)
