"""Two detectors, two sets of data, two pupils."""

import pytest
import torch

from gk_utils.kosmos2.grit_audit import draw_captioned
from gk_utils.kosmos2.taught_by import Taught, bag, compare_teachers, examine, lessons_of, look_at, spoil, teach
from gk_utils.models.trunk_grounder import TrunkGrounder, frozen_trunk
from gk_utils.protocols import Grounding


class Guesses:
    """A grounder that always says the middle."""

    def ground(self, image, phrase):
        return Grounding(torch.tensor([[40.0, 40.0, 80.0, 80.0]]), torch.ones(1), phrase, False, (128, 128))


@pytest.fixture(scope="module")
def pictures():
    return draw_captioned(12)


class TestBag:
    def test_order_is_lost(self):
        assert torch.equal(bag(["left of the mug"]), bag(["the mug of left, unicorn"]))


class TestTeach:
    def test_learns_what_it_is_taught(self, pictures):
        seeing = look_at(torch.stack([picture.image for picture in pictures]))
        lessons = []
        for number, picture in enumerate(pictures):
            mark = picture.said.phrases[1]
            box = (picture.boxes[mark.referents[0]] / 128).tolist()
            lessons.append(Taught(number, picture.said.text[mark.start : mark.end], tuple(box)))
        pupil = teach(seeing, lessons, steps=60)
        best = pupil(seeing.features, bag([one.phrase for one in lessons])).argmax(1)
        boxes = seeing.boxes_unit[torch.arange(len(best)), best]
        apart = (boxes - torch.tensor([one.box_unit for one in lessons])).abs().amax(1)
        assert (apart < 0.1).float().mean() > 0.6

    def test_the_same_seed_the_same_pupil(self, pictures):
        seeing = look_at(torch.stack([picture.image for picture in pictures[:2]]))
        lessons = [Taught(0, "a mug", (0.1, 0.1, 0.5, 0.5))]
        first, second = (teach(seeing, lessons, steps=3).word.weight for _ in range(2))
        assert torch.equal(first, second)

    def test_nothing_to_learn_from(self, pictures):
        with pytest.raises(ValueError, match="lessons: expected at least one"):
            teach(look_at(pictures[0].image[None]), [])


class TestSpoil:
    def test_so_many_are_moved_and_none_is_new(self):
        lessons = [Taught(k, f"thing {k}", (k / 20, 0.0, 1.0, 1.0)) for k in range(20)]
        for share, moved in ((0.0, 0), (0.5, 10), (1.0, 20)):
            found = spoil(lessons, share)
            assert sum(a.box_unit != b.box_unit for a, b in zip(lessons, found, strict=True)) == moved
            assert sorted(one.box_unit for one in found) == sorted(one.box_unit for one in lessons)
            assert [(a.picture, a.phrase) for a in lessons] == [(b.picture, b.phrase) for b in found]


class TestCompareTeachers:
    def test_a_teacher_that_guesses(self, pictures):
        finders = {"guesses": Guesses(), "trunk_small": TrunkGrounder(frozen_trunk("trunk_small"))}
        reports = compare_teachers(finders, pictures, steps=10, limit=20, chunker="course")
        assert reports["guesses"].data.precision < reports["trunk_small"].data.precision
        assert all(report.lessons > 0 and 0 <= report.accuracy <= 1 for report in reports.values())
        assert len(reports["guesses"].right) == 20

    def test_lessons_are_the_rows(self, pictures):
        assert lessons_of([]) == []


class TestExamine:
    def test_an_untaught_pupil(self, pictures):
        seeing = look_at(pictures[0].image[None])
        pupil = teach(seeing, [Taught(0, "a mug", (0.1, 0.1, 0.5, 0.5))], steps=1)
        assert sum(examine(pupil, 20)) < 15
