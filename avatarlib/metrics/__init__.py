"""Numbers about pictures: features in, a score out. NumPy and SciPy only."""

from avatarlib.metrics.coverage import confusion, shares
from avatarlib.metrics.frechet import frechet_distance, frechet_floor
from avatarlib.metrics.result import Result

__all__ = ["Result", "confusion", "frechet_distance", "frechet_floor", "shares"]
