"""One training step with every gradient written out: two perceptrons with one hidden layer each.

The generator takes latents to points, the discriminator points to logits. Layouts are the twins':
a kernel is (in, out), a batch (n, in). As a `Spec`, it is `presets.points(layers=1)`.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit as sigmoid

SLOPE = 0.2  # of the LeakyReLU, below 0


class Weights(NamedTuple):
    """A network's four arrays, or their gradients, or one of Adam's averages of these.

    Attributes:
        kernel1: float (in, hidden).
        bias1: float (hidden,).
        kernel2: float (hidden, out).
        bias2: float (out,).
    """

    kernel1: np.ndarray
    bias1: np.ndarray
    kernel2: np.ndarray
    bias2: np.ndarray


class Cache(NamedTuple):
    """What `forward` keeps for `backward`.

    Attributes:
        x: the inputs, float (n, in).
        h: the hidden layer before the LeakyReLU, float (n, hidden).
        a: the hidden layer after it, float (n, hidden).
    """

    x: np.ndarray
    h: np.ndarray
    a: np.ndarray


def forward(w, x):
    """A network's outputs: h = x K₁ + b₁, a = max(h, 0.2 h), y = a K₂ + b₂ (`eq-steps-forward`).

    Args:
        w: `Weights`.
        x: float (n, in).

    Returns:
        (y float (n, out), `Cache`).
    """
    h = x @ w.kernel1 + w.bias1
    a = np.maximum(h, SLOPE * h)
    return a @ w.kernel2 + w.bias2, Cache(x, h, a)


def backward(w, memory, slopes):
    """The chain rule, from the last layer to the first (`eq-steps-backward`).

    Args:
        w: `Weights`.
        memory: what `forward` kept.
        slopes: the loss's derivatives by the outputs, float (n, out).

    Returns:
        (the loss's derivatives by the weights, as `Weights`; those by the inputs, float (n, in)).
    """
    of_h = slopes @ w.kernel2.T * np.where(memory.h > 0, 1.0, SLOPE)
    gradients = Weights(
        memory.x.T @ of_h, of_h.sum(axis=0), memory.a.T @ slopes, slopes.sum(axis=0)
    )
    return gradients, of_h @ w.kernel1.T


def discriminator_gradients(d, real, fake):
    """L_D's derivatives by the discriminator's weights (`eq-steps-slopes-d`).

    L_D = mean softplus(-r) + mean softplus(f), with the slopes -σ(-r)/n and σ(f)/n.

    Args:
        d: the discriminator's `Weights`.
        real, fake: points, float (n, 2) each; the fake ones are mere numbers here, "detached".

    Returns:
        `Weights`.
    """
    r, of_real = forward(d, real)
    f, of_fake = forward(d, fake)
    from_real, _ = backward(d, of_real, -sigmoid(-r) / len(r))
    from_fake, _ = backward(d, of_fake, sigmoid(f) / len(f))
    return Weights(*(a + b for a, b in zip(from_real, from_fake, strict=True)))


def generator_gradients(g, d, z):
    """L_G's derivatives by the generator's weights (`eq-steps-slopes-g`).

    L_G = mean softplus(-f), with the slope -σ(-f)/n at each logit; the discriminator passes it on
    to the points, and the generator from there to its weights.

    Args:
        g, d: both players' `Weights`.
        z: latents, float (n, latent).

    Returns:
        (`Weights`, L_G's derivatives by the points, float (n, 2): the opposite of the arrows of
        `eq-concepts-pull`, each 1/n as long).
    """
    fake, of_points = forward(g, z)
    f, of_logits = forward(d, fake)
    _, pull = backward(d, of_logits, -sigmoid(-f) / len(f))
    gradients, _ = backward(g, of_points, pull)
    return gradients, pull


def zeros(w):
    """`Weights` of zeros, in which Adam's averages begin."""
    return Weights(*map(np.zeros_like, w))


def adam(w, gradients, m, v, time, rate, beta1=0.5, beta2=0.999, epsilon=1e-8):
    """One move of Adam (`eq-steps-adam`). Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1.

    Args:
        w, gradients: `Weights`.
        m, v: the averages of the gradients and of their squares, `Weights`; at first `zeros`.
        time: which move this is, from 1.
        rate: the learning rate.
        beta1, beta2: shares of the averages that stay.
        epsilon: keeps the division from 0; added after the bias correction.

    Returns:
        (w, m, v) after the move.
    """
    m = Weights(*(beta1 * old + (1 - beta1) * g for old, g in zip(m, gradients, strict=True)))
    v = Weights(*(beta2 * old + (1 - beta2) * g**2 for old, g in zip(v, gradients, strict=True)))
    late_m, late_v = 1 - beta1**time, 1 - beta2**time
    moves = (a / late_m / (np.sqrt(b / late_v) + epsilon) for a, b in zip(m, v, strict=True))
    return Weights(*(old - rate * move for old, move in zip(w, moves, strict=True))), m, v
