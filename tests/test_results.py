import json

import pytest

from gk_utils.bench import results
from gk_utils.bench.results import FOLDER, MISSING, STORED, as_page, as_text, keep, read, take, write_page
from gk_utils.bench.running import names
from gk_utils.bench.timing import not_run

ROW = {
    **{"case": "100 boxes", "device": "cpu", "dtype": "float32", "pass": "forward", "ours_ms": 1.234, "floor_ms": 0.5},
    **{"peer": "torchvision", "peer_ms": 2.5, "ratio": 0.49, "low": 0.4, "high": 0.6, "max_error": 1.2e-6},
}


def result(name="boxes", machine="a laptop", **row):
    return {"name": name, "machine": machine, "rows": [{**ROW, **row}]}


def section(page, name):
    return page.split(f"## {name}\n")[1].split("\n## ")[0]


def cost(device="cpu"):
    sizes = [*({"boxes": n} for n in (10, 100, 1000)), *({"side": side} for side in (256, 2048))]
    passes = ("forward", "forward+backward")
    rows = [{**ROW, **size, "device": device, "pass": kind} for size in sizes for kind in passes]
    return {"name": "roi_align_cost", "machine": "a laptop", "rows": rows}


class TestAsText:
    def test_by_hand(self):
        assert as_text(result()).splitlines() == [
            "boxes on a laptop",
            "  100 boxes, cpu, float32, forward: 1.234 ms; torchvision 2.500 ms; ratio 0.490 [0.400, 0.600]",
        ]

    def test_not_run(self):
        text = as_text({"name": "metrics", "machine": "a laptop", "rows": [not_run("AP", "cpu", "no peer")]})
        assert text.splitlines()[1] == "  AP, cpu: not run: no peer"


class TestKeep:
    def test_round_trip(self, tmp_path):
        path = keep(result(), "cpu", tmp_path / "new")
        assert path.name == "boxes-cpu.json"
        found = read(path)
        assert (found["name"], found["machine"], found["rows"]) == ("boxes", "a laptop", [ROW])
        assert "torch" in found["versions"]
        assert len(found["date"].split("-")) == 3
        assert [each.name for each in path.parent.iterdir()] == ["boxes-cpu.json"]

    def test_a_number_that_json_cannot_hold_leaves_the_old_file(self, tmp_path):
        path = keep(result(), "cpu", tmp_path)
        with pytest.raises(ValueError, match="JSON"):
            keep(result(max_error=float("inf")), "cpu", tmp_path)
        assert read(path)["rows"] == [ROW]

    def test_one_device_leaves_the_other_alone(self, tmp_path):
        keep(result(machine="one NVIDIA H100", device="cuda"), "cuda:0", tmp_path)
        keep(result(machine="a laptop"), "cpu", tmp_path)
        keep(result(machine="another laptop"), "cpu", tmp_path)
        boxes = section(as_page(tmp_path), "boxes")
        assert "CUDA: one NVIDIA H100;" in boxes
        assert "CPU: another laptop;" in boxes
        assert MISSING not in boxes


class TestRead:
    @pytest.mark.parametrize(
        "content", ["{", "[]", "{}", '{"date": "", "versions": "", "name": "x", "machine": "", "rows": [{}]}']
    )
    def test_faults(self, tmp_path, content):
        (tmp_path / "boxes-cpu.json").write_text(content)
        with pytest.raises(ValueError, match="boxes-cpu.json: expected a result that `bench --out` wrote"):
            read(tmp_path / "boxes-cpu.json")


class TestTake:
    def test_copies(self, tmp_path):
        there, here = tmp_path / "there", tmp_path / "here"
        keep(result(machine="one NVIDIA H100"), "cuda", there)
        keep(result(machine="a laptop"), "cpu", here)
        assert take(there, here) == ["boxes-cuda.json"]
        assert read(here / "boxes-cuda.json")["machine"] == "one NVIDIA H100"
        assert read(here / "boxes-cpu.json")["machine"] == "a laptop"

    def test_a_bad_file_and_nothing_is_copied(self, tmp_path):
        there, here = tmp_path / "there", tmp_path / "here"
        keep(result(), "cpu", there)
        (there / "metrics-cpu.json").write_text("{}")
        with pytest.raises(ValueError, match="metrics-cpu.json: expected a result"):
            take(there, here)
        assert not here.exists()

    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(ValueError, match="expected a folder with results, NAME-DEVICE.json, got none"):
            take(tmp_path)


