"""Train the tiny task in processes of their own; each imports nothing, since it is forked from this one.

    train_line.py kill OUT SETTINGS OPTIONS STEPS    start a run with resume for each of STEPS, kill it with SIGKILL as
                                                     soon as its curve has got there, and print where its state is;
                                                     then let one run to the end
    train_line.py moments OUT SETTINGS OPTIONS [SEED, N]    kill N runs with SIGKILL, half of them at a random moment
                                                     and half as soon as a file is half written, let one run to the
                                                     end, and print how many kills left half a file
    train_line.py two OUT SETTINGS OPTIONS PORT      train in two processes, as accelerate launch and torchrun do

SETTINGS, OPTIONS and STEPS are JSON.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import accelerate  # noqa: F401, as a forked process has it then
import tiny_task
import torch

from gk_utils import checkpoints
from gk_utils.training import train
from gk_utils.training.loop import STATE
from gk_utils.training.run_files import read_state

DEAD = getattr(os, "WEXITED", 0) | getattr(os, "WNOHANG", 0) | getattr(os, "WNOWAIT", 0)  # look, and leave it there


def step_of(out):
    try:
        return int((out / "curve.csv").read_text().splitlines()[-1].split(",")[0])
    except FileNotFoundError:
        return 0


def start(recipe, out, options):
    child = os.fork()
    if child:
        return child
    try:
        train(recipe, out=out, **options)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.exit(0)


def end(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(recipe, out, options, steps):
    for step in json.loads(steps):
        child = start(recipe, out, {**options, "resume": True})
        while step_of(out) < step:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        assert end(child) == -signal.SIGKILL
        print(read_state(out / STATE)["step"])
    train(recipe, out=out, **options, resume=True)


def moments(recipe, out, options, draws):
    seed, kills = json.loads(draws)
    rng, halves = random.Random(seed), 0
    for number in range(kills):
        child = start(recipe, out, {**options, "resume": True})
        until = time.monotonic() + rng.uniform(0.02, 1.0)
        while time.monotonic() < until:
            time.sleep(0.0005)
        while number % 2 and not list(out.glob("*.partial")) and not os.waitid(os.P_PID, child, DEAD):
            pass
        os.kill(child, signal.SIGKILL)
        assert end(child) in (-signal.SIGKILL, 0)
        halves += bool(list(out.glob("*.partial")))
        if (out / STATE).exists():
            assert read_state(out / STATE)["step"] <= recipe.steps
        if (out / "card.json").exists():
            checkpoints.verify(out)
    print(halves)
    train(recipe, out=out, **options, resume=True)


def two(recipe, out, options, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2")
    os.environ["ACCELERATE_USE_CPU"] = "true"
    children = []
    for rank in ("0", "1"):
        os.environ.update(RANK=rank, LOCAL_RANK=rank)
        children.append(start(recipe, out, options))
    assert [end(child) for child in children] == [0, 0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    how, out, settings, options, more = sys.argv[1:]
    recipe = tiny_task.recipe(**json.loads(settings))
    {"kill": kill, "moments": moments, "two": two}[how](recipe, Path(out), json.loads(options), more)
