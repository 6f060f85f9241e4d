import itertools

import pytest
import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.mini_sam import MiniSegmenter, build_sam
from gk_utils.segment_anything.sam_measure import (
    SCENES,
    Measured,
    Wanted,
    join_measured,
    measure_one,
    measure_prompts,
    scenes_of_split,
    targets_of_split,
)


@pytest.fixture(scope="module")
def sam() -> torch.nn.Module:
    return perturbed(build_sam({**TINY, "image_side": 256, "patch": 32}))


@pytest.fixture(scope="module")
def wanted() -> Wanted:
    found = list(itertools.chain(*targets_of_split("val", 40)))
    return next(one for one in found if one.several.any())


def some_measured(k: int = 3) -> Measured:
    point = torch.tensor([[0.2, 0.9, 0.5]]).expand(k, 3)
    said = torch.tensor([[0.1, 0.3, 0.7]]).expand(k, 3)
    half = torch.full((k,), 0.5)
    return Measured(
        **{"picture": torch.arange(k), "side": 40 * half, "storeys": torch.zeros(k).long(), "several": half > 1},
        **{"box": half, "box_said": 1.4 * half, "box_readings": point, "point": point, "point_said": said},
        point_single=half,
    )


class TestMeasured:
    def test_by_hand(self):
        measured = some_measured()
        assert_close(measured.best, torch.full((3,), 0.9))
        assert_close(measured.chosen, torch.full((3,), 0.5))
        assert_close(measured.quality_errors, torch.full((3,), 0.2))  # 0.7 for 0.5, both times

    def test_means(self):
        want = {"miou_box": 0.5, "miou_point": 0.9, "miou_point_chosen": 0.5, "iou_head_mae": 0.2}
        assert some_measured().means() == want


class TestScenesOfSplit:
    def test_each_once(self):
        seeds = [scene.seed for scene in itertools.islice(scenes_of_split("val"), 30)]
        assert len(set(seeds)) == 30


class TestTargetsOfSplit:
    def test_stops_at_a_whole_picture(self):
        counts = [len(one.readings) for one in itertools.chain(*targets_of_split("val", 30))]
        assert sum(counts[:-1]) < 30 <= sum(counts)

    def test_some_pictures_at_a_time(self):
        batches = list(targets_of_split("val", 60))
        assert max(map(len, batches)) <= SCENES < sum(map(len, batches))

    def test_targets_are_what_they_say(self, wanted):
        x, y = wanted.clicks.long().unbind(1)
        assert wanted.truth[torch.arange(len(x)), y, x].all()
        for mask, box in zip(wanted.truth, wanted.boxes, strict=True):
            rows, columns = mask.nonzero().unbind(1)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        several = [reading.clicked for reading, also in zip(wanted.readings, wanted.several, strict=True) if also]
        assert len(several) > len(set(several))


class TestMeasureOne:
    def test_is_what_the_segmenter_answers(self, sam, wanted):
        measured = measure_one(sam, sam.embed(wanted.image[None])[0].detach(), wanted)
        segmenter = MiniSegmenter(sam)
        segmenter.set_image(wanted.image)
        for given, name in (({"boxes": wanted.boxes}, "box"), ({"points": wanted.clicks[:, None] + 0.5}, "chosen")):
            masks = segmenter.segment(**given).masks
            iou = [((a & b).sum() / (a | b).sum()).item() for a, b in zip(masks, wanted.truth, strict=True)]
            assert_close(getattr(measured, name), torch.tensor(iou), atol=2e-3, rtol=0)


class TestMeasurePrompts:
    def test_a_smaller_model_sees_the_same_pictures(self):
        measured = measure_prompts(perturbed(build_sam(TINY)), "val", 9)
        assert len(measured.picture) == sum(len(one.readings) for one in itertools.chain(*targets_of_split("val", 9)))


class TestJoinMeasured:
    def test_one_after_the_other(self):
        assert len(join_measured([some_measured(2), some_measured(3)]).best) == 5
