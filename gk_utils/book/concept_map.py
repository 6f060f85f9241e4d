"""The map of the lessons: an arrow from each lesson to those that ask for it, drawn as SVG."""

import html
import textwrap
from collections.abc import Mapping, Sequence

from gk_utils.classroom.source import Lesson

WIDE, HIGH, APART_X, APART_Y = 150, 46, 44, 26  # pixels: a box, and the room between boxes
FILL, LINE, TEXT = "#eaf2fd", "#0b5fd0", "#102a4c"


def needs(lessons: Sequence[Lesson]) -> dict[str, list[str]]:
    """For each lesson, by its stem such as "01_boxes", the lessons among its prerequisites.

    >>> from gk_utils.classroom.source import lesson_paths, read
    >>> "01_boxes" in needs([read(path) for path in lesson_paths()])["02_metrics"]
    True
    """
    names = {lesson.name for lesson in lessons}
    return {lesson.name: [need for need in lesson.course["prerequisites"] if need in names] for lesson in lessons}


def columns(needed: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The lessons in columns: each stands right of all that it needs.

    >>> columns({"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a"]})
    [['a'], ['b', 'd'], ['c']]

    Raises:
        ValueError: lessons that need each other in a circle.
    """
    depth: dict[str, int] = {}
    left = dict(needed)
    while left:
        ready = [name for name, wants in left.items() if all(want in depth for want in wants)]
        if not ready:
            raise ValueError(f"prerequisites: expected no circle, got one among {sorted(left)}. Take one out.")
        for name in ready:
            depth[name] = 1 + max((depth[want] for want in left[name]), default=-1)
        for name in ready:
            del left[name]
    return [[name for name in needed if depth[name] == column] for column in range(max(depth.values(), default=-1) + 1)]


def concept_map(titles: Mapping[str, str], needed: Mapping[str, Sequence[str]]) -> str:
    """The map as an SVG element; each box links to its lesson's page.

    An arrow that another way of arrows already says is left out.

    >>> concept_map({"a": "One", "b": "Two"}, {"a": [], "b": ["a"]}).count("marker-end")
    1
    """
    places = {
        name: (column * (WIDE + APART_X), row * (HIGH + APART_Y))
        for column, names in enumerate(columns(needed))
        for row, name in enumerate(names)
    }
    width = max((x for x, _ in places.values()), default=0) + WIDE + 2
    height = max((y for _, y in places.values()), default=0) + HIGH + 2
    parts = []
    for name, wants in needed.items():
        for want in wants:
            if any(want in _behind(other, needed) for other in wants if other != want):
                continue
            (x1, y1), (x2, y2) = places[want], places[name]
            x1, y1, y2 = x1 + WIDE, y1 + HIGH / 2, y2 + HIGH / 2
            bend = (x2 - x1) / 2
            parts.append(
                f'<path aria-hidden="true" d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2 - 6} {y2}" fill="none" '
                f'stroke="{LINE}" stroke-width="1.4" marker-end="url(#tip)"/>'
            )
    for name, (x, y) in places.items():
        lines = textwrap.wrap(f"{name[:2]} {titles[name]}", 22)[:2]
        words = "".join(
            f'<tspan x="{x + 8}" dy="{0 if index == 0 else 16}">{html.escape(line)}</tspan>'
            for index, line in enumerate(lines)
        )
        parts.append(
            f'<a href="notebooks/{name}.html"><rect x="{x + 1}" y="{y + 1}" width="{WIDE}" height="{HIGH}" rx="6" '
            f'fill="{FILL}" stroke="{LINE}"/><text x="{x + 8}" y="{y + (20 if len(lines) > 1 else 28)}" '
            f'font-size="13" fill="{TEXT}">{words}</text></a>'
        )
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{LINE}"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="group" '
        f'style="min-width:{min(width, 900)}px" font-family="sans-serif" '
        f'aria-label="Which lesson needs which">{tip if needed else ""}{"".join(parts)}</svg>'
    )


def _behind(name: str, needed: Mapping[str, Sequence[str]]) -> set[str]:
    """All that a lesson needs, directly or not."""
    found: set[str] = set()
    for want in needed[name]:
        found |= {want, *_behind(want, needed)}
    return found
