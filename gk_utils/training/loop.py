"""The training loop, built on Accelerate: a recipe, its task, and a run that a kill at any moment cannot spoil.

A recipe names its task, a module with four functions:

- `build(settings) -> nn.Module`: the module with fresh weights.
- `draw(settings, seed, step) -> sample`: what the batch of this step is made of, decided by its arguments alone. Runs
  on the CPU, ahead of the loop, in other processes: a few large arrays or plain numbers travel fastest.
- `loss(module, sample, settings) -> {"loss": ..., other names: ...}`: scalars; the first is minimised, all are logged.
  It moves or renders the sample onto the module's device itself. On a GPU it runs under autocast: render with autocast
  off, and turn outputs to float32 before arithmetic on boxes.
- `evaluate(module, settings, n) -> dict`: metrics on n examples, JSON for the card; without gradient, in eval mode.

For a head on a frozen trunk `build` returns the head; `loss` and `evaluate` fetch the trunk, which is not stored then.

The folder of a run holds `state.pt` (all that a resumed run needs), `curve.csv` and `curve.png` (one row for each
percent), and at the end the checkpoint: card and weights, averaged over the run, as `checkpoints.load` reads them.
Each step draws from (seed, step) alone, so a resumed `steps` run on a CPU ends with the weights of an undisturbed one.
"""

import importlib
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.errors import check_choice
from gk_utils.training.machine import accelerator_for, draw_ahead, hardware
from gk_utils.training.optimisation import new_average, parameter_groups, schedule, update_average
from gk_utils.training.recipes import RECIPES, Recipe
from gk_utils.training.run_files import Curve, read_state, write_state

RUNS = Path(__file__).parents[2] / "runs"
STATE = "state.pt"
RESERVE = 0.05  # of the minutes, for evaluation and writing; at least 2 seconds


