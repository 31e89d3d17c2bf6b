"""The Fréchet distance against closed forms, SciPy, torchmetrics, jackknives and simulations."""

import numpy as np
import pytest
from scipy import linalg

from avatarlib.core.errors import InputError
from avatarlib.data import render
from avatarlib.evaluation.classifier import load
from avatarlib.metrics import (
    frechet,
    frechet_at_infinity,
    frechet_distance,
    frechet_floor,
    frechet_from_statistics,
)

RNG = None


@pytest.fixture(autouse=True)
def fresh_numbers():
    """The same for each test, whichever ran before it."""
    global RNG
    RNG = np.random.default_rng(0)


def features(n, d):
    return RNG.normal(size=(n, d)) @ RNG.normal(size=(d, d)) / np.sqrt(d) + RNG.normal(size=d)


def definite(d, least=0.1):
    root = RNG.normal(size=(d, d)) / np.sqrt(d)
    return root @ root.T + least * np.eye(d)


def statistics(x):
    return x.mean(axis=0), np.cov(x, rowvar=False)


# ------------------------------------------------------------------------------- exact truths


def shortest_way(x, m, c):
    """Moved by x m + c, m positive definite, each point goes the least: exact for samples."""
    step = m - np.eye(len(m))
    mean = x.mean(axis=0)
    return ((mean @ step + c) ** 2).sum() + (((x - mean) @ step) ** 2).sum() / (len(x) - 1)


@pytest.mark.parametrize("n, d", [(200, 12), (30, 40), (40, 40), (41, 40), (2, 5), (500, 100)])
def test_a_positive_definite_map_is_the_shortest_way(n, d):
    x, m, c = features(n, d), definite(d), RNG.normal(size=d)
    expected = shortest_way(x, m, c)
    assert frechet_distance(x, x @ m + c) == pytest.approx(expected, rel=1e-12, abs=0)
    assert frechet_distance(x @ m + c, x) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("n, d", [(300, 16), (12, 16)])
def test_small_distances_keep_their_digits(n, d):
    """About 1e-5: eigenvalues of the product of covariances are some per cent off for n < d."""
    x = features(n, d)
    m = np.eye(d) + 5e-4 * definite(d)
    expected = shortest_way(x, m, 0)
    assert 1e-6 < expected < 1e-4
    assert frechet_distance(x, x @ m) == pytest.approx(expected, rel=1e-8, abs=0)


@pytest.mark.parametrize("n, d", [(100, 10), (5, 10), (10, 10), (60, 50)])
def test_the_same_set_is_at_distance_zero(n, d):
    x = features(n, d)
    found = frechet_distance(x, x[::-1])
    assert isinstance(found, float)
    assert abs(found) < 1e-12 * 2 * x.var(axis=0, ddof=1).sum()


def test_one_dimension_is_means_and_standard_deviations():
    x, y = RNG.normal(1, 2, (50, 1)), RNG.normal(3, 1, (80, 1))
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-12)
    found = frechet_from_statistics(x.mean(0), [[x.var(ddof=1)]], y.mean(0), [[y.var(ddof=1)]])
    assert found == pytest.approx(expected, rel=1e-12)


def test_diagonal_covariances_are_dimensions_one_by_one():
    """Columns of ±a and ±b that are exactly uncorrelated: a Hadamard matrix."""
    signs = linalg.hadamard(16)[:, 1:7].astype(float)
    a, b = RNG.uniform(0.1, 3, 6), RNG.uniform(0.1, 3, 6)
    expected = ((a - b) ** 2).sum() * 16 / 15
    assert frechet_distance(signs * a, signs * b) == pytest.approx(expected, rel=1e-12)


def test_few_against_many_samples_agree_with_statistics():
    """One set spans the features, the other does not; each order of the two."""
    x, y = features(200, 30), features(12, 30)
    found = frechet_distance(x, y)
    assert found == pytest.approx(frechet_distance(y, x), rel=1e-12)
    assert found == pytest.approx(frechet_from_statistics(*statistics(x), *statistics(y)), rel=1e-6)


def test_rotations_and_orders_do_not_matter_and_scales_count_squared():
    x, y = features(90, 20), features(70, 20)
    turn = linalg.qr(RNG.normal(size=(20, 20)))[0]
    found = frechet_distance(x, y)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(found, rel=1e-12)
    assert frechet_distance(RNG.permutation(x), y[:, :]) == pytest.approx(found, rel=1e-12)
    assert frechet_distance(3 * x + 1, 3 * y + 1) == pytest.approx(9 * found, rel=1e-12)


