"""The command line: `python -m gk_utils COMMAND`. Each command is one function here that names its arguments.

A command's module is imported when it runs, so that `doctor` works before torch is installed.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a bad argument with one line and exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and stop."""
        self.exit(2, f"{self.prog}: {message}\n")


def add_doctor(commands: Any) -> None:
    """Add `doctor`, which says whether this machine is ready for the course."""
    parser = commands.add_parser("doctor", help="say whether this machine is ready, and what to do where it is not")
    parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(arguments: argparse.Namespace) -> int:
        from gk_utils import doctor

        return doctor.run(as_json=arguments.json)

    parser.set_defaults(run=run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it ran, 1 when it found a fault, 2 for bad arguments.

    Without arguments: the help.
    """
    parser = Parser(prog="python -m gk_utils", description="The commands of the course on visual grounding.")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for add in (add_doctor,):
        add(commands)
    parsed = parser.parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser.print_help()
        return 0
    return parsed.run(parsed)


if __name__ == "__main__":
    sys.exit(main())
