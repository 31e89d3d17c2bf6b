"""Numbers about pictures: features in, a score out. NumPy and SciPy only."""

from avatarlib.metrics.coverage import (
    attribute_coverage,
    confusion,
    relative_shares,
    shares,
    total_variation,
)
from avatarlib.metrics.frechet import (
    frechet,
    frechet_at_infinity,
    frechet_distance,
    frechet_floor,
    frechet_from_statistics,
)
from avatarlib.metrics.inception import inception_score
from avatarlib.metrics.kernel import kernel_distance
from avatarlib.metrics.neighbours import duplicates, nearest, prdc
from avatarlib.metrics.result import Result

__all__ = [
    "Result",
    "attribute_coverage",
    "confusion",
    "duplicates",
    "frechet",
    "frechet_at_infinity",
    "frechet_distance",
    "frechet_floor",
    "frechet_from_statistics",
    "inception_score",
    "kernel_distance",
    "nearest",
    "prdc",
    "relative_shares",
    "shares",
    "total_variation",
]
