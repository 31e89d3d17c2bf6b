"""Scores from nearest neighbours: precision, recall, density, coverage; and copies of pictures."""

from collections import Counter
from hashlib import blake2b

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import t as student

from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.metrics.checks import as_features, as_pair
from avatarlib.metrics.result import Result, wilson_interval

BLOCK = 2**21  # distances at a time
GROUPS = 5  # parts of the pictures that tell the standard errors


def prdc(real, generated, features="", k=3, k_density=5):
    """Four shares of pictures that lie in each other's neighbourhoods.

    A set's manifold is the union of balls, one around each picture, that reach to its k-th nearest
    neighbour in its own set (the picture itself does not count). With n real x and m generated y:

        precision = share of the y in a ball of the real set           realism
        recall    = share of the x in a ball of the generated set      variety
        density   = real balls that a y lies in, on average, over k    realism, by votes
        coverage  = share of the real balls that hold a y              variety

    (`eq-scores-precision`, `eq-scores-coverage`.) Precision and recall are from Kynkäänniemi et al.
    2019 (arXiv:1904.06991), k = 3; density and coverage from Naeem et al. 2020 (arXiv:2002.09797),
    `k_density` = 5. A picture on the border is inside (≤, as in the first paper), so that copies of
    real pictures lie in their balls even where the radius is 0; generated pictures do have equal
    features, and `duplicates` says how many. Copies make recall fall, whatever the variety: where
    each picture stands more than k times, every generated ball has radius 0. Coverage does not.

    Baselines. For two samples of one continuous distribution, density is 1 and coverage 1 - Πᵢ
    (n-i)/(n+m-i), i = 1..k (`eq-scores-null`). Precision and recall of such samples depend on the
    distribution: their baselines are measured, each real picture against the balls of the others;
    those balls are n - 1 for precision and, as far as there are so many, m for recall.

    Intervals. One picture moves the balls of others, so these shares vary more than independent
    ones. The standard error comes from scores of five parts of the pictures, each a fifth of both
    sets; and is never less than that of independent pictures. Student's t with 4 degrees of freedom
    makes it an interval, for shares in Wilson's form. In simulations, these intervals hold the mean
    score in 89 to 100 of 100 cases; below ten pictures a part, error and interval are nan.

    Distances are exact to rounding: those that are close to a radius are computed again from
    differences. The memory beyond the inputs is a copy of the larger set and some blocks.

    Args:
        real, generated: features, float (n, d) and (m, d), both with more rows than k.
        features: what looked at the pictures, for the results.
        k: the neighbour at which balls end, for precision and recall.
        k_density: the same for density and coverage.

    Returns:
        a dict of "precision", "recall", "density" and "coverage", each a `Result`.

    Raises:
        InputError: k below 1, or what `checks.as_pair` refuses.
    """
    if min(k, k_density) < 1:
        raise InputError(f"k counts neighbours, so it is at least 1, not {min(k, k_density)}.")
    real, generated = as_pair(real, generated, max(k, k_density) + 1)
    n, m = len(real), len(generated)
    order_n = generator(0, "parts of the real").permutation(n)
    order_m = generator(0, "parts of the generated").permutation(m)
    scores, alone = _scores(real, generated, k, k_density)
    i = np.arange(1, k_density + 1)
    baselines = {
        "precision": alone,
        "recall": _balls(real[order_n[: m + 1]], [k])[1] if m + 1 < n else alone,
        "density": 1.0,
        "coverage": 1 - np.prod((n - i) / (n + m - i)),
    }
    parts = []
    if min(n, m) >= GROUPS * max(10, k + 1, k_density + 1):
        for g in range(GROUPS):
            part = real[order_n[g::GROUPS]], generated[order_m[g::GROUPS]]
            parts.append(_scores(*part, k, k_density)[0])
    counts = {"real": n, "generated": m, "features": features}
    return {
        name: _result(name, each, [part[name] for part in parts], baselines[name], counts)
        for name, each in scores.items()
    }


def nearest(queries, references, exclude_self=False):
    """The nearest reference of each query: is it a copy of a picture that the generator saw?

    Args:
        queries, references: features, float (n, d) and (m, d).
        exclude_self: the two are one set, and a row is no neighbour of its own; for "how near are
            real pictures to each other?"

    Returns:
        the indices, int (n,), the first among equals; the Euclidean distances, float64 (n,), which
        are exactly 0 for equal rows.

    Raises:
        InputError: as `checks.as_features`; different widths; `exclude_self` with two sets.
    """
    queries = as_features("queries'", queries, 1)
    references = as_features("references'", references, 1 + bool(exclude_self))
    if queries.shape[1] != references.shape[1]:
        raise InputError(
            f"Features of {queries.shape[1]} and of {references.shape[1]} numbers do not compare; "
            "take both from the same extractor."
        )
    if exclude_self and not np.array_equal(queries, references):
        raise InputError("A row can be excluded from its own set only; give the same set twice.")
    index, distance = np.empty(len(queries), dtype=int), np.empty(len(queries))
    for rows, squared, margin in _blocks(queries, references, exclude_self):
        least = squared.min(axis=1, keepdims=True)
        _settle(squared, squared <= least + 2 * margin, queries[rows], references)
        index[rows] = squared.argmin(axis=1)
        distance[rows] = np.sqrt(squared.min(axis=1))
    return index, distance


