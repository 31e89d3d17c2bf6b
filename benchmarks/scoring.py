"""What a trained generator draws, kept in a file, and how it is scored."""

import json
from dataclasses import replace

import numpy as np
import torch

import avatarlib as al
from avatarlib.core.files import atomic_write
from avatarlib.evaluation import classifier
from avatarlib.training.layers import BatchNorm

DRAWN, LATENT_SEED = 5000, 11  # drawings to be scored
SHOWN, SHOWN_SEED = 16, 7  # drawings to be looked at


def drawings(gan):
    """Draw with the averaged generator of a PyTorch GAN.

    Where the game keeps no average, the statistics of batch normalisation are computed afresh.

    Returns:
        {"images": uint8 (5000, h, w, c), "shown": uint8 (16, h, w, c)}.
    """
    generator = gan.average if gan.spec.config.ema_half_life else recalibrated(gan.generator)
    return {
        "images": draw(generator, LATENT_SEED, DRAWN),
        "shown": draw(generator, SHOWN_SEED, SHOWN),
    }


def draw(generator, seed=LATENT_SEED, count=DRAWN):
    """Draw with a PyTorch generator: uint8 (count, h, w, c)."""
    z = al.noise(seed, "latent", 0, (count, generator.spec.latent))
    return al.to_uint8(al.backend("torch").generate(generator, z))


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


def keep(file, made_of, run, seconds=None):
    """Write what a finished run draws.

    Args:
        file: where.
        made_of: what the drawings depend on, in plain data.
        run: a `Run` of PyTorch.
        seconds: what it took; by default by the clock.
    """
    found = drawings(run.gan) | {"pictures": run.gan.steps * run.gan.spec.config.batch}
    found |= {"made_of": json.dumps(made_of), "seconds": seconds or run.seconds}
    with atomic_write(file) as opened:
        np.savez(opened, **found)


def kept(file, made_of):
    """What `keep` wrote, name -> array; None if there is no such file or it was made of others."""
    if not file.exists():
        return None
    with np.load(file) as arrays:
        found = dict(arrays)
    return found if json.loads(str(found["made_of"])) == made_of else None


def scale(name, data_seed):
    """A classifier by name, with 5,000 avatars that no generator has seen."""
    real = al.data.render("big-smile", DRAWN, 32, data_seed, progress=False)
    return classifier.Scorer(classifier.load(name), real)


def row(score):
    """A score as plain data for a record."""
    return {
        "distance": round(score.distance, 1),
        "floor": round(score.floor, 1),
        "rarest": list(score.rarest),
    }
