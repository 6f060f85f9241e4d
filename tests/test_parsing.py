import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.text_coordinates.conventions import FORMATS
from gk_utils.text_coordinates.parsing import PROBLEMS, parse_boxes, parse_points

BOXES = [name for name, row in FORMATS.items() if row.box]
POINTS = [name for name, row in FORMATS.items() if row.point]
READERS = [(parse_boxes, name) for name in BOXES] + [(parse_points, name) for name in POINTS]

# Pieces of every format, so that random strings come near to it; and whatever else there is.
PIECES = """[ ] { } ( ) < > , ; : " ' \\ . - 0 7 1000 1e999 0.5 NaN <box> </box> <ref> </ref>
<point <points x1=" y1=" alt=" "bbox_2d": "point": "box_2d" "label": ```json ``` point_2d:[1,2] [1,2,3,4] (1,2),(3,4)"""
piece = st.sampled_from([" ", "\n", *PIECES.split()])
near_misses = st.lists(piece | st.text(max_size=3), max_size=40).map("".join)

ONE_OF_EACH_SPELLING = (
    (parse_boxes, "shikra", ""),
    (parse_boxes, "qwen_vl", ""),
    (parse_boxes, "qwen3_vl", ""),
    (parse_boxes, "qwen3_vl", '[{"label": "'),
    (parse_points, "molmo", ""),
)
MEGABYTE = 1_000_000
HOSTILE = {
    "opening brackets": "[",
    "opening braces": "{",
    "opening parentheses": "(",
    "nested objects": '{"a":',
    "quotes": '"',
    "escaped quotes": '\\"',
    "backslashes": "\\",
    "digits": "9",
    "digits in brackets": "[9",
    "numbers": "1,",
    "boxes": "[1,2,3,4]",
    "semicolons": "[0.1,0.1,0.2,0.2;",
    "blanks in brackets": "[" + " " * 999,
    "keys": '"bbox_2d":',
    "keys and blanks": '"bbox_2d"' + " " * 991,
    "keys and brackets": '"bbox_2d": [',
    "keys and boxes": '{"bbox_2d": [1,2,3,4]},',
    "labels": '"label":"',
    "escaped labels": '"label":"\\',
    "box and labels": '"bbox_2d":[1,2,3,4],"label":"',
    "box tags": "<box>",
    "box tags and pairs": "<box>(1,2),",
    "ref tags": "<ref>",
    "pairs": "(1,2),",
    "pairs and blanks": "(1)" + " " * 997,
    "point tags": "<point ",
    "attributes": 'x1="',
    "attributes in a tag": '<points x1="1" y1="2" ',
    "alts": '<point alt="',
    "fences": "```json",
}


def kinds(parsed):
    return [problem.kind for problem in parsed.problems]


class TestParseBoxes:
    @pytest.mark.parametrize(
        ("text", "name", "boxes", "problems"),
        [
            ("", "ferret", [], ["none"]),
            ("There is no mug.", "ferret", [], ["none"]),
            ("mug [1, 2, 3]", "ferret", [], ["count"]),
            ("mug [1, 2, 3, 4, 5]", "ferret", [], ["count"]),
            ("mug [1, 2, 3, 4", "ferret", [], ["truncated"]),
            ("mug [30, 40, 10, 20]", "ferret", [[10, 20, 30, 40]], ["inverted"]),
            ("mug [-1, 2, 3, 1001]", "ferret", [[-1, 2, 3, 1001]], ["outside"]),
            ("mug [1, 2, 3, nan] cup [1, 2, 3, inf]", "ferret", [], ["no_number"] * 2),
            ("mug [1, 2, 3, 4] cup [5, 6, x, 8]", "ferret", [[1, 2, 3, 4]], ["no_number"]),
            ("mug[0.1,0.2,1.5,0.1]", "shikra", [[0.1, 0.1, 1.5, 0.2]], ["outside", "inverted"]),
            ("<box>(1,2),(3,4)</box><box>(5,6),(7", "qwen_vl", [[1, 2, 3, 4]], ["truncated"]),
            ("<box>(1,2),(3,1000)</box>", "qwen_vl", [[1, 2, 3, 1000]], ["outside"]),
            ("[]", "qwen3_vl", [], []),
            ("```json\n[]\n```", "gemini", [], []),
            ('{"point_2d": [1, 2]}', "qwen3_vl", [], ["none"]),
            ('Sure: {"bbox_2d": [1, 2, 3, 4]}', "qwen3_vl", [[1, 2, 3, 4]], ["text_around"]),
            ("{'bbox_2d': [1, 2, 3, 4]}", "qwen3_vl", [[1, 2, 3, 4]], ["not_json"]),
            ('[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [5', "qwen3_vl", [[1, 2, 3, 4]], ["truncated", "truncated"]),
            ('{"bbox_2d": "1 2 3 4"}', "qwen3_vl", [], ["count"]),
            ('{"bbox_2d": [1, 2, NaN, 4]}', "qwen3_vl", [], ["no_number"]),
            ('{"bbox_2d": [1, 2, 3, 2000]}', "qwen2_5_vl", [[1, 2, 3, 2000]], []),
            ('{"bbox_2d": [1, -2, 3, 4]}', "qwen2_5_vl", [[1, -2, 3, 4]], ["outside"]),
            ('[{"box_2d": [1, 2, 3, 4]}]', "gemini", [[2, 1, 4, 3]], []),
        ],
    )
    def test_by_hand(self, text, name, boxes, problems):
        parsed = parse_boxes(text, name)
        assert parsed.boxes_in_frame.tolist() == [pytest.approx(box) for box in boxes]
        assert kinds(parsed) == problems

    def test_a_problem_names_its_box_and_its_text(self):
        parsed = parse_boxes("cup [1, 2, 3, 4] mug [30, 40, 10, 20] jar [1, 2]", "ferret")
        assert [(problem.row, problem.excerpt) for problem in parsed.problems] == [
            (1, "[30, 40, 10, 20]"),
            (None, "[1, 2]"),
        ]
        assert parsed.labels == ("cup", "mug")
        assert parse_boxes("<ref>mug</ref><box>(1,2)</box>", "qwen_vl").problems[0].excerpt == "(1,2)"

    def test_to_pixels(self):
        parsed = parse_boxes("mug[0.000,0.125,1.000,0.875]", "shikra")
        assert parsed.to_pixels((480, 640)).tolist() == [pytest.approx([0, 0, 640, 480], abs=1e-3)]

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match=r"format_name: expected one of 'shikra', .*, got 'molmo'"):
            parse_boxes("", "molmo")


