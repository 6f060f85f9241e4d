import shutil
from pathlib import Path

import pytest
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from gk_utils.hub import half_precision
from gk_utils.hub.half_precision import Loaded, half_for, to_picture
from gk_utils.hub.hub_errors import HubError
from gk_utils.hub.published_models import MODELS

HALF = torch.float16


def loaded(name: str, kind: str, dtype: torch.dtype | None = None) -> Loaded:
    return Loaded(MODELS[name], tiny_models.folder(kind), "cpu", dtype)


def similarities(clip: Loaded):
    batch = clip.processor(
        images=to_picture(tiny_models.image()), text=["a red cat", "a dog"], padding=True, return_tensors="pt"
    )
    return clip.run(lambda: clip.model(**clip.inputs(batch)).logits_per_image, lambda logits: [logits]).float()


def overflow(clip: Loaded) -> None:
    """Make numbers on the way pass 65,504, and the last ones what they were: finite in float32 alone."""
    attention = clip.model.vision_model.encoder.layers[0].mlp
    with torch.no_grad():
        attention.fc1.weight[0] = 1e5
        attention.fc2.weight[:, 0] *= 1e-5


class TestHalfFor:
    @pytest.mark.parametrize(
        ("capability", "halved", "expected"),
        [
            ((7, 5), "work", torch.float16),
            ((7, 5), "weights", torch.float16),
            ((8, 0), "work", torch.float16),
            ((8, 0), "weights", torch.bfloat16),
            ((9, 0), "weights", torch.bfloat16),
        ],
    )
    def test_on_a_gpu(self, capability, halved, expected, monkeypatch):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        assert half_for("cuda:0", halved) is expected

    @pytest.mark.parametrize("device", ["cpu", "mps"])
    def test_elsewhere(self, device):
        assert half_for(device, "work") is half_for(device, "weights") is torch.float32


class TestToPicture:
    def test_eight_bits_come_back(self):
        pixels = torch.arange(256).reshape(1, 16, 16).expand(3, 16, 16)
        back = torch.tensor(list(to_picture(pixels / 255).tobytes())).reshape(16, 16, 3)
        assert torch.equal(back, pixels.permute(1, 2, 0))

    def test_pixels_of_the_wrong_range(self, unhooked):
        with pytest.raises(ValueError, match=r"image: expected numbers in \[0, 1\], got"):
            to_picture(torch.full((3, 2, 2), 200.0))


class TestLoaded:
    def test_half_precision_is_near(self):
        full, half = (
            similarities(loaded("clip-vit-large", "clip")),
            similarities(loaded("clip-vit-large", "clip", HALF)),
        )
        assert_close(half, full, atol=2e-2, rtol=0)
        assert not torch.equal(half, full)

    def test_overflow_goes_on_in_float32_and_stays_there(self, capsys):
        clip, wanted = loaded("clip-vit-large", "clip", HALF), loaded("clip-vit-large", "clip")
        overflow(clip)
        overflow(wanted)
        assert_close(similarities(clip), similarities(wanted))
        assert capsys.readouterr().out == (
            "clip-vit-large: not every number is finite in float16. Going on in float32.\n"
        )
        assert clip.dtype is torch.float32
        similarities(clip)
        assert capsys.readouterr().out == ""

    def test_halved_weights_are_read_again(self, capsys, tmp_path):
        """A weight of 100,000 is no number in fp16; the file still has it."""
        folder = Path(shutil.copytree(tiny_models.folder("kosmos2"), tmp_path / "kosmos2"))
        state = load_file(folder / "model.safetensors")
        name = next(name for name in state if name.endswith("post_layernorm.weight"))
        state[name][0] = 1e5
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        kosmos = Loaded(MODELS["kosmos-2"], folder, "cpu", HALF)
        assert next(kosmos.model.parameters()).dtype is HALF
        batch = kosmos.processor(images=to_picture(tiny_models.image()), text="<grounding>", return_tensors="pt")
        out = kosmos.run(lambda: kosmos.model(**kosmos.inputs(batch)).logits, lambda logits: [logits])
        assert out.dtype is next(kosmos.model.parameters()).dtype is torch.float32
        assert "Going on in float32" in capsys.readouterr().out

    def test_no_room_for_float32(self, monkeypatch):
        qwen = loaded("qwen3-vl-2b", "qwen3_vl", HALF)
        monkeypatch.setattr(half_precision, "free_gpu_gb", lambda device: 7.0)
        with pytest.raises(HubError, match=r"qwen3-vl-2b: needs about 11.0 GB of GPU memory, 7.0 are free"):
            qwen.run(lambda: torch.tensor(torch.inf), lambda answer: [answer])

    def test_not_finite_in_float32_either(self):
        clip = loaded("clip-vit-large", "clip")
        with pytest.raises(HubError, match="not finite, even in float32"):
            clip.run(lambda: torch.tensor(torch.nan), lambda answer: [answer])

    def test_out_of_memory_while_running(self):
        clip = loaded("clip-vit-large", "clip")

        def ask() -> None:
            raise torch.OutOfMemoryError("CUDA out of memory")

        with pytest.raises(HubError, match="needs about 3.0 GB of GPU memory, it ran out"):
            clip.run(ask, lambda answer: [])

    def test_no_gradients(self):
        assert not similarities(loaded("clip-vit-large", "clip")).requires_grad

    def test_a_folder_with_another_model(self):
        with pytest.raises(HubError, match=r"sam-vit-base: .*clip"):
            loaded("sam-vit-base", "clip")

    def test_the_weights_of_another_model(self, tmp_path):
        """The configuration is right and the tensors are not: transformers would go on with random ones."""
        folder = Path(shutil.copytree(tiny_models.folder("sam"), tmp_path / "sam"))
        shutil.copy(tiny_models.folder("clip") / "model.safetensors", folder)
        with pytest.raises(HubError, match=r"is not a sam model: \d+ of its \d+ tensors are not in the file"):
            Loaded(MODELS["sam-vit-base"], folder, "cpu")

    def test_a_tensor_that_is_missing_is_said(self, tmp_path, capsys):
        folder = Path(shutil.copytree(tiny_models.folder("sam"), tmp_path / "sam"))
        state = load_file(folder / "model.safetensors")
        del state["vision_encoder.pos_embed"]
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        Loaded(MODELS["sam-vit-base"], folder, "cpu")
        assert "1 tensors are not in the file and random: vision_encoder.pos_embed" in capsys.readouterr().out

    def test_a_damaged_file(self, tmp_path):
        folder = Path(shutil.copytree(tiny_models.folder("sam"), tmp_path / "sam"))
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        with pytest.raises(HubError, match="damaged"):
            Loaded(MODELS["sam-vit-base"], folder, "cpu")

    def test_it_is_quiet(self, capsys):
        tiny_models.folder("grounding_dino")
        capsys.readouterr()
        loaded("grounding-dino-tiny", "grounding_dino")
        written = capsys.readouterr()
        assert (written.out, written.err) == ("", "")
