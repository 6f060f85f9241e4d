"""Seven real photographs with hand-made boxes, expressions and some masks; nothing is downloaded.

The pictures lie inside scikit-image's wheel, the labels in data/photos/labels.json (a COCO file). data/README.md says
where each picture comes from, who may use it, and how it was labelled.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from PIL import Image
from torch import Tensor

from gk_utils.errors import check_choice
from gk_utils.formats.coco import CocoFile, CocoImage, read_coco
from gk_utils.formats.rle import decode_mask

LABELS = Path(__file__).parents[1] / "data" / "photos" / "labels.json"
_DISPARITY = {"motorcycle": "motorcycle_disp.npz"}


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph with its labels; what stands at index i of a field per object belongs to object i.

    Attributes:
        name: as in `names()`.
        image: uint8 RGB, a numpy array: matplotlib and PIL take it as it is, and
            `torch.from_numpy(photo.image).permute(2, 0, 1) / 255` makes a model's input of it. Grey pictures have three
            equal channels.
        image_hw: (height, width) in pixels.
        boxes: xyxy, pixels, around the visible part of each object.
        categories: one word or two per object.
        phrases: for each object one or more expressions that pick out this object and no other. Left and right are the
            viewer's.
        masks: for each object its pixels, or None where no mask was made.
        absent: expressions that pick out nothing in this photograph.
        counts: how many of a category there are, for the categories of which every visible one is labelled.
        source: where the picture comes from.
        licence: its name, and who may use the picture.
        disparity: of the motorcycle alone, else None: by how many pixels a point lies further left in the right-hand
            picture of the stereo pair (large is near); NaN where it was not measured.
    """

    name: str
    image: UInt8[np.ndarray, "h w 3"]
    image_hw: tuple[int, int]
    boxes: Float32[Tensor, "n 4"]
    categories: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    masks: tuple[Bool[Tensor, "h w"] | None, ...]
    absent: tuple[str, ...]
    counts: dict[str, int]
    source: str
    licence: str
    disparity: Float32[Tensor, "h w"] | None

    def index(self, phrase: str) -> int:
        """The index of the object that `phrase` picks out.

        Raises:
            ValueError: no object has this phrase; lists those there are.
        """
        owners = {known: i for i, phrases in enumerate(self.phrases) for known in phrases}
        check_choice(phrase, owners, "phrase")
        return owners[phrase]


def names() -> tuple[str, ...]:
    """The photographs that `load` knows.

    >>> names()
    ('coffee', 'astronaut', 'chelsea', 'rocket', 'coins', 'motorcycle', 'camera')
    """
    return tuple(_entries())


def load(name: str) -> Photo:
    """Load a photograph of `names()`; every call gives arrays of its own.

    Raises:
        ValueError: an unknown name, or a picture that is not the one the labels were drawn on.
        ModuleNotFoundError: scikit-image, whose wheel holds the pictures, is not installed.
        FileNotFoundError: it is installed without this picture.

    >>> photo = load("coffee")
    >>> photo.boxes[photo.index("the spoon")]
    tensor([326.,  67., 424., 325.])
    """
    check_choice(name, names(), "name")
    entry = _entries()[name]
    licence = next(known for known in _file().licenses if known["id"] == entry.extra["license"])
    found = [item.segmentation for item in entry.objects]
    return Photo(
        name=name,
        image=_image(name, entry),
        image_hw=entry.image_hw,
        boxes=entry.boxes.float(),
        categories=tuple(item.category for item in entry.objects),
        phrases=tuple(item.phrases for item in entry.objects),
        masks=tuple(None if mask is None else decode_mask(mask, entry.image_hw) for mask in found),
        absent=entry.absent,
        counts=dict(entry.extra["counts"]),
        source=entry.extra["source"],
        licence=f"{licence['name']}. {licence['use']}",
        disparity=_disparity(_DISPARITY[name]) if name in _DISPARITY else None,
    )


@cache
def _file() -> CocoFile:
    return read_coco(LABELS)


def _entries() -> dict[str, CocoImage]:
    return {entry.extra["name"]: entry for entry in _file().images}


def _picture(file_name: str) -> Path:
    """Where scikit-image's wheel put the file; skimage itself, which might download, is not even imported."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "scikit-image: expected it to be installed, since its wheel holds the photographs, got no such module. "
            "Run: pip install scikit-image"
        )
    path = Path(spec.origin).parent / "data" / file_name
    if not path.exists():
        raise FileNotFoundError(
            f"{file_name}: expected it in {path.parent}, got no such file. "
            "Was scikit-image packed without its pictures? Run: pip install --force-reinstall scikit-image"
        )
    return path


def _image(name: str, entry: CocoImage) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels, checked to be those that the labels were drawn on.

    Either the decoded pixels are the same (a PNG may be packed anew) or the file is (JPEG decoders differ by a little).
    """
    path = _picture(entry.file_name)
    with Image.open(path) as picture:
        image = np.array(picture.convert("RGB"))
    pixels, file = (hashlib.sha256(data).hexdigest() for data in (image.tobytes(), path.read_bytes()))
    if pixels != entry.extra["sha256"] and file != entry.extra["sha256_file"]:
        raise ValueError(
            f"{name}: expected the picture that was labelled (sha256 of its pixels {entry.extra['sha256'][:12]}...), "
            f"got another one ({pixels[:12]}...) in {path}. Its boxes may not fit: install scikit-image 0.24 to 0.26."
        )
    return image


def _disparity(file_name: str) -> Float32[Tensor, "h w"]:
    with np.load(_picture(file_name)) as arrays:
        disparity = torch.from_numpy(arrays["arr_0"].astype(np.float32))
    return disparity.where(disparity.isfinite(), torch.nan)  # the file marks unknown pixels with infinity
