"""The Fréchet distance between two clouds of features, seen as Gaussians."""

import numpy as np
from scipy import linalg

from avatarlib.errors import InputError


def frechet_distance(real, generated):
    """The squared Fréchet (2-Wasserstein) distance of two Gaussians fitted to features.

        ‖μ₁ - μ₂‖² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₁ Σ₂)^½

    (Dowson and Landau 1982; with Inception features it is the FID of Heusel et al. 2017,
    arXiv:1706.08500, equation 6). With centred features A = (X - μ) / √(n - 1), so that Σ = AᵀA,
    the last trace is the sum of the singular values of A₁ A₂ᵀ: no square root of a matrix, never
    complex, exact for fewer samples than features too. The covariances divide by n - 1.

    Args:
        real, generated: features, float (n, d) and (m, d), n and m at least 2.

    Returns:
        a float of at least 0, up to rounding, in the features' squared unit. Its expectation for
        two samples of one distribution is not 0; `frechet_floor` tells it.

    Raises:
        InputError: shapes that do not fit, or values that are not numbers.
    """
    (mean_1, factor_1), (mean_2, factor_2) = _centred(real), _centred(generated)
    if mean_1.shape != mean_2.shape:
        raise InputError(f"Features of {len(mean_1)} and of {len(mean_2)} numbers do not compare.")
    cross = linalg.svdvals(factor_1 @ factor_2.T).sum()
    spread = (factor_1**2).sum() + (factor_2**2).sum()
    return float(((mean_1 - mean_2) ** 2).sum() + spread - 2 * cross)


def frechet_floor(features, n, m):
    """What a perfect generator would score: the expected distance of two samples of one Gaussian.

        (1/n + 1/m) (Σᵢ λᵢ + ½ Σᵢⱼ λᵢ λⱼ (1 + δᵢⱼ) / (λᵢ + λⱼ))

    to first order in 1/n and 1/m, where λ are the eigenvalues of the features' covariance: the mean
    costs the first sum, the covariance the second (second derivative of the Bures distance). Good
    for n and m well above the number of features.

    Args:
        features: float (k, d), of real pictures, k at least 2.
        n, m: sizes of the two samples.

    Returns:
        a float, in the features' squared unit.
    """
    _, factor = _centred(features)
    values = linalg.svdvals(factor) ** 2
    values = values[values > values[0] * len(values) * np.finfo(float).eps]
    pairs = np.outer(values, values) / np.add.outer(values, values)
    return float((1 / n + 1 / m) * (values.sum() + (pairs.sum() + np.trace(pairs)) / 2))


def _centred(features):
    """The mean (d,), and a factor (k, d) with factorᵀ factor = covariance, k at most d."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise InputError(f"Features are an array (n, d), n at least 2, not {features.shape}.")
    if not np.isfinite(features).all():
        raise InputError("Some of the features are not numbers.")
    mean = features.mean(axis=0)
    factor = (features - mean) / np.sqrt(len(features) - 1)
    if len(factor) > factor.shape[1]:  # a triangle of d rows with the same covariance
        factor = linalg.qr(factor, mode="r", check_finite=False)[0][: factor.shape[1]]
    return mean, factor
