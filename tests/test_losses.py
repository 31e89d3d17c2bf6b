"""Every loss and penalty, value and gradient, against mpmath with 50 digits and closed forms.

Tolerances, relative to the true number (or to 1e-50, if that is larger): 1e-12 in double and 2e-5
in single precision. In single precision the floor is 1e-30: e⁻¹⁰⁰ is below its normal numbers.
"""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
import reference
from engine import NAMES, TWINS, each_twin, tf, torch, value_and_gradients
from scipy.special import expit

from avatarlib import theory
from avatarlib.training import presets, spec
from avatarlib.training.health import WINDOW, Health
from avatarlib.training.losses import (
    CHANCE_LEVELS,
    LOSSES,
    StepStatistics,
    discriminator_statistics,
)

RNG = np.random.default_rng(0)
DENSE = np.concatenate([np.linspace(-50, 50, 401), RNG.uniform(-50, 50, 100), [1.0, -1.0]])
REAL = DENSE[:, None]
FAKE = RNG.permutation(DENSE)[:, None]
FEW = [(float(r), float(f)) for r, f in zip(REAL[::12, 0], FAKE[::12, 0], strict=True)]
FEW += [(0.0, 0.0), (20.5, -20.5), (-20.5, 20.5), (50.0, -50.0), (-50.0, 50.0), (0.25, 3.0)]


def softplus(x):
    return mpmath.log(1 + mpmath.exp(x)) if x > -60 else mpmath.exp(x)


def log_d(x):
    return mpmath.log(1 / (1 + mpmath.exp(-x)))


def log_one_minus_d(x):
    return mpmath.log(1 - 1 / (1 + mpmath.exp(-x)))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def hinge(x):
    return max(mpmath.mpf(0), x)


# name -> for each player: the loss of one pair, and its derivatives by r and by f.
# The logarithms of probabilities are the papers' own; 110 digits keep 1 - D(x) apart from 0.
CROSS_ENTROPY = (
    lambda r, f: -log_d(r) - log_one_minus_d(f),
    lambda r, f: (-sigmoid(-r), sigmoid(f)),
)
CRITIC = (lambda r, f: -f, lambda r, f: (0, -1))
TRUTH = {
    "minimax": (
        CROSS_ENTROPY,
        (lambda r, f: log_one_minus_d(f), lambda r, f: (0, -sigmoid(f))),
    ),
    "non-saturating": (
        CROSS_ENTROPY,
        (lambda r, f: -log_d(f), lambda r, f: (0, -sigmoid(-f))),
    ),
    "hinge": (
        (
            lambda r, f: hinge(1 - r) + hinge(1 + f),
            lambda r, f: (-1 if r < 1 else 0, 1 if f > -1 else 0),
        ),
        CRITIC,
    ),
    "wasserstein": ((lambda r, f: f - r, lambda r, f: (-1, 1)), CRITIC),
    "relativistic": (
        (lambda r, f: -log_d(r - f), lambda r, f: (-sigmoid(f - r), sigmoid(f - r))),
        (lambda r, f: -log_d(f - r), lambda r, f: (sigmoid(r - f), -sigmoid(r - f))),
    ),
}
each_loss = pytest.mark.parametrize("loss", TRUTH)
each_player = pytest.mark.parametrize("player", ["discriminator", "generator"])


def exact(formula, pairs):
    """A formula at pairs of logits, with 110 digits, rounded to double precision."""
    with mpmath.workdps(110):
        found = [formula(mpmath.mpf(float(r)), mpmath.mpf(float(f))) for r, f in pairs]
        return np.array(found).astype(float)


def assert_near(found, true, dtype):
    tolerance, floor = {"float64": (1e-12, 1e-50), "float32": (2e-5, 1e-30)}[dtype]
    error = np.abs(np.asarray(found, np.float64) - true) / np.maximum(np.abs(true), floor)
    assert error.max() < tolerance, (error.max(), np.argmax(error))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@each_player
