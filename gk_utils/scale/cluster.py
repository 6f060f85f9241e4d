"""Ray, started on this machine and stopped without a trace, or a cluster that runs already.

A local Ray is a handful of processes that end with this one, even when it is killed. It has one CPU more than there are
workers, in its books: workers that hold every CPU would leave none for what feeds them, and wait for ever. No
dashboard, no statistics to anybody, nothing on the screen.
"""

import contextlib
import gc
import logging
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gk_utils.errors import check_choice

NAME = "gk-ray-"
PLACE = "/tmp" if os.name == "posix" else tempfile.gettempdir()  # of Ray's folders: paths of sockets are short
STORE = 100 * 2**20  # bytes of shared memory: what travels are names of shards and counts
SETTINGS = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # as later versions have it; else a warning
    "RAY_worker_niceness": "0",  # workers count as much as other processes; Ray's 15 starves them beside others
    "RAY_worker_register_timeout_seconds": "600",  # Ray's 60 is little on a busy machine, and it would wait for ever
    "RAY_prestart_worker_first_driver": "0",  # no idle workers: the job starts those that it needs
}
TRIES = 3  # starts of a local Ray: its agents have 15 seconds each, little on a machine that is busy


@dataclass(frozen=True)
class Pool:
    """Workers to have: how many, on which device, and the share of a GPU of each (0 without)."""

    workers: int
    device: str = "cpu"
    gpus_each: float = 0.0


@contextlib.contextmanager
def cluster(workers: int | None = None, address: str | None = None, device: str | None = None) -> Iterator[Pool]:
    """Have a Ray: the one that this process is connected to, else that at `address`, else a new one on this machine.

    Args:
        workers: how many; None is one a GPU where there are GPUs, else one a CPU.
        address: of a running cluster, "auto" for the one that this machine is part of.
        device: "cpu" leaves GPUs alone; None takes them where there are any.

    Raises:
        ModuleNotFoundError: Ray is not installed. ValueError: fewer than one worker, or more than the cluster has CPUs.
        ConnectionError: no cluster at the address. RuntimeError: Ray did not start here.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"--workers: expected 1 or more, got {workers}. Leave it out for one a CPU or GPU.")
    check_choice(device, (None, "cpu", "cuda"), "device")
    ray = require_ray()
    if ray.is_initialized():
        yield pool_of(ray.cluster_resources(), workers, device)
    elif address is not None:
        with _connected(ray, address):
            yield pool_of(ray.cluster_resources(), workers, device)
    else:
        gpus = 0 if device == "cpu" else _gpus_here()
        workers = workers or gpus or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0])
        with _local(ray, workers, gpus):
            yield pool_of(ray.cluster_resources(), workers, device)


def require_ray() -> Any:
    """The module ray, quietened.

    Raises:
        ModuleNotFoundError: it is not installed; says how to install it.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
            import ray.data
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "ray: expected Ray Data, got none. Install the extra `scale`: pip install -e '.[scale]'"
        ) from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return ray


def pool_of(resources: dict[str, float], workers: int | None, device: str | None = None) -> Pool:
    """The workers that a cluster with these resources carries; several share a GPU where they are more than GPUs.

    Raises:
        ValueError: more workers than CPUs, or "cuda" without a GPU.

    >>> pool_of({"CPU": 9.0}, None), pool_of({"CPU": 16.0, "GPU": 2.0}, None).workers
    (Pool(workers=8, device='cpu', gpus_each=0.0), 2)
    >>> pool_of({"CPU": 16.0, "GPU": 2.0}, 3)
    Pool(workers=3, device='cuda', gpus_each=0.5)
    """
    cpus, gpus = int(resources.get("CPU", 0)), 0 if device == "cpu" else int(resources.get("GPU", 0))
    if device == "cuda" and not gpus:
        raise ValueError("device: expected cpu, since the cluster has no GPU, got cuda. Leave it out.")
    room = max(1, cpus - 1)  # one CPU for what feeds the workers
    count = workers or min(gpus, room) or room
    if count > room:
        raise ValueError(f"--workers: expected at most {room} on {cpus} CPUs, got {count}. One CPU feeds the others.")
    return Pool(count, "cuda", 1 / -(-count // gpus)) if gpus else Pool(count)


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    try:
        _knock(address)
        with _mute():
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConnectionError(
            f"--address: expected a running cluster, got {address!r}: {' '.join(str(error).split())[:200]} "
            "Start one with: ray start --head"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _local(ray: Any, workers: int, gpus: int) -> Iterator[None]:
    """A Ray of this process's own: fewer processes than `ray.init` starts, in a folder that is removed."""
    import psutil  # comes with Ray
    from ray.cluster_utils import Cluster

    _sweep()
    folder = tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-", dir=PLACE)
    before = os.environ.get("RAY_TMPDIR")
    (Path(folder) / "ray").mkdir()
    os.environ["RAY_TMPDIR"] = folder  # or Ray leaves a note of its address in /tmp/ray
    own = {"include_dashboard": False, "no_monitor": True, "include_log_monitor": False, "temp_dir": folder}
    sizes = {"num_cpus": workers + 1, "num_gpus": gpus, "object_store_memory": STORE}
    started, others = None, frozenset(psutil.Process().children(recursive=True))
    try:
        for tried in range(1, TRIES + 1):
            try:
                with _mute():
                    started = Cluster(initialize_head=True, head_node_args={**own, **sizes})
                break
            except BaseException as error:  # Ray raises a bare one; and Ctrl-C
                _end_children(others)
                if not isinstance(error, Exception):
                    raise
                if tried == TRIES:
                    raise RuntimeError(f"ray: did not start in {TRIES} tries: {error}") from None
        with _mute():
            ray.init(address=started.address, log_to_driver=False, logging_level=logging.CRITICAL)
        yield
    finally:
        ray.shutdown()
        if started is not None:
            started.shutdown()
        if before is None:
            os.environ.pop("RAY_TMPDIR", None)
        else:
            os.environ["RAY_TMPDIR"] = before
        shutil.rmtree(folder, ignore_errors=True)
        _sweep()


@contextlib.contextmanager
def _mute() -> Iterator[None]:
    """Without what Ray's C++ parts write to stderr as they start, past Python."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _knock(address: str) -> None:
    """Raise OSError unless somebody listens at HOST:PORT; Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _gpus_here() -> int:
    import torch

    return torch.cuda.device_count()


def _end_children(others: Collection[Any]) -> None:
    """Kill what a failed start left running: the children of this process that are Ray's, but for the `others`."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child not in others and "ray" in " ".join(child.cmdline()[:3]):
                child.kill()
                child.wait(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # handles of these processes
        gc.collect()


def _sweep() -> None:
    """Remove the folders of drivers that were killed."""
    for folder in Path(PLACE).glob(f"{NAME}*-*"):
        owner = folder.name.removeprefix(NAME).partition("-")[0]
        if owner.isdigit() and not _lives(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
