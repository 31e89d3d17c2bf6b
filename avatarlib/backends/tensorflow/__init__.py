"""The TensorFlow twin. Same file names, same public names, same order as the other one."""

from avatarlib.backends import triton_first  # noqa: F401
from avatarlib.backends.tensorflow.classifier import AvatarNet, Classifier
from avatarlib.backends.tensorflow.device import find_device, has_gpu
from avatarlib.backends.tensorflow.gan import GAN, generate, translate
from avatarlib.backends.tensorflow.imagenet import ImageNet
from avatarlib.backends.tensorflow.losses import LOSSES, gradient_penalty, zero_centred_penalty
from avatarlib.backends.tensorflow.networks import (
    Discriminator,
    Generator,
    get_weights,
    set_weights,
)

name = "tensorflow"

__all__ = [
    "GAN",
    "LOSSES",
    "AvatarNet",
    "Discriminator",
    "Generator",
    "ImageNet",
    "Classifier",
    "find_device",
    "generate",
    "get_weights",
    "has_gpu",
    "name",
    "set_weights",
    "gradient_penalty",
    "zero_centred_penalty",
    "translate",
]
