import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.contrastive import mini_clip
from gk_utils.contrastive.mini_clip import build_clip
from gk_utils.contrastive.pair_claims import claim_vocabulary
from gk_utils.evaluate import contrastive
from gk_utils.evaluate.contrastive import OtherPicture, evaluate_contrastive

SIZES = {"words": claim_vocabulary(), "image_side": 32, "width": 32, "heads": 2, "space": 16}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Untrained models in place of those that the course ships, and few probes."""
    monkeypatch.setattr(mini_clip, "SHIPPED", tmp_path)
    draw = contrastive.draw_probes
    monkeypatch.setattr(contrastive, "draw_probes", lambda n: {k: draw(8)[k] for k in ("relation", "unbalanced")})
    for name in ("clip_small", "clip_text_only_small"):
        clip = build_clip({**SIZES, "blind": "text" in name})
        settings = {**SIZES, "blind": "text" in name}
        checkpoints.save(clip.state_dict(), tmp_path / name, Card(name, 0, 1, "CPU", 0.1, {}, settings))


class TestEvaluateContrastive:
    def test_what_is_there_and_what_is_missing(self, shipped):
        torch.manual_seed(0)
        result = evaluate_contrastive(limit=64)
        top = {"clip_top1", "clip_probe", "text_only_balanced", "text_only_unbalanced", "by_probe"}
        assert result["metrics"].keys() - {"instruct_probe"} == top
        assert result["metrics"]["text_only_balanced"]["value"] == 0.5
        assert result["missing"].keys() == {"clip_wide", "negclip", "clip_layout"}
        assert "gk_utils train negclip_small" in result["missing"]["negclip"]
        assert result["baselines"]["chance"]["clip_top1"]["value"] == round(1 / 64, 4)

    def test_none_at_all(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mini_clip, "SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match="expected a small CLIP, got none"):
            evaluate_contrastive(limit=64)

    def test_errors(self):
        with pytest.raises(ValueError, match="limit: expected 64 or more"):
            evaluate_contrastive(limit=8)
        with pytest.raises(ValueError, match="split: expected one of"):
            evaluate_contrastive(split="val")


class TestOtherPicture:
    def test_half_the_list_further_on(self, unhooked):
        scenes = ["a", "b", "c", "d"]
        assert OtherPicture(lambda some, texts: some)(scenes, []) == ["c", "d", "a", "b"]
