"""A small lesson with two functions to write and one question to answer, for the tests of check and coursework.

The notebook kernels of those tests import it too: `install` is called in the lesson's setup cell.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from gk_utils.classroom import exercise
from gk_utils.classroom.exercise import Exercise
from gk_utils.classroom.mistakes import hw_swapped, inclusive_pixels, misread, written

NAME = "90_synthetic"

TEXT = '''# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
#   course:
#     title: "A synthetic lesson"
#     claim: "The classroom works."
#     objectives: ["write areas", "write visible_width", "explain"]
#     prerequisites: []
#     minutes: 10
# ---

# %% tags=["setup"]
import sys

sys.path.insert(0, r"TESTS_FOLDER")
import synthetic_lesson

synthetic_lesson.install(r"LESSON_ROOT")
import torch
from torch import Tensor

from gk_utils.classroom import check, report, use

# %% [markdown]
# ## Areas
# A demonstration that no exercise needs, and that grading must leave out.
# %%
report("a demonstration ran", 1 / 7)
# %% [markdown] card="areas" difficulty=1 importance=3 minutes=5
# ### Exercise: areas
# The area of each box.
# %% exercise="areas" points=2
def areas(boxes: Tensor) -> Tensor:
    """The area of each box of `boxes` (n, 4), xyxy; corners in the wrong order give 0."""
    ### BEGIN SOLUTION
    size_wh = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    return size_wh[:, 0] * size_wh[:, 1]
    ### END SOLUTION
# %% check="areas"
check("90.areas", areas)
areas = use("90.areas", areas)
# %% [markdown] card="visible_width" difficulty=2 importance=3 minutes=5
# ### Exercise: visible width
# How much of a box's width lies inside the picture.
# %% exercise="visible_width" points=3
def visible_width(box: tuple[float, ...], image_hw: tuple[int, int]) -> float:
    """The width in pixels of what the picture shows of `box` (xyxy)."""
    ### BEGIN SOLUTION
    left, right = max(box[0], 0.0), min(box[2], float(image_hw[1]))
    return max(right - left, 0.0)
    ### END SOLUTION
# %% check="visible_width"
check("90.visible_width", visible_width)
visible_width = use("90.visible_width", visible_width)
# %% [markdown] card="explain" difficulty=2 importance=2 minutes=5
# ### Exercise: explain
# Why clamp?
# %% [markdown] answer="explain" points=1
# ### BEGIN SOLUTION
# A negative width times a negative height is a positive area.
# ### END SOLUTION
'''


def _boxes(rng):
    return torch.from_numpy(rng.uniform(0, 100, (5, 4))).float()


def _area_cases(rng):
    by_hand = [[0, 0, 4, 3], [10, 20, 30, 40], [5, 5, 5, 9], [4, 4, 2, 1]]
    return [(torch.tensor([box], dtype=torch.float32),) for box in by_hand] + [(_boxes(rng),) for _ in range(6)]


def _width_cases(rng):
    by_hand = [((10.0, 0.0, 30.0, 10.0), (50, 100)), ((-5.0, 0.0, 5.0, 10.0), (50, 100))]
    by_hand += [((90.0, 0.0, 120.0, 10.0), (50, 100)), ((120.0, 0.0, 150.0, 10.0), (50, 100))]
    return by_hand + [(tuple(sorted(rng.uniform(-50, 150, 4).tolist())), (50, 100)) for _ in range(6)]


def _areas_without_clamp(boxes):
    size_wh = boxes[:, 2:] - boxes[:, :2]
    return size_wh[:, 0] * size_wh[:, 1]


def _width_without_clamp(box, image_hw):
    return min(box[2], float(image_hw[1])) - max(box[0], 0.0)


def draw_areas(case, expected, got):
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(2, 2))
    axes.bar(["expected", "got"], [float(expected.sum()), float(got.sum())])
    return figure


EXERCISES = (
    Exercise(
        "90.areas",
        _area_cases,
        mistakes=(
            inclusive_pixels(0),
            misread(0, actual="xyxy", taken_for="xywh"),
            written("no clamp at zero", "Sides below 0 count as 0.", _areas_without_clamp),
        ),
        draw=draw_areas,
    ),
    Exercise(
        "90.visible_width",
        _width_cases,
        mistakes=(
            hw_swapped(1),
            written("no clamp at zero", "A box outside shows nothing.", _width_without_clamp),
        ),
    ),
)


def write(root: Path) -> Path:
    """Write the lesson under `root`/lessons and return its path."""
    path = root / "lessons" / f"{NAME}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = TEXT.replace("TESTS_FOLDER", str(Path(__file__).parent)).replace("LESSON_ROOT", str(root))
    path.write_text(text, encoding="utf-8")
    return path


def install(root: str) -> None:
    """Let this process find the lesson and its exercises."""
    exercise.ROOT = Path(root)
    sys.modules["gk_utils.classroom.exercises.synthetic"] = sys.modules["synthetic_lesson"]


def open_lesson(root: Path, monkeypatch) -> None:
    """Write the lesson and make this process use it, for one test."""
    write(root)
    monkeypatch.setattr(exercise, "ROOT", root)
    monkeypatch.setitem(sys.modules, "gk_utils.classroom.exercises.synthetic", sys.modules["synthetic_lesson"])
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.delenv(exercise.COHORT_VARIABLE, raising=False)
    check_module = sys.modules["gk_utils.classroom.check"]  # the package's name `check` is the function
    monkeypatch.setattr(check_module, "_judged", {})
    monkeypatch.setattr(check_module, "_handed_out", {})
    exercise.reference.cache_clear()


def right_areas(boxes: Tensor) -> Tensor:
    """Another right answer: in numpy's way, in float64."""
    x1, y1, x2, y2 = boxes.double().unbind(-1)
    return torch.relu(x2 - x1) * torch.relu(y2 - y1)
