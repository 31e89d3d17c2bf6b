"""Numbers about pictures: features in, a score out. NumPy and SciPy only."""

from avatarlib.metrics.coverage import confusion, shares
from avatarlib.metrics.frechet import (
    frechet,
    frechet_at_infinity,
    frechet_distance,
    frechet_floor,
    frechet_from_statistics,
)
from avatarlib.metrics.inception import inception_score
from avatarlib.metrics.kernel import kernel_distance
from avatarlib.metrics.result import Result

__all__ = [
    "Result",
    "confusion",
    "frechet",
    "frechet_at_infinity",
    "frechet_distance",
    "frechet_floor",
    "frechet_from_statistics",
    "inception_score",
    "kernel_distance",
    "shares",
]
