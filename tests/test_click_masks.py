"""The lab of lesson 08, and what the lesson draws and measures with."""

import base64
import io
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.evaluate.segment_anything import evaluate_segment_anything
from gk_utils.labs.click_masks import FILL, READINGS, RIM, SIDE, ClickLab, Stage, paint_mask, read_clicks, stage_of
from gk_utils.labs.click_trials import (
    any_error,
    any_pixel,
    click_rounds,
    click_trials,
    discs_of,
    look_shares,
    operations,
    readings_of_clicks,
)
from gk_utils.labs.mask_pictures import Prompted, cut, show_cells, show_maps, show_prompted
from gk_utils.segment_anything import MiniSegmenter, SegmentAnything, SegmentAnythingSettings, build_sam, load_mini
from gk_utils.segment_anything.mask_losses import mask_iou
from gk_utils.segment_anything.sam_measure import measure_prompts
from gk_utils.segment_anything.two_way import NarrowAttention

SIZES = {"image_side": 64, "patch": 8, "width": 16, "layers": 1, "heads": 2, "inner": 32, "window": 4}
SIZES |= {"out_width": 32, "decoder_heads": 2, "decoder_inner": 32, "global_layers": ()}


@pytest.fixture(scope="module")
def mini() -> MiniSegmenter:
    return load_mini()[0]


@pytest.fixture(scope="module")
def stage(mini) -> Stage:
    """A pink mug with a spoon, on a yellow plate."""
    return stage_of(mini, draw_scene(890, n=6), [(163.0, 218.0, 1)])


@pytest.fixture(scope="module")
def random_mini() -> MiniSegmenter:
    torch.manual_seed(0)
    return MiniSegmenter(build_sam(SIZES))


class TestReadClicks:
    def test_one_click_gives_three_readings_and_the_choice(self, mini, stage):
        said = read_clicks(mini, stage, stage.start)
        assert said.masks.shape == (3, 384, 384)
        assert said.shown == said.chosen == int(said.scores.argmax())
        first, second = said.note.splitlines()
        assert first.startswith(
            f"Reading {said.chosen + 1} of 3, expected IoU {said.scores.max():.2f}: the model's choice"
        )
        assert "mug" in second

    def test_the_note_says_what_fits_best(self, mini, stage):
        for reading in range(3):
            said = read_clicks(mini, stage, stage.start, reading)
            fits = {name: float(mask_iou(said.masks[reading], mask)) for name, mask in stage.truths.items()}
            best = max(fits, key=fits.get)
            assert said.note.splitlines()[1] == f"It fits {best} best: true IoU {fits[best]:.2f}."
            assert ("not the model's choice" in said.note) == (reading != said.chosen)

    def test_further_clicks_are_asked_with_the_mask_before(self, mini, stage):
        clicks = [[163, 218, 1], [163, 262, 0], [160, 170, 1]]
        mini.set_embedding(stage.embedding, (384, 384))
        found = mini.segment(points=torch.tensor([[[163.0, 218.0]]]))
        for count in (2, 3):
            points = torch.tensor([[click[:2] for click in clicks[:count]]], dtype=torch.float32)
            on = torch.tensor([[click[2] > 0 for click in clicks[:count]]])
            found = mini.segment(points=points, is_object=on, masks=found.masks)
        said = read_clicks(mini, stage, clicks)
        assert torch.equal(said.masks, found.masks)
        assert said.note.startswith("2 on, 1 beside: one mask, expected IoU")

    def test_no_click_a_click_beside_and_a_picture_without_labels(self, mini, stage):
        nothing = read_clicks(mini, stage, [])
        assert (len(nothing.masks), nothing.shown, nothing.note) == (0, None, "Click on a thing.")
        assert "does not say what is meant" in read_clicks(mini, stage, [[163, 218, 0]]).note
        bare = Stage(stage.image, stage.embedding, {})
        assert "Nobody labelled" in read_clicks(mini, bare, [[163, 218, 1]]).note

    def test_an_empty_mask_is_said(self, random_mini):
        image = torch.rand(3, 48, 64)
        with torch.no_grad():
            for network in random_mini.sam.mask_decoder.hypernetworks:
                network.layers[-1].weight.zero_()
                network.layers[-1].bias.zero_()
        stage = Stage(image, random_mini.embed(image), {"all": torch.ones(48, 64, dtype=torch.bool)})
        assert read_clicks(random_mini, stage, [[10, 10, 1]]).note.endswith("The mask is empty.")

    def test_every_corner_is_answered_soon_and_the_encoder_rests(self, mini, stage, monkeypatch):
        monkeypatch.setattr(SegmentAnything, "embed", lambda self, images: pytest.fail("embedded again"))
        began = time.monotonic()
        for x, y in ((0, 0), (383.9, 0), (0, 383.9), (383.9, 383.9)):
            for kind in (0, 1):
                assert read_clicks(mini, stage, [[163, 218, 1], [x, y, kind]]).note
        assert time.monotonic() - began < 8 * 1.0


