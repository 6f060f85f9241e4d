"""The lab of lesson 12."""

import base64

import ipywidgets
import pytest
import torch

from gk_utils.figure_image import LIMIT
from gk_utils.kosmos2.grounded_text import GroundedText, parse_grounded
from gk_utils.labs.hyperlinks import STILL, HyperlinkLab, draw_followed, follow

CAT, MUG = (0.1, 0.2, 0.5, 0.9), (0.5, 0.5, 0.6, 0.7)
SAID = GroundedText("A cat is near two mugs.", ((0, 5), (14, 22)), ((CAT,), (MUG, CAT)))


class Says:
    """A model that says the same of every picture, and knows no unicorn."""

    def caption(self, image, start=""):
        if "unicorn" in start:
            raise ValueError("text: expected words of the vocabulary, got 'unicorn'")
        return SAID if start != "nothing" else GroundedText("nothing")


@pytest.fixture
def lab():
    return HyperlinkLab(Says(), {"grey": torch.full((3, 40, 80), 0.5), "dark": torch.zeros(3, 40, 80)})


def buttons(lab):
    return [one for one in lab.caption.children if isinstance(one, ipywidgets.Button)]


class TestFollow:
    def test_by_hand(self):
        found = follow(SAID, 1, (100, 200))
        assert found.sentence == "'two mugs': 2 boxes"
        assert found.boxes.round().tolist() == [[100.0, 50.0, 120.0, 70.0], [20.0, 20.0, 100.0, 90.0]]
        assert found.in_words().splitlines()[2] == "left 100, top 50, right 120, bottom 70"

    def test_what_is_written_can_be_read(self):
        read = parse_grounded(follow(SAID, 1, (100, 200)).written)
        assert (read.grounded.phrases, len(read.grounded.boxes_unit[0]), read.problems) == (("two mugs",), 2, ())

    def test_the_ends(self):
        assert follow(SAID, 9, (10, 10)).index == 1
        assert follow(GroundedText("nothing"), 0, (10, 10)).index is None
        with pytest.raises(ValueError, match="index: expected 0 or more"):
            follow(SAID, -1, (10, 10))


class TestDrawFollowed:
    def test_boxes_of_the_phrase(self):
        axes = draw_followed(torch.zeros(3, 100, 200), follow(SAID, 1, (100, 200))).axes[0]
        assert len([patch for patch in axes.patches if patch.get_gid() == "boxes"]) == 2


class TestHyperlinkLab:
    def test_click_a_phrase(self, lab):
        assert [button.description for button in buttons(lab)] == ["A cat", "two mugs"]
        assert lab.followed.index == 0
        buttons(lab)[1].click()
        assert lab.followed.index == 1
        assert [button.button_style for button in buttons(lab)] == ["", "primary"]
        assert "two mugs" in lab.view.value

    def test_another_picture_begins_at_the_first_phrase(self, lab):
        buttons(lab)[1].click()
        lab.picture.value = "dark"
        assert lab.followed.index == 0

    def test_words_of_ones_own(self, lab):
        lab.own.value = "a unicorn"
        assert "unicorn" in lab.view.value
        assert buttons(lab) == []
        assert lab.followed.in_words().startswith("(no caption)")  # not that of the beginning before
        assert "two mugs" not in lab._repr_mimebundle_()[0]["text/plain"]
        lab.own.value = "nothing"
        assert lab.followed.index is None
        lab.start.value = "we see"
        assert len(buttons(lab)) == 2

    def test_the_still_picture(self, lab):
        data, metadata = lab._repr_mimebundle_()
        mime = next(iter(metadata))
        assert len(base64.b64decode(data[mime])) <= STILL
        assert "A cat is near two mugs." in data["text/plain"] == metadata[mime]["alt"]
        assert len(lab.first_frame()[1]) <= LIMIT
