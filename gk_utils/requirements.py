"""What the course needs to be installed, as pyproject.toml says it, and what is installed. Standard library alone."""

import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Requirement:
    """A package the course needs, of the group core, lab, hub, scale, book or dev.

    >>> Requirement("jupyterlab", "lab", ((">=", "4.2"), ("<", "5"))).wanted
    '>=4.2,<5'
    """

    name: str
    group: str
    bounds: tuple[tuple[str, str], ...]

    @property
    def wanted(self) -> str:
        """The bounds as pip reads them."""
        return ",".join(sign + bound for sign, bound in self.bounds)


def release(version: str) -> tuple[int, ...]:
    """The numbers a version begins with, without zeros at the end.

    >>> release("2.14.1+cu130"), release("3.0rc1") == release("3")
    ((2, 14, 1), True)
    """
    parts = [int(part) for part in re.match(r"[\d.]*", version).group().split(".") if part]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def read_bounds(text: str) -> tuple[tuple[str, str], ...]:
    """The bounds in a requirement; pyproject.toml uses `>=` and `<` alone.

    >>> read_bounds("jupyterlab>=4.2,<5")
    (('>=', '4.2'), ('<', '5'))
    """
    return tuple(re.findall(r"(>=|<)\s*([\w.]+)", text))


def within(version: str, bounds: tuple[tuple[str, str], ...]) -> bool:
    """Whether an installed version is within the bounds.

    >>> within("2.9.1", ((">=", "2.11"),)), within("4.6.6", ((">=", "4.2"), ("<", "5")))
    (False, True)
    """
    here = release(version)
    return all(here >= release(bound) if sign == ">=" else here < release(bound) for sign, bound in bounds)


def requirements() -> list[Requirement]:
    """The packages that pyproject.toml asks for; what an install once wrote down may be older than the checkout.

    >>> sorted({requirement.group for requirement in requirements()})
    ['book', 'core', 'dev', 'hub', 'lab', 'scale']
    """
    import tomllib  # not there before Python 3.11, and then the first line of the doctor says so

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    lines = [(group, line) for group, lines in groups.items() for line in lines if not line.startswith("gk-utils")]
    return [Requirement(re.match(r"[\w.-]+", line).group(), group, read_bounds(line)) for group, line in lines]


def installed(name: str) -> str | None:
    """The installed version of a package, or None.

    >>> installed("no-such-package") is None
    True
    """
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
