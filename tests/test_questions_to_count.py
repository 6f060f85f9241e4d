"""Pictures and questions to count with."""

import numpy as np
import pytest
import torch

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.countable_words import WORDS
from gk_utils.counting.counting_scenes import draw_counting_scene
from gk_utils.counting.exemplar_prompts import NO_WORD
from gk_utils.counting.questions_to_count import ask, categories_of, draw_scenes_for, paint, some_of

SCENES = [
    draw_counting_scene(0, n=5, category="mug", categories=("mug", "apple"), clutter=0.4),
    draw_counting_scene(1, n=3, category="plate", categories=("plate", "bowl"), clutter=1),
]
PICTURES = paint(SCENES, 64)
MUG, PLATE = (CATEGORIES.index(name) for name in ("mug", "plate"))


class TestCategoriesOf:
    def test_held_out(self):
        assert categories_of({}) == CATEGORIES
        assert set(CATEGORIES) - set(categories_of({"held_out": ["cat"]})) == {"cat"}


class TestDrawScenesFor:
    def test_held_out_things_are_nowhere(self):
        scenes = draw_scenes_for({"held_out": CATEGORIES[3:]}, np.random.default_rng(1), 4)
        assert {thing.category for scene in scenes for thing in scene.things} <= set(CATEGORIES[:3])


class TestPaint:
    def test_truth(self):
        assert PICTURES.count(0, MUG) == 5
        assert len(PICTURES.boxes_of(0, [MUG])) == 5
        assert PICTURES.wanted.tolist() == [MUG, PLATE]
        assert len(PICTURES) == 2
        assert PICTURES.images.dtype == torch.uint8

    def test_nothing(self):
        assert len(paint([], 64)) == 0


class TestAsk:
    def test_the_truth_is_the_number_of_boxes(self):
        asked = ask(PICTURES, [0, 1], np.random.default_rng(0), words=True, examples=False)
        words = [WORDS[word] for word in asked.prompts.word.tolist()]
        assert asked.counts[0::2].tolist() == [5, 3]
        for word, picture, count in zip(words, asked.prompts.picture.tolist(), asked.counts.tolist(), strict=True):
            counts = {word: SCENES[picture].count(word)} if word != "dish" else {"plate": 3, "both": 6}
            assert count in counts.values()

    def test_two_annotators(self):
        """ "Dish" is asked, and its truth is once the plates and once the plates and bowls."""
        said = set()
        for seed in range(40):
            asked = ask(PICTURES, [1], np.random.default_rng(seed), words=True, examples=False)
            if WORDS[asked.prompts.word[1]] == "dish":
                said.add(int(asked.counts[1]))
        assert said == {3, 6}

    def test_absent_things_are_asked_for(self):
        counts = [
            ask(PICTURES, [0], np.random.default_rng(seed), words=True, examples=False).counts for seed in range(20)
        ]
        assert 0 in torch.stack(counts)[:, 1].tolist()

    def test_examples_are_things_that_count(self):
        asked = ask(PICTURES, [0, 1], np.random.default_rng(2), words=False, examples=True)
        assert set(asked.prompts.word.tolist()) == {NO_WORD}
        for number, box in zip(asked.prompts.owner.tolist(), asked.prompts.boxes, strict=True):
            assert (asked.boxes[number] == box).all(1).any()
        assert set(asked.prompts.owner.tolist()) == {0, 1, 2, 3}

    def test_both_or_one_of_both(self):
        kinds = set()
        for seed in range(30):
            prompts = ask(PICTURES, [0], np.random.default_rng(seed), words=True, examples=True).prompts
            kinds |= {(int(word) != NO_WORD, bool((prompts.owner == i).any())) for i, word in enumerate(prompts.word)}
        assert kinds == {(True, True), (True, False), (False, True)}

    def test_varied_pictures_keep_their_truth(self):
        """Turned or not, in whatever colours: boxes and cells say what the pixels say."""
        plain = ask(PICTURES, [0], np.random.default_rng(0), words=True, examples=False)
        seen = set()
        for seed in range(12):
            varied = ask(PICTURES, [0], np.random.default_rng(seed), words=True, examples=False, vary=True)
            grey = varied.images.sum(1)
            turned = not torch.allclose(grey, plain.images.sum(1))
            boxes, cells = varied.boxes[0], varied.cells
            if turned:
                grey, cells = grey.flip(2), cells.flip(2)
                boxes = torch.stack([64 - boxes[:, 2], boxes[:, 1], 64 - boxes[:, 0], boxes[:, 3]], 1)
            assert torch.allclose(grey, plain.images.sum(1), atol=1e-5)
            assert torch.allclose(boxes, plain.boxes[0])
            assert torch.equal(cells, plain.cells)
            seen.add((turned, torch.allclose(varied.images.mean((2, 3)), plain.images.mean((2, 3)), atol=1e-4)))
        assert {(True, False), (False, False)} <= seen

    def test_cells_name_what_is_there(self):
        asked = ask(PICTURES, [0], np.random.default_rng(0), words=True, examples=False)
        assert asked.cells.shape == (1, 16, 16)
        for box in PICTURES.boxes_of(0, [MUG]):
            x, y = ((box[:2] + box[2:]) / 8).long().tolist()
            assert asked.cells[0, y, x] >= 0
        assert {-1, MUG} <= set(asked.cells.unique().tolist()) <= {-1, MUG, CATEGORIES.index("apple")}
        assert (asked.cells[0, :4] == -1).all()  # the wall

    def test_every_category(self):
        asked = ask(PICTURES, [0, 1], np.random.default_rng(0), words=True, examples=False, every=True)
        assert len(asked.prompts) == 2 * len(CATEGORIES)
        assert asked.counts.view(2, -1)[0, MUG] == 5
        assert asked.counts.sum() == sum(len(scene) for scene in SCENES)

    def test_only_of_the_given_categories(self):
        for seed in range(10):
            asked = ask(PICTURES, [0], np.random.default_rng(seed), words=False, examples=True, categories=("mug",))
            assert asked.counts.tolist() == [5, 5]


class TestSomeOf:
    @pytest.mark.parametrize(("least", "most"), [(1, 1), (2, 3), (3, 3)])
    def test_between_least_and_most(self, least, most):
        boxes = torch.arange(20.0).view(5, 4)
        drawn = [len(some_of(boxes, np.random.default_rng(seed), most, least)) for seed in range(20)]
        assert (min(drawn), max(drawn)) == (least, most)

    def test_no_more_than_there_are(self):
        assert len(some_of(torch.zeros(4, 4), np.random.default_rng(0))) == 0
