"""Text out of a published model that writes: greedy, with the numbers behind every word looked at."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Int
from torch import Tensor

from gk_utils.hub.half_precision import Loaded


def write_tokens(loaded: Loaded, batch: Mapping[str, Any], most: int) -> Int[Tensor, " t"]:
    """The likeliest continuation, at most `most` tokens, on the CPU; a prompt that the model repeats is in it.

    Raises:
        HubError: the GPU's memory ran out, or the model's numbers are not finite even in float32.
    """
    options = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": True, "output_logits": True}
    answer = loaded.run(
        lambda: loaded.model.generate(**loaded.inputs(batch), max_new_tokens=most, **options),
        lambda answer: answer.logits,
    )
    return answer.sequences[0].cpu()
