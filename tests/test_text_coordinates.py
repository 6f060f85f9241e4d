"""The formats as a whole: what is written is read back, as near as the frame allows; and the exercises of lesson 05."""

import math
import re

import numpy as np
import pytest
import torch
from exercise_tests import exercise_tests
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils import text_coordinates as gk
from gk_utils.boxes import clip_boxes
from gk_utils.classroom.exercises.text_coordinates import EXERCISES
from gk_utils.frames import Frame

BOXES = [name for name, row in gk.FORMATS.items() if row.box]
POINTS = [name for name, row in gk.FORMATS.items() if row.point]

share = st.floats(0, 1, width=32)
side = st.integers(1, 4000)
# Letters, blanks, digits and other scripts: what a label may be made of in every format.
label = st.text(st.characters(categories=["L", "N"]) | st.just(" "), min_size=1, max_size=20).filter(str.strip)


def within(got, expected, bound_xy):
    """Whether each coordinate moved by half a step at most, up to the rounding of float32."""
    bound = got.new_tensor(bound_xy).repeat(got.shape[1] // 2) * (1 + 1e-4) + 2e-3
    return bool(((got - expected).abs() <= bound).all())


class TestRoundTrip:
    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(BOXES),
        st.tuples(side, side),
        st.tuples(side, side),
        st.lists(st.tuples(*[share] * 4), max_size=4),
    )
    def test_boxes_move_by_half_a_step_at_most(self, name, image_hw, resized_hw, shares):
        height, width = image_hw
        corners = torch.tensor(shares).reshape(-1, 2, 2).sort(1).values.flatten(1)
        boxes = clip_boxes(corners * torch.tensor([width, height] * 2), image_hw)
        parsed = gk.parse_boxes(gk.render_boxes(boxes, name, image_hw, None, resized_hw), name)
        assert not parsed.problems or (not shares and [problem.kind for problem in parsed.problems] == ["none"])
        bound_xy = gk.FORMATS[name].error_bound(image_hw, resized_hw)
        assert within(parsed.to_pixels(image_hw, resized_hw), boxes, bound_xy)

    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(POINTS),
        st.tuples(side, side),
        st.tuples(side, side),
        st.lists(st.tuples(share, share), max_size=4),
    )
    def test_points_move_by_half_a_step_at_most(self, name, image_hw, resized_hw, shares):
        height, width = image_hw
        points = (torch.tensor(shares).reshape(-1, 2) * torch.tensor([width, height])).clamp(min=0)
        parsed = gk.parse_points(gk.render_points(points, name, image_hw, None, resized_hw), name)
        assert not parsed.problems or (not shares and [problem.kind for problem in parsed.problems] == ["none"])
        bound_xy = gk.FORMATS[name].error_bound(image_hw, resized_hw)
        assert within(parsed.to_pixels(image_hw, resized_hw), points, bound_xy)

    @pytest.mark.parametrize("name", BOXES)
    def test_the_bound_is_reached(self, name):
        """Numbers 0.49 of a step above a step move by just that on every axis: no smaller bound holds."""
        image_hw, resized_hw = (600, 1200), (300, 600)
        row = gk.FORMATS[name]
        frame, step = row.frame(image_hw, resized_hw), 10**-row.decimals
        canvas = torch.tensor([frame.hw[1], frame.hw[0]], dtype=torch.float64)
        numbers = torch.cat([canvas * 0.3, canvas * 0.6])
        boxes = frame.to_pixels(((numbers / step).floor() * step + 0.49 * step)[None])
        said = gk.render_boxes(boxes, name, image_hw, None, resized_hw)
        moved = (gk.parse_boxes(said, name).to_pixels(image_hw, resized_hw) - boxes).abs()
        bound = torch.tensor(row.error_bound(image_hw, resized_hw) * 2, dtype=torch.float64)
        assert torch.allclose(moved, 0.98 * bound, rtol=0, atol=1e-3)

    @given(st.sampled_from(BOXES), st.lists(label, min_size=1, max_size=4))
    def test_labels(self, name, labels):
        boxes = torch.tensor([[1.0, 2, 30, 40]]).repeat(len(labels), 1)
        parsed = gk.parse_boxes(gk.render_boxes(boxes, name, (48, 64), labels, (48, 64)), name)
        assert parsed.labels == tuple(said.strip() for said in labels)
        assert parsed.problems == ()

    @given(st.sampled_from(POINTS), st.lists(label, min_size=1, max_size=4))
    def test_labels_of_points(self, name, labels):
        points = torch.tensor([[1.0, 2]]).repeat(len(labels), 1)
        parsed = gk.parse_points(gk.render_points(points, name, (48, 64), labels, (48, 64)), name)
        assert parsed.labels == tuple(said.strip() for said in labels)

    def test_reading_in_another_frame_goes_wrong_without_a_problem(self):
        """Why a frame belongs to a format: pixels read as thousandths are good JSON and a wrong box."""
        boxes = torch.tensor([[64.0, 120.0, 320.0, 480.0]])
        said = gk.render_boxes(boxes, "qwen2_5_vl", (480, 640), None, (480, 640))
        wrong = gk.parse_boxes(said, "qwen3_vl")
        assert wrong.problems == ()
        assert not within(wrong.to_pixels((480, 640)), boxes, (10, 10))


