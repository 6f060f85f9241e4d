"""Tests of gk_utils.book.claims_page."""

import re

import pytest

from gk_utils.book.claims_page import claims_page
from gk_utils.classroom.source import ROOT

LEDGER = (ROOT / "book" / "CLAIMS.md").read_text(encoding="utf-8")


class TestClaimsPage:
    def test_every_claim_of_the_ledger(self):
        page, rows = claims_page(LEDGER), LEDGER.count("#cell-id=")
        assert page.count("#cell-id=") == page.count('class="verdict ') == rows > 50
        assert "\n|" not in page
        assert page.startswith(LEDGER.partition("\n|")[0])
        assert len(re.findall(r"^## \d\d ", page, re.MULTILINE)) == len(set(re.findall(r"notebooks/(\d\d)_", LEDGER)))

    def test_a_bar_in_a_cell(self):
        row = r"| a \| b | wrong | c | [01 Boxes: x, y, cell-1](n.ipynb#cell-id=01-c) | d |"
        page = claims_page(f"# T\n\n| Claim |\n|---|\n{row}\n")
        assert r'**a \| b** <span class="verdict wrong">wrong</span>' in page
        assert "## 01 Boxes: x, y\n" in page

    def test_words_in_angle_brackets_are_no_html(self):
        page = claims_page(
            "# T\n\n| Claim |\n|---|\n| <box> | wrong | <p> | [01 A, b](n.ipynb#cell-id=01-b) | <object> |\n"
        )
        assert "**&lt;box>**" in page
        assert "\n&lt;p><br>\n" in page
        assert "&lt;object> · " in page

    @pytest.mark.parametrize("row", ["| a | b |", "| a | wrong | c | no link | d |"])
    def test_a_damaged_row(self, row: str):
        with pytest.raises(ValueError, match="ledger: expected five cells with a link in the fourth"):
            claims_page(f"# T\n\n| Claim |\n|---|\n{row}")
