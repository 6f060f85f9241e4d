import pytest

from gk_utils.text_coordinates.conventions import FORMATS
from gk_utils.text_coordinates.scanning import LONGEST, MOST, scan


def groups(text, name, kind=0):
    row = FORMATS[name]
    return [(group.values, group.label) for group in scan(text, row, row.keys[kind] if row.keys else None).groups]


class TestScan:
    def test_brackets_in_a_sentence(self):
        text = "A man [12, 40, 300, 410] with a dog [1,2,3,4]. See [note]."
        assert groups(text, "ferret") == [([12, 40, 300, 410], "A man"), ([1, 2, 3, 4], "with a dog")]
        assert groups("two mugs[0.1,0.2,0.3,0.4;0.5,0.6,0.7,0.8]", "shikra") == [
            ([0.1, 0.2, 0.3, 0.4], "two mugs"),
            ([0.5, 0.6, 0.7, 0.8], "two mugs"),
        ]

    def test_qwen_tags_as_in_its_readme(self):
        text = "<ref> Woman</ref><box>(451,379),(731,806)</box> and<ref> her dog</ref><box>(219,424),(576,896)</box>"
        assert groups(text, "qwen_vl") == [([451, 379, 731, 806], "Woman"), ([219, 424, 576, 896], "her dog")]

    def test_qwen_without_its_special_tokens(self):
        """Decoding with skip_special_tokens leaves the numbers alone; the model's own evaluation reads those."""
        assert groups("(536,509),(588,602)", "qwen_vl") == [([536, 509, 588, 602], None)]

    def test_molmo(self):
        text = '<points x1="1.5" y1="2" x2="3" y2="4.0" alt="cups">cups</points> <point x="9" y="8" alt="">'
        assert groups(text, "molmo") == [([1.5, 2], "cups"), ([3, 4], "cups"), ([9, 8], None)]
        assert groups('<points x1="1" x2="3" y2="4" y5="6">', "molmo") == [([1], None), ([3, 4], None), ([6], None)]

    def test_json_anywhere_in_the_document(self):
        text = '{"objects": [{"label": "a", "bbox_2d": [1, 2, 3, 4]}, {"more": {"bbox_2d": [5, 6, 7, 8]}}]}'
        assert groups(text, "qwen3_vl") == [([1, 2, 3, 4], "a"), ([5, 6, 7, 8], None)]
        text = '[{"label": "mugs", "bbox_2d": [[1, 2, 3, 4], [5, 6, 7, 8]]}]'
        assert groups(text, "qwen3_vl") == [([1, 2, 3, 4], "mugs"), ([5, 6, 7, 8], "mugs")]

    def test_a_box_quoted_in_a_label_is_not_a_box(self):
        text = '[{"bbox_2d": [1, 2, 3, 4], "label": "\\"bbox_2d\\": [5, 6, 7, 8]"}]'
        assert groups(text, "qwen3_vl") == [([1, 2, 3, 4], '"bbox_2d": [5, 6, 7, 8]')]

    def test_a_key_is_not_found_in_a_longer_key(self):
        assert groups('[{"bbox_2d": [1, 2, 3, 4]}]', "gemini") == []
        assert groups('broken {"bbox_2d": [1, 2, 3, 4]', "gemini") == []

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('[{"bbox_2d": [1, 2, 3, 4], "label": "a"}, {"bbox_2d": [5, 6', [([1, 2, 3, 4], "a"), ([5, 6], None)]),
            ("[{'bbox_2d': [1, 2, 3, 4], 'label': 'a'}]", [([1, 2, 3, 4], "a")]),
            ('{"bbox_2d": [1, 2, 3, 4], "label": "a",}', [([1, 2, 3, 4], "a")]),
            (
                '{"label": "a", "bbox_2d": [1, 2, 3, 4]} {"bbox_2d": [5, 6, 7, 8]}',
                [([1, 2, 3, 4], "a"), ([5, 6, 7, 8], None)],
            ),
            (
                '{"bbox_2d": [1, 2, 3, 4]} {"label": "b"} {"bbox_2d": [5, 6, 7, 8]}',
                [([1, 2, 3, 4], None), ([5, 6, 7, 8], None)],
            ),
            ('{"bbox_2d": [1, 2, 3, 4], "label": "a\\q",}', [([1, 2, 3, 4], "a\\q")]),
            ("bbox_2d: [1, 2, 3, 4] label: a {", [([1, 2, 3, 4], None)]),
            ('{"bbox_2d": [1, 2, 3, 4], "label": "\\u676f \\"x\\""', [([1, 2, 3, 4], '\u676f "x"')]),
        ],
    )
    def test_what_is_not_quite_json(self, text, expected):
        assert groups(text, "qwen3_vl") == expected

    def test_words_and_impossible_numbers_stay_words(self):
        ((values, _),) = groups("[1, two, nan, 1e400, 99999999, 0x10, 1_0, \u0663]", "ferret")
        assert values == [1, "two", "nan", "1e400", "99999999", "0x10", "1_0", "\u0663"]
        ((values, _),) = groups('[{"bbox_2d": [NaN, Infinity, true, null]}]', "qwen3_vl")
        assert all(isinstance(value, str) or value != value for value in values)  # noqa: PLR0124

    def test_limits(self):
        found = scan("[1,2,3,4]" * (MOST + 5), FORMATS["ferret"])
        assert (len(found.groups), found.problems) == (MOST, ["too_many"])
        found = scan("mug[" + "0.1,0.2;" * (MOST + 5) + "0.1,0.2]", FORMATS["shikra"])
        assert (len(found.groups), found.problems) == (MOST, ["too_many"])
        ((values, _),) = groups("[" + "1," * 1000 + "1]", "ferret")
        assert len(values) == LONGEST
