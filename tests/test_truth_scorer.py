import torch
from some_talk import tiny_talker

from gk_utils.contrastive.balanced_probes import relation_probe
from gk_utils.contrastive.probe_items import measure_probe
from gk_utils.shikra.truth_scorer import TruthScorer, question


class TestTruthScorer:
    def test_scores_a_probe(self):
        probe, scorer = relation_probe(4), TruthScorer(tiny_talker())
        scores = scorer([item.scene for item in probe.items], [item.texts for item in probe.items])
        assert scores.shape == (4, 2)
        swapped = scorer([item.scene for item in probe.items], [item.texts[::-1] for item in probe.items])
        torch.testing.assert_close(scores, swapped.flip(1), atol=1e-5, rtol=0)
        assert 0 <= measure_probe(probe, scorer).accuracy <= 1


class TestQuestion:
    def test_takes_a_sentence_or_a_caption(self):
        assert question("The mug is red.").text == question("the mug is red").text == "Is it true that the mug is red?"
