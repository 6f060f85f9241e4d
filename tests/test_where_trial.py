import torch
from torch.testing import assert_close

from gk_utils.countertop.scene import draw_scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.labs.where_trial import PatchReader, Places, VectorReader, places_of, side_by_side, train_where


class TestPlacesOf:
    def test_a_category_that_is_there_twice_names_nothing(self):
        scene = draw_scene(0, n=3, wanted=[{"category": name} for name in ("mug", "mug", "cat")])
        places = places_of([scene, scene])
        assert places.scene.tolist() == [0, 1]
        assert [CATEGORIES[number] for number in places.category] == ["cat", "cat"]
        (cat,) = scene.select(category="cat")
        assert_close(places.x[0].item(), scene.things[cat].x, atol=1e-6, rtol=1e-6)


def some(n=200):
    """Vectors that hold the place of one mug and one cat in each of n scenes."""
    torch.manual_seed(0)
    x = torch.rand(n, 2)
    kinds = torch.tensor([CATEGORIES.index("mug"), CATEGORIES.index("cat")])
    places = Places(torch.arange(n).repeat_interleave(2), kinds.repeat(n), x.flatten())
    return torch.cat([x - 0.5, torch.randn(n, 4)], 1), places


class TestTrainWhere:
    def test_finds_what_is_there(self):
        vectors, places = some()
        reader = VectorReader(6)
        errors = train_where(reader, vectors, places, 300)
        assert len(errors) == 300
        assert errors[0] > 0.2
        assert errors[-1] < 0.06

    def test_finds_nothing_in_noise(self):
        noise, places = some()
        noise[:, :2] = torch.randn(len(noise), 2)
        assert train_where(VectorReader(6), noise, places, 200)[-1] > 0.18

    def test_patches_are_asked_one_by_one(self):
        """A mug stands where the patch of its own feature is; the mean over the patches does not say where."""
        _, places = some()
        column = (4 * places.x).long().clamp(max=3)
        patches = torch.zeros(200, 4, 4, 2)
        thing = torch.arange(len(places)) % 2
        patches[places.scene, torch.randint(4, (len(places),)), column, thing] = 1.0
        reader = PatchReader(2)
        assert train_where(reader, patches.flatten(1, 2), places, 200)[-1] < 0.1
        mean = patches.flatten(1, 2).mean(1)
        assert train_where(VectorReader(2), mean, places, 200)[-1] > 0.2


class TestSideBySide:
    def test_by_hand(self):
        kinds = [CATEGORIES.index(name) for name in ("mug", "cat")]
        places = Places(torch.tensor([0, 0, 1, 1]), torch.tensor(kinds * 2), torch.tensor([0.2, 0.6, 0.5, 0.55]))
        reader = VectorReader(1)
        reader.directions.bias.data[kinds[1]] = 1.0
        right, scene = side_by_side(reader, torch.zeros(2, 1), places)
        assert right.tolist() == [True]  # the second scene's things are too close
        assert scene.tolist() == [0]
        reader.directions.bias.data[kinds[1]] = -1.0
        assert side_by_side(reader, torch.zeros(2, 1), places)[0].tolist() == [False]
