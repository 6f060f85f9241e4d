"""The labs without a browser: the pure functions, the widget's Python side, its still frame, the page's geometry."""

import ast
import base64
import io
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing
from gk_utils.drawing import BLUE, ORANGE
from gk_utils.figure_image import LIMIT, to_image
from gk_utils.frames import Frame
from gk_utils.labs.box_tokens import CHOICES, TokenLab, token_lab
from gk_utils.labs.boxes import THRESHOLDS, BoxReading, compare, describe, drag_lab
from gk_utils.labs.canvas import LONGEST_SIDE, Canvas
from gk_utils.labs.explanations import explain, in_words, set_stage
from gk_utils.labs.expressions import ExpressionLab
from gk_utils.labs.magnifier import SHOWN, Lines, Window, cut_out, magnified, window_around
from gk_utils.labs.roi_align import BINS, STRIDES, RoiLab, roi_lab
from gk_utils.labs.roi_readings import describe_roi, draw_roi
from gk_utils.labs.score_maps import answer_panel, draw, overlay
from gk_utils.labs.token_readings import describe_tokens
from gk_utils.models.trunk_grounder import ScoreMap
from gk_utils.protocols import Grounding

HERE = Path(__file__).parent
LABS = HERE.parent / "gk_utils" / "labs"
HW = (60, 80)

sides = st.integers(0, 80)
any_box = st.tuples(sides, sides, sides, sides).map(
    lambda s: [float(min(s[0], s[2])), float(min(s[1], s[3])), float(max(s[0], s[2])), float(max(s[1], s[3]))]
)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def printed_iou(sentence: str) -> float:
    return float(sentence.removeprefix("IoU ").split(":")[0])


class TestCompare:
    def test_by_hand(self):
        # 20 x 20 against 20 x 20, shifted by 10 both ways: 100 in common of 700; the hull is 30 x 30.
        reading = compare([0, 0, 20, 20], [10, 10, 30, 30])
        assert isinstance(reading, BoxReading)
        assert (reading.iou, reading.giou) == pytest.approx((1 / 7, 1 / 7 - 200 / 900))
        assert (reading.intersection, reading.union) == (100, 700)
        assert (reading.area_box, reading.area_truth) == (400, 400)
        assert reading.sentence == "IoU 0.14: fails at 0.5 and at 0.75."

    @given(any_box, any_box)
    def test_equals_torchvision_and_is_consistent(self, box, truth):
        reading = compare(box, truth)
        pair = [torch.tensor([one], dtype=torch.float64) for one in (box, truth)]
        expected = torchvision.ops.box_iou(*pair).nan_to_num().item()
        assert reading.iou == pytest.approx(expected, abs=1e-12)
        assert reading.union == reading.area_box + reading.area_truth - reading.intersection
        assert 0 <= reading.intersection <= min(reading.area_box, reading.area_truth)
        assert -1 <= reading.giou <= reading.iou <= 1
        if reading.union:
            assert reading.iou == pytest.approx(reading.intersection / reading.union)

    @pytest.mark.parametrize(
        ("width", "sentence"),
        [
            (100.0, "IoU 1.00: passes at 0.5 and at 0.75."),
            (75.0, "IoU 0.75: passes at 0.5 and at 0.75."),
            (62.0, "IoU 0.62: passes at 0.5, fails at 0.75."),
            (50.0, "IoU 0.50: passes at 0.5, fails at 0.75."),
            (49.96, "IoU 0.4996: fails at 0.5 and at 0.75."),
            (74.999, "IoU 0.74999: passes at 0.5, fails at 0.75."),
            (99.9, "IoU 0.999: passes at 0.5 and at 0.75."),
            (0.1, "IoU 0.001: fails at 0.5 and at 0.75."),
        ],
    )
    def test_sentence_never_rounds_across_a_threshold(self, width, sentence):
        assert compare([0, 0, width, 10], [0, 0, 100, 10]).sentence == sentence

    @given(st.floats(0, 100, exclude_min=True), any_box)
    def test_printed_iou_is_on_the_side_of_the_exact_one(self, width, truth):
        for reading in (compare([0, 0, width, 10], [0, 0, 100, 10]), compare([0, 0, width, 20], truth)):
            shown = printed_iou(reading.sentence)
            assert shown == pytest.approx(reading.iou, abs=0.005)
            assert [shown >= limit for limit in (*THRESHOLDS, 1)] == [
                reading.iou >= limit for limit in (*THRESHOLDS, 1)
            ]
            assert (shown > 0) == (reading.iou > 0)

    @pytest.mark.parametrize(
        ("box", "truth", "words"),
        [
            ([5, 5, 5, 9], [0, 0, 10, 10], "a box without area covers nothing"),
            ([0, 0, 10, 10], [5, 5, 5, 9], "the true box has no area"),
            ([5, 5, 5, 5], [5, 5, 5, 5], "a box without area covers nothing"),
            ([0, 0, 5, 5], [5, 0, 9, 5], "do not overlap"),
        ],
    )
    def test_degenerate(self, box, truth, words):
        reading = compare(box, truth)
        assert reading.iou == 0
        assert np.isfinite(reading.giou)
        assert words in reading.sentence

    def test_takes_tensors(self):
        box, truth = torch.tensor([0.0, 0, 10, 10]), torch.tensor([0.0, 0, 10, 16])
        assert compare(box, truth) == compare(box.tolist(), truth.tolist())

    def test_wrong_corners(self):
        with pytest.raises(ValueError, match="x1 <= x2 and y1 <= y2"):
            compare([10, 0, 0, 10], [0, 0, 10, 10])
        with pytest.raises(ValueError, match=r"truth: expected shape \(\.\.\., 4\), got \(3,\)"):
            compare([0, 0, 10, 10], [0, 0, 10])


