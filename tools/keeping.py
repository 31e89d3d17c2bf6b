"""What benchmarks and tools write into the library: records, generators, how a run begins."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

import numpy as np

from avatarlib import backends
from avatarlib.core.arrays import save_arrays
from avatarlib.core.files import atomic_write, make_folder, write_text
from avatarlib.core.randomness import noise
from avatarlib.training.batches import Batches
from avatarlib.zoo.networks import pretrained_folder
from avatarlib.zoo.quantisation import quantise


def keep_measured(name, command, rows, **pictures):
    """Write a record that `measured` reads; benchmarks call it.

    Args:
        name: of the record.
        command: what repeats the measurement.
        rows: plain dictionaries, one for each run.
        pictures: name -> uint8 array with one entry for each row.
    """
    folder = Path(str(pretrained_folder())) / "measured"
    make_folder(folder)
    packages = ("numpy", "torch", "dicebear-core", "dicebear-styles")
    record = {
        "command": command,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {"python": platform.python_version()}
        | {package: metadata.version(package) for package in packages},
        "rows": rows,
    }
    write_text(folder / f"{name}.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    if pictures:
        with atomic_write(folder / f"{name}.npz") as file:
            np.savez_compressed(file, **pictures)


def keep_generator(name, spec, weights, steps, bits):
    """Keep a run's generator at one moment, for `through_training`; tools and benchmarks call it.

    Args:
        name: of the run.
        spec: its `Spec`.
        weights: of the generator, name -> array.
        steps: of the run until then.
        bits: for each weight, see `quantise`.
    """
    folder = Path(str(pretrained_folder())) / "through-training" / name
    make_folder(folder)
    header = {"spec": spec.to_json(), "steps": steps, "bits": bits}
    save_arrays(folder / f"generator-{steps:08}.safetensors", quantise(weights, bits), header)


def first_losses(recipe, backend=None, steps=20):
    """How a recipe's run begins, in double precision: equal only for equal recipes and data.

    Args:
        recipe: a `Recipe` with a budget of steps.
        backend: "torch" or "tensorflow"; by default as in `avatarlib.backend`.
        steps: how many.

    Returns:
        float64 (steps, 2), the losses of discriminator and generator.
    """
    avatars = recipe.data()
    spec = recipe.network(avatars)
    feed = Batches(spec, avatars, recipe.seed)
    gan = backends.backend(backend).GAN(spec, recipe.seed, "float64")
    losses = []
    for step in range(steps):
        real, condition = feed(step)
        z = noise(recipe.seed, "latent", step, (len(real), spec.latent))
        losses.append(gan.step(real, z, condition, step / recipe.steps)[:2])
    return np.array(losses)
