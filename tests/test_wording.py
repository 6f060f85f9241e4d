import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.countertop.programs import RELATIONS, SIDES, Program
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS, PATTERNS, SIZES
from gk_utils.countertop.wording import DIALECTS, NO_LOCATION, describe, vocabulary, words

RED = (("colour", "red"),)
KETTLE = Program("kettle")


def wordings(program: Program, dialect: str) -> set[str]:
    """All wordings of a program: chance finds them, the rarest of them is one of 30."""
    rng = np.random.default_rng(0)
    return {describe(program, dialect, rng) for _ in range(300)}


class TestDescribe:
    @pytest.mark.parametrize(
        ("program", "short", "long"),
        [
            (Program("mug"), {"mug"}, {"the mug"}),
            (Program(None, RED), {"red thing"}, {"the red thing"}),
            (
                Program("mug", (("pattern", "dotted"), *RED, ("size", "small"))),
                {"small red dotted mug"},
                {"the small red dotted mug"},
            ),
            (
                Program("mug", (("facing", "left"),)),
                {"mug with handle left"},
                {"the mug with its handle on the left"},
            ),
            (Program("cat", (("facing", "right"),)), {"cat facing right"}, {"the cat facing right"}),
            (Program(None, (("facing", "right"),)), {"thing facing right"}, {"the thing facing right"}),
            (
                Program("mug", (("state", "steaming"), *RED)),
                {"steaming red mug"},
                {"the steaming red mug", "the red mug that is steaming"},
            ),
            (
                Program("cat", (("state", "sleeping"), ("facing", "left"))),
                {"sleeping cat facing left"},
                {"the sleeping cat facing left", "the cat that is sleeping and facing left"},
            ),
            (Program("toaster", (("state", "toast up"),)), {"toaster with toast up"}, {"the toaster with toast up"}),
            (Program("vase", (("state", "with flowers"),)), {"vase with flowers"}, {"the vase with flowers"}),
            (Program("mug", unlike=("colour", "blue")), {"mug not blue"}, {"the mug that is not blue"}),
            (
                Program("spoon", unlike=("facing", "left")),
                {"spoon without head left"},
                {"the spoon without its head on the left"},
            ),
            (Program("bird", unlike=("facing", "left")), {"bird not facing left"}, {"the bird not facing left"}),
            (
                Program("toaster", unlike=("state", "toast up")),
                {"toaster without toast"},
                {"the toaster without toast"},
            ),
            (Program("vase", unlike=("state", "with flowers")), {"vase without flowers"}, {"the vase without flowers"}),
            (
                Program("mug", side="left"),
                {"left mug", "leftmost mug", "mug far left"},
                {"the leftmost mug", "the mug on the far left", "the mug farthest to the left"},
            ),
            (
                Program(None, RED, side="back"),
                {"back red thing", "rearmost red thing", "red thing at back"},
                {"the farthest red thing", "the rearmost red thing", "the red thing farthest from the viewer"},
            ),
            (
                Program("mug", side="front"),
                {"front mug", "closest mug", "mug at front"},
                {"the nearest mug", "the frontmost mug", "the mug closest to the viewer"},
            ),
            (
                Program("mug", RED, side="right", rank=2),
                {"second red mug from right", "2nd red mug from right"},
                {"the second red mug from the right"},
            ),
            (
                Program("mug", relation="left of", landmark=KETTLE),
                {"mug left of kettle"},
                {
                    "the mug to the left of the kettle",
                    "the mug that is to the left of the kettle",
                    "the mug on the left side of the kettle",
                    "the mug that is on the left side of the kettle",
                },
            ),
            (
                Program("mug", relation="on", landmark=Program("book", RED), holds=False),
                {"mug not on red book"},
                {"the mug that is not on the red book", "the mug that is not on top of the red book"},
            ),
            (
                Program("cat", (("state", "lit"),), relation="in front of", landmark=KETTLE, side="left"),
                {
                    *("left lit cat in front of kettle", "leftmost lit cat in front of kettle"),
                    *("left lit cat before kettle", "leftmost lit cat before kettle"),
                },
                {"the leftmost lit cat in front of the kettle", "the leftmost lit cat that is in front of the kettle"},
            ),
            (
                Program("mug", relation="inside", landmark=Program("bowl", side="right", rank=3)),
                {f"mug {word} {rank} bowl from right" for word in ("in", "inside") for rank in ("3rd", "third")},
                {
                    f"the mug {linked}{word} the third bowl from the right"
                    for linked in ("", "that is ")
                    for word in ("in", "inside")
                },
            ),
        ],
        ids=lambda value: str(value) if isinstance(value, Program) else "",
    )
    def test_every_wording(self, program, short, long):
        assert wordings(program, "refcoco") == wordings(program, "refcoco+") == short
        assert wordings(program, "refcocog") == long

    def test_every_relation_has_words(self):
        texts = [wordings(Program("mug", relation=name, landmark=KETTLE), "refcocog") for name in RELATIONS]
        assert sum(len(each) for each in texts) == len(set.union(*texts))

    def test_the_order_of_attributes_says_nothing(self):
        forwards = (("colour", "red"), ("size", "small"), ("facing", "left"), ("state", "steaming"))
        for dialect in DIALECTS:
            assert wordings(Program("mug", forwards), dialect) == wordings(Program("mug", forwards[::-1]), dialect)

    def test_no_words_in_common(self):
        """All programs of one step, and every relation and rank to a few landmarks: no text stands for two of them."""
        marks = [KETTLE, Program("book", RED), Program("book", side="left"), Program("book", side="left", rank=2)]
        programs = [Program(), KETTLE]
        programs += [Program("mug", side=side, rank=rank) for side in SIDES for rank in range(1, 6)]
        programs += [
            Program("mug", relation=name, landmark=mark, holds=holds, side=side)
            for name in RELATIONS
            for mark in marks
            for holds in (True, False)
            for side in (None, *SIDES)
        ]
        for kind in CATEGORIES:
            values = [("facing", side) for side in ("left", "right") if KINDS[kind].facing]
            values += [("state", state) for state in KINDS[kind].states]
            values += [("colour", value) for value in COLOURS] + [("pattern", value) for value in PATTERNS]
            values += [("size", value) for value in SIZES]
            programs += [Program(kind, (value,)) for value in values] + [
                Program(kind, unlike=value) for value in values
            ]
        for dialect in ("refcoco", "refcocog"):
            seen: dict[str, Program] = {}
            rng = np.random.default_rng(0)
            for program in programs:
                for _ in range(8):
                    assert seen.setdefault(describe(program, dialect, rng), program) == program
            assert len(set(seen.values())) == len(programs)

    def test_chance_is_the_only_difference(self):
        program = Program("mug", RED, relation="near", landmark=Program("plate", side="left"))
        first, second = (
            [describe(program, "refcocog", rng) for _ in range(20)]
            for rng in (np.random.default_rng(5), np.random.default_rng(5))
        )
        assert first == second
        assert len(set(first)) > 1

    def test_says_what_is_wrong(self):
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match=r"^dialect: expected one of .*'refcoco\+', 'refcocog', got 'french'"):
            describe(KETTLE, "french", rng)
        with pytest.raises(ValueError, match=r"^rank: expected one of 2, 3, 4, 5, got 6"):
            describe(Program("mug", side="left", rank=6), "refcoco", rng)


