import sys

import pytest

from gk_utils.spatial_relations.grammar import GRAMMAR, TERMINALS, parser


class TestParser:
    def test_every_terminal_has_a_name_for_people(self):
        assert {rule.name for rule in parser().terminals} <= set(TERMINALS)
        assert all(name in GRAMMAR for name in TERMINALS)

    def test_says_what_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "lark", None)
        with pytest.raises(ModuleNotFoundError, match="pip install lark"):
            parser.__wrapped__()
