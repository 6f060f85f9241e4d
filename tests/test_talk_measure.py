import pytest
import torch
from some_talk import tiny_talker

from gk_utils.countertop.splits import read_split
from gk_utils.shikra.talk import read, spell
from gk_utils.shikra.talk_measure import (
    ASKED,
    STEPS,
    WAYS,
    answer_three_ways,
    answers_to,
    boxes_of,
    draw_asked,
    find_all,
    is_right,
    measure_rec,
    measure_tasks,
    pictures_of,
    right_of,
)
from gk_utils.shikra.talk_tasks import NONE


@pytest.fixture(scope="module")
def talker():
    return tiny_talker()


class TestDrawAsked:
    @pytest.mark.parametrize("task", ASKED)
    def test_the_truth_is_right_and_fits(self, task, talker):
        asked = draw_asked(task, 8)
        assert max(len(talker.tokens.encode(exchange.answer.text)) for exchange in asked.exchanges) < STEPS[task]
        assert len(asked.exchanges) >= 8
        assert len(asked.images) == len(asked.views)
        assert right_of(asked, [exchange.answer for exchange in asked.exchanges]).all()
        assert pictures_of(asked).max() == len(asked.views) - 1

    def test_is_the_same_again(self):
        first, again = draw_asked("truth", 6), draw_asked("truth", 6)
        assert first.exchanges == again.exchanges

    def test_a_later_turn_has_what_was_said_before(self):
        asked = draw_asked("talk", 12)
        later = [row for row, before in enumerate(asked.before) if before]
        assert later
        for row in later:
            assert asked.before[row] == (asked.exchanges[row - 1].question, asked.exchanges[row - 1].answer)
            assert len(asked.conversations[row].utterances) == 3


class TestIsRight:
    def test_reg_is_executed(self):
        asked = draw_asked("reg", 4)
        exchange, view = asked.exchanges[0], asked.views[asked.pictures[0]]
        assert not is_right(exchange, read("assistant", "The thing."), view)
        assert not is_right(exchange, read("assistant", "[0.1,0.2"), view)

    def test_words_must_be_right(self):
        asked = draw_asked("region", 4)
        assert not is_right(asked.exchanges[0], read("assistant", "A mug."), asked.views[0])


class TestAnswersTo:
    def test_no_picture_is_one_answer_a_question(self, talker):
        asked = draw_asked("truth", 4)
        assert answers_to(talker, asked, blind=True) == answers_to(talker, asked, 1, blind=True)


class TestAnswerThreeWays:
    def test_as_one_by_one(self, talker):
        asked = draw_asked("region", 6)
        look = talker.look(asked.images)
        found = answer_three_ways(talker, look, asked.pictures, asked.conversations, steps=8, shift=1)
        assert list(found) == list(WAYS)
        assert found["its picture"] == answers_to(talker, asked)
        assert found["another picture"] == answers_to(talker, asked, 1)
        assert found["no picture"] == answers_to(talker, asked, blind=True)


class TestFindAll:
    def test_scores(self, talker):
        found = find_all(talker, read_split("val")[:6])
        assert len(found.answers) == 6
        assert ((found.iou >= 0) & (found.iou <= 1)).all()

    def test_true_answers_are_right_and_those_of_another_picture_are_not(self, talker, monkeypatch):
        samples = read_split("val")[:16]
        assert {sample.box is None for sample in samples} == {True, False}
        true = [
            read(
                "assistant", NONE if sample.box is None else f"It is at {spell((tuple(x / 128 for x in sample.box),))}."
            )
            for sample in samples
        ]
        monkeypatch.setattr(talker, "answer", lambda look, rows, asked, steps=0: true)
        found = find_all(talker, samples)
        assert found.right.all()
        assert (found.iou > 0.9).tolist() == [sample.box is not None for sample in samples]
        monkeypatch.setattr(talker, "answer", lambda look, rows, asked, steps=0: true[1:] + true[:1])
        assert find_all(talker, samples).right.float().mean() < 0.5

    def test_what_says_no_box(self):
        boxes, there = boxes_of([read("assistant", "It is at [0.100,0.200,0.300,0.400]."), read("assistant", "No.")])
        torch.testing.assert_close(boxes, torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.0] * 4]))
        assert there.tolist() == [True, False]


class TestMeasure:
    def test_for_a_card(self, talker):
        assert set(measure_rec(talker, 8)) == {"acc@0.5", "by_type"}
        assert set(measure_tasks(talker, 2)) == set(ASKED)
