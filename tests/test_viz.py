"""Tests of gk_utils.viz: what is drawn is looked at pixel by pixel."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from gk_utils import viz
from gk_utils.drawing import BLUE, GREEN, INK, ORANGE
from gk_utils.viz import Picture, draw_plane, show_boxes, show_grid, show_masks

GREY = np.full((60, 80, 3), 90, np.uint8)


def boxes(*rows: tuple[float, float, float, float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def is_colour(figure: Figure, colour: str) -> np.ndarray:
    """Where the rendered figure has this colour, up to anti-aliasing: rows from the top."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    pixels = np.asarray(Image.open(buffer).convert("RGB")).astype(float)
    return np.abs(pixels - np.array(to_rgb(colour)) * 255).max(-1) < 12


def along(figure: Figure, colour: str, start: tuple[float, float], end: tuple[float, float]) -> list[bool]:
    """Whether the pixels on the way from start to end, in the units of the first axes, have this colour."""
    seen = is_colour(figure, colour)
    (x0, y0), (x1, y1) = figure.axes[0].transData.transform([start, end])
    steps = np.linspace(0, 1, int(max(abs(x1 - x0), abs(y1 - y0))))
    rows = (seen.shape[0] - (y0 + (y1 - y0) * steps)).astype(int)
    columns = (x0 + (x1 - x0) * steps).astype(int)
    near = [
        seen[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        for row, column in zip(rows, columns, strict=True)
    ]
    return [bool(patch.any()) for patch in near]


def runs(values: list[bool]) -> int:
    """How often a row of booleans changes from False to True."""
    return sum(after and not before for before, after in zip([False, *values], values, strict=False))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


class TestShowBoxes:
    def test_predictions_are_solid_truth_is_dashed_regions_are_hatched(self):
        image = np.full((200, 300, 3), 90, np.uint8)
        figure = show_boxes(
            image,
            boxes((20, 40, 130, 180)),
            ["cup"],
            truth=boxes((150, 40, 280, 100)),
            regions=boxes((150, 120, 280, 190)),
        )
        assert all(along(figure, BLUE, (40, 180), (120, 180)))
        dashes = along(figure, ORANGE, (160, 40), (270, 40))
        assert runs(dashes) >= 6
        assert 0.3 < np.mean(dashes) < 0.9
        assert runs(along(figure, INK, (160, 155), (270, 155))) >= 8  # a hatch crosses the middle
        assert not any(along(figure, BLUE, (40, 100), (120, 100)))  # and a prediction is empty inside

    def test_every_box_carries_a_text(self):
        figure = show_boxes(GREY, boxes((1, 20, 30, 50)), truth=boxes((40, 20, 60, 50)), regions=boxes((62, 1, 79, 9)))
        assert texts(figure) == ["region", "box", "truth"]

    def test_labels(self):
        two = boxes((1, 20, 30, 50), (40, 20, 60, 50))
        assert texts(show_boxes(GREY, two)) == ["box 0", "box 1"]
        assert texts(show_boxes(GREY, two, ["mug", ""])) == ["mug"]
        assert texts(show_boxes(GREY, two, truth=two, truth_labels=["a", "b"])) == ["box 0", "box 1", "a", "b"]

    def test_one_label_one_colour(self):
        figure = show_boxes(GREY, boxes((1, 20, 9, 50), (20, 20, 29, 50), (40, 20, 49, 50)), ["coin", "mug", "coin"])
        colours = [patch.get_edgecolor() for patch in figure.axes[0].patches if patch.get_gid() == "boxes"]
        assert colours[0] == colours[2] != colours[1]

    def test_no_boxes(self):
        assert texts(show_boxes(GREY)) == texts(show_boxes(GREY, torch.zeros(0, 4), [])) == []

    def test_one_box_without_a_batch(self):
        assert texts(show_boxes(GREY, torch.tensor([1.0, 20, 30, 50]), ["mug"])) == ["mug"]

    def test_pixels_are_where_the_box_says(self):
        """The white square [20, 40) x [10, 30): the box around it lies on its rim, continuous and y down."""
        image = np.zeros((60, 80, 3), np.uint8)
        image[10:30, 20:40] = 255
        axes = show_boxes(image, boxes((20, 10, 40, 30)), [""]).axes[0]
        shown = axes.get_images()[0]
        assert tuple(shown.get_extent()) == (0, 80, 60, 0)
        assert axes.get_xlim() == (0, 80)
        assert axes.get_ylim() == (60, 0)
        plain = is_colour(show_boxes(image), "white")
        rows, columns = plain.nonzero()
        left, top = axes.transData.transform((20, 10))
        assert columns.min() == pytest.approx(left, abs=1.5)
        assert rows.min() == pytest.approx(plain.shape[0] - top, abs=1.5)

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(*[st.floats(-40, 120, width=32)] * 4), min_size=1, max_size=5), st.sampled_from("mW."))
    def test_tags_stay_inside(self, rows: list[tuple[float, float, float, float]], letter: str):
        xyxy = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in rows]
        figure = show_boxes(GREY, boxes(*xyxy), [letter * 9] * len(rows))
        frame = figure.axes[0].get_window_extent()
        tags = [patch.get_window_extent() for patch in figure.axes[0].patches if patch.get_gid() == "tag"]
        assert len(tags) == len(rows)
        for tag in tags:
            assert frame.x0 - 0.5 <= tag.x0 < tag.x1 <= frame.x1 + 0.5
            assert frame.y0 - 0.5 <= tag.y0 < tag.y1 <= frame.y1 + 0.5

    def test_equal_boxes_have_tags_apart(self):
        figure = show_boxes(GREY, boxes(*[(10, 20, 30, 50)] * 4), list("abcd"))
        tags = [patch.get_window_extent() for patch in figure.axes[0].patches if patch.get_gid() == "tag"]
        assert not any(one.shrunk(0.9, 0.9).overlaps(two) for one in tags for two in tags if one is not two)

    def test_title_and_caption_are_shown(self):
        figure = show_boxes(GREY, title="The title", caption="What to see.")
        assert figure.axes[0].get_title("left") == "The title"
        assert "What to see." in [text.get_text() for text in figure.texts]

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"image": torch.zeros(3, 60, 80)}, ValueError, r"image: expected shape .* got \(3, 60, 80\)\. Channels"),
            ({"boxes": [[1, 2, 3, 4]]}, TypeError, "boxes: expected a float tensor"),
            ({"boxes": boxes((30, 1, 2, 50))}, ValueError, r"boxes: expected x1 <= x2 .* row 0 = \[30, 1, 2, 50\]"),
            ({"truth": boxes((1, 1, float("nan"), 5))}, ValueError, "truth: expected finite numbers"),
            ({"boxes": boxes((1, 1, 2, 2)), "labels": []}, ValueError, "labels: expected a list of 1 texts, got 0"),
            ({"boxes": boxes((1, 1, 2, 2)), "labels": "a"}, ValueError, "labels: expected .* got the text 'a'"),
            ({"regions": boxes((1, 1, 2, 2)), "region_labels": ["a", "b"]}, ValueError, "region_labels: expected"),
        ],
    )
    def test_bad_input(self, unhooked: None, arguments: dict, error: type[Exception], message: str):
        with pytest.raises(error, match=message):
            show_boxes(**{"image": GREY, **arguments})


