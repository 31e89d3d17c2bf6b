"""What each loss is, in one table: its chance level, its reading, and when D has won.

The formulas stand in the two backends' `losses.py`, their slopes in `avatarlib.theory.losses`; the
tests compare every such list with the names here.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SURE = 0.99  # a probability that leaves the generator next to nothing to learn from


class StepStatistics(NamedTuple):
    """One training step's numbers.

    Attributes:
        loss_d, loss_g: what the two players minimised, without penalties.
        r1, r2: mean squared gradient norms at real and generated pictures, before their weights; 0
            in a step without this penalty.
        gradient_penalty: mean (‖∇D‖ - 1)² between them, before its weight; 0 likewise.
        real_logits, fake_logits: float (n,), the discriminator's before it moved.
    """

    loss_d: float
    loss_g: float
    r1: float
    r2: float
    gradient_penalty: float
    real_logits: np.ndarray
    fake_logits: np.ndarray


class Loss(NamedTuple):
    """What one loss is, besides its formula.

    Attributes:
        at_chance: the losses of (discriminator, generator) where the discriminator can only guess.
        statistics: from real and fake logits, each (n,), to {name: number}: what the discriminator
            says of a batch.
        statistics_at_chance: what each of these numbers is at chance level.
        won: from real and fake logits to a bool: the discriminator is in no doubt about a batch.
        generator_sees_real: whether the generator's loss depends on real pictures, too.
    """

    at_chance: tuple[float, float]
    statistics: Callable
    statistics_at_chance: float
    won: Callable
    generator_sees_real: bool = False


def _sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits.astype(np.float64)))


def _probabilities(real, fake):
    return {"D(x)": _sigmoid(real).mean(), "D(G(z))": _sigmoid(fake).mean()}


def _mean_logits(real, fake):
    return {"r": real.mean(), "f": fake.mean()}


def _gap(real, fake):
    return {"gap": real.mean() - fake.mean()}


def _told_apart(real, fake):
    """How surely each pair of a real and a generated picture is told apart."""
    return {"σ(r-f)": _sigmoid(real - fake).mean()}


def _surely(real, fake):
    return _sigmoid(real).mean() > SURE and _sigmoid(fake).mean() < 1 - SURE


def _beyond_the_margin(real, fake):
    return real.min() > 1 and fake.max() < -1


def _never(real, fake):
    """Wasserstein's gap has no limit beyond which the generator learns nothing."""
    return False


def _pairs_surely(real, fake):
    return _sigmoid(real - fake).mean() > SURE


LOG2 = math.log(2)
LOSSES = {
    "minimax": Loss((2 * LOG2, -LOG2), _probabilities, 0.5, _surely),
    "non-saturating": Loss((2 * LOG2, LOG2), _probabilities, 0.5, _surely),
    "hinge": Loss((2.0, 0.0), _mean_logits, 0.0, _beyond_the_margin),
    "wasserstein": Loss((0.0, 0.0), _gap, 0.0, _never),
    "relativistic": Loss((LOG2, LOG2), _told_apart, 0.5, _pairs_surely, generator_sees_real=True),
}
CHANCE_LEVELS = {name: loss.at_chance for name, loss in LOSSES.items()}


def discriminator_statistics(loss, real_logits, fake_logits):
    """What the discriminator says of a batch, and what it would say at chance level.

    For cross-entropy, D(x) and D(G(z)), 0.5 at chance; for the other losses see `LOSSES`.

    Args:
        loss: a name in `LOSSES`.
        real_logits, fake_logits: (n,).

    Returns:
        ({name: float}, the number at chance level).
    """
    found = LOSSES[loss].statistics(real_logits, fake_logits)
    return {name: float(value) for name, value in found.items()}, LOSSES[loss].statistics_at_chance
