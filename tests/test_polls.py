from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.formats.pope import KINDS
from gk_utils.grounded_conversation.polls import ask, careful_reading, draw_polls, published_reading, score_polls

PICTURES = {
    "a": ["mug", "plate", "cat"],
    "b": ["mug", "plate", "spoon"],
    "c": ["mug", "bowl", "spoon"],
    "d": ["apple", "bowl", "mug"],
}


def thing_of(question):
    return question.text.split(" in the image?")[0].split(" ", 3)[3]


class TestDrawPolls:
    @pytest.mark.parametrize("kind", KINDS)
    def test_half_are_there_and_no_thing_is_asked_for_twice(self, kind):
        questions = draw_polls(PICTURES, kind, each=2)
        assert [question.question_id for question in questions] == list(range(1, 17))
        assert [question.label for question in questions] == [True, False] * 8
        for image, things in PICTURES.items():
            asked = {thing_of(q): q.label for q in questions if q.image == image}
            assert len(asked) == 4
            assert all(label == (thing in things) for thing, label in asked.items())

    def test_popular_by_hand(self):
        absent = [thing_of(q) for q in draw_polls(PICTURES, "popular", each=1) if not q.label]
        assert absent == ["bowl", "bowl", "plate", "plate"]  # mug 4, bowl, plate and spoon 2, apple and cat 1

    def test_adversarial_by_hand(self):
        asked = [(thing_of(q), q.label) for q in draw_polls(PICTURES, "adversarial", each=1)]
        assert asked[:6] == [
            *(("mug", True), ("bowl", False)),  # beside mug: bowl, plate and spoon 2, then apple and cat
            *(("mug", True), ("bowl", False)),
            *(("mug", True), ("plate", False)),
        ]
        assert asked[6] == ("apple", True)
        assert asked[7][0] in ("cat", "plate", "spoon")  # what stands beside an apple is there: chance goes on

    def test_random_takes_each_absent_thing(self):
        picked = Counter(
            thing_of(question)
            for seed in range(200)
            for question in draw_polls(PICTURES, "random", each=1, seed=seed)
            if question.image == "a" and not question.label
        )
        assert set(picked) == {"apple", "bowl", "spoon"}
        assert min(picked.values()) > 40

    def test_the_same_again_and_other_chance(self):
        assert draw_polls(PICTURES, "random", seed=1) == draw_polls(PICTURES, "random", seed=1)
        assert draw_polls(PICTURES, "random", seed=1) != draw_polls(PICTURES, "random", seed=4)

    def test_pictures_with_few_things_are_left_out(self):
        assert {q.image for q in draw_polls({**PICTURES, "e": ["mug", "mug"]}, "random", each=2)} == set(PICTURES)
        assert draw_polls({"e": ["mug"]}, "random") == ()

    def test_errors(self):
        with pytest.raises(ValueError, match="kind: expected one of"):
            draw_polls(PICTURES, "hard")
        with pytest.raises(ValueError, match="each: expected 1 or more, got 0"):
            draw_polls(PICTURES, "random", each=0)
        with pytest.raises(ValueError, match=r"pictures: expected things that are not in a, got none left of 2 known"):
            draw_polls({"a": ["mug", "cat"]}, "popular", each=2)


class TestAsk:
    def test_articles(self):
        assert ask("mug") == "Is there a mug in the image?"
        assert ask("orange") == "Is there an orange in the image?"


class TestReadings:
    @pytest.mark.parametrize(
        ("answer", "published", "careful"),
        [
            ("Yes, there is.", True, True),
            ("No, there is no cat.", False, False),
            ("no", False, False),
            ("NO", True, False),  # the script knows No and no alone
            ("There isn't a cat.", True, False),
            ("There is not.", False, False),
            ("A mug. There is no cat.", True, None),
            ("Yes, but not a red one.", False, None),
            ("", True, None),
            ("I cannot say.", True, None),
        ],
    )
    def test_both(self, answer, published, careful):
        assert published_reading(answer) is published
        assert careful_reading(answer) is careful

    @given(st.text())
    def test_any_text(self, text):
        assert published_reading(text) in (True, False)
        assert careful_reading(text) in (True, False, None)


class TestScorePolls:
    def test_by_hand(self):
        score = score_polls([True, True, True, False, False], [True, False, None, True, False])
        assert (score.accuracy, score.precision, score.recall) == (0.4, 0.5, 1 / 3)
        assert score.f1 == pytest.approx(0.4)
        assert (score.yes_ratio, score.undecided) == (0.4, 0.2)

    def test_equal_to_scikit_style_counts(self):
        labels, answers = [True, False] * 6, [True, True, False] * 4
        score = score_polls(labels, answers)
        both = sum(a and b for a, b in zip(labels, answers, strict=True))
        precision, recall = both / sum(answers), both / sum(labels)
        assert score.f1 == pytest.approx(2 * precision * recall / (precision + recall))

    def test_habits(self):
        labels = [True, False] * 10
        always, never = score_polls(labels, [True] * 20), score_polls(labels, [False] * 20)
        assert (always.accuracy, always.yes_ratio, always.recall) == (0.5, 1.0, 1.0)
        assert always.f1 == pytest.approx(2 / 3)  # what a model that only says yes gets: print the yes ratio
        assert (never.accuracy, never.f1, never.precision) == (0.5, 0.0, 0.0)

    def test_errors(self):
        with pytest.raises(ValueError, match="labels: expected at least one question"):
            score_polls([], [])
        with pytest.raises(ValueError, match="labels and answers|answers"):
            score_polls([True], [])
