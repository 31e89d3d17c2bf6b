"""Every rule of the game against a NumPy implementation that knows no autograd (reference.py)."""

from dataclasses import replace

import numpy as np
import pytest
from engine import (
    CONDITIONS,
    SPECS,
    TWINS,
    apart,
    batch,
    each_twin,
    farthest,
    new_gan,
    pictures,
    tf,
    torch,
)
from reference import Training as Reference
from reference import gradient, translate

from avatarlib.training import presets
from avatarlib.training.losses import LOSSES
from avatarlib.training.spec import TrainingConfig

POINTS = presets.points(hidden=4)


def points(**game):
    return replace(POINTS, config=TrainingConfig(**{"lr_d": 0.02, "lr_g": 0.01, "batch": 8} | game))


GAMES = {
    "minimax": points(loss="minimax", update_order="simultaneous", r1=0.7, beta1=0.9),
    "non-saturating": points(final_lr_fraction=0.1, r2=0.4, penalty_every=2, epsilon=1e-3),
    "hinge": points(loss="hinge", generator_every=3, ema_half_life=20, ema_rampup=0.3),
    "wasserstein": points(
        loss="wasserstein",
        gradient_penalty=10.0,
        generator_every=2,
        penalty_every=2,
        beta1=0.0,
        ema_half_life=1000,
        ema_rampup=0.5,
    ),
    "relativistic": points(loss="relativistic", r1=0.7, r2=0.3, beta1=0.0, beta2=0.9),
    "relativistic-simultaneous": points(
        loss="relativistic",
        update_order="simultaneous",
        r1=0.7,
        r2=0.3,
        penalty_every=3,
        final_lr_fraction=0.5,
    ),
    "both-penalties": points(loss="wasserstein", gradient_penalty=2.0, r1=0.5, beta2=0.9),
    "pictures": pictures(update_order="simultaneous", translation=0.5, ema_half_life=30),
    "pictures-conditional": pictures(CONDITIONS, loss="relativistic", kernel=3, beta1=0.9),
    "pictures-spectral": pictures(
        CONDITIONS, spectral_norm=True, norm=False, kernel=4, loss="hinge", translation=0.25
    ),
}
STEPS = 4


def test_every_loss_is_played():
    assert {spec.config.loss for spec in GAMES.values()} == set(LOSSES)


@pytest.fixture(scope="module")
def references():
    """Each game in NumPy, played when it is first asked for."""
    played = {}

    def play(name):
        if name not in played:
            reference = Reference(GAMES[name], 11)
            told = [
                reference.step(*batch(GAMES[name], step, 5), progress=step / (STEPS - 1))
                for step in range(STEPS)
            ]
            played[name] = told, reference.state()
        return played[name]

    return play


@each_twin
@pytest.mark.parametrize("name", GAMES)
def test_four_steps_are_the_papers(references, twin, name):
    """Losses, penalties, logits, weights, both of Adam's averages, the moving average, batch
    statistics, spectral vectors: all within 1e-9 of a second implementation."""
    told, state = references(name)
    gan = new_gan(twin, GAMES[name], 11, compiled=False)
    for step in range(STEPS):
        report = gan.step(*batch(GAMES[name], step, 5), progress=step / (STEPS - 1))
        for found, expected in zip(report, told[step], strict=True):
            assert farthest(found, expected) < 1e-9, (step, report, told[step])
    ours = gan.state()
    assert ours.keys() == state.keys()
    for key, array in state.items():
        assert farthest(ours[key], array) < 1e-9, key
    assert gan.steps == STEPS


def test_the_games_reach_every_branch(references):
    """The reference's own numbers: what is switched on is not 0, what is lazy comes and goes."""
    told, _ = references("wasserstein")
    assert [step[4] > 0 for step in told] == [True, False, True, False]
    told, _ = references("relativistic-simultaneous")
    assert [step[2] > 0 and step[3] > 0 for step in told] == [True, False, False, True]
    for name in GAMES:
        assert all(np.isfinite(array).all() for array in references(name)[1].values())


def test_the_reference_finds_a_derivative():
    w = {"a": np.array([0.5, 2.0]), "b": np.array(3.0)}
    found = gradient(lambda w: (w["a"] ** 3 * w["b"]).sum(), w, ["a", "b"])
    np.testing.assert_allclose(found["a"], 9 * w["a"] ** 2, rtol=1e-14)
    assert found["b"] == pytest.approx(8.125, rel=1e-14)


# ------------------------------------------------------------------------------------- by hand


