"""The one table of text formats: who writes boxes and points how, and in which frame the numbers count.

Two formats may look alike and still differ in frame ([12, 40, 300, 410] may be pixels or thousandths) or in order (y or
x first). A number read in the wrong frame is wrong without any error message: that is why each row has a frame.

Where a row rests on less than the authors' own code it says so in `unsure`.

Source: the `source` of each row. Rows were read in code where one is named; commits are given to seven digits.
Notebook: 05.
"""

import math
from dataclasses import dataclass
from typing import Literal

from gk_utils.errors import check_choice, check_hw
from gk_utils.frames import Frame


@dataclass(frozen=True)
class TextFormat:
    """One convention: how coordinates are spelled, and the frame in which they count.

    Attributes:
        model: who writes it.
        spelling: the syntax around the numbers; see `rendering` for one example of each.
        canvas: what the numbers are measured on: the picture, the picture "padded" to a square (centred), or the
            picture as "resized" by the preprocessor, in its pixels.
        top: what the far edge of the canvas counts as; None for pixels.
        decimals: digits after the point. The step of the frame is 10 ** -decimals.
        y_first: y comes before x.
        box, point: one of each as it is written; None: the format has no boxes, or no points.
        keys: the JSON keys of a box and of a point.
        inline: coordinates stand inside a sentence, so text around them is as it should be.
        forbidden: characters that a label cannot hold without breaking the format.
        source: where the convention was read.
        unsure: what the source leaves open, or "".
    """

    model: str
    spelling: Literal["brackets", "tags", "json", "molmo"]
    canvas: Literal["picture", "padded", "resized"]
    top: float | None
    decimals: int
    y_first: bool
    box: str | None
    point: str | None
    inline: bool
    forbidden: str
    source: str
    keys: tuple[str, str] | None = None
    unsure: str = ""

    def frame(self, image_hw: tuple[int, int], resized_hw: tuple[int, int] | None = None) -> Frame:
        """The frame of the numbers over a picture of `image_hw`.

        Args:
            image_hw: height and width of the picture whose pixels the boxes are in.
            resized_hw: height and width after the model's preprocessor; needed for canvas "resized", unused otherwise.

        Raises:
            ValueError: not a size, or `resized_hw` missing where it is needed.

        >>> FORMATS["qwen3_vl"].frame((480, 640)).hw
        (1000.0, 1000.0)
        """
        check_hw(image_hw)
        photo = Frame.of_image(image_hw)
        if self.canvas == "resized":
            if resized_hw is None:
                raise ValueError(
                    f"resized_hw: expected the height and width that {self.model} saw, got None. "
                    "Its numbers are pixels of the resized picture: take the size from the preprocessor."
                )
            check_hw(resized_hw, "resized_hw")
            return photo.resize(resized_hw)
        if self.canvas == "padded":
            # Shikra pads by whole pixels, (w - h) // 2 above: half a pixel off centre for an odd difference.
            side = max(image_hw)
            shift_xy = ((side - image_hw[1]) // 2, (side - image_hw[0]) // 2)
            photo = Frame((side, side), shift_xy=shift_xy)
        return photo.resize((self.top, self.top))

    def error_bound(self, image_hw: tuple[int, int], resized_hw: tuple[int, int] | None = None) -> tuple[float, float]:
        """How far, in pixels of the picture, x and y may move when a box is written and read: half a step.

        >>> FORMATS["qwen3_vl"].error_bound((480, 640))
        (0.32, 0.24)
        """
        half_step = 0.5 * 10**-self.decimals
        scale_x, scale_y = self.frame(image_hw, resized_hw).scale_xy
        return half_step / scale_x, half_step / scale_y


FORMATS: dict[str, TextFormat] = {
    "shikra": TextFormat(
        model="Shikra",
        spelling="brackets",
        canvas="padded",
        top=1.0,
        decimals=3,
        y_first=False,
        box="mug[0.100,0.313,0.500,0.875]",
        point="mug[0.300,0.594]",
        inline=True,
        forbidden="[]",
        source="arXiv:2306.15195; shikras/shikra at 1204f10: box_process_function.py (PlainBoxFormatter), "
        "utils/transform.py (Expand2square)",
    ),
    "ferret": TextFormat(
        model="Ferret",
        spelling="brackets",
        canvas="picture",
        top=1000.0,
        decimals=0,
        y_first=False,
        box="mug [12, 40, 300, 410]",
        point="mug [156, 225]",
        inline=True,
        forbidden="[]",
        source="arXiv:2310.07704; apple/ml-ferret at 5fc7ff8: ferret/eval/eval_refexp.py, ferret/eval/model_refcoco.py",
        unsure="how its training text was rounded is not in the released code; its reader truncates to whole pixels",
    ),
    "qwen_vl": TextFormat(
        model="Qwen-VL",
        spelling="tags",
        canvas="picture",
        top=999.0,
        decimals=0,
        y_first=False,
        box="<ref>mug</ref><box>(12,40),(300,410)</box>",
        point=None,
        inline=True,
        forbidden="<>",
        source="arXiv:2308.12966; QwenLM/Qwen-VL: README.md at 03c5f17, eval_mm/evaluate_grounding.py at 10cb904",
        unsure="[0, 1000) in the text, 999 as divisor in the evaluation; how training data was encoded is not public",
    ),
    "qwen2_5_vl": TextFormat(
        model="Qwen2.5-VL",
        spelling="json",
        canvas="resized",
        top=None,
        decimals=0,
        y_first=False,
        box='[{"bbox_2d": [12, 40, 300, 410], "label": "mug"}]',
        point='[{"point_2d": [156, 225], "label": "mug"}]',
        keys=("bbox_2d", "point_2d"),
        inline=False,
        forbidden="",
        source="arXiv:2502.13923; QwenLM/Qwen3-VL: issues 676 and 721, qwen-vl-finetune/README.md at 23ec840",
        unsure="a number may leave the resized picture (issue 1035): clip after to_pixels",
    ),
    "qwen3_vl": TextFormat(
        model="Qwen3-VL",
        spelling="json",
        canvas="picture",
        top=1000.0,
        decimals=0,
        y_first=False,
        box='[{"bbox_2d": [12, 40, 300, 410], "label": "mug"}]',
        point='[{"point_2d": [156, 225], "label": "mug"}]',
        keys=("bbox_2d", "point_2d"),
        inline=False,
        forbidden="",
        source="QwenLM/Qwen3-VL: cookbooks divide by 1000 (quoted in issue 1623), README quoted in issue 1741",
        unsure="its README says 0 to 1000, the documentation of its API 0 to 999 (issue 1741)",
    ),
    "gemini": TextFormat(
        model="Gemini",
        spelling="json",
        canvas="picture",
        top=1000.0,
        decimals=0,
        y_first=True,
        box='[{"box_2d": [40, 12, 410, 300], "label": "mug"}]',
        point='[{"point": [225, 156], "label": "mug"}]',
        keys=("box_2d", "point"),
        inline=False,
        forbidden="",
        source="google-gemini/cookbook: quickstarts/Spatial_understanding.ipynb at 044ee70, gemini-robotics-er.ipynb",
        unsure="the model is closed: the format is what its makers' prompts ask for",
    ),
    "molmo": TextFormat(
        model="Molmo",
        spelling="molmo",
        canvas="picture",
        top=100.0,
        decimals=1,
        y_first=False,
        box=None,
        point='<point x="61.5" y="40.0" alt="mug">mug</point>',
        inline=True,
        forbidden='<>"',
        source="arXiv:2409.17146; points_to_text in olmo/data/data_formatter.py (read in a fork, BennoKrojer/molmo at "
        "e9b4690); the authors' reader in discussion 1 of the model card of Molmo-7B-O-0924",
        unsure="Molmo's own data sorts points by x; Molmo 2 writes another format, which is not here",
    ),
}


def format_of(format_name: str, kind: Literal["boxes", "points"]) -> TextFormat:
    """The row of that name, if it can write `kind`.

    Raises:
        ValueError: no such format, or one that writes no boxes or no points; the message lists those that do.
    """
    names = [name for name, row in FORMATS.items() if (row.box if kind == "boxes" else row.point)]
    check_choice(format_name, names, "format_name")
    return FORMATS[format_name]


def qwen_resized_hw(
    image_hw: tuple[int, int], factor: int = 28, pixels: tuple[int, int] = (56 * 56, 28 * 28 * 1280)
) -> tuple[int, int]:
    """Height and width to which Qwen2-VL and Qwen2.5-VL resize a picture: multiples of `factor`, area within `pixels`.

    A checkpoint may set other limits: where a processor is at hand, take the size from it (14 times its
    `image_grid_thw`). Qwen3-VL uses a factor of 32, but its numbers do not depend on the size.

    Args:
        image_hw: height and width of the picture.
        factor: patch size times merge size.
        pixels: least and most area after resizing.

    Raises:
        ValueError: not a size, or one side more than 200 times the other.

    Source: `smart_resize` in transformers 5.23.0, models/qwen2_vl/image_processing_qwen2_vl.py.

    >>> qwen_resized_hw((480, 640))
    (476, 644)
    """
    check_hw(image_hw)
    height, width = image_hw
    if max(image_hw) > 200 * min(image_hw):
        raise ValueError(
            f"image_hw: expected sides within a ratio of 200, got {tuple(image_hw)}. Cut the picture into pieces."
        )
    resized = [round(side / factor) * factor for side in image_hw]
    if resized[0] * resized[1] > pixels[1]:
        shrink = math.sqrt(height * width / pixels[1])
        resized = [max(factor, math.floor(side / shrink / factor) * factor) for side in image_hw]
    elif resized[0] * resized[1] < pixels[0]:
        grow = math.sqrt(pixels[0] / (height * width))
        resized = [math.ceil(side * grow / factor) * factor for side in image_hw]
    return resized[0], resized[1]
