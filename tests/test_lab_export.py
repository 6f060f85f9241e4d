"""Tests of gk_utils.book.lab_export: what the page's labs say is what Python says."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import FLAGS, chromium
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from gk_utils.book.lab_export import LIVE, export_labs, jpeg_address
from gk_utils.labs.box_tokens import CHOICES
from gk_utils.labs.boxes import describe
from gk_utils.labs.canvas import STATIC
from gk_utils.labs.roi_align import BINS, STRIDES
from gk_utils.labs.roi_readings import describe_roi
from gk_utils.labs.token_readings import describe_tokens

SCRIPT = (Path(__file__).parents[1] / "book" / "_static" / "readings.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    files = export_labs(tmp_path_factory.mktemp("labs"))
    assert all(
        (files["drag_lab"].parent / name).read_bytes() == (STATIC / name).read_bytes() for name in ("canvas.js",)
    )
    return {name: json.loads(path.read_text()) for name, path in files.items()}


@pytest.fixture(scope="module")
def page():
    """A page with the functions of readings.js."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *FLAGS])
        page = browser.new_page()
        page.evaluate(
            "async (text) => { window.readings = await import('data:text/javascript,' + encodeURIComponent(text)) }",
            SCRIPT,
        )
        yield page
        browser.close()


def random_boxes(image_hw: tuple[int, int], number: int, seed: int) -> list[list[float]]:
    """Boxes on whole pixels, as the canvas makes them: large and tiny ones, some without area, some on the border."""
    rng, (height, width) = np.random.default_rng(seed), image_hw
    xs, ys = (np.sort(rng.integers(0, side + 1, (number, 2)), axis=1) for side in (width, height))
    boxes = np.stack([xs[:, 0], ys[:, 0], xs[:, 1], ys[:, 1]], 1).astype(float)
    small = boxes[::2]
    small[:, 2:] = np.minimum(small[:, :2] + rng.integers(0, 14, (len(small), 2)), (width, height))
    return [[0.0, 0.0, width, height], [width, height, width, height], *boxes.tolist()]


class TestReadings:
    def test_boxes(self, labs: dict, page: Page):
        lab = labs["drag_lab"]
        boxes = random_boxes(lab["canvas"]["image_hw"], 120, seed=0)
        ask = "([boxes, facts]) => boxes.map((box) => readings.readBoxes(box, facts).note)"
        found = page.evaluate(ask, [boxes, lab["facts"]])
        assert found == [describe(box, lab["facts"]["truth"]) for box in boxes]

    @pytest.mark.parametrize("bins", CHOICES.values())
    def test_tokens(self, bins: int | str, labs: dict, page: Page):
        hw = labs["token_lab"]["facts"]["hw"]
        boxes = random_boxes(hw, 24, seed=1)
        ask = "([boxes, facts]) => boxes.map((box) => readings.readTokens(box, facts))"
        found = page.evaluate(ask, [boxes, {"hw": hw, "bins": bins}])
        for box, reading in zip(boxes, found, strict=True):
            expected = describe_tokens(box, tuple(hw), bins)
            assert reading["note"] == expected.note, box
            assert " ".join(map(str, reading["tokens"])) == expected.chosen.tokens
            assert reading["truth"] == [list(expected.chosen.decoded)]

    @pytest.mark.parametrize("stride", STRIDES)
    @pytest.mark.parametrize("bins", BINS)
    def test_roi(self, stride: int, bins: int, labs: dict, page: Page):

        grids = labs["roi_lab"]["facts"]["grids"]
        boxes = random_boxes(tuple(labs["roi_lab"]["canvas"]["image_hw"]), 12, seed=2)
        ask = "([boxes, facts]) => boxes.map((box) => readings.readRoi(box, facts))"
        found = page.evaluate(ask, [boxes, {"grids": grids, "stride": stride, "bins": bins}])
        grid = torch.tensor(grids[str(stride)])
        for box, reading in zip(boxes, found, strict=True):
            expected = describe_roi(grid, box, stride, bins)
            assert reading["note"] == expected.note, box
            assert reading["covered"] == expected.covered().tolist()
            np.testing.assert_allclose(reading["pooled"], expected.pooled, atol=1e-6)
            np.testing.assert_allclose(reading["aligned"], expected.aligned, atol=1e-5)
            np.testing.assert_allclose(np.multiply(reading["points"], stride), expected.points, atol=1e-3)

    @pytest.mark.parametrize(
        ("value", "decimals"), [(0.125, 2), (0.375, 2), (2.5, 0), (0.5, 0), (1.005, 2), (-0.625, 2)]
    )
    def test_rounds_as_python(self, value: float, decimals: int, page: Page):
        assert page.evaluate("([value, d]) => readings.fixed(value, d)", [value, decimals]) == f"{value:.{decimals}f}"


class TestExportLabs:
    @pytest.mark.parametrize("name", LIVE)
    def test_what_it_says_first_is_what_the_page_says(self, name: str, labs: dict, page: Page):
        lab = labs[name]
        reader = {"boxes": "readBoxes", "tokens": "readTokens", "roi": "readRoi"}[lab["kind"]]
        found = page.evaluate(f"([box, facts]) => readings.{reader}(box, facts)", [lab["canvas"]["box"], lab["facts"]])
        assert found["note"] == lab["canvas"]["note"]
        np.testing.assert_allclose(found["truth"], lab["canvas"]["truth"], atol=1e-4)

    def test_the_picture(self, labs: dict):
        for lab in labs.values():
            picture = Image.open(io.BytesIO(base64.b64decode(lab["picture"].partition(",")[2])))
            assert picture.size == tuple(lab["canvas"]["image_hw"][::-1])
            assert all(choice["name"] in lab["facts"] for choice in lab["choices"])


class TestJpegAddress:
    def test_colours_stay(self):
        stream = io.BytesIO()
        Image.new("RGB", (16, 16), (200, 30, 90)).save(stream, "PNG")
        picture = Image.open(io.BytesIO(base64.b64decode(jpeg_address(stream.getvalue()).partition(",")[2])))
        assert np.abs(np.asarray(picture).astype(int) - (200, 30, 90)).max() <= 3
