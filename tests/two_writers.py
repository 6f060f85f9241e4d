"""Two processes that write the same place over and over, forked from this one, which reads meanwhile.

    two_writers.py FOLDER ROUNDS

First a checkpoint, then the state of a training, then my/solutions.py, where no block may get lost. It prints how often
the reader saw each writer's version, and fails for a mixture, for something lost and for something left behind.
"""

import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.classroom import solutions
from gk_utils.training.run_files import read_state, write_state

CARD = Card("demo", seed=0, steps=0, hardware="CPU", minutes=0.1, metrics={})


def save_checkpoint(folder: Path, number: int) -> None:
    checkpoints.save({"w": torch.full((3000,), float(number))}, folder, replace(CARD, steps=number))


def read_checkpoint(folder: Path) -> int:
    tensors, card = checkpoints.load(folder)
    assert tensors["w"].unique().tolist() == [card.steps]
    return card.steps


def save_state(folder: Path, number: int) -> None:
    write_state(folder / "state.pt", {"step": number, "w": torch.full((3000,), float(number))})


def state_step(folder: Path) -> int:
    state = read_state(folder / "state.pt")
    assert state["w"].unique().tolist() == [state["step"]]
    return state["step"]


def store_block(folder: Path, number: int) -> None:
    file = folder.with_name(f"cell_{number}.py")
    file.write_text(f"def f{number}(n):\n    return {number} * n\n")
    functions: dict[str, Callable[[int], int]] = {}
    exec(compile(file.read_text(), str(file), "exec", dont_inherit=True), functions)
    said = solutions.store(f"01.f{number}", functions[f"f{number}"], "", folder)
    assert said == "Stored in my/solutions.py.", said


def last_block(folder: Path) -> int:
    text = (folder / "solutions.py").read_text()
    compile(text, "solutions.py", "exec")
    return int(text.rpartition("# <<< 01.f")[2])


WAYS = {
    "checkpoint": (save_checkpoint, read_checkpoint),
    "state": (save_state, state_step),
    "solutions": (store_block, last_block),
}


def start(save: Callable[[Path, int], None], folder: Path, first: int, rounds: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        for number in range(first, first + rounds):
            save(folder, number)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(what: str, folder: Path, rounds: int) -> None:
    save, read = WAYS[what]
    folder.mkdir()
    save(folder, 0)
    children = {start(save, folder, first, rounds) for first in (1000, 2000)}
    seen: Counter[int] = Counter()
    while children:
        seen[read(folder) // 1000] += 1
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            assert status == 0
            children.discard(done)
    assert read(folder) in (1000 + rounds - 1, 2000 + rounds - 1)
    print(seen[1], seen[2])
    if what == "solutions":
        numbers = [0, *range(1000, 1000 + rounds), *range(2000, 2000 + rounds)]
        assert all(solutions.load(f"01.f{number}", folder)(2) == 2 * number for number in numbers)
    kept = {"checkpoint": 2, "state": 1, "solutions": 1}[what]
    assert len(list(folder.iterdir())) == kept, list(folder.iterdir())


if __name__ == "__main__":
    torch.set_num_threads(1)
    for way in WAYS:
        main(way, Path(sys.argv[1]) / way, int(sys.argv[2]))
