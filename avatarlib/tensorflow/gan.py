"""Two networks and one training step, in TensorFlow."""

import keras
import numpy as np
import tensorflow as tf

from avatarlib.randomness import dropout_mask
from avatarlib.tensorflow.losses import discriminator_loss, generator_loss
from avatarlib.tensorflow.networks import (
    Discriminator,
    Generator,
    get_weights,
    set_weights,
    variables,
)
from avatarlib.training.pixels import to_float

# Keras' defaults, which the article's listing uses, written out.
ADAM = {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


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
        self.generator = Generator(seed)
        self.discriminator = Discriminator(seed)
        self.generator_optimizer = keras.optimizers.Adam(**ADAM)
        self.discriminator_optimizer = keras.optimizers.Adam(**ADAM)
        for _, network, optimizer in self._players():
            optimizer.build(network.trainable_variables)
        self._compiled_step = tf.function(self._step)  # traced once for each batch size

    def step(self, images, z):
        """Steps 2 to 6 of the article's training, as its listing does them.

        Both gradients are taken at the same, old parameters; then both players move.

        Args:
            images: real avatars, uint8 (n, 28, 28, 1).
            z: latents, float32 (n, 100).

        Returns:
            (discriminator's loss, generator's loss), two floats.
        """
        masks = self._masks("real", len(images)), self._masks("fake", len(images))
        loss_d, loss_g = self._compiled_step(tf.constant(to_float(images)), tf.constant(z), *masks)
        self.steps += 1
        return float(loss_d), float(loss_g)

    def _step(self, real, z, real_masks, fake_masks):
        with tf.GradientTape() as tape_g, tf.GradientTape() as tape_d:
            fake = self.generator(z, training=True)

            real_logits = self.discriminator(real, real_masks)
            fake_logits = self.discriminator(fake, fake_masks)
            loss_d = discriminator_loss(real_logits, fake_logits)
            loss_g = generator_loss(fake_logits)

        gradients_g = tape_g.gradient(loss_g, self.generator.trainable_variables)
        gradients_d = tape_d.gradient(loss_d, self.discriminator.trainable_variables)
        self.discriminator_optimizer.apply(gradients_d)
        self.generator_optimizer.apply(gradients_g)
        return loss_d, loss_g

    def state(self):
        """Everything that training needs to go on: weights and the optimisers' moments.

        Returns:
            name -> float32 array in TensorFlow's layout; with `steps`, the whole state.
        """
        arrays = {}
        for player, network, optimizer in self._players():
            arrays |= {f"{player}/{name}": array for name, array in get_weights(network).items()}
            for name, slot in _moments(network, optimizer).items():
                arrays[f"{player}/{name}"] = slot.numpy()
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
            set_weights(network, {k: a for k, a in own.items() if not k.endswith(("/m", "/v"))})
            optimizer.iterations.assign(steps)
            for name, slot in _moments(network, optimizer).items():
                slot.assign(own[name] if name in own else tf.zeros_like(slot))

    def _players(self):
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer

    def _masks(self, which, n):
        shapes, rate = Discriminator.mask_shapes, Discriminator.dropout
        return [
            tf.constant(dropout_mask(self.seed, f"dropout/{which}/{i}", self.steps, (n, *s), rate))
            for i, s in enumerate(shapes)
        ]


def _moments(network, optimizer):
    """Adam's two running averages: "layer/name/m" and "layer/name/v" -> Keras' variable."""
    slots = optimizer.variables[2:]  # behind the step count and the learning rate: m, v, m, v, …
    names = {id(variable): name for name, variable in variables(network).items()}
    moments = {}
    for i, variable in enumerate(network.trainable_variables):
        moments[f"{names[id(variable)]}/m"] = slots[2 * i]
        moments[f"{names[id(variable)]}/v"] = slots[2 * i + 1]
    return moments


def generate(generator, z):
    """Draw pictures in evaluation mode, 256 at a time.

    Args:
        generator: a `Generator`.
        z: latents, float32 (n, 100).

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1]; `avatarlib.to_uint8` makes pictures of them.
    """
    chunks = [generator(z[i : i + 256], training=False).numpy() for i in range(0, len(z), 256)]
    return np.concatenate(chunks)


def has_gpu():
    """Whether TensorFlow sees a graphics processor that it can compute on."""
    return bool(tf.config.list_physical_devices("GPU"))
