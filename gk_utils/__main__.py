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
    """Add `doctor`: whether this machine is ready, and with `--hub` whether the published models run."""
    parser = commands.add_parser("doctor", help="say whether this machine is ready, and what to do where it is not")
    parser.add_argument(
        "--hub",
        nargs="*",
        metavar="NAME",
        help="load published models and let them ground the labelled photographs: all of them (40 GB), or those named; "
        "NAME=FOLDER takes a copy on this machine",
    )
    parser.add_argument("--device", help="with --hub: cpu, cuda; the fastest there is if left out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(arguments: argparse.Namespace) -> int:
        if arguments.hub is None:
            from gk_utils import doctor

            if arguments.device:
                parser.error("--device: expected with --hub, got no --hub. Leave it out.")
            return doctor.run(as_json=arguments.json)
        try:
            from gk_utils.hub import hub_check

            return hub_check.run(arguments.hub, device=arguments.device, as_json=arguments.json)
        except (ValueError, ImportError) as error:
            parser.error(_one_line(error))

    parser.set_defaults(run=run)


def add_ground(commands: Any) -> None:
    """Add `ground`, which finds what a phrase refers to in a picture, or several phrases in a folder of pictures."""
    parser = commands.add_parser("ground", help="find what phrases refer to in a picture, or in a folder of them")
    parser.add_argument("image", metavar="IMAGE", help="a picture: PNG, JPEG, WebP ...; or a folder of pictures")
    parser.add_argument(
        "phrase", metavar="PHRASE", help='what to look for: "the red mug near the toaster"; for a folder "mug; plate"'
    )
    parser.add_argument("--save", metavar="PNG", help="draw the answer into this file (one picture)")
    parser.add_argument("--out", metavar="JSON", help="write boxes and masks there (a folder); resumes what is there")
    parser.add_argument("--coco", metavar="JSON", help="write them as a COCO file too (a folder)")
    parser.add_argument("--checkpoint", metavar="FOLDER", help="a trunk; the best one of the course if left out")
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, mps")
    parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(arguments: argparse.Namespace) -> int:
        from pathlib import Path

        from gk_utils import ground

        options = {"checkpoint": arguments.checkpoint, "device": arguments.device}
        try:
            if arguments.out or Path(arguments.image).is_dir():
                if not arguments.out or arguments.save:
                    raise ValueError("--out: expected for a folder, and no --save, got another choice. Name a file.")
                files = {"out": arguments.out, "coco": arguments.coco}
                many = ground.ground_pictures(arguments.image, arguments.phrase, **files, **options)
                say = ground.folder_as_json if arguments.json else ground.folder_as_text
                print(say(many, arguments.out))
                return 0
            if arguments.coco:
                raise ValueError("--coco: expected a folder of pictures, got one picture. Leave it out.")
            found = ground.ground_file(arguments.image, arguments.phrase, **options)
            if arguments.save:
                ground.save_picture(found, arguments.save)
        except (ValueError, OSError) as error:
            parser.error(_one_line(error))
        except KeyboardInterrupt:
            goes_on = "; the same command goes on from here" if arguments.out else ""
            print(f"\n{parser.prog}: stopped{goes_on}", file=sys.stderr)
            return 130
        print(found.as_json() if arguments.json else found.as_text())
        return 0

    parser.set_defaults(run=run)


def add_assist(commands: Any) -> None:
    """Add `assist`, which answers a question about a picture and shows its evidence."""
    parser = commands.add_parser("assist", help="answer a question about a picture, with its evidence")
    parser.add_argument("image", metavar="IMAGE", help="a picture: PNG, JPEG, WebP ...")
    parser.add_argument("question", metavar="QUESTION", help='"How many mugs are there?"; see lesson 17 for ten kinds')
    parser.add_argument("--save", metavar="PNG", help="draw the evidence into this file")
    parser.add_argument("--reference", action="store_true", help="compose the reference functions, not yours in my/")
    parser.add_argument("--checkpoint", metavar="FOLDER", help="a trunk; the best one of the course if left out")
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, mps")
    parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(arguments: argparse.Namespace) -> int:
        from gk_utils import assist

        options = {name: getattr(arguments, name) for name in ("reference", "checkpoint", "device")}
        try:
            found = assist.assist_file(arguments.image, arguments.question, **options)
            if arguments.save:
                assist.save_evidence(found, arguments.save)
        except (ValueError, OSError, ModuleNotFoundError) as error:
            parser.error(_one_line(error))
        print(found.as_json() if arguments.json else found.as_text())
        return 0

    parser.set_defaults(run=run)


def add_train(commands: Any) -> None:
    """Add `train`, which trains one of the mini models."""
    parser = commands.add_parser("train", help="train one of the course's own models")
    parser.add_argument("name", metavar="NAME", help="a recipe: trunk_small, box_tokens ...")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="the whole run in wall time, evaluation included")
    length.add_argument("--steps", type=int, help="of the optimiser; as many as the recipe says if left out")
    parser.add_argument("--device", help="cpu, cuda, mps; the fastest there is if left out")
    parser.add_argument("--resume", action="store_true", help="go on where the run in the folder stopped")
    parser.add_argument("--out", metavar="DIR", help="folder of the run; runs/NAME if left out")

    def run(arguments: argparse.Namespace) -> int:
        import json

        from gk_utils.errors import check_device
        from gk_utils.training import train

        options = {name: getattr(arguments, name) for name in ("minutes", "steps", "device", "resume", "out")}
        try:
            if arguments.device is not None:
                check_device(arguments.device)
            card = train(arguments.name, **options)
        except (ValueError, OSError) as error:
            parser.error(_one_line(error))
        print(json.dumps(card.metrics))
        return 0

    parser.set_defaults(run=run)


