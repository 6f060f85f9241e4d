"""Countertop pictures with captions as on the web, in files: inputs of the GrIT job."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from gk_utils.kosmos2.grit_audit import draw_captioned


def write_pairs(folder: Path, count: int, ending: str = "jsonl", side: int = 128) -> tuple[Path, Path]:
    """`count` pictures in folder/images and their captions in folder/captions.ENDING; the two paths."""
    images, lines = folder / "images", []
    (images / "more").mkdir(parents=True)
    for number, drawn in enumerate(draw_captioned(count, seed=3, side=side)):
        name = f"{'more/' if number % 5 == 4 else ''}{number}.png"
        pixels = (drawn.image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(images / name)
        pair = {"image": name, "caption": drawn.said.text}
        lines.append(json.dumps(pair) if ending == "jsonl" else f"{name}\t{drawn.said.text}")
    path = folder / f"captions.{ending}"
    path.write_text("\n".join(lines) + "\n")
    return path, images
