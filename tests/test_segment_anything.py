import json
import math

import pytest
import torch
from tiny_sam import TINY, perturbed

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.evaluate.segment_anything import evaluate_segment_anything, guesses, measure
from gk_utils.evaluate.table import as_text
from gk_utils.segment_anything.mini_sam import build_sam
from gk_utils.segment_anything.readings import Reading
from gk_utils.segment_anything.sam_measure import SIDE, Measured, Wanted


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("sam")
    sam = perturbed(build_sam(TINY))
    checkpoints.save(sam.state_dict(), folder, Card("tiny", 0, 1, "CPU", 0.1, {}, TINY))
    return evaluate_segment_anything(limit=20, checkpoint=str(folder))


class TestEvaluateSegmentAnything:
    def test_is_as_the_commands_print_it(self, result):
        assert json.loads(json.dumps(result)) == result
        assert result["n"] >= 20
        assert {"miou_box", "miou_point", "iou_head_mae", "by_size", "by_reading", "calibration"} <= set(
            result["metrics"]
        )
        assert "miou_box" in as_text({"name": "segment_anything", **result})

    def test_baselines(self, result):
        baselines = result["baselines"]
        assert set(baselines) == {"box_filled", "ellipse_in_box", "disc_at_click", "other_picture"}
        assert 0.4 < baselines["box_filled"]["miou_box"]["value"] < 0.9
        assert baselines["disc_at_click"]["miou_point"]["value"] < 0.6

    def test_a_limit_of_none(self):
        with pytest.raises(ValueError, match=r"limit: expected 1 or more, got 0\. Leave it out for 2000\."):
            evaluate_segment_anything(limit=0)


class TestMeasure:
    def test_groups(self):
        k = 4
        point = torch.tensor([0.2, 0.4, 0.6, 0.8])[:, None].expand(k, 3)
        measured = Measured(
            **{
                "picture": torch.arange(k),
                "side": torch.tensor([10.0, 40, 60, 60]),
                "storeys": torch.tensor([0, 0, 1, 3]),
            },
            **{"several": torch.tensor([False, False, True, True]), "box": point[:, 0], "box_said": point[:, 0]},
            **{"box_readings": point, "point": point, "point_said": point, "point_single": point[:, 0]},
        )
        found = measure(measured)
        assert found["iou_head_mae"]["value"] == 0
        assert {name: one["miou_point"]["value"] for name, one in found["by_size"].items()} == {
            "small": 0.2,
            "medium": 0.4,
            "large": 0.7,
        }
        assert found["by_reading"]["thing"]["miou_box"]["value"] == 0.3
        assert found["by_reading"]["with what carries it"]["miou_box"]["value"] == 0.8
        assert found["by_ambiguity"]["several readings"]["miou_box"]["value"] == 0.7
        assert found["calibration"]["0.75 to 0.9"]["miou_point_chosen"]["value"] == 0.8


class TestGuesses:
    def test_by_hand(self):
        truth = torch.zeros(2, SIDE, SIDE, dtype=torch.bool)
        truth[0, 40:80, 60:100] = True  # a square: its box is the answer
        y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
        truth[1] = (x - 100) ** 2 + (y - 100) ** 2 <= 37**2 / math.pi  # a disc of the usual size
        boxes = torch.tensor([[60.0, 40, 100, 80], [79.0, 79, 121, 121]])
        readings = (Reading(0, (0,), 0), Reading(1, (1,), 0))
        found = guesses(
            Wanted(
                0,
                torch.zeros(3, SIDE, SIDE),
                truth,
                boxes,
                torch.tensor([[80.0, 60], [99.5, 99.5]]),
                readings,
                truth[:, 0, 0],
            )
        )
        assert found["box_filled"]["miou_box"][0] == 1
        assert found["ellipse_in_box"]["miou_box"][0].item() == pytest.approx(math.pi / 4, abs=0.01)
        assert found["disc_at_click"]["miou_point"][1] == 1
