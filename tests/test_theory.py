"""The theory of the minimax game, against quadrature, SciPy, the twins and finite differences."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from scipy.spatial.distance import jensenshannon
from scipy.special import xlog1py, xlogy

import avatarlib as al
from avatarlib import theory
from avatarlib.core.errors import InputError
from avatarlib.training.losses import CHANCE_LEVELS

RNG = np.random.default_rng(5)


def lots(n, zeros=False, rng=RNG):
    """A random distribution on n places, if wanted with a few zeros."""
    p = rng.dirichlet(np.ones(n))
    if zeros:
        p[rng.random(n) < 0.3] = 0
        p[0] += 1e-3
    return p / p.sum()


PAIRS = [(lots(n, zeros), lots(n, zeros)) for n in (2, 3, 10, 50) for zeros in (False, True)]
GRID = np.linspace(-30, 30, 6001)
GAUSSIANS = [(0, 1, 0, 1), (0, 1, 2, 1), (-1, 0.5, 1.5, 2), (3, 1.5, -1, 0.9)]


def gaussian_weights(mean, spread):
    return theory.weights(stats.norm(mean, spread).pdf, GRID)


# ---------------------------------------------------------------------------- the value of the game


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_the_value_is_minus_the_twins_loss(framework):
    real, fake = RNG.normal(0, 5, (2, 64))
    twin = al.backend(framework)
    if framework == "torch":
        import torch as framework_module

        columns = [framework_module.tensor(x[:, None]) for x in (real, fake)]
    else:
        import tensorflow as framework_module

        columns = [framework_module.constant(x[:, None]) for x in (real, fake)]
    loss = float(twin.LOSSES["minimax"].discriminator(*columns))
    assert theory.value(real, fake) == pytest.approx(-loss, abs=1e-12)


def test_the_value_of_probabilities_and_that_of_logits_agree():
    """Sixteen pictures of three kinds, so that p and q are counts."""
    real, fake = np.array([0] * 8 + [1] * 4 + [2] * 4), np.array([0] * 4 + [1] * 4 + [2] * 8)
    p, q = (np.bincount(of) / 16 for of in (real, fake))
    d = np.array([0.7, 0.5, 0.2])
    logits = np.log(d / (1 - d))
    assert theory.value_of(d, p, q) == pytest.approx(theory.value(logits[real], logits[fake]))


def test_far_logits_neither_overflow_nor_lose_digits():
    assert theory.value([800.0], [-800.0]) == 0
    assert theory.value([-800.0], [0.0]) == pytest.approx(-800 - np.log(2))


def test_a_guess_is_worth_minus_log_4():
    assert theory.value(np.zeros(3), np.zeros(5)) == pytest.approx(-np.log(4))


def test_being_sure_and_wrong_costs_everything():
    assert theory.value_of([1.0, 0.0], [1.0, 0.0], [1.0, 0.0]) == -np.inf
    assert theory.value_of([1.0, 0.0], [1.0, 0.0], [0.0, 1.0]) == 0


# --------------------------------------------------------------------------------- the best answers


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_no_discriminator_beats_the_optimal_one(p, q):
    """At each place SciPy looks for the best answer; a place that neither visits has none."""
    found = theory.optimal_discriminator(p, q)
    for mine, real, fake in zip(found, p, q, strict=True):
        if real + fake == 0:
            assert np.isnan(mine)
            continue

        def lost(d, real=real, fake=fake):
            return -(xlogy(real, d) + xlog1py(fake, -d))

        search = optimize.minimize_scalar(lost, bounds=(0, 1), method="bounded")
        assert mine == pytest.approx(search.x, abs=1e-4)
    best = theory.value_of(np.nan_to_num(found), p, q)
    for _ in range(20):
        assert theory.value_of(RNG.uniform(0.01, 0.99, len(p)), p, q) <= best


def test_its_logit_is_the_difference_of_log_densities_even_in_the_tails():
    p, q = stats.norm(0, 1), stats.norm(2, 1)
    near = np.linspace(-3, 5, 50)
    d = theory.optimal_discriminator(p.pdf(near), q.pdf(near))
    logit = theory.optimal_logit(p.logpdf(near), q.logpdf(near))
    assert np.allclose(np.log(d / (1 - d)), logit)
    assert theory.optimal_logit(p.logpdf([100.0]), q.logpdf([100.0])) == pytest.approx(-198)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_at_the_optimum_the_value_is_the_jensen_shannon_divergence(p, q):
    by_theorem = -np.log(4) + 2 * theory.jensen_shannon(p, q)
    assert theory.value_at_optimum(p, q) == pytest.approx(by_theorem, abs=1e-12)


@pytest.mark.parametrize("gaussians", GAUSSIANS)
def test_the_same_by_adaptive_quadrature(gaussians):
    p, q = stats.norm(*gaussians[:2]), stats.norm(*gaussians[2:])

    def earned(x):
        logit = theory.optimal_logit(p.logpdf(x), q.logpdf(x))
        return -p.pdf(x) * np.logaddexp(0, -logit) - q.pdf(x) * np.logaddexp(0, logit)

    expected, _ = integrate.quad(earned, -30, 30, limit=400, points=[-1, 0, 1])
    found = theory.value_at_optimum(
        gaussian_weights(*gaussians[:2]), gaussian_weights(*gaussians[2:])
    )
    assert found == pytest.approx(expected, abs=1e-7)


def test_the_best_generator_stands_on_one_place_and_nothing_beats_it():
    p, d = lots(10), RNG.uniform(0.1, 0.9, 10)
    best = theory.best_generator(d)
    assert best.max() == 1 and best.sum() == 1
    worth = theory.value_of(d, p, best)
    assert all(worth <= theory.value_of(d, p, lots(10)) for _ in range(50))


# ------------------------------------------------------------------------------------- divergences


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergences_against_scipy(p, q):
    assert theory.kullback_leibler(p, q) == pytest.approx(stats.entropy(p, q), abs=1e-12)

    assert theory.jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-12)
    places = np.cumsum(RNG.uniform(0.1, 2, len(p)))
    work = stats.wasserstein_distance(places, places, p, q)
    assert theory.wasserstein(places, p, q) == pytest.approx(work, abs=1e-12)


@pytest.mark.parametrize(("p", "q"), PAIRS[::2])
def test_f_divergences_contain_the_others(p, q):
    def js(t):
        return (t * np.log(t) - (t + 1) * np.log((t + 1) / 2)) / 2

    assert theory.f_divergence(lambda t: t * np.log(t), p, q) == pytest.approx(
        theory.kullback_leibler(p, q)
    )
    assert theory.f_divergence(lambda t: -np.log(t), p, q) == pytest.approx(
        theory.kullback_leibler(q, p)
    )
    assert theory.f_divergence(js, p, q) == pytest.approx(theory.jensen_shannon(p, q))
    assert theory.f_divergence(lambda t: abs(t - 1) / 2, p, q) == pytest.approx(
        theory.total_variation(p, q)
    )


@pytest.mark.parametrize("gaussians", GAUSSIANS)
def test_closed_forms_against_quadrature(gaussians):
    p, q = gaussian_weights(*gaussians[:2]), gaussian_weights(*gaussians[2:])
    by_sum = theory.kullback_leibler(p, q)
    assert theory.gaussian_kullback_leibler(*gaussians) == pytest.approx(by_sum, abs=1e-9)
    work = theory.wasserstein(GRID, p, q)
    assert theory.gaussian_wasserstein(*gaussians) == pytest.approx(work, abs=1e-4)


@pytest.mark.parametrize(("shift", "spread"), [(0, 1), (1, 1), (-2, 0.5), (8, 2)])
def test_total_variation_of_shifted_gaussians(shift, spread):
    p, q = gaussian_weights(0, spread), gaussian_weights(shift, spread)
    closed = theory.gaussian_total_variation(shift, spread)
    assert closed == pytest.approx(theory.total_variation(p, q), abs=1e-5)


@pytest.mark.parametrize("n", [1, 4, 25])
def test_with_n_draws_the_shift_counts_root_n_times(n):
    """A likelihood ratio test of 20,000 albums; five deviations are one in 1.7 million."""
    shift, albums, rng = 0.4, 20_000, np.random.default_rng(11)
    shifted = rng.random(albums) < 0.5
    numbers = rng.normal(size=(albums, n)) + shift * shifted[:, None]
    ratio = (stats.norm(shift).logpdf(numbers) - stats.norm(0).logpdf(numbers)).sum(1)
    right = ((ratio > 0) == shifted).mean()
    expected = (1 + theory.gaussian_total_variation(np.sqrt(n) * shift, 1)) / 2
    assert right == pytest.approx(expected, abs=5 * 0.5 / np.sqrt(albums))


def test_total_variation_is_what_the_best_discriminator_gets_right():
    p, q = lots(12), lots(12)
    right = p[p > q].sum() / 2 + q[p <= q].sum() / 2
    assert right == pytest.approx((1 + theory.total_variation(p, q)) / 2)


def test_nothing_in_common():
    p, q = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    assert theory.jensen_shannon(p, q) == pytest.approx(np.log(2))
    assert theory.total_variation(p, q) == 1
    assert theory.kullback_leibler(p, q) == np.inf
    assert theory.wasserstein([0.0, 1.0, 7.0], p, q) == 7
    assert theory.value_at_optimum(p, q) == 0


# ------------------------------------------------------------------------------------------ losses


@pytest.mark.parametrize("name", sorted(theory.LOSSES))
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_losses_and_slopes_are_the_twins(name, framework):
    """Values and automatic derivatives of both frameworks, at 60 pairs of logits."""
    real, fake = RNG.normal(0, 4, (2, 60))
    loss = theory.LOSSES[name]
    twin = al.backend(framework).LOSSES[name]
    players = {
        "discriminator": (loss.discriminator, loss.discriminator_slopes),
        "generator": (loss.generator, lambda r, f: (None, loss.generator_slope(r, f))),
    }
    for player, (paid, slopes) in players.items():
        value, by_real, by_fake = differentiated(getattr(twin, player), real, fake, framework)
        assert np.mean(paid(real, fake)) == pytest.approx(value, abs=1e-12)
        of_real, of_fake = slopes(real, fake)
        assert np.allclose(of_fake / 60, by_fake, atol=1e-14)
        assert of_real is None or np.allclose(of_real / 60, by_real, atol=1e-14)


def differentiated(function, real, fake, framework):
    """A twin's loss and its slopes by both columns of logits."""
    if framework == "torch":
        import torch

        r, f = (torch.tensor(x[:, None], requires_grad=True) for x in (real, fake))
        out = function(r, f)
        slopes = torch.autograd.grad(out, (r, f), allow_unused=True)
    else:
        import tensorflow as tf

        r, f = (tf.Variable(x[:, None]) for x in (real, fake))
        with tf.GradientTape() as tape:
            out = function(r, f)
        slopes = tape.gradient(out, (r, f))
    slopes = [None if s is None else np.asarray(s)[:, 0] for s in slopes]
    return out.item() if framework == "torch" else float(out), *slopes