@each_loss
@each_twin
def test_a_loss_and_its_gradients_are_the_papers(twin, loss, player, dtype):
    """The mean of 503 pairs from -50 to 50, and each pair's own gradient."""
    real, fake = REAL.astype(dtype), FAKE.astype(dtype)
    formula, slopes = TRUTH[loss][player == "generator"]
    pairs = list(zip(real[:, 0], fake[:, 0], strict=True))
    function = getattr(twin.LOSSES[loss], player)
    value, gradients = value_and_gradients(twin, function, real, fake)
    true = exact(formula, pairs)
    assert (
        abs(value - true.mean()) < {"float64": 1e-12, "float32": 2e-5}[dtype] * np.abs(true).mean()
    )
    true = exact(slopes, pairs)
    for column, gradient in enumerate(gradients):
        gradient = np.zeros_like(real) if gradient is None else gradient
        kink = (pairs_at_kink(loss, player, pairs))[:, column]
        assert_near(len(pairs) * gradient[~kink, 0], true[~kink, column], dtype)


def pairs_at_kink(loss, player, pairs):
    """Where the hinge has no slope."""
    if loss != "hinge" or player == "generator":
        return np.zeros((len(pairs), 2), bool)
    return np.array(pairs) == [1, -1]


@each_player
@each_loss
@each_twin
def test_a_loss_stays_exact_one_pair_at_a_time(twin, loss, player):
    """A mean would hide an error in its small terms, such as e⁻⁵⁰."""
    true = exact(TRUTH[loss][player == "generator"][0], FEW)
    function = getattr(twin.LOSSES[loss], player)
    make = torch.tensor if twin.name == "torch" else tf.constant
    found = [
        float(function(*(make(np.array([[logit]])) for logit in pair)).numpy()) for pair in FEW
    ]
    assert_near(found, true, "float64")


@each_player
@each_loss
@each_twin
def test_a_loss_survives_any_logit(twin, loss, player):
    """No overflow, and a slope of -1 at least for a generator that a sure critic rejects."""
    logits = np.array([[1e4], [-1e4], [88.8], [-105.0]], np.float32)
    function = getattr(twin.LOSSES[loss], player)
    value, gradients = value_and_gradients(twin, function, logits, -logits)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in gradients if g is not None)
    if player == "generator" and loss != "minimax":
        assert gradients[1][0, 0] <= -(1 - 1e-6) / 4


@each_twin
def test_a_discriminator_that_guesses_has_the_known_losses(twin):
    zero = np.zeros((4, 1))
    for name, guesses in CHANCE_LEVELS.items():
        for player, guess in zip(("discriminator", "generator"), guesses, strict=True):
            value, _ = value_and_gradients(twin, getattr(twin.LOSSES[name], player), zero, zero)
            assert value == pytest.approx(guess, abs=1e-15)


def test_all_lists_of_losses_have_the_same_names():
    lists = {
        "TRUTH, in this file": TRUTH,
        "avatarlib/theory/losses.py": theory.LOSSES,
        "tests/reference.py": reference.LOSSES,
    }
    lists |= {f"avatarlib/backends/{name}/losses.py": TWINS[name].LOSSES for name in NAMES}
    wrong = {
        where: sorted(set(of) ^ set(LOSSES)) or "another order"
        for where, of in lists.items()
        if tuple(of) != tuple(LOSSES)
    }
    assert not wrong, f"not as in avatarlib/training/losses.py: {wrong}"


@each_twin
def test_the_twins_softplus_is_exact_where_frameworks_cut_corners(twin):
    """PyTorch's own turns linear above 20; a probability plus 1e-8 dies below -18."""
    logits = np.array([-45.0, -30, -18.5, -1e-9, 0, 1e-9, 19, 20.5, 21, 33, 36, 37, 45])
    make = torch.tensor if twin.name == "torch" else tf.constant
    found = twin.losses.softplus(make(logits)).numpy()
    assert_near(found, exact(lambda x, _: softplus(x), [(x, 0) for x in logits]), "float64")


# -------------------------------------------------------------------------------------- penalties


def row_sums(twin, h):
    if twin.name == "torch":
        return h.flatten(1).sum(1, keepdim=True)
    return tf.reduce_sum(h, axis=list(range(1, h.shape.rank)))[:, None]


PICTURES = RNG.normal(size=(6, 3, 2, 2))
OTHERS = RNG.normal(size=(6, 3, 2, 2))
SHARE = RNG.random((6, 1, 1, 1))
A = RNG.normal(size=(3, 2, 2))


