"""Rows of a benchmark: ours and a peer by turns, and the least time that the machine would need.

On CUDA the clock is the device's, from event to event. Before each run a buffer larger than the cache is written, until
the host has had the time to queue the run: its inputs then come from memory, and what the host does meanwhile is not
counted, but every wait of the call for the device is. `call_ms` is the other view: one call on an idle device, until
its result is there.
"""

import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

Action = Callable[[], Tensor | Sequence[Tensor]]
SECONDS = 2.0  # for the rounds of a row, unless five take longer
FEWEST, MOST = 5, 101  # rounds
SHORTEST = 0.001  # seconds: a CPU's clock is read after as many repetitions as this takes
MORE_THAN_A_CACHE = 2**28  # bytes


def row(
    case: str,
    *,
    device: str,
    dtype: str = "float32",
    kind: Literal["forward", "forward+backward", "end-to-end"] = "forward",
    ours: Action,
    peer: str,
    theirs: Action,
    floor_ms: float | None = None,
    seconds: float = SECONDS,
    exact: Sequence[Tensor] | None = None,
) -> dict[str, Any]:
    """Measure one case.

    Args:
        case: its sizes in words.
        device: where both run; they must leave their work there, not wait for it.
        dtype: of what they compute with.
        kind: the row's "pass".
        ours: does the work once and returns its results.
        peer: what a user would take instead.
        theirs: the same work done by the peer.
        floor_ms: from `floor_ms`, the time that no version can beat.
        seconds: for all rounds; at least five are run.
        exact: what both should return, where the peer is not the measure. `max_error` is the largest difference to it
            or else to the peer; `peer_error` is the peer's.
    """
    mine, others = _list(ours()), _list(theirs())
    errors = {"max_error": largest_difference(mine, others if exact is None else exact)}
    if exact is not None:
        errors["peer_error"] = largest_difference(others, exact)
    return {
        **{"case": case, "device": torch.device(device).type, "dtype": dtype, "pass": kind},
        **{"peer": peer, **errors, "floor_ms": floor_ms},
        **compare(ours, theirs, device, seconds),
    }


def not_run(case: str, device: str, why: str, *, peer: str | None = None) -> dict[str, Any]:
    """The row of a case that could not be measured here, with the reason.

    >>> not_run("1,000 images", "cpu", "pycocotools is not installed")["not_run"]
    'pycocotools is not installed'
    """
    numbers = dict.fromkeys(("ours_ms", "peer_ms", "ratio", "low", "high", "max_error", "floor_ms"))
    first = {"case": case, "device": torch.device(device).type, "dtype": None, "pass": None, "peer": peer}
    return {**first, **numbers, "not_run": why}


def compare(ours: Action, theirs: Action, device: str, seconds: float = SECONDS) -> dict[str, float]:
    """Ours and theirs by turns: the median of each in ms, the median of their ratios, and the middle 80 % of them.

    >>> sorted(compare(lambda: torch.ones(9), lambda: torch.ones(9), "cpu", 0.01))
    ['high', 'low', 'ours_ms', 'peer_ms', 'ratio']
    """
    clocks = [_clock(action, device) for action in (ours, theirs)]
    began = time.perf_counter()
    times = [[clock() for clock in clocks]]
    rounds = int(min(max(seconds / (time.perf_counter() - began), FEWEST), MOST))
    for turn in range(1, rounds):
        taken = {side: clocks[side]() for side in ((1, 0) if turn % 2 else (0, 1))}
        times.append([taken[0], taken[1]])
    times = np.array(times)
    low, middle, high = np.quantile(times[:, 0] / times[:, 1], [0.1, 0.5, 0.9]).tolist()
    mine, other = (1e3 * np.median(times, axis=0)).tolist()
    found = {"ours_ms": mine, "peer_ms": other, "ratio": middle, "low": low, "high": high}
    if torch.device(device).type == "cuda":
        found |= {"call_ms": 1e3 * _call(ours), "peer_call_ms": 1e3 * _call(theirs)}
    return found


def largest_difference(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    """The largest absolute difference between tensors in pairs; infinite where a number is not finite.

    Raises:
        ValueError: not as many tensors, or of other shapes.

    >>> largest_difference([torch.tensor([1.0, 2.0])], [torch.tensor([1.5, 2.0])])
    0.5
    """
    largest = 0.0
    for a, b in zip(first, second, strict=True):
        if a.shape != b.shape:
            raise ValueError(f"ours: expected the peer's shape {tuple(b.shape)}, got {tuple(a.shape)}. Compare equals.")
        if a.numel():
            wider = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
            difference = (a.to(wider) - b.to(wider)).abs_().nan_to_num_(math.inf).max().item()
            largest = max(largest, difference)
    return largest


def floor_ms(device: str, moved: float, operations: float = 0) -> float:
    """The time in ms that no version can beat: `moved` bytes, or floating-point operations, whichever takes longer.

    Each at the rate that this machine reaches: a large copy, bytes read and bytes written; a float32 matrix product.

    >>> floor_ms("cpu", 2e6) == 2 * floor_ms("cpu", 1e6) > 0
    True
    """
    kind = torch.device(device).type
    return 1e3 * max(moved / bandwidth(kind), operations / rate(kind) if operations else 0.0)


@functools.cache
def bandwidth(device: str) -> float:
    """Bytes a second of a copy that does not fit in the cache, those read and those written.

    >>> bandwidth("cpu") > 1e8
    True
    """
    source = torch.ones(MORE_THAN_A_CACHE // (1 if device == "cuda" else 2), dtype=torch.uint8, device=device)
    onto = source.clone()
    clock = _clock(lambda: onto.copy_(source), device)
    return 2 * len(source) / min(clock() for _ in range(10))


@functools.cache
def rate(device: str) -> float:
    """Floating-point operations a second of a large matrix product in float32, without shorter formats.

    >>> rate("cpu") > 1e8
    True
    """
    n = 8192 if device == "cuda" else 1024
    square = torch.rand(n, n, device=device)
    clock = _clock(lambda: square @ square, device)
    clock()
    return 2 * n**3 / min(clock() for _ in range(5))


def _clock(action: Action, device: str) -> Callable[[], float]:
    """A function that runs the action once more and returns its seconds; the slow first runs are done here."""
    first = _seconds(action)
    if torch.device(device).type != "cuda":
        usual = first if first > 0.1 else _seconds(action)
        repetitions = math.ceil(SHORTEST / max(usual, 1e-9))
        return lambda: _seconds(action, repetitions)
    torch.cuda.synchronize()
    buffer = torch.empty(MORE_THAN_A_CACHE, dtype=torch.uint8, device=device)
    writing = _device_seconds([buffer.zero_] * 2, buffer.zero_)
    began = time.perf_counter()
    action()
    queued = time.perf_counter() - began  # with its waits, if it has any: a little too long does no harm
    torch.cuda.synchronize()
    writes = min(20, math.ceil(1.5 * queued / writing))
    return lambda: _device_seconds([buffer.zero_] * writes, action)


def _seconds(action: Action, repetitions: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(repetitions):
        action()
    return (time.perf_counter() - began) / repetitions


def _device_seconds(before: Sequence[Callable[[], Any]], action: Callable[[], Any]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for write in before:
        write()
    start.record()
    action()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def _call(action: Action) -> float:
    """Median seconds from the call on an idle device to its result."""
    times = []
    for _ in range(FEWEST):
        torch.cuda.synchronize()
        began = time.perf_counter()
        action()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _list(results: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [results] if isinstance(results, Tensor) else list(results)
