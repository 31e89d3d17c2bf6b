"""Scores against closed forms, SciPy's square root of a matrix, and planted truths."""

import numpy as np
import pytest
from scipy import linalg

from avatarlib.errors import InputError
from avatarlib.metrics import confusion, frechet_distance, frechet_floor, shares

RNG = np.random.default_rng(0)


def features(n, d):
    return RNG.normal(size=(n, d)) @ RNG.normal(size=(d, d)) + RNG.normal(size=d)


@pytest.mark.parametrize("n, d", [(200, 12), (30, 40), (2, 5)])
def test_a_positive_definite_map_is_the_shortest_way(n, d):
    """Y = X M + c, M symmetric positive definite, moves each point the least: exact for samples."""
    x = features(n, d)
    root = RNG.normal(size=(d, d)) / np.sqrt(d)
    m, c = root @ root.T + 0.1 * np.eye(d), RNG.normal(size=d)
    mean = x.mean(axis=0)
    moved = (x - mean) @ (m - np.eye(d))
    expected = ((mean @ (m - np.eye(d)) + c) ** 2).sum() + (moved**2).sum() / (n - 1)
    assert frechet_distance(x, x @ m + c) == pytest.approx(expected, rel=1e-11)
    assert frechet_distance(x @ m + c, x) == pytest.approx(expected, rel=1e-11)


def test_small_distances_keep_their_digits():
    x = features(300, 8)
    m = np.eye(8) * (1 + 1e-5)
    expected = ((1e-5 * x.mean(axis=0)) ** 2).sum() + 1e-10 * x.var(axis=0, ddof=1).sum()
    scale = 2 * x.var(axis=0, ddof=1).sum()
    assert abs(frechet_distance(x, x @ m) - expected) < 1e-14 * scale


@pytest.mark.parametrize("n", [100, 5])
def test_the_same_set_is_at_distance_zero(n):
    x = features(n, 10)
    spread = x.var(axis=0, ddof=1).sum()
    assert abs(frechet_distance(x, x[::-1])) < 1e-12 * spread


def test_one_dimension_is_means_and_standard_deviations():
    x, y = RNG.normal(1, 2, (50, 1)), RNG.normal(3, 1, (80, 1))
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-12)


def test_two_unlike_clouds_agree_with_scipys_square_root():
    x, y = features(400, 12), features(500, 12)
    s, t = np.cov(x.T), np.cov(y.T)
    root = linalg.sqrtm(s @ t).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_the_floor_is_the_mean_distance_of_two_samples_of_one_gaussian():
    """400 pairs of samples; their mean's standard error is about 0.4 %, the limit 3 %."""
    mix = np.diag(np.geomspace(3, 0.3, 16))
    draw = lambda n: RNG.normal(size=(n, 16)) @ mix  # noqa: E731
    found = np.mean([frechet_distance(draw(1500), draw(2500)) for _ in range(400)])
    assert frechet_floor(draw(50_000), 1500, 2500) == pytest.approx(found, rel=0.03)


def test_scores_refuse_what_they_cannot_use():
    with pytest.raises(InputError, match="2 and of 3 numbers"):
        frechet_distance(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(InputError, match="n at least 2"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))
    with pytest.raises(InputError, match="not numbers"):
        frechet_distance(np.full((5, 2), np.nan), np.zeros((5, 2)))
    with pytest.raises(InputError, match="Each value must occur"):
        confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 3)


def test_the_judges_errors_are_counted_by_true_value():
    truth, seen = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    np.testing.assert_allclose(confusion(truth, seen, 2), [[2 / 3, 1 / 3], [0, 1]])


def test_planted_shares_come_back_through_a_judge_that_errs():
    """100,000 drawings; five standard errors of the worst share are below 0.012."""
    planted = np.array([0.7, 0.25, 0.05, 0.0])
    errors = np.array([[0.8, 0.1, 0.1, 0], [0.2, 0.7, 0, 0.1], [0, 0.1, 0.9, 0], [0, 0, 0.1, 0.9]])
    truth = RNG.choice(4, 100_000, p=planted)
    seen = (RNG.random(100_000)[:, None] > errors.cumsum(axis=1)[truth]).sum(axis=1)
    naive = np.bincount(seen, minlength=4) / len(seen)
    assert np.abs(naive - planted).max() > 0.05  # which the correction must undo
    found = shares(seen, errors)
    assert found.sum() == pytest.approx(1) and found.min() >= 0
    np.testing.assert_allclose(found, planted, atol=0.012)
