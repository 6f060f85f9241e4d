"""Mutation testing: do the tests notice when one small thing in a module is wrong?

    python tests/mutation.py [TARGET ...] [--mutants 50] [--seed 0] [--minutes 30]

Each mutant is a module with one change (`<` for `<=`, `max` for `min`, 3 for 2, a dropped clamp, two arguments swapped
...), drawn from a seed. Its tests run on it in a process of their own, forked from one that has torch already; nothing
is written into the working tree. A mutant that no test notices survived, and is listed: the tests have a gap there, or
the change changes nothing that can be seen. One line a target; exit status 1 where 10 % survived, or a target's own
tests fail. A mutant that never ends, or takes all memory, counts as killed.
"""

import argparse
import contextlib
import gc
import importlib
import itertools
import os
import random
import resource
import signal
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path

from mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
CHOSEN = "not TestExercises and not slower and not linear_time"  # those test the course's exercises, and the clock
PROCESSES = 2
MEMORY = 6 * 2**30  # bytes a mutant may take
FAULT = 70  # the exit status of a process that could not start its tests
GRACE = 5  # seconds of work that a mutant gets beyond three times those of the tests
BAR = 0.1  # the share of survivors that is too many


@dataclass(frozen=True)
class Target:
    """A name, and its modules with the test files that have to notice; paths from `root`."""

    name: str
    tests: dict[str, tuple[str, ...]]
    root: Path = ROOT


def _target(name: str, folder: str, *modules: str) -> Target:
    """Each module is its name, and the stems of its test files if these are not just its own."""
    tests = {}
    for words in modules:
        module, *stems = words.split()
        tests[f"gk_utils/{folder}{module}.py"] = tuple(f"tests/test_{stem}.py" for stem in stems or [module])
    return Target(name, tests)


TARGETS = [
    _target("boxes", "", "boxes", "frames"),
    _target("metrics", "", "metrics", "average_precision"),
    _target("box_tokens", "box_tokens/", "bins", "cell_pairs", "locations", "token_ranges", "object_sequence"),
    _target(
        *("text_coordinates", "text_coordinates/", "digits", "rendering", "parsing"),
        "scanning scanning parsing conventions",
    ),
    _target("kosmos2", "kosmos2/", "grounded_text", "hyperlink_grammar"),
    _target(
        *("roi_align", "roi_align/", "align align roi_align", "box_samples box_samples roi_align", "pooling"),
        *("features_and_boxes", "slow_forms slow_forms roi_align"),
    ),
    _target(
        "spatial_relations",
        "spatial_relations/",
        *(
            "extents",
            "contact contact support",
            "projective",
            "topological",
            "proximity",
            "support",
            "orientation",
            "comparative",
        ),
        *("verdict", "quantify", "verifier"),
    ),
    _target(
        "spatial_reader",
        "spatial_relations/",
        *("parser", "noun_chunks noun_chunks parser", "statement_scanner statement_scanner parser"),
        *("joins joins parser", "form_builder form_builder parser", "statement_text statement_text parser"),
    ),
]


def drawn(target: Target, count: int, seed: int) -> list[Mutant]:
    """Up to `count` mutants of a target, at as many places as there are; the same for the same seed."""
    generator = random.Random(f"{seed} {target.name}")
    places: dict[tuple[Path, int, int], list[Mutant]] = {}
    for module in target.tests:
        for mutant in mutants_of(target.root / module):
            places.setdefault((mutant.path, mutant.start, mutant.end), []).append(mutant)
    one_each = [generator.choice(some) for some in places.values()]
    return generator.sample(one_each, min(count, len(one_each)))


