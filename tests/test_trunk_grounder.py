import pytest
import torch
from torch.testing import assert_close

from gk_utils import checkpoints
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.models import trunk_grounder
from gk_utils.models.trunk import Asked, Seen
from gk_utils.models.trunk_grounder import (
    NAMES,
    TrunkGrounder,
    check_weights,
    frozen_trunk,
    letterbox,
    load_grounder,
    weights_of,
)
from gk_utils.models.trunk_recipe import build
from gk_utils.protocols import Grounder

SETTINGS = {"words": ("mug", "red", "the"), "image_side": 32, "patch": 8, "width": 24, "heads": 2, "joint_layers": 2}


@pytest.fixture
def trunk():
    torch.manual_seed(0)
    return build(SETTINGS)


def scripted(trunk, logits: dict[int, float], boxes_unit: dict[int, list[float]], none: float = -9.0):
    """A trunk whose patches answer what a test says: logits and boxes by patch."""
    p = trunk.grid_hw[0] * trunk.grid_hw[1]
    answer, boxes = torch.full((1, p + 1), -20.0), torch.zeros(1, p, 4)
    answer[0, -1] = none
    for patch, value in logits.items():
        answer[0, patch] = value
    for patch, box in boxes_unit.items():
        boxes[0, patch] = torch.tensor(box)
    trunk.see = lambda images: Seen(torch.zeros(1, p, 24), boxes, {})
    trunk.ask = lambda features, numbers: Asked(answer, torch.zeros(1, p, 2))
    return TrunkGrounder(trunk)


class TestFrozenTrunk:
    def test_it_does_not_learn_and_is_loaded_once(self):
        trunk = frozen_trunk()
        assert trunk is frozen_trunk("trunk_small", torch.device("cpu"))
        assert not trunk.training
        assert not any(parameter.requires_grad for parameter in trunk.parameters())

    def test_one_that_is_not_there(self):
        with pytest.raises(FileNotFoundError):
            frozen_trunk("trunk_of_oak")


class TestWeights:
    def test_the_shipped_weights_have_this_number(self):
        assert len(weights_of("trunk_small")) == 12
        assert checkpoints.load(SHIPPED / "trunk_small")[1].sha256.startswith(weights_of("trunk_small"))

    def test_a_head_on_other_weights_is_refused(self):
        card = Card("box_tokens", 0, 1, "CPU", 0.0, {"trunk": "0" * 12}, {})
        with pytest.raises(ValueError, match="the weights .{12} of trunk_small, got one for 0{12}.*train box_tokens"):
            check_weights(card, "trunk_small")

    def test_a_head_on_these_or_on_unnamed_weights_is_not(self):
        for metrics in ({"trunk": weights_of("trunk_small")}, {}):
            check_weights(Card("box_tokens", 0, 1, "CPU", 0.0, metrics, {}), "trunk_small")


class TestLetterbox:
    def test_a_wide_picture(self):
        image = torch.rand(3, 20, 40)
        square, frame = letterbox(image, 20)
        assert torch.equal(square[:, 10:], torch.full((3, 10, 20), 0.5))
        assert torch.allclose(square[:, :10].mean(), image.mean(), atol=0.02)
        assert torch.allclose(frame.to_pixels(torch.tensor([0.0, 0.0, 20.0, 10.0])), torch.tensor([0.0, 0, 40, 20]))

    @pytest.mark.parametrize("image_hw", [(32, 32), (7, 300), (301, 9), (1, 1), (33, 32)])
    def test_the_frame_matches_the_pixels(self, image_hw):
        """A white box drawn in the picture lies where the frame says that it does."""
        image = torch.zeros(3, *image_hw)
        square, frame = letterbox(image, 32)
        corners = frame.from_pixels(torch.tensor([0.0, 0.0, image_hw[1], image_hw[0]]))
        columns, rows = ((square[0] != 0.5).any(axis).sum().item() for axis in (0, 1))
        assert corners.tolist() == pytest.approx([0, 0, columns, rows], abs=1e-4)

    def test_the_size_of_the_model_stays(self):
        image = torch.rand(3, 32, 32)
        assert torch.allclose(letterbox(image, 32)[0], image, atol=1e-6)

    def test_no_pixels(self):
        with pytest.raises(ValueError, match="image: expected pixels, got 0 x 5"):
            letterbox(torch.zeros(3, 0, 5), 8)


