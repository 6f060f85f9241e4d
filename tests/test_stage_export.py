"""Tests of gk_utils.book.stage_export."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils.book.stage_export import PHRASES, SEED, SIDE, WANTED, export_stage, png_address
from gk_utils.countertop.scene import draw_scene
from gk_utils.labs.placements import place, take_apart


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("stage") / "stage.json"
    export_stage(path)
    return json.loads(path.read_text())


def opened(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))) / 255


class TestExportStage:
    def test_pasted_together_it_is_the_picture(self, stage: dict):
        """What the page does: the empty room, and each thing over it, the farther back the earlier."""
        picture = opened(stage["empty"])
        for thing in sorted(stage["things"], key=lambda thing: thing["foot"]):
            cut = opened(thing["picture"])
            picture = cut[..., :3] * cut[..., 3:] + picture * (1 - cut[..., 3:])
        whole = take_apart(draw_scene(SEED, n=len(WANTED), wanted=WANTED), SIDE)
        expected = place(whole, whole.boxes).image.permute(1, 2, 0).numpy()
        assert np.abs(picture - expected).mean() < 0.003
        assert np.abs(picture - expected).max() < 0.1  # eight bits of colour behind a faint shadow

    def test_facts(self, stage: dict):
        assert tuple(stage["phrases"]) == PHRASES
        for thing in stage["things"]:
            x1, y1, x2, y2 = thing["box"]
            assert 0 <= x1 < x2 <= SIDE
            assert 0 <= y1 < y2 <= SIDE
            assert y1 < thing["foot"] < y2 + 8


class TestPngAddress:
    def test_round_trip(self):
        image = torch.tensor([0.0, 0.2, 1.0, 0.6])[:, None, None].expand(4, 3, 3)
        assert np.allclose(opened(png_address(image)), image.permute(1, 2, 0).numpy(), atol=1e-6)