class TestParsePoints:
    @pytest.mark.parametrize(
        ("text", "name", "points", "problems"),
        [
            ("There are none.", "molmo", [], []),
            (" There are none.\n", "molmo", [], []),
            ("I see no mugs.", "molmo", [], ["none"]),
            (
                '<point x="1" y="2" alt="a">a</point> <point x="3" y="4" alt="b">b</point>',
                "molmo",
                [[1, 2], [3, 4]],
                [],
            ),
            ('<point x="50" y="101" alt="a">a</point>', "molmo", [[50, 101]], ["outside"]),
            ('<points x1="1" y1="2" x2="3" y2="4" x3="5', "molmo", [[1, 2], [3, 4]], ["truncated"]),
            ('<points x1="1" y1="2" x2="3">', "molmo", [[1, 2]], ["count"]),
            ('<point x="a" y="2">', "molmo", [], ["no_number"]),
            ("mug[0.5,0.25;0.1,0.2]", "shikra", [[0.5, 0.25], [0.1, 0.2]], []),
            ("mug[0.5,0.25,0.1,0.2]", "shikra", [], ["count"]),
            ('[{"point": [250, 500], "label": "a"}]', "gemini", [[500, 250]], []),
        ],
    )
    def test_by_hand(self, text, name, points, problems):
        parsed = parse_points(text, name)
        assert parsed.points_in_frame.tolist() == [pytest.approx(point) for point in points]
        assert kinds(parsed) == problems

    def test_to_pixels(self):
        parsed = parse_points('<point x="50.0" y="25.0" alt="mug">mug</point>', "molmo")
        assert parsed.to_pixels((480, 640)).tolist() == [pytest.approx([320, 120])]


class TestTotal:
    """Any string at all."""

    @staticmethod
    def check(text):
        for parse, name in READERS:
            parsed = parse(text, name)
            rows = parsed.boxes_in_frame if parse is parse_boxes else parsed.points_in_frame
            assert rows.isfinite().all()
            assert len(rows) == len(parsed.labels)
            assert set(kinds(parsed)) <= set(PROBLEMS)
            assert all(problem.row is None or problem.row < len(rows) for problem in parsed.problems)
            # Nothing found and nothing said is only right where the text itself says that there is nothing.
            assert len(rows) or parsed.problems or "[]" in text or text.strip() == "There are none."
            resized_hw = (32, 64)
            assert parsed.to_pixels((48, 64), resized_hw).isfinite().all()  # corners are in order: no error either

    @settings(deadline=None)
    @given(near_misses)
    def test_near_misses(self, text):
        self.check(text)

    @settings(deadline=None)
    @given(st.text())
    def test_any_text(self, text):
        self.check(text)

    @given(st.sampled_from(READERS), st.data())
    def test_every_prefix_of_a_good_answer(self, reader, data):
        """What breaks off early gives no box that the whole does not give."""
        parse, name = reader
        row = FORMATS[name]
        whole = (row.box if parse is parse_boxes else row.point) + " "
        cut = whole[: data.draw(st.integers(0, len(whole) - 2))]
        got, expected = parse(cut, name), parse(whole, name)
        field = "boxes_in_frame" if parse is parse_boxes else "points_in_frame"
        rows = getattr(got, field).tolist()
        assert rows in ([], getattr(expected, field).tolist())
        assert rows or got.problems

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_megabyte_of_it_takes_less_than_a_second(self, name):
        unit = HOSTILE[name]
        text = unit * (MEGABYTE // len(unit))
        for parse, format_name, before in ONE_OF_EACH_SPELLING:
            start = time.process_time()
            parse(before + text, format_name)
            assert time.process_time() - start < 1, format_name
