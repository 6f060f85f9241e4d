import re
from collections import Counter

import brute_force
import jaxtyping
import numpy as np
import pytest
import read_phrases

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.programs import RELATIONS
from gk_utils.countertop.questions import QUESTIONS, draw_question, draw_statement, presence
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, Thing
from gk_utils.countertop.wording import RELATION_WORDS

N = 400
MUG = Thing("mug", "red", "large", "plain", "left", None, x=0.3, depth=0.5)
KETTLE = Thing("kettle", "blue", "large", "plain", "left", None, x=0.7, depth=0.5)
PLATE = Thing("plate", "white", "large", "plain", None, None, x=0.5, depth=0.9)
APPLE = Thing("apple", "red", "small", "plain", None, None, x=0.5, depth=0.9, relation="on", support=2)
TABLE = Scene((MUG, KETTLE, PLATE, APPLE))
WORDS = {link: name for name in RELATIONS for link in RELATION_WORDS[name][1]}
LINKS = "|".join(sorted(WORDS, key=len, reverse=True))


@pytest.fixture(scope="module")
def drawn():
    """Questions of each kind, and statements, with their scenes; the shape hook is off, for speed."""
    jaxtyping.config.update("jaxtyping_disable", True)
    scenes = [draw_scene(seed) if seed % 2 else draw_scene_for(seed) for seed in range(N)]
    found = {
        kind: [(scene, draw_question(scene, kind, np.random.default_rng(seed))) for seed, scene in enumerate(scenes)]
        for kind in QUESTIONS
    }
    found["statement"] = [(scene, draw_statement(scene, np.random.default_rng(s))) for s, scene in enumerate(scenes)]
    jaxtyping.config.update("jaxtyping_disable", False)
    return {kind: [pair for pair in pairs if pair[1] is not None] for kind, pairs in found.items()}


def related(text: str, scene: Scene) -> tuple[tuple[int, ...], str, tuple[int, ...]]:
    """Subject, relation and object of "the mug near the kettle", read with the longest words for a relation first."""
    split = re.fullmatch(rf"(the .*?)(?: is)? ({LINKS}) (the .*)", text, flags=re.IGNORECASE)
    return read_phrases.find(split[1], scene), WORDS[split[2]], read_phrases.find(split[3], scene)


def balanced(answers: list[bool]) -> bool:
    """Whether the share of True is a half, up to four standard errors."""
    return abs(np.mean(answers) - 0.5) < 4 * 0.5 / len(answers) ** 0.5


class TestDrawStatement:
    def test_is_true_or_false_as_it_says(self, drawn):
        for scene, each in drawn["statement"]:
            assert related(each.text.removesuffix("."), scene) == ((each.subject,), each.relation, (each.object,))
            assert brute_force.holds(scene, each.subject, each.relation, each.object) == each.holds
        assert len(drawn["statement"]) > 0.97 * N

    def test_a_coin_decides_whatever_the_relation(self, drawn):
        assert balanced([each.holds for _, each in drawn["statement"]])
        for relation in RELATIONS:
            holds = [each.holds for _, each in drawn["statement"] if each.relation == relation]
            assert len(holds) >= 4
            assert balanced(holds), relation

    def test_names_do_not_tell(self, drawn):
        """No name by a place, which would make many statements true whatever the picture."""
        for _, each in drawn["statement"]:
            assert not re.search("most|farthest|nearest|closest|far left|far right", each.text), each.text

    def test_is_a_sentence(self, drawn):
        assert all(re.fullmatch(r"The [a-z ]+ is [a-z ]+ the [a-z ]+\.", each.text) for _, each in drawn["statement"])

    def test_known(self):
        found = {draw_statement(Scene((MUG, KETTLE)), np.random.default_rng(seed)) for seed in range(200)}
        assert {(each.subject, each.relation, each.holds) for each in found} == {
            *((0, "left of", True), (0, "right of", False), (1, "left of", False), (1, "right of", True)),
        }
        assert "The mug is to the left of the kettle." in {each.text for each in found}

    def test_nothing_to_compare(self):
        for things in ((), (MUG,), (MUG, MUG)):
            assert draw_statement(Scene(things), np.random.default_rng(0)) is None

    def test_same_numbers_same_statement(self):
        assert draw_statement(TABLE, np.random.default_rng(7)) == draw_statement(TABLE, np.random.default_rng(7))


