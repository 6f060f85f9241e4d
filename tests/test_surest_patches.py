import pytest
import torch
from some_talk import some_views

from gk_utils.countertop.render import render
from gk_utils.models.trunk import LABELS, Seen
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.shikra.surest_patches import FAINT, Look, choose_patches, join_looks, prefix_width, see_patches
from gk_utils.shikra.talk_tokens import waves


def seen_of(sure: list[float], boxes: list[list[float]]) -> Seen:
    """A picture whose patches give these shares to "there is a thing", with these boxes."""
    shares = torch.tensor(sure)
    return Seen(
        torch.zeros(1, len(sure), 2),
        torch.tensor([boxes]),
        {"category": torch.stack([(1 - shares).log(), shares.log()], -1)[None]},
    )


class TestChoosePatches:
    def test_each_thing_in_turn(self):
        large, small = [0.0, 0.0, 0.5, 0.5], [0.6, 0.6, 0.7, 0.7]
        seen = seen_of([0.99, 0.98, 0.97, 0.6, 0.1], [large, large, large, small, small])
        chosen, there = choose_patches(seen, 2)
        assert chosen.tolist() == [[0, 3]]
        assert there.all()
        assert choose_patches(seen, 3)[0].tolist() == [[0, 1, 3]]

    def test_padding(self):
        chosen, there = choose_patches(seen_of([0.9, 0.2], [[0.0, 0.0, 1.0, 1.0]] * 2), 3)
        assert there.tolist() == [[True, False, False]]
        assert chosen[0, 0] == 0


@pytest.fixture(scope="module")
def trunk():
    return frozen_trunk("trunk_small")


class TestSeePatches:
    def test_equals_a_loop(self, trunk):
        views = some_views(2)
        images = render([view.scene for view in views]).images
        look, seen = see_patches(trunk, images, 12), trunk.see(images)
        chosen, there = choose_patches(seen, 12)
        assert look.features.shape == (2, 12, prefix_width(trunk))
        for row in range(2):
            for place in range(12):
                if there[row, place]:
                    patch = chosen[row, place]
                    where = torch.cat([seen.boxes_unit[row, patch].clamp(0, 1), trunk.centres_unit[patch]])
                    says = [seen.labels[name][row, patch].softmax(-1) for name in LABELS]
                    expected = torch.cat([FAINT * seen.features[row, patch], *says, waves(where).flatten()])
                    torch.testing.assert_close(look.features[row, place], expected)
                    torch.testing.assert_close(look.boxes_unit[row, place], seen.boxes_unit[row, patch])
                else:
                    assert not look.features[row, place].any()

    def test_every_thing_is_there(self, trunk):
        views = some_views()
        look = see_patches(frozen_trunk("trunk"), render([view.scene for view in views]).images, 40)
        for row, view in enumerate(views):
            for index in view.seen:
                apart = (look.boxes_unit[row][look.seen[row]] - torch.tensor(view.boxes[index])).abs().sum(-1)
                assert apart.min() < 0.2

    def test_looks_are_cut_and_joined(self, trunk):
        look = see_patches(trunk, torch.rand(3, 3, 128, 128), 4)
        again = join_looks([look[:1], look[1:]])
        assert len(again) == 3
        assert again.features.equal(look.features)
        assert isinstance(look.blind(), Look)
        assert not look.blind().seen.any()
