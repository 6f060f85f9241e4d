import pytest
import torch

from gk_utils.counting.counters import Counted, Counter
from gk_utils.counting.counting_model import build_counter
from gk_utils.counting.counting_scenes import draw_counting_scene
from gk_utils.labs.count_trials import START, ask_about, count_all, draw_pairs, draw_trials, numbers_of, spread_numbers


@pytest.fixture(scope="module")
def trials():
    return draw_trials([2, 5, 1], side=64, categories=("mug", "cat"), clutter=1.0)


class TestDrawTrials:
    def test_truth_and_question_agree(self, trials):
        assert trials.counts.tolist() == [2, 5, 1]
        assert trials.images.shape == (3, 3, 64, 64)
        assert [phrase in ("mugs", "cats") for phrase in trials.phrases] == [True] * 3
        for boxes, shown in zip(trials.boxes, trials.exemplars, strict=True):
            assert 1 <= len(shown) <= 3
            assert all((boxes == one).all(1).any() for one in shown)

    def test_the_same_scenes_at_another_size(self, trials):
        large = draw_trials([2, 5, 1], side=128, categories=("mug", "cat"), clutter=1.0)
        assert large.scenes == trials.scenes
        assert (large.boxes[1] / 2 - trials.boxes[1]).abs().max() < 2


class TestAskAbout:
    def test_the_other_kind(self):
        scene = draw_counting_scene(START, n=3, category="mug", categories=("mug", "cat"), clutter=2.0)
        assert ask_about([scene] * 2, ["mug", "cat"], side=64).counts.tolist() == [3, 6]


class TestDrawPairs:
    def test_one_picture_two_questions(self):
        alone, mixed = draw_pairs(2, ("mug", "cat"))
        for one, both in zip(alone, mixed, strict=True):
            assert both.images[0].equal(both.images[1])
            assert not one.images[0].equal(one.images[1])
            assert both.phrases[0] != both.phrases[1]
            assert (one.counts.sum(), both.counts.sum()) == (14, 15)


class TestCountAll:
    @pytest.mark.parametrize("kind", ["density", "exemplar", "text_blind"])
    def test_one_answer_a_picture(self, trials, kind):
        torch.manual_seed(0)
        counted = count_all(Counter(build_counter({"kind": kind, "width": 8, "blocks": 1})), trials)
        assert numbers_of(counted).shape == (3,)
        assert numbers_of([Counted(1.5)]).tolist() == [1.5]


class TestSpreadNumbers:
    def test_both_ends_are_there(self):
        numbers = spread_numbers(20, 1, 20)
        assert sorted(numbers) == list(range(1, 21))
        assert numbers != sorted(numbers)
        assert numbers == spread_numbers(20, 1, 20)
