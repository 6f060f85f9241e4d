"""The relations a statement may name: canonical name, all wordings, inverse, symmetry, and what decides them.

A wording is written as a pattern: ``[on|at] the left [|side ]of`` stands for four. Hyphens count as blanks. All 66
relations of the VSR data set are among them; what boxes cannot decide says so in `needs` and why in `reason`.

Source: Liu, Emerson and Collier, Visual Spatial Reasoning, TACL 2023, table 1 (the 66 relations and their categories).
"""

import difflib
import functools
import itertools
import re
from dataclasses import dataclass

NEEDS = ("boxes", "mask", "depth", "facing", "more")  # "more": neither boxes nor masks, depth and facing decide it


@dataclass(frozen=True)
class Relation:
    """A relation between a thing and its landmarks.

    Attributes:
        name: canonical, snake_case.
        forms: wordings behind "is" and behind a noun ("to the left of"), words separated by single blanks.
        inverse: r(a, b) says the same as inverse(b, a); None: it has no name.
        symmetric: r(a, b) says the same as r(b, a).
        landmarks: 0 (a place in the picture), 1 or 2.
        needs: the least that decides it, one of `NEEDS`; with "boxes" a mask or depth may still improve on the answer.
        reason: for "more", why pictures of boxes do not decide it.
        verbs: wordings as a verb, (singular, plural): ("contains", "contain").
    """

    name: str
    forms: tuple[str, ...]
    inverse: str | None = None
    symmetric: bool = False
    landmarks: int = 1
    needs: str = "boxes"
    reason: str = ""
    verbs: tuple[tuple[str, str], ...] = ()


_MOVES = "a still picture shows no movement"
_PARTS = "boxes do not show what belongs to what"
_ACTS = "boxes do not show what a thing does"
_MEANS = "its meaning depends on the two things"

