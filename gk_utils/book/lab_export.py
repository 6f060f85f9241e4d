"""The labs that need no model, for the pages of their lessons: what their canvas shows first, and the facts they use.

In a notebook a lab is the canvas, and a function in Python that says what a box is worth. A page has the same canvas,
and the three functions once more in book/_static/readings.js; a test holds both equal. The other labs need a kernel.
"""

import base64
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from gk_utils import photos
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.labs.box_tokens import CHOICES, token_lab
from gk_utils.labs.boxes import drag_lab
from gk_utils.labs.canvas import STATIC, Canvas
from gk_utils.labs.roi_align import BINS, SEED, STRIDES, brightness, roi_lab

TRAITS = ("mode", "box", "image_hw", "title", "labels", "truth", "truth_labels", "note", "note_of")


def _boxes() -> dict[str, Any]:
    coffee = photos.load("coffee")
    truth = [float(side) for side in coffee.boxes[coffee.index("the cup")]]
    canvas = drag_lab(coffee.image, truth, "the cup")
    more = "In a running notebook (make lab) it also takes your own pictures."
    return {"kind": "boxes", "canvas": canvas, "facts": {"truth": truth}, "choices": [], "more": more}


def _tokens() -> dict[str, Any]:
    lab = token_lab()
    return {
        "kind": "tokens",
        "canvas": lab.canvas,
        "facts": {"hw": lab.canvas.image_hw, "bins": lab.bins.value},
        "choices": [{"name": "bins", "label": "bins a side", "values": list(CHOICES.items())}],
        "more": "In a running notebook (make lab) it also lists what five published codes write.",
    }


def _roi() -> dict[str, Any]:
    lab = roi_lab()
    grids = {stride: brightness(render([draw_scene(SEED, n=6)]).images[0], stride).tolist() for stride in STRIDES}
    return {
        "kind": "roi",
        "canvas": lab.canvas,
        "facts": {"grids": grids, "stride": lab.stride.value, "bins": lab.bins.value},
        "choices": [
            {"name": "stride", "label": "stride", "values": [[str(value), value] for value in STRIDES]},
            {"name": "bins", "label": "bins a side", "values": [[str(value), value] for value in BINS]},
        ],
        "more": "The notebook (make lab) has the same lab, and the code behind it.",
    }


LIVE: dict[str, Callable[[], dict[str, Any]]] = {"drag_lab": _boxes, "token_lab": _tokens, "roi_lab": _roi}


def export_labs(folder: Path) -> dict[str, Path]:
    """Write a JSON file for each lab that a page can run, and the canvas's own files; return the former by their labs.

    >>> import tempfile
    >>> files = export_labs(Path(tempfile.mkdtemp()))
    >>> json.loads(files["token_lab"].read_text())["canvas"]["title"]
    'How small may a box be before its tokens lose it?'
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("canvas.js", "canvas.css"):
        shutil.copy(STATIC / name, folder)
    files = {name: folder / f"{name}.json" for name in LIVE}
    for name, make in LIVE.items():
        lab = make()
        canvas = lab["canvas"]
        lab |= {"canvas": first_values(canvas), "picture": jpeg_address(canvas.picture)}
        files[name].write_text(json.dumps(lab), encoding="utf-8")
        canvas.close()
    return files


def first_values(canvas: Canvas) -> dict[str, Any]:
    """What the page's canvas reads of a widget, but its picture.

    >>> first_values(Canvas(Image.new("RGB", (64, 48)), [8, 8, 24, 24], lambda box: "Too small."))["note"]
    'Too small.'
    """
    return {name: getattr(canvas, name) for name in TRAITS}


def jpeg_address(picture: bytes) -> str:
    """A picture file as the data address of a JPEG, a few times smaller than a PNG of a photograph.

    >>> stream = io.BytesIO()
    >>> Image.new("RGB", (4, 4)).save(stream, "PNG")
    >>> jpeg_address(stream.getvalue())[:23]
    'data:image/jpeg;base64,'
    """
    stream = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as opened:
        opened.convert("RGB").save(stream, "JPEG", quality=92, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
