"""Which framework a page uses, and how much it may compute."""

import importlib.util
import json
import os
from importlib import resources

import numpy as np

from avatarlib.arrays import load_arrays
from avatarlib.errors import InputError
from avatarlib.quantisation import dequantise
from avatarlib.training.checkpoint import drawing_weights
from avatarlib.training.spec import Spec

BACKENDS = ("torch", "tensorflow")
TIERS = ("check", "page", "full")


def backend(name=None):
    """The twin that computes: the room `avatarlib.torch` or `avatarlib.tensorflow`.

    Args:
        name: "torch" or "tensorflow"; by default the variable AVATARLIB_BACKEND, then PyTorch if
            it is installed.

    Returns:
        a module with GAN, Generator, Discriminator, generate, losses and the weights' functions.

    Raises:
        InputError: an unknown name, or the framework is not installed.
    """
    name = name or os.environ.get("AVATARLIB_BACKEND") or _first_installed()
    if name not in BACKENDS:
        raise InputError(f'A backend is "torch" or "tensorflow", not {name!r}.')
    if name == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # only errors, no start-up notes
    try:
        return importlib.import_module(f"avatarlib.{name}")
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "tensorflow", "keras"):
            raise
        raise InputError(
            f'{name} is not installed here. Install it with: pip install "avatarlib[{name}]"'
        ) from error


def _first_installed():
    return next((name for name in BACKENDS if importlib.util.find_spec(name)), BACKENDS[0])


def pretrained(name, *, framework=None):
    """A generator that was trained beforehand, ready to draw, in either framework.

    Args:
        name: a name in `pretrained_names()`, such as "grey-28".
        framework: "torch" or "tensorflow"; by default as in `backend`.

    Returns:
        a `Generator` of that backend; give it to `backend().generate(generator, z)`.

    Raises:
        InputError: there is no such network.
    """
    generator, _ = read_network(pretrained_file(name, ".safetensors"), framework)
    return generator


def through_training(name, framework=None):
    """The generator of a run that the book compares, at six moments of its training.

    Args:
        name: "big-smile-32", or "article-32", the article's network in colour, half an hour.
        framework: as in `backend`.

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
        generator, header = read_network(folder / name / f"{moment}.safetensors", framework)
        found.append((header["steps"], generator))
    return found


def read_network(file, framework=None):
    """The generator in a file of this library, and the file's header.

    Args:
        file: a checkpoint of a run (its averaged generator is taken), or a file with nothing but a
            generator, in single or half precision or in a few bits for each weight.
        framework: as in `backend`.

    Returns:
        (Generator, header): the header is plain data.

    Raises:
        InputError: there is no such file, or it is not a network of this library.
    """
    arrays, header = load_arrays(file)
    if "spec" not in header:
        raise InputError(f"{file} is no network: its header has no spec.")
    spec, twin = Spec.from_json(header["spec"]), backend(framework)
    if any(name.startswith("generator/") for name in arrays):  # a whole run
        arrays = drawing_weights(arrays, spec)
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
    return resources.files("avatarlib") / "pretrained"


def _names(folder):
    files = (path.name for path in folder.iterdir())
    return sorted(
        name.removesuffix(".safetensors") for name in files if name.endswith(".safetensors")
    )


def tier():
    """How much a page may compute: "check" for tests, "page" for a laptop, "full" for a GPU.

    The variable AVATARLIB_TIER decides; without it, what the backend sees of the machine.

    Raises:
        InputError: AVATARLIB_TIER has an unknown value.
    """
    chosen = os.environ.get("AVATARLIB_TIER")
    if chosen and chosen not in TIERS:
        raise InputError(f"AVATARLIB_TIER is one of {', '.join(TIERS)}, not {chosen!r}.")
    return chosen or ("full" if backend().has_gpu() else "page")


def steps(*, check, page, full):
    """The number (of steps, pictures, epochs …) that belongs to this run's tier."""
    return {"check": check, "page": page, "full": full}[tier()]
