"""The TensorFlow twin. Same file names, same public names, same order as the other one."""

from avatarlib.tensorflow.gan import GAN, generate, has_gpu
from avatarlib.tensorflow.losses import discriminator_loss, generator_loss
from avatarlib.tensorflow.networks import Discriminator, Generator, get_weights, set_weights

name = "tensorflow"

__all__ = [
    "GAN",
    "Discriminator",
    "Generator",
    "discriminator_loss",
    "generate",
    "generator_loss",
    "get_weights",
    "has_gpu",
    "name",
    "set_weights",
]
