"""A countertop taken apart for a page: the empty room and each thing as a picture with transparency.

The page pastes the things where the reader drags them, the farther back the earlier, as `labs.placements.place` does.
"""

import base64
import io
import json
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from gk_utils.countertop.scene import base_of, draw_scene
from gk_utils.labs.placements import Stage, take_apart

SEED = 8
SIDE = 384  # pixels of the page's picture
WANTED = (
    {"category": "mug", "colour": "red", "state": None},
    {"category": "mug", "colour": "red", "state": None},
    {"category": "mug", "colour": "blue", "state": None},
    {"category": "toaster", "state": None},
    {"category": "cat", "facing": "left", "state": None},
    {"category": "apple", "colour": "green", "state": None},
)
PHRASES = (
    "the red mug near the toaster",
    "the leftmost mug",
    "the large red mug",
    "the blue mug to the right of the cat",
    "the apple",
    "the yellow kettle",
)


def export_stage(path: Path) -> dict[str, object]:
    """Write the stage of the page as JSON and return it.

    `things` have a name, the box [x1, y1, x2, y2] in pixels where they stand at first, the height of their foot in
    pixels, and a picture: a PNG as a data address, as large as the stage.

    >>> import tempfile
    >>> stage = export_stage(Path(tempfile.mkdtemp()) / "stage.json")
    >>> [thing["name"] for thing in stage["things"]][:2], stage["side"]
    (['red mug 1', 'red mug 2'], 384)
    """
    stage = take_apart(draw_scene(SEED, n=len(WANTED), wanted=WANTED), SIDE)
    names = _numbered([f"{thing.colour} {thing.category}" for thing in stage.scene.things])
    things = [
        {
            "name": names[index],
            "box": [round(corner, 1) for corner in stage.boxes[index]],
            "foot": round(base_of(stage.scene, index)[1] * SIDE, 1),
            "picture": png_address(cut_out(stage, index)),
        }
        for index, thing in enumerate(stage.scene.things)
    ]
    whole = {"side": SIDE, "empty": png_address(stage.empty), "things": things, "phrases": PHRASES}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole), encoding="utf-8")
    return whole


def _numbered(names: list[str]) -> list[str]:
    """Equal names get numbers behind them."""
    return [
        f"{name} {names[: index + 1].count(name)}" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def cut_out(stage: Stage, index: int) -> Float[Tensor, "4 s s"]:
    """A thing with its shadow as colours and opacity in [0, 1]; its colours are not multiplied by the opacity."""
    opacity = stage.coverage[index]
    colour = stage.colours[index] / opacity.clamp(min=1e-3)
    return torch.cat([colour.clamp(0, 1) * (opacity > 0.004), opacity[None]])


def png_address(image: Float[Tensor, "c s s"]) -> str:
    """A picture of three or four channels as a data address of a PNG file.

    >>> png_address(torch.zeros(3, 2, 2))[:22]
    'data:image/png;base64,'
    """
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
