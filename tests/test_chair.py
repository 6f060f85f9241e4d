import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.grounded_conversation.chair import chair, find_mentions, read_synonyms

SYNONYMS = {
    **{"person": "person", "man": "person", "baby": "person", "dog": "dog", "hot dog": "hot dog", "bus": "bus"},
    **{"glass": "glass", "wine glass": "wine glass", "mug": "mug", "cup": "mug", "knife": "knife", "toilet": "toilet"},
    **{"chair": "chair", "seat": "chair", "bear": "bear", "cherry": "cherry", "box": "box"},
}
COMPOUNDS = {"toilet seat": "toilet", "baby bear": "bear", "top dog": ""}


def names(caption, compounds=None):
    return [mention.name for mention in find_mentions(caption, SYNONYMS, compounds)]


class TestFindMentions:
    def test_spans(self):
        caption = "A hot dog, Two Men."
        assert [caption[m.start : m.end] for m in find_mentions(caption, SYNONYMS)] == ["hot dog", "Men"]

    def test_plurals(self):
        assert names("Knives, wine glasses, buses, boxes, cherries, cups and people") == [
            *("knife", "wine glass", "bus", "box", "cherry", "mug", "person")
        ]

    def test_parts_of_words_are_no_mentions(self):
        assert names("a busy dogma, a chairman with a mugshot") == []

    def test_the_longest_wins(self):
        assert names("a wine glass and a glass") == ["wine glass", "glass"]

    def test_compounds(self):
        assert names("the toilet seat, a baby bear and a top dog") == [
            *("toilet", "chair", "person", "bear", "dog"),
        ]
        assert names("the toilet seat, a baby bear and a top dog", COMPOUNDS) == ["toilet", "bear"]

    def test_empty(self):
        assert find_mentions("", SYNONYMS) == find_mentions("a dog", {}) == ()

    @given(st.text())
    def test_any_text(self, text):
        for mention in find_mentions(text, SYNONYMS):
            assert 0 <= mention.start < mention.end <= len(text.lower())


class TestChair:
    def test_by_hand(self):
        captions = ["A dog and a mug.", "Two mugs.", "Nothing here.", "A cup near a bus and a bus."]
        found = chair(captions, [["dog"], ["mug"], ["mug"], ["mug"]], SYNONYMS)
        assert found.mentions == (2, 1, 0, 3)
        assert [[mention.name for mention in each] for each in found.made_up] == [["mug"], [], [], ["bus", "bus"]]
        assert (found.chair_i, found.chair_s) == (3 / 6, 2 / 4)

    def test_nothing_mentioned(self):
        found = chair(["A view."], [["dog"]], SYNONYMS)
        assert (found.chair_i, found.chair_s) == (0.0, 0.0)

    def test_errors(self):
        with pytest.raises(ValueError, match="captions: expected at least one"):
            chair([], [], SYNONYMS)
        with pytest.raises(ValueError, match="things"):
            chair(["a"], [], SYNONYMS)
        with pytest.raises(ValueError, match=r"things: expected names of synonyms, got 'cup' in row 1"):
            chair(["a", "b"], [["mug"], ["cup"]], SYNONYMS)


class TestReadSynonyms:
    def test_as_in_the_released_list(self, tmp_path):
        path = tmp_path / "synonyms.txt"
        path.write_text("person, girl, Boy\n\nhot dog\nbicycle, bike,  mountain   bike\n")
        read = read_synonyms(path)
        assert read["boy"] == "person"
        assert read["mountain bike"] == "bicycle"
        assert read["hot dog"] == "hot dog"

    @pytest.mark.parametrize(
        ("text", "message"), [("mug, ,cup", "expected words"), ("mug, cup\ntea cup, cup", "line 2")]
    )
    def test_errors(self, tmp_path, text, message):
        path = tmp_path / "synonyms.txt"
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_synonyms(path)