def duplicates(features):
    """The share of pictures whose features equal those of another one of the set, bit by bit."""
    rows = as_features("pictures'", features, 1)
    return repeated(fingerprints(0.0 + row for row in rows))  # 0.0 + x makes -0.0 equal to 0.0


def fingerprints(arrays):
    """Sixteen bytes of a hash for each array, by which equal ones are found."""
    return [blake2b(array.tobytes(), digest_size=16).digest() for array in arrays]


def repeated(keys):
    """The share of the keys that occur more than once."""
    return sum(count for count in Counter(keys).values() if count > 1) / len(keys)


def _result(name, each, parts, baseline, counts):
    """A score: the mean of one number per picture, with an error from the parts' means."""
    value = float(each[0].mean())
    error = low = high = np.nan
    if parts:
        independent = sum(numbers.var() / len(numbers) for numbers in each)
        variance = np.var([part[0].mean() for part in parts], ddof=1) / len(parts)
        error = float(np.sqrt(max(variance, independent)))
        factor = float(student.ppf(0.975, len(parts) - 1))
        low, high = max(value - factor * error, 0.0), value + factor * error
        if name != "density":
            # With as many pictures as make this standard error.
            count = value * (1 - value) / error**2 if 0 < value < 1 else len(each[0])
            low, high = map(float, wilson_interval(value, count, factor))
    return Result(name, value, error, low, high, float(baseline), **counts)


def _scores(real, generated, k, k_density):
    """Name -> numbers per picture whose means are the score; and the real pictures' precision."""
    n, m = len(real), len(generated)
    (radii, radii_density), alone = _balls(real, [k, k_density])
    (radii_generated,), _ = _balls(generated, [k])
    inside, balls = np.empty(m, dtype=bool), np.empty(m)
    held, visitors = np.zeros(n, dtype=bool), np.zeros(n)
    for rows, squared, margin in _blocks(generated, real):
        borders = radii, radii_density, radii_generated[rows, None]
        near = np.zeros(squared.shape, dtype=bool)
        for border in borders:
            near |= abs(squared - border) <= margin
        _settle(squared, near, generated[rows], real)
        inside[rows] = (squared <= radii).any(axis=1)
        held |= (squared <= borders[2]).any(axis=0)
        hits = squared <= radii_density
        balls[rows] = hits.sum(axis=1)
        visitors += hits.sum(axis=0)
    scores = {
        "precision": [inside],
        "recall": [held],
        "density": [balls / k_density, visitors * n / (m * k_density)],
        "coverage": [visitors > 0],
    }
    return scores, alone


def _balls(points, ks):
    """Squared radii (n,) to the k-th other point for each k, and how many lie in others' balls.

    The second is the share of the points that lie in a ball of another one, for the first k. A ball
    that holds a point among its k nearest would hold it without that point's help, too.
    """
    radii, reached = np.empty((len(ks), len(points))), np.zeros(len(points), dtype=bool)
    last = max(ks)
    for rows, squared, margin in _blocks(points, points, exclude_self=True):
        border = np.partition(squared, last - 1, axis=1)[:, last - 1, None]
        _settle(squared, squared <= border + 2 * margin, points[rows], points)
        nearest_few = np.sort(np.partition(squared, last - 1, axis=1)[:, :last], axis=1)
        radii[:, rows] = nearest_few[:, np.array(ks) - 1].T
        reached |= (squared <= radii[0, rows, None]).any(axis=0)
    return radii, reached.mean()


def _blocks(x, y, exclude_self=False):
    """Squared distances of some rows of x to all of y, by |x|² + |y|² - 2xy: fast, inexact.

    Yields the rows, the squares (b, m), and a margin (b, 1): products of d terms, each rounded,
    differ by less from the sum of squared differences, itself rounded (Higham 2002, section 3.1:
    d u (|x| + |y|)² and less, for each of the three sums and for the other formula). Subtracting
    the mean first makes |x| and |y| small.
    """
    centre = y.mean(axis=0)
    y = y - centre
    norms = np.einsum("ij,ij->i", y, y)
    step = max(1, BLOCK // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        block = x[rows] - centre
        own = np.einsum("ij,ij->i", block, block)[:, None]
        squared = block @ y.T
        squared *= -2
        squared += own
        squared += norms
        if exclude_self:
            np.fill_diagonal(squared[:, rows], np.inf)
        margin = 2 * (y.shape[1] + 8) * np.finfo(float).eps * (own + norms.max())
        yield rows, squared, margin


def _settle(squared, doubtful, x, y):
    """Replace the doubtful ones of the squared distances by sums of squared differences."""
    for row in np.flatnonzero(doubtful.any(axis=1)):
        columns = np.flatnonzero(doubtful[row])
        for part in np.array_split(columns, 1 + len(columns) // 1024):
            squared[row, part] = cdist(x[row, None], y[part], "sqeuclidean")[0]
