import numpy as np

from gk_utils.countertop.scene import draw_scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.grounding_dino.prompt_names import draw_names

SCENES = [draw_scene(seed) for seed in range(200)]


def drawn():
    rng = np.random.default_rng(0)
    return [(scene, draw_names(scene, rng)) for scene in SCENES]


class TestDrawNames:
    def test_each_fits_what_has_its_noun_and_its_look(self):
        for scene, names in drawn():
            for name, fits in names.items():
                *look, category = name.split()
                of_category = scene.select(category=category)
                things = {index: scene.things[index] for index in of_category}
                looks = {index: {thing.colour, thing.size, thing.pattern} for index, thing in things.items()}
                assert list(fits) == [index for index in of_category if set(look) <= looks[index]]

    def test_a_look_leaves_some_of_its_category_out(self):
        left_out = sum(
            0 < len(fits) < len(scene.select(category=name.split()[-1]))
            for scene, names in drawn()
            for name, fits in names.items()
        )
        assert left_out > 20

    def test_the_shares(self):
        lists = [names for _, names in drawn()]
        whole = [set(names) == set(CATEGORIES) for names in lists]
        assert 0.4 < np.mean(whole) < 0.6
        adjectives = [
            len(name.split()) == 2
            for names, all_of_them in zip(lists, whole, strict=True)
            if not all_of_them
            for name in names
        ]
        assert 0.4 < np.mean(adjectives) < 0.75
        there = [bool(fits) for names in lists for name, fits in names.items() if " " in name]
        assert 0.1 < np.mean(there) < 0.9

    def test_an_empty_scene_has_nothing_that_fits(self):
        empty = SCENES[0].__class__(())
        assert not any(draw_names(empty, np.random.default_rng(3)).values())
