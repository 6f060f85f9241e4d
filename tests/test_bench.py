"""The files of benchmarks/, each run in small: their rows have what a reader needs, and both sides agree."""

import importlib.util

import pytest

from gk_utils.bench import FOLDER, as_text, bench, names
from gk_utils.bench.running import load

KEYS = {
    "case",
    "device",
    "dtype",
    "pass",
    "ours_ms",
    "peer",
    "peer_ms",
    "ratio",
    "low",
    "high",
    "max_error",
    "floor_ms",
}
PASSES = {"forward", "forward+backward", "end-to-end"}


class TestBenchmarks:
    @pytest.mark.parametrize("name", names())
    def test_small(self, name):
        result = bench(name, scale=0.003)
        assert result["name"] == name
        assert result["rows"]
        for row in result["rows"]:
            assert row.keys() >= KEYS
            assert row["device"] == "cpu"
            assert row["pass"] in PASSES
            assert row["ours_ms"] > 0
            if row["peer"]:
                assert row["low"] <= row["ratio"] <= row["high"]
                assert row["max_error"] < 1e-4
        lines = as_text(result).splitlines()
        assert len(lines) == 1 + len(result["rows"])
        assert all(row["pass"] in line for row, line in zip(result["rows"], lines[1:], strict=True))
        assert all("a second" in line for line in lines[1:] if name == "render")

    def test_every_file_has_rows(self):
        files = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")]
        assert len(files) >= 5
        assert all("def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:" in text for text in files)

    def test_metrics_without_pycocotools(self, monkeypatch):
        found = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: found(name) if name != "pycocotools" else None)
        result = bench("metrics", scale=0.001)
        assert [row.get("not_run") for row in result["rows"]] == [*[None] * 3, "pycocotools is not installed"]
        assert as_text(result).endswith("average precision, cpu: not run: pycocotools is not installed")


class TestRoiAlign:
    def test_the_cuda_cases(self):
        """Every dtype in both layouts, on any device; the errors are to float32, where both sides round."""
        rows = load("roi_align")._on_cuda("cpu", 0.005)
        half = [row for row in rows if row["dtype"] != "float32"]
        assert {(row["dtype"], row["case"].split(", ")[1]) for row in half} == {
            (dtype, layout) for dtype in ("float16", "bfloat16") for layout in ("NCHW", "channels-last")
        }
        assert all(row["max_error"] < 0.05 and row["peer_error"] >= 0 for row in half)
        assert {row["peer"] for row in half if row["dtype"] == "bfloat16"} == {"torchvision by way of float32"}
        assert len(rows) == 14

    def test_the_floor_counts_the_cells_that_are_read(self):
        """A box of one cell reads its 2 x 2 samples in 3 x 3 cells; its whole map is not counted."""
        roi_align = load("roi_align")
        features = roi_align.feature_map(1, (64, 64), 16, "cpu")
        boxes = [features.new_tensor([[16.0, 16, 32, 32]])]
        assert roi_align._cells_read(features, boxes, 16, 2) == 9

    def test_boxes_lie_in_the_picture(self):
        boxes = load("roi_align").some_boxes(200, (300, 400), "cpu")
        assert boxes.shape == (200, 4)
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert boxes.min() >= 0
        assert boxes[:, 2].max() <= 400
        assert boxes[:, 3].max() <= 300