# name | wordings; ... | inverse, or = for symmetric | needs | reason | singular plural, ... (verbs)
# A line that begins with blanks continues the one before.
_ONE_LANDMARK = f"""
left_of | [to|on|at|in] the left [|side |hand side |hand ]of; [|to |on ]left of;
    [further|farther] [|to the ]left than | right_of
right_of | [to|on|at|in] the right [|side |hand side |hand ]of; [|to |on ]right of;
    [further|farther] [|to the ]right than | left_of
above | above | below
below | below | above
over | over | under
under | under; underneath; beneath; at the bottom of | over
on | on; upon; onto; supported by | supports | mask
supports | supporting | on | mask | | supports support
on_top_of | on top of; [on|at] the top of; atop | | mask
in_front_of | in front of; in the front of; before | behind | depth
behind | behind; in back of; in the back of | in_front_of | depth
at_back_of | at the back of; at the rear of | | facing
ahead_of | ahead of | | facing
beyond | beyond | | depth
inside | inside; inside of; in; within; contained in; contained by | contains
contains | containing; including | inside | | | contains contain, includes include, holds hold
outside | outside; outside of
overlaps | overlapping; overlapping with | = | | | overlaps overlap
touching | touching; in contact with; making contact with; up against | = | mask | | touches touch
against | against | | mask
near | near; near to; close to; close by; nearby; by; in the vicinity of; not far from; close together | =
far_from | far from; far away from; far apart; distant from; a long way from | =
away_from | away from | =
next_to | next to; adjacent to; adjacent; neighbouring; neighboring | =
beside | beside; alongside; along side; [at|to|by|on] the side of | =
in_middle_of | in the [middle|center|centre] of; at the [middle|center|centre] of
at_edge_of | [at|on|by] the edge of
at_corner_of | [at|in|on] the corner of
among | among; amongst; amid; in the midst of
surrounding | surrounding; encircling; enclosing | surrounded_by | | | surrounds surround, encloses enclose
surrounded_by | surrounded by; enclosed by; encircled by | surrounding
occluding | occluding; blocking; hiding; obscuring | occluded_by | depth | | hides hide, blocks block, occludes occlude
occluded_by | occluded by; blocked by; hidden by; obscured by | occluding | depth
covering | covering | covered_by | mask | | covers cover
covered_by | covered by; covered with; covered in | covering | mask
facing | facing; facing toward; facing towards; facing to | | facing | | faces face
facing_away_from | facing away from; turned away from; with its back to | | facing | | faces_away_from face_away_from
parallel_to | parallel to; parallel with; parallel | = | facing
perpendicular_to | perpendicular to; at [|a ]right [angles|angle] to; perpendicular | = | facing
aligned_with | aligned with; in line with; lined up with; level with; in a line with; aligned | =
opposite | opposite; opposite to; opposite from; opposite of; across from | = | facing
larger_than | larger than; bigger than | smaller_than
smaller_than | smaller than | larger_than
taller_than | taller than | shorter_than
shorter_than | shorter than | taller_than
wider_than | wider than | narrower_than
narrower_than | narrower than; thinner than | wider_than
higher_than | higher than; higher up than | lower_than
lower_than | lower than; lower down than | higher_than
nearer_than | [closer|nearer] [|to the camera |to the viewer ]than | farther_than | depth
farther_than | [farther|further] [away |back |from the camera |from the viewer ]than | nearer_than | depth
congruent_with | congruent to; congruent with; congruent | = | more | boxes show sides, not shapes
attached_to | attached to; fixed to; mounted on; fastened to | | more | contact is not attachment
connected_to | connected to; connected with; connected; joined to; linked to | = | more | contact is not connection
detached_from | detached from; disconnected from; separate from; separated from | = | more | contact is not connection
part_of | part of; a part of | has_part | more | {_PARTS}
has_part | having as a part | part_of | more | {_PARTS} | has_as_a_part have_as_a_part, has_as_part have_as_part
consists_of | consisting of; made of; made up of; made from; composed of | | more | {_PARTS} | consists_of consist_of
of | of | | more | {_PARTS}
has | having | | more | {_PARTS} | has have
with | with; along with; together with; accompanied by | | more | {_MEANS}
at | at | | more | {_MEANS}
off | off; off of | | more | {_MEANS}
past | past | | more | {_MOVES}
toward | toward; towards | | more | {_MOVES}
down | down | | more | {_MOVES}
down_from | down from | | more | {_MOVES}
up | up | | more | {_MOVES}
along | along | | more | {_MEANS}
around | around | | more | {_MEANS}
into | into | | more | {_MOVES}
out_of | out of | | more | {_MOVES}
across | across | | more | {_MEANS}
through | through | | more | {_MOVES}
holding | holding | held_by | more | {_ACTS}
held_by | held by | holding | more | {_ACTS}
carrying | carrying | | more | {_ACTS} | carries carry
wearing | wearing | | more | {_ACTS} | wears wear
riding | riding | | more | {_ACTS} | rides ride
eating | eating | | more | {_ACTS} | eats eat
using | using | | more | {_ACTS} | uses use
pulling | pulling | | more | {_ACTS} | pulls pull
pushing | pushing | | more | {_ACTS} | pushes push
watching | watching; looking at | | more | {_ACTS} | watches watch, looks_at look_at
reaching_for | reaching for | | more | {_ACTS} | reaches_for reach_for
showing | showing; depicting | | more | one picture is looked at | shows show, depicts depict
"""

