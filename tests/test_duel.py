"""What a duel's page is given: exact weights, the rules, and sentences for what cannot be."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import avatarlib as al
from avatarlib import InputError, presets
from avatarlib.show import Duel
from avatarlib.training.initial import initial_weights

SPEC = al.presets.points(hidden=8, layers=2)
REAL = np.random.default_rng(0).normal(size=(50, 2))
STILL = Image.new("RGB", (8, 8))


def duel(spec=SPEC, real=REAL, **settings):
    return Duel(spec, real, STILL, "a duel", **settings)


def test_the_page_holds_the_weights_to_the_last_bit_and_the_games_rules():
    game = replace(SPEC.config, loss="minimax", r1=0.25, lr_d=3e-3, beta1=0.1)
    page = duel(replace(SPEC, config=game), seed=4)._repr_html_()
    about = json.loads(re.search(r'<script type="application/json">(.+?)</script>', page)[1])
    for name, player in (("G", "generator"), ("D", "discriminator")):
        expected = list(initial_weights(SPEC, player, 4).values())
        found = [layer[part] for layer in about["players"][name] for part in ("kernel", "bias")]
        for mine, theirs in zip(found, expected, strict=True):
            assert (np.array(mine) == theirs).all()
    assert about["game"]["loss"] == "minimax" and about["game"]["r1"] == 0.25
    assert about["game"]["rates"] == {"D": 3e-3, "G": SPEC.config.lr_g}
    assert about["game"]["beta1"] == 0.1 and about["slope"] == 0.2
    assert np.allclose(about["real"], REAL, atol=1e-4)


def test_two_on_a_page_have_names_of_their_own_and_it_stays_small():
    first, second = duel()._repr_html_(), duel()._repr_html_()
    names = [re.search(r'id="(duel-\w+)"', page)[1] for page in (first, second)]
    assert names[0] != names[1]
    assert len(first) < 60_000


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: duel(real=REAL[:, :1]), r"points \(n, 2\); this is \(50, 1\)"),
        (lambda: duel(real=REAL * np.nan), "points"),
        (lambda: duel(al.presets.small(28, 1)), "points"),
        (lambda: duel(replace(SPEC, config=replace(SPEC.config, loss="hinge"))), "not hinge"),
        (lambda: duel(replace(SPEC, generator=SPEC.generator[::2])), "Dense, LeakyReLU, Dense"),
        (
            lambda: duel(
                replace(
                    SPEC,
                    generator=SPEC.generator[-1:],
                    discriminator=SPEC.discriminator[-1:],
                )
            ),
            "at least one",
        ),
    ],
)
def test_bad_input_gets_a_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_a_duel_takes_numpys_seed():
    duel = (presets.points(hidden=8, layers=2), np.zeros((50, 2)), Image.new("RGB", (8, 8)), "a")
    assert '"seed":3' in Duel(*duel, seed=np.int64(3))._repr_html_()
