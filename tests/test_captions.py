import re
from itertools import pairwise

import brute_force
import jaxtyping
import numpy as np
import pytest
import read_phrases

from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.programs import RELATIONS
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import Thing
from gk_utils.countertop.wording import RELATION_WORDS

SCENES = [draw_scene(seed) if seed % 2 else draw_scene_for(seed) for seed in range(120)]
MUG = Thing("mug", "red", "large", "plain", "left", None, x=0.3, depth=0.5)
WORDS = {link: name for name in RELATIONS for link in RELATION_WORDS[name][1]}


@pytest.fixture(scope="module")
def drawn():
    """A caption for each scene; the shape hook is off, with it this would take ten times as long."""
    jaxtyping.config.update("jaxtyping_disable", True)
    pairs = [(scene, draw_caption(scene, np.random.default_rng(seed))) for seed, scene in enumerate(SCENES)]
    jaxtyping.config.update("jaxtyping_disable", False)
    return pairs


class TestDrawCaption:
    def test_every_phrase_names_what_it_is_linked_to(self, drawn):
        for scene, caption in drawn:
            for link in caption.links:
                phrase = caption.text[link.start : link.end]
                assert read_phrases.find(phrase, scene) == link.referents, caption.text

    def test_every_relation_is_true(self, drawn):
        said = set()
        for scene, caption in drawn:
            links = list(caption.links)
            for first, second in pairwise(links):
                between = caption.text[first.end : second.start].strip()
                if found := re.fullmatch(rf"(is|are) ({'|'.join(sorted(WORDS, key=len, reverse=True))})", between):
                    relation = WORDS[found[2]]
                    assert len(second.referents) == 1
                    assert all(
                        brute_force.holds(scene, thing, relation, *second.referents) for thing in first.referents
                    )
                    assert (found[1] == "are") == (len(first.referents) > 1)
                    said.add(relation)
                else:
                    assert re.fullmatch(r",|and|.*\.( (We see|The picture shows|This is a picture of))?", between), (
                        between
                    )
        assert said == set(RELATIONS)

    def test_is_made_of_sentences(self, drawn):
        for _, caption in drawn:
            sentences = re.findall(r"[A-Z][^.]*\.(?: |$)", caption.text)
            assert "".join(sentences) == caption.text
            assert 1 <= len(sentences) <= 3
            assert "  " not in caption.text

    def test_first_a_then_the(self, drawn):
        """An article "a" for what is new and unique by its looks, "the" for what was spoken of."""
        for _, caption in drawn:
            before = set()
            for link in caption.links:
                words = caption.text[link.start : link.end].lower()
                placed = any(re.search(pattern, words) for pattern in read_phrases.SIDES)
                assert words.startswith("the ") == (placed or before.issuperset(link.referents)), caption.text
                before.update(link.referents)

    @pytest.mark.usefixtures("unhooked")
    def test_no_more_things_than_asked_for(self):
        for most in (1, 2, 3):
            for seed, scene in enumerate(SCENES[:40]):
                caption = draw_caption(scene, np.random.default_rng(seed), max_things=most)
                assert len({thing for link in caption.links for thing in link.referents}) <= most

    def test_several_things_in_one_phrase(self, drawn):
        sizes = [len(link.referents) for _, caption in drawn for link in caption.links]
        assert 0.05 < np.mean([size > 1 for size in sizes]) < 0.5

    @pytest.mark.usefixtures("unhooked")
    def test_known(self):
        mugs = Scene((MUG, Thing("mug", "blue", "large", "plain", "left", None, x=0.7, depth=0.5)))
        texts = {draw_caption(mugs, np.random.default_rng(seed)).text for seed in range(300)}
        assert "The picture shows two mugs." in texts
        assert "We see a red mug and a blue mug." in texts
        assert "A red mug is on the left side of a blue mug." in texts
        assert not any("a mug" in text.lower() for text in texts)

    def test_nothing_and_one_thing(self):
        assert draw_caption(Scene(()), np.random.default_rng(0)) is None
        caption = draw_caption(Scene((MUG,)), np.random.default_rng(0))
        assert [link.referents for link in caption.links] == [(0,)]
        assert draw_caption(Scene((MUG,)), np.random.default_rng(0), max_things=0) is None

    def test_same_numbers_same_caption(self):
        scene = SCENES[3]
        assert draw_caption(scene, np.random.default_rng(4)) == draw_caption(scene, np.random.default_rng(4))
