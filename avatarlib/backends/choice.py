"""Which framework a page uses, and how much it may compute."""

import importlib.util
import os
import re
import sys
import warnings

from avatarlib.core.about import how_to_install
from avatarlib.core.errors import InputError

BACKENDS = ("torch", "tensorflow")
TIERS = ("check", "page", "full")


def backend(name=None):
    """The backend that computes: the room `backends.torch` or `backends.tensorflow`.

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
    elif "tensorflow" in sys.modules and "triton" not in sys.modules and _has("triton"):
        warnings.warn(
            "TensorFlow was imported before PyTorch's compiler, triton. With some versions that "
            "ends the process as soon as something trains. If it does, restart and begin with "
            "`from avatarlib.backends import triton_first`.",
            stacklevel=2,
        )
    try:
        return importlib.import_module(f"avatarlib.backends.{name}")
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "tensorflow", "keras"):
            raise
        raise InputError(
            f"{name} is not installed here. Install it with: {how_to_install(name)}"
        ) from error


def device_name(name=None, has_gpu=False):
    """What to compute on.

    Args:
        name: "cpu", "gpu" (the first card) or "gpu:1" (the second one); by default the variable
            AVATARLIB_DEVICE, then a card where there is one.
        has_gpu: whether there is one.

    Returns:
        (kind, number): "cpu" or "gpu", and which one, from 0.

    Raises:
        InputError: another name.
    """
    name = name or os.environ.get("AVATARLIB_DEVICE") or ("gpu" if has_gpu else "cpu")
    found = re.fullmatch(r"(cpu)|gpu(?::(\d+))?", str(name))
    if not found:
        raise InputError(f'A device is "cpu", "gpu" or "gpu:1", the second card, not {name!r}.')
    return found[1] or "gpu", int(found[2] or 0)


def _first_installed():
    return next((name for name in BACKENDS if _has(name)), BACKENDS[0])


def _has(package):
    return importlib.util.find_spec(package) is not None


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
