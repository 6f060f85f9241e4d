import dataclasses

import pytest

from gk_utils.training import RECIPES, Recipe


class TestRecipes:
    @pytest.mark.parametrize("name", RECIPES)
    def test_each_is_named_after_itself_and_is_json(self, name):
        recipe = RECIPES[name]
        assert recipe.name == name
        assert recipe.as_json()["settings"].keys() == recipe.settings.keys()

    @pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
    def test_numbers_make_sense(self, recipe):
        assert 0 < recipe.learning_rate < 0.1
        assert 0 <= recipe.warmup <= recipe.steps
        assert 0 <= recipe.weight_decay < 1
        assert 0 <= recipe.ema < 1
        assert recipe.clip > 0
        assert recipe.examples > 0


class TestRecipe:
    def test_json_tells_recipes_apart_and_tuples_not_from_lists(self):
        recipe = Recipe("a", "b", {"sides": (1, 2)}, steps=3, learning_rate=0.1)
        assert recipe.as_json()["settings"] == {"sides": [1, 2]}
        assert recipe.as_json() == dataclasses.replace(recipe, settings={"sides": [1, 2]}).as_json()
        assert recipe.as_json() != dataclasses.replace(recipe, seed=1).as_json()

    def test_settings_that_are_not_json(self):
        with pytest.raises(TypeError, match="not JSON serializable"):
            Recipe("a", "b", {"x": object()}, steps=3, learning_rate=0.1).as_json()
