"""Tests of gk_utils.requirements."""

import tomllib

import pytest

from gk_utils.requirements import ROOT, Requirement, installed, read_bounds, release, requirements, within


class TestRelease:
    @pytest.mark.parametrize(
        ("version", "numbers"),
        [
            ("2.14.1+cu130", (2, 14, 1)),
            ("2.14.1", (2, 14, 1)),
            ("3.0.0", (3,)),
            ("2.11.0a0+git123", (2, 11)),
            ("3.0rc1", (3,)),
            ("0", ()),
            ("unknown", ()),
        ],
    )
    def test_by_hand(self, version: str, numbers: tuple[int, ...]):
        assert release(version) == numbers


class TestWithin:
    @pytest.mark.parametrize(
        ("version", "text", "expected"),
        [
            ("2.11", "torch>=2.11", True),
            ("2.11.0+cpu", "torch>=2.11", True),
            ("2.9.1", "torch>=2.11", False),  # as text "2.9" comes after "2.11"
            ("10", "pillow>=10", True),
            ("5.0", "jupyterlab>=4.2,<5", False),
            ("4.99", "jupyterlab>=4.2,<5", True),
            ("3.13.2", ">=3.11,<3.14", True),
            ("3.14.0", ">=3.11,<3.14", False),
            ("1", "anything", True),
        ],
    )
    def test_by_hand(self, version: str, text: str, expected: bool):
        assert within(version, read_bounds(text)) is expected


class TestRequirements:
    def test_every_line_of_pyproject_is_understood(self):
        """Written out again, the requirements are what pyproject.toml says: no bound was skipped."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        lines = [
            *project["dependencies"],
            *(line for group in project["optional-dependencies"].values() for line in group),
        ]
        written = [f"{needed.name}{needed.wanted}" for needed in requirements()]
        assert written == [line for line in lines if not line.startswith("gk-utils")]

    def test_groups(self):
        groups = {needed.name: needed.group for needed in requirements()}
        assert (groups["torch"], groups["jupyterlab"], groups["transformers"], groups["pytest"]) == (
            "core",
            "lab",
            "hub",
            "dev",
        )

    def test_wanted(self):
        assert Requirement("torch", "core", ()).wanted == ""


class TestInstalled:
    def test_known_and_unknown(self):
        assert installed("pytest") == pytest.__version__
        assert installed("no-such-package") is None