class TestWords:
    def test_by_hand(self):
        assert words("Is the 2nd mug RED?") == ["is", "the", "2nd", "mug", "red"]
        assert words("") == words(" ,.!") == []

    @given(st.lists(st.sampled_from(("the", "2nd", "mug", "far")), max_size=6), st.sampled_from((" ", ", ", "\n", "-")))
    def test_round_trip(self, some, between):
        assert words(between.join(some)) == some


class TestVocabulary:
    def test_sorted_once_each_and_lower_case(self):
        found = vocabulary()
        assert list(found) == sorted(set(found))
        assert all(words(word) == [word] for word in found)

    def test_has_every_name_of_a_thing(self):
        expected = {
            *CATEGORIES,
            *COLOURS,
            *SIZES,
            *PATTERNS,
            "left",
            "right",
            "handle",
            "flowers",
            "2nd",
            "not",
            "thing",
        }
        assert expected <= set(vocabulary())

    @pytest.mark.usefixtures("unhooked")
    def test_no_word_is_idle(self):
        """Each word comes up in some wording, but for two parts of animals, which themselves face left or right."""
        programs = [
            *[Program(kind) for kind in CATEGORIES],
            *[Program(kind, (("state", state),)) for kind in CATEGORIES for state in KINDS[kind].states],
            *[Program(kind, unlike=("facing", "left")) for kind in CATEGORIES if KINDS[kind].facing],
            *[Program(unlike=(name, value)) for name, values in LOOKS.items() for value in values],
            *[Program("vase", unlike=("state", "with flowers")), Program("cat", (("facing", "left"),))],
            *[Program("cat", (("state", "sleeping"), ("facing", "left")))],
            *[Program(side=side, rank=rank) for side in SIDES for rank in range(1, 6)],
            *[Program(relation=name, landmark=KETTLE) for name in RELATIONS],
        ]
        used = {
            word
            for program in programs
            for dialect in ("refcoco", "refcocog")
            for text in wordings(program, dialect)
            for word in words(text)
        }
        assert set(vocabulary()) - used == {"beak", "face"}
        assert used <= set(vocabulary())


LOOKS = {"colour": COLOURS, "size": SIZES, "pattern": PATTERNS}


def test_types_without_a_place():
    assert set(NO_LOCATION) == {"attribute", "action", "negated", "absent"}
