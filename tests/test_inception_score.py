"""The Inception Score against closed forms, torchmetrics and the jackknife."""

import numpy as np
import pytest
from scipy import stats

from avatarlib.core.errors import InputError
from avatarlib.metrics import inception_score

RNG = None


@pytest.fixture(autouse=True)
def fresh_numbers():
    """The same for each test, whichever ran before it."""
    global RNG
    RNG = np.random.default_rng(2)


def logits(n, classes, sharp=2.0):
    return sharp * RNG.normal(size=(n, classes))


def test_a_sure_judge_of_equally_many_kinds_counts_the_kinds():
    found = inception_score(1000.0 * np.eye(10)[np.arange(200) % 10])
    assert found.value == pytest.approx(10, rel=1e-12) and found.error < 1e-12


def test_a_judge_that_sees_no_difference_says_one():
    found = inception_score(np.tile(RNG.normal(size=5), (30, 1)))
    assert found.value == pytest.approx(1, rel=1e-12) and found.error < 1e-12


def test_it_is_the_exponential_of_the_mean_divergence_and_no_constant_helps():
    """SciPy's entropy in nats, on probabilities as small as e^-700."""
    values = np.vstack([logits(50, 6), [[0, -700, -700, -700, -700, -700.0]]])
    shares = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    expected = np.exp(np.mean([stats.entropy(p, shares.mean(axis=0)) for p in shares]))
    assert inception_score(values).value == pytest.approx(expected, rel=1e-12)
    assert inception_score(values + RNG.normal(size=(51, 1))).value == pytest.approx(expected)


def test_torchmetrics_agrees():
    torch = pytest.importorskip("torch")
    image = pytest.importorskip("torchmetrics.image.inception")

    class Same(torch.nn.Module):
        def forward(self, x):
            return x

    values = logits(300, 10)
    metric = image.InceptionScore(feature=Same(), splits=1)
    metric.update(torch.from_numpy(values))
    assert inception_score(values).value == pytest.approx(float(metric.compute()[0]), rel=1e-6)


def test_the_error_is_that_of_the_jackknife():
    """They agree to order 1/n; without the change of p(class) the error would be another."""
    values = logits(250, 4, 3.0) + [2, 0, 0, 0]
    left = [inception_score(np.delete(values, i, axis=0)).value for i in range(250)]
    found = inception_score(values)
    assert found.error == pytest.approx(np.sqrt(249 * np.var(left)), rel=0.03)
    assert 1 <= found.low < found.value < found.high
    assert np.log(found.high / found.low) == pytest.approx(2 * 1.959964 * found.error / found.value)


def test_the_interval_holds_the_expected_score():
    """300 simulations; at 95 % coverage, outside 91 to 98.7 % once in about 500 seeds."""
    found = [inception_score(logits(200, 5) + [1, 0, 0, 0, 0]) for _ in range(300)]
    truth = np.mean([r.value for r in found])
    assert 0.91 <= np.mean([r.low <= truth <= r.high for r in found]) <= 0.987


def test_the_baseline_is_the_score_of_as_many_real_pictures():
    mine, real = logits(100, 6), logits(100, 6, 4.0)
    found = inception_score(mine, real, "six classes")
    assert found.baseline == pytest.approx(inception_score(real).value)
    assert (found.real, found.generated, found.features) == (100, 100, "six classes")
    many = inception_score(mine, np.vstack([real, real + 1e-9, real - 1e-9]))
    assert many.real == 100 and many.baseline != pytest.approx(found.baseline, rel=1e-6)
    few = inception_score(mine, real[:40])
    assert few.real == 40 and few.baseline == pytest.approx(inception_score(real[:40]).value)


def test_without_real_pictures_nothing_is_said_of_them():
    found = inception_score(logits(20, 3))
    assert np.isnan(found.baseline) and found.real == 0
    assert "real" not in str(found) and "20 generated" in str(found)


def test_logits_are_checked():
    with pytest.raises(InputError, match="at least two classes"):
        inception_score(np.zeros((5, 1)))
    with pytest.raises(InputError, match="different classes"):
        inception_score(logits(5, 3), logits(5, 4))
    with pytest.raises(InputError, match="generated features have 1 row"):
        inception_score(logits(1, 3))
