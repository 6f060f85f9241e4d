import torch
from some_talk import SETTINGS, some_views

from gk_utils.countertop.render import render
from gk_utils.models.trunk_grounder import frozen_trunk
from gk_utils.shikra.aligned_start import PLACE, WORD, box_maps, label_words
from gk_utils.shikra.shikra_recipe import build
from gk_utils.shikra.surest_patches import SAYS, see_patches
from gk_utils.shikra.talk_tokens import TalkTokens, waves

TOKENS = TalkTokens()


class TestAlign:
    def test_a_patch_begins_near_the_words_of_its_thing(self):
        """The best words for a patch, among all colours and all categories, are those of its thing."""
        torch.manual_seed(0)
        model = build({**SETTINGS, "trunk": "trunk", "width": 128, "heads": 4})
        views = some_views(3)
        look = see_patches(frozen_trunk("trunk"), render([view.scene for view in views]).images, 10)
        scores = model.projector(look.features) @ model.embedding.weight.T
        right = []
        for row, view in enumerate(views):
            for index in view.seen:
                apart = (look.boxes_unit[row] - torch.tensor(view.boxes[index])).abs().sum(-1)
                patch, thing = int(apart.argmin()), view.scene.things[index]
                for name in ("category", "colour"):
                    values = {
                        value: TOKENS.encode(value)[0] for value in {getattr(each, name) for each in view.scene.things}
                    }
                    said = max(values, key=lambda value: scores[row, patch, values[value]])
                    right.append(said == getattr(thing, name))
        assert sum(right) / len(right) > 0.8

    def test_a_narrow_model_is_left_as_it_is(self):
        assert build(SETTINGS).layers[0].value.weight.diagonal().mean() < 0.9


class TestLabelWords:
    def test_lengths(self):
        words = label_words(torch.randn(len(TOKENS), 32), TOKENS)
        assert words.shape == (32, SAYS)
        lengths = words.norm(dim=0)
        assert int((lengths == 0).sum()) == 3
        torch.testing.assert_close(lengths[lengths > 0], torch.full((SAYS - 3,), WORD))


class TestBoxMaps:
    def test_near_boxes_are_alike(self):
        maps = box_maps(256, torch.Generator().manual_seed(0))
        box, near, far = (waves(torch.tensor(each)).flatten() for each in ([0.1] * 4, [0.11] * 4, [0.7] * 4))
        first, second, third = (maps @ each for each in (box, near, far))
        assert first @ second > 2 * (first @ third).abs()
        assert 0.5 < first.norm() / (2 * PLACE) < 1.5