def add_evaluate(commands: Any) -> None:
    """Add `evaluate`, which measures a model on a frozen split."""
    parser = commands.add_parser("evaluate", help="measure a model on a frozen split, with baselines and intervals")
    parser.add_argument("name", metavar="NAME", help="what to measure: rec, box_tokens, box_regression ...")
    parser.add_argument("--split", help="val (if left out), testA, testB")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N examples alone")
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, mps")
    parser.add_argument("--checkpoint", metavar="FOLDER", help="another checkpoint than the course's best")
    parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(arguments: argparse.Namespace) -> int:
        import json

        from gk_utils.errors import check_device
        from gk_utils.evaluate import as_text, evaluate

        options = {name: getattr(arguments, name) for name in ("limit", "device", "checkpoint")}
        if arguments.split is not None:
            options["split"] = arguments.split
        try:
            check_device(arguments.device)
            result = evaluate(arguments.name, **options)
        except (ValueError, OSError) as error:
            parser.error(_one_line(error))
        print(json.dumps(result, indent=2) if arguments.json else as_text(result))
        return 0

    parser.set_defaults(run=run)


def add_bench(commands: Any) -> None:
    """Add `bench`, which compares the course's code with what a user would take instead."""
    parser = commands.add_parser("bench", help="compare the speed of the course's code with its peers")
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="files in benchmarks/; all, kept in RESULTS.md, if none"
    )
    parser.add_argument("--device", help="cpu, cuda; cpu for a NAME if left out, for all of them every one there is")
    parser.add_argument("--scale", type=float, default=1.0, help="smaller cases for a quick look: 0.05")
    parser.add_argument("--out", metavar="FOLDER", help="keep what was measured there, a file for each NAME and device")
    parser.add_argument(
        "--report", metavar="FOLDER", nargs="?", const="", help="measure nothing: write RESULTS.md again"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for several names a list of them")

    def run(arguments: argparse.Namespace) -> int:
        from gk_utils.bench.command import run

        options = {name: getattr(arguments, name) for name in ("device", "scale", "out", "report", "json")}
        try:
            return run(arguments.names, **options)
        except (ValueError, OSError) as error:
            parser.error(_one_line(error))

    parser.set_defaults(run=run)


def add_grit(commands: Any) -> None:
    """Add `grit`, which makes rows of GrIT from captions and pictures, over processes or a cluster of machines."""
    parser = commands.add_parser(
        "grit", help="make phrases with boxes from captions and pictures, as many as there are"
    )
    parser.add_argument(
        "--captions",
        metavar="FILE",
        required=True,
        help='pairs, one a line: image TAB caption (.tsv), or {"image": ..., "caption": ...} (.jsonl)',
    )
    parser.add_argument("--images", metavar="DIR", required=True, help="the folder in which the images are")
    parser.add_argument(
        "--out", metavar="DIR", required=True, help="Parquet files and manifest.json; goes on with what is there"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes; one a GPU or CPU if left out")
    parser.add_argument("--address", metavar="ADDRESS", help="a running Ray cluster: auto, or HOST:PORT")
    parser.add_argument("--json", action="store_true", help="print one JSON object")

    def run(arguments: argparse.Namespace) -> int:
        try:
            from gk_utils.scale import grit_command

            names = ("captions", "images", "out", "workers", "address")
            made = grit_command.make_grit(**{name: getattr(arguments, name) for name in names})
        except (ValueError, OSError, ImportError) as error:
            parser.error(_one_line(error))
        except KeyboardInterrupt:
            print(f"\n{parser.prog}: stopped; the same command goes on from here", file=sys.stderr)
            return 130
        except grit_command.JobFailed as error:
            print(f"{parser.prog}: {_one_line(error)}", file=sys.stderr)
            return 1
        text, encoding = grit_command.as_text(made), sys.stdout.encoding or "utf-8"
        print(grit_command.as_json(made) if arguments.json else text.encode(encoding, "replace").decode(encoding))
        return int(made.total("rows") == 0 and bool(made.broken))

    parser.set_defaults(run=run)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it ran, 1 when it found a fault, 2 for bad arguments.

    Without arguments: the help.
    """
    parser = Parser(prog="python -m gk_utils", description="The commands of the course on visual grounding.")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for add in (add_doctor, add_ground, add_assist, add_train, add_evaluate, add_bench, add_grit):
        add(commands)
    parsed = parser.parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser.print_help()
        return 0
    return parsed.run(parsed)


if __name__ == "__main__":
    sys.exit(main())
