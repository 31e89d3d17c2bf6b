"""The pretrained networks' recipes begin as recorded: 20 losses in double precision. 2 minutes."""

import json
from pathlib import Path

import numpy as np
import pytest
from keeping import first_losses

from avatarlib.training.batches import Batches
from avatarlib.training.recipes import load_recipe

ROOT = Path(__file__).parents[1]
CARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "avatarlib" / "zoo" / "pretrained").glob("*.json")
}
RECIPES = [name for name, card in CARDS.items() if "first_losses" in card]


@pytest.mark.parametrize("name", RECIPES)
def test_the_card_is_of_this_recipe_and_of_these_avatars(name):
    file = ROOT / "recipes" / f"{name}.toml"
    assert file.read_text(encoding="utf-8") == CARDS[name]["recipe"]
    recipe = load_recipe(file)
    avatars = recipe.data()
    spec = recipe.network(avatars)
    assert spec.to_json() == CARDS[name]["spec"]
    assert Batches(spec, avatars, recipe.seed).fingerprint == CARDS[name]["data"]


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize("name", RECIPES)
def test_the_first_losses_are_the_recorded_ones(name, backend):
    found = first_losses(load_recipe(ROOT / "recipes" / f"{name}.toml"), backend)
    assert found.shape == (20, 2)
    np.testing.assert_allclose(found, CARDS[name]["first_losses"], rtol=1e-6)
