from dataclasses import replace

import numpy as np
import pytest
from some_talk import some_views

from gk_utils.contrastive.pair_claims import claim_holds, read_claim
from gk_utils.countertop.naming import number
from gk_utils.countertop.programs import Program, referents
from gk_utils.shikra.expression_reader import read_expression, singles_out
from gk_utils.shikra.talk import read, say
from gk_utils.shikra.talk_tasks import (
    NONE,
    NOTHING,
    TASKS,
    TEMPLATES,
    ask_for,
    draw_task,
    full_name,
    sentence,
    short_name,
)


def drawn(task, rounds=12):
    for view in some_views():
        for seed in range(rounds):
            for exchange in draw_task(view, task, np.random.default_rng(seed)):
                yield view, exchange


def inside(text, kind):
    """What stands between the two halves of one of the kind's templates."""
    for before, behind in TEMPLATES[kind]:
        if text.startswith(before) and text.endswith(behind):
            return text[len(before) : len(text) - len(behind) if behind else None]
    raise AssertionError(text)


class TestDrawTask:
    @pytest.mark.parametrize("task", TASKS)
    def test_is_well_formed(self, task):
        found = list(drawn(task, 3))
        assert len(found) >= 6
        for view, exchange in found:
            assert exchange.task == task
            assert exchange.question.role == "user"
            assert exchange.answer.role == "assistant"
            for said in (exchange.question, exchange.answer):
                assert read(said.role, said.text) == said
            assert all(0 <= thing < len(view.scene) for thing in exchange.things)

    def test_rec_is_true(self):
        kinds = set()
        for view, exchange in drawn("rec"):
            program = read_expression(inside(exchange.question.text, "rec"))
            assert referents(program, view.scene) == exchange.things
            if exchange.things:
                (mark,) = exchange.answer.marks
                np.testing.assert_allclose(mark.places[0], view.boxes[exchange.things[0]], atol=6e-4)
            else:
                assert exchange.answer.text == NONE
            kinds.add(exchange.kind)
        assert {"name", "absent"} < kinds

    def test_reg_singles_out(self):
        for view, exchange in drawn("reg"):
            assert singles_out(exchange.answer.text, exchange.things[0], view.scene)

    def test_regions_and_points_are_what_they_are_called(self):
        for task in ("region", "point"):
            for view, exchange in drawn(task):
                things = view.scene.things
                if not exchange.things:
                    assert exchange.answer.text == NOTHING
                    continue
                thing = things[exchange.things[0]]
                expected = {
                    "colour": thing.colour,
                    "count": number(len(referents(Program(thing.category), view.scene))),
                }.get(exchange.kind, short_name(thing))
                assert exchange.answer.text == sentence(expected)

    def test_claims_are_judged_by_the_scene(self):
        answers = []
        for view, exchange in drawn("truth"):
            if exchange.kind == "claim":
                claim = read_claim(inside(exchange.question.text, "truth"))
                assert claim_holds(claim, view.scene) == (exchange.answer.text == "Yes.")
            answers.append(exchange.answer.text == "Yes.")
            for noun, thing in exchange.nouns:
                assert view.scene.things[thing].category == noun
        assert 0.3 < np.mean(answers) < 0.7

    def test_captions_have_boxes_of_what_they_name(self):
        for view, exchange in drawn("caption", 4):
            boxes = {tuple(np.round(box, 3)) for box in view.boxes}
            for mark in exchange.answer.marks:
                assert all(
                    min(np.abs(np.array(place) - box).max() for box in view.boxes) < 1e-3 for place in mark.places
                )
            assert boxes

    def test_nothing_seen_nothing_asked(self):
        (view, *_) = some_views()
        blind = replace(view, seen=())
        assert all(draw_task(blind, task, np.random.default_rng(0)) == () for task in TASKS)


class TestAskFor:
    def test_every_kind(self):
        assert ask_for("region", ((0.0, 0.0, 1.0, 1.0),), 1).text == "Say what is in [0.000,0.000,1.000,1.000]."
        assert ask_for("rec", "the cat", 1) == say("user", ["Find the cat."])


class TestFullName:
    def test_says_all_looks(self):
        view = some_views()[0]
        for index in view.seen:
            program = full_name(view, index)
            if program is not None:
                assert {name for name, _ in program.attributes} == {"size", "colour", "pattern"}
                assert referents(program, view.scene) == (index,)
