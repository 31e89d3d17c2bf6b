"""What all scores share: input that is checked, results; and counts against planted truths."""

import numpy as np
import pytest
import torch
from scipy import stats

from avatarlib.core.errors import InputError
from avatarlib.metrics import (
    Result,
    confusion,
    frechet,
    frechet_at_infinity,
    frechet_distance,
    kernel_distance,
    shares,
)
from avatarlib.metrics.checks import as_features, as_pair

RNG = np.random.default_rng(0)


PAIRED = [frechet_distance, frechet, frechet_at_infinity, kernel_distance]


@pytest.mark.parametrize("score", PAIRED)
@pytest.mark.parametrize(
    "real, generated, sentence",
    [
        (np.eye(5)[:, :2], np.eye(5)[:, :3], "2 and of 3 numbers"),
        (np.zeros((1, 2)), np.eye(5)[:, :2], "real features have 1 row,.* at least 2"),
        (np.eye(5)[:, :2], np.zeros((1, 2)), "generated features have 1 row,.* at least 2"),
        (np.full((5, 2), np.nan), np.eye(5)[:, :2], "real features are not numbers"),
        (np.eye(5)[:, :2], np.full((5, 2), np.inf), "generated features are not numbers"),
        (np.ones((5, 2)), np.eye(5)[:, :2], "All real features are the same"),
        (np.zeros((5, 8, 8, 3), np.uint8), np.eye(5), r"uint8 \(5, 8, 8, 3\); pictures go through"),
        (np.eye(5), [["a", "b"], ["c", "d"]], "array of numbers"),
        (np.eye(5), [[1, 2], [3]], "rows have different lengths"),
        (np.eye(5), np.ma.masked_less(np.eye(5), 0.5), "generated features is a masked array"),
        (np.eye(5), torch.eye(5, requires_grad=True), r"Tensor.*x\.detach\(\)\.cpu\(\)\.numpy"),
        (np.eye(5), 1e160 * np.eye(5), r"generated features are beyond 1e\+100"),
        (np.eye(5) * 1j, np.eye(5), "array of numbers"),
        (np.empty((5, 0)), np.empty((5, 0)), "array of numbers"),
    ],
)
def test_bad_features_are_a_sentence(score, real, generated, sentence):
    with pytest.raises(InputError, match=sentence):
        score(real, generated)


def test_features_become_doubles_without_a_needless_copy():
    doubles = np.eye(4)
    assert as_features("real", doubles) is doubles
    for kind in (np.float32, np.int64, np.uint8, bool):
        found = as_features("real", np.eye(4).astype(kind))
        assert found.dtype == np.float64 and (found == doubles).all()
    assert as_features("real", doubles, 4) is doubles
    with pytest.raises(InputError, match="have 4 rows, .* at least 5"):
        as_features("real", doubles, 5)


def test_generated_features_may_be_all_the_same():
    _, generated = as_pair(np.eye(3), np.ones((4, 3)))
    assert generated.shape == (4, 3)


def test_a_result_is_a_sentence_and_plain_data():
    found = Result.normal("score", 3.0, 0.5, baseline=1.0, real=1000, generated=20, features="f")
    assert str(found) == (
        "score 3 (95 %: 2.02 to 3.98; real pictures would score 1); "
        "20 generated against 1,000 real in f"
    )
    assert float(found) == 3 and found.as_dict()["high"] == found.high
    assert found.high - 3 == pytest.approx(stats.norm.ppf(0.975) / 2)


def test_a_value_that_never_occurs_is_a_sentence():
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


@pytest.mark.parametrize("score", PAIRED)
def test_a_tensor_on_a_device_that_numpy_cannot_reach_is_a_sentence(score):
    """Every machine has the device "meta"; NumPy's way to it ends where that to a GPU does."""
    away = torch.empty(5, 5, device="meta")
    with pytest.raises(TypeError, match="device type tensor to numpy"):
        np.asarray(away)
    with pytest.raises(InputError, match=r"generated features is a Tensor.*x\.detach\(\)\.cpu"):
        score(np.eye(5), away)
