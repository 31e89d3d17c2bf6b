"""Randomness as a function: every draw depends on (seed, stream, step) and on nothing else.

A generator with a hidden state must be saved and restored to repeat a run. A function needs only
its arguments: the latents of step 4,711 are the same today, after a crash, and in the other
framework. NumPy's Philox is such a function (Salmon et al. 2011, "Parallel random numbers: as easy
as 1, 2, 3"): it encrypts a counter with a key.
"""

import hashlib

import numpy as np

from avatarlib.core import values


def generator(seed, stream, step=0):
    """A NumPy generator for one step of one stream.

    The step stands in the highest of the counter's four words. In the lowest word it would be the
    place in the sequence, and neighbouring steps would share nearly all their draws.

    Args:
        seed: integer of at least 0, the run's seed.
        stream: name of what is drawn, such as "latent" or "order"; each name is independent.
        step: integer of at least 0.

    Returns:
        a fresh `numpy.random.Generator`; equal arguments give equal draws.

    Raises:
        InputError: the seed or the step is no such integer.
    """
    seed, step = values.seed(seed), values.seed(step, "The step")
    stream_key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "little")
    key = np.array([seed, stream_key], dtype=np.uint64)
    counter = np.array([0, 0, 0, step], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def noise(seed, stream, step, shape):
    """Standard normal noise, float32 of the given shape, a function of (seed, stream, step)."""
    return generator(seed, stream, step).standard_normal(shape, dtype=np.float32)


def dropout_mask(seed, stream, step, shape, rate):
    """Which values dropout keeps: each with probability 1 - rate (Srivastava et al. 2014).

    Sixteen random bits decide about a value, so the rate is met to 1 / 131,072.

    Returns:
        bool of the given shape, a function of (seed, stream, step).
    """
    values = generator(seed, stream, step).integers(0, 65536, shape, dtype=np.uint16)
    return values >= round(65536 * rate)
