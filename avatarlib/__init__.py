"""The library of the course "Avatars from Noise": GANs in PyTorch and TensorFlow, and their data.

    import avatarlib as al

    avatars = al.data.render("big-smile", 1000, size=28).grey()
    gan = al.backend()

Importing it loads neither framework; `al.backend()` does.
"""

from avatarlib import data, presets, show
from avatarlib.backends import (
    backend,
    pretrained,
    pretrained_names,
    pretrained_record,
    steps,
    through_training,
    tier,
)
from avatarlib.errors import InputError
from avatarlib.pixels import to_float, to_uint8
from avatarlib.randomness import noise
from avatarlib.records import measured
from avatarlib.runs import draw, load_network, train

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "backend",
    "data",
    "draw",
    "load_network",
    "measured",
    "noise",
    "presets",
    "pretrained",
    "pretrained_names",
    "pretrained_record",
    "show",
    "steps",
    "through_training",
    "tier",
    "to_float",
    "to_uint8",
    "train",
]
