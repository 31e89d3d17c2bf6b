"""Networks that were trained beforehand, and reading a network's file."""

import json
from importlib import resources

import numpy as np

from avatarlib import backends
from avatarlib.core.arrays import load_arrays
from avatarlib.core.errors import InputError
from avatarlib.training.checkpoint import sampling_weights, spec_of
from avatarlib.zoo.quantisation import dequantise


def pretrained(name, *, backend=None):
    """A generator that was trained beforehand, ready to draw, in either framework.

    Args:
        name: a name in `pretrained_names()`, such as "grey-28".
        backend: "torch" or "tensorflow"; by default as in `backend`.

    Returns:
        a `Generator` of that backend; give it to `backend().generate(generator, z)`.

    Raises:
        InputError: there is no such network.
    """
    generator, _ = read_network(pretrained_file(name, ".safetensors"), backend)
    return generator


def through_training(name, backend=None):
    """The generator of a run that the book compares, at six moments of its training.

    Args:
        name: "big-smile-32", or "article-32", the article's network in colour, half an hour.
        backend: as in `backend`.

    Returns:
        [(steps, Generator), ...], the earliest first.

    Raises:
        InputError: no generators were kept of such a run.
    """
    folder = pretrained_folder() / "through-training"
    runs = sorted(path.name for path in folder.iterdir())
    if name not in runs:
        raise InputError(f"No generators were kept of {name!r}; there are: {', '.join(runs)}.")
    found = []
    for moment in _names(folder / name):
        generator, header = read_network(folder / name / f"{moment}.safetensors", backend)
        found.append((header["steps"], generator))
    return found


def read_network(file, backend=None):
    """The generator in a file of this library, and the file's header.

    Args:
        file: a checkpoint of a run (its averaged generator is taken), or a file with nothing but a
            generator, in single or half precision or in a few bits for each weight.
        backend: as in `backend`.

    Returns:
        (Generator, header): the header is plain data.

    Raises:
        InputError: there is no such file, or it is not a network of this library.
    """
    arrays, header = load_arrays(file)
    if "spec" not in header:
        raise InputError(f"{file} is no network: its header has no spec.")
    spec, twin = spec_of(header), backends.backend(backend)
    if any(name.startswith("generator/") for name in arrays):  # a whole run
        arrays = sampling_weights(arrays, spec)
    elif "bits" in header:
        arrays = dequantise(arrays, spec.weights("generator"), header["bits"])
    generator = twin.Generator(spec)
    twin.set_weights(generator, arrays)  # whatever they are stored in, they compute in single
    return generator, header


def pretrained_record(name):
    """How a pretrained network came about.

    Args:
        name: a name in `pretrained_names()`.

    Returns:
        (card, history): the recipe, licence, scores and duration as plain data; and, for grey-28,
        the course of the run, else nothing: `losses` float32 (epochs, 2), each epoch's mean for
        discriminator and generator, `epochs` int (k,) and `samples` uint8 (k, 16, 28, 28, 1), the
        same latents after so many epochs.

    Raises:
        InputError: there is no such network.
    """
    card = json.loads(pretrained_file(name, ".json").read_text(encoding="utf-8"))
    history = pretrained_file(name, "-history.npz")
    if not history.is_file():
        return card, {}
    with np.load(history, allow_pickle=False) as file:
        return card, dict(file)


def pretrained_names():
    """The names of the networks that come with the library."""
    return _names(pretrained_folder())


def pretrained_file(name, ending, folder=""):
    """A file that comes with the library.

    Raises:
        InputError: there is no network of that name.
    """
    place = pretrained_folder() / folder
    known = _names(place)
    if name not in known:
        raise InputError(f"There is no pretrained network {name!r}; there is: {', '.join(known)}.")
    return place / f"{name}{ending}"


def pretrained_folder():
    """Where everything that comes with the library lies."""
    return resources.files("avatarlib.zoo") / "pretrained"


def _names(folder):
    files = (path.name for path in folder.iterdir())
    return sorted(
        name.removesuffix(".safetensors") for name in files if name.endswith(".safetensors")
    )
