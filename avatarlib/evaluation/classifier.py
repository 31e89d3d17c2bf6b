"""AvatarNet, the course's classifier: learns from labelled avatars, measures generated ones."""

import math
from dataclasses import dataclass

from avatarlib import backends
from avatarlib.core.arrays import load_arrays
from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.data.conditions import by_attribute, conditions, one_hot
from avatarlib.metrics import confusion, frechet_distance, frechet_floor, relative_shares
from avatarlib.training import layers as L
from avatarlib.training.spec import ClassifierSpec
from avatarlib.zoo import pretrained_file

WIDTHS = {28: (32, 64, 128), 32: (32, 64, 128), 64: (16, 32, 64, 128)}
FEATURES = 128
BATCH, RATE = 128, 2e-3
VALIDATION_SEED, HELD_OUT_SEED = 2, 3  # data seeds: for choosing, and for reporting once


def classifier_spec(avatars, attributes):
    """AvatarNet for a set: convolutions that halve the picture, 128 features, a logit a value.

    Args:
        avatars: an AvatarSet of 28, 32 or 64 pixels.
        attributes: names of its attributes.

    Returns:
        a `ClassifierSpec`.

    Raises:
        InputError: another size, or the set has no such attribute.
    """
    values = conditions(avatars, attributes)
    _, size, width, channels = avatars.images.shape
    if size not in WIDTHS or size != width:
        raise InputError(
            f"A classifier looks at 28, 32 or 64 pixels square, not at {size} x {width}."
        )
    body = []
    for i, width in enumerate(WIDTHS[size], start=1):
        norm = L.BatchNorm(f"norm{i}", momentum=0.9, epsilon=1e-5)
        body += [L.Conv(f"down{i}", width, 4, 2, bias=False), norm, L.LeakyReLU(0.1)]
    logits = sum(len(of) for _, of in values)
    body += [L.Flatten(), L.Dense("features", FEATURES), L.LeakyReLU(0.1)]
    return ClassifierSpec((size, size, channels), values, (*body, L.Dense("logits", logits)))


def train_classifier(avatars, attributes, *, steps=1500, seed=0, backend=None):
    """Train an AvatarNet to name the attributes of labelled avatars.

    Adam with a rate that falls from 2e-3 to 0 along half a cosine; batches of 128.

    Args:
        avatars: an AvatarSet with the attributes.
        attributes: their names.
        steps: how many batches.
        seed: of weights and order.
        backend: "torch" or "tensorflow"; by default as in `avatarlib.backend`.

    Returns:
        a `Classifier`: `look(pictures)` gives features and logits.

    Raises:
        InputError: as `classifier_spec`.
    """
    classifier = backends.backend(backend).Classifier(classifier_spec(avatars, attributes), seed)
    targets = one_hot(avatars, classifier.spec.conditions)
    for step in range(steps):
        rows = generator(seed, "judge", step).integers(0, len(avatars), BATCH)
        rate = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        classifier.step(avatars.images[rows], targets[rows], rate)
    return classifier


def load(name, backend=None):
    """A classifier that was trained beforehand.

    Args:
        name: "big-smile-32"; "big-smile-32-second", the same from another seed; "adventurer-64".
        backend: "torch" or "tensorflow"; by default as in `avatarlib.backend`.

    Returns:
        a `Classifier`, ready to look at pictures.

    Raises:
        InputError: there is no such classifier.
    """
    weights, header = load_arrays(pretrained_file(name, ".safetensors", "classifiers"))
    twin = backends.backend(backend)
    classifier = twin.Classifier(ClassifierSpec.from_json(header["spec"]))
    twin.set_weights(classifier.network, weights)
    return classifier


@dataclass(frozen=True)
class Score:
    """What a classifier says about a set of drawings.

    Attributes:
        distance: the Fréchet distance of its features to those of real avatars; less is better.
        floor: about what as many real avatars would score (`frechet_floor`).
        coverage: attribute -> {value: how often drawn / how often in the real avatars}, corrected
            for the classifier's errors; 1 is as often, 0 never.
    """

    distance: float
    floor: float
    coverage: dict[str, dict[str, float]]

    @property
    def rarest(self):
        """The value that is drawn least: (attribute, value, ratio)."""
        every = ((a, v, ratio) for a, of in self.coverage.items() for v, ratio in of.items())
        return min(every, key=lambda found: found[2])

    def __str__(self):
        attribute, value, ratio = self.rarest
        return (
            f"distance {self.distance:.1f} (real avatars: about {self.floor:.1f}); "
            f"drawn least: {attribute} {value}, {ratio:.2f} times as often as in the data"
        )


class Scorer:
    """Scores drawings with a classifier, against real avatars that no generator has seen.

    Args:
        classifier: a `Classifier`.
        real: an AvatarSet with the attributes that the classifier names.
    """

    def __init__(self, classifier, real):
        self.classifier = classifier
        self.features, logits = classifier.look(real.images)
        known = classifier.spec.conditions
        seen, self._real = named(logits, known), named(one_hot(real, known), known)
        self._errors = {
            name: confusion(self._real[name], seen[name], len(values)) for name, values in known
        }

    def __call__(self, pictures):
        """The `Score` of pictures, uint8 (n, height, width, channels)."""
        features, logits = self.classifier.look(pictures)
        seen, coverage = named(logits, self.classifier.spec.conditions), {}
        for name, values in self.classifier.spec.conditions:
            ratios = relative_shares(seen[name], self._real[name], self._errors[name])
            coverage[name] = dict(zip(values, ratios.tolist(), strict=True))
        return Score(
            frechet_distance(self.features, features),
            frechet_floor(self.features, len(self.features), len(features)),
            coverage,
        )


def named(logits, conditions):
    """Of logits, or of zeros and ones: attribute -> number of the largest value, int (n,)."""
    parts = zip(conditions, by_attribute(logits, conditions), strict=True)
    return {name: part.argmax(axis=1) for (name, _), part in parts}
