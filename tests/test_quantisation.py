"""Weights in a few bits: against a slow way with Python's own integers, and in a network."""

import numpy as np
import pytest

import avatarlib as al
from avatarlib.zoo.quantisation import dequantise, quantise

RNG = np.random.default_rng(0)


def by_hand(column, bits):
    """One channel's weights rounded one at a time, and their codes."""
    low = np.float16(min(column))
    step = np.float16((max(column) - low) / (2**bits - 1))
    codes = [min(max(round(float((x - low) / step)), 0), 2**bits - 1) for x in column]
    return [float(low) + code * float(step) for code in codes], codes


@pytest.mark.parametrize("bits", [1, 3, 4, 8])
def test_kernels_are_rounded_channel_by_channel(bits):
    kernel = RNG.normal(size=(3, 3, 2, 5)) * [1e-2, 0.1, 1, 3, 10]  # channels of all sizes
    stored = quantise({"up/kernel": kernel.astype(np.float32)}, bits)
    found = dequantise(stored, {"up/kernel": kernel.shape}, bits)["up/kernel"]
    columns = kernel.astype(np.float32).astype(float).reshape(-1, 5).T
    rounded, codes = zip(*(by_hand(column, bits) for column in columns), strict=True)
    assert found.dtype == np.float32
    assert np.allclose(found.reshape(-1, 5).T, rounded, rtol=1e-6, atol=1e-7)
    text = "".join(f"{code:0{bits}b}" for row in zip(*codes, strict=True) for code in row)
    text += "0" * (-len(text) % 8)
    whole = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    assert stored["up/kernel/codes"].tobytes() == whole


def test_more_bits_leave_smaller_errors():
    kernel = {"dense/kernel": RNG.normal(size=(100, 64)).astype(np.float32)}
    shapes = {"dense/kernel": (100, 64)}
    errors = []
    for bits in (2, 4, 8):
        found = dequantise(quantise(kernel, bits), shapes, bits)
        errors.append(abs(found["dense/kernel"] - kernel["dense/kernel"]).max())
        spread = np.ptp(kernel["dense/kernel"], axis=0).max()
        assert errors[-1] <= 1.01 * spread / (2**bits - 1) / 2
        again = dequantise(quantise(found, bits), shapes, bits)
        assert np.allclose(again["dense/kernel"], found["dense/kernel"], rtol=0, atol=1e-3)
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_vectors_are_kept_in_half_precision_and_equal_weights_stay():
    weights = {"norm/mean": np.float32([0.1, -2.5]), "up/kernel": np.full((2, 2), 0.5, np.float32)}
    found = dequantise(quantise(weights, 3), {n: a.shape for n, a in weights.items()}, 3)
    assert np.array_equal(found["norm/mean"], weights["norm/mean"].astype(np.float16))
    assert np.array_equal(found["up/kernel"], weights["up/kernel"])


def test_a_network_in_eight_bits_draws_the_same_pictures():
    twin = al.backend()
    network = al.pretrained("big-smile-32")
    weights, shapes = twin.get_weights(network), network.spec.weights("generator")
    coarse = twin.Generator(network.spec)
    twin.set_weights(coarse, dequantise(quantise(weights, 8), shapes, 8))
    z = al.noise(7, "latent", 0, (64, network.spec.latent))
    exact, rounded = (al.to_uint8(twin.generate(g, z)).astype(int) for g in (network, coarse))
    assert abs(exact - rounded).mean() < 1  # of 255 levels
