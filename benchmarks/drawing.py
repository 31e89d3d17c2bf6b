"""What a trained generator draws, for benchmarks to score and to show."""

from dataclasses import replace

import torch

import avatarlib as al
from avatarlib.training.layers import BatchNorm

DRAWN, LATENT_SEED = 5000, 11  # drawings to be scored
SHOWN, SHOWN_SEED = 16, 7  # drawings to be looked at


def drawings(gan):
    """Draw with the averaged generator of a PyTorch GAN.

    Where the game keeps no average, the statistics of batch normalisation are computed afresh.

    Returns:
        {"images": uint8 (5000, h, w, c), "shown": uint8 (16, h, w, c)}.
    """
    generator = gan.average if gan.spec.game.average_pictures else recalibrated(gan.generator)
    found = {}
    for name, seed, count in (("images", LATENT_SEED, DRAWN), ("shown", SHOWN_SEED, SHOWN)):
        z = al.noise(seed, "latent", 0, (count, gan.spec.latent))
        found[name] = al.to_uint8(al.backend("torch").generate(generator, z))
    return found


def recalibrated(generator):
    """The generator with batch normalisation's averages taken afresh from 2,000 drawings."""
    forgetful = [
        replace(layer, momentum=0.0) if isinstance(layer, BatchNorm) else layer
        for layer in generator.spec.generator
    ]
    fresh = al.backend("torch").Generator(replace(generator.spec, generator=tuple(forgetful)))
    al.backend("torch").set_weights(fresh, al.backend("torch").get_weights(generator))
    z = al.noise(LATENT_SEED + 1, "latent", 0, (2000, generator.spec.latent))
    with torch.no_grad():
        fresh(torch.from_numpy(z), training=True)
    return fresh