class TestDescribe:
    def test_two_lines(self):
        assert describe([0, 0, 2000, 10], [0, 0, 2000.05, 10]).splitlines() == [
            "IoU 0.99998: passes at 0.5 and at 0.75.",
            "[0, 0, 2000, 10] · intersection 20,000 / union 20,000.5 px² · GIoU 1.00",
        ]


class TestDragLab:
    """The callback of the lab, over its whole range: what the page can send, Python answers."""

    def test_starts_in_the_middle(self):
        lab = drag_lab(Image.new("RGB", (80, 60)), [10, 10, 50, 50], "the red mug")
        assert lab.box == [20, 15, 60, 45]
        assert lab.truth == [[10, 10, 50, 50]]
        assert "the red mug" in lab.title
        assert lab.note == describe(lab.box, [10, 10, 50, 50])

    def test_starts_where_it_is_told(self):
        lab = drag_lab(noise(*HW), torch.tensor([10.0, 10, 50, 50]), "the mug", torch.tensor([1.0, 2, 3, 4]))
        assert lab.box == [1, 2, 3, 4]

    def test_the_note_follows_every_box_in_the_picture(self):
        lab = drag_lab(noise(*HW), [10, 10, 50, 50], "the mug")
        xs, ys = [0, 10, 33, 50, 80], [0, 10, 27, 50, 60]
        boxes = [[x1, y1, x2, y2] for x1 in xs for x2 in xs for y1 in ys for y2 in ys if x1 <= x2 and y1 <= y2]
        assert len(boxes) == 225
        for box in boxes:
            lab.set_state({"box": box})  # as the page sends it: integers where they are whole
            assert lab.box == box
            assert lab.note == describe(box, [10, 10, 50, 50])
            assert lab.note_of == box

    def test_the_page_gets_note_and_box_in_one_message(self):
        lab = drag_lab(noise(*HW), [10, 10, 50, 50], "the mug")
        sent = []
        lab.send = lambda content, buffers=None: None
        lab._send = lambda message, buffers=None: sent.append(set(message["state"]))
        lab.box = [0, 0, 10, 10]
        assert [names for names in sent if names & {"note", "note_of"}] == [{"note", "note_of"}]


class TestCanvas:
    def words(self, box: list[float]) -> str:
        return f"{box[2] - box[0]:g} wide"

    def test_sends_the_picture_lossless(self):
        image = noise(*HW)
        canvas = Canvas(image, [0, 0, 8, 8], self.words)
        assert canvas.image_hw == HW
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(canvas.picture))), image)

    def test_a_large_photograph_is_sent_smaller_but_keeps_its_pixels(self):
        canvas = Canvas(Image.new("RGB", (4000, 3000)), [3000, 2000, 4000, 3000], self.words)
        assert canvas.image_hw == (3000, 4000)
        assert max(Image.open(io.BytesIO(canvas.picture)).size) == LONGEST_SIDE
        assert canvas.note == "1000 wide"

    def test_in_words(self):
        canvas = Canvas(
            noise(*HW), [0, 0, 8, 8], self.words, truth=[[1, 2, 3, 4]], truth_labels=["mug"], title="Find it"
        )
        assert canvas.in_words().splitlines() == [
            "Find it",
            "yours: left 0, top 0, right 8, bottom 8",
            "mug: left 1, top 2, right 3, bottom 4",
            "8 wide",
        ]

    @pytest.mark.parametrize("box", [[0, 0, 81, 60], [-1, 0, 5, 5], [6, 0, 5, 5], [0, 0, float("nan"), 5]])
    def test_refuses_a_box_that_is_not_in_the_picture(self, box):
        message = r"box: expected .* inside a picture 80 wide and 60 high, got .*clip_boxes"
        with pytest.raises(ValueError, match=message):
            Canvas(noise(*HW), box, self.words)
        canvas = Canvas(noise(*HW), [0, 0, 80, 60], self.words)
        with pytest.raises(ValueError, match=message):
            canvas.box = box
        assert canvas.box == [0, 0, 80, 60]
        with pytest.raises(ValueError, match=message):
            Canvas(noise(*HW), [0, 0, 80], self.words)
        assert canvas.note == "80 wide"

    def test_takes_the_images_that_the_figures_take(self):
        grey = np.full(HW, 51, np.uint8)
        for image in (grey, torch.from_numpy(grey), Image.fromarray(grey), np.full((*HW, 3), 0.2)):
            picture = Image.open(io.BytesIO(Canvas(image, [0, 0, 8, 8], self.words).picture))
            assert picture.mode == "RGB"
            assert picture.getpixel((5, 5)) == (51, 51, 51)
        with pytest.raises(ValueError, match="Channels come last"):
            Canvas(torch.zeros(3, *HW), [0, 0, 8, 8], self.words)

    def test_refuses_truths_without_labels_or_with_corners_crossed(self):
        with pytest.raises(ValueError, match="truth_labels: expected 1, one per box of truth, got"):
            Canvas(noise(*HW), [0, 0, 8, 8], self.words, truth=[[0, 0, 1, 1]])
        with pytest.raises(ValueError, match="truth: expected x1 <= x2"):
            Canvas(noise(*HW), [0, 0, 8, 8], self.words, truth=[[5, 0, 1, 1]], truth_labels=["mug"])


