"""What a phrase of a caption names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.scene import draw_scene
from gk_utils.countertop.wording import vocabulary
from gk_utils.kosmos2.phrase_meaning import read_phrase


class TestReadPhrase:
    @pytest.mark.parametrize(
        ("phrase", "program", "count"),
        [
            ("a red mug", "all things > mug > colour is red", 1),
            ("The two Large dotted books", "all things > book > size is large > pattern is dotted", 2),
            ("three things", "all things", 3),
            ("the kettle with its spout on the left", "all things > kettle > facing is left", 1),
            ("a vase with flowers", "all things > vase > state is with flowers", 1),
            ("the cat that is sleeping and facing right", "all things > cat > state is sleeping > facing is right", 1),
        ],
    )
    def test_by_hand(self, phrase, program, count):
        meaning = read_phrase(phrase)
        assert (str(meaning.program), meaning.count) == (program, count)

    @pytest.mark.parametrize(
        ("phrase", "side"),
        [
            *(("the leftmost mug", "left"), ("the mug farthest to the right", "right")),
            *(("the nearest mug", "front"), ("the mug closest to the viewer", "front")),
            *(("the mug farthest from the viewer", "back"), ("the rearmost red mug", "back")),
        ],
    )
    def test_sides(self, phrase, side):
        assert read_phrase(phrase).program.side == side

    @pytest.mark.parametrize(
        "phrase", ["", "the", "a unicorn", "a red blue mug", "a mug plate", "red", "small large cat"]
    )
    def test_what_means_nothing(self, phrase):
        assert read_phrase(phrase) is None

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 2**40))
    def test_the_phrases_of_captions_find_what_they_name(self, seed):
        scene = draw_scene_for(seed)
        caption = draw_caption(scene, np.random.default_rng(seed))
        for said in caption.links if caption else ():
            meaning = read_phrase(caption.text[said.start : said.end])
            assert meaning.fits(scene) == said.referents
            assert meaning.holds(scene)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.sampled_from([*vocabulary(), "a", "two", "mugs"]), max_size=6))
    def test_any_words_can_be_read(self, some):
        meaning = read_phrase(" ".join(some))
        assert meaning is None or meaning.count >= 1


class TestMeaning:
    def test_more_than_there_are(self):
        scene = draw_scene(0, wanted=[{"category": "mug"}, {"category": "mug"}, {"category": "cat"}], n=3)
        assert read_phrase("two mugs").holds(scene)
        assert read_phrase("a mug").holds(scene)
        assert not read_phrase("three mugs").holds(scene)
        assert not read_phrase("a plate").holds(scene)
