import re

import brute_force
import jaxtyping
import numpy as np
import pytest
import read_phrases

from gk_utils.countertop.dialogues import draw_dialogue
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.programs import RELATIONS
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import COLOURS, PATTERNS, SIZES, Thing
from gk_utils.countertop.wording import RELATION_WORDS

MUG = Thing("mug", "red", "large", "plain", "left", None, x=0.3, depth=0.5)
KETTLE = Thing("kettle", "blue", "large", "plain", "left", None, x=0.7, depth=0.5)
WORDS = {link: name for name in RELATIONS for link in RELATION_WORDS[name][1]}
LINKS = "|".join(sorted(WORDS, key=len, reverse=True))
# The question, with what is linked as {0}, {1}; and the answer, the same.
FORMS = {
    "colour": (r"What colour is \{0\}\?", rf"\{{0\}} is ({'|'.join(COLOURS)})\."),
    "size": (r"Is \{0\} small or large\?", rf"\{{0\}} is ({'|'.join(SIZES)})\."),
    "facing": (r"Which way is \{0\} facing\?", r"\{0\} is facing (left|right)\."),
    "pattern": (
        rf"Is \{{0\}} ({'|'.join(PATTERNS)})\?",
        rf"(?:Yes, \{{0\}} is|No, \{{0\}} is ({'|'.join(PATTERNS)}))\.",
    ),
    "where": (r"Where is \{0\}\?", rf"\{{0\}} is ({LINKS}) \{{1\}}\."),
    "whether": (rf"Is \{{0\}} ({LINKS}) \{{1\}}\?", r"(Yes, \{0\} is|No, \{0\} is not)\."),
    "count": (r"How many (?:\{0\}|[a-z ]+) are there\?", r"There (?:is|are) (?:\{0\}|no)\."),
    "presence": (r"Is there (?:\{0\}|an? [a-z ]+)\?", r"(?:Yes, there (?:is|are) \{0\}|No, there is not)\."),
    "what": (r"What is (on|inside) \{0\}\?", r"(?:Nothing is (?:on|inside) \{0\}|\{0\} is (?:on|inside) \{1\})\."),
}


@pytest.fixture(scope="module")
def drawn():
    """Conversations with their scenes; the shape hook is off, with it this would take ten times as long."""
    jaxtyping.config.update("jaxtyping_disable", True)
    scenes = [draw_scene(seed) if seed % 2 else draw_scene_for(seed) for seed in range(150)]
    pairs = [(scene, draw_dialogue(scene, np.random.default_rng(s), n_turns=8)) for s, scene in enumerate(scenes)]
    jaxtyping.config.update("jaxtyping_disable", False)
    return pairs


def exchanges(dialogue):
    return list(zip(dialogue[::2], dialogue[1::2], strict=True))


def form(turn) -> str:
    """The text with {0}, {1} in the place of what is linked."""
    text = turn.text
    for position, link in reversed(list(enumerate(turn.links))):
        text = f"{text[: link.start]}{{{position}}}{text[link.end :]}"
    return text


def read(question, answer) -> tuple[str, re.Match, re.Match]:
    """The kind of an exchange, and what was read of it."""
    found = [
        (kind, asked, answered)
        for kind, (first, second) in FORMS.items()
        if (asked := re.fullmatch(first, form(question))) and (answered := re.fullmatch(second, form(answer)))
    ]
    assert len(found) == 1, (form(question), form(answer))
    return found[0]


