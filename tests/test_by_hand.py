"""The gradients written out by hand, against finite differences and both frameworks."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import avatarlib as al
from avatarlib.theory import by_hand

RNG = np.random.default_rng(3)
KINDS = ("/kernel", "/bias")
SPEC = al.presets.points(hidden=4, layers=1)
SPEC = replace(SPEC, config=replace(SPEC.config, lr_d=0.02, lr_g=0.01, beta2=0.9))


def random_weights(inputs, outputs, hidden=4):
    shapes = (inputs, hidden), (hidden,), (hidden, outputs), (outputs,)
    return by_hand.Weights(*(RNG.normal(size=shape) for shape in shapes))


def nudged(function, w, h=1e-6):
    """A function's derivatives by all weights, one at a time."""
    found = []
    for i, array in enumerate(w):
        slopes = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                moved = array.copy()
                moved[place] += sign * h
                sides.append(function(w._replace(**{w._fields[i]: moved})))
            slopes[place] = (sides[0] - sides[1]) / (2 * h)
        found.append(slopes)
    return by_hand.Weights(*found)


def close(found, expected, atol=1e-8):
    return all(np.allclose(a, b, atol=atol) for a, b in zip(found, expected, strict=True))


def test_a_network_that_can_be_followed_with_a_pencil():
    """x = (1, 2): hidden 1 - 2 + 0.5 = -0.5 and 3; after the LeakyReLU -0.1 and 3."""
    w = by_hand.Weights(
        np.array([[1.0, 1.0], [-1.0, 1.0]]),
        np.array([0.5, 0.0]),
        np.array([[10.0], [1.0]]),
        np.array([0.25]),
    )
    y, memory = by_hand.forward(w, np.array([[1.0, 2.0]]))
    assert memory.h.tolist() == [[-0.5, 3.0]]
    assert y == pytest.approx(-1 + 3 + 0.25)
    gradients, of_x = by_hand.backward(w, memory, np.array([[2.0]]))
    assert gradients.bias2 == pytest.approx([2])
    assert gradients.kernel2 == pytest.approx(np.array([[-0.2], [6.0]]))
    assert gradients.bias1 == pytest.approx([0.2 * 20, 2])
    assert of_x == pytest.approx(np.array([[4 + 2, -4 + 2]]))


def test_backward_by_nudging_weights_and_inputs():
    w, x, slopes = random_weights(3, 2), RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))

    def total(w, x=x):
        return (by_hand.forward(w, x)[0] * slopes).sum()

    gradients, of_x = by_hand.backward(w, by_hand.forward(w, x)[1], slopes)
    assert close(gradients, nudged(total, w))
    for place in np.ndindex(x.shape):
        moved = x.copy()
        moved[place] += 1e-6
        assert of_x[place] == pytest.approx((total(w, moved) - total(w)) / 1e-6, abs=1e-4)


def gradients_are_right(module):
    """Whether a module's gradients of both players are those that nudging finds."""
    g, d = random_weights(2, 2), random_weights(2, 1)
    real, z = RNG.normal(size=(2, 6, 2))
    fake = by_hand.forward(g, z)[0]

    def loss_d(d):
        return -al.theory.value(by_hand.forward(d, real)[0], by_hand.forward(d, fake)[0])

    def loss_g_at(points):
        return np.logaddexp(0, -by_hand.forward(d, points)[0]).mean()

    def loss_g(g):
        return loss_g_at(by_hand.forward(g, z)[0])

    gradients, pull = module.generator_gradients(g, d, z)
    step = 1e-6 * pull / abs(pull).max()
    return (
        close(module.discriminator_gradients(d, real, fake), nudged(loss_d, d))
        and close(gradients, nudged(loss_g, g))
        and np.isclose(loss_g_at(fake + step) - loss_g(g), (pull * step).sum(), rtol=1e-4, atol=0)
    )


def test_both_players_gradients_by_nudging():
    assert gradients_are_right(by_hand)


