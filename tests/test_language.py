import os
import re
from collections import Counter

import brute_force
import jaxtyping
import numpy as np
import pytest

from gk_utils.countertop.language import TYPES, draw_expression, draw_expressions, draw_scene_for
from gk_utils.countertop.programs import Program, is_clear
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import KINDS, Thing
from gk_utils.countertop.wording import DIALECTS, NO_LOCATION, vocabulary, words

DEEP = os.environ.get("GK_DEEP") == "1"  # five times the scenes, for a release
SCENES, PER_SCENE = (10_000 if DEEP else 2_000), 5
LOCATION = {
    *("left", "right", "front", "back", "leftmost", "rightmost", "frontmost", "rearmost", "far", "farthest"),
    *("closest", "nearest", "near", "close", "next", "by", "before", "behind", "on", "top", "in", "inside", "at"),
    *("side", "viewer", "from", "of", "to", "second", "2nd", "third", "3rd", "fourth", "4th", "fifth", "5th"),
}
MUG = Thing("mug", "red", "large", "plain", "left", None, x=0.3, depth=0.5)


@pytest.fixture(scope="module")
def drawn():
    """Pairs of a scene and an expression; the shape hook is off, with it this would take ten times as long."""
    jaxtyping.config.update("jaxtyping_disable", True)
    pairs = []
    for seed in range(SCENES):
        scene = draw_scene_for(seed)
        pairs += [(scene, each) for each in draw_expressions(scene, PER_SCENE, np.random.default_rng([seed, 2]))]
    jaxtyping.config.update("jaxtyping_disable", False)
    return pairs


def meaning(program: Program | None):
    """What a program says, whatever the order of its attributes."""
    if program is None:
        return None
    picked = (program.side, program.rank if program.side else 0)
    related = (program.relation, program.holds, meaning(program.landmark)) if program.relation else None
    return (program.category, frozenset(program.attributes), program.unlike, related, picked)


