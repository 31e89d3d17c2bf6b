"""Training and drawing in one line each: what notebooks and the command line call."""

import hashlib
import math
import os
from pathlib import Path

import numpy as np

from avatarlib import backends
from avatarlib.core import values
from avatarlib.core.arrays import load_arrays
from avatarlib.core.errors import InputError
from avatarlib.core.files import atomic_write, cache_folder, make_folder
from avatarlib.core.memory import need_memory
from avatarlib.core.pixels import to_uint8
from avatarlib.core.randomness import generator, noise
from avatarlib.data import AvatarSet
from avatarlib.data.conditions import one_hot, shares_of_each
from avatarlib.show import image_grid
from avatarlib.training.callbacks import Callback, HealthWarnings, KeepGenerators
from avatarlib.training.checkpoint import checkpoints
from avatarlib.training.loop import Budget, Loop
from avatarlib.zoo import pretrained_file, pretrained_names, read_network

DRIVE = "/content/drive"  # where Colab mounts Google Drive


def train(
    spec,
    avatars,
    *,
    steps=None,
    minutes=None,
    out=None,
    seed=0,
    backend=None,
    sample_every=500,
    save_every=60,
    progress=True,
    recipe=None,
    keep_at=(),
):
    """Train a GAN, or go on with a run that was stopped.

    With `out`, the run leaves two checkpoints, a history and sheets of samples there; the same call
    goes on where the last one was stopped, by whatever: Ctrl-C, SIGTERM, a crash, the other
    framework.

    Args:
        spec: a `Spec`, for instance `avatarlib.training.presets.small(size=32)`.
        avatars: an AvatarSet of the spec's size, or an array of pictures or points.
        steps, minutes: the budget of the whole run, one of the two.
        out: a folder, or None to keep nothing on disk. A folder on Google Drive as Colab mounts it
            gets verified copies, while the run itself writes to Colab's own disk.
        seed: of weights, latents, order and everything else that is random.
        backend: "torch" or "tensorflow"; by default as in `backend`.
        sample_every: steps between two sheets of the same 64 latents.
        save_every: seconds between two checkpoints.
        progress: whether to show a bar.
        recipe: plain data that describes the run, kept in its checkpoints.
        keep_at: shares of the run, such as (0.25, 0.5, 1), at which the generator is kept in `out`.

    Returns:
        a `Run`: the trained `gan`, `history`, `samples`, `warnings`.

    Raises:
        InputError: data or settings do not fit, the folder holds another run, the disk is full, or
            a loss is not a number any more.
    """
    budget = Budget(steps, minutes)
    gan = backends.backend(backend).GAN(spec, seed)
    callbacks = [HealthWarnings(), KeepGenerators(keep_at)]
    if out and len(spec.shape) == 3:
        callbacks.append(ImageGrids())
    folder, backup = _on_drive(out) if out else (None, None)
    loop = Loop(
        gan,
        avatars,
        budget,
        folder,
        callbacks,
        backup=backup,
        sample_every=sample_every,
        save_every=save_every,
        recipe=recipe,
    )
    return loop(progress)


def _on_drive(out):
    """(where a run writes, where copies go): on Google Drive, only copies; elsewhere, none."""
    out = Path(os.path.abspath(out))
    if not out.is_relative_to(DRIVE):
        return out, None
    name = hashlib.sha256(str(out).encode()).hexdigest()[:12]
    return cache_folder() / "runs" / f"{out.name}-{name}", out


class ImageGrids(Callback):
    """Writes each set of samples as a picture, into the folder samples/ of the run."""

    def after_samples(self, loop, samples):
        """Write samples/step-STEPS.png."""
        folder = loop.folder / "samples"
        make_folder(folder)
        with atomic_write(folder / f"step-{loop.gan.steps:08}.png") as file:
            image_grid(samples, columns=8, zoom=2).save(file, "PNG")


def load_network(network, backend=None):
    """The generator of a checkpoint, or a pretrained one.

    Args:
        network: a name in `pretrained_names()`, a checkpoint's file, or a run's folder: its newest
            checkpoint is taken.
        backend: "torch" or "tensorflow", whichever trained it; by default as in `backend`.

    Returns:
        a `Generator`: of a run, the one with averaged weights.

    Raises:
        InputError: there is no such file or name, or it is not a network of this library.
    """
    generator, _ = read_network(_file_of(network), backend)
    return generator


