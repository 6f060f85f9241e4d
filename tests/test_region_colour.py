import pytest
import torch

from gk_utils.grounded_sam.region_colour import COLOURS, colour_shares

ALL = torch.ones(1, 1, dtype=torch.bool)
EXAMPLES = {
    **{"black": (0.1, 0.1, 0.12), "white": (0.97, 0.96, 0.94), "grey": (0.5, 0.5, 0.52), "red": (0.82, 0.22, 0.2)},
    **{"orange": (0.95, 0.55, 0.16), "brown": (0.45, 0.27, 0.12), "yellow": (0.98, 0.83, 0.28)},
    **{"green": (0.22, 0.59, 0.4), "blue": (0.2, 0.44, 0.76), "purple": (0.5, 0.2, 0.7), "pink": (0.95, 0.62, 0.74)},
}


class TestColourShares:
    @pytest.mark.parametrize("name", COLOURS)
    def test_one_colour(self, name):
        assert colour_shares(torch.tensor(EXAMPLES[name])[:, None, None], ALL) == {name: 1.0}

    def test_shares_of_the_mask_alone(self):
        image = torch.tensor([EXAMPLES["red"], EXAMPLES["blue"], EXAMPLES["blue"], EXAMPLES["green"]]).T[:, None]
        mask = torch.tensor([[True, True, True, False]])
        assert colour_shares(image, mask) == {"blue": pytest.approx(2 / 3), "red": pytest.approx(1 / 3)}

    def test_an_empty_mask(self):
        assert colour_shares(torch.zeros(3, 1, 1), ~ALL) == {}

    def test_the_countertop(self):
        """Plain things of the synthetic world are mostly of the colour they are called; training seeds."""
        from gk_utils.countertop.render import render
        from gk_utils.countertop.scene import draw_scenes

        scenes = draw_scenes(range(20), n=6)
        seen = render(scenes)
        hits = []
        for row, scene in enumerate(scenes):
            for index, thing in enumerate(scene.things):
                if thing.pattern == "plain" and seen.masks[row, index].sum() > 100:
                    hits.append(colour_shares(seen.images[row], seen.masks[row, index]).get(thing.colour, 0) >= 0.3)
        assert len(hits) > 30
        assert sum(hits) / len(hits) > 0.8