def possible_by_frames(answers, image_hw, resized_hw):
    side, photo = max(image_hw), Frame.of_image(image_hw)
    frames = {
        "pixels": photo.resize(resized_hw),
        "thousandths": photo.resize((1000.0, 1000.0)),
        "square": photo.pad((side, side)).resize((1000.0, 1000.0)),
    }
    found = []
    for name in ("pixels", "pixels, y first", "thousandths", "thousandths, y first", "square"):
        frame = frames[name.partition(",")[0]]
        numbers = torch.tensor(answers).double().reshape(-1, 2, 2)
        points = (numbers.flip(-1) if "y first" in name else numbers).flatten(0, 1)
        inside = frame.from_pixels(torch.tensor([[0.0, 0, image_hw[1], image_hw[0]]]).double())[0]
        if ((points >= inside[:2] - 1 - 1e-6) & (points <= inside[2:] + 1 + 1e-6)).all():
            found.append(name)
    return found


def possible_by_loop(answers, image_hw, resized_hw):
    (h, w), (rh, rw) = image_hw, resized_hw
    empty_x, empty_y = max(h - w, 0) / 2, max(w - h, 0) / 2
    k = 1000 / max(h, w)
    ok = dict.fromkeys(("pixels", "pixels, y first", "thousandths", "thousandths, y first", "square"), True)
    for a, b, c, d in answers:
        for first, second in ((a, b), (c, d)):
            ok["pixels"] &= first <= rw + 1 and second <= rh + 1
            ok["pixels, y first"] &= first <= rh + 1 and second <= rw + 1
            ok["thousandths"] &= max(first, second) <= 1001
            ok["thousandths, y first"] &= max(first, second) <= 1001
            ok["square"] &= k * empty_x - 1 <= first <= k * (empty_x + w) + 1
            ok["square"] &= k * empty_y - 1 <= second <= k * (empty_y + h) + 1
    return [name for name, still in ok.items() if still]


def read_box_by_split(text):
    if "<box>" not in text:
        return "none"
    last = text.split("<box>")[-1]
    if "</box>" not in last:
        return "truncated"
    digits = "".join(c if c in "0123456789" else " " for c in last.split("</box>")[0]).split()
    if len(digits) != 4:
        return "count"
    a, b, c, d = map(int, digits)
    return "outside" if max(a, b, c, d) >= 1000 else [min(a, c), min(b, d), max(a, c), max(b, d)]


def read_box_by_pattern(text):
    start = text.rfind("<box>")
    if start < 0:
        return "none"
    closed = re.match("(.*?)</box>", text[start + 5 :], re.DOTALL)
    if closed is None:
        return "truncated"
    numbers = np.array([int(digits) for digits in re.findall(r"[0-9]+", closed[1])], dtype=object)
    if len(numbers) != 4:
        return "count"
    corners = numbers.reshape(2, 2)
    box = [*corners.min(0).tolist(), *corners.max(0).tolist()]
    return box if box[2] < 1000 and box[3] < 1000 else "outside"


def spoiled_as_text(box, place):
    at, found = 3 - len(str(place)), []
    for i in range(4):
        text = f"{box[i]:03d}"
        for digit in "0123456789":
            changed = [*box]
            changed[i] = int(text[:at] + digit + text[at + 1 :])
            if changed != box:
                found.append(changed)
    return found


def spoiled_on_tensors(box, place):
    numbers = torch.tensor(box)
    without = numbers - numbers // place % 10 * place
    wanted = without[:, None] + torch.arange(10) * place  # 4 10
    table = numbers.repeat(4, 10, 1)
    table[torch.arange(4), :, torch.arange(4)] = wanted
    return table[wanted != numbers[:, None]].tolist()


def leaders_by_numpy(a, b, picture, thresholds):
    words = []
    for at in thresholds:
        sums = dict.fromkeys(picture.tolist(), 0.0)
        for one, first, second in zip(picture.tolist(), a.tolist(), b.tolist(), strict=True):
            sums[one] += (first >= at) - (second >= at)
        rows = np.random.default_rng(3).choice(np.array(list(sums.values())), (3000, len(sums))).sum(1)
        low, high = np.percentile(rows, [2.5, 97.5])
        words.append("undecided" if low <= 0 <= high else "a" if low > 0 else "b")
    return words


def leaders_by_sign(a, b, picture, thresholds):
    generator, words = torch.Generator().manual_seed(5), []
    number = picture.unique(return_inverse=True)[1]
    for at in thresholds:
        sums = torch.bincount(number, weights=a.ge(at).double() - b.ge(at).double())
        drawn = torch.randint(len(sums), (2000, len(sums)), generator=generator)
        ends = sums[drawn].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=torch.double))
        signs = {math.copysign(1, end) if end else 0.0 for end in ends.tolist()}
        words.append({1.0: "a", -1.0: "b"}.get(signs.pop(), "undecided") if len(signs) == 1 else "undecided")
    return words


RIGHT_ANSWERS = {
    "05.possible": (possible_by_frames, possible_by_loop),
    "05.read_box": (read_box_by_split, read_box_by_pattern),
    "05.spoiled": (spoiled_as_text, spoiled_on_tensors),
    "05.leaders": (leaders_by_numpy, leaders_by_sign),
}


TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
