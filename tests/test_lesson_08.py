"""The exercises of lesson 08 are sound: right answers pass however they are written, mistakes fail by their name."""

import math

import numpy as np
import torch
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.segment_anything import EXERCISES
from gk_utils.segment_anything.mini_sam import frame_of


def by_frames(row, column, image_hw, side):
    """The course's own frames; sides round to whole pixels there, so only for pictures whose sides do not."""
    height, width = image_hw
    factor = side / max(image_hw)
    if any((factor * length) % 1 for length in image_hw):
        return [factor * column + (factor - 1) / 2, factor * row + (factor - 1) / 2]
    frame = frame_of((height, width), side)
    x, y, *_ = frame.from_pixels(torch.tensor([column + 0.5, row + 0.5] * 2, dtype=torch.float64)).tolist()
    return [x - 0.5, y - 0.5]


def by_whole_fractions(row, column, image_hw, side):
    longest = 2 * (image_hw[0] if image_hw[0] > image_hw[1] else image_hw[1])
    return [((2 * index + 1) * side - longest / 2) / longest for index in (column, row)]


def pick_by_sorting(areas, said, margin, want):
    rows = [(area, score, number) for number, (area, score) in enumerate(zip(areas, said, strict=True)) if area]
    rows.sort(key=lambda row: -row[1])
    if not rows:
        return -1
    kept = [row for row in rows if rows[0][1] - row[1] <= margin]
    sizes = [row[0] for row in kept]
    size = max(sizes) if want == "whole" else min(sizes)
    return next(number for area, _, number in kept if area == size)


def pick_in_torch(areas, said, margin, want):
    area, score = torch.tensor(areas, dtype=torch.double), torch.tensor(said, dtype=torch.double)
    filled = area > 0
    if not bool(filled.any()):
        return -1
    keep = filled & (score >= score[filled].max() - margin)
    value = area if want == "whole" else -area
    most = keep & (value == value[keep].max())
    return int(torch.where(most, score, torch.tensor(-math.inf, dtype=torch.double)).argmax())


def flood(mask):
    """Regions by flooding, in the order of their first pixel."""
    left, regions = {tuple(at) for at in np.argwhere(mask)}, []
    while left:
        waiting, region = [min(left)], set()
        left.discard(waiting[0])
        while waiting:
            y, x = waiting.pop()
            region.add((y, x))
            for at in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if at in left:
                    left.discard(at)
                    waiting.append(at)
        regions.append(region)
    return regions


def click_by_flooding(said, truth):
    said, truth = said.tolist(), truth.tolist()
    said, truth = np.array(said), np.array(truth)
    listed = [(region, True) for region in flood(truth & ~said)] + [(region, False) for region in flood(said & ~truth)]
    sizes = [len(region) for region, _ in listed]
    region, on = listed[sizes.index(max(sizes))] if listed else ({tuple(at) for at in np.argwhere(truth)}, True)
    height, width = truth.shape
    outside = [(y, x) for y in range(-1, height + 1) for x in range(-1, width + 1) if (y, x) not in region]

    def depth(at):
        return min((at[0] - y) ** 2 + (at[1] - x) ** 2 for y, x in outside)

    y, x = max(sorted(region), key=depth)
    return x + 0.5, y + 0.5, on


def click_by_shrinking(said, truth):
    from scipy.ndimage import distance_transform_edt, label

    best, answer = 0, None
    for kind in (True, False):
        wrong = ((truth if kind else said) & ~(said if kind else truth)).numpy()
        regions, count = label(wrong)
        for number in range(1, count + 1):
            if (regions == number).sum() > best:
                best, answer = (regions == number).sum(), ((regions == number), kind)
    region, kind = answer if answer else (truth.numpy(), True)
    framed = np.zeros((region.shape[0] + 2, region.shape[1] + 2), bool)
    framed[1:-1, 1:-1] = region
    row, column = divmod(int(distance_transform_edt(framed).argmax()), framed.shape[1])
    return [column - 0.5, row - 0.5, kind]


def calibration_in_numpy(said, true, bins):
    if not said:
        return 0.0
    said, true = np.clip(said, 0, 1), np.array(true)
    number = np.minimum((said * bins).astype(int), bins - 1)
    gaps = np.bincount(number, said - true, bins)
    return float(np.abs(gaps).sum() / len(said))


def calibration_by_edges(said, true, bins):
    total, pairs = 0.0, [(min(1, max(0, s)), t) for s, t in zip(said, true, strict=True)]
    for k in range(bins):
        low, high = k / bins, (k + 1) / bins if k + 1 < bins else 2
        members = [(s, t) for s, t in pairs if low <= s < high]
        if members:
            mean_said = sum(s for s, _ in members) / len(members)
            mean_true = sum(t for _, t in members) / len(members)
            total += len(members) / len(pairs) * abs(mean_said - mean_true)
    return total


RIGHT_ANSWERS = {
    "08.to_model": [by_frames, by_whole_fractions],
    "08.pick_reading": [pick_by_sorting, pick_in_torch],
    "08.next_click": [click_by_flooding, click_by_shrinking],
    "08.calibration_error": [calibration_in_numpy, calibration_by_edges],
}

TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
