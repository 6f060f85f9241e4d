import pytest
from hypothesis import given
from hypothesis import strategies as st

from gk_utils.text_coordinates.digits import DIGIT_RULES, classify_digit_error, split_digits

whole = st.integers(0, 9999).map(str)


class TestSplitDigits:
    def test_by_hand(self):
        assert split_digits("0.587", "single") == ["0", ".", "5", "8", "7"]
        assert split_digits("12345", "up_to_three") == ["123", "45"]
        assert split_digits("x 12345", "whole") == ["x ", "12345"]
        assert split_digits("", "single") == []

    @pytest.mark.parametrize("rule", ["single", "up_to_three"])
    def test_equals_the_tokenizers_library(self, rule):
        """The published pattern, run by the library that the models run, cuts coordinates where we cut them."""
        from tokenizers import Regex, pre_tokenizers

        text = '<box>(587,1000),(3,12345)</box> [0.123,0.4] {"bbox_2d": [100, 250, 500, 1000]}'
        splitter = pre_tokenizers.Split(Regex(DIGIT_RULES[rule].pattern), behavior="isolated")
        assert split_digits(text, rule) == [piece for piece, _ in splitter.pre_tokenize_str(text)]

    @given(st.text())
    def test_the_pieces_are_the_text(self, text):
        for rule in DIGIT_RULES:
            assert "".join(split_digits(text, rule)) == text

    def test_the_rules_are_those_of_published_tokenizers(self):
        from transformers.convert_slow_tokenizer import TikTokenConverter
        from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

        assert f"|{DIGIT_RULES['single'].pattern}|" in PRETOKENIZE_REGEX
        assert f"|{DIGIT_RULES['up_to_three'].pattern}|" in TikTokenConverter.__init__.__defaults__[1]

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match=r"rule: expected one of 'single', 'up_to_three', 'whole', got 'bpe'"):
            split_digits("1", "bpe")


class TestClassifyDigitError:
    @pytest.mark.parametrize(
        ("written", "truth", "kind"),
        [
            ("587", "587", "none"),
            ("0.5", "0.500", "none"),
            ("087", "87", "none"),
            ("588", "587", "off_by_one"),
            ("499", "500", "off_by_one"),
            ("1000", "999", "off_by_one"),
            ("0.588", "0.587", "off_by_one"),
            ("0.5", "0.499", "off_by_one"),
            ("857", "587", "transposed"),
            ("578", "587", "transposed"),
            ("0.857", "0.587", "transposed"),
            ("5.07", "0.57", "transposed"),
            ("785", "587", "other"),  # the outer digits: not neighbours
            ("57", "587", "dropped_digit"),
            ("10", "100", "dropped_digit"),
            ("0.58", "0.587", "dropped_digit"),
            ("1", "1.5", "dropped_digit"),
            ("5887", "587", "other"),
            ("597", "587", "other"),
            ("13.2", "1.23", "other"),
            ("5.87", "58.7", "other"),
            ("7", "587", "other"),
        ],
    )
    def test_by_hand(self, written, truth, kind):
        assert classify_digit_error(written, truth) == kind

    @given(whole, st.integers(0, 2))
    def test_transposed_is_symmetric_and_never_one_step(self, truth, i):
        digits = list(truth.zfill(4))
        digits[i], digits[i + 1] = digits[i + 1], digits[i]
        written = "".join(digits)
        kind = classify_digit_error(written, truth.zfill(4))
        assert kind == ("none" if digits[i] == digits[i + 1] else "transposed")
        assert classify_digit_error(truth.zfill(4), written) == kind

    @given(st.integers(10, 99999), st.integers(0, 4))
    def test_a_digit_left_out_is_found(self, truth, i):
        """Unless what is left is nearer than that: 0 for 00."""
        digits = str(truth)
        i = i % len(digits)
        written = digits[:i] + digits[i + 1 :]
        assert classify_digit_error(written, digits) == "dropped_digit"

    @given(whole, whole)
    def test_total_on_numbers(self, written, truth):
        kind = classify_digit_error(written, truth)
        assert (kind == "off_by_one") == (abs(int(written) - int(truth)) == 1)
        assert (kind == "none") == (int(written) == int(truth))

    @pytest.mark.parametrize("bad", ["", "-3", "1e3", "nan", "5.", "\u0663", "9" * 30])
    def test_error_text(self, unhooked, bad):
        with pytest.raises(ValueError, match=r"written: expected a number such as '587' or '0.587', got"):
            classify_digit_error(bad, "587")
