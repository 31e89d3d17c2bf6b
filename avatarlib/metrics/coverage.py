"""Which attributes a generator draws: counted by a judge, corrected for the judge's errors."""

import numpy as np
from scipy.optimize import nnls

from avatarlib.errors import InputError


def confusion(truth, seen, values):
    """How a judge sees each true value: the share P(seen j | true i).

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

    A judge that takes a tenth of all hats for helmets makes hats too rare and helmets too many.
    What it sees is q = Cᵀ p with the confusion C = P(seen | true); p is the non-negative solution
    of least squares, scaled to the sum 1 (Teo et al. 2023, arXiv:2305.12454, correct so for a
    judge of two values).

    Args:
        seen: the judge's values of n generated pictures, int (n,).
        errors: the judge's `confusion`, (values, values).

    Returns:
        float64 (values,), with sum 1.
    """
    observed = np.bincount(seen, minlength=len(errors)) / len(seen)
    found, _ = nnls(errors.T, observed)
    return found / found.sum()
