"""The Inception Score: are the pictures each clear, and together of every kind?"""

import numpy as np
from scipy.special import log_softmax, logsumexp

from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.metrics.checks import as_features
from avatarlib.metrics.result import Result, Z


def inception_score(logits, real_logits=None, features=""):
    """The exponential of the mean divergence of p(class | picture) from p(class), in nats.

    (`eq-scores-inception`; Salimans et al. 2016, arXiv:1606.03498.) Between 1 and the number of
    classes. It is computed from all pictures at once, since a mean over ten splits is biased low,
    and from logits, since no constant is then needed against the logarithm of 0. The error is that
    of the delta method: to first order a picture moves the logarithm of the score by its own
    divergence over n. The interval, symmetric on the logarithm, is for the expected score of as
    many pictures.

    Args:
        logits: float (n, classes) of generated pictures, n and classes at least 2.
        real_logits: of real pictures, for the baseline; of more than n, n are drawn at random.
        features: what computed them.

    Returns:
        a `Result`; without real pictures its baseline is NaN and their number 0.

    Raises:
        InputError: as `checks.as_features`; a single class, or different numbers of classes.
    """
    own = _divergences(as_features("generated", logits))
    baseline, count = float("nan"), 0
    if real_logits is not None:
        real = as_features("real", real_logits)
        if real.shape[1] != np.shape(logits)[1]:
            raise InputError("The real and the generated logits are of different classes.")
        count = min(len(real), len(own))
        rows = generator(0, "real logits").permutation(len(real))[:count]
        baseline = float(np.exp(_divergences(real[rows]).mean()))
    mean, error = own.mean(), float(own.std(ddof=1) / np.sqrt(len(own)))
    value, low, high = (float(np.exp(mean + k * error)) for k in (0, -Z, Z))
    rest = {"real": count, "generated": len(own), "features": features}
    return Result("Inception Score", value, value * error, low, high, baseline, **rest)


def _divergences(logits):
    """KL(p(class | picture) ‖ p(class)) of each picture, float64 (n,)."""
    if logits.shape[1] < 2:
        raise InputError("The Inception Score needs logits of at least two classes.")
    logs = log_softmax(logits, axis=1)
    mean = logsumexp(logs, axis=0) - np.log(len(logs))
    return (np.exp(logs) * (logs - mean)).sum(axis=1)
