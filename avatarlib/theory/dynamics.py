"""How the game moves: gradient steps on the Dirac GAN, the smallest game that circles.

The data are the single point 0. The generator has one number, θ, and always draws the point θ;
the discriminator has one number, ψ, and gives the point x the logit ψ x. A state is (θ, ψ). With
Wasserstein's loss this is the bilinear game V = -ψ θ. Mescheder et al. 2018 (arXiv:1801.04406).
"""

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.theory.losses import LOSSES


def field(state, loss="minimax", r1=0.0):
    """Which way both players want to go: minus the slope of what each pays (`eq-steps-field`).

        θ' = -∂L_G/∂θ = -g_f ψ          with r = 0, f = ψ θ,
        ψ' = -∂L_D/∂ψ = -s_f θ - γ ψ    the penalty R1 being γ/2 ψ²

    Args:
        state: (θ, ψ), float (2,) or (..., 2).
        loss: a name in `LOSSES`; s and g are its discriminator's and its generator's slopes.
        r1: γ, the penalty's weight, at least 0.

    Returns:
        (θ', ψ'), float64 (..., 2).

    Raises:
        InputError: no such loss.
    """
    theta, psi = np.moveaxis(np.asarray(state, np.float64), -1, 0)
    real, fake = np.zeros_like(theta), psi * theta
    of_fake = _slopes(loss).discriminator_slopes(real, fake)[1]
    of_generator = _slopes(loss).generator_slope(real, fake)
    return np.stack([-of_generator * psi, -of_fake * theta - r1 * psi], axis=-1)


def jacobian(loss="minimax", r1=0.0):
    """The field's derivatives at the equilibrium (0, 0) (`eq-steps-jacobian`).

    Args:
        loss: a name in `LOSSES`.
        r1: γ, at least 0.

    Returns:
        float64 (2, 2): [[0, -g_f], [-s_f, -γ]], with the slopes at logits 0.

    Raises:
        InputError: no such loss.
    """
    zero = np.zeros(1)
    of_fake = _slopes(loss).discriminator_slopes(zero, zero)[1][0]
    of_generator = _slopes(loss).generator_slope(zero, zero)[0]
    return np.array([[0.0, -of_generator], [-of_fake, -r1]])


def eigenvalues(loss="minimax", r1=0.0):
    """The Jacobian's eigenvalues in closed form, -γ/2 ± √(γ²/4 - a²) (`eq-steps-eigenvalues`).

    a² is the product of the two players' slopes at a guess, without its sign: a = ½ for the losses
    with a logistic function, 1 for hinge and Wasserstein. Mescheder et al. 2018, section 4: a = ½.

    Args:
        loss: a name in `LOSSES`.
        r1: γ, at least 0.

    Returns:
        complex128 (2,), in 1 / time: the real part says how fast the game comes to rest, the
        imaginary one how fast it turns.

    Raises:
        InputError: no such loss.
    """
    matrix = jacobian(loss)
    a = np.sqrt(-matrix[0, 1] * matrix[1, 0])
    root = np.sqrt(complex(r1**2 / 4 - a**2))
    return np.array([-r1 / 2 + root, -r1 / 2 - root])


def simultaneous(state, rate, loss="minimax", r1=0.0):
    """One step of both players from the same old state, as in the article's listing.

    `eq-steps-simultaneous`. Args, returns and errors as in `field`; `rate` is the learning rate.
    """
    return np.asarray(state, np.float64) + rate * field(state, loss, r1)


def alternating(state, rate, loss="minimax", r1=0.0):
    """The discriminator steps, and the generator answers the new one (`eq-steps-alternating`).

    The article's steps 5 and 6. Args, returns, errors as in `field`; `rate` is the learning rate.
    """
    moved = np.array(state, np.float64)
    moved[..., 1] += rate * field(moved, loss, r1)[..., 1]
    moved[..., 0] += rate * field(moved, loss, r1)[..., 0]
    return moved


def path(move, start, steps, **settings):
    """All states on the way: `move` is `simultaneous` or `alternating`.

    Returns:
        float64 (steps + 1, 2), the start first.
    """
    states = [np.asarray(start, np.float64)]
    for _ in range(steps):
        states.append(move(states[-1], **settings))
    return np.array(states)


def growth(move, rate, loss="minimax", r1=0.0):
    """By which factor one step stretches small states, in the long run (`eq-steps-growth`).

    The largest size of an eigenvalue of the matrix M that takes a small state to the next:
    I + ηJ for simultaneous steps; for alternating ones, the product of both players' steps.

    Args:
        move: `simultaneous` or `alternating`.
        rate: η, the learning rate.
        loss: a name in `LOSSES`.
        r1: γ, at least 0.

    Returns:
        a float: above 1 the game flies apart, at 1 it circles, below 1 it comes to rest.

    Raises:
        InputError: no such loss.
    """
    j, generator, discriminator = jacobian(loss, r1), np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    if move is simultaneous:
        matrix = np.eye(2) + rate * j
    else:
        matrix = (np.eye(2) + rate * generator @ j) @ (np.eye(2) + rate * discriminator @ j)
    return float(abs(np.linalg.eigvals(matrix)).max())


def _slopes(loss):
    if loss not in LOSSES:
        raise InputError(f"There is no loss {loss!r}; there are {', '.join(LOSSES)}.")
    return LOSSES[loss]
