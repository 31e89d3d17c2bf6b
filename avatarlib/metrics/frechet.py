"""The Fréchet distance between two clouds of features, seen as Gaussians."""

import numpy as np
from scipy import linalg

from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.metrics.checks import as_features, as_pair
from avatarlib.metrics.result import Result

NAME = "Fréchet distance"
LOWEST = 1e-4  # a Cholesky factor whose diagonal spans more than that has lost digits
DIVISIONS = 4


def frechet_distance(real, generated):
    """The squared Fréchet (2-Wasserstein) distance of two Gaussians fitted to features.

        ‖μ₁ - μ₂‖² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₁ Σ₂)^½

    (equations `eq-scores-frechet`, `eq-scores-singular` and, for a case whose answer is known,
    `eq-scores-exact`; Dowson and Landau 1982; with Inception features it is the FID of Heusel et
    al. 2017, arXiv:1706.08500, equation 6). With any factors Σ = FᵀF, the last trace is the sum of
    the singular values of F₁ F₂ᵀ: no square root of a matrix, never complex, exact for fewer
    samples than features too. A factor is the Cholesky factor, where the covariance is well
    conditioned; else the centred features over √(n - 1), or their triangle R = QᵀF. Covariances
    divide by n - 1.

    Args:
        real, generated: features, float (n, d) and (m, d), n and m at least 2.

    Returns:
        a float of at least 0, up to rounding, in the features' squared unit. Its expectation for
        two samples of one distribution is not 0; `frechet_floor` tells it.

    Raises:
        InputError: as `checks.as_pair`.
    """
    real, generated = as_pair(real, generated)
    return _distance(real.mean(axis=0), _factor(real), generated.mean(axis=0), _factor(generated))


def frechet_from_statistics(mean_1, cov_1, mean_2, cov_2):
    """`frechet_distance` from means and covariances, as published reference statistics come.

    Args:
        mean_1, mean_2: float (d,).
        cov_1, cov_2: float (d, d), symmetric, no eigenvalue below 0 beyond rounding.

    Returns:
        a float, as `frechet_distance`. Where a covariance is singular, its square root has half of
        the digits only: better measure the features themselves.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, or no covariance.
    """
    means = [np.asarray(mean, dtype=np.float64) for mean in (mean_1, mean_2)]
    covs = [np.asarray(cov, dtype=np.float64) for cov in (cov_1, cov_2)]
    d = means[0].size
    if any(m.shape != (d,) for m in means) or any(c.shape != (d, d) for c in covs):
        raise InputError("Statistics are two means (d,) and two covariances (d, d) of one d.")
    if not all(np.isfinite(array).all() for array in (*means, *covs)):
        raise InputError("Some of the statistics are not numbers; look for NaN or infinity.")
    return _distance(means[0], _root(covs[0]), means[1], _root(covs[1]))


def frechet_floor(features, n, m, gaussian=False):
    """What a perfect generator would score: the expected distance of two samples of one thing.

        (1/n + 1/m) (Σᵢ λᵢ + ½ Σᵢⱼ Var(zᵢ zⱼ) / (λᵢ + λⱼ))

    (`eq-scores-floor`) to first order in 1/n and 1/m, where z are the centred features along the
    eigenvectors of their covariance and λ its eigenvalues: the mean costs the first sum, the
    covariance the second (second derivative of the Bures distance). The variances are measured; for
    Gaussian features they would be λᵢ λⱼ (1 + δᵢⱼ), and rectified ones can be far from that. Good
    for n and m well above the number of features: at twice that number the truth is about a sixth
    higher, and with fewer pictures than features far higher.

    Args:
        features: float (k, d), of real pictures, k at least 2 and best well above d.
        n, m: sizes of the two samples.
        gaussian: take the Gaussian's variances instead of the measured ones.

    Returns:
        a float, in the features' squared unit.

    Raises:
        InputError: as `checks.as_features`.
    """
    features = as_features("real", features)
    return _floor(features, *_spectrum(features), n, m, gaussian)


def frechet(real, generated, features=""):
    """`frechet_distance` with its standard error and its floor.

    The error is that of the delta method. To first order a generated y moves the distance by

        (2 (μ₂ - μ₁)ᵀ (y - μ₂) + (y - μ₂)ᵀ (I - T) (y - μ₂) - its mean) / m

    and a real x likewise, where T carries the generated Gaussian to the real one by the shortest
    way. The value is not corrected for its bias, so the interval holds the expected score *at these
    sample sizes*. Near the floor, where the second order counts, and with fewer pictures than
    features, the interval is rough: mostly too wide, by up to √2 (verify/intervals.md).

    Args:
        real, generated: features, float (n, d) and (m, d).
        features: what computed them.

    Returns:
        a `Result`; its baseline is the `frechet_floor` of the real features.

    Raises:
        InputError: as `checks.as_pair`.
    """
    real, generated = as_pair(real, generated)
    value = frechet_distance(real, generated)
    spectrum = _spectrum(real)
    error = _error(real, spectrum, generated, _spectrum(generated))
    sizes = {"real": len(real), "generated": len(generated)}
    floor = _floor(real, *spectrum, *sizes.values())
    return Result.normal(NAME, value, error, baseline=floor, features=features, **sizes)


