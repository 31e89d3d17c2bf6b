"""The PyTorch twin. Same file names, same public names, same order as the other one."""

from avatarlib.torch.features import AvatarNet, Judge
from avatarlib.torch.gan import GAN, generate, has_gpu, translate
from avatarlib.torch.imagenet import ImageNet
from avatarlib.torch.losses import LOSSES, slope_off_one, squared_slope
from avatarlib.torch.networks import Discriminator, Generator, get_weights, set_weights

name = "torch"

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