def train(
    recipe: str | Recipe,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    device: str | None = None,
    resume: bool = False,
    out: str | os.PathLike | None = None,
    progress: bool = True,
    workers: int | None = None,
    save_seconds: float = 60.0,
) -> Card:
    """Train a recipe, write its checkpoint into the folder of the run and return the card.

    One process trains on one device; under `accelerate launch` or `torchrun` each of n processes draws samples of its
    own and the gradients are averaged. bf16 on CUDA from compute capability 8.0 on, fp16 below, float32 elsewhere.

    Args:
        recipe: a name in RECIPES, or a recipe.
        minutes: the whole run in wall time: start, training, evaluation and writing, and the pieces before a resume.
        steps: the optimiser's steps instead; as many as the recipe says if neither is given.
        device: "cpu", "cuda", "cuda:1"; the fastest there is if None.
        resume: go on from the state in `out`; start anew where there is none.
        out: the folder of the run, runs/NAME in the checkout if None.
        progress: draw a bar on a terminal.
        workers: processes that draw samples; cores - 1, at least 1, if None; 0 draws in the loop.
        save_seconds: wall time between two states on disk.

    Raises:
        ValueError: an unknown recipe, minutes and steps together or not above 0, a device that is not there, a state
            that is damaged or of another recipe.
        FloatingPointError: the loss is not finite. The state on disk is the last good one.

    >>> train("trunk", minutes=5, steps=100)
    Traceback (most recent call last):
    ...
    ValueError: steps: expected minutes or steps, got both, 5 and 100. Leave one out.
    """
    began = time.monotonic()
    if isinstance(recipe, str):
        check_choice(recipe, tuple(RECIPES), "recipe")
        recipe = RECIPES[recipe]
    if minutes is not None and steps is not None:
        raise ValueError(f"steps: expected minutes or steps, got both, {minutes} and {steps}. Leave one out.")
    for name, value in (("minutes", minutes), ("steps", steps), ("save_seconds", save_seconds)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a number above 0, got {value}. Leave it out for the usual one.")
    run = _Run(recipe, Path(RUNS / recipe.name if out is None else out), accelerator_for(device), began)
    run.steps, run.total = (steps or recipe.steps), (60 * minutes if minutes else math.inf)
    run.begin(resume)
    run.loop(workers, save_seconds, progress)
    return run.finish()


class _Run:
    """One run: what is trained, where it stands, and its folder."""

    def __init__(self, recipe: Recipe, folder: Path, accelerator: Any, began: float):
        self.recipe, self.folder, self.accelerator, self.began = recipe, folder, accelerator, began
        self.steps, self.total = recipe.steps, math.inf  # of the whole run; seconds, evaluation included
        self.cuda, self.settings = accelerator.device.type == "cuda", dict(recipe.settings)
        self.task = importlib.import_module(recipe.task)
        torch.manual_seed(recipe.seed)
        self.module = self.task.build(self.settings).to(accelerator.device)
        self.parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        groups = parameter_groups(self.module, recipe.weight_decay)
        optimizer = torch.optim.AdamW(groups, recipe.learning_rate, fused=self.cuda)
        objective = _Objective(self.module, self.task.loss, self.settings)
        self.objective, self.optimizer = accelerator.prepare(objective, optimizer)
        self.average = new_average(self.module)
        self.step, self.earlier = 0, 0.0  # steps taken, seconds before a resume
        self.origin = 0.0  # when the second step began: loading and warming up the machine is no part of the schedule
        self.curve = Curve()
        self.watch: Tensor | None = None  # not finite if the last step went wrong

    def seconds(self) -> float:
        """Wall time of the run so far, its earlier pieces included."""
        return self.earlier + time.monotonic() - self.began

    def position(self, took: float) -> tuple[float, bool]:
        """The share of the run that is done, and whether another step, which takes as long as the last, is too many."""
        if self.total == math.inf:
            return min(self.step / self.steps, 1.0), self.step >= self.steps
        now = self.seconds()
        if self.step < 2:
            self.origin = now
        limit = self.total - min(max(RESERVE * self.total, 2.0), self.total / 2)
        share = min(max((now - self.origin) / max(limit - self.origin, 1e-9), 0.0), 1.0)
        over = self.step > 0 and now + took > limit
        if self.accelerator.num_processes > 1:  # the clock of the main process decides
            from accelerate.utils import broadcast

            share, over = broadcast(torch.tensor([share, over], device=self.accelerator.device)).tolist()
        return share, bool(over)

    def loop(self, workers: int | None, save_seconds: float, progress: bool) -> None:
        """Take the steps that are left."""
        n, main = self.accelerator.num_processes, self.accelerator.is_main_process
        stop = self.steps if self.total == math.inf else 2**40
        steps = range(self.step * n + self.accelerator.process_index, stop * n, n)
        samples = draw_ahead(self.recipe.task, self.settings, self.recipe.seed, steps, workers)
        bar = tqdm(
            total=1.0,
            desc=self.recipe.name,
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}",
            disable=not (progress and main and sys.stderr.isatty()),
        )
        self.module.train()
        (share, over), saved, before = self.position(0.0), self.seconds(), self.seconds()
        for index, sample in zip(steps, samples, strict=True) if not over else ():
            self.take_step(sample, index, share)
            now = self.seconds()
            last, (share, over) = share, self.position(now - before)
            before = now
            if main and (over or int(100 * share + 1e-6) > int(100 * last + 1e-6)):
                self.curve.close_row(self.step, now, self.rate)
                self.curve.write(self.folder)
                bar.set_postfix(step=self.step, loss=self.curve.rows[-1][3])
            bar.update(share - last)
            if over:
                break
            if main and now - saved > save_seconds:
                self.save()
                saved = self.seconds()
        bar.close()

    def take_step(self, sample: Any, index: int, share: float) -> None:
        """One step of the optimiser and of the moving average."""
        recipe = self.recipe
        torch.default_generator.manual_seed((recipe.seed << 40) + index)
        if self.cuda:
            torch.cuda.manual_seed((recipe.seed << 40) + index)
        self.rate = recipe.learning_rate * schedule(self.step, share, recipe.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        losses = self.objective(lambda: sample)
        # One step late: waiting for the step before keeps the device busy, and the clock of `minutes` true.
        self.check_last_step()
        self.optimizer.zero_grad()
        self.accelerator.backward(losses["loss"])
        norm = self.accelerator.clip_grad_norm_(self.parameters, recipe.clip)
        self.optimizer.step()
        self.step += 1
        update_average(self.average, self.module, min(recipe.ema, self.step / (self.step + 9)))
        self.curve.add(losses)
        # With fp16 an infinite gradient is usual: the scaler leaves out that step.
        self.watch = losses["loss"].detach() + (0 if self.accelerator.scaler else 0 * norm)

    def check_last_step(self) -> None:
        """Raise if the last step was not finite."""
        if self.watch is not None and not math.isfinite(self.watch.item()):
            state = self.folder / STATE
            found = f"The last good state is {state}" if state.exists() else "No state was written before it"
            raise FloatingPointError(
                f"loss: expected a finite number with a finite gradient, got {self.watch.item()} at step {self.step} "
                f"of recipe {self.recipe.name!r}. {found}; lower the learning rate, or find the sample that does it."
            )

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs, besides the recipe and the time it is given."""
        return {
            "recipe": self.recipe.as_json(),
            "step": self.step,
            "seconds": self.seconds(),
            "origin": self.origin,
            "module": dict(self.module.state_dict()),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else {},
            "curve": self.curve.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another run was."""
        mine, found = self.recipe.as_json(), state["recipe"]
        if found != mine:
            other = ", ".join(name for name in mine if mine[name] != found.get(name))
            raise ValueError(
                f"{self.folder / STATE}: expected a state of recipe {self.recipe.name!r} as it is now, got one of "
                f"{found['name']!r} with another {other}. Choose another folder with out, or start anew without resume."
            )
        self.step, self.earlier, self.origin = state["step"], state["seconds"], state["origin"]
        self.module.load_state_dict(state["module"])
        for name, value in self.average.items():
            value.copy_(state["average"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.curve.restore(state["curve"], self.accelerator.device)

    def save(self) -> None:
        """Write the state, unless the last step went wrong."""
        self.check_last_step()
        write_state(self.folder / STATE, self.state())

    def begin(self, resume: bool) -> None:
        """Go on from the state of the folder if that is wanted and there is one, and say where the run stands."""
        file, said = self.folder / STATE, f"starts anew in {self.folder}"
        if resume and file.exists():
            self.restore(read_state(file))
            said = f"goes on in {self.folder} after step {self.step}, {self.earlier / 60:.1f} minutes"
        elif resume:
            said = f"found no {STATE} in {self.folder} and starts anew"
        if self.accelerator.is_main_process:
            print(f"{self.recipe.name}: {said}", file=sys.stderr)
            self.folder.mkdir(parents=True, exist_ok=True)
        self.accelerator.wait_for_everyone()

    def finish(self) -> Card:
        """Write the checkpoint, measure what was written, and write it again with what was measured."""
        from accelerate.utils import broadcast_object_list

        cards = [None]
        if self.accelerator.is_main_process:
            self.save()
            recipe, n = self.recipe, self.accelerator.num_processes
            machine, minutes = hardware(self.accelerator.device, n), round(self.seconds() / 60, 3)
            card = Card(recipe.name, recipe.seed, self.step, machine, minutes, {}, self.settings, half=True)
            checkpoints.save(self.average, self.folder, card)
            checkpoints.load_into(self.module, self.folder)
            cards = [checkpoints.save(self.average, self.folder, replace(card, metrics=self.evaluate()))]
            self.curve.draw(self.folder, recipe.name)
        broadcast_object_list(cards)  # the others wait here
        del self.objective, self.optimizer  # they hold the processes' connection, which is closed now
        self.accelerator.free_memory()
        self.accelerator.end_training()
        return cards[0]

    def evaluate(self) -> dict[str, Any]:
        """The task's metrics of the weights as stored, on as many examples as the rest of the time allows."""
        n = self.recipe.examples
        self.module.eval()
        torch.manual_seed(self.recipe.seed)
        with torch.no_grad():
            if self.total < math.inf:
                few, began = max(1, n // 20), time.monotonic()
                metrics = self.task.evaluate(self.module, self.settings, few)
                each = max((time.monotonic() - began) / few, 1e-9)
                n = min(n, int(0.8 * (self.total - self.seconds()) / each))
                if n <= few:
                    return metrics
            return self.task.evaluate(self.module, self.settings, n)


class _Objective(nn.Module):
    """The task's loss as a module, so that it can be wrapped for many processes and for mixed precision."""

    def __init__(self, module: nn.Module, loss: Callable, settings: dict[str, Any]):
        super().__init__()
        self.module, self.loss, self.settings = module, loss, settings

    def forward(self, get_sample: Callable[[], Any]) -> dict[str, Tensor]:
        return self.loss(self.module, get_sample(), self.settings)
