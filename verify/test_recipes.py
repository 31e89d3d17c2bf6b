"""The pretrained networks' recipes begin as recorded: 20 losses in double precision. 2 minutes."""

import json
from pathlib import Path

import numpy as np
import pytest

import avatarlib as al
from avatarlib.recipes import load_recipe
from avatarlib.training.feed import Feed

ROOT = Path(__file__).parents[1]
CARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "avatarlib" / "pretrained").glob("*.json")
}
RECIPES = [name for name, card in CARDS.items() if "first_losses" in card]


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize("name", RECIPES)
def test_the_first_losses_are_the_recorded_ones(name, backend):
    file = ROOT / "recipes" / f"{name}.toml"
    assert file.read_text(encoding="utf-8") == CARDS[name]["recipe"]
    recipe = load_recipe(file)
    avatars = recipe.data()
    spec = recipe.network(avatars)
    assert spec.to_json() == CARDS[name]["spec"]
    feed, gan = (
        Feed(spec, avatars, recipe.seed),
        al.backend(backend).GAN(spec, recipe.seed, "float64"),
    )
    assert feed.fingerprint == CARDS[name]["data"]
    losses = []
    for step in range(len(CARDS[name]["first_losses"])):
        real, condition = feed(step)
        z = al.noise(recipe.seed, "latent", step, (len(real), spec.latent))
        losses.append(gan.step(real, z, condition, step / recipe.steps)[:2])
    assert len(losses) == 20
    np.testing.assert_allclose(losses, CARDS[name]["first_losses"], rtol=1e-6)
