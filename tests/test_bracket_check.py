import numpy as np
import torch
from some_talk import some_views

from gk_utils.shikra.bracket_check import check_brackets, phrase_before
from gk_utils.shikra.talk import read
from gk_utils.shikra.talk_tasks import draw_task


class TestCheckBrackets:
    def test_true_captions_pass_and_those_of_other_scenes_do_not(self):
        views, own, other = some_views(), [], []
        for k, view in enumerate(views):
            for exchange in draw_task(view, "caption", np.random.default_rng(k)):
                next_one = views[(k + 1) % len(views)]
                for one, kept in ((view, own), (next_one, other)):
                    kept.append(check_brackets(exchange.answer, one.scene, torch.tensor(one.boxes)))
        assert torch.cat(own).double().mean() >= 0.95
        assert len(torch.cat(own)) >= 6
        assert torch.cat(other)[:, 1].double().mean() <= 0.2

    def test_a_true_phrase_with_a_box_elsewhere(self):
        view = some_views()[0]
        thing = view.scene.things[view.seen[0]]
        said = read("assistant", f"A {thing.category}[0.000,0.000,0.010,0.010] and a word[0.1,0.2,0.3,0.4].")
        assert check_brackets(said, view.scene, torch.tensor(view.boxes)).tolist() == [[True, False], [False, False]]

    def test_no_brackets_of_boxes(self):
        view = some_views()[0]
        said = read("assistant", "A mug[0.500,0.500].")
        assert check_brackets(said, view.scene, torch.tensor(view.boxes)).shape == (0, 2)


class TestPhraseBefore:
    def test_the_longest_that_can_be_read(self):
        assert str(phrase_before("The picture shows two small red mugs").program) == (
            "all things > mug > size is small > colour is red"
        )
        assert phrase_before("A mug[0.1,0.2,0.3,0.4] is under it") is None
        assert phrase_before("") is None

    def test_of_a_text_without_end_only_the_end_is_read(self):
        assert str(phrase_before(5_000 * "red " + "mug").program) == str(phrase_before(99 * "red " + "mug").program)