@pytest.mark.usefixtures("unhooked")
class TestExpression:
    """What holds for every expression drawn."""

    def test_has_the_referents_of_its_program(self, drawn):
        wrong = [
            (each.text, each.referents)
            for scene, each in drawn
            if brute_force.find(each.program, scene) != each.referents
        ]
        assert len(drawn) == SCENES * PER_SCENE
        assert wrong == []

    def test_one_referent_or_none_if_absent(self, drawn):
        assert {(each.type == "absent", len(each.referents)) for _, each in drawn} == {(True, 0), (False, 1)}

    def test_a_landmark_is_one_thing(self, drawn):
        landmarks = [(scene, each.program.landmark) for scene, each in drawn if each.program.landmark]
        assert len(landmarks) > 0.2 * len(drawn)
        assert {len(brute_force.find(landmark, scene)) for scene, landmark in landmarks} == {1}

    def test_no_decision_is_close(self, drawn):
        assert all(is_clear(each.program, scene) for scene, each in drawn)

    def test_one_text_has_one_meaning(self, drawn):
        meanings: dict[tuple[str, str], object] = {}
        for _, each in drawn:
            assert meanings.setdefault((each.dialect, each.text), meaning(each.program)) == meaning(each.program)
        assert len(meanings) > 4_000

    def test_words_are_in_the_vocabulary(self, drawn):
        used = {word for _, each in drawn for word in words(each.text)}
        assert used <= set(vocabulary())
        assert all(re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", each.text) for _, each in drawn)

    def test_looks_alone_in_refcoco_plus(self, drawn):
        """No word for a place: "left" and "right" only say which way something faces."""
        parts = {kind.facing for kind in KINDS.values()} - {""}
        texts = [each.text for _, each in drawn if each.dialect == "refcoco+"]
        assert len(texts) > 1_000
        for text in texts:
            without = re.sub(rf"\b(facing|with(?:out)? (?:{'|'.join(sorted(parts))})) (left|right)\b", "", text)
            assert not LOCATION & set(words(without)), text

    def test_other_dialects_do_say_where(self, drawn):
        for dialect in ("refcoco", "refcocog"):
            used = {word for _, each in drawn if each.dialect == dialect for word in words(each.text)}
            assert len(LOCATION & used) > 15
        texts = {dialect: [each.text for _, each in drawn if each.dialect == dialect] for dialect in DIALECTS}
        assert all(text.startswith("the ") for text in texts["refcocog"])
        assert not any("the" in words(text) for text in texts["refcoco"] + texts["refcoco+"])
        lengths = {dialect: np.mean([len(words(text)) for text in each]) for dialect, each in texts.items()}
        assert lengths["refcocog"] > lengths["refcoco"] + 1

    def test_types_in_equal_shares(self, drawn):
        counts = Counter(each.type for _, each in drawn)
        assert set(counts) == set(TYPES)
        assert all(abs(count / len(drawn) - 1 / 8) < 0.04 for count in counts.values()), counts

    def test_each_type_is_worth_asking(self, drawn):
        """What tells the referent apart is needed, and the type is what the program does."""
        for scene, each in drawn:
            program, kind = each.program, each.type
            if kind == "absent":
                continue
            assert (program.side is not None) == (
                kind in ("extreme", "ordinal") or bool(kind == "nested" and program.side)
            )
            assert (program.rank > 1) == (kind == "ordinal")
            assert (program.unlike is not None or not program.holds) == (kind == "negated")
            assert ("state" in dict(program.attributes)) == (kind == "action")
            if kind in ("relation", "nested"):
                deeper = (program.side, program.landmark.side, program.landmark.landmark)
                assert any(deeper) == (kind == "nested")
            if kind in ("extreme", "ordinal", "relation", "nested", "negated"):
                group = Program(program.category, program.attributes)
                assert len(brute_force.find(group, scene)) >= (3 if kind == "ordinal" else 2)

    def test_most_have_a_look_alike(self, drawn):
        """Most of what is spoken of has another thing of its category beside it."""
        kinds = [(scene, scene.things[each.referents[0]].category) for scene, each in drawn if each.referents]
        assert np.mean([len(scene.select(category=kind)) > 1 for scene, kind in kinds]) > 0.75

    def test_a_thing_absent_is_a_near_miss(self, drawn):
        """Without its last words, or with the category alone, an absent expression often finds something."""
        pairs = [(scene, each.program) for scene, each in drawn if each.type == "absent"]
        assert np.mean([len(scene.select(category=program.category)) > 0 for scene, program in pairs]) > 0.35


class TestDrawExpression:
    def test_same_numbers_same_expression(self):
        scene = draw_scene_for(5)
        for kind in TYPES:
            first, second = (draw_expression(scene, kind, "refcoco", np.random.default_rng(9)) for _ in range(2))
            assert first == second

    def test_known(self):
        plates = [Thing("plate", "white", "large", "plain", None, None, x=x, depth=0.5) for x in (0.2, 0.8)]
        apple = Thing("apple", "red", "small", "plain", None, None, x=0.2, depth=0.5, relation="on", support=0)
        scene = Scene((*plates, apple))
        found = {draw_expression(scene, "extreme", "refcoco", np.random.default_rng(seed)) for seed in range(40)}
        # All at one depth: front and back are close calls. The apple is where the first plate is.
        plates = {
            *(("left plate", (0,)), ("leftmost plate", (0,)), ("plate far left", (0,))),
            *(("right plate", (1,)), ("rightmost plate", (1,)), ("plate far right", (1,))),
        }
        texts = {(each.text, each.referents) for each in found}
        assert plates <= texts
        assert all(referents == ((0,) if "left" in text else (1,)) for text, referents in texts)
        assert not any(word in text for text, _ in texts for word in ("front", "back", "apple"))

    @pytest.mark.parametrize("kind", TYPES)
    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_small_scenes(self, n, kind):
        for seed in range(20):
            scene = draw_scene(seed, n=n)
            found = draw_expression(scene, kind, "refcocog", np.random.default_rng(seed))
            if n == 0 or kind == "ordinal" or (n == 1 and kind not in ("attribute", "action", "absent")):
                assert found is None
            elif found:
                assert brute_force.find(found.program, scene) == found.referents

    def test_says_what_is_wrong(self):
        rng, scene = np.random.default_rng(0), Scene((MUG,))
        with pytest.raises(ValueError, match=r"^type: expected one of .*'ordinal'.*, got 'riddle'"):
            draw_expression(scene, "riddle", "refcoco", rng)
        with pytest.raises(ValueError, match=r"^dialect: expected one of .*'refcoco'.*, got 'refclef'"):
            draw_expression(scene, "extreme", "refclef", rng)
        with pytest.raises(
            ValueError, match=r"^type: expected one of attribute, action, negated, absent in refcoco\+, got 'extreme'"
        ):
            draw_expression(scene, "extreme", "refcoco+", rng)
        assert set(NO_LOCATION) < set(TYPES)


class TestDrawExpressions:
    def test_as_many_as_asked_for(self):
        scene = draw_scene_for(1)
        for n in (0, 1, 7):
            assert len(list(draw_expressions(scene, n, np.random.default_rng(0)))) == n

    def test_one_thing_has_its_expressions(self):
        found = list(draw_expressions(Scene((MUG,)), 30, np.random.default_rng(0)))
        assert {each.type for each in found} == {"attribute", "absent"}

    def test_says_what_is_wrong(self):
        with pytest.raises(ValueError, match=r"^scene: expected things to speak of, got none\. Draw it with n=1"):
            next(draw_expressions(Scene(()), 1, np.random.default_rng(0)))


class TestDrawSceneFor:
    def test_same_seed_same_scene(self):
        assert draw_scene_for(11) == draw_scene_for(11)
        assert draw_scene_for(11) != draw_scene_for(12)

    def test_has_look_alikes_and_states(self):
        for seed in range(60):
            scene = draw_scene_for(seed)
            counts = Counter(thing.category for thing in scene.things)
            assert 3 <= len(scene) <= 9
            assert len(counts) >= 2
            assert max(counts.values()) >= 2
        share = np.mean([any(thing.state for thing in draw_scene_for(seed).things) for seed in range(60)])
        assert share > 0.8
