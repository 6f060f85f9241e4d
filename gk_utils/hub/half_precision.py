"""A published model with its processor, run in half precision where the device is quick at it, and checked.

Below compute capability 8.0 (a T4 has 7.5) half means fp16, whose largest number is 65,504. What grows beyond it
becomes infinite, and the answer quietly turns into noise. So every answer is looked at; one with a number that is not
finite is computed again in float32, and so is everything after it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from gk_utils.errors import check_unit
from gk_utils.hub.fetch import free_gpu_gb
from gk_utils.hub.hub_errors import HubError, explain, memory_too_small
from gk_utils.hub.published_models import KINDS, Published

Answer = TypeVar("Answer")
MOST_MISSING = 0.1  # of the model's tensors: with more missing from the file, it is another model's file


def half_for(device: str, halved: str) -> torch.dtype:
    """What a model computes in on this device: float32 but for CUDA, where it is fp16 or bf16.

    Boxes and masks need fp16's digits. Language models are trained in bf16, which has float32's range: they get it from
    compute capability 8.0 on, and fp16 below.

    >>> half_for("cpu", "weights")
    torch.float32
    """
    where = torch.device(device)
    if where.type != "cuda":
        return torch.float32
    wide = halved == "weights" and torch.cuda.get_device_capability(where) >= (8, 0)
    return torch.bfloat16 if wide else torch.float16


def to_picture(image: Float[Tensor, "3 h w"]) -> Image.Image:
    """An image in [0, 1] as the 8-bit picture that a processor expects.

    >>> to_picture(torch.tensor([1.0, 0.5, 0.0]).reshape(3, 1, 1)).getpixel((0, 0))
    (255, 128, 0)
    """
    check_unit(image, "image")
    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))


class Loaded:
    """A model of transformers in eval mode, its processor, and in what it computes.

    Attributes:
        row: which published model it is.
        model, processor: of transformers.
        dtype: what it computes in; float32 once a number was not finite.
    """

    def __init__(self, row: Published, folder: Path, device: str, dtype: torch.dtype | None = None) -> None:
        self.row, self.folder, self.device = row, folder, device
        self.kind = KINDS[row.kind]
        self.dtype = dtype or half_for(device, self.kind.halved)
        try:
            self.processor = self._read(self.kind.processor)
            self.model = self._read_model()
        except Exception as error:
            raise explain(error, row) from error

    def inputs(self, batch: Any) -> dict[str, Any]:
        """What a processor made, on the model's device and with the fractions in the type of its weights."""
        weights = self.dtype if self.kind.halved == "weights" else torch.float32

        def place(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            return value.to(self.device, weights if value.is_floating_point() else value.dtype)

        return {name: place(value) for name, value in dict(batch).items()}

    def run(self, call: Callable[[], Answer], numbers: Callable[[Answer], Iterable[Tensor]]) -> Answer:
        """What `call` answers, and in float32 if one of the `numbers` of the answer is not finite in half precision.

        `call` asks `self.model` and calls `inputs` itself, since both change with the precision.

        Raises:
            HubError: the GPU's memory ran out, or not even float32 gives finite numbers.
        """
        answer = self._attempt(call)
        if _finite(numbers(answer)):
            return answer
        if self.dtype != torch.float32:
            name = str(self.dtype).removeprefix("torch.")
            print(f"{self.row.name}: not every number is finite in {name}. Going on in float32.", flush=True)
            self._widen()
            answer = self._attempt(call)
            if _finite(numbers(answer)):
                return answer
        raise HubError(
            f"{self.row.name}: its answer is not finite, even in float32. Delete {self.folder} and load it again.",
            circumstance=False,
        )

    @torch.no_grad()
    def _attempt(self, call: Callable[[], Answer]) -> Answer:
        half = self.dtype != torch.float32 and self.kind.halved == "work"
        kind = torch.device(self.device).type
        try:
            with torch.autocast(kind, dtype=self.dtype if half else torch.bfloat16, enabled=half):
                return call()
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise memory_too_small(self.row, self._needed_gb()) from error

    def _widen(self) -> None:
        """From here on float32; halved weights are read again from the file."""
        self.dtype = torch.float32
        if self.kind.halved == "weights":
            self.model = None
            if torch.device(self.device).type == "cuda":
                torch.cuda.empty_cache()
            free_gb = free_gpu_gb(self.device)
            if free_gb is not None and free_gb < self.row.full_gb:
                raise memory_too_small(self.row, self.row.full_gb, free_gb)
            self.model = self._read_model()

    def _needed_gb(self) -> float:
        return self.row.full_gb if self.dtype == torch.float32 else self.row.half_gb

    def _read(self, class_name: str, **options: Any) -> Any:
        import transformers

        with _quiet():
            return getattr(transformers, class_name).from_pretrained(self.folder, local_files_only=True, **options)

    def _read_model(self) -> Any:
        weights = self.dtype if self.kind.halved == "weights" else torch.float32
        options = {"dtype": weights, "use_safetensors": True, "output_loading_info": True}
        model, info = self._read(self.kind.model, **options)
        missing, all_of_them = info["missing_keys"], model.state_dict()
        if len(missing) > MOST_MISSING * len(all_of_them):
            raise HubError(
                f"{self.row.name}: {self.folder} is not a {self.row.kind} model: {len(missing)} of its "
                f"{len(all_of_them)} tensors are not in the file. Pass the folder of {self.row.repository}.",
                circumstance=False,
            )
        if missing:
            print(f"{self.row.name}: {len(missing)} tensors are not in the file and random: {min(missing)} ...")
        return model.eval().to(self.device)


def _finite(numbers: Iterable[Tensor]) -> bool:
    return all(bool(values.isfinite().all()) for values in numbers)


@contextmanager
def _quiet() -> Iterator[None]:
    """Transformers without its progress bars and its remarks about unused weights: what matters is said here."""
    from transformers.utils import logging as tf_logging

    level, bars = tf_logging.get_verbosity(), tf_logging.is_progress_bar_enabled()
    tf_logging.set_verbosity(logging.ERROR)
    tf_logging.disable_progress_bar()
    try:
        yield
    finally:
        tf_logging.set_verbosity(level)
        if bars:
            tf_logging.enable_progress_bar()