class TestStage:
    def test_names_everything_that_a_click_can_mean_once(self, stage):
        names = list(stage.truths)
        assert "the pink mug" in names
        assert any(name.count("+") == 2 and "plate" in name and "spoon" in name for name in names)

    def test_things_that_look_alike_keep_their_own_truth(self, mini):
        scene = draw_scene(7002, n=6)
        kinds = [(thing.colour, thing.category) for thing in scene.things]
        assert len(set(kinds)) < len(kinds)
        stage = stage_of(mini, scene)
        rendered = render([scene], (SIDE, SIDE)).masks[0]
        for thing in rendered:
            if thing.any():
                assert any(bool((truth == thing).all()) for truth in stage.truths.values())


class TestPaintMask:
    def test_fills_the_mask_and_draws_its_rim(self):
        mask = torch.zeros(12, 12, dtype=torch.bool)
        mask[2:11, 2:11] = True
        painted = paint_mask(torch.ones(3, 12, 12), mask)
        assert painted[0, 0].tolist() == [255] * 3
        assert painted[2, 5].tolist() == painted[3, 5].tolist() == RIM.tolist()
        assert painted[6, 6].tolist() == (0.45 * 255 + 0.55 * FILL).round().astype(np.uint8).tolist()

    def test_a_mask_at_the_edge_has_no_rim_there_and_none_changes_nothing(self):
        painted = paint_mask(torch.ones(3, 8, 8), torch.ones(8, 8, dtype=torch.bool))
        assert (painted == painted[0, 0]).all()
        assert (paint_mask(torch.ones(3, 8, 8), None) == 255).all()


class TestClickLab:
    """The callbacks over their range, as the page sends them."""

    def make(self, mini, stage) -> ClickLab:
        bare = Stage(torch.rand(3, 60, 90), mini.embed(torch.rand(3, 60, 90)), {})
        return ClickLab(mini, {"mug": stage, "photograph": bare})

    def test_clicks_pictures_and_readings_are_answered(self, mini, stage):
        lab = self.make(mini, stage)
        notes = set()
        for number in range(len(READINGS)):
            lab.wanted.set_state({"index": number})
            assert lab.canvas.note == lab.reading.note
            notes.add(lab.reading.note.splitlines()[0])
        assert len(notes) >= 3
        lab.canvas.points = [[163, 218, 1], [163, 262, 0]]
        assert lab.canvas.note.startswith("1 on, 1 beside")
        shown = np.asarray(Image.open(io.BytesIO(lab.canvas.picture)))
        assert np.array_equal(shown, paint_mask(stage.image, lab.reading.masks[0]))
        lab.canvas.points = []
        assert lab.canvas.note == "Click on a thing."
        lab.picture.set_state({"index": 1})
        assert lab.canvas.image_hw == (60, 90)
        lab.canvas.points = [[30.5, 20.5, 1]]
        assert "Nobody labelled" in lab.reading.note

    def test_the_bundle_carries_the_live_view_and_a_still(self, mini, stage):
        lab = self.make(mini, stage)
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert len(base64.b64decode(data[mime])) <= 15_000
        assert "point 1, on the object: x 163, y 218" in data["text/plain"] == metadata[mime]["alt"]


class TestPictures:
    def test_prompts_and_truth_are_drawn(self):
        mask = torch.zeros(20, 30, dtype=torch.bool)
        mask[5:15, 5:15] = True
        panel = Prompted(
            torch.zeros(3, 20, 30), mask, mask, [(8.0, 9.0, True), (20.0, 9.0, False)], torch.tensor([1.0, 2, 9, 8])
        )
        (axes,) = show_prompted([panel]).axes
        signs = [line.get_marker() for line in axes.lines]
        assert signs == ["o", "+", "o", "_"]
        assert axes.get_xlim() == (0, 30)
        assert [patch.get_bbox().extents.tolist() for patch in axes.patches if patch.get_gid() == "boxes"] == [
            [1, 2, 9, 8]
        ]

    def test_a_window_moves_everything(self):
        mask = torch.zeros(20, 30, dtype=torch.bool)
        mask[5:15, 5:15] = True
        part = cut(
            Prompted(torch.rand(3, 20, 30), mask, None, [(8.0, 9.0, True)], torch.tensor([6.0, 6, 9, 8])),
            (5, 5, 15, 15),
        )
        assert part.image.shape == (3, 10, 10)
        assert bool(part.mask.all())
        assert part.clicks == [(3.0, 4.0, True)]
        assert part.box.tolist() == [1, 1, 4, 3]

    def test_maps_span_grey_and_cells_cover_the_picture(self):
        (axes,) = show_maps([torch.tensor([[0.0, 5.0]])], ["map"]).axes
        shown = axes.images[0].get_array()
        assert (int(shown.min()), int(shown.max())) == (26, 230)
        assert show_maps([torch.ones(2, 2)], ["flat"]).axes[0].images[0].get_array().min() == 26
        (axes,) = show_cells(torch.zeros(3, 8, 8), [torch.tensor([[-1.0, 0.0], [0.0, 1.0]])], ["cells"]).axes
        pixels = axes.images[0].get_array()
        assert (pixels[0, 0] == pixels[0, 7]).all()
        assert (pixels[0, 0] != pixels[7, 7]).any()
        plt.close("all")


