"""The mini Kosmos-2 on pictures of any size."""

import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.kosmos2.caption_scores import measure_captions, pictures_of
from gk_utils.kosmos2.kosmos_model import build_kosmos
from gk_utils.kosmos2.kosmos_pictures import CHECKPOINTS, KosmosPictures, load_mini
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.protocols import Grounder

SETTINGS = {"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "inner": 16, "captions": 1}


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return KosmosPictures(frozen_trunk("trunk_small"), build_kosmos(SETTINGS))


class TestKosmosPictures:
    def test_boxes_are_of_the_picture(self, mini):
        image = torch.rand(3, 60, 100)
        found = mini.ground(image, "the red mug")
        assert found.image_hw == (60, 100)
        assert (found.boxes[:, [1, 3]] <= 60).all()
        assert isinstance(mini, Grounder)

    def test_captions_and_answers(self, mini):
        image = torch.rand(3, 60, 100)
        assert mini.caption(image, start="we see").text.lower().startswith("we see")
        assert isinstance(mini.ask(image, "Is there a mug?", grounded=True).text, str)

    def test_many_at_once_are_as_one_by_one(self, mini):
        images = torch.rand(3, 3, 60, 90)
        questions = ["Is there a mug?", "What colour is the cat?", "How many things are there?"]
        together = mini.ask_all(images, questions, grounded=True)
        assert together == [mini.ask(*pair, grounded=True) for pair in zip(images, questions, strict=True)]
        assert mini.ask_all(images[:0], []) == []
        with pytest.raises(ValueError, match="as many questions|same length|questions"):
            mini.ask_all(images, questions[:2])

    def test_words_that_are_none(self, mini):
        with pytest.raises(ValueError, match="unicorn"):
            mini.ground(torch.rand(3, 64, 64), "a unicorn")
        with pytest.raises(ValueError, match="phrase: expected words"):
            mini.ground(torch.rand(3, 64, 64), " ")


class TestLoadMini:
    def test_the_one_shipped_points_at_what_it_names(self):
        shipped, card = load_mini()
        assert card.recipe in CHECKPOINTS
        assert measure_captions(shipped.kosmos, pictures_of("val", 8, card.settings["trunk"])).f1 > 0.8

    def test_from_a_folder(self, mini, tmp_path):
        card = Card("kosmos2_small", 0, 1, "CPU", 0.1, {}, SETTINGS)
        checkpoints.save(mini.kosmos.state_dict(), tmp_path / "a", card)
        loaded, found = load_mini(tmp_path / "a")
        assert (loaded.name, found.settings) == ("kosmos2_small", SETTINGS)
        image = torch.rand(3, 64, 64)
        assert loaded.caption(image) == mini.caption(image)

    def test_of_another_model(self, mini, tmp_path):
        checkpoints.save(mini.kosmos.state_dict(), tmp_path / "a", Card("clip", 0, 1, "CPU", 0.1, {}, {"space": 3}))
        with pytest.raises(ValueError, match="expected a mini Kosmos-2, got 'clip'"):
            load_mini(tmp_path / "a")
