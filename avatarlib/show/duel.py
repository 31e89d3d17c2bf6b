"""A whole GAN that trains inside a web page, one move at a time: no kernel, no framework."""

import html

import numpy as np

from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.show.html import as_json, data_uri, fill
from avatarlib.training.initial import initial_weights
from avatarlib.training.layers import Dense, LeakyReLU

LOSSES = ("non-saturating", "minimax")  # whose D(x) is a probability; duel.js knows no others


class Duel:
    """Two players in the plane whom the reader moves: D alone, G alone, both; with other rates.

    The page computes in double precision what the twins compute: after twenty moves all weights
    agree within 1e-10 (tests/browser/test_duel_page.py).

    Args:
        spec: a `Spec` for points, of Dense and LeakyReLU layers; its game gives loss, batch, R1,
            Adam's settings and the rates to begin with.
        real: points of the data, float (n, 2), within about ±1.5; batches are drawn from them.
        still: a Pillow image for readers without JavaScript, and for print.
        alt: what is shown, for those who cannot see it.
        seed: of the first weights and of the page's batches and latents.

    Raises:
        InputError: the spec has other layers or another loss, or these are no points.
    """

    def __init__(self, spec, real, still, alt, seed=0):
        real = np.asarray(real, np.float64)
        _check(spec, real)
        self.spec, self.still, self.alt = spec, still, alt
        game = spec.config
        self.about = {
            "seed": values.seed(seed),
            "real": np.round(real, 4).tolist(),
            "latent": spec.latent,
            "game": {
                "loss": game.loss,
                "batch": game.batch,
                "rates": {"D": game.lr_d, "G": game.lr_g},
                "r1": game.r1,
                "beta1": game.beta1,
                "beta2": game.beta2,
                "epsilon": game.epsilon,
            },
            "slope": next(of.slope for of in spec.generator if isinstance(of, LeakyReLU)),
            "players": {
                name: _layers(initial_weights(spec, player, seed))
                for name, player in (("G", "generator"), ("D", "discriminator"))
            },
        }

    def _repr_html_(self):
        return fill(
            __package__,
            "duel",
            alt=html.escape(self.alt),
            still=data_uri(self.still),
            about=as_json(self.about),
        )


def _layers(weights):
    """Kernels and biases in the order of the layers: [{"kernel": (in, out), "bias": (out,)}]."""
    names = dict.fromkeys(name.partition("/")[0] for name in weights)
    return [
        {part: weights[f"{name}/{part}"].astype(float).tolist() for part in ("kernel", "bias")}
        for name in names
    ]


def _check(spec, real):
    if real.ndim != 2 or real.shape[1] != 2 or spec.shape != (2,) or not np.isfinite(real).all():
        raise InputError(f"A duel is fought over points (n, 2); this is {real.shape}.")
    if spec.config.loss not in LOSSES:
        raise InputError(f"A duel knows the losses {' and '.join(LOSSES)}, not {spec.config.loss}.")
    for player in (spec.generator, spec.discriminator):
        # Dense and LeakyReLU take turns, Dense first and last.
        kinds = [Dense if i % 2 == 0 else LeakyReLU for i in range(len(player))]
        if len(player) % 2 == 0 or [type(layer) for layer in player] != kinds:
            raise InputError("A duel's networks are Dense, LeakyReLU, Dense, ..., Dense.")
    slopes = {of.slope for of in (*spec.generator, *spec.discriminator) if hasattr(of, "slope")}
    if len(slopes) != 1:
        raise InputError("In a duel, all LeakyReLUs have one slope, and there is at least one.")