MISTAKES = {
    "D flees from real points": ("-sigmoid(-r) / len(r)", "sigmoid(-r) / len(r)"),
    "D adores drawn points": (
        "sigmoid(f) / len(f))\n    return",
        "-sigmoid(f) / len(f))\n    return",
    ),
    "G helps its judge": ("of_logits, -sigmoid(-f)", "of_logits, sigmoid(f)"),
    "the minimax loss": ("of_logits, -sigmoid(-f)", "of_logits, -sigmoid(f)"),
    "the sum, not the mean": ("-sigmoid(-f) / len(f)", "-sigmoid(-f)"),
    "a ReLU's bend": ("memory.h > 0, 1.0, SLOPE", "memory.h > 0, 1.0, 0.0"),
    "the bend forgotten": (" * np.where(memory.h > 0, 1.0, SLOPE)", ""),
    "before the bend": ("memory.a.T @ slopes", "memory.h.T @ slopes"),
}


@pytest.mark.parametrize(("right", "wrong"), MISTAKES.values(), ids=MISTAKES)
def test_nudging_finds_a_planted_mistake(right, wrong):
    """The check itself is checked: a copy of the module with one mistake does not pass."""
    source = Path(by_hand.__file__).read_text(encoding="utf-8")
    assert source.count(right) == 1
    copy = ModuleType("planted")
    exec(source.replace(right, wrong), vars(copy))
    assert not gradients_are_right(copy)


def test_a_leak_is_against_the_wanted_slope_and_the_sum_dies_where_d_is_undecided():
    """Without a detach, L_D's slope at a drawing is -σ(f)/σ(-f) times L_G's."""
    g, d = random_weights(2, 2), random_weights(2, 1)
    z = RNG.normal(size=(6, 2))
    f, memory = by_hand.forward(d, by_hand.forward(g, z)[0])
    d = d._replace(bias2=d.bias2 - f[0])  # undecided about the first drawing
    f, memory = by_hand.forward(d, memory.x)
    _, leak = by_hand.backward(d, memory, 1 / (1 + np.exp(-f)) / len(f))
    _, wanted = by_hand.generator_gradients(g, d, z)
    assert np.allclose(leak, -np.exp(f) * wanted)
    assert np.allclose((leak + wanted)[0], 0) and not np.allclose((leak + wanted)[1:], 0)


def test_adams_first_move_is_the_rate_whatever_the_gradient():
    w = random_weights(2, 1)
    gradients = by_hand.Weights(*(RNG.normal(size=a.shape) * 1e3 for a in w))
    moved, m, v = by_hand.adam(w, gradients, by_hand.zeros(w), by_hand.zeros(w), 1, rate=0.01)
    for before, after, gradient in zip(w, moved, gradients, strict=True):
        assert np.allclose(before - after, 0.01 * np.sign(gradient))
    assert np.allclose(m.bias1, gradients.bias1 / 2)
    assert np.allclose(v.bias1, gradients.bias1**2 / 1000)


def whole_step(g, d, moments, real, z, time, game):
    """Steps 4 to 6: the discriminator moves, and the generator answers the new one."""
    rules = {"time": time, "beta1": game.beta1, "beta2": game.beta2, "epsilon": game.epsilon}
    fake = by_hand.forward(g, z)[0]
    gradients = by_hand.discriminator_gradients(d, real, fake)
    d, *moments["d"] = by_hand.adam(d, gradients, *moments["d"], rate=game.lr_d, **rules)
    gradients, _ = by_hand.generator_gradients(g, d, z)
    g, *moments["g"] = by_hand.adam(g, gradients, *moments["g"], rate=game.lr_g, **rules)
    return g, d


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-6)])
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_thirty_steps_are_the_frameworks(framework, dtype, tolerance):
    twin = al.backend(framework)
    gan = twin.GAN(SPEC, seed=0, dtype=dtype)

    def weights():
        for network in (gan.generator, gan.discriminator):
            arrays = twin.get_weights(network)
            kernels, biases = ([a for n, a in arrays.items() if n.endswith(e)] for e in KINDS)
            yield by_hand.Weights(kernels[0], biases[0], kernels[1], biases[1])

    g, d = (by_hand.Weights(*(a.astype(float) for a in w)) for w in weights())
    moments = {name: [by_hand.zeros(w), by_hand.zeros(w)] for name, w in (("g", g), ("d", d))}
    for time in range(1, 31):
        real, z = RNG.normal(1, 1, (2, 8, 2)).astype(np.float32)
        gan.step(real, z)
        g, d = whole_step(g, d, moments, real, z, time, SPEC.config)
    for mine, theirs in zip((g, d), weights(), strict=True):
        assert close(theirs, mine, tolerance)