@pytest.mark.parametrize("name", sorted(theory.LOSSES))
def test_slopes_by_nudging(name):
    loss, h = theory.LOSSES[name], 1e-6
    real, fake = RNG.normal(0, 3, (2, 40))

    def nudged(paid, dr, df):
        up = paid(real + dr * h, fake + df * h)
        return (up - paid(real - dr * h, fake - df * h)) / (2 * h)

    by_real, by_fake = loss.discriminator_slopes(real, fake)
    assert np.allclose(by_real, nudged(loss.discriminator, 1, 0), atol=1e-8)
    assert np.allclose(by_fake, nudged(loss.discriminator, 0, 1), atol=1e-8)
    assert np.allclose(loss.generator_slope(real, fake), nudged(loss.generator, 0, 1), atol=1e-8)


def test_what_a_guess_costs():
    zero = np.zeros(1)
    for name, costs in CHANCE_LEVELS.items():
        loss = theory.LOSSES[name]
        found = (loss.discriminator(zero, zero), loss.generator(zero, zero))
        assert np.allclose(np.concatenate(found), costs)


# ------------------------------------------------------------------------------------ how it moves

UPDATE_ORDERS = [theory.simultaneous, theory.alternating]
GAMES = [(name, r1) for name in sorted(theory.LOSSES) for r1 in (0.0, 0.3, 1.0, 3.0)]


