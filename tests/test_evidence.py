import numpy as np
from some_things import IMAGE_HW, some_thing

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.evidence import explain, show_finding
from gk_utils.spatial_relations.statement import Claim, Exists, NounPhrase, Quantifier, Related
from gk_utils.spatial_relations.verifier import verify

CUPS = Arrangement([some_thing((20 * i, 0, 20 * i + 10, 10), "cup") for i in range(5)])
NEAR = Claim(NounPhrase("cup", Quantifier("all")), Related("near", (NounPhrase("cup", Quantifier("a")),)))


class TestEvidence:
    def test_every_box_has_its_phrase(self):
        figure = show_finding(np.zeros((*IMAGE_HW, 3), np.uint8), verify(NEAR, CUPS), CUPS)
        assert [text.get_text() for text in figure.axes[0].texts] == ["cup"] * 5

    def test_the_closest_calls_first_and_not_too_many(self):
        lines = explain(verify(NEAR, CUPS), CUPS)
        assert len(lines) == 7
        assert lines[0].startswith("cup 0 near cup 1: false")
        assert lines[-1] == "and 14 more"

    def test_nothing_to_draw(self):
        finding = verify(Exists(NounPhrase("plate", Quantifier("no"))), CUPS)
        assert explain(finding, CUPS) == []
        show_finding(np.zeros((*IMAGE_HW, 3), np.uint8), finding, CUPS)