@each_twin
def test_r1_of_a_linear_discriminator_is_its_squared_length(twin):
    """D(x) = <a, x>: the slope is a everywhere; the penalty's own slope is 2 a."""

    def penalty(a, x):
        return twin.zero_centred_penalty(lambda images: row_sums(twin, images * a), x)[1]

    value, (slope, _) = value_and_gradients(twin, penalty, A, PICTURES)
    assert value == pytest.approx((A**2).sum(), rel=1e-14)
    np.testing.assert_allclose(slope, 2 * A, rtol=1e-13)


@each_twin
def test_r1_of_a_quadratic_discriminator_is_the_mean_over_pictures(twin):
    """D(x) = <a, x²> / 2: the slope is a x, so the penalty is mean Σ a² x² and its slope 2 a x²."""

    def penalty(a, x):
        return twin.zero_centred_penalty(lambda images: row_sums(twin, images * images * a) / 2, x)[
            1
        ]

    value, (slope, at_pictures) = value_and_gradients(twin, penalty, A, PICTURES)
    assert value == pytest.approx((A**2 * PICTURES**2).sum((1, 2, 3)).mean(), rel=1e-14)
    np.testing.assert_allclose(slope, 2 * A * (PICTURES**2).mean(0), rtol=1e-12)
    if at_pictures is not None:  # it is the discriminator that pays, wherever the pictures are from
        np.testing.assert_allclose(at_pictures, 2 * A**2 * PICTURES / 6, rtol=1e-12)


@each_twin
def test_r1_gives_the_logits_along_with_their_gradients(twin):
    def sum_of_logits(a, x):
        logits, _ = twin.zero_centred_penalty(lambda images: row_sums(twin, images * a), x)
        assert tuple(logits.shape) == (6, 1)
        return (
            twin.losses.softplus(logits).sum()
            if twin.name == "torch"
            else tf.reduce_sum(twin.losses.softplus(logits))
        )

    value, (slope, _) = value_and_gradients(twin, sum_of_logits, A, PICTURES)
    logits = (A * PICTURES).sum((1, 2, 3))
    assert value == pytest.approx(np.log1p(np.exp(logits)).sum(), rel=1e-13)
    expected = (PICTURES / (1 + np.exp(-logits))[:, None, None, None]).sum(0)
    np.testing.assert_allclose(slope, expected, rtol=1e-12)


@each_twin
def test_the_gradient_penalty_of_a_linear_discriminator(twin):
    """(‖a‖ - 1)², and its slope 2 (‖a‖ - 1) a / ‖a‖; 1e-12 under the root is below the digits."""

    def penalty(a):
        arrays = [
            torch.tensor(x) if twin.name == "torch" else tf.constant(x)
            for x in (PICTURES, OTHERS, SHARE)
        ]
        return twin.gradient_penalty(lambda images: row_sums(twin, images * a), *arrays)

    length = np.sqrt((A**2).sum())
    value, (slope,) = value_and_gradients(twin, penalty, A)
    assert value == pytest.approx((length - 1) ** 2, rel=1e-11)
    np.testing.assert_allclose(slope, 2 * (length - 1) * A / length, rtol=1e-11)


@each_twin
def test_the_gradient_penalty_looks_between_its_two_pictures(twin):
    """D(x) = <a, x²> / 2 has another slope at each place: share 1 is the real picture."""
    for share in (SHARE, np.ones_like(SHARE), np.zeros_like(SHARE)):

        def penalty(a, share=share):
            arrays = [
                torch.tensor(x) if twin.name == "torch" else tf.constant(x)
                for x in (PICTURES, OTHERS, share)
            ]
            return twin.gradient_penalty(
                lambda images: row_sums(twin, images * images * a) / 2, *arrays
            )

        def closed(a, share=share):
            places = share * PICTURES + (1 - share) * OTHERS
            lengths = np.sqrt((a**2 * places**2).sum((1, 2, 3)) + 1e-12)
            return ((lengths - 1) ** 2).mean()

        value, (slope,) = value_and_gradients(twin, penalty, A)
        assert value == pytest.approx(closed(A), rel=1e-13)
        for i in np.ndindex(A.shape):
            step = np.zeros_like(A)
            step[i] = 1e-5
            assert slope[i] == pytest.approx((closed(A + step) - closed(A - step)) / 2e-5, rel=1e-7)


