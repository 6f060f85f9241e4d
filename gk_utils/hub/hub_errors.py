"""What can go wrong between the hub and a lesson, each in one line that says what to do."""

import errno
from pathlib import Path

import torch

from gk_utils.hub.published_models import MODELS, Published

INSTALL = 'Run: python -m pip install -e ".[hub]"'


class HubError(Exception):
    """A published model cannot be used here; the message is one line with the remedy.

    `circumstance`: nothing is broken, the machine or its connection just does not allow it now.
    """

    def __init__(self, message: str, *, circumstance: bool = True) -> None:
        super().__init__(" ".join(message.split()))
        self.circumstance = circumstance


def cache_folder() -> Path:
    """Where downloads are kept: HF_HUB_CACHE, or below HF_HOME."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def explain(error: BaseException, row: Published) -> HubError:
    """Turn an error of a download or of a load into one line; of an unknown one the type and its first line are said.

    >>> print(explain(OSError(28, "No space left on device"), MODELS["sam-vit-base"]))
    sam-vit-base: the disk is full in ...: make room for 0.4 GB there, or set HF_HOME to a folder on another disk.
    """
    if isinstance(error, HubError):
        return error
    return _of_this_machine(error, row) or _of_the_hub(error, row) or _unknown(error, row)


def memory_too_small(row: Published, needed_gb: float, free_gb: float | None = None) -> HubError:
    """A GPU that is too small or too full; names what would fit.

    >>> print(memory_too_small(MODELS["sam-vit-huge"], 4.5, 3.0))
    sam-vit-huge: needs about 4.5 GB of GPU memory, 3.0 are free. Take sam-vit-base or sam2.1-base-plus, shut ...
    """
    same = [other for other in MODELS.values() if _alike(row, other)]
    room = min(free_gb if free_gb is not None else needed_gb, row.half_gb)
    fitting = sorted((other for other in same if other.half_gb < room), key=lambda other: -other.half_gb)
    free = "it ran out" if free_gb is None else f"{free_gb:.1f} are free"
    take = f"Take {' or '.join(_one_a_family(fitting))}, shut down" if fitting else "Shut down"
    return HubError(
        f"{row.name}: needs about {needed_gb:.1f} GB of GPU memory, {free}. {take} other notebooks, "
        "or pass device='cpu'."
    )


def _alike(row: Published, other: Published) -> bool:
    from gk_utils.hub.published_models import KINDS

    return KINDS[row.kind].offers[0] == KINDS[other.kind].offers[0] and not other.gated


def _one_a_family(rows: list[Published]) -> list[str]:
    """The largest of each kind, two at most."""
    largest = {row.kind: row.name for row in reversed(rows)}
    return [row.name for row in rows if largest[row.kind] == row.name][:2]


def _of_this_machine(error: BaseException, row: Published) -> HubError | None:
    if isinstance(error, torch.OutOfMemoryError):
        return memory_too_small(row, row.half_gb)
    if isinstance(error, ImportError):
        return HubError(f"{row.name}: {error.name or 'a package'} cannot be imported ({_first(error)}). {INSTALL}")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return HubError(
            f"{row.name}: the disk is full in {cache_folder()}: make room for {row.download_gb} GB there, "
            "or set HF_HOME to a folder on another disk."
        )
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EROFS):
        place = error.filename or cache_folder()
        return HubError(f"{row.name}: {place} cannot be written. Set HF_HOME to a folder of your own.")
    if type(error).__name__ == "SafetensorError":
        return HubError(
            f"{row.name}: a file of weights is damaged ({_first(error)}). Delete {_kept_in(row)} and load it again.",
            circumstance=False,
        )
    return None


def _of_the_hub(error: BaseException, row: Published) -> HubError | None:
    """The first row that fits: is it this error, what is said of it, are circumstances alone at fault."""
    from huggingface_hub import constants, errors

    copy = "Pass a copy of the model: folder=..."
    silent = "is not on this machine, and the hub does not answer. Connect to the network, or pass a copy: folder=..."
    if constants.HF_HUB_OFFLINE:
        silent = "is not on this machine, and HF_HUB_OFFLINE is set. Unset it to download."
    status = getattr(getattr(error, "response", None), "status_code", None)
    on_the_way = (errors.HTTPError, ConnectionError, TimeoutError)
    cut = type(error).__name__ == "XetDownloadError" or "Consistency check" in str(error)
    broke_off = f"the download broke off ({_first(error)}). Load it again: what has arrived is kept."
    rows: tuple[tuple[bool, str, bool], ...] = (
        (
            isinstance(error, errors.GatedRepoError),
            f"its weights are given on request. Accept the licence at {row.page}, then run: hf auth login",
            True,
        ),
        (
            isinstance(error, errors.RepositoryNotFoundError),
            f"the hub has no {row.repository}, or hides it. Logged in? Run: hf auth whoami. Has it moved? {copy}",
            False,
        ),
        (
            isinstance(error, errors.RevisionNotFoundError),
            f"{row.repository} has no revision {row.revision}. {copy}",
            False,
        ),
        (isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled), silent, True),
        (status == 401, "the hub does not accept your token. Run: hf auth login", True),
        (status == 429, "the hub asks to wait, too many requests. Try again in some minutes.", True),
        (status is not None, f"the hub answers with error {status}. Try again later. {copy}", True),
        (cut or isinstance(error, on_the_way), broke_off, True),
    )
    for fits, said, circumstance in rows:
        if fits:
            return HubError(f"{row.name}: {said}", circumstance=circumstance)
    return None


def _unknown(error: BaseException, row: Published) -> HubError:
    return HubError(
        f"{row.name}: cannot be loaded ({type(error).__name__}: {_first(error)}). Run: python -m gk_utils doctor",
        circumstance=False,
    )


def _kept_in(row: Published) -> Path:
    """The folder of this model in the cache."""
    return cache_folder() / f"models--{row.repository.replace('/', '--')}"


def _first(error: BaseException) -> str:
    """The first line of a message, or the type where there is none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
