"""The exercises of lesson 10 are sound: right answers pass however they are written, mistakes fail by their name."""

import itertools

import numpy as np
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.spatial_relations import EXERCISES


def conflicts_by_facts(answers):
    """Each answer as the set of facts that it rules out."""

    def fact(a, relation, b):
        turned = {"right_of": "left_of", "below": "above"}
        if relation in turned:
            return (turned[relation], b, a)
        return (relation, min(a, b), max(a, b)) if relation == "near" else (relation, a, b)

    said = [(fact(a, relation, b), holds) for a, relation, b, holds in answers]
    found = []
    for (i, (one, first)), (j, (other, second)) in itertools.combinations(enumerate(said), 2):
        back = (one[0], one[2], one[1])
        if (one == other and first is not second) or (first and second and one != other and back == other):
            found.append((i, j))
    return found


def conflicts_by_worlds(answers):
    """Two answers conflict if no two intervals on each axis, near or not, make both right."""
    places = [(0, 1), (2, 3), (0, 3)]  # before, behind, neither
    worlds = list(itertools.product(places, places, [False, True]))

    def is_so(answer, first, world):
        a, relation, _, said = answer
        if relation == "near":
            return world[2] is said
        (a1, a2), (b1, b2) = world[:2] if a == first else world[1::-1]
        before, after = a1 < b1 and a2 < b2, a1 > b1 and a2 > b2
        return (before if relation in ("left_of", "above") else after) is said

    def together(one, other):
        axes = [{"right_of": "left_of", "below": "above"}.get(answer[1], answer[1]) for answer in (one, other)]
        if {one[0], one[2]} != {other[0], other[2]} or axes[0] != axes[1]:
            return True
        return any(is_so(one, one[0], world) and is_so(other, one[0], world) for world in worlds)

    pairs = itertools.combinations(range(len(answers)), 2)
    return [(i, j) for i, j in pairs if not together(answers[i], answers[j])]


def clock_by_quarters(thing, landmark, facing):
    """The viewer's hour, turned by quarters."""
    hour = np.degrees(np.arctan2(thing[0] - landmark[0], thing[1] - landmark[1])) / 30
    quarters = {"away": 0, "right": 1, "viewer": 2, "left": 3}[facing]
    return int((round(hour - 3 * quarters) - 1) % 12) + 1


def clock_by_complex(thing, landmark, facing):
    ahead = {"away": 1j, "right": 1, "viewer": -1j, "left": -1}[facing]
    step = complex(thing[0] - landmark[0], thing[1] - landmark[1]) / ahead
    hours = -np.angle(step) * 6 / np.pi
    return 12 if round(hours) % 12 == 0 else int(round(hours) % 12)


def from_to_by_cases(truths, low, high):
    """Every way in which the unknown ones may fall."""
    known, doubtful = truths.count(True), truths.count(None)
    answers = {low <= known + more <= high for more in range(doubtful + 1)}
    return "unknown" if len(answers) == 2 else str(answers.pop()).lower()


def from_to_by_kleene(truths, low, high):
    values = sorted((1 if truth else 0.5 if truth is None else 0 for truth in truths), reverse=True)

    def at_least(n):
        return 1 if n <= 0 else values[n - 1] if n <= len(values) else 0

    return {0: "false", 0.5: "unknown", 1: "true"}[min(at_least(low), 1 - at_least(high + 1))]


def refuse_by_max(margins, right, cost):
    def gain(at):
        return sum(1 if hit else -cost for margin, hit in zip(margins, right, strict=True) if margin >= at)

    return max((k / 20 for k in range(21)), key=lambda at: (gain(at), -at))


def refuse_in_numpy(margins, right, cost):
    at = np.arange(21) / 20
    worth = np.where(np.array(right, dtype=bool), 1.0, -cost)
    gains = ((np.array(margins)[None] >= at[:, None]) * worth).sum(1)
    return float(at[int(np.argmax(np.round(gains, 9)))])


RIGHT_ANSWERS = {
    "10.conflicts": [conflicts_by_facts, conflicts_by_worlds],
    "10.clock": [clock_by_quarters, clock_by_complex],
    "10.from_to": [from_to_by_cases, from_to_by_kleene],
    "10.refuse": [refuse_by_max, refuse_in_numpy],
}

TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
