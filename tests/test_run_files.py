import hashlib
import os
import pickle

import pytest
import torch

from gk_utils.training.run_files import Curve, read_state, write_state

STATE = {"step": 7, "rows": [[1, 0.5]], "nested": {0: {"exp_avg": torch.arange(3.0)}}, "sums": None}


def step(loss, **others):
    return {name: torch.tensor(float(value)) for name, value in {**others, "loss": loss}.items()}


class TestState:
    def test_round_trip(self, tmp_path):
        write_state(tmp_path / "state.pt", STATE)
        back = read_state(tmp_path / "state.pt")
        assert back["nested"][0].pop("exp_avg").tolist() == [0, 1, 2]
        assert back == {**STATE, "nested": {0: {}}}

    def test_every_damaged_byte_and_every_cut_is_seen(self, tmp_path):
        file = tmp_path / "state.pt"
        write_state(file, {"step": 7})
        data = file.read_bytes()
        for position in range(0, len(data), 37):
            file.write_bytes(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
            with pytest.raises(ValueError, match=r"state\.pt: expected a state that ends with its sha256, got \d+"):
                read_state(file)
            file.write_bytes(data[:position])
            with pytest.raises(ValueError, match="It is damaged"):
                read_state(file)

    def test_code_does_not_run(self, tmp_path):
        class Attack:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "hacked"),)

        file = tmp_path / "state.pt"
        torch.save(Attack(), file)
        file.write_bytes(file.read_bytes() + hashlib.sha256(file.read_bytes()).digest())
        with pytest.raises(pickle.UnpicklingError):
            read_state(file)
        assert not (tmp_path / "hacked").exists()

    def test_a_write_that_fails_leaves_the_old_state(self, tmp_path, monkeypatch):
        file = tmp_path / "state.pt"
        write_state(file, {"step": 1})

        def full(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_state(file, {"step": 2})
        assert read_state(file) == {"step": 1}

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            read_state(tmp_path / "state.pt")


class TestCurve:
    def test_rows_are_averages_since_the_last_row(self, tmp_path):
        curve = Curve()
        curve.add(step(1, hit=0))
        curve.add(step(3, hit=1))
        curve.close_row(2, 0.123456, 0.01)
        curve.add(step(8, hit=1))
        curve.close_row(3, 0.2, 0.005)
        curve.write(tmp_path)
        assert (tmp_path / "curve.csv").read_text() == (
            "step,seconds,learning_rate,loss,hit\n2,0.12,0.01,2.0,0.5\n3,0.2,0.005,8.0,1.0\n"
        )

    def test_loss_comes_first_and_order_may_change(self):
        curve = Curve()
        curve.add({"b": torch.tensor(1.0), "loss": torch.tensor(2.0), "a": torch.tensor(3.0)})
        curve.add({"a": torch.tensor(3.0), "loss": torch.tensor(2.0), "b": torch.tensor(1.0)})
        curve.close_row(2, 0, 0)
        assert (curve.names, curve.rows[0][3:]) == (["loss", "b", "a"], [2, 1, 3])

    def test_holds_no_graph(self):
        curve = Curve()
        curve.add({"loss": torch.ones((), requires_grad=True) * 2})
        assert not curve.sums.requires_grad

    def test_a_row_of_nothing_is_none(self):
        curve = Curve()
        curve.close_row(0, 0, 0)
        assert curve.rows == []

    def test_goes_on_in_the_middle_of_a_row(self, tmp_path):
        curve, other = Curve(), Curve()
        curve.add(step(1))
        write_state(tmp_path / "state.pt", curve.state())
        other.restore(read_state(tmp_path / "state.pt"), torch.device("cpu"))
        for each in (curve, other):
            each.add(step(2))
            each.close_row(2, 0, 0)
        assert curve.rows == other.rows == [[2, 0, 0, 1.5]]

    def test_draws_seven_names_of_many_and_leaves_out_what_is_not_finite(self, tmp_path):
        curve = Curve()
        for number in range(3):
            curve.add(step(1, broken=float("nan"), **{f"part{index}": index + number for index in range(9)}))
            curve.close_row(number + 1, 0, 0)
        curve.draw(tmp_path, "a title")
        assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")

    def test_nothing_to_draw(self, tmp_path):
        Curve().draw(tmp_path, "empty")
        assert not list(tmp_path.iterdir())
