"""The trunk as two ONNX graphs, so that a browser can run it: one that sees a picture, one that answers words about it.

    see.onnx   image (1 3 s s) in [0, 1]                      -> features (1 p d), boxes_unit (1 p 4)
    ask.onnx   features (1 p d), numbers (1 t) of the words   -> shares (1 p+1), the last one is "none"

A picture is seen once for all that is asked about it, as in `TrunkGrounder.look_all`. What lies around the graphs (the
words' numbers, which boxes are one thing) is written once more in book/_static/grounder.js; a test holds both equal.

Source: ONNX, opset 18, https://onnx.ai/onnx/operators/.
"""

import json
import warnings
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gk_utils.models.trunk import LONGEST, Trunk
from gk_utils.models.trunk_grounder import LEAST, TrunkGrounder

OPSET = 18


class See(nn.Module):
    """Of a trunk, what needs the picture alone."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, image: Float[Tensor, "1 3 s s"]) -> tuple[Float[Tensor, "1 p d"], Float[Tensor, "1 p 4"]]:
        """Features and boxes of the patches."""
        seen = self.trunk.see(image)
        return seen.features, seen.boxes_unit


class Ask(nn.Module):
    """Of a trunk, what needs the words: the share of each patch, and of "none"."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, features: Float[Tensor, "1 p d"], numbers: Int[Tensor, "1 t"]) -> Float[Tensor, "1 q"]:
        """Shares that sum to 1."""
        return self.trunk.ask(features, numbers).answer.softmax(1)


def export_grounder(grounder: TrunkGrounder, folder: Path) -> tuple[Path, Path, Path]:
    """Write see.onnx, ask.onnx and grounder.json, what a page must know of the trunk besides, and return their paths.

    >>> import tempfile
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> see, ask, facts = export_grounder(load_grounder()[0], Path(tempfile.mkdtemp()))
    >>> sorted(json.loads(facts.read_text()))
    ['grid_hw', 'image_side', 'least', 'longest', 'words']
    """
    trunk = grounder.trunk.cpu().eval()
    side = trunk.settings.image_side
    image = torch.zeros(1, 3, side, side)
    with torch.no_grad():
        features = trunk.see(image).features
    numbers = torch.full((1, 3), 2)
    folder.mkdir(parents=True, exist_ok=True)
    see, ask, facts = (folder / name for name in ("see.onnx", "ask.onnx", "grounder.json"))
    _export(See(trunk), (image,), see, inputs=["image"], outputs=["features", "boxes_unit"], shapes=None)
    words = torch.export.Dim("t", min=1, max=LONGEST)
    names = {"inputs": ["features", "numbers"], "outputs": ["shares"]}
    _export(Ask(trunk), (features, numbers), ask, **names, shapes=(None, {1: words}))
    settings = {"words": trunk.settings.words, "image_side": side, "grid_hw": trunk.grid_hw}
    facts.write_text(json.dumps({**settings, "longest": LONGEST, "least": LEAST}), encoding="utf-8")
    return see, ask, facts


def _export(
    module: nn.Module, example: tuple[Tensor, ...], path: Path, *, inputs: list[str], outputs: list[str], shapes: object
) -> None:
    """Trace a module and write it as one file, weights included."""
    with warnings.catch_warnings():  # the exporter speaks of its own internals
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            path,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
