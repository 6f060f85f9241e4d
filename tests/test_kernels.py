"""The one switch between kernels and torch code, with GPUs that are not there."""

import importlib.util

import pytest
import torch
from torch._subclasses import FakeTensorMode

from gk_utils import kernels
from gk_utils.kernels import use_triton


def on_gpu(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """A tensor that says it is on a GPU, and has no numbers."""
    with FakeTensorMode():
        return torch.zeros(1, dtype=dtype, device="cuda")


@pytest.fixture
def pretend(monkeypatch):
    """Set what the machine seems to be: its GPU, whether Triton is there, the environment."""
    for name in ("GK_TRITON", "TRITON_INTERPRET"):
        monkeypatch.delenv(name, raising=False)

    def machine(capability=(9, 0), triton=True, **environment):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(kernels, "HAS_TRITON", triton)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return machine


class TestUseTriton:
    @pytest.mark.parametrize(
        ("capability", "expected"), [((7, 5), False), ((7, 0), False), ((8, 0), True), ((8, 9), True), ((10, 0), True)]
    )
    def test_capability(self, capability, expected, pretend):
        pretend(capability)
        assert use_triton(on_gpu()) is expected

    def test_no_triton(self, pretend):
        pretend(triton=False, GK_TRITON="1", TRITON_INTERPRET="1")
        assert not use_triton(on_gpu())
        assert not use_triton(torch.zeros(1))

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
    def test_dtypes(self, dtype, pretend):
        pretend()
        assert use_triton(on_gpu(dtype))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.int32, torch.float8_e4m3fn])
    def test_other_dtypes(self, dtype, pretend):
        pretend()
        assert not use_triton(on_gpu(dtype))

    @pytest.mark.parametrize(("wish", "expected"), [("0", False), ("1", True), ("", True)])
    def test_switched_off(self, wish, expected, pretend):
        pretend(GK_TRITON=wish)
        assert use_triton(on_gpu()) is expected

    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({}, False),
            ({"GK_TRITON": "1"}, False),
            ({"TRITON_INTERPRET": "1"}, False),
            ({"TRITON_INTERPRET": "1", "GK_TRITON": "1"}, True),
            ({"TRITON_INTERPRET": "0", "GK_TRITON": "1"}, False),
        ],
    )
    def test_on_a_cpu_both_must_be_asked_for(self, environment, expected, pretend):
        pretend(**environment)
        assert use_triton(torch.zeros(1)) is expected

    def test_no_kernels_where_there_is_no_memory(self, pretend):
        pretend(GK_TRITON="1", TRITON_INTERPRET="1")
        assert not use_triton(torch.zeros(1, device="meta"))

    def test_knows_whether_triton_is_installed(self):
        assert (importlib.util.find_spec("triton") is not None) is kernels.HAS_TRITON
