"""AvatarNet, the course's judge: it learns from labelled avatars and measures generated ones."""

import math
from dataclasses import dataclass

import numpy as np

from avatarlib.arrays import load_arrays
from avatarlib.backends import backend, pretrained_file
from avatarlib.data.conditions import conditions, one_hot
from avatarlib.errors import InputError
from avatarlib.metrics import confusion, frechet_distance, frechet_floor, shares
from avatarlib.randomness import generator
from avatarlib.training import layers as L
from avatarlib.training.spec import JudgeSpec

WIDTHS = {28: (32, 64, 128), 32: (32, 64, 128), 64: (16, 32, 64, 128)}
FEATURES = 128
BATCH, RATE = 128, 2e-3
VALIDATION_SEED, HELD_OUT_SEED = 2, 3  # data seeds: for choosing, and for reporting once


def judge_spec(avatars, attributes):
    """AvatarNet for a set: convolutions that halve the picture, 128 features, a logit a value.

    Args:
        avatars: an AvatarSet of 28, 32 or 64 pixels.
        attributes: names of its attributes.

    Returns:
        a `JudgeSpec`.

    Raises:
        InputError: another size, or the set has no such attribute.
    """
    values = conditions(avatars, attributes)
    _, size, width, channels = avatars.images.shape
    if size not in WIDTHS or size != width:
        raise InputError(f"A judge looks at 28, 32 or 64 pixels square, not at {size} x {width}.")
    body = []
    for i, width in enumerate(WIDTHS[size], start=1):
        norm = L.BatchNorm(f"norm{i}", momentum=0.9, epsilon=1e-5)
        body += [L.Conv(f"down{i}", width, 4, 2, bias=False), norm, L.LeakyReLU(0.1)]
    logits = sum(len(of) for _, of in values)
    body += [L.Flatten(), L.Dense("features", FEATURES), L.LeakyReLU(0.1)]
    return JudgeSpec((size, size, channels), values, (*body, L.Dense("logits", logits)))


def train_judge(avatars, attributes, *, steps=1500, seed=0, framework=None):
    """Train an AvatarNet to name the attributes of labelled avatars.

    Adam with a rate that falls from 2e-3 to 0 along half a cosine; batches of 128.

    Args:
        avatars: an AvatarSet with the attributes.
        attributes: their names.
        steps: how many batches.
        seed: of weights and order.
        framework: "torch" or "tensorflow"; by default as in `avatarlib.backend`.

    Returns:
        a `Judge`: `look(pictures)` gives features and logits.

    Raises:
        InputError: as `judge_spec`.
    """
    judge = backend(framework).Judge(judge_spec(avatars, attributes), seed)
    targets = one_hot(avatars, judge.spec.conditions)
    for step in range(steps):
        rows = generator(seed, "judge", step).integers(0, len(avatars), BATCH)
        rate = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        judge.step(avatars.images[rows], targets[rows], rate)
    return judge


def load(name, framework=None):
    """A judge that was trained beforehand.

    Args:
        name: "big-smile-32"; "big-smile-32-second", the same from another seed; "adventurer-64".
        framework: "torch" or "tensorflow"; by default as in `avatarlib.backend`.

    Returns:
        a `Judge`, ready to look at pictures.

    Raises:
        InputError: there is no such judge.
    """
    weights, header = load_arrays(pretrained_file(name, ".safetensors", "judges"))
    twin = backend(framework)
    judge = twin.Judge(JudgeSpec.from_json(header["spec"]))
    twin.set_weights(judge.network, weights)
    return judge


@dataclass(frozen=True)
class Score:
    """What a judge says about a set of drawings.

    Attributes:
        distance: the Fréchet distance of its features to those of real avatars; less is better.
        floor: about what as many real avatars would score (`frechet_floor`).
        coverage: attribute -> {value: how often drawn / how often in the real avatars}, corrected
            for the judge's errors; 1 is as often, 0 never.
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


class Scale:
    """Scores drawings with a judge, against real avatars that no generator has seen.

    Args:
        judge: a `Judge`.
        real: an AvatarSet with the attributes that the judge names.
    """

    def __init__(self, judge, real):
        self.judge = judge
        self.features, logits = judge.look(real.images)
        known = judge.spec.conditions
        seen, true = named(logits, known), named(one_hot(real, known), known)
        self._real, self._errors = {}, {}
        for name, values in known:
            self._real[name] = np.bincount(true[name], minlength=len(values)) / len(real)
            self._errors[name] = confusion(true[name], seen[name], len(values))

    def __call__(self, pictures):
        """The `Score` of pictures, uint8 (n, height, width, channels)."""
        features, logits = self.judge.look(pictures)
        seen, coverage = named(logits, self.judge.spec.conditions), {}
        for name, values in self.judge.spec.conditions:
            ratios = shares(seen[name], self._errors[name]) / self._real[name]
            coverage[name] = dict(zip(values, ratios.tolist(), strict=True))
        return Score(
            frechet_distance(self.features, features),
            frechet_floor(self.features, len(self.features), len(features)),
            coverage,
        )


def named(logits, conditions):
    """Of logits, or of zeros and ones: attribute -> number of the largest value, int (n,)."""
    ends = np.cumsum([len(values) for _, values in conditions])
    parts = np.split(logits, ends[:-1], axis=1)
    return {name: part.argmax(axis=1) for (name, _), part in zip(conditions, parts, strict=True)}
