"""Coordinates as text: the words in which published models write boxes and points, read and written.

    boxes --render_boxes--> "<ref>mug</ref><box>(212,88),(340,260)</box>" --parse_boxes--> boxes, what was wrong

`conventions` is the one table of formats, each with its frame; `rendering` writes, `scanning` and `parsing` read any
string at all, `digits` says how a number falls into tokens and names the mistakes that digits make.

Notebook: 05.
"""

from gk_utils.text_coordinates.conventions import FORMATS, TextFormat, qwen_resized_hw
from gk_utils.text_coordinates.digits import DIGIT_RULES, classify_digit_error, split_digits
from gk_utils.text_coordinates.parsing import (
    PROBLEMS,
    ParsedBoxes,
    ParsedPoints,
    Problem,
    parse_boxes,
    parse_points,
)
from gk_utils.text_coordinates.rendering import render_boxes, render_points

__all__ = [
    "DIGIT_RULES",
    "FORMATS",
    "PROBLEMS",
    "ParsedBoxes",
    "ParsedPoints",
    "Problem",
    "TextFormat",
    "classify_digit_error",
    "parse_boxes",
    "parse_points",
    "qwen_resized_hw",
    "render_boxes",
    "render_points",
    "split_digits",
]
