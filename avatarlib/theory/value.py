"""The value of the game, and the best answers of both players to each other."""

import numpy as np
from scipy.special import xlog1py, xlogy

from avatarlib.core.errors import InputError


def value(real, fake):
    """V(D, G), estimated from a discriminator's logits (`eq-value`).

        mean log σ(r) + mean log(1 - σ(f)) = -mean softplus(-r) - mean softplus(f)

    Goodfellow et al. 2014 (arXiv:1406.2661), equation 1. It is the discriminator's loss of
    `avatarlib.backends.torch.losses` with the opposite sign.

    Args:
        real, fake: logits of real and of generated pictures, float (n,) and (m,).

    Returns:
        a float of at most 0; -log 4 where all logits are 0.
    """
    return float(-np.logaddexp(0, -np.asarray(real)).mean() - np.logaddexp(0, fake).mean())


def value_of(d, p, q):
    """V(D, G) of known distributions (`eq-value`): Σ p log d + Σ q log(1 - d).

    Args:
        d: how probable the discriminator thinks "real" at each place, (n,), in [0, 1].
        p, q: weights of the data and of the generator, (n,).

    Returns:
        a float of at most 0; -inf where D is sure and wrong.

    Raises:
        InputError: a weight is negative, the weights do not add up to 1, or sizes differ.
    """
    p, q = two_distributions(p, q)
    return float(xlogy(p, d).sum() + xlog1py(q, -np.asarray(d)).sum())


def optimal_discriminator(p, q):
    """The discriminator that no other beats, D* = p / (p + q) (`eq-optimal-discriminator`).

    Goodfellow et al. 2014, proposition 1.

    Args:
        p, q: densities or weights of the data and of the generator at n places, (n,).

    Returns:
        float64 (n,) in [0, 1]; nan where both are 0, where any answer is as good.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    with np.errstate(invalid="ignore"):
        return p / (p + q)


def optimal_logit(log_p, log_q):
    """The optimal discriminator's logit, log p - log q (`eq-optimal-logit`), exact in the tails.

    Args:
        log_p, log_q: logarithms of the densities, (n,).

    Returns:
        float64 (n,).
    """
    return np.asarray(log_p, np.float64) - np.asarray(log_q, np.float64)


def value_at_optimum(p, q):
    """What the best discriminator earns, V(D*, G) (`eq-value-at-optimum`).

    Σ p log(p / (p + q)) + Σ q log(q / (p + q)): not by the theorem -log 4 + 2 JSD(p, q), which can
    so be checked against it, and not by 1 - D*, which is 0 where q is tiny and not 0.

    Args:
        p, q: weights of the data and of the generator, (n,).

    Returns:
        a float from -log 4, where p = q, to 0, where they have no place in common.

    Raises:
        InputError: a weight is negative, the weights do not add up to 1, or sizes differ.
    """
    p, q = two_distributions(p, q)
    real, fake = optimal_discriminator(p, q), optimal_discriminator(q, p)
    return float(xlogy(p, real)[p > 0].sum() + xlogy(q, fake)[q > 0].sum())


def best_generator(d):
    """The generator's best answer to a discriminator that stands still (`eq-best-generator`).

    V is linear in q, so nothing beats all weight on one place where D is largest.

    Args:
        d: how probable the discriminator thinks "real" at each place, (n,).

    Returns:
        weights, float64 (n,): a single 1, at the first place where d is largest.
    """
    q = np.zeros(len(d))
    q[np.argmax(d)] = 1
    return q


def two_distributions(p, q):
    """Both as float64 (n,), after checks of their shape and values.

    Raises:
        InputError: a weight is negative, the weights do not add up to 1, or sizes differ.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.shape != q.shape:
        raise InputError(f"Two distributions on the same places: not {p.shape} and {q.shape}.")
    for name, of in (("first", p), ("second", q)):
        if not (of >= 0).all() or abs(of.sum() - 1) > 1e-6:
            raise InputError(
                f"The {name} distribution's weights are at least 0 and add up to 1, not to "
                f"{of.sum():.6g}. From a density, `weights` makes them."
            )
    return p, q