@each_twin
@pytest.mark.parametrize("beta1", [0.0, 0.9])
def test_adam_over_many_steps(twin, beta1):
    """Both optimisers by themselves, with gradients of every size, against algorithm 1."""
    spec = points(beta1=beta1, beta2=0.99, epsilon=1e-4, lr_g=0.03)
    rng = np.random.default_rng(0)
    gan = new_gan(twin, spec, 2)
    arrays = twin.get_weights(gan.generator)
    m, v = ({k: np.zeros(a.shape) for k, a in arrays.items()} for _ in range(2))
    for t in range(1, 8):
        gradients = {
            k: rng.normal(size=a.shape) * 10.0 ** rng.integers(-7, 2) for k, a in arrays.items()
        }
        move(twin, gan, gradients, t)
        for k, g in gradients.items():
            m[k] = beta1 * m[k] + (1 - beta1) * g
            v[k] = 0.99 * v[k] + 0.01 * g * g
            step = m[k] / (1 - beta1**t) / (np.sqrt(v[k] / (1 - 0.99**t)) + 1e-4)
            arrays[k] = arrays[k] - 0.03 * step
    for k, array in twin.get_weights(gan.generator).items():
        assert farthest(array, arrays[k]) < 1e-12, k


def move(twin, gan, gradients, t):
    """One step of the generator's optimiser; kernels here have two axes, torch's (out, in)."""
    if twin.name == "torch":
        tensors = [torch.from_numpy(g.T.copy() if g.ndim == 2 else g) for g in gradients.values()]
    else:
        tensors = [tf.constant(g) for g in gradients.values()]
    gan.generator_optimizer.prepare(0.03, t)
    gan.generator_optimizer.apply(tensors)


@each_twin
def test_the_first_step_is_the_rate_times_the_gradients_sign(twin):
    """Where the gradient is well above epsilon: m̂ / √v̂ = g / |g|, for kernels of four axes too."""
    spec = SPECS["small28"]
    gan = new_gan(twin, spec, compiled=False)
    before = gan.state()
    gan.step(*batch(spec))
    after = gan.state()
    for key in [key for key in after if key.endswith("/m")]:
        gradient = after[key] / (1 - spec.config.beta1)
        sure = np.abs(gradient) > 1e-5
        assert sure.any() or key.startswith("discriminator/logit/bias")
        moved = (after[key[:-2]] - before[key[:-2]])[sure]
        assert farthest(moved, -2e-4 * np.sign(gradient[sure])) < 2e-7 if sure.any() else True
        assert farthest(after[f"{key[:-2]}/v"], 0.01 * gradient**2) < 1e-15


@each_twin
def test_the_moving_average_follows_its_recursion(twin):
    """keep = 0.5^(batch / half-life); the half-life grows with the pictures seen, up to its cap."""
    spec = points(ema_half_life=60, ema_rampup=1.0, batch=20)
    gan = new_gan(twin, spec, compiled=False)
    assert gan.average is not gan.generator
    expected = twin.get_weights(gan.generator)
    for step in range(6):
        gan.step(*batch(spec, step))
        keep = 0.0 if step == 0 else 0.5 ** (20 / min(60, 20 * step))
        now = twin.get_weights(gan.generator)
        expected = {k: keep * a + (1 - keep) * now[k] for k, a in expected.items()}
        found = twin.get_weights(gan.average)
        assert all(farthest(found[k], a) < 1e-14 for k, a in expected.items()), step
    assert farthest(found["out/kernel"], now["out/kernel"]) > 1e-3
    z = batch(spec)[1]
    assert (gan.generate(z) == twin.generate(gan.average, z)).all()


@each_twin
def test_without_an_average_the_generator_itself_draws(twin):
    gan = new_gan(twin, points())
    assert gan.average is gan.generator
    assert not [key for key in gan.state() if key.startswith("average")]


# ------------------------------------------------------------------------------- what must not be


@each_twin
@pytest.mark.parametrize("moves", ["simultaneous", "alternating"])
def test_no_gradient_of_the_discriminators_goes_on_into_the_generator(twin, moves):
    """What the discriminator judges does not hang on the generator's weights."""
    spec = points(update_order=moves, r2=1.0)
    gan = new_gan(twin, spec, compiled=False)
    judged, discriminator = [], gan.discriminator

    class Spy:
        def __call__(self, images, *args, **kwargs):
            judged.append((images, discriminator(images, *args, **kwargs)))
            return judged[-1][1]

        def __getattr__(self, name):
            return getattr(discriminator, name)

    gan.discriminator = Spy()
    if twin.name == "torch":
        gan.step(*batch(spec))
        assert all(images.grad_fn is None for images, _ in judged)
    else:
        with tf.GradientTape(persistent=True) as tape:
            gan.step(*batch(spec))
        for _, logits in judged:
            assert tape.gradient(logits, gan.generator.parameters()) == [None] * 6
    assert len(judged) == (2 if moves == "simultaneous" else 3)


