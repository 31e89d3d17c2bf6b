"""Two networks and one training step, in PyTorch."""

import numpy as np
import torch

from avatarlib.randomness import dropout_mask
from avatarlib.torch.losses import discriminator_loss, generator_loss
from avatarlib.torch.networks import (
    Discriminator,
    Generator,
    get_weights,
    set_weights,
    tensors,
)
from avatarlib.training.pixels import to_float

# Keras' defaults, which the article's listing uses. (PyTorch's own eps is 1e-8. Keras adds eps
# before the bias correction, PyTorch after it: from the same numbers, the first steps of a weight
# with a gradient below 1e-5 are still shorter in Keras.)
ADAM = {"lr": 1e-4, "betas": (0.9, 0.999), "eps": 1e-7}

MOMENTS = {"exp_avg": "m", "exp_avg_sq": "v"}  # PyTorch's names for Adam's two running averages


class GAN:
    """The article's generator and discriminator with their optimisers.

    Args:
        seed: initial weights and dropout are functions of it.

    Attributes:
        generator, discriminator: the networks.
        steps: how many training steps were taken.
    """

    def __init__(self, seed=0):
        self.seed, self.steps = seed, 0
        self.device = torch.device("cuda" if has_gpu() else "cpu")
        self.generator = Generator(seed).to(self.device)
        self.discriminator = Discriminator(seed).to(self.device)
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), **ADAM)
        self.discriminator_optimizer = torch.optim.Adam(self.discriminator.parameters(), **ADAM)
        torch.set_flush_denormal(True)  # numbers below 1e-38 make a processor many times slower

    def step(self, images, z):
        """Steps 2 to 6 of the article's training, as its listing does them.

        Both gradients are taken at the same, old parameters; then both players move.

        Args:
            images: real avatars, uint8 (n, 28, 28, 1).
            z: latents, float32 (n, 100).

        Returns:
            (discriminator's loss, generator's loss), two floats.
        """
        real = self._tensor(to_float(images))
        self.generator.train()
        fake = self.generator(self._tensor(z))

        real_logits = self.discriminator(real, self._masks("real", len(images)))
        fake_logits = self.discriminator(fake, self._masks("fake", len(images)))
        loss_d = discriminator_loss(real_logits, fake_logits)
        loss_g = generator_loss(fake_logits)

        gradients_g = torch.autograd.grad(loss_g, self.generator.parameters(), retain_graph=True)
        gradients_d = torch.autograd.grad(loss_d, self.discriminator.parameters())
        _apply(self.discriminator_optimizer, self.discriminator, gradients_d)
        _apply(self.generator_optimizer, self.generator, gradients_g)
        self.steps += 1
        return loss_d.item(), loss_g.item()

    def state(self):
        """Everything that training needs to go on: weights and the optimisers' moments.

        Returns:
            name -> float32 array in TensorFlow's layout; with `steps`, the whole state.
        """
        arrays = {}
        for player, network, optimizer in self._players():
            arrays |= {f"{player}/{name}": array for name, array in get_weights(network).items()}
            for name, (parameter, axes) in tensors(network).items():
                for moment in MOMENTS if parameter in optimizer.state else ():
                    array = optimizer.state[parameter][moment].permute(axes).cpu().numpy().copy()
                    arrays[f"{player}/{name}/{MOMENTS[moment]}"] = array
        return arrays

    def restore(self, arrays, steps):
        """Go on from where `state` was taken, after the given number of steps.

        Raises:
            ValueError: names or shapes do not fit these networks.
        """
        self.steps = steps
        for player, network, optimizer in self._players():
            mine = [name for name in arrays if name.startswith(player)]
            own = {name.removeprefix(f"{player}/"): arrays[name] for name in mine}
            is_moment = {k: k.endswith(tuple(MOMENTS.values())) for k in own}
            set_weights(network, {k: a for k, a in own.items() if not is_moment[k]})
            optimizer.state.clear()
            for name, (parameter, axes) in tensors(network).items():
                if not is_moment.get(f"{name}/m"):
                    continue  # a running average, or a run that has not begun
                slots = {"step": torch.tensor(float(steps))}
                for moment, short in MOMENTS.items():
                    slots[moment] = torch.empty_like(parameter)
                    slots[moment].permute(axes).copy_(torch.from_numpy(own[f"{name}/{short}"]))
                optimizer.state[parameter] = slots

    def _players(self):
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer

    def _masks(self, which, n):
        shapes, rate = Discriminator.mask_shapes, Discriminator.dropout
        return [
            self._tensor(dropout_mask(self.seed, f"dropout/{which}/{i}", self.steps, (n, *s), rate))
            for i, s in enumerate(shapes)
        ]

    def _tensor(self, array):
        return torch.from_numpy(array).to(self.device)


def _apply(optimizer, network, gradients):
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def generate(generator, z):
    """Draw pictures in evaluation mode, 256 at a time.

    Args:
        generator: a `Generator`; its mode is left as it was.
        z: latents, float32 (n, 100).

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1]; `avatarlib.to_uint8` makes pictures of them.
    """
    device, was_training = next(generator.parameters()).device, generator.training
    generator.eval()
    with torch.no_grad():
        chunks = [
            generator(torch.from_numpy(z[i : i + 256]).to(device)).cpu().numpy()
            for i in range(0, len(z), 256)
        ]
    generator.train(was_training)
    return np.concatenate(chunks)


def has_gpu():
    """Whether PyTorch sees a graphics processor that it can compute on."""
    return torch.cuda.is_available()
