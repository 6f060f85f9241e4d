"""The lab of lesson 16: strokes and a threshold to counts."""

import base64

import numpy as np
import pytest
import torch

from gk_utils.counting.counters import Counter
from gk_utils.counting.counting_model import build_counter
from gk_utils.counting.counting_scenes import draw_counting_scene
from gk_utils.labs.count_lab import PAINT, READ, SHAPE, STILL, CountLab
from gk_utils.labs.count_readings import (
    CELL,
    CountStage,
    cell_shares,
    draw_reading,
    paint_density,
    read_count,
    read_paint,
    region_drawn,
    stage_of,
)

SQUARE = [[0.0, 0.0], [192.0, 0.0], [192.0, 192.0], [0.0, 192.0], [0.0, 0.0]]  # a quarter of the picture


@pytest.fixture(scope="module")
def stage():
    """Two things, three candidates, and a density that knows it: one thing in each of two quarters."""
    density = torch.zeros(32, 32)
    density[4, 4], density[20, 20] = 1.0, 1.5
    boxes = torch.tensor([[40.0, 40, 70, 70], [230.0, 230, 270, 270], [300.0, 10, 330, 40]])
    centres = torch.tensor([[55.0, 55], [250.0, 250]])
    return CountStage(torch.zeros(3, 384, 384), "mugs", centres, boxes, torch.tensor([0.9, 0.6, 0.2]), density, 0.5)


class TestReadCount:
    def test_by_hand(self, stage):
        reading = read_count(stage, [], 0.5)
        assert reading.note.splitlines()[0] == "Boxes from 0.50: 2. Density: 2.5. True: 2 mugs."
        assert (len(reading.boxes), reading.region) == (2, None)

    def test_a_score_on_the_threshold_counts(self, stage):
        assert len(read_count(stage, [], 0.6).boxes) == 2
        assert len(read_count(stage, [], 0.61).boxes) == 1
        assert len(read_count(stage, [], 0.05).boxes) == 3

    def test_within_a_shape(self, stage):
        reading = read_count(stage, [SQUARE], 0.1)
        assert reading.note.splitlines()[1] == "In your shape: 1 boxes by their centres, a density of 1.0, true 1."
        assert int(reading.region.sum()) == 192**2

    def test_two_shapes_are_told_apart_from_one(self, stage):
        inner = [[10.0, 10.0], [60.0, 10.0], [60.0, 60.0]]
        assert "In your 2 shapes together: 1 boxes" in read_count(stage, [SQUARE, inner], 0.5).note

    def test_short_strokes_are_no_shape(self, stage):
        assert read_count(stage, [[[5.0, 5.0]], [[1.0, 1.0], [9.0, 9.0]]], 0.5).region is None


class TestRegionDrawn:
    def test_two_shapes_are_taken_together(self):
        other = [[200.0, 200.0], [212.0, 200.0], [212.0, 212.0], [200.0, 212.0]]
        assert int(region_drawn([SQUARE, other], (384, 384)).sum()) == 192**2 + 144

    def test_none(self):
        assert region_drawn([], (384, 384)) is None
        assert region_drawn([[[1.0, 1.0]] * 5], (384, 384)) is None


class TestCellShares:
    def test_a_half_covered_cell(self):
        region = torch.zeros(24, 24, dtype=torch.bool)
        region[:12, :6] = True
        assert cell_shares(region).tolist() == [[0.5, 0.0], [0.0, 0.0]]