def _file_of(network):
    """The file of a network that is given as in `load_network`."""
    if os.path.isfile(network) or Path(network).suffix == ".safetensors":
        return Path(network)
    if str(network) in pretrained_names():
        return pretrained_file(str(network), ".safetensors")
    if not os.path.isdir(network):
        known = ", ".join(pretrained_names())
        raise InputError(
            f"{network} is neither a file nor a pretrained network ({known}), nor a run's folder."
        )
    if not checkpoints(network):
        raise InputError(f"There is no checkpoint in the folder {network}; is it a run's?")
    return checkpoints(network)[-1]


def latents(count, network, seed=7, step=0):
    """The first latents of a seed, as a network wants them.

    Args:
        count: how many.
        network: a `Spec`, or whatever was built from one: a generator, a `GAN`.
        seed, step: they decide about the numbers, see `noise`; a run's sample grids have seed 7.

    Returns:
        float32 (count, latent), standard normal.

    Raises:
        InputError: no such count or seed.
    """
    spec = getattr(network, "spec", network)
    return noise(seed, "latent", step, (values.whole(count, "The count", 1), spec.latent))


def sample(network, count, seed=7, ask=None, backend=None):
    """Draw avatars.

    Args:
        network: as in `load_network`.
        count: how many.
        seed: of the latents; the same seed gives the same first avatars.
        ask: for a network with conditions, attribute -> value. The others are drawn at random, each
            value as often as in the data that the network learned from (where its file does not
            say, equally often).
        backend: as in `load_network`.

    Returns:
        uint8 (count, size, size, channels).

    Raises:
        InputError: no such network, or it knows no such attribute or value.
    """
    network, header = read_network(_file_of(network), backend)
    spec, ask = network.spec, ask or {}
    unknown = ask.keys() - dict(spec.conditions).keys()
    if unknown:
        known = ", ".join(dict(spec.conditions)) or "nothing"
        raise InputError(f"This network draws by {known}, not by {', '.join(sorted(unknown))}.")
    if len(spec.shape) != 3:
        raise InputError(f"The network {spec.name!r} draws points, not pictures.")
    count, seed = values.whole(count, "The count", 1), values.seed(seed)
    # latents and drawings in single precision, a copy of these on the way to uint8, and uint8
    each = 4 * spec.latent + 9 * math.prod(spec.shape)
    need_memory(count * each, f"{count:,} drawings of {spec.name}")
    z = latents(count, spec, seed)
    condition = None
    if spec.conditions:
        labels = _random_labels(spec, header.get("shares"), count, seed)
        labels |= {name: np.full(count, value) for name, value in ask.items()}
        condition = one_hot(labels, spec.conditions)
    drawings = backends.backend(backend).generate(network, z, condition)
    return to_uint8(drawings)


def generated_set(network, images):
    """Drawings of a network as an AvatarSet, with the licence of what the network learned from.

    Args:
        network: as in `load_network`.
        images: what `draw` returned.

    Returns:
        an AvatarSet without attributes; "unknown" where the network's file names no licence.

    Raises:
        InputError: there is no such file or name.
    """
    _, header = load_arrays(_file_of(network))
    credit = header.get("credit", "Avatars: an unknown source by unknown, licence unknown.")
    learned, _, rest = credit.removeprefix("Avatars: ").rpartition(" by ")
    return AvatarSet(
        images,
        licence=header.get("licence", "unknown"),
        creator=rest.rpartition(", licence")[0],
        source=f"drawings of {network}, a network that learned from {learned}",
        options={"network": str(network)},
    )


def _random_labels(spec, shares, count, seed):
    """Labels drawn at random, each value as often as its share: name -> (count,)."""
    of_each = shares_of_each(shares, spec.conditions)
    return {
        name: generator(seed, f"condition/{name}").choice(values, count, p=share)
        for (name, values), share in zip(spec.conditions, of_each, strict=True)
    }