class TestPage:
    def test_the_page_is_what_the_stored_results_build_to(self):
        page = (FOLDER / "RESULTS.md").read_text(encoding="utf-8")
        assert page == as_page(), "run `python -m gk_utils bench --report`"
        assert all((FOLDER / f"{path.stem}.png").is_file() for path in STORED.glob("roi_align_cost-*.json"))

    def test_a_device_that_is_not_there(self, tmp_path):
        keep(result(), "cpu", tmp_path)
        page = as_page(tmp_path)
        assert page.count("\n## ") == len(names())
        assert page.count(f"CUDA: {MISSING}.") == len(names())
        assert "CPU: a laptop" in section(page, "boxes")
        assert "CPU: not run." in section(page, "metrics")

    def test_table(self, tmp_path):
        keep(result(peer_error=0.5), "cpu", tmp_path)
        lines = [line for line in section(as_page(tmp_path), "boxes").splitlines() if line.startswith("|")]
        columns = ["case", "dtype", "pass", "ours (ms)", "peer", "peer (ms)", "ratio", "difference"]
        columns += ["floor (ms)", "× floor"]
        assert lines[0] == f"| {' | '.join(columns)} |"
        cells = ["100 boxes", "float32", "forward", "1.23", "torchvision", "2.50", "0.49 [0.40, 0.60]"]
        cells += ["1.2e-06 (the peer's 5.0e-01)", "0.500", "2.47"]
        assert lines[2:] == [f"| {' | '.join(cells)} |"]

    def test_what_a_row_lacks(self, tmp_path):
        """No peer, a floor too low to mean something, a case that was not run, and the columns of a GPU."""
        rows = [
            {**ROW, "peer": None, "per_second": 12345.6, "floor_ms": 1e-6, "max_error": 0.0},
            not_run("AP", "cpu", "pycocotools is not installed", peer="pycocotools"),
            {**ROW, "call_ms": 0.0123, "peer_call_ms": 1234.5},
        ]
        keep({**result(), "rows": rows}, "cpu", tmp_path)
        lines = section(as_page(tmp_path), "boxes").splitlines()
        assert "| 100 boxes | float32 | forward | 1.23 |  |  |  | 0 | < 0.001 |  | 12,346 |  |" in lines
        assert "| AP: not run: pycocotools is not installed |  |  |  | pycocotools |  |  |  |  |  |  |  |" in lines
        assert any(line.endswith("| 0.0123, 1,234 |") for line in lines)

    def test_pictures(self, tmp_path):
        stored, folder = tmp_path / "stored", tmp_path / "folder"
        folder.mkdir()
        keep(cost(), "cpu", stored)
        keep(cost("cuda"), "cuda", stored)
        page = write_page(folder, stored)
        assert sorted(path.name for path in folder.iterdir()) == [
            *("RESULTS.md", "roi_align_cost-cpu.png", "roi_align_cost-cuda.png")
        ]
        assert page.read_text(encoding="utf-8").count("](roi_align_cost-c") == 2
        assert (folder / "roi_align_cost-cpu.png").read_bytes()[:4] == b"\x89PNG"

    def test_what_the_picture_shows(self):
        figure = results.load("roi_align_cost").picture(cost())
        left, right = figure.axes
        assert [line.get_label() for line in left.lines] == [
            *("ours, forward", "torchvision, forward", "ours, forward+backward", "torchvision, forward+backward")
        ]
        assert left.lines[0].get_xdata().tolist() == [10, 100, 1000]
        assert right.lines[1].get_ydata().tolist() == [2.5, 2.5]
        assert {axes.get_xscale() for axes in figure.axes} == {axes.get_yscale() for axes in figure.axes} == {"log"}
        assert left.get_ylim() == right.get_ylim()
        assert any("a laptop" in text.get_text() for text in figure.texts)
        looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in left.lines}
        assert len(looks) == 4

    def test_json_holds_what_the_page_shows(self, tmp_path):
        path = keep(cost(), "cpu", tmp_path)
        assert json.loads(path.read_text())["rows"] == cost()["rows"]