@each_twin
def test_drawing_changes_nothing_and_a_picture_depends_on_its_own_noise_alone(twin):
    spec = pictures(CONDITIONS)
    gan = new_gan(twin, spec, dtype="float32", compiled=False)
    for step in range(3):
        gan.step(*batch(spec, step))
    _, z, condition = batch(spec, 0, 10)
    before = gan.state()
    drawn = gan.generate(z, condition)
    assert drawn.shape == (10, 4, 4, 1) and drawn.dtype == np.float32
    assert np.abs(drawn).max() <= 1
    assert farthest(gan.generate(z[3:4], condition[3:4]), drawn[3:4]) < 1e-6
    assert all((before[key] == array).all() for key, array in gan.state().items())
    assert farthest(gan.generate(z, condition[::-1].copy()), drawn) > 1e-4


@each_twin
def test_many_drawings_are_drawn_in_parts_and_none_is_lost(twin):
    generator = twin.Generator(POINTS, 3)
    _, z, _ = batch(POINTS, 0, 600)
    drawn = twin.generate(generator, z)
    assert drawn.shape == (600, 2)
    assert farthest(drawn[250:], twin.generate(generator, z[250:])) < 1e-6
    assert len(np.unique(drawn, axis=0)) == 600


@each_twin
def test_a_run_stopped_and_restored_goes_on_as_if_unbroken(twin):
    """With lazy penalties and a lazy generator, whose own count of moves is not the steps'."""
    spec = GAMES["wasserstein"]

    def go_on(gan, first, last):
        return [np.hstack(gan.step(*batch(spec, i), progress=i / 7)) for i in range(first, last)]

    through = new_gan(twin, spec, compiled=False)
    told = go_on(through, 0, 7)
    stopped = new_gan(twin, spec, compiled=False)
    go_on(stopped, 0, 3)
    again = new_gan(twin, spec, seed=3, compiled=False)
    again.restore(stopped.state(), 3)
    assert again.steps == 3
    for found, expected in zip(go_on(again, 3, 7), told[3:], strict=True):
        assert farthest(found, expected) < 1e-13
    for key, array in through.state().items():
        assert farthest(again.state()[key], array) < 1e-13, key
    again.restore(stopped.state(), 3)  # once more: what came between is forgotten
    assert farthest(go_on(again, 3, 4)[0], told[3]) < 1e-13


@each_twin
def test_a_state_that_does_not_fit_is_refused(twin):
    gan = new_gan(twin, GAMES["pictures"])
    state = gan.state()
    for wrong in ("generator/dense/kernel", "discriminator/logit/bias/m", "average/norm1/mean"):
        with pytest.raises(ValueError, match=wrong.partition("/")[2]):
            gan.restore({k: a for k, a in state.items() if k != wrong}, 0)
    with pytest.raises(ValueError):
        gan.restore(state | {"discriminator/logit/bias": np.zeros(2)}, 0)
    with pytest.raises(ValueError, match="another"):
        gan.restore(state | {"generator/another": np.zeros(2)}, 0)


# ------------------------------------------------------------------------------------ translation


@each_twin
@pytest.mark.parametrize("size", [5, 8])
def test_translation_is_a_roll_with_grey_for_what_comes_in(twin, size):
    rng = np.random.default_rng(0)
    farthest_shift = size // 2
    images = rng.normal(size=(40, size, size, 3))
    shift = rng.integers(-farthest_shift, farthest_shift, (40, 2), endpoint=True)
    assert {-farthest_shift, 0, farthest_shift} <= set(shift.ravel().tolist())
    tensors = [
        torch.from_numpy(a) if twin.name == "torch" else tf.constant(a) for a in (images, shift)
    ]
    assert (twin.translate(*tensors).numpy() == translate(images, shift)).all()
    assert twin.translate(tensors[0], None) is tensors[0]


def test_the_roll_moves_down_and_right():
    image = np.zeros((1, 4, 4, 1))
    image[0, 1, 1] = 1
    moved = translate(image, [(2, -1)])
    assert moved[0, 3, 0, 0] == 1 and moved.sum() == 1


def test_both_twins_gradients_pass_through_a_shift():
    """The generator hears of a moved picture at the place where it drew it."""
    shift, images = np.array([[1, -2]]), np.arange(64.0).reshape(1, 8, 8, 1)
    weights = np.random.default_rng(0).normal(size=images.shape)
    image = torch.tensor(images, requires_grad=True)
    moved = TWINS["torch"].translate(image, torch.from_numpy(shift))
    (moved * torch.from_numpy(weights)).sum().backward()
    variable = tf.Variable(images)
    with tf.GradientTape() as tape:
        moved = TWINS["tensorflow"].translate(variable + 0, tf.constant(shift))
        total = tf.reduce_sum(moved * weights)
    expected = translate(weights, -shift)
    assert apart(image.grad.numpy(), expected) == 0
    assert apart(tf.convert_to_tensor(tape.gradient(total, variable)).numpy(), expected) == 0
