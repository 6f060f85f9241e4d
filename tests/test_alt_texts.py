"""Captions as the web has them."""

import numpy as np
import pytest

from gk_utils.countertop.language import draw_scene_for
from gk_utils.kosmos2.alt_texts import draw_alt_text
from gk_utils.kosmos2.phrase_meaning import read_phrase

PAIRS = [(draw_scene_for(seed), draw_alt_text(draw_scene_for(seed), np.random.default_rng(seed))) for seed in range(40)]
SAID = [(scene, said) for scene, said in PAIRS if said]


class TestDrawAltText:
    def test_most_scenes_allow_one(self):
        assert len(SAID) > 25

    @pytest.mark.parametrize(("scene", "said"), SAID[:12])
    def test_what_is_known_of_it(self, scene, said):
        first, mark = said.phrases
        assert said.text[0].isupper()
        assert said.text.endswith(".")
        assert first.start <= first.chunk_end < mark.start < mark.end == first.end
        assert mark.chunk_end == mark.end
        assert set(first.referents) <= set(read_phrase(said.text[first.start : first.chunk_end]).fits(scene))
        assert read_phrase(said.text[mark.start : mark.end]).fits(scene) == mark.referents

    def test_the_chunk_alone_is_often_not_enough(self):
        """That is what the words behind it are for."""
        more = [
            len(read_phrase(said.text[said.phrases[0].start : said.phrases[0].chunk_end]).fits(scene)) > 1
            for scene, said in SAID
        ]
        assert all(more)

    def test_nothing_to_relate(self):
        from gk_utils.countertop.scene import draw_scene

        assert draw_alt_text(draw_scene(0, n=1), np.random.default_rng(0)) is None
