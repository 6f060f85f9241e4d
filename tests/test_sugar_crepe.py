import pytest

from gk_utils.contrastive.pair_claims import claim_holds, read_claim
from gk_utils.contrastive.sugar_crepe import SUGAR_KINDS, sugar_probe
from gk_utils.countertop.programs import referents


class TestSugarProbe:
    @pytest.mark.parametrize("kind", sorted(SUGAR_KINDS))
    def test_the_first_is_true_and_the_second_false(self, kind):
        for item in sugar_probe(kind, 6).items:
            true, false = item.texts
            assert claim_holds(read_claim(true), item.scene)
            if kind == "add_object":
                added = read_claim(f"a mug and {false.removeprefix(f'{true} and ')}").object
                assert not referents(added, item.scene)
            else:
                assert claim_holds(read_claim(false), item.scene) is False

    def test_unknown_kind(self):
        with pytest.raises(ValueError, match="kind: expected one of"):
            sugar_probe("swap_verb")