@pytest.mark.parametrize("loss", ["minimax", "wasserstein", "relativistic"])
def test_the_field_of_a_zero_sum_game_is_the_slope_of_its_value(loss):
    """The discriminator climbs what the generator descends, here by nudging what they pay."""
    h, paid = 1e-6, theory.LOSSES[loss]
    for theta, psi in RNG.normal(0, 2, (10, 2)):

        def pays(player, theta, psi):
            return getattr(paid, player)(np.zeros(1), np.array([psi * theta]))[0]

        of_generator = pays("generator", theta + h, psi) - pays("generator", theta - h, psi)
        of_critic = pays("discriminator", theta, psi + h) - pays("discriminator", theta, psi - h)
        expected = [-of_generator / (2 * h), -of_critic / (2 * h) - 0.7 * psi]
        assert theory.field([theta, psi], loss, r1=0.7) == pytest.approx(expected, abs=1e-8)


def test_the_field_leads_the_generator_to_where_the_discriminator_says_real():
    """At θ = 1 with ψ = -½, "real" lies below; and a discriminator that sees θ = 1 lowers ψ."""
    for loss in theory.LOSSES:
        theta, psi = theory.field([1.0, -0.5], loss)
        assert theta < 0 and psi < 0, loss


@pytest.mark.parametrize(("loss", "r1"), GAMES)
def test_the_jacobian_by_nudging(loss, r1):
    h, rows = 1e-6, []
    for nudge in (np.array([h, 0]), np.array([0, h])):
        rows.append((theory.field(nudge, loss, r1) - theory.field(-nudge, loss, r1)) / (2 * h))
    assert np.allclose(theory.jacobian(loss, r1), np.transpose(rows), atol=1e-8)