class TestDrawDialogue:
    def test_turns_take_turns(self, drawn):
        for _, dialogue in drawn:
            assert [turn.role for turn in dialogue] == ["user", "assistant"] * (len(dialogue) // 2)
        assert np.mean([len(dialogue) == 8 for _, dialogue in drawn]) > 0.95

    def test_every_answer_is_true(self, drawn):
        kinds = set()
        for scene, dialogue in drawn:
            for question, answer in exchanges(dialogue):
                kind, asked, answered = read(question, answer)
                kinds.add(kind)
                if kind in ("count", "presence", "what"):
                    continue
                (thing,) = question.links[0].referents
                if kind in ("colour", "size", "facing"):
                    assert getattr(scene.things[thing], kind) == answered[1]
                elif kind == "pattern":
                    assert scene.things[thing].pattern == (answered[1] or asked[1])
                    assert answered[1] != asked[1]
                else:
                    relation = WORDS[(answered if kind == "where" else asked)[1]]
                    (mark,) = (answer if kind == "where" else question).links[1].referents
                    said = kind == "where" or answered[1].startswith("Yes")
                    assert brute_force.holds(scene, thing, relation, mark) == said
        assert kinds == set(FORMS)

    def test_counts_are_true(self, drawn):
        for scene, dialogue in drawn:
            for question, answer in exchanges(dialogue):
                kind, _, _ = read(question, answer)
                if kind == "count":
                    phrase = re.fullmatch(r"How many (.*) are there\?", question.text)[1]
                elif kind == "presence":
                    phrase = re.fullmatch(r"Is there (.*)\?", question.text)[1]
                else:
                    continue
                found = read_phrases.find(phrase, scene)
                assert [link.referents for link in question.links] == ([found] if found else [])
                assert [link.referents for link in answer.links] == ([found] if found else [])
                if found:
                    link = answer.links[0]
                    assert read_phrases.NUMBERS[answer.text[link.start : link.end]] == len(found)
                    assert (" is " in answer.text) == (len(found) == 1)

    def test_what_is_on_it_is_true(self, drawn):
        for scene, dialogue in drawn:
            for question, answer in exchanges(dialogue):
                kind, asked, _ = read(question, answer)
                if kind != "what":
                    continue
                (below,) = question.links[0].referents
                found = tuple(i for i in range(len(scene)) if brute_force.holds(scene, i, asked[1], below))
                assert [link.referents for link in answer.links] == [*([found] if found else []), (below,)]

    def test_phrases_and_pronouns(self, drawn):
        """Phrases fit what they are linked to; "it" is what the last question was about, or the one thing found."""
        pronouns = 0
        for scene, dialogue in drawn:
            before: set[tuple[int, ...]] = set()
            for turn in dialogue:
                for link in turn.links:
                    phrase = turn.text[link.start : link.end].lower()
                    if phrase == "it":
                        assert link.referents in before, [turn.text for turn in dialogue]
                        pronouns += turn.role == "user"
                    elif phrase not in read_phrases.NUMBERS:
                        assert read_phrases.find(phrase, scene) == link.referents
                    if turn.role == "user":
                        before = {link.referents for link in turn.links[:1]}
        assert pronouns > len(drawn)

    def test_nothing_is_asked_twice(self, drawn):
        for _, dialogue in drawn:
            asked = [
                (re.sub("small|large|plain|striped|dotted", "", form(turn)), turn.links)
                for turn in dialogue
                if turn.role == "user" and turn.links
            ]
            pairs = [(kind, links[0].referents) for kind, links in asked if "{1}" not in kind and "How" not in kind]
            assert len(pairs) == len(set(pairs))

    def test_what_a_name_says_is_not_asked(self, drawn):
        """Nobody asks what colour the red mug is, or whether the striped one is plain."""
        for _, dialogue in drawn:
            for question in dialogue[::2]:
                names = [question.text[link.start : link.end].lower().split() for link in question.links]
                if question.text.startswith("What colour"):
                    assert not set(COLOURS) & set(names[0])
                if question.text.endswith("small or large?"):
                    assert not set(SIZES) & set(names[0])
                if question.text.startswith("Which way"):
                    assert "facing" not in names[0]
                if re.fullmatch(FORMS["pattern"][0], form(question)):
                    assert not set(PATTERNS) & set(names[0])

    @pytest.mark.usefixtures("unhooked")
    def test_yes_and_no_are_as_likely(self):
        scene = Scene((MUG, KETTLE))
        answers = [
            answer.text.startswith("Yes")
            for seed in range(300)
            for question, answer in exchanges(draw_dialogue(scene, np.random.default_rng(seed), n_turns=2))
            if question.text.startswith("Is ") and "small or" not in question.text
        ]
        assert len(answers) > 80
        assert abs(np.mean(answers) - 0.5) < 2 / len(answers) ** 0.5

    def test_fewer_turns_where_there_is_no_more(self):
        dialogue = draw_dialogue(Scene((MUG,)), np.random.default_rng(0), n_turns=100)
        assert 4 <= len(dialogue) < 100
        assert draw_dialogue(Scene(()), np.random.default_rng(0)) is None

    def test_same_numbers_same_conversation(self):
        scene = draw_scene(2)
        first, second = (draw_dialogue(scene, np.random.default_rng(4), n_turns=4) for _ in range(2))
        assert first == second
        assert len(first) == 4

    @pytest.mark.parametrize("n_turns", [0, 1, 5, -2])
    def test_says_what_is_wrong(self, n_turns):
        with pytest.raises(ValueError, match=rf"^n_turns: expected an even number from 2 on, got {n_turns}\. Each"):
            draw_dialogue(Scene((MUG,)), np.random.default_rng(0), n_turns=n_turns)
