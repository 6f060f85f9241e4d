"""The exercise 01.which_frame: cases, and the mistakes that have a name."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import boxes as gk
from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import PHOTO_HW, boxes_of, random_boxes
from gk_utils.classroom.mistakes import (
    hw_swapped,
    on_result,
    written,
)
from gk_utils.frames import Frame

FRAMES = ("pixels", "unit", "thousand", "square unit")


def frames_of(image_hw: tuple[int, int], placement: str = "centre") -> dict[str, Frame]:
    """The four frames that the exercise tells apart."""
    photo, side = Frame.of_image(image_hw), max(image_hw)
    square = photo.pad((side, side), placement)
    return {"pixels": photo, "unit": photo.unit(), "thousand": photo.resize((1000, 1000)), "square unit": square.unit()}


def mystery_answers(rng: np.random.Generator) -> list[Case]:
    """Boxes that a model said in one of the frames: by hand, then a little off, sometimes with one plainly wrong."""
    truth = boxes_of([60, 40, 240, 200])
    cases: list[Case] = [(frames_of(PHOTO_HW)[name].from_pixels(truth), truth, PHOTO_HW) for name in FRAMES]
    # nearly 1000 wide, and in the upper part: there the thousand of the picture and that of the square change places
    truth = boxes_of([100, 20, 300, 80], [500, 60, 900, 160])
    cases.append((frames_of((800, 1000))["thousand"].from_pixels(truth), truth, (800, 1000)))
    # numbers above the picture's size, yet in pixels: the model drew past the right border
    truth = boxes_of([400, 100, 500, 300], [100, 50, 300, 250])
    cases.append((truth + boxes_of([0, 0, 120, 0], [0, 0, 0, 0]), truth, (400, 500)))
    # one box fits another frame exactly, by chance; the mean still tells
    truth = boxes_of([60, 40, 240, 200], [300, 100, 500, 220], [100, 250, 200, 390], [420, 240, 580, 380])
    said = frames_of(PHOTO_HW)["unit"].from_pixels(truth + boxes_of([8, 8, 8, 8]))
    said[3] = frames_of(PHOTO_HW)["square unit"].from_pixels(truth[3])
    cases.append((said, truth, PHOTO_HW))
    # every box a third too wide, so that none reaches 0.75, and one exact; the middle one and the count mislead
    truth = boxes_of(
        [60, 40, 160, 140], [200, 40, 300, 140], [60, 200, 160, 300], [200, 200, 300, 300], [350, 90, 450, 190]
    )
    said = truth + boxes_of([0, 0, 92, 0])
    said[3:] = frames_of(PHOTO_HW)["thousand"].from_pixels(truth[3:])
    cases.append((said, truth, PHOTO_HW))
    for image_hw in [(400, 600), (600, 400), (300, 900), (500, 741)]:
        for name in FRAMES:
            truth = random_boxes(rng, 6, image_hw)
            centre, size_wh = (truth[:, :2] + truth[:, 2:]) / 2, (truth[:, 2:] - truth[:, :2]) + 20
            truth = torch.cat([centre - size_wh / 2, centre + size_wh / 2], 1)
            said = truth + torch.from_numpy(rng.normal(0, 2, truth.shape)).float()
            said = torch.cat([said[:, :2], torch.maximum(said[:, 2:], said[:, :2] + 1)], 1)
            if len(cases) % 2:
                said[0] = random_boxes(rng, 1, image_hw)[0]
            cases.append((frames_of(image_hw)[name].from_pixels(said), truth, image_hw))
    return cases


def pick_frame(judge=Tensor.mean, placement: str = "centre", other=lambda photo, side: {}):
    """A function that picks the frame whose reading `judge` likes best, given the IoU of each box.

    `other` gives the frames that it gets wrong, from the picture's frame and its longer side.
    """

    def which(boxes_said: Tensor, truth: Tensor, image_hw: tuple[int, int]) -> str:
        frames = frames_of(image_hw, placement) | other(Frame.of_image(image_hw), max(image_hw))
        return max(frames, key=lambda name: float(judge(gk.paired_iou(frames[name].to_pixels(boxes_said), truth))))

    return which


def wrong_way(boxes_said: Tensor, truth: Tensor, image_hw: tuple[int, int]) -> str:
    """The frame that fits best when each is walked in the wrong direction."""
    frames = frames_of(image_hw)
    return max(frames, key=lambda name: float(gk.paired_iou(frames[name].from_pixels(boxes_said), truth).mean()))


def by_largest(boxes_said: Tensor, truth: Tensor, image_hw: tuple[int, int]) -> str:
    """The frame guessed from the largest number, the unit frames told apart by IoU."""
    if boxes_said.max() > 2:
        return "thousand" if boxes_said.max() > max(image_hw) else "pixels"
    frames = frames_of(image_hw)
    return max(("unit", "square unit"), key=lambda name: _fit(frames[name], boxes_said, truth))


def draw_reading(case: Case, expected: str, got: object) -> Figure | None:
    """The truth, and the boxes as the learner's frame reads them beside; nothing if that is no frame's name."""
    boxes_said, truth, image_hw = case
    if not isinstance(got, str) or got not in FRAMES:
        return None
    read = gk.clip_boxes(frames_of(image_hw)[got].to_pixels(boxes_said), image_hw)
    fits = [_fit(frames_of(image_hw)[name], boxes_said, truth) for name in (got, expected)]
    title = f"Read as {got!r}: mean IoU {fits[0]:.2f}. Read as {expected!r}: {fits[1]:.2f}"
    yours, names = ["yours", *[""] * (len(truth) - 1)], ["truth", *[""] * (len(truth) - 1)]
    return viz.draw_plane(read, yours, extent_hw=image_hw, truth=truth, truth_labels=names, title=title)


def _fit(frame: Frame, boxes_said: Tensor, truth: Tensor) -> float:
    return float(gk.paired_iou(frame.to_pixels(boxes_said), truth).mean())


WHICH_FRAME = Exercise(
    "01.which_frame",
    mystery_answers,
    mistakes=(
        written(
            "the worst frame returned",
            "You want the largest mean IoU: max, not min.",
            pick_frame(lambda iou: -iou.mean()),
        ),
        written(
            "judged by the first box alone",
            "One box may be wrong in any frame: average over all.",
            pick_frame(lambda iou: iou[0]),
        ),
        written(
            "no equal border on both sides",
            'pad((side, side)) puts the picture in the centre. resize would stretch it, "corner" push it to one side.',
            pick_frame(placement="corner"),
        ),
        written(
            "the frames walked the wrong way",
            "from_pixels goes into a frame. The boxes are in it already: read them with to_pixels.",
            wrong_way,
        ),
        written(
            "the thousand laid over the square",
            '"thousand" runs over the picture itself: resize((1000, 1000)), without a border.',
            pick_frame(other=lambda photo, side: {"thousand": photo.fit((1000, 1000))}),
        ),
        written(
            "judged by the largest number",
            "A box may leave the picture, and a picture may be near 1000 px wide. Read in all four frames and compare.",
            by_largest,
        ),
        written("judged by the best box", "One box may fit by chance: average over all.", pick_frame(Tensor.max)),
        written("judged by the worst box", "One box may be plainly wrong: average over all.", pick_frame(Tensor.min)),
        written("the median in place of the mean", "The mean IoU is asked for.", pick_frame(Tensor.median)),
        written(
            "judged by Acc@0.5",
            "A threshold hides how well the boxes fit: take the mean IoU.",
            pick_frame(lambda iou: (iou >= 0.5).float().mean()),
        ),
        written(
            "the largest name returned",
            "max(fits) compares the names, as in a dictionary. Tell it what to compare: max(fits, key=fits.get).",
            lambda boxes_said, truth, image_hw: max(FRAMES),
        ),
        on_result(
            "the name spelled in another way",
            'Copy the four names from the stub; there is a space in "square unit".',
            lambda name: name.replace(" ", "_"),
        ),
        hw_swapped(2),
    ),
    draw=draw_reading,
)
