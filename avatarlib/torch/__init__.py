"""The PyTorch twin. Same file names, same public names, same order as the other one."""

from avatarlib.torch.gan import GAN, generate, has_gpu
from avatarlib.torch.losses import discriminator_loss, generator_loss
from avatarlib.torch.networks import Discriminator, Generator, get_weights, set_weights

name = "torch"

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
