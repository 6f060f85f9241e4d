"""What `evaluate conversation` measures."""

import pytest
import torch
from some_views import told_view

from gk_utils import checkpoints
from gk_utils.box_tokens.detector_recipe import scenes_of
from gk_utils.checkpoints import Card
from gk_utils.evaluate import kosmos2
from gk_utils.evaluate.conversation import (
    ask_habit,
    ask_shikra,
    chair_metrics,
    draw_all_polls,
    draw_talks,
    evaluate_conversation,
    filter_metrics,
    judge_all,
    judge_by_regions,
    poll_metrics,
    regions_of,
    things_by_name,
)
from gk_utils.evaluate.language_only import LanguageOnly
from gk_utils.formats.pope import PopeQuestion
from gk_utils.grounded_conversation.chair import chair
from gk_utils.grounded_conversation.filter_scores import FilterScores
from gk_utils.kosmos2.kosmos_model import build_kosmos
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.shikra_recipe import build as build_talker

SETTINGS = {"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "inner": 16, "captions": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("kosmos2")
    checkpoints.save(build_kosmos(SETTINGS).state_dict(), made, Card("kosmos2_small", 0, 1, "CPU", 0.1, {}, SETTINGS))
    return made


class TestEvaluateConversation:
    def test_what_it_prints(self, folder, monkeypatch):
        few = LanguageOnly(["a red mug", "two cats"], torch.tensor([[0.1, 0.1, 0.4, 0.5], [0.5, 0.2, 0.9, 0.8]]))
        monkeypatch.setattr(kosmos2, "language_only", lambda: few)
        found = evaluate_conversation(limit=6, checkpoint=str(folder))
        assert {"split", "n", "checkpoint", "device", "metrics", "baselines", "seconds"} == found.keys()
        assert {"filter_precision", "filter_recall", "undecided", "planted", "pope_f1", "chair_i"} <= found[
            "metrics"
        ].keys()
        assert found["metrics"]["by_poll"].keys() == {"random", "popular", "adversarial"}
        names = {"one_witness", "regions", "chance", "trunk", "always_yes", "habit", "words_alone", "other_picture"}
        assert set(found["baselines"]) - {"shikra"} == names
        assert found["baselines"]["always_yes"]["pope_f1"]["value"] == pytest.approx(2 / 3, abs=1e-3)
        assert found["baselines"]["always_yes"]["pope_yes"]["value"] == 1
        assert found["baselines"]["trunk"]["pope_f1"]["value"] > 0.8
        assert found["baselines"]["regions"]["sentences"]["planted"] == found["metrics"]["sentences"]["planted"]
        assert found["metrics"]["filter_recall"].keys() == {"value", "low", "high"}

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="split: expected one of"):
            evaluate_conversation(split="train")
        with pytest.raises(ValueError, match="limit: expected 2"):
            evaluate_conversation(limit=1)


class TestJudgeAll:
    def test_the_wrong_picture_contradicts_what_is_true(self):
        talks = draw_talks(scenes_of("val", 6), rate=0.3, answers=3)
        right, wrong = judge_all(talks), judge_all(talks, shift=3)
        assert right.wrong.equal(wrong.wrong)
        assert 10 < int(right.wrong.sum()) < 0.6 * len(right.wrong)
        assert right.recall > 0.8
        assert right.precision > wrong.precision + 0.3
        assert wrong.outcomes.count("contradicted") > 1.5 * right.outcomes.count("contradicted")


class TestJudgeByRegions:
    def test_things_are_checked_and_boxes_are_not(self):
        scores = judge_by_regions(draw_talks(scenes_of("val", 6), rate=0.3, answers=4))
        assert scores.of("object").recall == 1
        assert set(scores.of("box").outcomes) == {"undecided"}

    def test_nothing_seen(self):
        found = regions_of(told_view([]))
        assert len(found) == 0
        assert "mug" in found.absent


class TestFilterMetrics:
    scores = FilterScores(
        torch.tensor([True, True, False, False]),
        ("contradicted", "undecided", "contradicted", "supported"),
        ("box",) * 4,
        torch.arange(4),
    )

    def test_by_hand(self):
        found = {name: one["value"] for name, one in filter_metrics(self.scores).items()}
        assert found == {"filter_precision": 0.5, "filter_recall": 0.5, "undecided": 0.25, "planted": 0.5}

    def test_other_decisions(self):
        found = filter_metrics(self.scores, torch.tensor([True, True, False, False]))
        assert (found["filter_precision"]["value"], found["filter_recall"]["value"]) == (1, 1)

    def test_nothing_contradicted(self):
        assert filter_metrics(self.scores, torch.zeros(4, dtype=torch.bool))["filter_precision"]["value"] == 0


class TestPolls:
    polls = {"random": (PopeQuestion(1, "000000", "Is there an apple in the image?", True),) * 2}  # noqa: RUF012

    def test_by_hand(self):
        found = poll_metrics(self.polls, {"random": [True, None]})
        assert found["pope_f1"]["value"] == pytest.approx(2 / 3, abs=1e-3)
        assert found["by_poll"]["random"]["pope_yes"]["value"] == 0.5

    def test_a_habit_has_no_eyes(self):
        things = {"a": ["cat", "mug"], "b": [f"thing {k}" for k in range(6)], "c": ["mug"]}
        polls = {"random": (PopeQuestion(1, "a", "Is there a mug in the image?", True),)}
        assert ask_habit(things, polls) == {"random": [True]}
        assert ask_habit(things, {"random": (PopeQuestion(1, "a", "Is there a bird in the image?", False),)}) == {
            "random": [False]
        }

    def test_few_pictures_have_fewer_polls(self):
        things = {"0": ["mug", "cat", "bird"], "1": ["mug", "cat"], "2": ["spoon", "vase"], "3": ["apple", "mug"]}
        assert {len(each) for each in draw_all_polls(things).values()} == {16}
        with pytest.raises(ValueError, match="pictures: expected things that are not in"):
            draw_all_polls({"0": ["mug"]})

    def test_things_by_name(self):
        notes = draw_talks(scenes_of("val", 2), answers=1).notes
        things = things_by_name(notes)
        assert list(things) == ["000000", "000001"]
        assert things["000000"] == list(dict.fromkeys(thing.category for thing in notes[0].things))


class TestAskShikra:
    def test_each_question_alone(self):
        torch.manual_seed(0)
        settings = {"trunk": "trunk_small", "patches": 8, "width": 32, "heads": 2}
        talker, talks = Talker(build_talker(settings), settings), draw_talks(scenes_of("val", 2), answers=1)
        text = "Is there an apple in the image?"
        polls = {"random": (PopeQuestion(1, "000001", text, True), PopeQuestion(2, "000000", text, False))}
        answers = ask_shikra(talker, talks.views, polls)["random"]
        assert len(answers) == 2
        assert set(answers) <= {True, False, None}


class TestChair:
    def test_by_hand(self):
        found = chair_metrics(chair(["A cat and a mug.", "A mug."], [["mug"], ["mug"]], {"cat": "cat", "mug": "mug"}))
        assert found["chair_i"]["value"] == pytest.approx(1 / 3, abs=1e-3)
        assert found["chair_s"]["value"] == 0.5