def _start(root: Path, files: Sequence[str], mutant: Mutant | None, seconds: int | None, log: Path) -> int:
    """Fork a process that runs the tests of these files and exits with pytest's status; returns its number."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = FAULT
    try:
        os.setpgid(0, 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        if seconds is not None:  # of work, not of waiting: a busy machine kills no mutant
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        if mutant is not None:
            _put_in_place(mutant)
        os.chdir(root)
        status = _pytest(files)
        if mutant is None:
            log.with_suffix(".modules").write_text("\n".join(_libraries()))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _pytest(files: Sequence[str]) -> int:
    """Doctests of the modules and the tests, up to the first that fails; the same examples every time."""
    import pytest
    from hypothesis import Phase, settings

    phases = [Phase.explicit, Phase.generate]  # no shrinking: that it fails is enough
    settings.register_profile(
        "mutation", derandomize=True, database=None, max_examples=25, deadline=None, phases=phases
    )
    settings.load_profile("mutation")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = ["-p", "jaxtyping", "-p", "hypothesispytest", "-p", "no:cacheprovider"]
    options = ["-x", "-q", "--tb=short", "--no-header", "--assert=plain"]  # rewriting reads modules past our loader
    return int(pytest.main([*plugins, *options, "-k", CHOSEN, *files]))


def _libraries() -> list[str]:
    """What the tests imported besides the project: loaded once, before the mutants are forked."""
    origins = {name: getattr(getattr(module, "__spec__", None), "origin", None) for name, module in sys.modules.items()}
    libraries = {sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")}
    return [name for name, origin in origins.items() if origin and any(origin.startswith(x) for x in libraries)]


def _put_in_place(mutant: Mutant) -> None:
    """Whoever imports the module gets the mutant: the loader reads it in place of the file, and no compiled copy."""
    path, source = str(mutant.path), mutant.source()
    read, stat = SourceFileLoader.get_data, SourceFileLoader.path_stats

    def get_data(loader: SourceFileLoader, name: str) -> bytes:
        return source if name == path else read(loader, name)

    def path_stats(loader: SourceFileLoader, name: str) -> dict:
        if name == path:
            raise OSError("no compiled copy of a mutant")
        return stat(loader, name)

    SourceFileLoader.get_data, SourceFileLoader.path_stats = get_data, path_stats


def _reap(process: int) -> tuple[int, float] | None:
    """Exit status and seconds of work of a process that has ended, else None."""
    ended, status, usage = os.wait4(process, os.WNOHANG)
    if not ended:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # what it started
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def _run_unchanged(target: Target, log: Path) -> tuple[int, float]:
    """Exit status and seconds of work of a target's own tests; loads the libraries that they use."""
    files = [*target.tests, *dict.fromkeys(itertools.chain(*target.tests.values()))]
    process = _start(target.root, files, None, None, log)
    while (ended := _reap(process)) is None:
        time.sleep(0.05)
    if ended[0] == 0:
        for name in log.with_suffix(".modules").read_text().split():
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        gc.collect()
        gc.freeze()  # a collection in a forked process would copy all of this
    return ended


def survivors(
    target: Target, mutants: Sequence[Mutant], seconds: int, deadline: float, folder: Path
) -> tuple[list[Mutant], int]:
    """The mutants that no test noticed, and how many there was no time for."""
    waiting, running, survived = list(mutants)[::-1], {}, []
    try:
        while waiting or running:
            while waiting and len(running) < PROCESSES and time.monotonic() < deadline:
                log = folder / f"{len(waiting)}.txt"
                mutant = waiting.pop()
                module = mutant.path.relative_to(target.root).as_posix()
                process = _start(target.root, [module, *target.tests[module]], mutant, seconds, log)
                running[process] = (mutant, log, time.monotonic())
            if not running:
                break
            time.sleep(0.02)
            for process, (mutant, log, started) in list(running.items()):
                ended = _reap(process)
                if ended is None:
                    if time.monotonic() - started > 4 * seconds + 30:  # it waits, and does no work
                        os.killpg(process, signal.SIGKILL)
                    continue
                del running[process]
                if ended[0] == FAULT:
                    raise RuntimeError(f"{target.name}: the tests could not be run.\n{log.read_text()}")
                survived += [mutant] if ended[0] == 0 else []
    finally:
        for process in running:
            os.killpg(process, signal.SIGKILL)
    return survived, len(waiting)


def run(targets: Sequence[Target], count: int = 50, seed: int = 0, minutes: float = 30) -> int:
    """Run the mutants of all targets, print one line each and the survivors; 0 where all is well."""
    end, status = time.monotonic() + 60 * minutes, 0
    width = max(len(target.name) for target in targets)
    with tempfile.TemporaryDirectory() as folder:
        for place, target in enumerate(targets):
            started = time.monotonic()
            log = Path(folder) / "unchanged.txt"
            code, seconds = _run_unchanged(target, log)
            if code:
                print(f"{target.name:{width}}  the tests fail on the module as it is:\n{log.read_text()[-2000:]}")
                status = 1
                continue
            mutants = drawn(target, count, seed)
            deadline = started + (end - started) / (len(targets) - place)
            survived, left = survivors(target, mutants, int(GRACE + 3 * seconds), deadline, Path(folder))
            done = len(mutants) - left
            share = len(survived) / done if done else 1.0
            print(
                f"{target.name:{width}}  {done - len(survived):3} killed  {len(survived):3} survived  {share:4.0%}  "
                f"{time.monotonic() - started:4.0f} s" + (f"  {left} not run: no time" if left else "")
            )
            for mutant in sorted(survived, key=lambda each: (each.path, each.start)):
                print(f"    {mutant.path.relative_to(target.root)}:{mutant.line}  {mutant}")
            status = 1 if share >= BAR else status
    return status


def main() -> int:
    """Read the command line, load what every process needs, run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(target.name for target in TARGETS))
    parser.add_argument("--mutants", type=int, default=50, help="how many to draw of each target (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    parser.add_argument("--minutes", type=float, default=30, help="for all targets together (default: 30)")
    given = parser.parse_args()
    by_name = {target.name: target for target in TARGETS}
    unknown = set(given.targets) - set(by_name)
    if unknown:
        parser.error(f"TARGET: expected one of {', '.join(by_name)}, got {', '.join(sorted(unknown))}.")
    os.environ["OMP_NUM_THREADS"] = "1"
    return run([by_name[name] for name in given.targets or by_name], given.mutants, given.seed, given.minutes)


if __name__ == "__main__":
    sys.exit(main())