class TestShowMasks:
    def masks(self) -> torch.Tensor:
        masks = torch.zeros(2, 60, 80, dtype=torch.bool)
        masks[0, 10:30, 10:30] = True
        masks[1, 30:60, 50:80] = True
        return masks

    def test_filled_outlined_and_tagged(self):
        figure = show_masks(GREY, self.masks(), ["mug", "plate"])
        assert texts(figure) == ["mug", "plate"]
        mixed = "#{:02x}{:02x}{:02x}".format(*(round(0.45 * 255 * part + 0.55 * 90) for part in to_rgb(BLUE)))
        assert all(along(figure, mixed, (13, 20), (27, 20)))
        assert not any(along(figure, mixed, (35, 20), (75, 20)))
        assert any(along(figure, BLUE, (8, 20), (12, 20)))  # its outline
        assert any(along(figure, GREEN, (65, 28), (65, 32)))

    def test_a_mask_at_the_edge_is_closed(self):
        figure = show_masks(GREY, self.masks()[1:], [""])
        assert all(along(figure, BLUE, (52, 59.9), (78, 59.9)))

    def test_empty_mask(self):
        assert texts(show_masks(GREY, torch.zeros(1, 60, 80, dtype=torch.bool))) == ["mask (empty)"]
        assert texts(show_masks(GREY, torch.zeros(0, 60, 80, dtype=torch.bool))) == []

    def test_with_boxes(self):
        figure = show_masks(GREY, self.masks(), boxes=boxes((5, 5, 35, 35)), box_labels=["prompt"])
        assert texts(figure) == ["mask 0", "mask 1", "prompt"]

    def test_the_view_stays_that_of_the_image(self):
        axes = show_masks(GREY, self.masks()).axes[0]
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 80), (60, 0))

    def test_bad_input(self, unhooked: None):
        with pytest.raises(ValueError, match=r"masks: expected shape \(m, 60, 80\), as the image, got \(1, 80, 60\)"):
            show_masks(GREY, torch.zeros(1, 80, 60, dtype=torch.bool))
        with pytest.raises(TypeError, match="masks: expected bool, got float32"):
            show_masks(GREY, torch.zeros(1, 60, 80))
        with pytest.raises(ValueError, match="mask_labels: expected a list of 2 texts, got 1"):
            show_masks(GREY, self.masks(), ["mug"])


