"""Makes a Google Colab machine ready for the lessons: what a notebook's set-up cell calls after its clone.

Colab's own torch, NumPy and front end stay as they are. Other packages that are there and within the course's bounds
stay too; what is missing is installed in the version that the course was tested with (constraints.txt).

Standard library alone at import: on a new machine, what the rest of the course imports is not there yet. Colab was
never at hand where this was written; the tests pretend to be it.
"""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gk_utils.requirements import ROOT, Requirement, installed, requirements, within

# torch is built for the machine's GPU, and NumPy is loaded already; another front end than Colab's would break Colab.
KEPT = ("torch", "torchvision", "numpy", "jupyterlab", "ipykernel", "ipywidgets")
MEASURED = KEPT[:3]  # the others matter to JupyterLab only


def set_up() -> None:
    """Install what is missing, go to the learner's folder my/, and say in one line what the lesson runs on.

    Safe to run again. Anywhere but on Colab it returns at once. With a GPU the tier is hub: published models can run,
    and what they need is installed too; without one, or if that cannot be had, it is mini.

    Raises:
        RuntimeError: pip could not install something; its last line, and what to do.
    """
    if "google.colab" not in sys.modules:
        return
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    install(missing("core", "lab"))
    if not is_editable():
        _pip("--no-deps", "--editable", str(ROOT))
    tier = "mini"
    if gpu:
        try:
            install(missing("hub"))
            tier = "hub"
        except RuntimeError as error:
            print(error)
    importlib.invalidate_caches()
    (ROOT / "my").mkdir(exist_ok=True)
    os.chdir(ROOT / "my")  # here a passed check stores the function
    device = f"cuda ({gpu})" if gpu else "cpu"
    print(f"Colab: torch {torch.__version__} as it was, device {device}, tier {tier}, course in {ROOT}{_too_old()}")


def missing(*groups: str) -> list[Requirement]:
    """What the course asks for in these groups and this machine lacks or has too old; what is Colab's own is left out.

    >>> [needed.name for needed in missing("core") if needed.name in KEPT]
    []
    """
    asked = [needed for needed in requirements() if needed.group in groups and needed.name not in KEPT]
    return [needed for needed in asked if not _is_met(needed)]


def install(needed: list[Requirement]) -> None:
    """Install these packages, and what they need in turn, without touching what is Colab's own.

    Raises:
        RuntimeError: pip could not; nothing of it is installed then.
    """
    if not needed:
        return
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pins({package.name for package in needed})) + "\n", encoding="utf-8")
        _pip("--constraint", str(constraints), *(package.name + package.wanted for package in needed))


def pins(needed: set[str]) -> list[str]:
    """The versions that pip must keep to: those of `KEPT` as they are here, and the tested one of all that is new.

    Args:
        needed: the packages to be installed. One that is here already, too old, is new as well.
    """
    kept = {name: version for name in KEPT if (version := installed(name))}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if re.fullmatch(r"[\w.-]+==[\w.+!-]+", line))
    new = {name: version for name, version in tested.items() if name in needed or not installed(name)}
    return [f"{name}=={version}" for name, version in (new | kept).items()]


def is_editable() -> bool:
    """Whether this checkout is installed, so that new kernels and commands find it: as a link, not as a copy."""
    records = importlib.metadata.distributions(name="gk-utils")
    return any(f'"{ROOT.as_uri()}"' in (record.read_text("direct_url.json") or "") for record in records)


def _is_met(needed: Requirement) -> bool:
    version = installed(needed.name)
    return version is not None and within(version, needed.bounds)


def _too_old() -> str:
    old = [needed for needed in requirements() if needed.name in MEASURED and not _is_met(needed)]
    said = ", ".join(f"{needed.name} {installed(needed.name)} (wanted: {needed.wanted})" for needed in old)
    return f"; the course was not tested with {said}" if said else ""


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = ([line for line in done.stderr.splitlines() if line.strip()] or ["nothing said"])[-1]
        wanted = " ".join(word for word in arguments if not word.startswith("-") and not word.endswith(".txt"))
        raise RuntimeError(f"pip: expected to install {wanted}, got {last.strip()!r}. Run this cell again.")
