"""Tests of gk_utils.book.concept_map."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.book.concept_map import concept_map, levels, nearest_needs, needs
from gk_utils.classroom.source import lesson_paths, read


class TestNeeds:
    def test_of_the_course(self):
        lessons = [read(path) for path in lesson_paths()]
        found = needs(lessons)
        assert found["00_start_here"] == []  # it asks for Python, which is no lesson
        assert "04_box_regression" in found["07_grounding_dino"]
        assert all(want < name for name, wants in found.items() for want in wants)


class TestLevels:
    def test_by_hand(self):
        assert levels({"a": [], "b": ["a"], "c": ["b", "a"], "d": []}) == [["a", "d"], ["b"], ["c"]]

    def test_empty(self):
        assert levels({}) == []

    def test_circle(self):
        with pytest.raises(ValueError, match=r"expected no circle, got one among \['a', 'b'\]"):
            levels({"a": ["b"], "b": ["a"], "c": []})

    @given(st.lists(st.sets(st.integers(0, 30), max_size=3), max_size=12))
    def test_below_all_that_it_needs(self, wanted: list[set[int]]):
        needed = {str(n): [str(want) for want in wants if want < n] for n, wants in enumerate(wanted)}
        place = {name: level for level, names in enumerate(levels(needed)) for name in names}
        assert place.keys() == needed.keys()
        assert all(place[want] < place[name] for name, wants in needed.items() for want in wants)


class TestNearestNeeds:
    def test_leaves_out_what_a_need_needs(self):
        assert nearest_needs({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"]})["d"] == ["c"]


class TestConceptMap:
    def test_is_xml_with_a_link_for_each_lesson(self):
        svg = ET.fromstring(concept_map({"01_a": "A & B", "02_b": "C"}, {"01_a": [], "02_b": ["01_a"]}))
        space = "{http://www.w3.org/2000/svg}"
        assert [link.get("href") for link in svg.iter(f"{space}a")] == ["notebooks/01_a.html", "notebooks/02_b.html"]
        assert "A & B" in "".join(svg.itertext())

    def test_leaves_out_what_other_arrows_say(self):
        needed = {"a": [], "b": ["a"], "c": ["a", "b"]}
        assert concept_map(dict.fromkeys(needed, "x"), needed).count("marker-end") == 2

    def test_boxes_do_not_overlap(self):
        needed = {"a": [], "b": [], "c": ["a"]}
        svg = concept_map(dict.fromkeys(needed, "x"), needed)
        corners = re.findall(r'<rect x="(\d+)" y="(\d+)"', svg)
        assert len(set(corners)) == 3

    def test_a_long_arrow_passes_between_the_boxes(self):
        """From the first row to the fourth, upright where it passes the boxes of the two rows between."""
        needed = {"a": [], "b": [], "c": ["b"], "d": ["c"], "e": ["d", "a"]}
        svg = concept_map(dict.fromkeys(needed, "x"), needed)
        (path,) = re.findall(r'd="(M[^"]* V[^"]*)"', svg)
        uprights = [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) [\d.]+ V([\d.]+)", path)]
        assert len(uprights) == 2
        for left, top, wide, high in re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', svg):
            for x, y in uprights:
                beside = not int(left) <= x <= int(left) + int(wide)
                assert beside or not int(top) <= y <= int(top) + int(high)