class TestTrunkGrounder:
    def test_is_a_grounder(self, trunk):
        assert isinstance(TrunkGrounder(trunk), Grounder)

    def test_the_surest_patch_decides_in_the_pictures_own_pixels(self, trunk):
        """The picture is 100 wide and 50 high, so the square's upper half is the whole of it."""
        grounder = scripted(trunk, {5: 5.0, 6: 1.0}, {5: [0.1, 0.1, 0.3, 0.4], 6: [0.6, 0.1, 0.9, 0.4]})
        found = grounder.ground(torch.rand(3, 50, 100), "the mug")
        assert found.boxes[0].tolist() == pytest.approx([10, 10, 30, 40], abs=1e-3)
        assert found.image_hw == (50, 100)
        assert not found.absent

    def test_patches_of_one_thing_count_together(self, trunk):
        """Two patches of 0.3 with nearly one box beat one of 0.4 with another."""
        shares = {0: 0.3, 1: 0.3, 9: 0.4}
        boxes = {0: [0.0, 0, 0.5, 0.5], 1: [0.02, 0, 0.5, 0.5], 9: [0.6, 0.6, 0.9, 0.9]}
        logits = {patch: float(torch.tensor(share).log()) for patch, share in shares.items()}
        found = scripted(trunk, logits, boxes).ground(torch.rand(3, 32, 32), "the mug")
        assert found.scores.tolist() == pytest.approx([0.6, 0.4], abs=1e-3)
        assert found.boxes[0].tolist() == pytest.approx([0, 0, 16, 16], abs=1e-3)

    def test_absent(self, trunk):
        found = scripted(trunk, {3: 1.0}, {3: [0.0, 0, 1, 1]}, none=2.0).ground(torch.rand(3, 32, 32), "the mug")
        assert found.absent
        assert found.boxes.shape == (0, 4)

    def test_a_box_that_leaves_the_picture_is_cut(self, trunk):
        found = scripted(trunk, {3: 5.0}, {3: [-0.5, 0.2, 1.5, 0.9]}).ground(torch.rand(3, 10, 20), "the mug")
        assert found.boxes[0].tolist() == pytest.approx([0, 4, 20, 10], abs=1e-3)

    def test_the_map_sums_to_one(self, trunk):
        scores, found = TrunkGrounder(trunk).look(torch.rand(3, 40, 20), "the red mug")
        assert scores.shares.shape == (4, 4)
        assert scores.shares.sum().item() + scores.none == pytest.approx(1, abs=1e-5)
        assert scores.frame.from_pixels(torch.tensor([0.0, 0, 20, 40])).tolist() == pytest.approx([0, 0, 2, 4])
        assert found.phrase == "the red mug"

    def test_all_at_once_equals_one_by_one_and_sees_each_picture_once(self, trunk, monkeypatch):
        images = [torch.rand(3, 40, 20), torch.rand(3, 16, 30), torch.rand(3, 8, 8)]
        phrases = [["the red mug", "a cat"], ["leftmost plate on the book"], []]
        grounder, seen, see = TrunkGrounder(trunk), [], trunk.see
        alone = [[grounder.look(image, phrase) for phrase in each] for image, each in zip(images, phrases, strict=True)]
        monkeypatch.setattr(trunk_grounder, "AT_ONCE", 2)
        monkeypatch.setattr(trunk, "see", lambda squares: seen.append(len(squares)) or see(squares))
        for found, expected in zip(grounder.look_all(images, phrases), alone, strict=True):
            for (scores, grounding), (scores_alone, grounding_alone) in zip(found, expected, strict=True):
                assert_close(scores.shares, scores_alone.shares, atol=1e-6, rtol=1e-5)
                assert_close(grounding.boxes, grounding_alone.boxes, atol=1e-3, rtol=0)
                assert (grounding.phrase, grounding.absent) == (grounding_alone.phrase, grounding_alone.absent)
                assert grounding.image_hw == grounding_alone.image_hw
        assert seen == [3]
        assert grounder.ground_all([], []) == []
        assert grounder.ground_all(images[:1], [[]]) == [[]]

    def test_a_list_of_phrases_for_each_picture(self, trunk):
        with pytest.raises(ValueError, match="images"):
            TrunkGrounder(trunk).ground_all([torch.rand(3, 8, 8)], [])

    def test_a_phrase_without_words(self, trunk):
        with pytest.raises(ValueError, match="phrase: expected 1 to 64 words, got 0 in"):
            TrunkGrounder(trunk).ground(torch.rand(3, 8, 8), " ")


class TestLoadGrounder:
    def test_comes_back_as_it_was_saved(self, trunk, tmp_path):
        card = Card("trunk_small", 0, 1, "CPU", 0.1, {}, {**SETTINGS, "scenes": 3})
        checkpoints.save(trunk.state_dict(), tmp_path, card)
        grounder, found = load_grounder(tmp_path)
        image = torch.rand(3, 32, 32)
        assert found.settings["scenes"] == 3
        expected = TrunkGrounder(trunk).look(image, "red mug")[0].shares
        assert torch.equal(grounder.look(image, "red mug")[0].shares, expected)

    def test_what_the_course_ships(self):
        """The best one is taken, and it finds what a child would."""
        card = load_grounder()[1]
        assert card.recipe == next(name for name in NAMES if (SHIPPED / name).is_dir())
        assert card.metrics["acc@0.5"] > 0.3

    def test_another_kind_of_checkpoint(self, tmp_path):
        checkpoints.save({"w": torch.ones(1)}, tmp_path, Card("clip", 0, 1, "CPU", 0.1, {}))
        with pytest.raises(ValueError, match="checkpoint: expected a trunk, got 'clip'"):
            load_grounder(tmp_path)

    def test_none_at_all(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match="checkpoint: expected trunk or trunk_small in"):
            load_grounder()

    def test_a_damaged_one(self, trunk, tmp_path):
        card = checkpoints.save(trunk.state_dict(), tmp_path, Card("trunk", 0, 1, "CPU", 0.1, {}, dict(SETTINGS)))
        weights = tmp_path / card.weights
        weights.write_bytes(weights.read_bytes()[:-8])
        with pytest.raises(ValueError, match=r"weights-.*bytes"):
            load_grounder(tmp_path)
