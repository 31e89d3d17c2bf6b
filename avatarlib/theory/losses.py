"""The losses of the course with their slopes written out, for one pair of logits at a time.

The backends' losses take means over a batch and leave the slopes to the framework.
Here r is a real picture's logit, f a generated one's; every function works on whole arrays.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit as sigmoid


class Loss(NamedTuple):
    """What two players pay for a pair of logits, and how it changes.

    Each is a function of real and fake logits, float (n,) and (n,) or of shapes that broadcast.
    `discriminator` and `generator` give what the player pays; `discriminator_slopes` gives the
    derivatives of what it pays by r and by f, a pair; `generator_slope` the derivative by f.
    """

    discriminator: callable
    discriminator_slopes: callable
    generator: callable
    generator_slope: callable


def softplus(logits):
    """log(1 + eˡ)."""
    return np.logaddexp(0, logits)


def _cross_entropy(real, fake):
    """-log σ(r) - log(1 - σ(f)) (`eq-value`, with the opposite sign)."""
    return softplus(-real) + softplus(fake)


def _cross_entropy_slopes(real, fake):
    return -sigmoid(-real), sigmoid(fake)


def _minimax(real, fake):
    """log(1 - σ(f)): what the generator pays in theory (`eq-slopes`)."""
    return -softplus(fake)


def _minimax_slope(real, fake):
    return -sigmoid(fake)


def _non_saturating(real, fake):
    """-log σ(f): what the generator pays in practice (`eq-slopes`)."""
    return softplus(-fake)


def _non_saturating_slope(real, fake):
    return -sigmoid(-fake)


def _hinge(real, fake):
    """max(0, 1 - r) + max(0, 1 + f) (`eq-hinge`)."""
    return np.maximum(0, 1 - real) + np.maximum(0, 1 + fake)


def _hinge_slopes(real, fake):
    return -(real < 1).astype(float), (fake > -1).astype(float)


def _difference(real, fake):
    """What Wasserstein's critic pays, f - r (`eq-critic`)."""
    return fake - real


def _difference_slopes(real, fake):
    return -np.ones_like(real, float), np.ones_like(fake, float)


def _minus_fake(real, fake):
    """-f: the generator's loss against hinge and Wasserstein critics (`eq-hinge`, `eq-critic`)."""
    return -fake


def _minus_fake_slope(real, fake):
    return -np.ones_like(fake, float)


def _pair(real, fake):
    """softplus(-(r - f)): which of the two is the real one? (`eq-pairs`)."""
    return softplus(fake - real)


def _pair_slopes(real, fake):
    return -sigmoid(fake - real), sigmoid(fake - real)


def _pair_generator(real, fake):
    """softplus(-(f - r)): the same question, the other way round (`eq-pairs`)."""
    return softplus(real - fake)


def _pair_generator_slope(real, fake):
    return -sigmoid(real - fake)


LOSSES = {
    "minimax": Loss(_cross_entropy, _cross_entropy_slopes, _minimax, _minimax_slope),
    "non-saturating": Loss(
        _cross_entropy, _cross_entropy_slopes, _non_saturating, _non_saturating_slope
    ),
    "hinge": Loss(_hinge, _hinge_slopes, _minus_fake, _minus_fake_slope),
    "wasserstein": Loss(_difference, _difference_slopes, _minus_fake, _minus_fake_slope),
    "relativistic": Loss(_pair, _pair_slopes, _pair_generator, _pair_generator_slope),
}
