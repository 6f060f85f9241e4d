"""What a learner calls in a lesson: `check`, `use`, `solution`, `report` and `submit`.

Behind them: `exercise` (cases and mistakes), `mistakes` (the catalogue), `judge` (the verdict), `solutions` (what
passed). For authors: `source`, `views`, `build`. For teachers: `coursework` makes a course, `grade` marks a zip.
"""

from gk_utils.classroom.check import check, solution, use
from gk_utils.classroom.report import report
from gk_utils.classroom.submit import submit

__all__ = ["check", "report", "solution", "submit", "use"]
