"""Questions drawn with their truth."""

import functools

import numpy as np
import pytest
from some_assistant import KITCHEN, painted

from gk_utils.assistant.asking import read_question
from gk_utils.assistant.exam import ASKED
from gk_utils.assistant.exam_questions import STRANGERS, Drawn, Seen, draw_for, draw_many
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.wording import vocabulary

BOXES = tuple(tuple(box) for box in painted().boxes[0].tolist())
SEEN = Seen(KITCHEN, (1.0,) * 5, BOXES)
SCENES = [draw_scene_for(2**40 + 2**29 + n) for n in range(24)]
MANY = [
    Seen(scene, (1.0,) * len(scene), tuple((2.0 * n, 0.0, 2.0 * n + 2, 9.0) for n in range(len(scene))))
    for scene in SCENES
]


@functools.cache
def drawn(kind, absent):
    rng = np.random.default_rng(0)
    found = [draw_for(kind, seen, rng, absent) for seen in (*MANY, SEEN) for _ in range(2)]
    return [one for one in found if one is not None]


class TestDrawFor:
    @pytest.mark.parametrize("kind", ASKED)
    def test_there(self, kind):
        found = drawn(kind, absent=False)
        assert len(found) >= 10
        assert not any(one.absent for one in found)
        assert all(read_question(one.question).kind != "unread" for one in found)

    @pytest.mark.parametrize("kind", [kind for kind in ASKED if kind != "describe"])
    def test_not_there(self, kind):
        found = drawn(kind, absent=True)
        assert len(found) >= 3
        assert all(one.absent for one in found)
        if kind in ("locate", "segment", "relate", "absent", "region", "ordinal"):
            assert {one.answer for one in found} == {"none"}
        if kind == "count":
            assert {one.answer for one in found} == {"0"}
        if kind == "verify":
            assert {one.answer for one in found} == {"no"}

    def test_both_answers_come(self):
        assert {one.answer for one in drawn("relate", False)} == {"left", "right", "in front", "behind"}
        assert {one.answer for one in drawn("verify", False)} == {"yes", "no"}
        assert {one.answer for one in drawn("compare", False)} >= {"yes", "no"}
        assert len({one.answer for one in drawn("count", False)}) >= 3

    def test_counts_are_those_of_the_scene(self):
        for one in drawn("count", False):
            assert one.answer == str(len(one.groups[0]))

    def test_what_is_hidden_is_not_asked_about(self):
        hidden = Seen(KITCHEN, (0.1,) * 5, BOXES)
        rng = np.random.default_rng(0)
        for kind in ("locate", "count", "region", "relate", "absent"):
            assert all(draw_for(kind, hidden, rng) is None for _ in range(10))

    def test_regions_are_written_in_thousandths_of_the_square(self):
        rng = np.random.default_rng(1)
        one = next(found for _ in range(20) if (found := draw_for("region", SEEN, rng)))
        thing = KITCHEN.things[one.groups[0][0]]
        assert one.answer == f"{thing.colour} {thing.category}"
        numbers = [
            int(text)
            for text in one.question.replace("(", " ").replace(")", " ").replace(",", " ").split()
            if text.isdigit()
        ]
        true = np.array(BOXES[one.groups[0][0]]) / 128 * 999
        assert np.abs(np.array(numbers) - true).max() < 60

    def test_strangers_are_words_that_no_expression_has(self):
        assert not set(STRANGERS) & set(vocabulary())


class TestDrawMany:
    def test_as_many_of_each_as_wanted(self):
        found = list(draw_many("absent", iter(MANY), np.random.default_rng(0), 4, 3))
        assert sum(one.absent for _, one in found) == 3
        assert len({seen.scene.seed for seen, _ in found}) == 7

    def test_scenes_run_out(self):
        with pytest.raises(ValueError, match="scenes: expected enough"):
            list(draw_many("locate", iter(MANY[:1]), np.random.default_rng(0), 4, 0))


class TestDrawn:
    def test_absent(self):
        assert Drawn("?", "none", ((1,), ())).absent
        assert not Drawn("?", "described").absent
