"""Every draw is a function of (seed, stream, step), and no two of them share a number."""

import hashlib

import numpy as np
import pytest
from scipy.stats import kstest

from avatarlib import InputError, noise
from avatarlib.core.randomness import dropout_mask, generator

MOST = 2**64 - 1


def raw(seed, stream, step, n=64):
    return generator(seed, stream, step).bit_generator.random_raw(n).tolist()


def test_no_two_steps_streams_or_seeds_share_a_draw():
    """Among 70,000 random 64-bit numbers, two are equal with a chance of one in 7 billion."""
    places = [(0, "latent", step) for step in range(1000)]  # neighbours in the counter
    places += [(0, stream, step) for stream in ("order", "split", "Latent") for step in range(25)]
    places += [(seed, "latent", 0) for seed in (1, 2, 3, 1 << 32, MOST)]
    places += [(0, "latent", 1 << 32), (0, "latent", MOST)]
    draws = [number for place in places for number in raw(*place)]
    assert len(set(draws)) == len(draws) == 64 * 1082


def test_seed_and_step_do_not_stand_for_each_other():
    assert raw(1, "latent", 2) != raw(2, "latent", 1)


def test_it_is_numpys_philox_with_the_step_in_the_highest_word():
    key = [7, int.from_bytes(hashlib.sha256(b"latent").digest()[:8], "little")]
    philox = np.random.Philox(
        key=np.array(key, np.uint64), counter=np.array([0, 0, 0, 5], np.uint64)
    )
    expected = np.random.Generator(philox).standard_normal((3, 4), dtype=np.float32)
    assert noise(7, "latent", 5, (3, 4)).tobytes() == expected.tobytes()


def test_the_values_are_the_same_on_every_machine_and_for_ever():
    """A saved run goes on with these numbers: they may never change."""
    assert raw(0, "latent", 0, 2) == [6610298166395894687, 7821980030445384371]
    expected = [-0.55125982, -0.3421821, 1.41776729]
    np.testing.assert_allclose(noise(0, "latent", 1, 3), expected, atol=1e-6)


def test_noise_is_standard_normal_float32():
    """Mean, variance and distribution of a million draws; by chance, one in a million is red."""
    z = noise(1, "latent", 0, (1000, 1000))
    assert z.dtype == np.float32 and z.shape == (1000, 1000)
    assert abs(z.mean(dtype=np.float64)) < 4.9 / 1000  # 4.9 standard errors
    assert abs(z.var(dtype=np.float64) - 1) < 4.9 * np.sqrt(2) / 1000
    assert kstest(z.ravel()[:100_000], "norm").pvalue > 1e-6


def test_steps_are_not_correlated():
    """999 pairs of neighbours with 4,096 draws each: no correlation reaches six standard errors."""
    z = np.stack([noise(0, "latent", step, 4096) for step in range(1000)])
    correlations = (z[1:] * z[:-1]).mean(axis=1)
    assert np.abs(correlations).max() < 6 / np.sqrt(4096)


def test_a_dropout_mask_drops_at_its_rate():
    for rate in (0.0, 0.3, 0.75):
        mask = dropout_mask(2, "dropout", 0, (1000, 100), rate)
        assert mask.dtype == bool
        spread = np.sqrt(rate * (1 - rate) / mask.size)
        assert abs((~mask).mean() - rate) <= 4.9 * spread  # one in a million is red by chance


def test_dropout_masks_differ_from_step_to_step():
    first, second = (dropout_mask(0, "dropout/real/0", step, (64, 64), 0.3) for step in (0, 1))
    assert 0.3 < (first != second).mean() < 0.55  # 2 · 0.3 · 0.7 = 0.42


@pytest.mark.parametrize("seed, step", [(-1, 0), (0, -1), (2**64, 0), (0, 2**64), (0.5, 0)])
def test_an_impossible_seed_or_step_is_named(seed, step):
    with pytest.raises(InputError, match="is a whole number of at least 0"):
        generator(seed, "latent", step)
