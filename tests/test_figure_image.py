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

from gk_utils import photos, viz
from gk_utils.figure_image import LIMIT, to_image


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(float)


def rendered(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    return decoded(buffer.getvalue())


class TestToImage:
    def test_a_chart_is_a_png_that_keeps_its_colours_and_its_size(self):
        figure = viz.bars({"model": (0.86, 0.84, 0.88)}, xlabel="Acc@0.5")
        mime, content = to_image(figure)
        assert mime == "image/png"
        assert decoded(content).shape == rendered(figure).shape
        assert np.abs(decoded(content) - rendered(figure)).max() <= 8

    @pytest.mark.parametrize("name", photos.names())
    def test_a_photograph_keeps_its_size_and_its_look(self, name: str):
        photo = photos.load(name)
        figure = viz.show_boxes(photo.image, photo.boxes[:2], ["one", "two"])
        mime, content = to_image(figure)
        assert mime == "image/jpeg"
        assert len(content) <= LIMIT
        error = decoded(content) - rendered(figure)  # of another size, it could not be subtracted
        assert 10 * np.log10(255**2 / (error**2).mean()) > 30  # peak signal-to-noise ratio in dB

    def test_any_limit_holds(self):
        figure = viz.show_boxes(photos.load("motorcycle").image)
        sizes = [len(to_image(figure, limit)[1]) for limit in (5_000, 15_000, 40_000)]
        assert all(0.5 * limit < size <= limit for size, limit in zip(sizes, (5_000, 15_000, 40_000), strict=True))

    def test_noise_and_a_large_chart_fit(self):
        noise = np.random.default_rng(0).integers(0, 256, (4, 400, 600, 3), dtype=np.uint8)
        assert len(to_image(viz.show_grid(list(noise)))[1]) <= LIMIT
        figure = Figure(figsize=(15, 20))
        points = np.random.default_rng(0).random((2, 20_000))
        figure.add_axes((0, 0, 1, 1)).scatter(*points, c=points[0], s=40)
        mime, content = to_image(figure)
        assert mime == "image/jpeg"
        assert len(content) <= LIMIT

    def test_equal_figures_have_equal_bytes(self):
        image, boxes = photos.load("coffee").image[:60, :90], torch.tensor([[5.0, 6.0, 25.0, 41.0]])
        one, two = (to_image(viz.show_boxes(image, boxes, ["cup"])) for _ in range(2))
        assert one == two != to_image(viz.show_boxes(image, boxes + 1, ["cup"]))

    def test_does_not_change_the_figure(self):
        figure = viz.show_grid([np.zeros((80, 80), np.uint8)])
        before = rendered(figure)
        to_image(figure)
        assert (rendered(figure) == before).all()


class TestRenderInNotebooks:
    def test_importing_viz_in_ipython_registers_the_formatter(self, tmp_path: Path):
        """In another interpreter, since a shell changes the one it lives in."""
        script = """
import json, sys
from traitlets.config import Config
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("from gk_utils import viz; import numpy as np; picture = viz.show_grid([np.zeros((8, 8), np.uint8)])")
shell.run_cell("chart = viz.curve([0, 1], {'y': [0, 1]}, xlabel='x', ylabel='y')")
from gk_utils.figure_image import to_image
facts = []
for name in ("picture", "chart"):
    data, _ = shell.display_formatter.format(shell.user_ns[name])
    mime, content = to_image(shell.user_ns[name])
    facts.append([sorted(data), data[mime] == content])
print(json.dumps([*facts, "matplotlib.pyplot" in sys.modules]))
"""
        environment = {"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}
        command = [sys.executable, "-c", script]
        root = Path(__file__).parents[1]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, check=False)
        assert done.returncode == 0, done.stderr
        picture, chart, pyplot = json.loads(done.stdout.splitlines()[-1])
        assert picture == [["image/jpeg", "text/plain"], True]
        assert chart == [["image/png", "text/plain"], True]
        assert not pyplot