@pytest.mark.parametrize(("loss", "r1"), GAMES)
def test_eigenvalues_in_closed_form_against_numpy(loss, r1):
    found = sorted(theory.eigenvalues(loss, r1), key=lambda z: (z.real, z.imag))
    expected = sorted(
        np.linalg.eigvals(theory.jacobian(loss, r1)).astype(complex),
        key=lambda z: (round(z.real, 7), z.imag),
    )
    assert np.allclose(np.sort_complex(found), np.sort_complex(expected), atol=1e-7)


@pytest.mark.parametrize("move", UPDATE_ORDERS, ids=["simultaneous", "alternating"])
@pytest.mark.parametrize("r1", [0.0, 0.3, 0.8, 3.0])
@pytest.mark.parametrize("loss", ["minimax", "wasserstein"])
def test_growth_against_simulated_motion(move, r1, loss):
    """2,000 steps from next to the equilibrium; on a circle the size also goes up and down."""
    steps = 2000
    way = theory.path(move, [1e-9, 2e-9], steps, rate=0.02, loss=loss, r1=r1)
    sizes = np.linalg.norm(way, axis=1)
    measured = (sizes[-1] / sizes[steps // 2]) ** (2 / steps)
    assert theory.growth(move, 0.02, loss, r1) == pytest.approx(measured, abs=5e-4)
    ratio = sizes[-1] / sizes[0]
    if r1 == 0 and move is theory.alternating:
        assert 0.9 < ratio < 1.1
    else:
        assert (ratio > 1.01) == (r1 == 0)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_on_the_bilinear_game_simultaneous_steps_fly_apart_and_alternating_ones_circle(rate):
    assert theory.growth(theory.simultaneous, rate, "wasserstein") == pytest.approx(
        np.sqrt(1 + rate**2), abs=1e-14
    )
    assert theory.growth(theory.alternating, rate, "wasserstein") == pytest.approx(1, abs=1e-14)
    way = theory.path(theory.simultaneous, [1.0, 0.5], 50, rate=rate, loss="wasserstein")
    squared = (way**2).sum(1)
    assert np.allclose(squared[1:] / squared[:-1], 1 + rate**2)


@pytest.mark.parametrize("start", [[1.0, 0.0], [-1.0, 1.5], [2.0, 1.0]])
def test_the_non_saturating_game_comes_home_as_slowly_as_the_pencil_says(start):
    """R² falls by R⁴/8 a unit of time: R = √(8 / (t + 8/R₀²)), which no eigenvalue shows."""
    rate, steps = 0.05, 10_000
    way = theory.path(theory.alternating, start, steps, rate=rate, loss="non-saturating")
    sizes = np.linalg.norm(way, axis=1)[[0, steps // 5, steps]]
    expected = np.sqrt(8 / (rate * np.array([0, steps // 5, steps]) + 8 / sizes[0] ** 2))
    assert np.allclose(sizes, expected, rtol=0.03)
    assert theory.growth(theory.alternating, rate, "non-saturating") == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("start", [[0.1, 0.0], [2.0, 0.0]])
def test_simultaneous_steps_end_on_a_circle_where_gain_and_loss_balance(start):
    """η²/4 R² = η/8 R⁴, so R = √(2η), from inside and from outside."""
    rate = 0.1
    way = theory.path(theory.simultaneous, start, 10_000, rate=rate, loss="non-saturating")
    sizes = np.linalg.norm(way[-500:], axis=1)
    assert sizes.mean() == pytest.approx(np.sqrt(2 * rate), rel=0.01)


@pytest.mark.parametrize("rate", [0.05, 0.4, 1.0])
@pytest.mark.parametrize("loss", ["minimax", "wasserstein"])
def test_how_much_friction_simultaneous_steps_need(loss, rate):
    """|det M| = 1 - ηγ + η²a² is 1 at γ = ηa²; alternating steps need next to nothing."""
    least = rate * abs(theory.jacobian(loss)[0, 1]) ** 2
    assert theory.growth(theory.simultaneous, rate, loss, 0.99 * least) > 1
    assert theory.growth(theory.simultaneous, rate, loss, 1.01 * least) < 1
    assert theory.growth(theory.alternating, rate, loss, 0.01 * least) < 1


def test_alternating_steps_use_the_discriminator_that_has_just_moved():
    """By hand, bilinear game, rate 0.1: ψ = 2 - 0.1 · 1, then θ = 1 + 0.1 · 1.9."""
    assert theory.alternating([1.0, 2.0], 0.1, "wasserstein") == pytest.approx([1.19, 1.9])
    assert theory.simultaneous([1.0, 2.0], 0.1, "wasserstein") == pytest.approx([1.2, 1.9])


def test_no_weight_of_r1_brings_the_game_to_rest_faster_than_one():
    slowest = {r1: theory.eigenvalues("minimax", r1).real.max() for r1 in (0.0, 0.5, 1.0, 2.0, 5.0)}
    assert slowest[1.0] == pytest.approx(-0.5)
    assert max(slowest, key=lambda r1: -slowest[r1]) == 1.0
    assert slowest[0.0] == 0


# --------------------------------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: theory.jensen_shannon([0.5, 0.6], [0.5, 0.5]), "first .* add up to 1, not to 1.1"),
        (lambda: theory.jensen_shannon([0.5, 0.5], [1.5, -0.5]), "second .* at least 0"),
        (lambda: theory.total_variation([1.0], [0.5, 0.5]), "on the same places"),
        (lambda: theory.weights(stats.norm(0, 1).pdf, np.linspace(-1, 1, 99)), "wider or finer"),
        (lambda: theory.weights(stats.norm(0, 1).pdf, np.array([0, 1, 3.0])), "at even gaps"),
        (lambda: theory.f_divergence(np.log, [0.5, 0.5], [1.0, 0.0]), "divides by q"),
        (lambda: theory.wasserstein([1.0, 1.0], [0.5, 0.5], [1.0, 0.0]), "places increase"),
        (lambda: theory.field([0, 0], "heads"), "no loss 'heads'"),
    ],
)
def test_bad_input_gets_a_sentence(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        wrong()
