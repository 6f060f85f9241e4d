from gk_utils.spatial_relations.finding import Check, Finding
from gk_utils.spatial_relations.statement import Exists, NounPhrase
from gk_utils.spatial_relations.verdict import decided, unknown


class TestFinding:
    def test_speaks_for_its_verdict(self):
        check = Check("near", (0, 1), decided(0.5))
        finding = Finding(decided(0.5), Exists(NounPhrase("mug")), {NounPhrase("mug"): (0,)}, (check,))
        assert (finding.truth, str(finding)) == (True, "true (+0.50)")
        assert Finding(unknown("needs depth"), Exists(NounPhrase("mug"))).truth is None
