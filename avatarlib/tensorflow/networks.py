"""The article's generator and discriminator in TensorFlow.

Tensors have TensorFlow's own layout (n, height, width, channels), outside and inside.
"""

import numpy as np
import tensorflow as tf
from keras import Model, layers

from avatarlib.training.initial import initial_weights

LATENT = 100
SLOPE = 0.3  # Keras' default for LeakyReLU, written out since PyTorch's is 0.01


class Generator(Model):
    """Noise in, pictures out: the article's generator (28x28, grey), 2.3 million weights.

    Args:
        seed: the initial weights are a function of it, the same as in the PyTorch twin.
    """

    def __init__(self, seed=0):
        super().__init__()
        self.dense = layers.Dense(7 * 7 * 256, use_bias=False)
        self.norm1 = BatchNorm()
        self.up1 = ConvTranspose(128, stride=1)
        self.norm2 = BatchNorm()
        self.up2 = ConvTranspose(64, stride=2)
        self.norm3 = BatchNorm()
        self.up3 = ConvTranspose(1, stride=2)
        self(tf.zeros((1, LATENT)))  # Keras makes the weights when the first tensor passes
        _initialise(self, seed, "generator")

    def call(self, z, training=False):
        """float32 (n, 100) -> float32 (n, 28, 28, 1) in [-1, 1].

        In training mode, batch normalisation uses the batch's own statistics; otherwise the
        running averages, and then a picture depends on its own noise alone.
        """
        h = tf.nn.leaky_relu(self.norm1(self.dense(z), training=training), SLOPE)
        h = tf.reshape(h, (-1, 7, 7, 256))
        h = tf.nn.leaky_relu(self.norm2(self.up1(h), training=training), SLOPE)
        h = tf.nn.leaky_relu(self.norm3(self.up2(h), training=training), SLOPE)
        return tf.tanh(self.up3(h))


class Discriminator(Model):
    """Pictures in, one logit each out: positive means "real". The article's, 0.2 million weights.

    Args:
        seed: the initial weights are a function of it, the same as in the PyTorch twin.
    """

    mask_shapes = ((14, 14, 64), (7, 7, 128))  # where dropout acts
    dropout = 0.3

    def __init__(self, seed=0):
        super().__init__()
        self.down1 = Conv(64, stride=2)
        self.down2 = Conv(128, stride=2)
        self.logit = layers.Dense(1)
        self(tf.zeros((1, 28, 28, 1)))
        _initialise(self, seed, "discriminator")

    def call(self, images, masks=None):
        """float32 (n, 28, 28, 1) in [-1, 1] -> logits float32 (n, 1).

        Args:
            images: the pictures to judge.
            masks: two dropout masks float32 (n, *mask_shapes[i]), 0 where a value is dropped and
                1 / 0.7 elsewhere; None judges without dropout.
        """
        masks = [1.0, 1.0] if masks is None else masks
        h = tf.nn.leaky_relu(self.down1(images), SLOPE) * masks[0]
        h = tf.nn.leaky_relu(self.down2(h), SLOPE) * masks[1]
        return self.logit(tf.reshape(h, (-1, 7 * 7 * 128)))


# ------------------------------------------------------------ the three layers, with the settings


def Conv(channels_out, stride):
    """5x5 convolution with padding="same": (n, s, s, c) -> (n, s / stride, s / stride, out)."""
    return layers.Conv2D(channels_out, 5, stride, padding="same")


def ConvTranspose(channels_out, stride):
    """5x5 transposed convolution, without bias, padding="same": the size grows by the stride."""
    return layers.Conv2DTranspose(channels_out, 5, stride, padding="same", use_bias=False)


def BatchNorm():
    """Batch normalisation over all axes but the channels, with Keras' settings written out."""
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3)


# ----------------------------------------------------------------- weights in and out, as arrays


def get_weights(network):
    """All weights and running averages: "layer/name" -> float32 array in TensorFlow's layout."""
    return {name: variable.numpy() for name, variable in variables(network).items()}


def set_weights(network, weights):
    """Copy arrays, named and laid out as `get_weights` gives them, into the network.

    Raises:
        ValueError: a name is missing or unknown, or a shape does not fit.
    """
    own = variables(network)
    if own.keys() != weights.keys():
        raise ValueError(f"The weights differ in {sorted(own.keys() ^ weights.keys())}.")
    for name, variable in own.items():
        if tuple(variable.shape) != weights[name].shape:
            raise ValueError(f"{name} is {tuple(variable.shape)}, not {weights[name].shape}.")
        variable.assign(weights[name].astype(np.float32))


def variables(network):
    """Our name -> Keras' variable."""
    keras_names = {"moving_mean": "mean", "moving_variance": "variance"}
    return {
        f"{attribute}/{keras_names.get(variable.name, variable.name)}": variable
        for attribute, layer in vars(network).items()
        if isinstance(layer, layers.Layer)
        for variable in layer.weights
    }


def _initialise(network, seed, name):
    shapes = {key: array.shape for key, array in get_weights(network).items()}
    set_weights(network, initial_weights(shapes, seed, name))
