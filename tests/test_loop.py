import csv
import json
import math
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_task
import torch

from gk_utils import checkpoints
from gk_utils.training import RECIPES, train
from gk_utils.training.loop import STATE
from gk_utils.training.optimisation import schedule
from gk_utils.training.run_files import read_state

TESTS = Path(__file__).parent
LINE = tiny_task.recipe()


@pytest.fixture(autouse=True)
def one_thread():
    """A module this small waits for other threads longer than it computes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(recipe, out, **options):
    return train(recipe, out=out, workers=0, **options)


def train_line(how, out, settings, options, more):
    """Run train_line.py, which says what it does."""
    paths = {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, TESTS / "train_line.py", how, out, json.dumps(settings), json.dumps(options), more]
    done = subprocess.run(
        list(map(str, command)), env=os.environ | paths, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def curve_of(out):
    with (out / "curve.csv").open() as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def logged(out):
    """The rows of the curve without the wall time."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in curve_of(out)]


def assert_same_tensors(first, second, **tolerance):
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], msg=lambda text, name=name: f"{name}: {text}", **tolerance)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run without incident: its folder and its card."""
    out = tmp_path_factory.mktemp("undisturbed")
    torch.set_num_threads(1)
    return out, run(LINE, out)


class TestTrain:
    def test_checkpoint_holds_the_average_and_metrics_of_what_is_stored(self, undisturbed):
        out, card = undisturbed
        assert checkpoints.verify(out) == card
        assert (card.recipe, card.seed, card.steps, card.half) == ("line", 0, 40, True)
        assert "CPU" in card.hardware
        module = tiny_task.build({})
        checkpoints.load_into(module, out)
        with torch.no_grad():
            assert tiny_task.evaluate(module.eval(), {}, LINE.examples) == card.metrics
        average = {name: value.half().float() for name, value in read_state(out / STATE)["average"].items()}
        for name, value in module.state_dict().items():
            torch.testing.assert_close(value, average[name].to(value.dtype), rtol=0, atol=0)

    def test_it_learns(self, tmp_path):
        card = run(tiny_task.recipe(steps=300, learning_rate=0.03, plain=True), tmp_path)
        assert card.metrics["mae"] < 0.05
        rows = curve_of(tmp_path)
        assert rows[-1]["loss"] < 0.01 < rows[0]["loss"]

    def test_seed_decides_the_weights_and_workers_do_not(self, undisturbed, tmp_path):
        again = train(LINE, out=tmp_path / "again", workers=1)
        other = run(replace(LINE, seed=1), tmp_path / "other")
        assert again.sha256 == undisturbed[1].sha256 != other.sha256
        assert logged(tmp_path / "again") == logged(undisturbed[0])

    def test_global_random_numbers_do_not_matter(self, undisturbed, tmp_path, monkeypatch):
        plain = tiny_task.loss

        def noisy(module, sample, settings):
            losses = plain(module, sample, settings)
            torch.rand(3)
            return losses

        monkeypatch.setattr(tiny_task, "loss", noisy)
        assert run(LINE, tmp_path).sha256 == undisturbed[1].sha256

    def test_average_equals_a_slow_loop_over_the_weights(self, tmp_path, monkeypatch):
        seen, plain = [], tiny_task.loss

        def spy(module, sample, settings):
            seen.append({name: value.tolist() for name, value in module.named_parameters()})
            return plain(module, sample, settings)

        monkeypatch.setattr(tiny_task, "loss", spy)
        run(replace(LINE, steps=30), tmp_path)
        state = read_state(tmp_path / STATE)
        seen.append({name: state["module"][name].tolist() for name in seen[0]})
        for name in seen[0]:
            slow = torch.tensor(seen[0][name], dtype=torch.float64)
            for step in range(1, 31):
                decay = min(0.9, step / (step + 9))  # 0.1 after the first step; 0.9 from step 81 on
                slow = decay * slow + (1 - decay) * torch.tensor(seen[step][name], dtype=torch.float64)
            torch.testing.assert_close(state["average"][name].double(), slow, rtol=1e-5, atol=1e-6)

    def test_learning_rate_follows_the_schedule_to_the_end(self, undisturbed):
        rates = {int(row["step"]): row["learning_rate"] for row in curve_of(undisturbed[0])}
        assert sorted(rates) == list(range(1, 41))
        for step, rate in rates.items():  # the row after a step holds the rate of that step
            assert rate == pytest.approx(LINE.learning_rate * schedule(step - 1, (step - 1) / 40, 5))
        assert rates[40] < 0.01 * LINE.learning_rate

    def test_a_long_run_has_a_row_for_each_percent(self, tmp_path):
        run(tiny_task.recipe(steps=250, plain=True), tmp_path)
        steps = [row["step"] for row in curve_of(tmp_path)]
        assert steps == [math.ceil(2.5 * percent) for percent in range(1, 101)]
        assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")

    def test_a_frozen_parameter_stays(self, tmp_path, monkeypatch):
        def frozen(settings):
            module = plain(settings)
            module[0].requires_grad_(False)
            return module

        plain = tiny_task.build
        monkeypatch.setattr(tiny_task, "build", frozen)
        run(replace(LINE, steps=3), tmp_path)
        torch.manual_seed(0)
        fresh, trained = plain({}), read_state(tmp_path / STATE)["module"]
        assert trained["0.weight"].equal(fresh[0].weight)
        assert not trained["4.weight"].equal(fresh[4].weight)

    def test_a_bar_on_a_terminal_and_none_elsewhere(self, tmp_path, capsys, monkeypatch):
        run(replace(LINE, steps=2), tmp_path / "piped")
        assert capsys.readouterr().err == f"line: starts anew in {tmp_path / 'piped'}\n"
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        run(replace(LINE, steps=2), tmp_path / "terminal")
        assert "100%" in capsys.readouterr().err
        run(replace(LINE, steps=2), tmp_path / "quiet", progress=False)
        assert "%" not in capsys.readouterr().err


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("gk_utils.training.loop.time", clock)
    monkeypatch.setattr(tiny_task, "time", clock)
    return clock


class TestMinutes:
    def test_ends_in_time_with_weights_and_as_much_evaluation_as_fits(self, tmp_path, clock):
        recipe = tiny_task.recipe(plain=True, sleep=0.04, evaluate_sleep=0.002)  # 4 s for all 2000 examples
        card = run(recipe, tmp_path, minutes=0.1)
        # 2 of the 6 seconds are kept, so 100 steps of 0.04 s; 100 examples take 0.2 s, 0.8 * 1.8 s remain.
        assert card.steps in (99, 100)
        assert card.metrics["n"] == pytest.approx(720, abs=20)
        assert 5.4 < clock.now - 100 < 6
        assert checkpoints.verify(tmp_path) == card
        rows = curve_of(tmp_path)
        assert rows[-1]["step"] == card.steps
        # The schedule begins with the second step, at 0.04 s, and ends at 4 s.
        for row in rows[2:]:
            share = (row["seconds"] - 0.04 - 0.04) / (4 - 0.04)
            rate = LINE.learning_rate * schedule(int(row["step"]) - 1, share, 5)
            assert row["learning_rate"] == pytest.approx(rate, rel=1e-3, abs=1e-6)

    def test_pieces_add_up(self, tmp_path, clock):
        recipe = tiny_task.recipe(plain=True, sleep=0.04)
        first = run(recipe, tmp_path, minutes=0.1)
        rows = curve_of(tmp_path)
        clock.now += 1000  # what passes between two pieces does not count
        # The time is spent: a resumed run takes the one step that may have seemed too long, measures and writes.
        again = run(recipe, tmp_path, minutes=0.1, resume=True)
        assert first.steps <= again.steps <= first.steps + 1
        assert curve_of(tmp_path)[: len(rows)] == rows
        # With another 0.1 minutes it goes on where it was, in steps and in time.
        longer = run(recipe, tmp_path, minutes=0.2, resume=True)
        assert longer.steps == pytest.approx(first.steps + 150, abs=2)  # up to 10 of 12 seconds
        assert curve_of(tmp_path)[: len(rows)] == rows
        assert curve_of(tmp_path)[-1]["seconds"] == pytest.approx(10, abs=0.05)

    def test_a_step_is_taken_however_short_the_time(self, tmp_path):
        assert run(LINE, tmp_path, minutes=1e-4).steps == 1


class TestResume:
    def test_three_kills_change_no_bit(self, tmp_path):
        settings = {"steps": 60, "sleep": 0.01}
        run(tiny_task.recipe(**settings), tmp_path / "calm")
        options = {"workers": 0, "save_seconds": 0.03}
        left = [int(step) for step in train_line("kill", tmp_path / "killed", settings, options, "[9, 24, 47]")]
        assert 0 < left[0] < left[1] < left[2] < 60
        calm, killed = (read_state(tmp_path / name / STATE) for name in ("calm", "killed"))
        assert calm["step"] == killed["step"] == 60
        for part in ("module", "average"):
            assert_same_tensors(calm[part], killed[part], rtol=0, atol=0)
        assert checkpoints.verify(tmp_path / "calm").sha256 == checkpoints.verify(tmp_path / "killed").sha256
        # Each row once, the averages those of an undisturbed run.
        assert logged(tmp_path / "calm") == logged(tmp_path / "killed")
        assert not list((tmp_path / "killed").glob("*.partial"))

    def test_killed_while_it_finishes(self, undisturbed, tmp_path, monkeypatch):
        monkeypatch.setattr(tiny_task, "evaluate", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(LINE, tmp_path)
        assert checkpoints.verify(tmp_path).metrics == {}  # the weights are there already
        monkeypatch.undo()
        card = run(LINE, tmp_path, resume=True)
        assert (card.metrics, card.sha256) == (undisturbed[1].metrics, undisturbed[1].sha256)

    def test_without_a_state_it_starts_anew_and_says_so(self, undisturbed, tmp_path, capsys):
        card = run(LINE, tmp_path, resume=True)
        assert f"found no {STATE} in {tmp_path} and starts anew" in capsys.readouterr().err
        assert card.sha256 == undisturbed[1].sha256

    def test_without_resume_it_starts_anew_over_a_state(self, undisturbed, tmp_path):
        run(replace(LINE, steps=3), tmp_path)
        assert run(LINE, tmp_path, steps=40).sha256 == undisturbed[1].sha256

    def test_state_of_another_recipe(self, tmp_path):
        run(replace(LINE, steps=2), tmp_path)
        with pytest.raises(
            ValueError, match=r"state\.pt: expected .* 'other' as it is now, got one of 'line' with"
        ) as at:
            run(replace(LINE, name="other", learning_rate=0.5), tmp_path, resume=True)
        assert "another name, steps, learning_rate. Choose another folder with out" in str(at.value)

    def test_damaged_state(self, tmp_path):
        run(replace(LINE, steps=2), tmp_path)
        data = bytearray((tmp_path / STATE).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / STATE).write_bytes(data)
        with pytest.raises(ValueError, match=r"state\.pt: expected a state that ends with its sha256"):
            run(replace(LINE, steps=2), tmp_path, resume=True)


class TestNotFinite:
    @pytest.mark.parametrize("poison", ["poison", "poison_gradient"])
    def test_stops_and_leaves_the_last_good_state(self, poison, tmp_path):
        recipe = tiny_task.recipe(**{poison: 6})
        with pytest.raises(FloatingPointError, match=r"got nan at step 7 of recipe 'line'\. The last good state is"):
            run(recipe, tmp_path, save_seconds=1e-9)
        state = read_state(tmp_path / STATE)
        assert state["step"] == 6
        assert all(value.isfinite().all() for value in [*state["module"].values(), *state["average"].values()])
        with pytest.raises(FloatingPointError, match="at step 7"):
            run(recipe, tmp_path, resume=True)

    def test_in_the_last_step(self, tmp_path):
        with pytest.raises(FloatingPointError, match="at step 4 .* No state was written before it"):
            run(tiny_task.recipe(steps=4, poison=3), tmp_path)
        assert not (tmp_path / "card.json").exists()


class TestTwoProcesses:
    def test_gradients_are_averaged(self, tmp_path):
        """Two processes with one sample each end where one process ends that sees both samples in each step."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        train_line("two", tmp_path / "two", {"plain": True}, {"workers": 0}, port)
        run(tiny_task.recipe(plain=True, pair=True), tmp_path / "one")
        two, one = (read_state(tmp_path / name / STATE) for name in ("two", "one"))
        assert_same_tensors(two["module"], one["module"], rtol=1e-4, atol=1e-6)
        assert_same_tensors(two["average"], one["average"], rtol=1e-4, atol=1e-6)
        assert checkpoints.verify(tmp_path / "two").hardware.endswith("2 x 1 threads")
        assert [row["step"] for row in curve_of(tmp_path / "two")] == list(range(1, 41))


class TestArguments:
    def test_unknown_recipe_lists_the_names(self):
        with pytest.raises(ValueError, match="recipe: expected one of 'trunk', .*, got 'trnk'"):
            train("trnk")

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"minutes": 1, "steps": 1}, "steps: expected minutes or steps, got both"),
            ({"minutes": 0}, "minutes: expected a number above 0, got 0"),
            ({"minutes": math.inf}, "minutes: expected a number above 0, got inf"),
            ({"steps": -1}, "steps: expected a number above 0, got -1"),
            ({"save_seconds": math.nan}, "save_seconds: expected a number above 0, got nan"),
        ],
    )
    def test_time(self, options, text, tmp_path):
        with pytest.raises(ValueError, match=text):
            train(LINE, out=tmp_path / "none", **options)
        assert not (tmp_path / "none").exists()

    def test_default_folder_is_the_checkouts(self, tmp_path, monkeypatch):
        monkeypatch.setattr("gk_utils.training.loop.RUNS", tmp_path)
        monkeypatch.setitem(RECIPES, "line", replace(LINE, steps=1))
        train("line", workers=0)
        assert checkpoints.verify(tmp_path / "line").steps == 1