class TestShowGrid:
    def test_pictures_and_images_mix(self):
        figure = show_grid([GREY, Picture(GREY, boxes((1, 20, 30, 50)), ["mug"], title="found")])
        assert [axes.get_title("left") for axes in figure.axes] == ["", "found"]
        assert [len(axes.texts) for axes in figure.axes] == [0, 1]

    @pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 1), (4, 2), (5, 2), (9, 3)])
    def test_arrangement(self, count: int, rows: int):
        figure = show_grid([GREY] * count)
        assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == rows
        assert len({round(axes.get_position().width, 6) for axes in figure.axes}) == 1

    def test_columns(self):
        figure = show_grid([GREY] * 4, columns=4)
        assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 1

    @pytest.mark.parametrize("count", [1, 2, 4, 12])
    @pytest.mark.parametrize("image_hw", [(60, 80), (80, 60), (10, 400), (400, 10)])
    def test_never_wider_than_a_page_nor_larger_than_the_palette_holds(self, count: int, image_hw: tuple[int, int]):
        figure = show_grid([np.zeros((*image_hw, 3), np.uint8)] * count)
        areas = [axes.get_window_extent().width * axes.get_window_extent().height for axes in figure.axes]
        assert figure.get_size_inches()[0] <= viz.WIDTH + 1e-6
        assert sum(areas) <= viz.AREA * 108**2 * 1.001
        for axes in figure.axes:
            extent = axes.get_window_extent()
            assert extent.width / extent.height == pytest.approx(image_hw[1] / image_hw[0])
            assert extent.x1 <= figure.bbox.x1 + 0.5
            assert extent.y1 <= figure.bbox.y1 + 0.5

    def test_pictures_of_different_shape_share_their_top(self):
        wide, tall = show_grid([np.zeros((40, 80), np.uint8), np.zeros((80, 60), np.uint8)]).axes
        assert wide.get_window_extent().y1 == pytest.approx(tall.get_window_extent().y1)
        assert wide.get_window_extent().y0 > tall.get_window_extent().y0

    def test_none(self):
        with pytest.raises(ValueError, match="pictures: expected at least one, got none"):
            show_grid([])