class TestPaintDensity:
    def test_every_stroke_is_one(self):
        line = [[100.0, 100.0], [300.0, 100.0], [300.0, 250.0]]
        density = paint_density([[[50.0, 50.0]], line], (384, 384))
        assert density.shape == (384 // CELL, 384 // CELL)
        assert float(density.sum()) == pytest.approx(2, abs=1e-4)
        assert float(paint_density([line], (384, 384)).max()) < float(paint_density([[[50.0, 50.0]]], (384, 384)).max())

    def test_a_line_lies_where_it_was_drawn(self):
        density = paint_density([[[100.0, 200.0], [300.0, 200.0]]], (384, 384))
        columns = torch.arange(32) * CELL + CELL / 2
        assert float((density.sum(0) * columns).sum()) == pytest.approx(200, abs=1)
        assert float((density.sum(1) * columns).sum()) == pytest.approx(200, abs=1)

    def test_a_stroke_of_one_place_many_times(self):
        assert float(paint_density([[[50.0, 50.0]] * 4], (384, 384)).sum()) == pytest.approx(1, abs=1e-4)

    def test_the_border_loses_mass_unless_it_is_kept(self):
        corner = [[[0.0, 0.0]]]
        assert float(paint_density(corner, (384, 384)).sum()) == pytest.approx(1)
        assert float(paint_density(corner, (384, 384), keep_border=False).sum()) == pytest.approx(0.25)

    def test_nothing(self):
        assert float(paint_density([], (384, 384)).sum()) == 0


class TestReadPaint:
    def test_notes(self, stage):
        assert read_paint(stage, [], True).note.startswith("0 strokes: the density sums to 0.00. True: 2.\nClick on")
        assert "Each stroke is one" in read_paint(stage, [[[50.0, 50.0]]], True).note
        assert read_paint(stage, [[[0.0, 0.0]]], False).note.endswith(
            "0.75 lie outside of the picture, and are not counted."
        )


class TestDrawReading:
    def test_density_is_red_boxes_have_lines_outside_is_pale(self, stage):
        bare, shaped = (draw_reading(stage, read_count(stage, strokes, 0.5)) for strokes in ([], [SQUARE]))
        assert bare.shape == (384, 384, 3)
        red, _, blue = bare[20 * CELL + 6, 20 * CELL + 6].astype(int)
        assert red > blue
        assert (bare[230:270, 230] != bare[230:270, 220]).any()
        assert shaped[300, 100].astype(int).sum() > bare[300, 100].astype(int).sum()
        assert np.array_equal(shaped[100, 10], bare[100, 10])


class TestStageOf:
    def test_pixels_of_the_shown_picture(self):
        torch.manual_seed(0)
        by_boxes, by_density = (
            Counter(build_counter({"kind": k, "width": 8, "blocks": 1})) for k in ("set", "density")
        )
        scene = draw_counting_scene(3, n=4, category="mug", clutter=0.0)
        stage = stage_of(by_boxes, by_density, scene)
        assert stage.image.shape == (3, 384, 384)
        assert (stage.word, len(stage.centres), stage.density.shape) == ("mugs", 4, (32, 32))
        assert len(stage.boxes) == len(stage.scores)


class TestCountLab:
    """The callbacks over their range, as the page sends them."""

    def test_every_choice_is_answered(self, stage):
        lab = CountLab({"A": stage, "B": stage})
        for picture in (0, 1):
            lab.picture.set_state({"index": picture})
            for threshold in (0.05, 0.3, 0.95):
                lab.threshold.set_state({"value": threshold})
                assert lab.canvas.note.startswith(f"Boxes from {threshold:.2f}: ")
            lab.canvas.strokes = [SQUARE]
            assert "In your shape" in lab.canvas.note
        lab.work.set_state({"index": 1})
        assert lab.work.value == PAINT
        lab.canvas.strokes = [[[0.0, 0.0]]]
        assert "sums to 1.00" in lab.canvas.note
        lab.keep.set_state({"value": False})
        assert "sums to 0.25" in lab.canvas.note
        lab.work.set_state({"index": 0})
        assert lab.work.value == READ
        assert lab.threshold in lab.children

    def test_begins_with_a_shape_inside_of_the_picture(self, stage):
        lab = CountLab({"A": CountStage(**{**vars(stage), "start": tuple(SHAPE)})})
        assert "In your shape" in lab.canvas.note

    def test_first_frame_and_words(self, stage):
        lab = CountLab({"A": stage})
        data, metadata = lab._repr_mimebundle_()
        mime = next(key for key in data if key.startswith("image/"))
        assert len(base64.b64decode(data[mime])) <= STILL
        assert "Boxes from 0.50: 2" in metadata[mime]["alt"] == data["text/plain"]
