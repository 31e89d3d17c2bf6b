"""The cheat sheet's code is run, its numbers are computed, its names are those of the library."""

import re
from pathlib import Path

import numpy as np
import pytest

from avatarlib import theory
from avatarlib.training.losses import LOSSES
from avatarlib.training.spec import TrainingConfig

SHEET = Path(__file__).resolve().parents[1] / "book" / "reference" / "cheat-sheet.md"
WORDS = {
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.maximum(0, x),
}
ROW = re.compile(r"\| \$(D|G)\$ \| `([^`]+)` \| (.+) \| (.+) \|")


def sections():
    """Each loss's name, and its two rows: player -> (code, slopes, value at a guess)."""
    found = {}
    for part in SHEET.read_text(encoding="utf-8").split("\n## ")[1:]:
        rows = {player: rest for player, *rest in ROW.findall(part)}
        if rows:
            found[part.split("\n")[0]] = rows
    return found


def test_every_loss_is_there_and_called_what_the_library_calls_it():
    assert tuple(sections()) == tuple(LOSSES) == tuple(theory.LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_the_code_computes_the_loss_and_the_guess(name):
    rng = np.random.default_rng(0)
    for player, method in (("D", "discriminator"), ("G", "generator")):
        code, _, guess = sections()[name][player]
        paid = getattr(theory.LOSSES[name], method)
        for r, f in (*rng.normal(0, 3, (5, 2, 30)), np.zeros((2, 1))):
            found = eval(code, WORDS, {"r": r, "f": f})  # the sheet is ours
            assert found == pytest.approx(np.mean(paid(r, f)), abs=1e-12)
        assert found == pytest.approx(float(guess.replace("−", "-")), abs=5e-4)


def slope_of(text, r, f):
    """A slope as the sheet prints it, as a number; r and f are numbers."""
    if " if " in text:
        value, condition = text.split("$ if $")
        return float(value.strip("$ ")) * eval(condition.strip("$ "), {"r": r, "f": f})
    code = text.strip("$ ").replace(r"\sigma", "sigmoid")
    return eval(code, {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "r": r, "f": f})


@pytest.mark.parametrize("name", LOSSES)
def test_the_slopes_are_the_librarys(name):
    loss = theory.LOSSES[name]
    for r, f in np.random.default_rng(1).normal(0, 2, (20, 2)):
        by_real, by_fake = (slope_of(part, r, f) for part in sections()[name]["D"][1].split(", "))
        expected = loss.discriminator_slopes(np.array(r), np.array(f))
        assert (by_real, by_fake) == pytest.approx([float(s) for s in expected])
        found = slope_of(sections()[name]["G"][1], r, f)
        assert found == pytest.approx(float(loss.generator_slope(np.array(r), np.array(f))))


def test_the_penalties_are_settings_of_a_game():
    text = SHEET.read_text(encoding="utf-8")
    names = re.findall(r"\| `(\w+)` \$=", text)
    assert names == ["r1", "r2", "gradient_penalty"]
    assert all(hasattr(TrainingConfig(), name) for name in names)
