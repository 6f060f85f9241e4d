"""What `python -m gk_utils assist` does: a picture and a question to an answer with its evidence."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from gk_utils.assistant import Answer, load_assistant
from gk_utils.classroom.composing import MINE, compose
from gk_utils.errors import check_device
from gk_utils.ground import read_picture


@dataclass(frozen=True, eq=False)
class Assisted:
    """The answer to a question about one file, with the picture it is about."""

    path: str
    image: UInt8[np.ndarray, "h w 3"]
    answer: Answer

    def as_json(self) -> str:
        """One JSON object: that of the answer, with the file and the tier before it."""
        return json.dumps({"image": self.path, "tier": "mini", **self.answer.as_dict()})

    def as_text(self) -> str:
        """The same for people: the answer, then what it rests on."""
        answer, (height, width) = self.answer, self.answer.image_hw
        lines = [f"{self.path} ({height} x {width}), mini models {answer.model}", answer.text]
        for row, one in enumerate(answer.shown):
            numbers = ", ".join(f"{name} {value:.2f}" for name, value in one.numbers.items())
            box = "[{:.0f}, {:.0f}, {:.0f}, {:.0f}]".format(*one.box)
            lines.append(f"  {row}: {one.name} {box}{' with mask' if one.mask else ''}  {numbers}")
        lines += [f"  {line}" for line in answer.evidence_lines()]
        if answer.parts:
            lines.append("  functions: " + ", ".join(f"{name} {whose}" for name, whose in answer.parts.items()))
        return "\n".join(lines)


def assist_file(
    path: str | os.PathLike,
    question: str,
    *,
    reference: bool = False,
    checkpoint: str | None = None,
    device: str = "cpu",
    mine: Path = MINE,
) -> Assisted:
    """Answer a question about a picture file, with the learner's functions in `mine` where there are any.

    Args:
        path: of the picture.
        question: of one of ten kinds; another gets an answer that says what can be asked.
        reference: compose the reference functions alone.
        checkpoint: folder of another trunk.
        device: where the models run.
        mine: the folder that holds the learner's solutions.py.

    Raises:
        ValueError: no picture, one that is too large, no question, a device that is not there, a checkpoint that is no
            trunk; FileNotFoundError: no checkpoint; ModuleNotFoundError: jupytext is not installed.
    """
    image = read_picture(path)
    if not question.strip():
        raise ValueError("QUESTION: expected words, got none. Ask: 'How many mugs are there?'")
    check_device(device)
    assistant = load_assistant(compose(None if reference else mine), checkpoint, device)
    pixels = torch.from_numpy(image).permute(2, 0, 1).float() / 255
    return Assisted(str(path), image, assistant.ask(pixels, question))


def save_evidence(found: Assisted, path: str | os.PathLike) -> None:
    """Draw the answer and its evidence into a PNG file, all or nothing.

    Raises:
        ValueError: another ending than .png. OSError: the file cannot be written.
    """
    from gk_utils.formats.files import write_whole

    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"--save: expected a name that ends in .png, got {str(path)!r}. Change the ending.")
    buffer = io.BytesIO()
    found.answer.draw(found.image).savefig(buffer, format="png", dpi=150)
    write_whole(Path(path), buffer.getvalue())
