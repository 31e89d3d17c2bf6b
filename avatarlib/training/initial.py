"""The weights before the first step, drawn in NumPy so that both frameworks start alike."""

import numpy as np

from avatarlib.core.randomness import generator

WARM_UP = 15  # power iterations before the first step, as many as PyTorch's spectral_norm does
# The streams keep their first names: with others, the classifiers could not be trained again.
STREAMS = {"classifier": "judge"}


def initial_weights(spec, player, seed):
    """A player's first arrays.

    Kernels by the spec's rule: "glorot", Glorot and Bengio's uniform distribution (2010, equation
    16) on ±√(6 / (fan_in + fan_out)), which Keras uses; "normal", N(0, 0.02), the DCGAN paper's;
    "he", N(0, 2 / (1.04 fan_in)), which keeps the size of a signal through LeakyReLUs of slope 0.2
    (He et al. 2015, equation 15). Scales (gamma) and running variances: 1. The rest: 0.

    Args:
        spec: a `Spec`.
        player: "generator", "discriminator" or "classifier".
        seed: integer of at least 0.

    Returns:
        name -> float32 array, in the order and with the shapes of `spec.weights(player)`.
    """
    inputs = dict(_inputs(spec, player))
    arrays, stream = {}, STREAMS.get(player, player)
    for name, shape in spec.weights(player).items():
        if name.endswith("/u"):
            kernel = arrays[name.removesuffix("/u")]
            rng = generator(seed, f"initial/{stream}/{name}")
            arrays[name] = _first_singular_vector(kernel, rng.standard_normal(shape))
        else:
            rng = generator(seed, f"initial/{stream}/{name}")
            fan_in = inputs[name.partition("/")[0]]
            arrays[name] = _draw(name, shape, spec.initial, fan_in, rng)
    return arrays


def _inputs(spec, player):
    for layer, shape in spec.layers_with_shapes(player):
        if hasattr(layer, "name"):
            yield layer.name, layer.fan_in(shape)


def _draw(name, shape, rule, fan_in, rng):
    kind = name.rpartition("/")[2]
    if kind in ("gamma", "variance"):
        return np.ones(shape, dtype=np.float32)
    if kind in ("bias", "beta", "mean"):
        return np.zeros(shape, dtype=np.float32)
    if rule == "glorot":
        limit = np.sqrt(6 / (np.prod(shape[:-2]) * sum(shape[-2:])))
        return rng.uniform(-limit, limit, shape).astype(np.float32)
    scale = 0.02 if rule == "normal" else np.sqrt(2 / (1.04 * fan_in))
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def _first_singular_vector(kernel, u):
    matrix = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
    for _ in range(WARM_UP):
        u = matrix.T @ (matrix @ u)
        u /= np.linalg.norm(u)
    return u.astype(np.float32)
