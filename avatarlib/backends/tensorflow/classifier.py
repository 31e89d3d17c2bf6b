"""AvatarNet: a network that names what it sees in an avatar, and whose features measure others."""

import numpy as np
import tensorflow as tf

from avatarlib.backends.tensorflow.gan import Adam
from avatarlib.backends.tensorflow.networks import Network, linear
from avatarlib.core.pixels import to_float
from avatarlib.training.spec import TrainingConfig

RULES = TrainingConfig(beta1=0.9, beta2=0.999)  # of Adam; a classifier has no opponent


class AvatarNet(Network):
    """Pictures in; features and a logit for each value of each attribute out."""

    player = "classifier"

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        super().__init__(spec, seed, dtype, device)
        self.layers, self.head = self.layers[:-1], self.layers[-1]

    def __call__(self, images, training=False):
        """Look at pictures.

        Args:
            images: (n, height, width, channels) in [-1, 1].
            training: as in `Network.__call__`.

        Returns:
            (features (n, d), logits (n, number of all values)).
        """
        features = super().__call__(images, training=training)
        logits = linear(features, self._kernel(self.head), self._get(self.head, "bias"))
        return features, logits


class Classifier:
    """AvatarNet with its optimiser.

    Args:
        spec: a `ClassifierSpec`.
        seed: the first weights are a function of it.
        dtype: "float32", or "float64" for proofs.
        device: as in `find_device`.

    Attributes:
        network: the `AvatarNet`.
    """

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        self.spec, self.dtype, self.steps = spec, dtype, 0
        self.network = AvatarNet(spec, seed, dtype, device)
        with tf.device(self.network.device):
            self.optimizer = Adam(self.network, RULES)
        self._compiled_learn = tf.function(self._learn, autograph=False)

    def step(self, images, targets, rate):
        """Learn from one batch: minimise the cross-entropies of all attributes, summed.

        Args:
            images: uint8 (n, height, width, channels).
            targets: float32 (n, number of all values), for each attribute a 1 at its value.
            rate: Adam's learning rate.

        Returns:
            the loss, a float: natural logarithms, the mean over the batch.
        """
        self.steps += 1
        with tf.device(self.network.device):
            self.optimizer.prepare(rate, self.steps)
            arrays = (to_float(images), targets)
            inputs = (tf.constant(array.astype(self.dtype)) for array in arrays)
            return self._compiled_learn(*inputs).numpy().item()

    def _learn(self, images, targets):
        with tf.GradientTape() as tape:
            _, logits = self.network(images, training=True)
            sizes = [len(values) for _, values in self.spec.conditions]
            parts = zip(tf.split(targets, sizes, 1), tf.split(logits, sizes, 1), strict=True)
            loss = sum(
                tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, part))
                for wanted, part in parts
            )
        self.optimizer.apply(tape.gradient(loss, self.optimizer.parameters))
        return loss

    def look(self, images):
        """Features and logits in evaluation mode, 512 pictures at a time.

        Args:
            images: uint8 (n, height, width, channels).

        Returns:
            (features float64 (n, d), logits float64 (n, number of all values)).
        """
        found = []
        with tf.device(self.network.device):
            for start in range(0, len(images), 512):
                chunk = tf.constant(to_float(images[start : start + 512]).astype(self.dtype))
                found.append([part.numpy() for part in self.network(chunk)])
        return tuple(np.concatenate(part).astype(np.float64) for part in zip(*found, strict=True))
