"""The files of a training run besides its checkpoint: the state it resumes from, and its curve.

A file is written under another name, synced and renamed: whenever the process is killed, the file is whole, the old one
or the new one. A state ends with the sha256 of what stands before, and nothing in it can run code.
"""

import hashlib
import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gk_utils.charts import curve
from gk_utils.formats.files import cannot_write, one_writer


def write_state(file: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings, lists and dictionaries; all or nothing.

    Raises:
        OSError: a full disk, a folder that cannot be written; the state before is still there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_state(Path(folder) / "state.pt", {"step": 7, "weights": torch.ones(2)})
    ...     read_state(Path(folder) / "state.pt")
    {'step': 7, 'weights': tensor([1., 1.])}
    """
    stream = io.BytesIO()
    torch.save(state, stream)
    _write_whole(file, stream.getvalue() + hashlib.sha256(stream.getvalue()).digest())


def read_state(file: Path) -> dict[str, Any]:
    """What `write_state` wrote, its tensors on the CPU.

    Raises:
        FileNotFoundError: no such file.
        ValueError: one byte or more is not as it was written.

    >>> read_state(Path("no such folder") / "state.pt")
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    data = file.read_bytes()
    if len(data) <= 32 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise ValueError(
            f"{file}: expected a state that ends with its sha256, got {len(data)} bytes that do not. "
            "It is damaged: put back a copy, or start anew without resume."
        )
    return torch.load(io.BytesIO(data[:-32]), map_location="cpu", weights_only=True)


class Curve:
    """The logged values of a run, averaged into rows: curve.csv while it runs, curve.png at its end."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: list[list[float]] = []  # step, seconds, learning rate, then one number a name
        self.sums: Tensor | None = None  # of the values since the last row, on the device they come from
        self.count = 0

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take the scalars of one step, the same names each time; nothing waits for the device."""
        self.names = self.names or ["loss", *(name for name in values if name != "loss")]
        row = torch.stack([values[name].detach().float() for name in self.names])
        self.sums = row if self.sums is None else self.sums + row
        self.count += 1

    def close_row(self, step: int, seconds: float, learning_rate: float) -> None:
        """Average what was added since the last row."""
        if self.sums is not None:
            self.rows.append([step, round(seconds, 2), learning_rate, *(self.sums / self.count).tolist()])
        self.sums, self.count = None, 0

    def write(self, folder: Path) -> None:
        """Write curve.csv: every row so far, each once, also after a resume."""
        lines = [["step", "seconds", "learning_rate", *self.names], *self.rows]
        _write_whole(folder / "curve.csv", "".join(",".join(map(str, line)) + "\n" for line in lines).encode())

    def draw(self, folder: Path, title: str) -> None:
        """Draw curve.png: the first seven names over the steps."""
        table = list(zip(*self.rows, strict=True))
        drawn = [pair for pair in zip(self.names, table[3:], strict=True) if any(map(math.isfinite, pair[1]))]
        if drawn:
            figure = curve(table[0], dict(drawn[:7]), xlabel="steps", ylabel="logged value", title=title)
            drawing = io.BytesIO()
            figure.savefig(drawing)
            _write_whole(folder / "curve.png", drawing.getvalue())

    def state(self) -> dict[str, Any]:
        """What `restore` needs, for `write_state`."""
        return dict(vars(self))

    def restore(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on where another curve was; `device` is where values will come from."""
        vars(self).update(state)
        self.sums = None if self.sums is None else self.sums.to(device)


def _write_whole(file: Path, data: bytes) -> None:
    """As `formats.files.write_whole`, but under one fixed name: a run killed many times leaves one part, not many."""
    partial = file.with_name(f"{file.name}.partial")
    with one_writer(file.parent):
        try:
            with partial.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(partial, file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise cannot_write(file, len(data), error) from error
