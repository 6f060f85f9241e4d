"""How many digits a device should compute with: half precision for masks, TF32 for boxes, and neither on a CPU.

A mask asks of each pixel which of two sides it is on, so three digits do. A box in a picture of 1333 pixels wants four:
bfloat16 would be off by pixels. There the products alone are shortened, to TF32, and sums stay in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from gk_utils.kernels import HAS_TRITON

LEAST_CAPABILITY = (8, 0)  # the first with bfloat16 and TF32; a T4 has (7, 5)


def half_for(device: str | torch.device) -> torch.dtype | None:
    """The half precision that a device is fast in: bfloat16, float16 on an older GPU, None where there is none.

    >>> half_for("cpu") is None
    True
    """
    device = torch.device(device)
    if device.type != "cuda":
        return torch.float16 if device.type == "mps" else None
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= LEAST_CAPABILITY else torch.float16


@contextmanager
def short_products() -> Iterator[None]:
    """Float32 products in TF32 where a GPU has it, until the end of the block.

    >>> with short_products():
    ...     torch.get_float32_matmul_precision()
    'high'
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def compile_on(module: nn.Module, device: str | torch.device) -> bool:
    """Compile a module in place where that is worth its minute, on a recent GPU; and whether that was done.

    >>> compile_on(nn.Linear(2, 2), "cpu")
    False
    """
    device = torch.device(device)
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < LEAST_CAPABILITY or not HAS_TRITON:
        return False
    module.compile()
    return True
