"""The weights before the first step, drawn in NumPy so that both frameworks start alike."""

import numpy as np

from avatarlib.randomness import generator


def initial_weights(shapes, seed, network):
    """Weights as Keras, and so the article's listing, draws them.

    Kernels: Glorot and Bengio's uniform distribution (2010, equation 16) on ±√(6 / (fan_in +
    fan_out)). Scales (gamma) and running variances: 1. Biases, shifts and running means: 0.

    Args:
        shapes: name -> shape, with TensorFlow's layout for kernels.
        seed: integer of at least 0.
        network: "generator" or "discriminator", so that the two differ.

    Returns:
        name -> float32 array.
    """
    return {name: _draw(name, shape, seed, network) for name, shape in shapes.items()}


def _draw(name, shape, seed, network):
    kind = name.rpartition("/")[2]
    if kind in ("gamma", "variance"):
        return np.ones(shape, dtype=np.float32)
    if kind in ("bias", "beta", "mean"):
        return np.zeros(shape, dtype=np.float32)
    fan_in, fan_out = (np.prod(shape[:-2]) * channels for channels in shape[-2:])
    limit = np.sqrt(6 / (fan_in + fan_out))
    rng = generator(seed, f"initial/{network}/{name}")
    return rng.uniform(-limit, limit, shape).astype(np.float32)
