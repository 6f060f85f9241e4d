"""Tests of gk_utils.book.grounder_export: the graphs, and the page's code around them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import FLAGS, chromium
from playwright.sync_api import Page, sync_playwright

from gk_utils.book.grounder_export import export_grounder
from gk_utils.models.trunk import LONGEST, number_words
from gk_utils.models.trunk_grounder import LEAST, TrunkGrounder
from gk_utils.models.trunk_recipe import build

SCRIPT = (Path(__file__).parents[1] / "book" / "_static" / "grounder.js").read_text(encoding="utf-8")
WORDS = ("the", "red", "mug", "left", "of", "toaster")


@pytest.fixture(scope="module")
def grounder() -> TrunkGrounder:
    torch.manual_seed(0)
    settings = {"words": WORDS, "image_side": 32, "patch": 8, "width": 24, "heads": 2}
    return TrunkGrounder(build({**settings, "vision_layers": 1, "joint_layers": 2}))


@pytest.fixture(scope="module")
def files(grounder: TrunkGrounder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return export_grounder(grounder, tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="module")
def page():
    """A page with the functions of grounder.js."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *FLAGS])
        page = browser.new_page()
        page.evaluate(
            "async (text) => { window.grounder = await import('data:text/javascript,' + encodeURIComponent(text)) }",
            SCRIPT,
        )
        yield page
        browser.close()


class TestExportGrounder:
    @pytest.mark.parametrize("phrase", ["mug", "the red mug left of the toaster", "a thing unheard of " * 12])
    def test_equal_to_the_trunk(self, phrase: str, grounder: TrunkGrounder, files: tuple[Path, Path, Path]):
        import onnxruntime

        see, ask = (onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in files[:2])
        image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        numbers = grounder.trunk.number([phrase])
        with torch.no_grad():
            seen = grounder.trunk.see(image)
            shares = grounder.trunk.ask(seen.features, numbers).answer.softmax(1)
        features, boxes = see.run(None, {"image": image.numpy()})
        (found,) = ask.run(None, {"features": features, "numbers": numbers.numpy()})
        np.testing.assert_allclose(features, seen.features, atol=1e-4)
        np.testing.assert_allclose(boxes, seen.boxes_unit, atol=1e-4)
        np.testing.assert_allclose(found, shares, atol=1e-4)

    def test_facts(self, files: tuple[Path, Path, Path]):
        facts = json.loads(files[2].read_text())
        assert facts == {"words": list(WORDS), "image_side": 32, "grid_hw": [4, 4], "longest": LONGEST, "least": LEAST}


class TestThePage:
    """The page's code around the graphs is that of `TrunkGrounder`."""

    @pytest.mark.parametrize("phrase", ["The 2nd red MUG, left of it!", "toaster", "mug-mug"])
    def test_numbers(self, phrase: str, page: Page):
        facts = {"words": WORDS, "longest": LONGEST}
        found = page.evaluate("([text, facts]) => grounder.numbers(text, facts)", [phrase, facts])
        assert found == number_words([phrase], WORDS)[0].tolist()

    @pytest.mark.parametrize("phrase", ["", " ... ", "mug " * (LONGEST + 1)])
    def test_no_words_and_too_many(self, phrase: str, page: Page):
        assert page.evaluate("text => grounder.numbers(text, {words: [], longest: 64})", phrase) is None

    @pytest.mark.parametrize("seed", range(4))
    def test_distinct(self, seed: int, grounder: TrunkGrounder, page: Page):
        image = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(seed))
        scores, grounding = grounder.look(image, "the red mug")
        boxes = grounder.trunk.see(image[None]).boxes_unit[0].clamp(0, 1)
        found = page.evaluate(
            "([boxes, shares, least]) => grounder.distinct(boxes, shares, least)",
            [boxes.tolist(), scores.shares.flatten().tolist(), LEAST],
        )
        np.testing.assert_allclose([each["score"] for each in found], grounding.scores, atol=1e-5)
        np.testing.assert_allclose([each["box"] for each in found], grounding.boxes / 32, atol=1e-5)

    def test_planes(self, page: Page):
        rgba = np.random.default_rng(0).integers(256, size=(2, 2, 4))
        found = page.evaluate("([rgba]) => Array.from(grounder.planes(rgba, 2))", [rgba.flatten().tolist()])
        np.testing.assert_allclose(np.reshape(found, (3, 2, 2)), rgba[..., :3].transpose(2, 0, 1) / 255, atol=1e-6)