def test_nearly_singular_covariances_keep_their_digits():
    """Scales over twelve decades: Cholesky of a covariance would lose all but the largest."""
    x = features(200, 12) * np.geomspace(1, 1e-12, 12)
    m = np.diag(RNG.uniform(0.5, 2, 12))
    assert frechet_distance(x, x @ m) == pytest.approx(shortest_way(x, m, 0), rel=1e-12, abs=0)
    x[:, 5] = 7  # a dead feature
    assert frechet_distance(x, x @ m) == pytest.approx(shortest_way(x, m, 0), rel=1e-12, abs=0)


def test_a_way_that_is_long_in_narrow_directions_keeps_its_digits():
    """Six decades along slanted axes, where Cholesky of the covariance does not fail, but errs."""
    turn = linalg.qr(RNG.normal(size=(12, 12)))[0]
    x = RNG.normal(size=(300, 12)) * np.geomspace(1, 1e-6, 12) @ turn
    m = turn.T * np.geomspace(1, 1e6, 12) @ turn
    m = (m + m.T) / 2
    assert frechet_distance(x, x @ m) == pytest.approx(shortest_way(x, m, 0), rel=3e-12, abs=0)


def test_a_collapsed_generator_has_a_distance():
    x = features(50, 6)
    found = frechet(x, np.ones((20, 6)))
    expected = ((x.mean(axis=0) - 1) ** 2).sum() + x.var(axis=0, ddof=1).sum()
    assert found.value == pytest.approx(expected, rel=1e-12) and found.error > 0


# ---------------------------------------------------------------------------- other libraries


def test_two_unlike_clouds_agree_with_scipys_square_root():
    x, y = features(400, 12), features(500, 12)
    (mean_x, s), (mean_y, t) = statistics(x), statistics(y)
    root = linalg.sqrtm(s @ t).real
    expected = ((mean_x - mean_y) ** 2).sum() + np.trace(s + t - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)
    assert frechet_from_statistics(mean_x, s, mean_y, t) == pytest.approx(expected, rel=1e-9)


def test_torchmetrics_agrees():
    torch = pytest.importorskip("torch")
    image = pytest.importorskip("torchmetrics.image.fid")

    class Same(torch.nn.Module):
        num_features = 24

        def forward(self, x):
            return x

    x, y = features(300, 24), features(200, 24)
    metric = image.FrechetInceptionDistance(feature=Same()).set_dtype(torch.float64)
    metric.update(torch.from_numpy(x), real=True)
    metric.update(torch.from_numpy(y), real=False)
    assert frechet_distance(x, y) == pytest.approx(float(metric.compute()), rel=1e-6)


# ----------------------------------------------------------------------------------- the floor


def mean_distance(draw, n, m, times):
    return np.mean([frechet_distance(draw(n), draw(m)) for _ in range(times)])


def test_the_floor_is_the_mean_distance_of_two_samples_of_one_gaussian():
    """400 pairs of samples; their mean's standard error is about 0.5 %, the limit 3 %."""
    mix = np.geomspace(1, 0.5, 24)
    draw = lambda n: RNG.normal(size=(n, 24)) * mix  # noqa: E731
    found = mean_distance(draw, 1500, 2500, 400)
    many = draw(50_000)
    assert frechet_floor(many, 1500, 2500) == pytest.approx(found, rel=0.03)
    assert frechet_floor(many, 1500, 2500, gaussian=True) == pytest.approx(found, rel=0.03)


def test_the_floor_of_rectified_features_needs_their_own_variances():
    """Heavy tails: the Gaussian's formula is 45 % too low. Standard error 2.2 %, limit 8 %."""
    mix = RNG.normal(size=(12, 12)) / 4

    def draw(n):
        z = RNG.normal(size=(n, 12))
        return np.maximum(z * np.abs(z) @ mix, 0)

    found, many = mean_distance(draw, 2000, 3000, 200), draw(60_000)
    assert frechet_floor(many, 2000, 3000) == pytest.approx(found, rel=0.08)
    assert frechet_floor(many, 2000, 3000, gaussian=True) < 0.7 * found


