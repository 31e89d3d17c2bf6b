"""AvatarNet: a network that names what it sees in an avatar, and whose features measure others."""

import numpy as np
import torch
from torch.nn import functional as F

from avatarlib.backends.torch.gan import Adam
from avatarlib.backends.torch.networks import Network
from avatarlib.core.pixels import to_float
from avatarlib.training.spec import TrainingConfig

RULES = TrainingConfig(beta1=0.9, beta2=0.999)  # of Adam; a classifier has no opponent


class AvatarNet(Network):
    """Pictures in; features and a logit for each value of each attribute out."""

    player = "classifier"

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        super().__init__(spec, seed, dtype, device)
        self.layers, self.head = self.layers[:-1], self.layers[-1]

    def forward(self, images, training=False):
        """Look at pictures.

        Args:
            images: (n, height, width, channels) in [-1, 1].
            training: as in `Network.forward`.

        Returns:
            (features (n, d), logits (n, number of all values)).
        """
        features = super().forward(images, training=training)
        logits = F.linear(features, self._kernel(self.head), self._get(self.head, "bias"))
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
        self.spec, self.steps = spec, 0
        self.network = AvatarNet(spec, seed, dtype, device)
        self.optimizer = Adam(self.network, RULES)

    def step(self, images, targets, rate):
        """Learn from one batch: minimise the cross-entropies of all attributes, summed.

        Args:
            images: uint8 (n, height, width, channels).
            targets: float32 (n, number of all values), for each attribute a 1 at its value.
            rate: Adam's learning rate.

        Returns:
            the loss, a float: natural logarithms, the mean over the batch.
        """
        like = next(self.network.parameters())
        _, logits = self.network(torch.from_numpy(to_float(images)).to(like), training=True)
        sizes = [len(values) for _, values in self.spec.conditions]
        targets = torch.from_numpy(targets).to(like).split(sizes, dim=1)
        loss = sum(
            F.cross_entropy(part, wanted)
            for part, wanted in zip(logits.split(sizes, dim=1), targets, strict=True)
        )
        self.steps += 1
        self.optimizer.prepare(rate, self.steps)
        self.optimizer.apply(torch.autograd.grad(loss, self.optimizer.parameters))
        return loss.item()

    def look(self, images):
        """Features and logits in evaluation mode, 512 pictures at a time.

        Args:
            images: uint8 (n, height, width, channels).

        Returns:
            (features float64 (n, d), logits float64 (n, number of all values)).
        """
        like = next(self.network.parameters())
        found = []
        with torch.no_grad():
            for start in range(0, len(images), 512):
                chunk = torch.from_numpy(to_float(images[start : start + 512])).to(like)
                found.append([part.cpu().numpy() for part in self.network(chunk)])
        return tuple(np.concatenate(part).astype(np.float64) for part in zip(*found, strict=True))
