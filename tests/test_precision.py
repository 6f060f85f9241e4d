import torch

from gk_utils.grounded_sam.precision import half_for, short_products


class TestHalfFor:
    def test_where(self, monkeypatch):
        assert half_for("cpu") is None
        assert half_for("mps") == torch.float16
        for capability, dtype in (((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)):
            monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, answer=capability: answer)
            assert half_for("cuda") == dtype


class TestShortProducts:
    def test_puts_back_what_was(self):
        before = torch.get_float32_matmul_precision()
        with short_products():
            assert torch.get_float32_matmul_precision() == "high"
        assert torch.get_float32_matmul_precision() == before