def frechet_at_infinity(real, generated, features="", seed=0):
    """The Fréchet distance that infinitely many pictures would have, without the bias of few.

    As Chong and Forsyth (2020, arXiv:1911.07023) extrapolate in 1/N to 1/N = 0, but from disjoint
    halves: 2 F(all) - mean of F(half), F(other half), averaged over four divisions. What moves the
    distance to first order is the same in the whole and in the mean of its halves, so the
    extrapolation costs nearly no precision, which it does with nested or overlapping samples. The
    error is that of `frechet`, too wide near 0 likewise; the value may be below 0 there.

    Args:
        real, generated: features, float (n, d) and (m, d), each more than twice as many as d.
        features: what computed them.
        seed: of the divisions.

    Returns:
        a `Result` with baseline 0.

    Raises:
        InputError: as `checks.as_pair`; too few pictures, whose halves would not span the features.
    """
    real, generated = as_pair(real, generated)
    (n, d), m = real.shape, len(generated)
    if min(n, m) < 2 * d + 2:
        raise InputError(
            f"Extrapolation from {n:,} real and {m:,} generated pictures is wild with {d:,} "
            f"features; take at least {2 * d + 2:,} of each, or `frechet` with its baseline."
        )
    halves = []
    for step in range(DIVISIONS):
        rng = generator(seed, "halves", step)
        pairs = zip(_halves(rng, real), _halves(rng, generated), strict=True)
        halves += [frechet_distance(*pair) for pair in pairs]
    whole = frechet(real, generated)
    value = float(2 * whole.value - np.mean(halves))
    rest = {"real": n, "generated": m, "features": features}
    return Result.normal(f"{NAME} at infinity", value, whole.error, baseline=0.0, **rest)


def _halves(rng, features):
    return np.array_split(features[rng.permutation(len(features))], 2)


def _distance(mean_1, factor_1, mean_2, factor_2):
    cross = linalg.svdvals(factor_1 @ factor_2.T, check_finite=False).sum()
    traces = (factor_1**2).sum() + (factor_2**2).sum()
    return float(((mean_1 - mean_2) ** 2).sum() + traces - 2 * cross)


def _centred(features):
    """(n, d), with centredᵀ centred = covariance."""
    return (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)


def _factor(features):
    """(k, d), k at most d, with factorᵀ factor = covariance."""
    centred = _centred(features)
    if len(centred) <= centred.shape[1]:
        return centred
    root = _cholesky(centred.T @ centred)
    if root is None:
        root = linalg.qr(centred, mode="r", check_finite=False)[0][: centred.shape[1]]
    return root


def _cholesky(covariance):
    """The upper Cholesky factor, or None where it would have lost digits."""
    try:
        root = linalg.cholesky(covariance, check_finite=False)
    except linalg.LinAlgError:
        return None
    diagonal = root.diagonal()
    return root if diagonal.min() > LOWEST * diagonal.max() else None


def _root(covariance):
    """A factor of a covariance, by Cholesky or else from its eigenvectors."""
    if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-8 * np.abs(covariance).max()):
        raise InputError("A covariance is symmetric, and this one is not.")
    root = _cholesky(covariance)
    if root is None:
        values, vectors = linalg.eigh(covariance)
        if values[0] < -1e-6 * values[-1]:
            raise InputError(f"A covariance has no negative eigenvalue, this one {values[0]:.3g}.")
        values, vectors = _kept(values, vectors)
        root = np.sqrt(values)[:, None] * vectors.T
    return root


def _kept(values, vectors):
    """Eigenvalues and -vectors that stand out of the rounding."""
    keep = values > values.max() * len(vectors) * np.finfo(float).eps
    return values[keep], vectors[:, keep]


def _spectrum(features):
    """Eigenvalues (r,) and eigenvectors (d, r) of the covariance, of its range only."""
    centred = _centred(features)
    if len(centred) > centred.shape[1]:
        return _kept(*linalg.eigh(centred.T @ centred, check_finite=False))
    _, roots, vectors = linalg.svd(centred, full_matrices=False, check_finite=False)
    return _kept(roots**2, vectors.T)


def _floor(features, values, vectors, n, m, gaussian=False):
    if gaussian:
        variances = np.outer(values, values) + np.diag(values**2)
    else:
        squares = ((features - features.mean(axis=0)) @ vectors) ** 2
        variances = squares.T @ squares / len(features) - np.diag(values**2)
    shape = (variances / np.add.outer(values, values)).sum() / 2
    return float((1 / n + 1 / m) * (values.sum() + shape))


def _error(real, spectrum_1, generated, spectrum_2):
    """The standard error of the distance; F₁ F₂ᵀ = U s Vᵀ, and T = F₂⁺ V s Vᵀ F₂⁺ᵀ."""
    (values_1, vectors_1), (values_2, vectors_2) = spectrum_1, spectrum_2
    cross = np.sqrt(values_1)[:, None] * (vectors_1.T @ vectors_2) * np.sqrt(values_2)
    left, singular, right = linalg.svd(cross, full_matrices=False, check_finite=False)
    step = generated.mean(axis=0) - real.mean(axis=0)
    variance = 0.0
    for sample, towards, white, turn in (
        (real, -step, vectors_1 / np.sqrt(values_1), left),
        (generated, step, vectors_2 / np.sqrt(values_2), right.T),
    ):
        centred = sample - sample.mean(axis=0)
        carried = (centred @ (white @ turn)) ** 2 @ singular
        pull = 2 * centred @ towards + (centred**2).sum(axis=1) - carried
        variance += pull.var(ddof=1) / len(sample)
    return float(np.sqrt(variance))
