"""How far two distributions are apart: divergences by sums, and in closed form for Gaussians.

p is the data's distribution, q the generator's; all in nats.
"""

import numpy as np
from scipy.special import ndtr, rel_entr

from avatarlib.core.errors import InputError
from avatarlib.theory.value import two_distributions


def weights(density, grid):
    """A density as weights on an even grid, so that a sum over them is the trapezoidal rule.

    For smooth densities that vanish at both ends, the rule's error falls faster than any power of
    the grid's gap (Trefethen and Weideman 2014).

    Args:
        density: function from places (n,) to densities (n,).
        grid: evenly spaced places, float (n,), n at least 2.

    Returns:
        float64 (n,), with the sum 1 to within 1e-6.

    Raises:
        InputError: the grid is too short, too coarse or not even.
    """
    gaps = np.diff(grid)
    if len(grid) < 2 or not np.allclose(gaps, gaps[0]):
        raise InputError("A grid has at least two places, at even gaps, as np.linspace makes it.")
    found = np.asarray(density(grid), np.float64) * gaps[0]
    if not abs(found.sum() - 1) < 1e-6:
        raise InputError(
            f"On this grid the density adds up to {found.sum():.6g}, not to 1. Make it wider or "
            "finer."
        )
    return found


def f_divergence(f, p, q):
    """Σ q f(p / q), for a convex f with f(1) = 0 (`eq-f-divergence`).

    Csiszár 1967; as losses for generators, Nowozin et al. 2016 (arXiv:1606.00709).

    Args:
        f: function from ratios (n,) to numbers (n,).
        p, q: weights, (n,); q above 0 everywhere.

    Returns:
        a float of at least 0.

    Raises:
        InputError: q is 0 somewhere, or p and q are no distributions on the same places.
    """
    p, q = two_distributions(p, q)
    if not q.all():
        raise InputError("This sum divides by q, which is 0 somewhere.")
    return float((q * f(p / q)).sum())


def kullback_leibler(p, q):
    """KL(p ‖ q) = Σ p log(p / q) (`eq-kullback-leibler`).

    Args:
        p, q: weights, (n,).

    Returns:
        a float of at least 0; inf where q is 0 and p is not.

    Raises:
        InputError: p and q are no distributions on the same places.
    """
    return float(rel_entr(*two_distributions(p, q)).sum())


def jensen_shannon(p, q):
    """JSD = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q) / 2 (`eq-jensen-shannon`).

    Args:
        p, q: weights, (n,).

    Returns:
        a float from 0 to log 2, which it is where p and q have no place in common.

    Raises:
        InputError: p and q are no distributions on the same places.
    """
    p, q = two_distributions(p, q)
    middle = (p + q) / 2
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2


def total_variation(p, q):
    """TV = ½ Σ |p - q| (`eq-total-variation`).

    The best discriminator is right with the probability (1 + TV) / 2 (`eq-concepts-right`).

    Args:
        p, q: weights, (n,).

    Returns:
        a float from 0 to 1.

    Raises:
        InputError: p and q are no distributions on the same places.
    """
    p, q = two_distributions(p, q)
    return float(abs(p - q).sum() / 2)


def wasserstein(places, p, q):
    """W₁ = ∫ |F - G| dx on the line, with the distribution functions F and G (`eq-wasserstein`).

    The least work, weight times way, that turns q into p (Vallender 1974).

    Args:
        places: increasing, float (n,).
        p, q: weights at the places, (n,).

    Returns:
        a float of at least 0, in the unit of the places.

    Raises:
        InputError: the places do not increase, or p and q are no distributions on them.
    """
    p, q = two_distributions(p, q)
    gaps = np.diff(places)
    if len(places) != len(p) or not (gaps > 0).all():
        raise InputError("The places increase, and each has one weight of p and one of q.")
    return float((abs(np.cumsum(p - q))[:-1] * gaps).sum())


def gaussian_kullback_leibler(mean_p, spread_p, mean_q, spread_q):
    """KL(p ‖ q) of two Gaussians on the line: log(σ_q/σ_p) + (σ_p² + (μ_p - μ_q)²)/2σ_q² - ½.

    Args:
        mean_p, mean_q: floats.
        spread_p, spread_q: standard deviations, above 0.

    Returns:
        a float of at least 0.
    """
    moved = (mean_p - mean_q) ** 2
    ratio = (spread_p**2 + moved) / (2 * spread_q**2)
    return float(np.log(spread_q / spread_p) + ratio - 0.5)


def gaussian_total_variation(shift, spread):
    """TV of two Gaussians of the same spread whose means are `shift` apart: 2 Φ(|δ| / 2σ) - 1.

    For n draws of one kind, the shift counts √n times (`eq-concepts-many`).

    Args:
        shift: float.
        spread: the standard deviation of both, above 0.

    Returns:
        a float from 0 to 1.
    """
    return float(2 * ndtr(abs(shift) / (2 * spread)) - 1)


def gaussian_wasserstein(mean_p, spread_p, mean_q, spread_q):
    """W₁ of two Gaussians on the line.

    In one dimension the u-th part of p goes to the u-th part of q, so W₁ = E |δ + s Z| with
    δ = μ_p - μ_q, s = σ_p - σ_q and Z normal: the mean of a folded normal distribution.

    Args:
        mean_p, mean_q: floats.
        spread_p, spread_q: standard deviations, above 0.

    Returns:
        a float of at least 0.
    """
    shift, s = abs(mean_p - mean_q), abs(spread_p - spread_q)
    if s == 0:
        return float(shift)
    folded = s * np.sqrt(2 / np.pi) * np.exp(-((shift / s) ** 2) / 2)
    return float(folded + shift * (1 - 2 * ndtr(-shift / s)))
