"""The TensorFlow twin. Same file names, same public names, same order as the other one."""

from avatarlib.tensorflow.features import AvatarNet, Judge
from avatarlib.tensorflow.gan import GAN, generate, has_gpu, translate
from avatarlib.tensorflow.imagenet import ImageNet
from avatarlib.tensorflow.losses import LOSSES, slope_off_one, squared_slope
from avatarlib.tensorflow.networks import Discriminator, Generator, get_weights, set_weights

name = "tensorflow"

__all__ = [
    "GAN",
    "LOSSES",
    "AvatarNet",
    "Discriminator",
    "Generator",
    "ImageNet",
    "Judge",
    "generate",
    "get_weights",
    "has_gpu",
    "name",
    "set_weights",
    "slope_off_one",
    "squared_slope",
    "translate",
]
