"""The library of the course "Avatars from Noise": GANs in PyTorch and TensorFlow, and their data.

    import avatarlib as al

    avatars = al.data.render("big-smile", 1000, size=28).grey()
    gan = al.backend()

Importing it loads neither framework; `al.backend()` does.
"""

from avatarlib import data, show
from avatarlib.backends import backend, steps, tier
from avatarlib.core.about import VERSION
from avatarlib.core.errors import InputError
from avatarlib.core.pixels import to_float, to_uint8
from avatarlib.core.randomness import noise
from avatarlib.runs import latents, load_network, sample, train
from avatarlib.training import presets
from avatarlib.zoo import (
    measured,
    pretrained,
    pretrained_names,
    pretrained_record,
    through_training,
)

__version__ = VERSION

__all__ = [
    "InputError",
    "backend",
    "data",
    "latents",
    "load_network",
    "measured",
    "noise",
    "presets",
    "pretrained",
    "pretrained_names",
    "pretrained_record",
    "sample",
    "show",
    "steps",
    "through_training",
    "tier",
    "to_float",
    "to_uint8",
    "train",
]
