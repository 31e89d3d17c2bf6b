"""Which attributes a generator draws: counted by a classifier, corrected for its errors."""

import numpy as np
from scipy.optimize import nnls

from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.metrics.result import Result, Z

SEEN = 0.1  # times as often as in the data: a value counts as drawn
DRAWS = 1000  # simulated samples behind a baseline and an interval


def confusion(truth, seen, values):
    """How a classifier sees each true value: the share P(seen j | true i).

    Args:
        truth, seen: numbers of the values, int (n,), of pictures with known labels.
        values: how many values there are.

    Returns:
        float64 (values, values), rows that sum to 1.

    Raises:
        InputError: a value never occurs, so that nothing is known about it.
    """
    counts = np.zeros((values, values))
    np.add.at(counts, (truth, seen), 1)
    totals = counts.sum(axis=1, keepdims=True)
    if not totals.all():
        raise InputError("Each value must occur among the labelled pictures; take more of them.")
    return counts / totals


def shares(seen, errors):
    """How often each value was drawn, in truth.

    A classifier that takes a tenth of all hats for helmets makes hats too rare and helmets too
    many. What it sees is q = Cᵀ p with the confusion C = P(seen | true); p is the non-negative
    solution of least squares, scaled to the sum 1 (Teo et al. 2023, arXiv:2305.12454, correct so
    for a classifier of two values).

    Args:
        seen: the classifier's values of n generated pictures, int (n,).
        errors: the classifier's `confusion`, (values, values).

    Returns:
        float64 (values,), with sum 1.
    """
    return _corrected(np.bincount(seen, minlength=len(errors)) / len(seen), errors)


def relative_shares(seen, real, errors):
    """How often each value was drawn, in truth, over how often it is real: 1 is as often, 0 never.

    Args:
        seen: the classifier's values of m generated pictures, int (m,).
        real: the true values of n real pictures, int (n,); each value occurs.
        errors: the classifier's `confusion`, (values, values).

    Returns:
        float64 (values,).
    """
    return shares(seen, errors) / (np.bincount(real, minlength=len(errors)) / len(real))


def total_variation(seen, real, errors, name="", features=""):
    """How far apart are the shares of an attribute's values, generated and real?

        ½ Σᵥ |qᵥ - pᵥ|

    which is the share of the generated pictures that would have to show another value. 0 is best,
    1 worst. The shares q are corrected for the classifier's errors, as in `shares`.

    The estimate is above 0 for perfect generators, too: the baseline is its mean for as many real
    pictures, in simulated samples that the same classifier looks at. The standard error is the
    bootstrap's, with the signs of the differences held. The interval reaches 1.96 of them up; and
    as many down, and further by what chance adds to the values that do not differ significantly,
    √(2/π) of their standard errors. The interval covers the chance in the choice of pictures; the
    confusion is taken as exact.

    Args:
        seen: the classifier's values of m generated pictures, int (m,).
        real: the true values of n real pictures, int (n,).
        errors: the classifier's `confusion`, (values, values); the unit matrix for one
            without errors.
        name: the attribute's, for the result.
        features: what looked at the pictures.

    Returns:
        a `Result`.

    Raises:
        InputError: no pictures, or numbers that are no values.
    """
    (q, p), (q_drawn, p_drawn), (q_alike, p_alike), sizes = _shares(seen, real, errors)
    gap, gaps = q - p, q_drawn - p_drawn
    value, alike = abs(gap).sum() / 2, (abs(q_alike - p_alike).sum(axis=1) / 2).mean()
    error, each = (gaps @ np.sign(gap) / 2).std(), gaps.std(axis=0)
    chance = each[abs(gap) < Z * each].sum() * np.sqrt(2 / np.pi) / 2
    low, high = max(value - chance - Z * error, 0.0), min(value + Z * error, 1.0)
    label = f"total variation of {name}".removesuffix(" of ")
    return Result(label, *map(float, (value, error, low, high, alike)), *sizes, features)


def attribute_coverage(seen, real, errors, name="", features=""):
    """The share of the real pictures' values that the generator draws at all.

    A value counts as drawn if its share, corrected for the classifier's errors, is at least a tenth
    of its share in the real pictures; the ratio of the two is what `classifier.Score` lists. The
    report leaves this score out: of one attribute, `total_variation` and the ratios say more.

    The baseline is the mean for as many real pictures. The interval's lower end counts the values
    that are drawn significantly more often than a tenth, its upper end those that are not drawn
    significantly less often: of a rare value, few pictures may show none by chance.

    Args, raises: as `total_variation`.

    Returns:
        a `Result`.
    """
    (q, p), drawn, alike, sizes = _shares(seen, real, errors)
    # Counts vary as their roots: at a tenth of the data's share, by this much at least.
    doubt = Z * np.maximum(drawn[0].std(axis=0), np.sqrt(SEEN) * alike[0].std(axis=0))
    ends = _kept(q, p, doubt), _kept(q, p, -doubt)
    rest = _kept(q, p), _kept(*drawn).std(), *ends, _kept(*alike).mean()
    label = f"attribute coverage of {name}".removesuffix(" of ")
    return Result(label, *map(float, rest), *sizes, features)


def _corrected(observed, errors):
    """Shares before the classifier's errors: non-negative least squares, scaled to the sum 1."""
    found, _ = nnls(errors.T, observed)
    return found / found.sum()


def _kept(q, p, more=0.0):
    """Of the values that p has, the share that q has a tenth as often, and `more`."""
    return ((q >= SEEN * p + more) & (p > 0)).sum(axis=-1) / (p > 0).sum(axis=-1)


def _shares(seen, real, errors):
    """Shares (q, p) of the values, generated and real; many of them (draws, values) in bootstrap
    samples, and in samples of perfect generators; (n, m).
    """
    seen, real, values = np.asarray(seen), np.asarray(real), len(errors)
    for codes in (seen, real):
        if codes.ndim != 1 or not len(codes) or codes.dtype.kind not in "iu":
            raise InputError("An attribute's values are whole numbers (n,), n at least 1.")
        if codes.min() < 0 or codes.max() >= values:
            raise InputError(
                f"Values are numbered from 0 to {values - 1}; the classifier has no other."
            )
    m, n = len(seen), len(real)
    q, p = np.bincount(seen, minlength=values) / m, np.bincount(real, minlength=values) / n
    draws = generator(0, "attributes")

    def samples(observed):
        drawn = [_corrected(count / m, errors) for count in draws.multinomial(m, observed, DRAWS)]
        return np.array(drawn), draws.multinomial(n, p, DRAWS) / n

    return (_corrected(q, errors), p), samples(q), samples(p @ errors), (n, m)
