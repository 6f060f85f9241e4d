"""Scores of a filter: by hand, kind by kind, and what is left of a talk."""

from gk_utils.grounded_conversation.claim_filter import Judged
from gk_utils.grounded_conversation.filter_scores import keep_turns, score_filter
from gk_utils.grounded_conversation.linked_talk import read_talk
from gk_utils.grounded_conversation.talk_grammar import Said


def claim(turn, kind, true):
    return Said(turn, 0, 5, kind, true)


def verdict(turn, outcome, kind="sentence"):
    return Judged(turn, 0, 5, kind, outcome, ())


class TestScoreFilter:
    claims = (
        *(claim(1, "object", False), claim(3, "count", True), claim(5, "colour", False), claim(7, "relation", True)),
        *(claim(1, "box", False), claim(9, "beyond", None)),
    )
    judged = (
        *(verdict(1, "contradicted"), verdict(3, "contradicted"), verdict(5, "undecided"), verdict(7, "supported")),
        *(verdict(1, "contradicted", "box"), verdict(9, "undecided")),
    )

    def test_by_hand(self):
        scores = score_filter([(self.claims, self.judged)])
        assert scores.precision == 2 / 3
        assert scores.recall == 2 / 3
        assert scores.undecided.tolist() == [False, False, True, False, False]
        assert scores.beyond == ("undecided",)

    def test_kinds_and_pictures(self):
        scores = score_filter([(self.claims[:1], self.judged), (self.claims, self.judged)])
        assert scores.picture.tolist() == [0, 1, 1, 1, 1, 1]
        assert scores.of("object").recall == 1
        assert scores.of("colour").recall == 0
        assert scores.of("count").precision == 0
        assert len(scores.of("absent").outcomes) == 0
        both = [kind for kind in scores.kinds if kind in ("colour", "object")]
        assert both
        assert list(scores.of("colour", "object").kinds) == both

    def test_nothing(self):
        scores = score_filter([])
        assert (scores.precision, scores.recall) == (0.0, 0.0)

    def test_what_was_not_judged_is_undecided(self):
        assert score_filter([(self.claims[:1], ())]).outcomes == ("undecided",)


class TestKeepTurns:
    turns = read_talk("User: A?\nAssistant: One.\nUser: B?\nAssistant: Two.\nUser: C?\nAssistant: Three.")[0]

    def said(self, judged, **options):
        return [turn.said.text for turn in keep_turns(self.turns, judged, **options)]

    def test_question_and_answer_go_together(self):
        judged = [verdict(1, "supported"), verdict(3, "contradicted"), verdict(5, "undecided")]
        assert self.said(judged) == ["A?", "One.", "C?", "Three."]
        assert self.said(judged, undecided=False) == ["A?", "One."]

    def test_one_wrong_claim_is_enough(self):
        assert self.said([verdict(1, "supported"), verdict(1, "contradicted", "box")]) == ["B?", "Two.", "C?", "Three."]

    def test_nothing_judged(self):
        assert len(self.said([])) == 6
