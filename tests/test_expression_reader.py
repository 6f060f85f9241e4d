import numpy as np
import pytest

from gk_utils.countertop.language import TYPES, draw_expressions, draw_scene_for
from gk_utils.countertop.naming import name_things, noun
from gk_utils.countertop.programs import Program, referents
from gk_utils.countertop.wording import DIALECTS, describe
from gk_utils.shikra.expression_reader import read_expression, singles_out

READ = Program("mug", (("colour", "red"),))


class TestReadExpression:
    @pytest.mark.parametrize("again", ["red ", "the mug near ", "the second mug from the left that is not on "])
    def test_a_text_without_end_is_none(self, again):
        assert read_expression(2_000 * again + "mug") is None

    def test_as_many_words_as_may_be(self):
        assert read_expression(99 * "red " + "mug").attributes == 99 * (("colour", "red"),)
        assert read_expression(100 * "red " + "mug") is None

    @pytest.mark.parametrize(
        ("text", "program"),
        [
            ("the red mug", READ),
            ("A red mug.", READ),
            ("2nd mug from left", Program("mug", side="left", rank=2)),
            ("mug on the far left", Program("mug", side="left")),
            ("mug on the plate", Program("mug", relation="on", landmark=Program("plate"))),
            ("mug in front of cat", Program("mug", relation="in front of", landmark=Program("cat"))),
            ("vase without flowers", Program("vase", unlike=("state", "with flowers"))),
            ("the bird that is not singing", Program("bird", unlike=("state", "singing"))),
            (
                "the mug that is not near the cat",
                Program("mug", relation="near", landmark=Program("cat"), holds=False),
            ),
        ],
    )
    def test_known(self, text, program):
        assert read_expression(text) == program

    @pytest.mark.parametrize(
        "text", ["", "the", "red", "mug mug", "the mug near", "the second mug", "left of cat", "x"]
    )
    def test_what_is_none_is_none(self, text):
        assert read_expression(text) is None

    def test_reads_every_true_expression(self):
        """The reader's own accuracy, on what is true: all types, all dialects."""
        right, types, dialects = [], set(), set()
        for seed in range(60):
            scene, rng = draw_scene_for(seed), np.random.default_rng(seed)
            for expression in draw_expressions(scene, 4, rng):
                program = read_expression(expression.text)
                right.append(program is not None and referents(program, scene) == expression.referents)
                types.add(expression.type)
                dialects.add(expression.dialect)
        assert types == set(TYPES)
        assert dialects == set(DIALECTS)
        assert np.mean(right) >= 0.98

    def test_reads_names(self):
        for seed in range(20):
            scene, rng = draw_scene_for(seed), np.random.default_rng(seed)
            for (index,), program in name_things(scene, rng).items():
                assert singles_out(f"The {noun(program, rng)}.", index, scene)

    def test_reads_back_the_same_steps(self):
        program = Program(
            "cat", (("size", "large"),), relation="behind", landmark=Program("mug", side="right"), holds=False
        )
        for dialect in DIALECTS:
            for seed in range(5):
                assert read_expression(describe(program, dialect, np.random.default_rng(seed))) == program


class TestSinglesOut:
    def test_too_little_said_is_not_enough(self):
        scene = draw_scene_for(0)
        thing = scene.things[0]
        twins = scene.select(category=thing.category)
        assert len(twins) > 1
        assert not singles_out(f"the {thing.category}", 0, scene)

    def test_the_wrong_thing_is_wrong(self):
        scene = draw_scene_for(0)
        names = name_things(scene, np.random.default_rng(0))
        (first,), program = next(iter(names.items()))
        text = describe(program, "refcocog", np.random.default_rng(0))
        assert singles_out(text, first, scene)
        assert not singles_out(text, (first + 1) % len(scene), scene)