class TestClickTrials:
    def test_equals_the_measurement_and_its_baselines(self, mini):
        trials = click_trials(mini.sam, 20)
        measured = measure_prompts(mini.sam, "val", 20)
        torch.testing.assert_close(trials.measured.best, measured.best)
        assert torch.equal(trials.picture, measured.picture)
        report = evaluate_segment_anything(limit=20)["baselines"]
        assert trials.filled.mean().item() == pytest.approx(report["box_filled"]["miou_box"]["value"], abs=1e-4)
        assert trials.ellipse.mean().item() == pytest.approx(report["ellipse_in_box"]["miou_box"]["value"], abs=1e-4)
        assert trials.discs.mean() >= report["disc_at_click"]["miou_point"]["value"] - 1e-4
        assert trials.control.best.mean() < 0.5 * trials.measured.best.mean()
        assert len(discs_of(trials.pictures[0])) == len(trials.pictures[0].truth)

    def test_readings_are_those_that_were_measured(self, mini):
        trials = click_trials(mini.sam, 12)
        rows = list(readings_of_clicks(mini, trials.pictures))
        assert [row.several for row in rows] == trials.several.tolist()
        torch.testing.assert_close(torch.stack([row.ious for row in rows]), trials.measured.point, atol=0.06, rtol=0)
        assert all(len(row.areas) == len(row.said) == 3 for row in rows)


class TestClickRounds:
    def test_first_column_is_the_choice_and_clicks_help(self, mini):
        pictures = click_trials(mini.sam, 12).pictures
        torch.manual_seed(0)
        ious = click_rounds(mini, pictures, any_error, 3, with_mask=True)
        assert ious.shape == (3, sum(len(one.truth) for one in pictures))
        torch.testing.assert_close(ious[0], measure_prompts(mini.sam, "val", 12).chosen, atol=0.06, rtol=0)
        assert ious[2].mean() > ious[0].mean()

    def test_the_user_gets_the_mask_before(self, mini):
        pictures, seen = click_trials(mini.sam, 3).pictures[:1], []

        def user(said, truth):
            seen.append(said)
            return 0.5, 0.5, False

        click_rounds(mini, pictures, user, 3, with_mask=False)
        assert len(seen) == 2 * len(pictures[0].truth)
        assert all(mask.shape == (256, 256) for mask in seen)

    def test_users(self):
        said, truth = torch.tensor([[True, True, False]]), torch.tensor([[True, False, True]])
        torch.manual_seed(0)
        clicks = {any_error(said, truth) for _ in range(40)}
        assert clicks == {(1.5, 0.5, False), (2.5, 0.5, True)}
        assert {any_pixel(said, truth) for _ in range(40)} == {(0.5, 0.5, True), (2.5, 0.5, True)}
        assert any_error(truth, truth)[2] is True


class TestLookShares:
    def test_equals_the_attention_and_sums_to_one(self):
        torch.manual_seed(0)
        attention, asking, keys = NarrowAttention(8, heads=2), torch.randn(1, 3, 8), torch.randn(1, 5, 8)
        shares = look_shares(attention, asking, keys)
        torch.testing.assert_close(shares.sum(-1), torch.ones(1, 3))
        same = torch.full((1, 5, 8), 0.3)
        torch.testing.assert_close(look_shares(attention, asking, same), torch.full((1, 3, 5), 0.2))


class TestOperations:
    def test_counts_grow_with_layers_and_meta_equals_cpu(self):
        real = SegmentAnything(SegmentAnythingSettings(**SIZES))
        with torch.device("meta"):
            counted = SegmentAnything(SegmentAnythingSettings(**SIZES))
            deeper = SegmentAnything(SegmentAnythingSettings(**{**SIZES, "layers": 2}))
        assert operations(real) == pytest.approx(operations(counted))
        assert operations(deeper)[0] > operations(counted)[0]
        assert operations(deeper)[1] == operations(counted)[1]
        assert all(weight.requires_grad for weight in real.parameters())
