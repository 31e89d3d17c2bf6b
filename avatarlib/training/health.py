"""A run's health in words: what goes wrong, how one sees it, and what to try."""

from collections import deque

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.training.losses import LOSSES, SURE

WINDOW = 200  # steps over which the discriminator must have won
LEAST_DEVIATION = 0.3  # of the data's; below it, the samples are nearly one picture

ADVICE = {
    "winning": (
        "The discriminator has won: for {window} steps it has been more than {sure:.0%} sure. Try "
        "R1 and R2 penalties, a lower rate for the discriminator, or check that real and generated "
        "pictures have the same range."
    ),
    "collapse": (
        "The samples look alike: their standard deviation is {share:.0%} of the data's (mode "
        "collapse). Try "
        'the loss "relativistic" with R1 and R2, or a lower rate for the generator.'
    ),
}


class Health:
    """Watches a run; each warning is given once, and comes back when its cause has been gone.

    Args:
        spec: the run's `Spec`.
        data: what it learns from, uint8 or float (n, *shape).
    """

    def __init__(self, spec, data):
        self.loss = spec.config.loss
        self.deviation = standard_deviation(data[:1000])
        self._wins = deque(maxlen=WINDOW)
        self._told = set()

    def after_step(self, step, report):
        """A warning about the discriminator, or None.

        Raises:
            InputError: a loss is not a number any more.
        """
        for player, loss in (("discriminator", report.loss_d), ("generator", report.loss_g)):
            if not np.isfinite(loss):
                raise InputError(
                    f"In step {step} the {player}'s loss is {loss}. Nothing can be learned from "
                    "here on. Try half the rates, a larger epsilon, or a penalty (r1, r2)."
                )
        self._wins.append(bool(LOSSES[self.loss].won(report.real_logits, report.fake_logits)))
        won = len(self._wins) == WINDOW and np.mean(self._wins) > SURE
        return self._tell("winning", won, window=WINDOW, sure=SURE)

    def after_samples(self, step, samples):
        """A warning about samples (n, *shape) that look alike, or None."""
        share = standard_deviation(samples) / self.deviation if self.deviation else 1.0
        return self._tell("collapse", step >= WINDOW and share < LEAST_DEVIATION, share=share)

    def _tell(self, what, is_so, **numbers):
        if not is_so:
            self._told.discard(what)
        elif what not in self._told:
            self._told.add(what)
            return ADVICE[what].format(**numbers)
        return None


def standard_deviation(samples):
    """How far samples (n, ...) lie from their mean, a float: the root of the mean variance."""
    return float(np.sqrt(np.asarray(samples, np.float64).var(axis=0).mean()))