class TestStillFrame:
    def test_the_bundle_carries_the_live_view_and_a_still(self):
        lab = drag_lab(noise(*HW), [10, 10, 50, 50], "the mug")
        data, metadata = lab._repr_mimebundle_()
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.in_words() == metadata["image/jpeg"]["alt"]
        assert ("image/jpeg", base64.b64decode(data["image/jpeg"])) == lab.first_frame()

    def test_shows_both_boxes_in_the_pixels_of_a_shrunk_photograph(self, monkeypatch):
        figures = []
        monkeypatch.setattr("gk_utils.labs.canvas.to_image", lambda figure: figures.append(figure) or to_image(figure))
        truth, start = [2000, 1000, 3000, 3000], [1000, 1000, 2000, 2000]
        _, still = drag_lab(Image.new("RGB", (4 * LONGEST_SIDE, 3 * LONGEST_SIDE)), truth, "it", start).first_frame()
        assert len(still) <= LIMIT
        (axes,) = figures[0].axes
        drawn = {patch.get_gid(): patch.get_bbox().extents for patch in axes.patches}
        np.testing.assert_allclose(drawn["boxes"] * 4, start)
        np.testing.assert_allclose(drawn["truth"] * 4, truth)
        assert {text.get_text() for text in axes.texts} == {"yours", "truth"}


