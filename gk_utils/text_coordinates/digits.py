r"""Digits: how a number falls into tokens, and what goes wrong with it.

A tokenizer cuts text by a published pattern before it looks anything up, and no token crosses a cut. Three rules are
in use for digits. They decide what one wrong token does to a coordinate: with single digits it may be off by 1, 10 or
100; with groups of three it may be any other number, and 587 and 588 are two unrelated entries of the vocabulary.

Source: the `source` of each rule.
Notebook: 05.
"""

import re
from dataclasses import dataclass
from typing import Literal

from gk_utils.errors import check_choice

DigitError = Literal["none", "off_by_one", "transposed", "dropped_digit", "other"]


@dataclass(frozen=True)
class DigitRule:
    r"""One published way of cutting digits.

    Attributes:
        pattern: the part of the tokenizer's pattern that takes digits, in the syntax of the `tokenizers` library
            (`tokenizers.Regex`), where \p{N} is any digit or other numeric character.
        longest: the most digits in one piece; None: no limit.
        models: who uses it.
        source: where it was read.
    """

    pattern: str
    longest: int | None
    models: str
    source: str


DIGIT_RULES: dict[str, DigitRule] = {
    "single": DigitRule(
        pattern=r"\p{N}",
        longest=1,
        models="LLaMA 1 and 2, and what grew from them (Vicuna, Shikra, Ferret); Qwen",
        source="arXiv:2302.13971 section 2.1 ('we split all numbers into individual digits'); "
        "transformers 5.23.0, models/qwen2/tokenization_qwen2.py",
    ),
    "up_to_three": DigitRule(
        pattern=r"\p{N}{1,3}",
        longest=3,
        models="Llama 3, GPT-4",
        source="transformers 5.23.0, convert_slow_tokenizer.py (TikTokenConverter)",
    ),
    "whole": DigitRule(
        pattern=r" ?\p{N}+",
        longest=None,
        models="the pattern of GPT-2, whose vocabulary then decides: 587 may be one token, or 5 and 87",
        source="transformers 5.23.0, models/clvp/tokenization_clvp.py, which keeps GPT-2's pattern",
    ),
}


def split_digits(text: str, rule: str = "single") -> list[str]:
    """The pieces into which a rule cuts a text: its runs of digits are cut, everything between them stays whole.

    From the left, as the patterns do: 1000 becomes 100 and 0. With "single" and "up_to_three" a piece of digits is one
    token if the vocabulary holds it (it holds all single digits); with "whole" the vocabulary may cut it further.
    The pieces put together are the text.

    Args:
        text: any text.
        rule: a key of DIGIT_RULES.

    Raises:
        ValueError: an unknown rule.

    >>> split_digits("(587,1000)"), split_digits("(587,1000)", "up_to_three")
    (['(', '5', '8', '7', ',', '1', '0', '0', '0', ')'], ['(', '587', ',', '100', '0', ')'])
    """
    check_choice(rule, DIGIT_RULES, "rule")
    longest = DIGIT_RULES[rule].longest
    digits = r"\d+" if longest is None else rf"\d{{1,{longest}}}"
    return re.findall(digits + r"|\D+", text)


def classify_digit_error(written: str, truth: str) -> DigitError:
    """What turned the coordinate `truth` into the coordinate `written`, both as they stand in a text.

    - "none": equal in value (0.5 and 0.500).
    - "off_by_one": one step away, in the last place of the one with more decimals (499 for 500).
    - "transposed": two neighbouring digits changed places (857 for 587).
    - "dropped_digit": one digit is missing (57 for 587).
    - "other": anything else.

    The first that fits, in this order. No pair fits both of off by one and transposed: digits that change places
    change a number by a multiple of 9. The point is not a digit: 0.857 for 0.587 is transposed.

    Raises:
        ValueError: not a number without sign, of 24 digits at most on either side of the point.

    >>> [classify_digit_error(written, "587") for written in ("588", "857", "57", "687")]
    ['off_by_one', 'transposed', 'dropped_digit', 'other']
    """
    for name, number in (("written", written), ("truth", truth)):
        if not re.fullmatch(r"[0-9]{1,24}(\.[0-9]{1,24})?", number):
            raise ValueError(
                f"{name}: expected a number such as '587' or '0.587', got {number[:40]!r}. "
                "Keep what is not a number apart (parse_boxes says so)."
            )
    places = max(_decimals(written), _decimals(truth))
    apart = abs(_in_steps(written, places) - _in_steps(truth, places))
    if apart <= 1:
        return "off_by_one" if apart else "none"
    if len(written) == len(truth) and _decimals(written) == _decimals(truth):
        wrong, right = written.replace(".", ""), truth.replace(".", "")
        differ = [i for i in range(len(right)) if wrong[i] != right[i]]
        if len(differ) == 2 and differ[1] == differ[0] + 1:
            i, j = differ
            if (wrong[i], wrong[j]) == (right[j], right[i]):
                return "transposed"
    if written in {(truth[:i] + truth[i + 1 :]).rstrip(".") for i in range(len(truth)) if truth[i] != "."}:
        return "dropped_digit"
    return "other"


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


def _in_steps(number: str, places: int) -> int:
    """The number as a whole count of 10 ** -places, exact."""
    return int(number.replace(".", "") + "0" * (places - _decimals(number)))
