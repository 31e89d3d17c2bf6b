"""A score as it should be told: with its error, its baseline, and how many pictures it saw."""

from dataclasses import asdict, dataclass
from math import isnan

import numpy as np

Z = 1.959963984540054  # 97.5 % of a standard normal variable lie below


@dataclass(frozen=True)
class Result:
    """One score of generated pictures.

    Attributes:
        name: of the score, such as "Fréchet distance".
        value: the score.
        error: its standard error, in the same unit.
        low, high: its 95 % interval.
        baseline: what as many real pictures would score on average, which a perfect generator
            would, too; NaN where that is not known.
        real, generated: how many pictures of each were compared.
        features: what looked at the pictures, such as "AvatarNet big-smile-32".
    """

    name: str
    value: float
    error: float
    low: float
    high: float
    baseline: float
    real: int
    generated: int
    features: str = ""

    @classmethod
    def normal(cls, name, value, error, **rest):
        """A result whose interval is value ± 1.96 standard errors."""
        return cls(name, value, error, value - Z * error, value + Z * error, **rest)

    def __float__(self):
        return float(self.value)

    def __str__(self):
        best = "" if isnan(self.baseline) else f"; real pictures would score {self.baseline:.4g}"
        against = f" against {self.real:,} real" if self.real else ""
        seen = f" in {self.features}" if self.features else ""
        return (
            f"{self.name} {self.value:.4g} (95 %: {self.low:.4g} to {self.high:.4g}{best}); "
            f"{self.generated:,} generated{against}{seen}"
        )

    def as_dict(self):
        """The same as plain data, for JSON."""
        return asdict(self)


def wilson_interval(share, n, z=Z):
    """The interval of a share that was counted in n independent cases (Wilson 1927).

        (p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n)

    Args:
        share: p, a number or an array.
        n: how many cases, at least 1.
        z: how many standard errors the interval reaches; 1.96 for 95 %.

    Returns:
        (low, high), as float64.
    """
    p, n = np.asarray(share, float), np.asarray(n, float)
    middle, wide = p + z**2 / (2 * n), 1 + z**2 / n
    half = z * np.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    return (middle - half) / wide, (middle + half) / wide