def test_the_floor_of_avatarnets_features():
    """30 pairs of disjoint samples of 2,000 avatars; standard error about 2 %, limit 10 %."""
    pictures = render("big-smile", 2000, 32, 11, progress=False).images
    seen, found = load("big-smile-32").look(pictures)[0], []
    for _ in range(15):
        parts = RNG.permutation(seen).reshape(4, 500, -1)
        found += [frechet_distance(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    assert frechet_floor(seen, 500, 500) == pytest.approx(np.mean(found), rel=0.1)


def test_the_floor_of_features_that_depend_on_each_other():
    assert frechet_floor(features(50, 4) @ RNG.normal(size=(4, 9)), 100, 100) > 0


# ----------------------------------------------------------------------------------- the error


def jackknife(score, x, y):
    """The standard error by leaving out one at a time."""
    total = 0
    for mine, call in ((x, lambda s: score(s, y)), (y, lambda s: score(x, s))):
        left = np.array([call(np.delete(mine, i, axis=0)) for i in range(len(mine))])
        total += (len(mine) - 1) * left.var()
    return np.sqrt(total)


@pytest.mark.parametrize("n, m, d", [(150, 250, 4), (250, 150, 4), (20, 24, 40)])
def test_the_error_is_that_of_the_jackknife(n, m, d):
    """The two agree to order 1/n; a wrong sign or factor is far outside 8 %."""
    x, y = features(n, d) ** 2, 1 - 2 * features(m, d) ** 2  # skewed, so that signs count
    found = frechet(x, y, "three numbers")
    assert found.value == frechet_distance(x, y)
    assert found.error == pytest.approx(jackknife(frechet_distance, x, y), rel=0.08)
    assert frechet(y, x).error == pytest.approx(found.error, rel=1e-9)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * found.error)
    assert (found.real, found.generated, found.features) == (n, m, "three numbers")
    assert found.baseline == frechet_floor(x, n, m)


def simulate(score, truth, times, n=300, m=400, d=8):
    """(values, how often the interval holds the truth) for shifted, wider Gaussians."""
    found = []
    for _ in range(times):
        x, y = RNG.normal(size=(n, d)), 0.3 + 1.3 * RNG.normal(size=(m, d))
        found.append(score(x, y))
    values = np.array([r.value for r in found])
    truth = values.mean() if truth is None else truth
    return values, np.mean([r.low <= truth <= r.high for r in found])


@pytest.mark.parametrize("score", [frechet, frechet_at_infinity])
def test_intervals_hold_the_truth(score):
    """300 simulations; at 95 % coverage, outside 91 to 98.7 % once in about 500 seeds."""
    truth = 8 * (0.3**2 + 0.3**2) if score is frechet_at_infinity else None
    _, cover = simulate(score, truth, 300)
    assert 0.91 <= cover <= 0.987


def test_extrapolation_removes_the_bias():
    """100 simulations of 60 pictures: the bias of the plain score is some 13 standard errors."""
    truth = 8 * (0.3**2 + 0.3**2)
    plain, _ = simulate(frechet, truth, 100, 60, 60)
    better, _ = simulate(frechet_at_infinity, truth, 100, 60, 60)
    error = plain.std() / 10
    assert plain.mean() - truth > 7 * error
    assert abs(better.mean() - truth) < 3 * error


def test_what_counts_to_first_order_cancels_in_disjoint_halves():
    """Far away, the distance is nearly linear in a mean; halves that overlap are thousands off."""
    x = RNG.normal(size=(60, 1))
    assert frechet_at_infinity(x, x + 1e4).value == pytest.approx(1e8, abs=2)


def test_extrapolation_is_a_function_of_the_seed():
    x, y = features(40, 5), features(60, 5)
    found = frechet_at_infinity(x, y, "f", seed=3)
    assert found == frechet_at_infinity(x, y, "f", seed=3)
    assert found.value != frechet_at_infinity(x, y, seed=4).value
    assert (found.real, found.generated, found.features, found.baseline) == (40, 60, "f", 0)


# ----------------------------------------------------------------------------------- bad input


def test_extrapolation_needs_halves_that_span_the_features():
    frechet_at_infinity(features(12, 5), features(12, 5))
    with pytest.raises(InputError, match="take at least 12 of each"):
        frechet_at_infinity(features(11, 5), features(12, 5))
    with pytest.raises(InputError, match="take at least 12 of each"):
        frechet_at_infinity(features(12, 5), features(11, 5))


def test_statistics_are_checked():
    mean, cov = statistics(features(30, 3))
    assert abs(frechet_from_statistics(mean, cov, mean, cov)) < 1e-14
    for bad, sentence in (
        (np.eye(4), "of one d"),
        (np.full((3, 3), np.nan), "not numbers"),
        (np.triu(np.ones((3, 3))), "symmetric"),
        (np.diag([1.0, 1.0, -0.1]), "negative eigenvalue"),
    ):
        with pytest.raises(InputError, match=sentence):
            frechet_from_statistics(mean, cov, mean, bad)
