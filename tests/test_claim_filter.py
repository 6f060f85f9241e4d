"""The filter: sentences and links of a talk, judged; what it asks ahead; what it does not understand."""

import pytest
from some_views import told_view

from gk_utils.grounded_conversation.claim_filter import decide, judge_talk, phrases_to_ask, sentences
from gk_utils.grounded_conversation.linked_talk import read_talk
from gk_utils.grounded_conversation.testimony import Vote

THINGS = [("mug", "red", (10, 60, 30, 80)), ("cat", "black", (60, 60, 90, 80))]
TALK = (
    "User: What do you see?\n"
    "Assistant: There is [a red mug](0.1,0.6,0.3,0.8). [The cat](0.4,0.1,0.5,0.2) is black. It was not cheap.\n"
    "User: There is a kettle.\n"
    "Assistant: There is [a blue kettle](0.1,0.6,0.3,0.8).\n"
)
ANSWERS = {"cat": (60, 60, 90, 80), "blue kettle": None}


def judged(view=None, **options):
    return judge_talk(read_talk(TALK)[0], view or told_view(THINGS, ANSWERS), **options)


class TestJudgeTalk:
    def test_each_sentence_and_each_link(self):
        turns = read_talk(TALK)[0]
        found = [(turns[one.turn].said.text[one.start : one.end], one.kind, one.outcome) for one in judged()]
        assert found == [
            ("There is a red mug.", "sentence", "supported"),
            ("a red mug", "box", "supported"),
            ("The cat is black.", "sentence", "undecided"),
            ("The cat", "box", "contradicted"),
            ("It was not cheap.", "sentence", "undecided"),
            ("There is a blue kettle.", "sentence", "contradicted"),
            ("a blue kettle", "box", "contradicted"),
        ]

    def test_the_user_is_not_judged(self):
        assert {one.turn for one in judged()} == {1, 3}

    def test_evidence_is_in_words(self):
        reasons = {(one.turn, one.kind, one.start): one.reason for one in judged()}
        assert "no cat was seen in this box" in reasons[1, "sentence", 20]
        assert reasons[1, "sentence", 38] == "things: it: nothing was spoken of before"
        assert "IoU 0.00 with what it saw as 'blue kettle'; phrase: IoU 0.00" in reasons[3, "box", 9]

    def test_what_cannot_be_read(self):
        turns = read_talk("Assistant: Somebody put [the cat](0.6,0.6,0.9,0.8) down in a hurry.")[0]
        sentence, box = judge_talk(turns, told_view(THINGS))
        assert (sentence.outcome, sentence.reason) == ("undecided", "reader: not a sentence that can be checked")
        assert box.outcome == "supported"

    def test_a_link_beyond_the_end_of_a_sentence(self):
        turns = read_talk("Assistant: I saw [a mug. The cat](0.1,0.6,0.3,0.8) is black.")[0]
        found = [one for one in judge_talk(turns, told_view(THINGS)) if one.kind == "box"]
        assert [(one.start, one.end, one.outcome) for one in found] == [(6, 20, "undecided")]
        assert found[0].reason == "reader: 'a mug. The cat' goes beyond the end of a sentence"

    def test_one_witness(self):
        view = told_view(THINGS)  # who would be asked has no answers
        assert [one.outcome for one in judged(view, second=False)].count("contradicted") == 3

    def test_other_regions_contradict(self):
        nothing = told_view([], {"red mug": None, "cat": None, "blue kettle": None})
        assert [one.outcome for one in judged(nothing)].count("contradicted") >= 4


class TestPhrasesToAsk:
    def test_just_what_is_asked_then(self):
        view = told_view(THINGS, ANSWERS)
        wanted = phrases_to_ask(read_talk(TALK)[0], view)
        assert set(wanted) == {"cat", "blue kettle"}
        assert view.grounder.asked == []
        judged(view)
        assert set(view.grounder.asked) == set(wanted)


class TestDecide:
    @pytest.mark.parametrize(
        ("truths", "outcome"),
        [
            ([True], "supported"),
            ([True, None], "supported"),
            ([False], "contradicted"),
            ([None, False], "contradicted"),
            ([True, False], "undecided"),
            ([None], "undecided"),
            ([], "undecided"),
        ],
    )
    def test_by_hand(self, truths, outcome):
        assert decide([Vote("things", truth, "") for truth in truths]) == outcome


class TestSentences:
    def test_by_hand(self):
        text = "A cat. It sleeps! Where? there"
        assert [text[start:end] for start, end in sentences(text)] == ["A cat.", "It sleeps!", "Where?", "there"]
        assert list(sentences("")) == []
