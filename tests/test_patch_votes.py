import torch

from gk_utils.ferret.ferret_recipe import answer_scenes, build
from gk_utils.ferret.patch_votes import label_votes, vote_scenes
from gk_utils.ferret.region_questions import ASKS
from gk_utils.models.trunk import LABELS
from gk_utils.models.trunk_grounder import frozen_trunk


class TestLabelVotes:
    def test_the_answers_come_in_the_order_of_the_question(self):
        for name, (_, answers) in ASKS.items():
            assert tuple(value for value in LABELS[name] if value is not None) == answers

    def test_the_mean_of_the_votes_is_the_vote_of_the_mean(self):
        trunk, features = frozen_trunk(), torch.randn(5, 128)
        votes = label_votes(trunk, features, "colour").mean(0)
        torch.testing.assert_close(label_votes(trunk, features.mean(0, keepdim=True), "colour")[0], votes)


class TestVoteScenes:
    def test_the_questions_are_those_of_the_readers_and_the_votes_beat_chance(self):
        reader = build({"trunk": "trunk_small", "reference": "coordinates", "width": 16, "heads": 2, "layers": 1})
        voted, answered = vote_scenes("trunk_small", 6), answer_scenes(reader, "trunk_small", 6)
        assert voted.truth.equal(answered.truth)
        assert voted.names == answered.names
        assert voted.right.float().mean() > 0.4

    def test_in_the_box_both_twins_get_the_same_vote(self):
        voted = vote_scenes("trunk_small", 8, in_box=True)
        twins = [k for k, form in enumerate(voted.forms) if form == "twin"]
        same = [voted.answer[a] == voted.answer[b] for a, b in zip(twins[::2], twins[1::2], strict=True)]
        assert len(same) >= 4
        assert torch.tensor(same).float().mean() > 0.7  # random points of one box, nearly always
