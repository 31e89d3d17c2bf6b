"""What every score asks of its features, said in one place."""

import numpy as np

from avatarlib.core import values
from avatarlib.core.errors import InputError

LARGEST = 1e100  # the fourth power of a feature is a number, too


def as_features(name, array, least=2):
    """Features as every score wants them.

    Args:
        name: whose they are, for the sentence: "real" or "generated".
        array: numbers (n, d).
        least: how many rows there must be.

    Returns:
        float64 (n, d); no copy, if it is that already.

    Raises:
        InputError: not an array (n, d) of real numbers, too few rows, no column, or a number that
            is infinite, none at all, or too large to be squared.
    """
    features = values.array(array, f"What is given as the {name} features")
    if features.dtype.kind not in "fiub" or features.ndim != 2 or not features.shape[1]:
        raise InputError(
            f"The {name} features are an array of numbers (n, d), not {features.dtype} "
            f"{features.shape}; pictures go through an extractor first."
        )
    if len(features) < least:
        raise InputError(
            f"The {name} features have {len(features)} row{'s' * (len(features) != 1)}, and this "
            f"score needs at least {least}; take more pictures."
        )
    features = features.astype(np.float64, copy=False)
    if not np.isfinite(features).all():
        raise InputError(f"Some of the {name} features are not numbers; look for NaN or infinity.")
    if np.abs(features).max(initial=0) > LARGEST:
        raise InputError(
            f"Some of the {name} features are beyond {LARGEST:g}, where squares overflow; scale "
            "both sets alike."
        )
    return features


def as_pair(real, generated, least=2):
    """Features of real and of generated pictures that can be compared.

    Generated features may be all the same: a generator that collapsed has a score, too. Real ones
    may not, since nothing can be measured by a scale without marks.

    Args:
        real, generated: numbers (n, d) and (m, d).
        least: how many rows each must have.

    Returns:
        two arrays, float64 (n, d) and (m, d).

    Raises:
        InputError: as `as_features`; different widths; constant real features.
    """
    real, generated = as_features("real", real, least), as_features("generated", generated, least)
    if real.shape[1] != generated.shape[1]:
        raise InputError(
            f"Features of {real.shape[1]} and of {generated.shape[1]} numbers do not compare; "
            "take both from the same extractor."
        )
    if (real == real[0]).all():
        raise InputError(
            "All real features are the same, so they measure nothing; check pictures and extractor."
        )
    return real, generated
