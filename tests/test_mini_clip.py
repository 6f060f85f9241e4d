import pytest
import torch
from torch.testing import assert_close

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.contrastive import mini_clip
from gk_utils.contrastive.mini_clip import CHECKPOINTS, _merged, build_clip, load_mini

WORDS = ["a", "cat", "is", "left", "mug", "of"]
SIZES = {"words": WORDS, "image_side": 32, "patch": 8, "width": 32, "heads": 2, "space": 16}


def tiny(**more):
    torch.manual_seed(0)
    return build_clip({**SIZES, **more}).eval()


class TestMiniClip:
    def test_vectors_of_length_1(self):
        clip = tiny()
        vectors = torch.cat([clip.see(torch.rand(2, 3, 32, 32)), clip.read(clip.number(["a mug", "a cat is a cat"]))])
        assert_close(vectors.norm(dim=1), torch.ones(4))

    def test_the_text_tower_sees_the_order_of_words(self):
        clip = tiny()
        first, second = clip.read(clip.number(["a mug is left of a cat", "a cat is left of a mug"]))
        assert (first - second).abs().max() > 1e-4

    def test_padding_changes_nothing(self):
        clip = tiny()
        alone = clip.read(clip.number(["a mug"]))[0]
        assert_close(clip.read(clip.number(["a mug", "a mug is left of a cat"]))[0], alone, atol=1e-6, rtol=1e-5)

    def test_a_caption_ends_with_the_end_of_text_word(self):
        assert tiny().number(["A mug.", "dog"]).tolist() == [[3, 7, 2], [1, 2, 0]]

    def test_a_blind_model_sees_nothing(self):
        seen = tiny(blind=True).see(torch.rand(3, 3, 32, 32))
        assert seen.shape == (3, 16)
        assert_close(seen[0], seen[2])

    def test_on_a_frozen_trunk(self):
        clip = tiny(image_side=128, patch=16, trunk="trunk_small")
        images = torch.rand(2, 3, 128, 128)
        assert not any("trunk" in name for name in clip.state_dict())
        clip.see(images).sum().backward()
        assert clip.stem.weight.grad.any()
        assert_close(clip.pool(clip.patches(images)), clip.see(images))

    def test_four_patches_become_one_position(self):
        patches = torch.arange(16.0).view(1, 16, 1)
        assert _merged(patches, 2)[0].tolist()[:2] == [[0, 1, 4, 5], [2, 3, 6, 7]]
        assert torch.equal(_merged(patches, 1), patches)
        clip = tiny(image_side=128, patch=16, trunk="trunk_small", merge=2)
        assert clip.patch_places.shape == (16, 32)
        assert clip.see(torch.rand(2, 3, 128, 128)).shape == (2, 16)

    def test_every_weight_learns(self):
        clip = tiny(layout=True).train()
        (clip.see(torch.rand(2, 3, 32, 32)) * clip.read(clip.number(["a mug", "a cat"]))).sum().backward()
        idle = [name for name, value in clip.named_parameters() if value.grad is None]
        assert set(idle) == {"scale.log_scale", "where.middle", "where.directions.weight"}

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="settings: expected a patch"):
            tiny(patch=6)
        with pytest.raises(ValueError, match="images: expected 32 x 32"):
            tiny().see(torch.zeros(1, 3, 64, 64))
        with pytest.raises(ValueError, match="caption: expected up to 23 words"):
            tiny().number(["mug " * 30])


class TestLoadMini:
    def save(self, folder, name="negclip_small"):
        clip = tiny()
        checkpoints.save(clip.state_dict(), folder, Card(name, 0, 1, "CPU", 0.1, {}, SIZES, half=False))
        return clip

    def test_from_a_folder(self, tmp_path):
        clip = self.save(tmp_path)
        loaded, card = load_mini(str(tmp_path))
        assert card.recipe == "negclip_small"
        assert_close(loaded.patch_places, clip.patch_places)

    def test_the_one_of_a_gpu_goes_before_the_small_one(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mini_clip, "SHIPPED", tmp_path)
        self.save(tmp_path / "negclip_small")
        assert load_mini("negclip")[1].recipe == "negclip_small"
        self.save(tmp_path / "negclip", "negclip")
        assert load_mini("negclip")[1].recipe == "negclip"

    def test_missing_and_unknown(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mini_clip, "SHIPPED", tmp_path)
        for name in CHECKPOINTS:
            with pytest.raises(FileNotFoundError, match=f"gk_utils train {name}_small"):
                load_mini(name)
        with pytest.raises(ValueError, match="name: expected one of"):
            load_mini("blip")