@each_twin
def test_a_flat_discriminator_has_a_penalty_but_no_nan(twin):
    """At slope 0 the root has no derivative; 1e-12 under it makes the derivative 0."""

    def penalty(a):
        arrays = [
            torch.tensor(x) if twin.name == "torch" else tf.constant(x)
            for x in (PICTURES, OTHERS, SHARE)
        ]
        return twin.gradient_penalty(lambda images: row_sums(twin, images * a), *arrays)

    value, (slope,) = value_and_gradients(twin, penalty, 0 * A)
    assert value == pytest.approx((1 - 1e-6) ** 2, rel=1e-12)
    assert (slope == 0).all()


# ----------------------------------------------------------------------------------------- report


PROBABILITIES = lambda r, f: {"D(x)": expit(r).mean(), "D(G(z))": expit(f).mean()}  # noqa: E731
READINGS = {  # from real and fake logits; at chance level
    "minimax": (PROBABILITIES, 0.5),
    "non-saturating": (PROBABILITIES, 0.5),
    "hinge": (lambda r, f: {"r": r.mean(), "f": f.mean()}, 0.0),
    "wasserstein": (lambda r, f: {"gap": r.mean() - f.mean()}, 0.0),
    "relativistic": (lambda r, f: {"σ(r-f)": expit(r - f).mean()}, 0.5),
}


@each_loss
def test_what_the_discriminator_says_of_a_batch(loss):
    real, fake = np.array([2.0, 0.0], np.float32), np.array([-1.0, 3.5], np.float32)
    expected, chance = READINGS[loss]
    found, guess = discriminator_statistics(loss, real, fake)
    assert guess == chance
    assert found == pytest.approx(expected(real.astype(float), fake.astype(float)))


def test_it_says_plain_numbers_and_survives_large_logits():
    logits = np.array([1e4, -1e4], np.float32)
    for loss in LOSSES:
        found, guess = discriminator_statistics(loss, logits, -logits)
        assert all(type(value) is float and np.isfinite(value) for value in found.values())
        zero = discriminator_statistics(loss, 0 * logits, 0 * logits)[0]
        assert set(zero.values()) == {guess}


LIMITS = [
    *(("hinge", pair, won) for pair, won in {(1.01, -1.01): True, (0.5, -2.0): False}.items()),
    *(("hinge", pair, False) for pair in ((1.0, -2.0), (2.0, -1.0), (2.0, -0.5))),
    ("minimax", (4.6, -4.6), True),  # σ(4.595) = 0.99
    ("minimax", (4.59, -6.0), False),
    ("non-saturating", (4.6, -4.6), True),
    ("non-saturating", (6.0, -4.59), False),
    ("relativistic", (3.6, -1.0), True),
    ("relativistic", (3.59, -1.0), False),
    ("wasserstein", (50.0, -50.0), False),
]


@pytest.mark.parametrize("loss, pair, won", LIMITS)
def test_a_discriminator_has_won_beyond_the_limit_and_not_at_it(loss, pair, won):
    real, fake = (np.full(4, logit, np.float32) for logit in pair)
    report = StepStatistics(0.0, 0.0, 0.0, 0.0, 0.0, real, fake)
    played = replace(presets.points(), config=spec.TrainingConfig(loss))
    health = Health(played, RNG.normal(size=(10, 2)))
    told = [health.after_step(step, report) for step in range(WINDOW)]
    assert not any(told[:-1]) and bool(told[-1]) is won


NEVER_WON = {"wasserstein"}  # its gap has no limit


def test_every_loss_has_a_limit_that_is_tested():
    assert {loss for loss, _, won in LIMITS if won} == set(LOSSES) - NEVER_WON
    assert {loss for loss, _, won in LIMITS if not won} == set(LOSSES)


@each_loss
def test_a_generator_sees_real_pictures_if_its_loss_has_a_slope_there(loss):
    _, (_, slopes) = TRUTH[loss]
    assert LOSSES[loss].generator_sees_real is any(slopes(r, f)[0] != 0 for r, f in FEW)
    assert (loss in reference.GENERATOR_SEES_REAL) is LOSSES[loss].generator_sees_real
