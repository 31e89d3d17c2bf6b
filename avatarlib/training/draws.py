"""Whatever a training step draws besides its latents: a function of (seed, step), in NumPy."""

from typing import NamedTuple

import numpy as np

from avatarlib.core.randomness import dropout_mask, generator


class Player(NamedTuple):
    """What one half of a batch, real or generated, meets on its way.

    Attributes:
        masks: dropout masks bool (n, *shape), one for each Dropout layer.
        shift: int64 (n, 2), rows down and columns to the right, or None without augmentation.
    """

    masks: tuple
    shift: np.ndarray | None


class Draws(NamedTuple):
    """The random numbers of one step.

    Attributes:
        real, fake: see `Player`.
        share: float32 (n, 1, ...) in [0, 1), where the Wasserstein penalty looks between a real and
            a generated picture; None without that penalty.
    """

    real: Player
    fake: Player
    share: np.ndarray | None


def draw(spec, seed, step, n):
    """The draws of step number `step` for a batch of n pictures."""
    halves = [_player(spec, seed, step, n, which) for which in ("real", "fake")]
    share = None
    if spec.config.gradient_penalty:
        rng = generator(seed, "interpolation", step)
        share = rng.random((n, *(1 for _ in spec.shape)), dtype=np.float32)
    return Draws(*halves, share)


def _player(spec, seed, step, n, which):
    masks = tuple(
        dropout_mask(seed, f"dropout/{which}/{i}", step, (n, *shape), rate)
        for i, (shape, rate) in enumerate(spec.masks())
    )
    farthest = round(spec.config.translation * spec.shape[0])
    shift = None
    if farthest:
        rng = generator(seed, f"translation/{which}", step)
        shift = rng.integers(-farthest, farthest, (n, 2), endpoint=True)
    return Player(masks, shift)
