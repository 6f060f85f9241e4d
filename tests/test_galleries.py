import torch

from gk_utils.contrastive.galleries import draw_galleries, top1_of
from gk_utils.contrastive.pair_claims import claim_holds, read_claim

GALLERIES = draw_galleries(2, size=8)


class TestDrawGalleries:
    def test_each_caption_is_true_of_its_own_scene_alone(self):
        for scenes, texts in GALLERIES:
            truth = [[claim_holds(read_claim(text), scene) for text in texts] for scene in scenes]
            assert truth == [[row == column for column in range(8)] for row in range(8)]


class TestTop1Of:
    def test_who_knows_all_and_who_knows_nothing(self):
        knowing = top1_of(GALLERIES, lambda scenes, texts: torch.eye(len(scenes)))
        assert knowing.tolist() == [1.0] * 16
        assert top1_of(GALLERIES, lambda scenes, texts: torch.zeros(8, 8)).mean() == 1 / 8
