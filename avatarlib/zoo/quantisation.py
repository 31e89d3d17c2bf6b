"""Weights in a few bits each, for generators that are kept only to be scored later."""

import numpy as np


def quantise(weights, bits):
    """Round each channel's weights to 2**bits evenly spaced values from its least to its largest.

    Only kernels are rounded; vectors (biases, batch normalisation) are kept in half precision.

    Args:
        weights: name -> float array; the last axis of a kernel counts its channels.
        bits: 1 to 8.

    Returns:
        name -> array, which `dequantise` reads: for a kernel NAME of n weights and c channels
        "NAME/codes" uint8 (ceil(n * bits / 8),), "NAME/low" and "NAME/step" float16 (c,); for a
        vector NAME float16.
    """
    stored = {}
    for name, array in weights.items():
        if array.ndim == 1:
            stored[name] = array.astype(np.float16)
            continue
        rows = array.reshape(-1, array.shape[-1]).astype(np.float64)
        low = rows.min(axis=0).astype(np.float16)
        step = ((rows.max(axis=0) - low) / (2**bits - 1)).astype(np.float16)
        codes = np.rint((rows - low) / np.where(step > 0, step, 1)).clip(0, 2**bits - 1)
        digits = np.unpackbits(codes.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - bits :]
        stored |= {f"{name}/codes": np.packbits(digits), f"{name}/low": low, f"{name}/step": step}
    return stored


def dequantise(stored, shapes, bits):
    """The rounded weights that `quantise` stored.

    Args:
        stored: what `quantise` returned.
        shapes: name -> shape of the array.
        bits: as given to `quantise`.

    Returns:
        name -> float32 array.
    """
    weights = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            weights[name] = stored[name].astype(np.float32)
            continue
        size = int(np.prod(shape))
        digits = np.unpackbits(stored[f"{name}/codes"], count=size * bits).reshape(size, bits)
        codes = digits @ (1 << np.arange(bits)[::-1])
        low, step = (stored[f"{name}/{part}"].astype(np.float32) for part in ("low", "step"))
        weights[name] = codes.reshape(shape).astype(np.float32) * step + low
    return weights
