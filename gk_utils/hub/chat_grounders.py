"""Published models that are asked in sentences and write boxes as JSON: Qwen2.5-VL and Qwen3-VL.

Qwen2.5-VL counts in pixels of the picture as its processor resized it, Qwen3-VL in thousandths of width and height:
`gk_utils.text_coordinates` knows both. A wrong frame gives wrong boxes and no error.
"""

import math

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from gk_utils.boxes import clip_boxes
from gk_utils.hub.half_precision import Loaded, to_picture
from gk_utils.hub.open_detectors import check_phrases
from gk_utils.hub.written_answers import write_tokens
from gk_utils.protocols import Grounding
from gk_utils.text_coordinates import FORMATS, parse_boxes

MOST_PIXELS = 1280 * 28 * 28  # of a picture: about as many tokens as a 16 GB card takes
QUESTION = (
    "Find every instance of: {phrase}. Answer with a JSON list alone, one entry for each: "
    '[{{"bbox_2d": [x1, y1, x2, y2], "label": "..."}}]. If there is none, answer with an empty list: []'
)


class PublishedQwen:
    """Qwen2.5-VL or Qwen3-VL; a `Grounder`, and it answers questions. It says no scores: they are 1."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.format_name = loaded, loaded.row.kind

    def answer(self, image: Float[Tensor, "3 h w"], question: str, *, max_tokens: int = 256) -> str:
        """What it writes when it is shown the picture and asked the question.

        Raises:
            ValueError: an empty question.
            HubError: the GPU's memory ran out.
        """
        return self._ask(image, question, max_tokens)[0]

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of one phrase as they were written; absent: an empty list was. Text without boxes is no answer.

        Raises:
            ValueError: an empty phrase.
            HubError: the GPU's memory ran out.
        """
        check_phrases([phrase])
        text, seen_hw = self._ask(image, QUESTION.format(phrase=phrase.strip()), 256)
        return read_answer(text, phrase, self.format_name, tuple(image.shape[1:]), seen_hw)

    def _ask(self, image: Float[Tensor, "3 h w"], question: str, most: int) -> tuple[str, tuple[int, int]]:
        """The answer, and height and width of the picture as the model saw it."""
        check_phrases([question])
        processor = self.loaded.processor
        content = [{"type": "image", "image": shrunk(to_picture(image))}, {"type": "text", "text": question}]
        batch = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        tokens = write_tokens(self.loaded, batch, most)[batch["input_ids"].shape[1] :]
        side = self.loaded.model.config.vision_config.patch_size
        _, rows, columns = batch["image_grid_thw"][0].tolist()
        return processor.batch_decode(tokens[None], skip_special_tokens=True)[0], (rows * side, columns * side)


def read_answer(
    text: str, phrase: str, format_name: str, image_hw: tuple[int, int], seen_hw: tuple[int, int]
) -> Grounding:
    """The boxes in an answer, in pixels of the image.

    Args:
        text: what the model wrote.
        phrase: what it was asked for.
        format_name: a format in pixels of the resized picture or in thousandths, of `text_coordinates.FORMATS`.
        image_hw: height and width of the image.
        seen_hw: the same after the processor resized it.

    >>> read_answer('[{"bbox_2d": [50, 20, 100, 40], "label": "mug"}]', "mug", "qwen3_vl", (100, 200), (64, 64)).boxes
    tensor([[10.,  2., 20.,  4.]])
    """
    parsed = parse_boxes(text, format_name)
    resized_hw = seen_hw if FORMATS[format_name].canvas == "resized" else None
    boxes = clip_boxes(parsed.to_pixels(image_hw, resized_hw), image_hw)
    said_none = not len(boxes) and not parsed.problems
    return Grounding(boxes, torch.ones(len(boxes)), phrase, said_none, image_hw)


def shrunk(picture: Image.Image) -> Image.Image:
    """The picture, made smaller if it has more than MOST_PIXELS.

    >>> shrunk(Image.new("RGB", (4000, 3000))).size
    (1156, 867)
    """
    share = math.sqrt(MOST_PIXELS / (picture.width * picture.height))
    if share >= 1:
        return picture
    return picture.resize((int(picture.width * share), int(picture.height * share)), Image.Resampling.BICUBIC)
