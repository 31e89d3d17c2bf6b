"""The kernel distance between two clouds of features, which assumes no Gaussian."""

import numpy as np

from avatarlib.metrics.checks import as_pair
from avatarlib.metrics.result import Result

BLOCK = 1024  # rows at a time: 1,024 x 20,000 kernel values are 164 MB


def kernel_distance(real, generated, features=""):
    """The squared maximum mean discrepancy with the kernel k(x, y) = (xᵀy/d + 1)³, unbiased.

        mean over i ≠ j of k(xᵢ, xⱼ) + mean over i ≠ j of k(yᵢ, yⱼ) - 2 mean of k(xᵢ, yⱼ)

    (`eq-scores-kernel`; Gretton et al. 2012, Lemma 6; the kernel of Bińkowski et al. 2018,
    arXiv:1801.01401, whose KID with Inception features is a mean of this over subsets). Since it is
    unbiased, a perfect generator scores 0 on average: somewhat more often below 0 than above, since
    the values are skewed. Nothing is clipped.

    The squared error is the variance of this U-statistic, its second order with it: first order
    from each picture's own mean, 4 Var(a)/n + 4 Var(b)/m with aᵢ = mean k(xᵢ, x) - mean k(xᵢ, y),
    which counts the second order twice, less the second order once (from the squares of the
    doubly centred kernel), and at least the second order, which is a little too wide at 0. The
    interval is a normal approximation: with a hundred pictures, too narrow where features are
    skewed (verify/intervals.md).

    Args:
        real, generated: features, float (n, d) and (m, d), n and m at least 2.
        features: what computed them.

    Returns:
        a `Result` with baseline 0.

    Raises:
        InputError: as `checks.as_pair`.
    """
    real, generated = as_pair(real, generated)
    n, m = len(real), len(generated)
    rows_x, inside_x = _inside(real)
    rows_y, inside_y = _inside(generated)
    rows_xy, rows_yx, between = _between(real, generated)
    value = rows_x.mean() + rows_y.mean() - 2 * rows_xy.mean()
    first = (rows_x - rows_xy).var(ddof=1) / n + (rows_y - rows_yx).var(ddof=1) / m
    second = 2 * inside_x / n**2 + 2 * inside_y / m**2 + 4 * between / (n * m)
    error = np.sqrt(max(4 * first - second, second))
    rest = {"real": n, "generated": m, "features": features}
    return Result.normal("kernel distance", float(value), float(error), baseline=0.0, **rest)


def _kernel(x, y):
    base = x @ y.T / x.shape[1] + 1
    return base * base * base  # far faster than base ** 3


def _inside(x):
    """Of one set without its diagonal: each row's mean, and the doubly centred kernel's square."""
    n, squares, rows = len(x), 0.0, np.empty(len(x))
    for start in range(0, n, BLOCK):
        kernel = _kernel(x[start : start + BLOCK], x)
        np.fill_diagonal(kernel[:, start:], 0)
        rows[start : start + BLOCK] = kernel.sum(axis=1) / (n - 1)
        squares += (kernel**2).sum()
    return rows, squares / (n * (n - 1)) - 2 * rows.var() - rows.mean() ** 2


def _between(x, y):
    """Of two sets: each row's and each column's mean, and the doubly centred kernel's square."""
    squares, rows, columns = 0.0, np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        kernel = _kernel(x[start : start + BLOCK], y)
        rows[start : start + BLOCK] = kernel.mean(axis=1)
        columns += kernel.sum(axis=0) / len(x)
        squares += (kernel**2).sum()
    return (
        rows,
        columns,
        squares / (len(x) * len(y)) - rows.var() - columns.var() - rows.mean() ** 2,
    )
