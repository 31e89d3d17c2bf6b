"""1,000 simulations a score: does the 95 % interval hold what it is for? And AvatarNet's floor.

    python verify/test_intervals.py        writes intervals.md beside it; some three minutes

Coverage itself is uncertain by 0.7 percentage points here, so one row that is exactly right falls
outside 93 to 97 % once in about 250 seeds.
"""

import datetime
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy

from avatarlib.data import render
from avatarlib.evaluation import classifier
from avatarlib.metrics import (
    frechet,
    frechet_at_infinity,
    frechet_distance,
    frechet_floor,
    inception_score,
    kernel_distance,
)

TABLE = Path(__file__).with_name("intervals.md")
TIMES = 1000
SPREAD = np.geomspace(2, 0.3, 16)  # standard deviations of the features
OWN = "expected score"
POPULATION = "population distance"


def gaussian(rng, n, d):
    return rng.normal(size=(n, d))


def rectified(rng, n, d):
    """Mean 0 and variance 1 as the Gaussian's, half of it at one value."""
    values = np.maximum(rng.normal(size=(n, d)), 0)
    return (values - 1 / np.sqrt(2 * np.pi)) / np.sqrt(0.5 - 0.5 / np.pi)


@dataclass(frozen=True)
class Case:
    """Two clouds, the generated one `shift` away and `scale` times as wide, and a score of them."""

    score: object
    cloud: object
    n: int
    m: int
    shift: float
    scale: float
    d: int = 16
    low: float = 0.93
    high: float = 0.97

    def draw(self, rng):
        spread = SPREAD if self.d == 16 else np.geomspace(2, 0.3, self.d)
        real = self.cloud(rng, self.n, self.d) * spread
        return real, self.cloud(rng, self.m, self.d) * spread * self.scale + self.shift

    @property
    def truth(self):
        """What the interval is for; None: the mean of the simulations, which is expected."""
        if self.score is not frechet_at_infinity:
            return None
        spread = np.geomspace(2, 0.3, self.d)
        return self.d * self.shift**2 + ((self.scale - 1) ** 2 * spread**2).sum()

    @property
    def name(self):
        where = "near" if (self.shift, self.scale) == (0, 1) else "far"
        return f"{self.score.__name__} {self.cloud.__name__} {self.n} {self.m} {self.d} {where}"


def clear(rng, n, d):
    """Logits of a judge that is mostly sure, some classes rarer than others."""
    return 3 * rng.normal(size=(n, d)) + np.linspace(0, 2, d)


def logits_score(real, generated):
    return inception_score(generated, real)


# Near 0 an interval may be too wide; few skewed features make it too narrow.
CASES = [
    Case(frechet, gaussian, 1000, 1200, 0.3, 1.3),
    Case(frechet, rectified, 2500, 3000, 0.3, 1.3),
    Case(frechet, rectified, 200, 240, 0.3, 1.3, low=0.88),
    Case(frechet, gaussian, 1000, 1200, 0, 1, low=0.93, high=1),
    Case(frechet, gaussian, 60, 60, 0.3, 1.3, d=96, low=0.93, high=1),
    Case(frechet_at_infinity, gaussian, 1000, 1200, 0.3, 1.3),
    Case(frechet_at_infinity, rectified, 2500, 3000, 0.3, 1.3),
    Case(frechet_at_infinity, rectified, 200, 240, 0.3, 1.3, low=0.88),
    Case(frechet_at_infinity, gaussian, 100, 120, 0.3, 1.3),
    Case(frechet_at_infinity, gaussian, 1000, 1200, 0, 1, low=0.93, high=1),
    Case(kernel_distance, gaussian, 500, 600, 0.3, 1.3),
    Case(kernel_distance, rectified, 2000, 2000, 0.3, 1.3),
    Case(kernel_distance, rectified, 200, 240, 0.3, 1.3, low=0.88),
    Case(kernel_distance, gaussian, 500, 600, 0, 1, low=0.90, high=1),
    Case(logits_score, clear, 500, 600, 0, 1, d=10),
]


def measured(case):
    """(mean, standard deviation, root mean square of the errors, coverage) of the simulations."""
    rng = np.random.default_rng(7)
    found = [case.score(*case.draw(rng)) for _ in range(TIMES)]
    values = np.array([r.value for r in found])
    truth = values.mean() if case.truth is None else case.truth
    error = np.sqrt(np.mean([r.error**2 for r in found]))
    return values.mean(), values.std(), error, np.mean([r.low <= truth <= r.high for r in found])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_intervals_hold_what_they_are_for(case):
    assert case.low <= measured(case)[3] <= case.high


def floors(n, features, pairs=150):
    """(mean distance of disjoint samples of n, its standard error, the floor, the Gaussian's)."""
    rng, found = np.random.default_rng(0), []
    while len(found) < pairs:
        order = rng.permutation(len(features))
        for start in range(0, len(order) - 2 * n + 1, 2 * n):
            one, two = features[order[start : start + n]], features[order[start + n :][:n]]
            found.append(frechet_distance(one, two))
    closed = [frechet_floor(features, n, n, gaussian) for gaussian in (False, True)]
    return np.mean(found), np.std(found) / np.sqrt(len(found)), *closed


def looked():
    pictures = render("big-smile", 12_000, 32, 11, progress=False).images
    return classifier.load("big-smile-32").look(pictures)[0]


@pytest.fixture(scope="module")
def avatars():
    return looked()


@pytest.mark.parametrize("n", [500, 1000, 2000])
def test_the_floor_of_avatarnets_features(avatars, n):
    found, _, floor, _ = floors(n, avatars)
    assert floor == pytest.approx(found, rel=0.1)


def table():
    lines = [
        "# Intervals and floors",
        "",
        f"Written by `python verify/test_intervals.py` on {datetime.date.today()}; Python "
        f"{platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}; "
        f"{TIMES:,} simulations a row. The generated cloud is shifted and wider (far), or the same "
        "as the real one (near).",
        "",
        "| score | features | real | generated | d | | for the | mean | standard deviation "
        "| error stated | coverage |",
        "|---|---|--:|--:|--:|---|---|--:|--:|--:|--:|",
    ]
    for case in CASES:
        mean, deviation, error, coverage = measured(case)
        score, cloud, *sizes, where = case.name.split()
        target = OWN if case.truth is None else POPULATION
        lines.append(
            f"| {' | '.join([score, cloud, *sizes, where, target])} | {mean:.4g} | {deviation:.3g} "
            f"| {error:.3g} | {100 * coverage:.1f} % |"
        )
        print(lines[-1], flush=True)
    lines += [
        "",
        "The mean distance of disjoint samples of 12,000 rendered avatars, in the 128 features of "
        "AvatarNet big-smile-32, and the closed forms:",
        "",
        "| n = m | mean distance | its error | floor | floor of a Gaussian |",
        "|--:|--:|--:|--:|--:|",
    ]
    features = looked()
    for n in (500, 1000, 2000):
        lines.append(f"| {n:,} | " + " | ".join(f"{x:.3g}" for x in floors(n, features)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))
