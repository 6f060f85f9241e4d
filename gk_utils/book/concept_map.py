"""The map of the lessons: an arrow from each lesson to those that ask for it, drawn as SVG, from the top down."""

import html
import textwrap
from collections.abc import Mapping, Sequence

from gk_utils.classroom.source import Lesson

WIDE, HIGH, APART_X, APART_Y = 124, 46, 26, 40  # pixels: a box, and the room between boxes
FILL, LINE, TEXT = "#eaf2fd", "#0b5fd0", "#102a4c"


def needs(lessons: Sequence[Lesson]) -> dict[str, list[str]]:
    """For each lesson, by its stem such as "01_boxes", the lessons among its prerequisites.

    >>> from gk_utils.classroom.source import lesson_paths, read
    >>> "01_boxes" in needs([read(path) for path in lesson_paths()])["02_metrics"]
    True
    """
    names = {lesson.name for lesson in lessons}
    return {lesson.name: [need for need in lesson.course["prerequisites"] if need in names] for lesson in lessons}


def levels(needed: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The lessons in rows: each stands below all that it needs.

    >>> levels({"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a"]})
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
    return [[name for name in needed if depth[name] == level] for level in range(max(depth.values(), default=-1) + 1)]


def nearest_needs(needed: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What each lesson needs, without what another of its needs asks for anyway.

    >>> nearest_needs({"a": [], "b": ["a"], "c": ["a", "b"]})
    {'a': [], 'b': ['a'], 'c': ['b']}
    """
    return {
        name: [want for want in wants if not any(want in _behind(other, needed) for other in wants if other != want)]
        for name, wants in needed.items()
    }


def concept_map(titles: Mapping[str, str], needed: Mapping[str, Sequence[str]]) -> str:
    """The map as an SVG element; each box links to its lesson's page.

    An arrow that another way of arrows already says is left out. An arrow over several rows passes between their boxes.

    >>> concept_map({"a": "One", "b": "Two"}, {"a": [], "b": ["a"]}).count("marker-end")
    1
    """
    rows = levels(needed)
    width = max((len(names) for names in rows), default=0) * (WIDE + APART_X) + APART_X
    height = len(rows) * (HIGH + APART_Y) - APART_Y + 2 if rows else 0
    nearest, places = nearest_needs(needed), {}
    for level, names in enumerate(rows):
        middle = {name: sum(places[want][0] for want in nearest[name]) / max(1, len(nearest[name])) for name in names}
        left = (width - len(names) * (WIDE + APART_X) + APART_X) // 2
        for column, name in enumerate(sorted(names, key=lambda name: middle[name]) if level else names):
            places[name] = (left + column * (WIDE + APART_X), level * (HIGH + APART_Y))
    depth = {name: level for level, names in enumerate(rows) for name in names}
    passed: dict[tuple[int, float], int] = {}  # how many arrows pass through a gap
    parts = []
    for name, wants in nearest.items():
        for want in wants:
            stops = []
            for level in range(depth[want] + 1, depth[name]):
                boxes = sorted(places[other][0] for other in rows[level])
                gaps = [boxes[0] - APART_X / 2, *(left + WIDE + APART_X / 2 for left in boxes)]
                share = (level - depth[want]) / (depth[name] - depth[want])
                wish = places[want][0] + share * (places[name][0] - places[want][0]) + WIDE / 2
                gap = min(gaps, key=lambda x, wish=wish: abs(x - wish))
                lane = passed[level, gap] = passed.get((level, gap), 0) + 1
                stops.append((gap + (lane // 2) * (-6 if lane % 2 else 6), level * (HIGH + APART_Y)))
            parts.append(_arrow(places[want], stops, places[name]))
    for name, (x, y) in places.items():
        lines = textwrap.wrap(f"{name[:2]} {titles[name]}", 16)[:2]
        words = "".join(
            f'<tspan x="{x + 8}" dy="{0 if index == 0 else 16}">{html.escape(line)}</tspan>'
            for index, line in enumerate(lines)
        )
        parts.append(
            f'<a href="notebooks/{name}.html"><rect x="{x}" y="{y + 1}" width="{WIDE}" height="{HIGH}" rx="6" '
            f'fill="{FILL}" stroke="{LINE}"/><text x="{x + 8}" y="{y + (20 if len(lines) > 1 else 28)}" '
            f'font-size="13" fill="{TEXT}">{words}</text></a>'
        )
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{LINE}"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="group" width="{width}" '
        f'style="max-width:100%;min-width:{min(width, 620)}px;height:auto" font-family="sans-serif" '
        f'aria-label="Which lesson needs which">{tip if needed else ""}{"".join(parts)}</svg>'
    )


def _arrow(start: tuple[float, float], stops: Sequence[tuple[float, float]], end: tuple[float, float]) -> str:
    """From under one box onto another, upright beside each row that it passes."""
    x, y = start[0] + WIDE / 2, start[1] + HIGH
    path = f"M{x:g} {y:g}"
    for at, top in [*stops, (end[0] + WIDE / 2, end[1] - 5)]:
        bend = (top - y) / 2
        path += f" C{x:g} {y + bend:g} {at:g} {top - bend:g} {at:g} {top:g}"
        x, y = at, top
        if top != end[1] - 5:
            y = top + HIGH
            path += f" V{y:g}"
    return (
        f'<path aria-hidden="true" d="{path}" fill="none" stroke="{LINE}" stroke-width="1.4" marker-end="url(#tip)"/>'
    )


def _behind(name: str, needed: Mapping[str, Sequence[str]]) -> set[str]:
    """All that a lesson needs, directly or not."""
    found: set[str] = set()
    for want in needed[name]:
        found |= {want, *_behind(want, needed)}
    return found
