import pytest

from gk_utils.spatial_relations.diagnosis import StatementError
from gk_utils.spatial_relations.statement_scanner import scan


class TestScan:
    @pytest.mark.parametrize(
        ("text", "kinds"),
        [
            ("the mug is on the left", "NP BE PLACE"),
            ("the mug is on the left plate", "NP BE REL NP"),
            ("the mug's handle is red", "NP POSS NP BE ADJS"),
            ("the mug's on the tray", "NP BE REL NP"),
            ("the tower blocks the light", "NP VERB NP"),
            ("three blocks are red", "NP BE ADJS"),
            ("the mug is near blocks", "NP BE REL NP"),
            ("there is a mug not red", "THERE BE NP NOT ADJS"),
            ("the dog snoozing on the mat is old", "NP PART REL NP BE ADJS"),
        ],
    )
    def test_kinds(self, text, kinds):
        assert [piece.type for piece in scan(text, {})] == kinds.split()

    @pytest.mark.parametrize(
        "text", ["Is it red?", "the man throwing the ball", "there are many mugs", "it is on the ."]
    )
    def test_refuses(self, text):
        with pytest.raises(StatementError):
            scan(text, {})
