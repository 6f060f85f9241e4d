"""The lab of lesson 14: strokes to a region, a question and two answers."""

import base64

import pytest
import torch

from gk_utils.ferret.ferret_recipe import build
from gk_utils.ferret.mini_ferret import MiniFerret
from gk_utils.ferret.region_forms import FreeFormRegion, PointRegion, PolygonRegion, ScribbleRegion, region_mask
from gk_utils.ferret.region_questions import ASKS, draw_region_scene
from gk_utils.figure_image import LIMIT
from gk_utils.labs.region_asking import PEN, RegionLab, drawing_of, read_region, region_of
from gk_utils.models.trunk_grounder import frozen_trunk

SIZES = {
    **{"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "sampler_width": 8, "points": 8},
    **{"kept": [4, 2], "neighbours": [3, 2]},
}


@pytest.fixture(scope="module")
def readers():
    torch.manual_seed(0)
    made = [build({**SIZES, "reference": reference}) for reference in ("hybrid", "coordinates")]
    return tuple(MiniFerret(reader, frozen_trunk("trunk_small")) for reader in made)


@pytest.fixture(scope="module")
def drawing(readers):
    return drawing_of(readers, draw_region_scene(276), [[[120.0, 190.0], [150.0, 180.0]]])


class TestRegionOf:
    def test_forms(self):
        shape = [[0, 0], [8, 0], [8, 8], [0, 0]]
        assert region_of([], (20, 20)) is None
        assert region_of([[[3, 4]]], (20, 20)) == PointRegion(3, 4, radius=PEN)
        assert region_of([[[3, 4], [9, 9]]], (20, 20)) == ScribbleRegion((((3, 4), (9, 9)),), width=PEN)
        assert region_of([shape], (20, 20)) == PolygonRegion(((0, 0), (8, 0), (8, 8)))
        assert region_of([[[3, 4]], [[9, 9]]], (20, 20)) == ScribbleRegion((((3, 4),), ((9, 9),)), width=PEN)

    def test_shapes_and_lines_are_taken_together(self):
        shape, line = [[0, 0], [8, 0], [8, 8], [0, 0]], [[12, 12], [18, 12]]
        both = region_of([shape, line], (20, 20))
        assert isinstance(both, FreeFormRegion)
        alone = [region_mask(region_of([one], (20, 20)), (20, 20)) for one in (shape, line)]
        assert both.pixels.equal(alone[0] | alone[1])


class TestReadRegion:
    def test_the_note_says_question_answers_and_truth(self, readers, drawing):
        thing = 1
        y, x = drawing.masks[thing].nonzero()[len(drawing.masks[thing].nonzero()) // 2].tolist()
        reading = read_region(readers, drawing, [[[x + 0.5, y + 0.5]]], "colour")
        look = drawing.scene.things[thing]
        assert reading.note.startswith(f"Ferret: {reading.ferret.answer} (")
        assert f"Coordinates alone: {reading.box_only.answer}" in reading.note
        assert reading.note.endswith(f"It is the {look.colour} {look.category}: {look.colour}.")

    def test_what_cannot_be_asked_and_what_is_no_thing(self, readers, drawing):
        thing = next(k for k, one in enumerate(drawing.scene.things) if one.state is None and drawing.masks[k].any())
        y, x = drawing.masks[thing].nonzero()[len(drawing.masks[thing].nonzero()) // 2].tolist()
        assert "of which that cannot be asked" in read_region(readers, drawing, [[[x + 0.5, y + 0.5]]], "state").note
        assert read_region(readers, drawing, [[[2.0, 2.0]]]).note.endswith("No thing has half of the region.")

    def test_nothing_drawn(self, readers, drawing):
        reading = read_region(readers, drawing, [])
        assert (reading.region, reading.ferret, reading.note) == (None, None, "Draw on a thing.")
        assert not reading.mask.any()


class TestRegionLab:
    """The callbacks over their range, as the page sends them."""

    def test_every_choice_and_stroke_is_answered(self, readers, drawing):
        lab = RegionLab(readers, {"A": drawing, "B": drawing_of(readers, draw_region_scene(56))})
        for picture in (0, 1):
            lab.picture.set_state({"index": picture})
            assert lab.drawing is lab._drawings["AB"[picture]]
            for ask in range(len(ASKS)):
                lab.ask.set_state({"index": ask})
                for strokes in ([], [[[100.0, 200.0]]], [[[90, 180], [150, 180], [150, 230], [90, 180]]]):
                    lab.canvas.set_state({"strokes": strokes})
                    told = read_region(readers, lab.drawing, strokes, list(ASKS)[ask])
                    assert lab.canvas.note == lab.reading.note == told.note

    def test_readers_without_a_kernel_see_the_first_stroke(self, readers, drawing):
        data, meta = RegionLab(readers, {"A": drawing})._repr_mimebundle_()
        mime = next(key for key in data if key.startswith("image/"))
        assert len(base64.b64decode(data[mime])) <= LIMIT
        assert meta[mime]["alt"] == data["text/plain"]
        assert "stroke 1" in data["text/plain"]
