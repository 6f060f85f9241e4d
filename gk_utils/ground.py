"""What `python -m gk_utils ground` does: a picture and a phrase to boxes; a folder and phrases to boxes and masks."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps

from gk_utils.errors import check_device
from gk_utils.grounded_sam.folder import FolderResult, ground_folder, write_folder_coco
from gk_utils.grounded_sam.mini import load_pipeline
from gk_utils.models.trunk_grounder import load_grounder
from gk_utils.protocols import Grounding

MOST_PIXELS = 50_000_000  # what a phone takes, and no more: a decoded picture is 3 bytes a pixel


@dataclass(frozen=True, eq=False)
class Found:
    """The answer to one phrase in one file, with the picture it is about and the model that gave it."""

    path: str
    image: UInt8[np.ndarray, "h w 3"]
    grounding: Grounding
    tier: str
    model: str

    def as_json(self) -> str:
        """One JSON object; boxes are xyxy in pixels of the picture as it is seen, its EXIF rotation applied."""
        found = self.grounding
        return json.dumps(
            {
                "image": self.path,
                "image_hw": list(found.image_hw),
                "phrase": found.phrase,
                "tier": self.tier,
                "model": self.model,
                "boxes": [[round(number, 2) for number in box] for box in found.boxes.tolist()],
                "scores": [round(score, 4) for score in found.scores.tolist()],
                "absent": found.absent,
            }
        )

    def as_text(self) -> str:
        """The same for people."""
        found, height_width = self.grounding, "{} x {}".format(*self.grounding.image_hw)
        said = f"{self.path} ({height_width}), {found.phrase!r}, {self.tier} model {self.model}: "
        if found.absent:
            return said + "there is no such thing"
        rows = zip(found.boxes.tolist(), found.scores.tolist(), strict=True)
        lines = ["  [{:.0f}, {:.0f}, {:.0f}, {:.0f}]  score {:.2f}".format(*box, score) for box, score in rows]
        return said + "x1 y1 x2 y2 in pixels, best first\n" + "\n".join(lines)


def read_picture(path: str | os.PathLike) -> UInt8[np.ndarray, "h w 3"]:
    """Read a picture as RGB, turned as its EXIF entry says, transparent parts on white.

    Raises:
        ValueError: no such file, not a picture, damaged, or more than MOST_PIXELS; names the file. A picture that is
            too large is not decoded.
    """
    if not Path(path).is_file():
        raise ValueError(f"IMAGE: expected a file, got {str(path)!r}. Check the path.")
    try:
        # Pillow warns of large pictures by itself; the limit here is lower and says what to do.
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        with Image.open(path) as picture:
            pixels = picture.width * picture.height
            if pixels > MOST_PIXELS:
                raise ValueError(
                    f"IMAGE: expected at most {MOST_PIXELS / 1e6:.0f} megapixels, got {pixels / 1e6:.0f} in "
                    f"{str(path)!r}. Make it smaller first."
                )
            turned = ImageOps.exif_transpose(picture)
            if turned.mode.startswith("I"):  # 16 bits a pixel: the upper eight
                turned = Image.fromarray((np.asarray(turned) >> 8).clip(0, 255).astype(np.uint8))
            turned = turned.convert("RGBA")
    except (OSError, SyntaxError) as error:
        raise ValueError(f"IMAGE: expected a picture, got {str(path)!r}: {error}. Save it as PNG or JPEG.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    white = Image.new("RGBA", turned.size, "white")
    return np.array(Image.alpha_composite(white, turned).convert("RGB"))


def ground_file(path: str | os.PathLike, phrase: str, checkpoint: str | None = None, device: str = "cpu") -> Found:
    """Ground a phrase in a picture file with the trunk.

    Raises:
        ValueError: a file that is no picture or too large, a phrase without words, a checkpoint that is no trunk, a
            device that is not there; FileNotFoundError: no checkpoint.
    """
    image = read_picture(path)
    if not phrase.strip():
        raise ValueError("PHRASE: expected words, got none. Say what to look for.")
    check_device(device)
    grounder, card = load_grounder(checkpoint, device)
    pixels = torch.from_numpy(image).permute(2, 0, 1).float() / 255
    return Found(str(path), image, grounder.ground(pixels, phrase), "mini", card.recipe)


def ground_pictures(
    folder: str,
    phrases: str,
    out: str,
    *,
    coco: str | None = None,
    checkpoint: str | None = None,
    device: str = "cpu",
) -> FolderResult:
    """Ground phrases, separated by semicolons, in all pictures of a folder; write `out`, and `coco` as a COCO file.

    Raises:
        ValueError: no phrases, no pictures, a file that holds something else, a device that is not there; OSError: a
            file that cannot be written.
    """
    wanted = list(dict.fromkeys(phrase.strip() for phrase in phrases.split(";") if phrase.strip()))
    if not wanted:
        raise ValueError('PHRASE: expected words, got none. Say what to look for: "red mug; plate".')
    check_device(device)
    pipeline, model = load_pipeline(checkpoint, device)
    result = ground_folder(folder, wanted, out, pipeline, read_picture, model=model, progress=_progress)
    if coco:
        write_folder_coco(result, coco)
    return result


def folder_as_text(result: FolderResult, out: str) -> str:
    """For people: how much was found, and the broken pictures with their reasons."""
    boxes = sum(map(len, result.results))
    lines = [f"{out}: {len(result.results)} pictures, {boxes} boxes with masks"]
    if result.broken:
        lines.append(f"{len(result.broken)} could not be read:")
        lines += [f"  {name}: {reason}" for name, reason in result.broken]
    return "\n".join(lines)


def folder_as_json(result: FolderResult, out: str) -> str:
    """The same as one JSON object."""
    broken = [{"name": name, "reason": reason} for name, reason in result.broken]
    boxes = sum(map(len, result.results))
    return json.dumps({"out": out, "pictures": len(result.results), "boxes": boxes, "broken": broken})


def _progress(batches: Iterable[list[str]], done: int) -> Iterator[list[str]]:
    from tqdm import tqdm

    batches = list(batches)
    with tqdm(total=done + sum(map(len, batches)), initial=done, unit="picture", file=sys.stderr) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch))


def save_picture(found: Found, path: str | os.PathLike) -> None:
    """Draw the answer into a PNG file, all or nothing.

    Raises:
        ValueError: another ending than .png. OSError: the file cannot be written.
    """
    from gk_utils import viz
    from gk_utils.formats.files import write_whole

    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"--save: expected a name that ends in .png, got {str(path)!r}. Change the ending.")
    grounding = found.grounding
    labels = [f"{score:.2f}" for score in grounding.scores.tolist()]
    title = f"{grounding.phrase}: none" if grounding.absent else grounding.phrase
    figure = viz.show_boxes(found.image, grounding.boxes, labels, title=title)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    write_whole(Path(path), buffer.getvalue())