class TestDrawQuestion:
    def test_colour(self, drawn):
        for scene, each in drawn["colour"]:
            phrase = re.fullmatch(r"What colour is (the [a-z ]+)\?", each.text)[1]
            assert read_phrases.find(phrase, scene) == each.referents
            assert scene.things[each.referents[0]].colour == each.answer
            assert not set(COLOURS) & set(phrase.split())
        shares = Counter(each.answer for _, each in drawn["colour"])
        assert max(shares.values()) < 2 * len(drawn["colour"]) / len(COLOURS)

    def test_whether_there_is(self, drawn):
        asked = [(scene, each) for scene, each in drawn["yes-no"] if each.text.startswith("Is there ")]
        for scene, each in asked:
            found = read_phrases.find(each.text.removeprefix("Is there ").removesuffix("?"), scene)
            assert (found, "yes" if found else "no") == (each.referents, each.answer)
        assert balanced([each.answer == "yes" for _, each in asked])
        coloured = [each.answer == "yes" for _, each in asked if set(COLOURS) & set(each.text[:-1].split())]
        assert balanced(coloured)
        assert len(coloured) > 0.5 * len(asked) > 0.2 * N

    def test_whether_related(self, drawn):
        asked = [(scene, each) for scene, each in drawn["yes-no"] if each.text.startswith("Is the ")]
        for scene, each in asked:
            (subject,), relation, (mark,) = related(each.text.removeprefix("Is ").removesuffix("?"), scene)
            assert each.answer == ("yes" if brute_force.holds(scene, subject, relation, mark) else "no")
            assert set(each.referents) == {subject, mark}
        assert balanced([each.answer == "yes" for _, each in asked])
        assert len(asked) > 0.4 * N

    def test_count(self, drawn):
        for scene, each in drawn["count"]:
            if phrase := re.fullmatch(r"How many ([a-z ]+) are there\?", each.text):
                found = read_phrases.find(phrase[1], scene)
            else:
                how, phrase = re.fullmatch(r"How many things are (on|inside) (the [a-z ]+)\?", each.text).groups()
                (below,) = read_phrases.find(phrase, scene)
                found = tuple(index for index in range(len(scene)) if brute_force.holds(scene, index, how, below))
            assert (found, str(len(found))) == (each.referents, each.answer)
        shares = Counter(each.answer for _, each in drawn["count"])
        assert {"0", "1", "2", "3"} <= set(shares)
        assert max(shares.values()) < 0.5 * len(drawn["count"])

    def test_what(self, drawn):
        for scene, each in drawn["what"]:
            how, phrase = re.fullmatch(r"What is (on|inside) (the [a-z ]+)\?", each.text).groups()
            (below,) = read_phrases.find(phrase, scene)
            found = [index for index in range(len(scene)) if brute_force.holds(scene, index, how, below)]
            assert each.referents == (*found,)
            assert [scene.things[index].category for index in found] == [each.answer]
        assert len(drawn["what"]) > 0.1 * N
        assert not any("mug?" in each.text or "toaster" in each.text for _, each in drawn["what"])  # one answer alone

    def test_where(self, drawn):
        for scene, each in drawn["where"]:
            text = r"Is (the [a-z ]+) to the left or to the right of (the [a-z ]+)\?"
            subject, mark = (read_phrases.find(phrase, scene) for phrase in re.fullmatch(text, each.text).groups())
            assert subject == each.referents
            assert brute_force.holds(scene, *subject, f"{each.answer} of", *mark)
        assert balanced([each.answer == "left" for _, each in drawn["where"]])

    def test_answers_are_one_word(self, drawn):
        for kind in QUESTIONS:
            assert all(re.fullmatch("[a-z]+|[0-9]+", each.answer) and each.kind == kind for _, each in drawn[kind])

    def test_known(self):
        found = {
            kind: {
                (each.text, each.answer)
                for seed in range(60)
                if (each := draw_question(TABLE, kind, np.random.default_rng(seed)))
            }
            for kind in QUESTIONS
        }
        assert ("What colour is the mug?", "red") in found["colour"]
        assert ("Is there a cat?", "no") in found["yes-no"] or ("Is there a mug?", "yes") in found["yes-no"]
        assert ("How many red things are there?", "2") in found["count"]
        assert {answer for text, answer in found["count"] if "things are on the" in text and "plate" in text} == {"1"}
        assert {answer for _, answer in found["what"]} == {"apple"}
        assert {answer for _, answer in found["where"]} == {"left", "right"}

    def test_what_has_more_on_top_is_not_asked_about(self):
        """A spoon in a mug on a plate: whether it is on the plate is a matter of words."""
        plate, mug = (
            Thing("plate", "white", "large", "plain", None, None, x=0.5, depth=0.9),
            Thing("mug", "red", "small", "plain", "left", None, x=0.5, depth=0.9, relation="on", support=0),
        )
        spoon = Thing("spoon", "red", "small", "plain", "left", None, x=0.5, depth=0.9, relation="inside", support=1)
        found = {draw_question(Scene((plate, mug, spoon)), "what", np.random.default_rng(seed)) for seed in range(20)}
        assert found == {None}
        found = {draw_question(Scene((plate, mug)), "what", np.random.default_rng(seed)) for seed in range(20)}
        assert {each.answer for each in found} == {"mug"}

    @pytest.mark.parametrize("kind", QUESTIONS)
    def test_small_scenes(self, kind):
        rng = np.random.default_rng(0)
        assert draw_question(Scene(()), kind, rng) is None
        found = [draw_question(Scene((MUG,)), kind, rng) for _ in range(20)]
        assert any(found) == (kind in ("colour", "yes-no", "count"))

    def test_says_what_is_wrong(self):
        with pytest.raises(ValueError, match=r"^kind: expected one of .*'colour'.*, got 'why'"):
            draw_question(TABLE, "why", np.random.default_rng(0))


class TestPresence:
    def test_one_thing(self):
        programs = [presence(Scene((MUG,)), np.random.default_rng(seed)) for seed in range(400)]
        there = [brute_force.find(program, Scene((MUG,))) == (0,) for program in programs]
        assert balanced(there)
        assert all(program.category == "mug" or not is_there for program, is_there in zip(programs, there, strict=True))
        assert {program.category for program in programs} == set(CATEGORIES)

    def test_none_where_something_of_each_category_is_there(self):
        full = draw_scene(0, n=14, wanted=[{"category": name} for name in CATEGORIES])
        programs = [presence(full, np.random.default_rng(seed)) for seed in range(60)]
        assert None in programs
        assert all(program.attributes for program in programs if program)
        assert presence(Scene(()), np.random.default_rng(0)) is None