_PICTURE = "[| of the image| of the picture| of the photo| of the photograph| of the scene| of the frame]"
_SIDE = "[|side|hand side|half|part|edge]"
_NO_LANDMARK = f"""
at_left | [on|at|to|in] the left {_SIDE}{_PICTURE}; on left{_PICTURE}
at_right | [on|at|to|in] the right {_SIDE}{_PICTURE}; on right{_PICTURE}
at_top | [at|on|in|near] the top {_SIDE}{_PICTURE}; [at|on] top; in the upper [half|part]{_PICTURE}
at_bottom | [at|on|in|near] the bottom {_SIDE}{_PICTURE}; at bottom; in the lower [half|part]{_PICTURE}
in_centre | [in|at] the [middle|centre|center]{_PICTURE}; in [middle|centre|center]{_PICTURE}
in_foreground | in the foreground{_PICTURE}; [in|at] the front{_PICTURE}; [in|at] front;
    close to the [camera|viewer] | | depth
in_background | in the background{_PICTURE}; [in|at] the [back|rear]{_PICTURE}; [in|at] back;
    far from the [camera|viewer] | | depth
in_corner | [in|at] [the|a] corner{_PICTURE}
at_top_left | [in|at|on] the [top|upper] left [|corner|hand corner]{_PICTURE}
at_top_right | [in|at|on] the [top|upper] right [|corner|hand corner]{_PICTURE}
at_bottom_left | [in|at|on] the [bottom|lower] left [|corner|hand corner]{_PICTURE}
at_bottom_right | [in|at|on] the [bottom|lower] right [|corner|hand corner]{_PICTURE}
at_edge | [at|on] the edge{_PICTURE}
facing_left | [facing|looking] [|to the |towards the |the ]left | | facing | | faces_left face_left
facing_right | [facing|looking] [|to the |towards the |the ]right | | facing | | faces_right face_right
facing_viewer | facing [forward|forwards]; [facing|looking] [|at |toward |towards ][us|the camera|the viewer]
    | | facing | | faces_us face_us,
    faces_the_viewer face_the_viewer, faces_the_camera face_the_camera
facing_away | facing away; facing backwards; facing away from the [camera|viewer]; turned away | | facing
"""
_TWO_LANDMARKS = """
between | between; in between; in the space between
closer_than | [closer|nearer] to
closer_than_to |
"""


def _expand(pattern: str) -> list[str]:
    """All the wordings that a pattern stands for.

    >>> _expand("[on|at] the left [|side ]of")
    ['on the left of', 'on the left side of', 'at the left of', 'at the left side of']
    """
    parts = [part.split("|") for part in re.split(r"[\[\]]", pattern)]
    return [" ".join("".join(choice).split()) for choice in itertools.product(*parts)]


def _read(table: str, landmarks: int) -> list[Relation]:
    relations = []
    for line in table.strip().replace("\n    ", " ").splitlines():
        # bars inside brackets belong to a pattern
        name, wordings, inverse, needs, reason, verbs = [
            part.strip() for part in [*re.split(r"\|(?![^\[]*\])", line), *[""] * 5][:6]
        ]
        forms = [form for pattern in wordings.split(";") for form in _expand(pattern) if form]
        pairs = [pair.split() for pair in verbs.split(",") if pair.strip()]
        relation = Relation(
            name,
            tuple(dict.fromkeys(forms)),
            None if inverse in ("", "=") else inverse,
            inverse == "=",
            landmarks,
            needs or "boxes",
            reason,
            tuple((one.replace("_", " "), many.replace("_", " ")) for one, many in pairs),
        )
        relations.append(relation)
    return relations


RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for table, landmarks in ((_NO_LANDMARK, 0), (_ONE_LANDMARK, 1), (_TWO_LANDMARKS, 2))
    for relation in _read(table, landmarks)
}


@functools.cache
def relation_of(wording: str) -> Relation:
    """The relation that a wording stands for, behind "is" or as a verb; capitals, hyphens and blanks do not matter.

    Raises:
        ValueError: no such wording; names the nearest.

    >>> relation_of("on the left-hand side of").name, relation_of("Contains").name, relation_of("opposite to").needs
    ('left_of', 'contains', 'facing')
    """
    found = wordings().get(" ".join(wording.lower().replace("-", " ").split()))
    if found is None:
        nearest = difflib.get_close_matches(wording.lower()[:80], wordings(), n=1, cutoff=0.0)[0]
        raise ValueError(f"wording: expected a relation, got {wording!r:.80}. Nearest is {nearest!r}.")
    return found


@functools.cache
def wordings() -> dict[str, Relation]:
    """Every wording with its relation.

    >>> len(wordings()) > 300, wordings()["beneath"].name
    (True, 'under')
    """
    found = {form: relation for relation in RELATIONS.values() for form in relation.forms}
    verbs = {verb: relation for relation in RELATIONS.values() for pair in relation.verbs for verb in pair}
    return verbs | found


def opposite_way(name: str) -> str | None:
    """The relation with its two places exchanged: left_of gives right_of, near gives near; None if it has no name.

    >>> opposite_way("inside"), opposite_way("near"), opposite_way("between")
    ('contains', 'near', None)
    """
    relation = RELATIONS[name]
    return relation.name if relation.symmetric else relation.inverse
