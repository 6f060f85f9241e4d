"""The page that plans 91 million pairs, for costs that are not the stored one."""

import re

import pytest

from gk_utils.scale.planning import PAIRS, plan
from gk_utils.scale.planning_page import as_page

MEASURED = {
    **{"machine": "a laptop", "date": "2026-01-31", "seconds_per_pair": 0.05, "side_by_side": 0.9},
    **{"row_bytes": 400.0, "kept": 0.8},
}


class TestAsPage:
    def test_the_tables_are_what_the_function_gives(self):
        page = as_page(MEASURED)
        for days in (1, 7, 30):
            made = plan(PAIRS, 0.05, days=days, side_by_side=0.9, row_bytes=400, kept=0.8)
            assert f"| {days} | {made.machines:,} | {made.days:.1f} | {made.worker_hours:,.0f} |" in page
        assert "a laptop; 2026-01-31" in page
        assert "**50.0 ms a pair**" in page

    @pytest.mark.parametrize("seconds", [0.002, 0.5])
    def test_any_cost(self, seconds):
        page = as_page({**MEASURED, "seconds_per_pair": seconds})
        assert not re.search(r"[{}]|nan|inf\b", page)
        assert max(map(len, page.splitlines())) <= 130
        assert "16\nworkers slow each other as two do, by 10%, which was not measured" in page
        assert page.startswith("# Scaling out: 91,000,000 pairs\n")