class TestPage:
    def test_the_geometry_of_the_page(self):
        node = shutil.which("node")
        if node is None:
            pytest.skip("THE PAGE'S GEOMETRY WAS NOT TESTED: no `node` here. Install the package `nodejs`.")
        done = subprocess.run(
            [node, "--test", str(HERE / "canvas.test.mjs")], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_it_has_the_colours_of_the_figures(self):
        script = (LABS / "static" / "canvas.js").read_text()
        assert f'const LEARNER = {{ line: "{BLUE}"' in script
        assert f'const TRUTH = {{ line: "{ORANGE}"' in script

    def test_every_traitlet_the_page_reads_exists(self):
        script = (LABS / "static" / "canvas.js").read_text()
        traits = Canvas.class_traits(sync=True)
        read = {name for name in traits if f'"{name}"' in script}
        assert {"mode", "picture", "image_hw", "title", "box", "truth", "truth_labels", "note", "note_of"} <= read
        for chunk in script.split('model.get("')[1:]:
            assert chunk.split('"')[0] in traits

    def test_nothing_is_loaded_from_outside(self):
        for path in (LABS / "static").iterdir():
            text = path.read_text()
            assert "http" not in text
            assert "import " not in text


def test_no_output_capture_in_the_labs():
    """`interact` and Output widgets stall executed notebooks: labs observe traitlets and nothing else."""
    for path in LABS.glob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert not names & {"interact", "interactive", "Output"}, path


# --- the lab of lesson 00 -----------------------------------------------------------------------------------------


def apple(colour: str, x: float, depth: float = 0.5) -> Thing:
    return Thing("apple", colour, "large", "plain", None, None, x=x, depth=depth)


STAGE = set_stage(Scene((apple("red", 0.75), apple("green", 0.25), apple("red", 0.2, 0.9))), (128, 128))
LEFT, ALL, NONE = Program("apple", side="left"), Program("apple"), Program("mug")


class Fake:
    """A grounder whose map puts `on` on the middle of things of STAGE, and the rest on "none"."""

    def __init__(self, on: dict[int, float]) -> None:
        self.on, self.asked = on, []

    def look(self, image, phrase):
        if phrase == "?":
            raise ValueError("phrase: expected words, got <none>.")
        self.asked.append((tuple(image.shape), phrase))
        shares = torch.zeros(8, 8)
        for index, share in self.on.items():
            x, y = (STAGE.boxes[index].reshape(2, 2).mean(0) / 16).long().tolist()
            shares[y, x] += share
        none = 1 - float(shares.sum())
        best = sorted(self.on, key=lambda index: -self.on[index])[: 0 if none > 0.5 else 3]
        scores = torch.tensor([self.on[index] for index in best])
        found = Grounding(STAGE.boxes[best].reshape(-1, 4), scores, phrase, none > 0.5, (128, 128))
        return ScoreMap(shares, none, Frame.of_image((128, 128)).grid((8, 8))), found


class TestSetStage:
    def test_alike_things_are_counted_from_the_left(self):
        assert STAGE.names == ("red apple 2", "green apple", "red apple 1")
        assert STAGE.image.shape == (3, 128, 128)
        assert STAGE.boxes.shape == (3, 4)


class TestExplain:
    def test_by_hand(self):
        told = explain(Fake({0: 0.5, 2: 0.3}), STAGE, "the leftmost apple", LEFT)
        assert [(thing.name, thing.role) for thing in told.things] == [
            ("red apple 2", "same noun"),
            ("red apple 1", "meant"),
            ("green apple", "same noun"),
        ]
        assert [thing.share for thing in told.things] == pytest.approx([0.5, 0.3, 0])
        assert (told.beside, told.none) == pytest.approx((0, 0.2))
        assert told.right is False
        assert told.sentence == "The box is on the red apple 2, with 50 %. Wrong: the red apple 1 is meant."
        assert in_words(told).splitlines() == [
            "the leftmost apple. " + told.sentence,
            "red apple 2: 50 % (same noun)",
            "red apple 1: 30 % (meant)",
            "none: 20 %",
        ]

    @given(st.lists(st.floats(0, 0.33), min_size=3, max_size=3))
    def test_everything_sums_to_one(self, on):
        told = explain(Fake(dict(enumerate(on))), STAGE, "apples", ALL)
        assert sum(thing.share for thing in told.things) + told.beside + told.none == pytest.approx(1, abs=1e-5)
        assert [thing.share for thing in told.things] == sorted((thing.share for thing in told.things), reverse=True)

    @pytest.mark.parametrize(
        ("on", "program", "right", "words"),
        [
            ({2: 0.9}, LEFT, True, "The box is on the red apple 1, with 90 %. Right."),
            ({2: 0.2}, LEFT, False, 'The answer is "none", with 80 %. Wrong: the red apple 1 is meant.'),
            ({2: 0.2}, NONE, True, 'The answer is "none", with 80 %. Right.'),
            ({2: 0.9}, NONE, False, "The box is on the red apple 1, with 90 %. Wrong: nothing is meant."),
            ({2: 0.9}, ALL, True, "The box is on the red apple 1, with 90 %. Right."),
            ({2: 0.9}, None, None, "Nobody wrote down what is right: you judge."),
        ],
    )
    def test_verdicts(self, on, program, right, words):
        told = explain(Fake(on), STAGE, "it", program)
        assert told.right is right
        assert told.sentence.endswith(words)
        assert {thing.role for thing in told.things} <= {"other"} or program in (LEFT, ALL)

    def test_a_box_around_no_thing(self):
        class Beside(Fake):
            def look(self, image, phrase):
                scores, found = super().look(image, phrase)
                return scores, Grounding(torch.tensor([[0.0, 0, 9, 9]]), found.scores, phrase, False, (128, 128))

        assert explain(Beside({0: 0.9}), STAGE, "it", ALL).sentence == (
            "The box is around no thing, with 90 %. "
            "Wrong: the red apple 2 and the green apple and the red apple 1 is meant."
        )

    def test_what_lies_beside_the_things(self):
        class Wall(Fake):
            def look(self, image, phrase):
                shares = torch.full((8, 8), 0.0)
                shares[0] = 0.1
                found = Grounding(STAGE.boxes[:1], torch.tensor([0.1]), phrase, False, (128, 128))
                return ScoreMap(shares, 0.2, Frame.of_image((128, 128)).grid((8, 8))), found

        assert explain(Wall({}), STAGE, "it").beside == pytest.approx(0.8)


class TestScoreMaps:
    def test_the_map_lies_where_the_patches_are(self):
        # 20 wide and 10 high in a square of 2 x 2 patches: the lower row of patches is padding.
        frame = Frame.of_image((10, 20)).pad((20, 20), "corner").grid((2, 2))
        shown = overlay(torch.zeros(3, 10, 20), ScoreMap(torch.tensor([[0.0, 0.5], [0.4, 0.0]]), 0.1, frame))
        assert shown.shape == (10, 20, 3)
        assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 2
        assert (shown[:, :10] == 89).all()
        assert (shown[:, 10:, 0] > 150).all()

    def test_a_map_without_a_favourite_stays_pale(self):
        frame = Frame.of_image((8, 8)).grid((2, 2))
        pale, strong = (overlay(torch.ones(3, 8, 8), ScoreMap(torch.full((2, 2), s), 0.0, frame)) for s in (0.001, 0.2))
        assert np.abs(pale.astype(int) - 255).max() < np.abs(strong.astype(int) - 255).max()

    def test_the_picture_shows_through(self):
        frame = Frame.of_image((8, 8)).grid((1, 1))
        image = torch.zeros(3, 8, 8)
        image[:, :, 4:] = 1
        shown = overlay(image, ScoreMap(torch.ones(1, 1), 0.0, frame)).astype(int)
        assert (shown[:, 4:] - shown[:, :4] > 30).all()

    def test_answer_panel_says_none(self):
        none = Grounding(torch.zeros(0, 4), torch.zeros(0), "the mug", True, (8, 8))
        assert answer_panel(np.zeros((8, 8, 3)), none).title == "the mug: none"
        panel = answer_panel(np.zeros((8, 8, 3)), none, torch.tensor([[1.0, 1, 5, 5]]), "a title")
        assert (panel.title, panel.truth_labels) == ("a title: none", [""])

    @pytest.mark.parametrize("program", [LEFT, NONE, None])
    def test_draw_writes_every_share_and_role(self, program):
        told = explain(Fake({0: 0.9, 2: 0.06}), STAGE, "the apple farthest from $x$ " * 4, program)
        picture, chart, bars = draw(STAGE, told).axes
        written = [text.get_text() for text in bars.texts]
        roles = {LEFT: ("  same noun", "  meant", ""), NONE: ("", "", "  meant"), None: ("", "", "")}[program]
        assert written == [
            *(f"90 %{roles[0]}", f"6 %{roles[1]}", f"0 %{roles[0]}", "0 %", f"4 %{roles[2]}"),
        ]
        assert [patch.get_gid() for patch in picture.patches].count("truth") == (program is LEFT)
        assert chart.get_title("left") == "64 patches, the largest share: 90 %"


class TestExpressionLab:
    """The callbacks over their whole range, as the page sends them."""

    def make(self) -> tuple[ExpressionLab, Fake]:
        fake = Fake({0: 0.5, 2: 0.3})
        expressions = {"the leftmost apple": LEFT, "the apple": ALL, "the mug": NONE}
        return ExpressionLab({"large": fake, "small": Fake({1: 0.4})}, {"A": STAGE, "B": STAGE}, expressions), fake

    def test_every_choice_is_asked_and_shown(self):
        lab, fake = self.make()
        for picture in ("A", "B"):
            lab.picture.value = picture
            for index, phrase in enumerate(("the leftmost apple", "the apple", "the mug")):
                lab.choice.set_state({"index": index})
                assert fake.asked[-1] == ((3, 128, 128), phrase)
                assert lab.explanation.phrase == phrase
                assert lab.explanation.right is (index == 1)
                assert f"<strong>{lab.explanation.sentence.split(',')[0]}" in lab.view.value
                assert "Its program: <code>all things &gt;" in lab.view.value

    def test_another_model_is_asked_the_same(self):
        lab, fake = self.make()
        lab.model.set_state({"index": 1})
        assert lab.explanation.phrase == "the leftmost apple"
        assert lab.explanation.sentence.startswith('The answer is "none", with 60 %.')
        lab.choice.value = "the mug"
        assert lab.explanation.right is True
        lab.model.value = "large"
        assert lab.explanation.right is False
        assert fake.asked[-1][1] == "the mug"

    def test_words_of_ones_own(self):
        lab, fake = self.make()
        lab.own.set_state({"value": "a <b>pear</b>"})
        assert fake.asked[-1][1] == "a <b>pear</b>"
        assert lab.explanation.right is None
        assert "<b>pear" not in lab.view.value
        lab.picture.value = "B"
        assert fake.asked[-1][1] == "a <b>pear</b>"
        lab.own.set_state({"value": "?"})
        assert "expected words, got &lt;none&gt;" in lab.view.value
        lab.choice.value = "the mug"
        assert lab.own.value == ""
        assert lab.explanation.phrase == "the mug"

    def test_the_bundle_carries_the_live_view_and_a_still(self):
        lab, _ = self.make()
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == in_words(lab.explanation) == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= LIMIT


# --- the lab of lesson 03 -----------------------------------------------------------------------------------------


class TestDescribeTokens:
    def test_by_hand(self):
        reading = describe_tokens([150, 100, 400, 350], (480, 640), 100)
        assert [(code.name, code.order, code.tokens) for code in reading.rows] == [
            ("100 bins", "x1 y1 x2 y2", "23 21 62 72"),
            ("Pix2Seq (ids)", "y1 x1 y2 x2", "1208 1234 1728 1624"),
            ("OFA", "x1 y1 x2 y2", "<bin_234> <bin_208> <bin_624> <bin_728>"),
            ("Kosmos-2", "upper left, lower right", "<patch_index_0199><patch_index_0755>"),
            ("PaliGemma", "y1 x1 y2 x2", "<loc0213><loc0240><loc0746><loc0639>"),
            ("Florence-2", "x1 y1 x2 y2", "<loc_234><loc_208><loc_625><loc_729>"),
        ]
        chosen = reading.chosen
        assert chosen.decoded == pytest.approx([23 * 640 / 99, 21 * 480 / 99, 62 * 640 / 99, 72 * 480 / 99])
        assert chosen.errors == pytest.approx([1.3131, 1.8182, 0.8081, 0.9091], abs=1e-4)
        assert chosen.bounds == pytest.approx([320 / 99, 240 / 99])
        assert reading.note.splitlines() == [
            "100 bins, IoU 0.98: passes at 0.5 and at 0.75.",
            "yours [150, 100, 400, 350], 250 × 250 px",
            "decoded [148.7, 101.8, 400.8, 349.1]",
            "off by: left 1.31, top 1.82, right 0.81, bottom 0.91 px",
            "at most: left and right 3.23, top and bottom 2.42 px",
        ]
        assert reading.in_words().splitlines()[5:7] == [
            "100 bins (x1 y1 x2 y2): 23 21 62 72; IoU 0.98",
            "Pix2Seq (ids) (y1 x1 y2 x2): 1208 1234 1728 1624; IoU 1.00",
        ]

    def test_cells_by_hand(self):
        # Cells of 20 x 15: one column, so the outer edges come back, and the bound is a whole cell.
        thin = describe_tokens([21, 31, 39, 89], (480, 640), "cells").chosen
        assert (thin.tokens, thin.decoded, thin.bounds) == ("65 161", (20, 30, 40, 90), (20, 15))
        wide = describe_tokens([21, 31, 79, 89], (480, 640), "cells").chosen
        assert (wide.tokens, wide.decoded, wide.bounds) == ("65 163", (30, 37.5, 70, 82.5), (10, 7.5))
        assert wide.errors == (9, 6.5, 9, 6.5)

    @settings(max_examples=20, deadline=None)  # six codes, there and back
    @given(
        st.tuples(*[st.floats(0, 1)] * 4),
        st.sampled_from([(480, 640), (384, 512), (97, 31)]),
        st.sampled_from(list(CHOICES.values())),
    )
    def test_no_code_is_off_by_more_than_its_bound(self, shares, image_hw, bins):
        height, width = image_hw
        (x1, x2), (y1, y2) = sorted(shares[:2]), sorted(shares[2:])
        box = [x1 * width, y1 * height, x2 * width, y2 * height]
        reading = describe_tokens(box, image_hw, bins)
        assert reading.sentence.startswith(f"{reading.chosen.name}, IoU ")
        for code in reading.rows:
            assert all(off <= most + 1e-4 for off, most in zip(code.errors, code.bounds * 2, strict=True)), code
            assert min(code.decoded) >= -1e-4
            pair = [torch.tensor([one], dtype=torch.float64) for one in (box, code.decoded)]
            expected = torchvision.ops.box_iou(*pair).nan_to_num().item()
            assert code.iou == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize(
        ("box", "bins", "sentence"),
        [
            ([100, 100, 110, 110], 10, "IoU 0: lost. Opposite sides get the same token, and no area comes back."),
            ([100, 100, 100, 110], 1000, "IoU 0: your box has no area."),
            ([0, 0, 512, 384], 10, "IoU 1.00: passes at 0.5 and at 0.75."),
            ([100, 100, 106, 106], 100, "IoU 0.31: fails at 0.5 and at 0.75."),
        ],
    )
    def test_verdicts(self, box, bins, sentence):
        assert describe_tokens(box, (384, 512), bins).sentence == f"{bins} bins, {sentence}"

    def test_wrong_input(self, unhooked):
        with pytest.raises(ValueError, match="expected inside the picture"):
            describe_tokens([0, 0, 600, 10], (384, 512), 100)
        with pytest.raises(ValueError, match="box: expected x1 <= x2"):
            describe_tokens([10, 0, 0, 10], (384, 512), 100)
        with pytest.raises(ValueError, match="at least 2 bins"):
            describe_tokens([0, 0, 10, 10], (384, 512), 1)


class TestMagnifier:
    @given(any_box, st.floats(0.1, 30))
    def test_the_box_and_all_that_comes_back_are_in_the_window(self, box, reach):
        x1, y1, x2, y2 = [min(side, 60) for side in box]
        window = window_around([x1, y1, x2, y2], reach, HW)
        low_x, low_y = max(0, x1 - reach), max(0, y1 - reach)
        far = (low_x, low_y, min(HW[1], x2 + reach), min(HW[0], y2 + reach))
        assert all(-1e-6 <= place <= SHOWN + 1e-6 for place in window.shown(far))
        part, (left, top, right, bottom) = cut_out(noise(*HW), window)
        assert part.size == (right - left, bottom - top)
        assert left <= low_x
        assert top <= low_y

    def test_the_lines_are_those_of_the_code(self):
        lines = Lines(80 / 9, 60 / 9)
        xs, ys = lines.within(Window(0, 0, 80), HW)
        np.testing.assert_allclose(xs, np.linspace(0, 80, 10))
        np.testing.assert_allclose(ys, np.linspace(0, 60, 10))
        assert Lines(0.5, 20).within(Window(0, 0, 80), HW) == ([], [])

    def test_dots_are_the_middles_of_cells(self):
        drawn = magnified(noise(*HW), Window(0, 0, 80), [1, 1, 9, 9], [1, 1, 9, 9], Lines(20, 20, dots=True), words="a")
        dots = [
            (float(dot.get("cx")) * 80 / SHOWN, float(dot.get("cy")) * 80 / SHOWN)
            for dot in ET.fromstring(drawn).iter("circle")
        ]
        assert np.round(dots, 3).tolist() == [[x, y] for x in (10, 30, 50, 70) for y in (10, 30, 50)]

    def test_boxes_are_told_apart_by_colour_line_and_name(self):
        drawn = magnified(noise(*HW), Window(0, 0, 80), [8, 8, 40, 40], [10, 10, 30, 30], Lines(10, 10), words="a")
        rows = {(row.get("stroke"), row.get("stroke-dasharray")): row for row in ET.fromstring(drawn).iter("rect")}
        scale = SHOWN / 80
        assert float(rows[BLUE, ""].get("width")) == pytest.approx(32 * scale, abs=0.1)
        assert float(rows[ORANGE, "9 6"].get("width")) == pytest.approx(20 * scale, abs=0.1)
        assert [text.text for text in ET.fromstring(drawn).iter("text")] == ["decoded", "yours"]

    def test_a_box_without_area_is_still_drawn(self):
        drawn = magnified(noise(*HW), Window(0, 0, 80), [8, 8, 40, 40], [20, 20, 20, 20], Lines(10, 10), words="a")
        assert [path.get("stroke") for path in ET.fromstring(drawn).iter("path")].count(ORANGE) == 1


class TestTokenLab:
    """The callbacks over their whole range, as the page sends them."""

    def test_every_choice_and_box_is_answered(self):
        lab = TokenLab(noise(*HW), [10, 10, 50, 50])
        sides = [([0, 0], [0, 60]), ([80, 80], [7, 7]), ([0, 80], [0, 60]), ([11, 12], [7, 9]), ([79, 80], [59, 60])]
        boxes = [[x1, y1, x2, y2] for (x1, x2), (y1, y2) in sides]
        for index, bins in enumerate(CHOICES.values()):
            lab.bins.set_state({"index": index})
            for box in boxes:
                lab.canvas.set_state({"box": box})
                told = describe_tokens(box, HW, bins)
                assert lab.reading == told
                assert (lab.canvas.note, lab.canvas.note_of) == (told.note, box)
                assert lab.canvas.truth == [list(told.chosen.decoded)]
                figure, table = ET.fromstring(lab.glass.value), ET.fromstring(lab.table.value)
                assert not {"nan", "inf"} & {value for part in figure.iter() for value in part.attrib.values()}
                assert [row.text for row in table.iter("code")] == [code.tokens for code in told.rows]

    def test_a_choice_alone_renews_the_words(self):
        lab = token_lab()
        before = lab.canvas.box
        lab.bins.value = "cells"
        assert lab.canvas.box == lab.canvas.note_of == before
        assert lab.canvas.note.startswith("32 × 32 cells, IoU 0.47")
        assert "A corner comes back as the centre of its cell" in lab.glass.value
        lab.bins.value = 1000
        assert "too close to be drawn" in lab.glass.value

    def test_the_page_says_which_code_it_shows(self):
        lab = token_lab()
        assert lab.canvas.truth_labels == ["decoded"]
        assert [row.text for row in ET.fromstring(lab.table.value).iter("th")][6] == "100 bins"
        lab.bins.value = "cells"
        assert [row.text for row in ET.fromstring(lab.table.value).iter("th")][6] == "32 × 32 cells"

    def test_the_bundle_carries_the_live_view_and_a_still(self, monkeypatch):
        figures = []
        monkeypatch.setattr(
            "gk_utils.labs.box_tokens.to_image", lambda figure, limit: figures.append(figure) or to_image(figure, limit)
        )
        lab = token_lab()
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.reading.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= LIMIT
        whole, part = figures[0].axes
        assert [text.get_text() for text in part.texts] == ["yours", "decoded"]
        drawn = {patch.get_gid(): patch.get_bbox().extents for patch in part.patches}
        there = {patch.get_gid(): patch.get_bbox().extents for patch in whole.patches}
        np.testing.assert_allclose(there["boxes"], lab.canvas.box)
        np.testing.assert_allclose(drawn["truth"] - drawn["boxes"], there["truth"] - there["boxes"], atol=1e-3)
        # The decoded box lies on the lines of the bins.
        upright = sorted(line.get_xdata()[0] for line in part.lines if line.get_xdata()[0] == line.get_xdata()[1])
        for side in (drawn["truth"][0], drawn["truth"][2]):
            assert min(abs(side - x) for x in upright) < 1e-3


# --- the lab of lesson 06 -----------------------------------------------------------------------------------------


class TestDescribeRoi:
    def test_by_hand(self):
        """The cat of the lesson: columns 1 to 3, rows 6 and 7; the middle column belongs to both bins."""
        grid = torch.arange(64.0).view(8, 8)
        reading = describe_roi(grid, [21, 91, 47, 104], 16, 2)
        assert reading.region == (16, 96, 64, 128)
        assert reading.beyond == (5, -5, 17, 24)
        assert reading.cells.tolist() == [
            [[16, 96, 48, 112], [32, 96, 64, 112]],
            [[16, 112, 48, 128], [32, 112, 64, 128]],
        ]
        assert reading.covered().sum() == 8
        assert np.argwhere(reading.covered() == 2).tolist() == [[6, 2], [7, 2]]
        assert reading.pooled.tolist() == [[50, 51], [58, 59]]
        assert reading.points[0, 0].tolist() == [[24.25, 92.625], [30.75, 92.625], [24.25, 95.875], [30.75, 95.875]]
        # Cell (i, j) holds 8 i + j: a plane, so each bin has the value at its centre.
        centres = [[8 * y + x for x in (1.21875, 2.03125)] for y in (5.390625, 5.796875)]
        assert reading.aligned.tolist() == [pytest.approx(row) for row in centres]
        assert reading.iou == pytest.approx(26 * 8 / (48 * 32 + 26 * 5))
        assert reading.in_words().splitlines()[1] == (
            "Reaches over the box: left +5, top -5, right +17, bottom +24 px. Cells in more than one bin: 2."
        )

    @given(any_box, st.sampled_from([8, 16]), st.sampled_from(BINS))
    @settings(max_examples=40, deadline=None)
    def test_equals_torchvision_everywhere_in_the_picture(self, box, stride, bins):
        grid = torch.rand(64 // stride, 80 // stride, generator=torch.Generator().manual_seed(0))
        reading = describe_roi(grid, box, stride, bins)
        given_to = grid[None, None], [torch.tensor([box])], bins, 1 / stride
        pooled, aligned = torchvision.ops.roi_pool(*given_to), torchvision.ops.roi_align(*given_to, 2, True)
        assert torch.equal(reading.pooled, pooled[0, 0])
        torch.testing.assert_close(reading.aligned, aligned[0, 0], rtol=0, atol=1e-5)
        x, y = reading.points.flatten(0, 2).unbind(1)
        assert box[0] <= x.min() <= x.max() <= box[2]
        assert box[1] <= y.min() <= y.max() <= box[3]

    def test_wrong_corners(self):
        with pytest.raises(ValueError, match="box: expected x1 <= x2"):
            describe_roi(torch.zeros(4, 4), [10, 0, 0, 10], 16, 2)


class TestDrawRoi:
    def test_what_is_where(self):
        reading = describe_roi(torch.rand(8, 8), [21, 91, 47, 104], 16, 2)
        pool, align = draw_roi(reading).axes
        drawn = {patch.get_gid(): patch.get_bbox().extents.tolist() for patch in pool.patches}
        assert (drawn["box"], drawn["region"]) == ([21, 91, 47, 104], [16, 96, 64, 128])
        bins = [patch.get_bbox().extents for patch in pool.patches if patch.get_gid() == "bin"]
        for corners, cells in zip(bins, reading.cells.flatten(0, 1).numpy(), strict=True):
            assert (corners[:2] > cells[:2]).all()
            assert (corners[2:] < cells[2:]).all()
        even = [patch.get_bbox().extents.tolist() for patch in align.patches if patch.get_gid() == "bin"]
        assert even == [[21, 91, 34, 97.5], [34, 91, 47, 97.5], [21, 97.5, 34, 104], [34, 97.5, 47, 104]]
        (samples,) = [line for line in align.lines if line.get_gid() == "samples"]
        np.testing.assert_allclose(samples.get_xydata(), reading.points.flatten(0, 2))


class TestRoiLab:
    """The callbacks over their whole range, as the page sends them."""

    def test_every_choice_and_box_is_answered(self):
        image = torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(0))
        lab = RoiLab(image, [10, 10, 50, 50])
        sides = [([0, 0], [0, 64]), ([96, 96], [7, 7]), ([0, 96], [0, 64]), ([11, 12], [7, 9]), ([95, 96], [63, 64])]
        for stride_index, stride in enumerate(STRIDES):
            lab.stride.set_state({"index": stride_index})
            for bins_index, bins in enumerate(BINS):
                lab.bins.set_state({"index": bins_index})
                for (x1, x2), (y1, y2) in sides:
                    box = [x1, y1, x2, y2]
                    lab.canvas.set_state({"box": box})
                    reading = lab.reading
                    assert (reading.box, reading.stride, reading.cells.shape[:2]) == (tuple(box), stride, (bins, bins))
                    assert (lab.canvas.note, lab.canvas.note_of) == (reading.note, box)
                    assert lab.canvas.truth == [list(reading.region)]
                    figure, table = ET.fromstring(lab.glass.value), ET.fromstring(lab.table.value)
                    assert not {"nan", "inf"} & {value for part in figure.iter() for value in part.attrib.values()}
                    assert len([*figure.iter("circle")]) == reading.points.shape[:3].numel()
                    values = [*reading.pooled.flatten().tolist(), *reading.aligned.flatten().tolist()]
                    assert [cell.text for cell in table.iter("td")] == [f"{100 * value:.0f} %" for value in values]

    def test_a_choice_alone_renews_the_words(self):
        lab = roi_lab()
        before = lab.canvas.box
        lab.stride.value = 8
        assert lab.canvas.box == lab.canvas.note_of == before
        assert lab.canvas.note == describe_roi(lab.reading.grid, before, 8, 2).note
        assert lab.reading.grid.shape == (16, 16)

    def test_it_marks_the_cells_that_two_bins_share(self):
        lab = roi_lab()
        shared = [text.text for text in ET.fromstring(lab.glass.value).iter("text")]
        assert shared == ["×2"] * 2
        lab.bins.value = 1
        assert not [*ET.fromstring(lab.glass.value).iter("text")]
        lab.bins.value, lab.canvas.box = 4, [17, 17, 18, 18]  # all bins in one cell
        assert [text.text for text in ET.fromstring(lab.glass.value).iter("text")] == ["×16"]

    def test_the_bundle_carries_the_live_view_and_a_still(self):
        lab = roi_lab()
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.reading.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= LIMIT
