"""What a learner calls in a lesson: `check`, `use`, `solution` and `report`.

Behind them: `exercise` (cases and mistakes), `mistakes` (the catalogue), `judge` (the verdict), `solutions` (what
passed). For authors: `source`, `views`, `build`. For teachers: `coursework`.
"""

from gk_utils.classroom.check import check, solution, use
from gk_utils.classroom.report import report

__all__ = ["check", "report", "solution", "use"]
