"""Tests of gk_utils.figure_png."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from gk_utils import viz
from gk_utils.figure_png import PNG_BYTES, to_png


def decoded(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def rendered(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    return np.asarray(Image.open(buffer).convert("RGB")).astype(float)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """What a photograph asks of a palette: smooth shading, three colours of light, a little grain."""
    y, x = np.mgrid[:400, :600]
    shade = [np.sin(x / 90 + k) * np.cos(y / 70 - k) * 90 + 128 + 30 * np.sin((x + y) / (9 + k)) for k in range(3)]
    grain = np.random.default_rng(0).normal(0, 6, (400, 600, 3))
    return (np.stack(shade, -1) + grain).clip(0, 255).astype(np.uint8)


class TestToPng:
    def test_a_chart_keeps_its_colours_and_its_size(self):
        figure = viz.bars({"model": (0.86, 0.84, 0.88)}, xlabel="Acc@0.5")
        picture = decoded(to_png(figure))
        assert picture.mode == "P"
        assert picture.size == (691, int(figure.get_size_inches()[1] * 108))
        assert np.abs(np.asarray(picture.convert("RGB")) - rendered(figure)).max() <= 8

    def test_a_photograph_stays_good(self, photograph: np.ndarray):
        figure = viz.show_boxes(photograph, torch.tensor([[50.0, 60.0, 250.0, 210.0]]), ["cup"])
        png = to_png(figure)
        assert 0.8 * PNG_BYTES < len(png) <= PNG_BYTES
        assert len(decoded(png).getcolors()) >= 64
        error = np.asarray(decoded(png).convert("RGB")) - rendered(figure)
        assert 10 * np.log10(255**2 / (error**2).mean()) > 30  # peak signal-to-noise ratio in dB

    def test_any_limit_holds(self, photograph: np.ndarray):
        figure = viz.show_grid([photograph[:100, :150]])
        sizes = [len(to_png(figure, limit)) for limit in (5_000, 15_000, 18_000, 21_000)]
        assert all(
            0.6 * limit < size <= limit for size, limit in zip(sizes, (5_000, 15_000, 18_000, 21_000), strict=True)
        )

    def test_white_stays_white(self, photograph: np.ndarray):
        figure = viz.show_grid([photograph], caption="What to see.")
        assert np.asarray(decoded(to_png(figure)).convert("RGB"))[-1, -1].tolist() == [255, 255, 255]

    def test_noise_fits(self):
        noise = np.random.default_rng(0).integers(0, 256, (4, 400, 600, 3), dtype=np.uint8)
        png = to_png(viz.show_grid(list(noise)))
        assert len(png) <= PNG_BYTES
        assert min(decoded(png).size) >= 150

    def test_a_large_figure_fits(self):
        axes = (figure := Figure(figsize=(15, 20))).add_axes((0, 0, 1, 1))
        axes.imshow(np.random.default_rng(0).random((300, 400, 3)))
        png = to_png(figure)
        assert len(png) <= PNG_BYTES
        assert decoded(png).width < decoded(png).height

    def test_equal_figures_have_equal_bytes(self, photograph: np.ndarray):
        boxes = torch.tensor([[5.0, 6.0, 25.0, 41.0]])
        one, two = (to_png(viz.show_boxes(photograph[:60, :90], boxes, ["cup"])) for _ in range(2))
        assert one == two != to_png(viz.show_boxes(photograph[:60, :90], boxes + 1, ["cup"]))

    def test_says_nothing_about_when_and_where(self):
        assert set(decoded(to_png(viz.show_grid([np.zeros((8, 8), np.uint8)]))).info) <= {"transparency"}

    def test_does_not_change_the_figure(self):
        figure = viz.show_grid([np.zeros((80, 80), np.uint8)])
        before = rendered(figure)
        to_png(figure)
        assert (rendered(figure) == before).all()


class TestRenderInNotebooks:
    def test_importing_viz_in_ipython_registers_the_formatter(self, tmp_path: Path):
        """In another interpreter, since a shell changes the one it lives in."""
        script = """
import json, sys
from traitlets.config import Config
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("from gk_utils import viz; import numpy as np; figure = viz.show_grid([np.zeros((8, 8), np.uint8)])")
data, _ = shell.display_formatter.format(shell.user_ns["figure"])
from gk_utils.figure_png import to_png
same = data.get("image/png") == to_png(shell.user_ns["figure"])
print(json.dumps([sorted(data), same, "matplotlib.pyplot" in sys.modules]))
"""
        environment = {"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}
        command = [sys.executable, "-c", script]
        root = Path(__file__).parents[1]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1]) == [["image/png", "text/plain"], True, False]
