"""AvatarNet, the course's judge: trained on labelled avatars, it measures generated ones.

judge = al.judges.load("big-smile-32")
features, logits = judge.look(pictures)
"""

import math

from avatarlib.backends import backend
from avatarlib.data.conditions import conditions, one_hot
from avatarlib.randomness import generator
from avatarlib.training import layers as L
from avatarlib.training.spec import JudgeSpec

WIDTHS = {28: (32, 64, 128), 32: (32, 64, 128), 64: (16, 32, 64, 128)}
FEATURES = 128
BATCH, RATE = 128, 2e-3


def judge_spec(avatars, attributes):
    """AvatarNet for a set: convolutions that halve the picture, 128 features, a logit a value."""
    named = conditions(avatars, attributes)
    _, size, _, channels = avatars.images.shape
    body = []
    for i, width in enumerate(WIDTHS[size], start=1):
        norm = L.BatchNorm(f"norm{i}", momentum=0.9, epsilon=1e-5)
        body += [L.Conv(f"down{i}", width, 4, 2, bias=False), norm, L.LeakyReLU(0.1)]
    values = sum(len(of) for _, of in named)
    body += [L.Flatten(), L.Dense("features", FEATURES), L.LeakyReLU(0.1)]
    return JudgeSpec((size, size, channels), named, (*body, L.Dense("logits", values)))


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
    """
    judge = backend(framework).Judge(judge_spec(avatars, attributes), seed)
    targets = one_hot(avatars, judge.spec.conditions)
    for step in range(steps):
        rows = generator(seed, "judge", step).integers(0, len(avatars), BATCH)
        rate = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        judge.step(avatars.images[rows], targets[rows], rate)
    return judge
