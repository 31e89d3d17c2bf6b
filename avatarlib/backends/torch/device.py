"""Where PyTorch computes: on the processor, or on a graphics card."""

import torch

from avatarlib.backends.choice import device_name
from avatarlib.core.errors import InputError


def has_gpu():
    """Whether PyTorch sees a graphics processor that it can compute on."""
    return torch.cuda.is_available()


def find_device(name=None):
    """The device of a name.

    Args:
        name: "cpu", "gpu" or "gpu:1", counted from 0; by default as in `device_name`. On Apple's
            machines "gpu" is what PyTorch calls mps; the course has not been run there, so that it
            must be asked for.

    Returns:
        a `torch.device`.

    Raises:
        InputError: no such name, or this machine has no such card.
    """
    kind, number = device_name(name, has_gpu())
    if kind == "cpu":
        return torch.device("cpu")
    cards = torch.cuda.device_count()
    if number < cards:
        return torch.device("cuda", number)
    if torch.backends.mps.is_available() and not number:
        return torch.device("mps")
    raise InputError(
        f"PyTorch sees {cards} graphics cards here, and number {number} (from 0) was asked for. "
        'Ask for "cpu", or install a PyTorch for your card.'
    )
