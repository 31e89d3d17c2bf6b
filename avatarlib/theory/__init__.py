"""The minimax game in NumPy and SciPy: small enough to be read, exact enough to be believed.

A distribution is given by its weights: a probability for each of n places. So sums and integrals
are one thing: `weights` turns a density into weights on a grid.
"""

from avatarlib.theory import by_hand
from avatarlib.theory.divergences import (
    f_divergence,
    gaussian_kullback_leibler,
    gaussian_total_variation,
    gaussian_wasserstein,
    jensen_shannon,
    kullback_leibler,
    total_variation,
    wasserstein,
    weights,
)
from avatarlib.theory.dynamics import (
    alternating,
    eigenvalues,
    field,
    growth,
    jacobian,
    path,
    simultaneous,
)
from avatarlib.theory.losses import LOSSES, Loss
from avatarlib.theory.value import (
    best_generator,
    optimal_discriminator,
    optimal_logit,
    value,
    value_at_optimum,
    value_of,
)

__all__ = [
    "LOSSES",
    "Loss",
    "alternating",
    "best_generator",
    "by_hand",
    "eigenvalues",
    "f_divergence",
    "field",
    "gaussian_kullback_leibler",
    "gaussian_total_variation",
    "gaussian_wasserstein",
    "growth",
    "jacobian",
    "jensen_shannon",
    "kullback_leibler",
    "optimal_discriminator",
    "optimal_logit",
    "path",
    "simultaneous",
    "total_variation",
    "value",
    "value_at_optimum",
    "value_of",
    "wasserstein",
    "weights",
]
