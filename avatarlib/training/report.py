"""What one training step tells: losses, penalties, and what the discriminator could say."""

import math
from typing import NamedTuple

import numpy as np

CROSS_ENTROPY = ("minimax", "non-saturating")

# Each loss of (discriminator, generator) where the discriminator can only guess.
GUESSES = {
    "minimax": (2 * math.log(2), -math.log(2)),
    "non-saturating": (2 * math.log(2), math.log(2)),
    "hinge": (2.0, 0.0),
    "wasserstein": (0.0, 0.0),
    "relativistic": (math.log(2), math.log(2)),
}


class Step(NamedTuple):
    """One training step's numbers.

    Attributes:
        loss_d, loss_g: what the two players minimised, without penalties.
        r1, r2: mean squared slopes at real and generated pictures, before their weights; 0 in a
            step without this penalty.
        gradient_penalty: mean (‖∇D‖ - 1)² between them, before its weight; 0 likewise.
        real_logits, fake_logits: float (n,), the discriminator's before it moved.
    """

    loss_d: float
    loss_g: float
    r1: float
    r2: float
    gradient_penalty: float
    real_logits: np.ndarray
    fake_logits: np.ndarray


def opinion(loss, real_logits, fake_logits):
    """What the critic of a loss can say about a batch, and what it would say at a guess.

    Cross-entropy: D(x) and D(G(z)), 0.5 at a guess. Relativistic: σ(r - f), how surely each pair is
    told apart, 0.5. Hinge: the mean logits, 0. Wasserstein: the gap between the means, 0.

    Args:
        loss: name of the loss.
        real_logits, fake_logits: (n,).

    Returns:
        ({name: number}, the number at a guess).
    """
    if loss in CROSS_ENTROPY:
        found = {"D(x)": _sigmoid(real_logits).mean(), "D(G(z))": _sigmoid(fake_logits).mean()}
        return {name: float(value) for name, value in found.items()}, 0.5
    if loss == "relativistic":
        return {"σ(r-f)": float(_sigmoid(real_logits - fake_logits).mean())}, 0.5
    if loss == "wasserstein":
        return {"gap": float(real_logits.mean() - fake_logits.mean())}, 0.0
    return {"r": float(real_logits.mean()), "f": float(fake_logits.mean())}, 0.0


def _sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits.astype(np.float64)))