class TestDrawPlane:
    def test_axes_in_pixels_with_y_down(self):
        axes = draw_plane(boxes((10, 10, 40, 40)), extent_hw=(60, 80)).axes[0]
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 80), (60, 0))
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("x (pixels)", "y (pixels)")
        assert axes.xaxis.get_ticks_position() == "top"
        extent = axes.get_window_extent()
        assert extent.width / extent.height == pytest.approx(80 / 60)

    def test_drawn_where_the_numbers_say(self):
        figure = draw_plane(
            boxes((10, 10, 40, 40)), [""], extent_hw=(60, 80), truth=boxes((20, 20, 60, 50)), truth_labels=[""],
            regions=boxes((20, 20, 40, 40)), region_labels=[""],
        )  # fmt: skip
        assert all(along(figure, BLUE, (11, 10), (39, 10)))
        assert all(along(figure, BLUE, (10, 11), (10, 39)))
        assert runs(along(figure, ORANGE, (45, 50), (59, 50))) >= 3
        assert runs(along(figure, INK, (21, 30), (39, 30))) >= 4
        assert not any(along(figure, BLUE, (45, 5), (79, 5)))

    def test_a_box_on_the_border_keeps_its_whole_line(self):
        figure = draw_plane(boxes((0, 0, 80, 60)), [""], extent_hw=(60, 80))
        assert all(along(figure, BLUE, (1, 0), (79, 0)))
        assert all(along(figure, BLUE, (80, 1), (80, 59)))
        inner = draw_plane(boxes((10, 10, 70, 50)), [""], extent_hw=(60, 80))
        thickness = [is_colour(plane, BLUE)[:, 300].sum() for plane in (figure, inner)]
        assert thickness[0] == thickness[1] >= 4  # two lines are crossed

    def test_a_box_outside_is_cut(self):
        figure = draw_plane(boxes((50, 20, 120, 40)), [""], extent_hw=(60, 80))
        right = figure.axes[0].get_window_extent().x1
        assert is_colour(figure, BLUE).any()
        assert not is_colour(figure, BLUE)[:, int(right) + 2 :].any()

    @pytest.mark.parametrize("extent_hw", [(1.0, 1.0), (1000, 1500), (30, 3), (3, 40)])
    def test_any_extent_has_ticks_and_fits(self, extent_hw: tuple[float, float]):
        figure = draw_plane(extent_hw=extent_hw)
        figure.canvas.draw()
        assert 2 <= len(figure.axes[0].get_xticks()) <= 16
        assert max(figure.get_size_inches()) <= 6.4

    def test_bad_input(self, unhooked: None):
        with pytest.raises(ValueError, match=r"extent_hw: expected \(height, width\)"):
            draw_plane(extent_hw=(0, 10))
        with pytest.raises(TypeError, match="boxes: expected a float tensor"):
            draw_plane(torch.tensor([[1, 2, 3, 4]]), extent_hw=(10, 10))


class TestModule:
    def test_charts_are_at_hand(self):
        assert viz.curve([0, 1], {"a": [0, 1]}, xlabel="x", ylabel="y").axes
        assert viz.bars({"a": (1, 1, 1)}, xlabel="x").axes

    @pytest.mark.parametrize(
        "make",
        [
            lambda: show_boxes(GREY),
            lambda: show_masks(GREY, torch.zeros(0, 60, 80, dtype=torch.bool)),
            lambda: show_grid([GREY]),
            lambda: draw_plane(extent_hw=(10, 10)),
            lambda: viz.curve([0, 1], {"a": [0, 1]}, xlabel="x", ylabel="y"),
            lambda: viz.bars({"a": (1, 1, 1)}, xlabel="x"),
        ],
    )
    def test_returns_a_figure_of_its_own(self, make):
        """A plain Figure: no window manager, no pyplot, nothing kept elsewhere."""
        one, two = make(), make()
        assert type(one) is Figure
        assert one is not two
        assert getattr(one.canvas, "manager", None) is None
