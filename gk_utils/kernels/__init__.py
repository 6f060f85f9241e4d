"""Operations as Triton kernels for a GPU. Where `use_triton` says no, a technique runs its own torch code instead.

A kernel is one short program, started once for each block of the result, all at the same time. It says what to load,
to compute and to store; which thread does what is the compiler's business.

`TRITON_INTERPRET=1` (set before the first import of a kernel) with `GK_TRITON=1` runs the kernels on a CPU, line by
line in Python: slow, and good for reading and testing. `GK_TRITON=0` turns them off.
"""

import os
from importlib.util import find_spec

import torch
from torch import Tensor

HAS_TRITON = find_spec("triton") is not None  # Linux only
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LEAST_CAPABILITY = (8, 0)  # the first with bfloat16 in hardware; a T4 has (7, 5)


def use_triton(tensor: Tensor) -> bool:
    """Whether kernels compute what starts from this tensor: the one switch.

    True on a GPU of compute capability 8.0 or more, with Triton installed, for single and half precision, unless
    the environment says GK_TRITON=0. On a CPU only where TRITON_INTERPRET=1 and GK_TRITON=1 ask for it.

    >>> use_triton(torch.zeros(1, dtype=torch.float64))
    False
    """
    if not HAS_TRITON or tensor.dtype not in DTYPES:
        return False
    wish = os.environ.get("GK_TRITON", "")
    if tensor.is_cuda:
        return wish != "0" and torch.cuda.get_device_capability(tensor.device) >= LEAST_CAPABILITY
    return tensor.device.type == "cpu" and wish == "1" and os.environ.get("TRITON_INTERPRET") == "1"
