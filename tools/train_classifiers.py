"""Train the classifiers of avatarlib/zoo/pretrained/classifiers: AvatarNet on labelled avatars.

    python tools/train_classifiers.py

Two minutes each on two cores. A classifier has avatars of its own: no generator learns from
data seed 101.
"""

from pathlib import Path

import numpy as np

from avatarlib.backends import backend
from avatarlib.core.arrays import save_arrays
from avatarlib.data import render
from avatarlib.data.conditions import one_hot
from avatarlib.evaluation.classifier import named, train_classifier

BIG_SMILE = ("skin_colour", "hair", "hair_colour", "eyes", "mouth", "accessories")
ADVENTURER = ("skin_colour", "hair", "hair_colour", "eyes", "eyebrows", "mouth", "glasses")
ADVENTURER += ("details", "earrings")
CLASSIFIERS = {
    "big-smile-32": ("big-smile", 32, BIG_SMILE, 0),
    "big-smile-32-second": ("big-smile", 32, BIG_SMILE, 1),
    "adventurer-64": ("adventurer", 64, ADVENTURER, 0),
}
COUNT, DATA_SEED, TEST_SEED, STEPS = 20_000, 101, 102, 3000
TARGET = Path(__file__).parents[1] / "avatarlib" / "zoo" / "pretrained" / "classifiers"


def main():
    """Train each that is not there yet, and write it in half precision with its accuracy."""
    for name, (style, size, attributes, seed) in CLASSIFIERS.items():
        target = TARGET / f"{name}.safetensors"
        if target.exists():
            continue
        avatars = render(style, COUNT, size, DATA_SEED)
        classifier = train_classifier(avatars, attributes, steps=STEPS, seed=seed)
        accuracy = right(classifier, render(style, 5000, size, TEST_SEED))
        print(name, accuracy)
        weights = backend().get_weights(classifier.network)
        header = {
            "spec": classifier.spec.to_json(),
            "data": {"style": style, "count": COUNT, "size": size, "seed": DATA_SEED},
            "steps": STEPS,
            "seed": seed,
            "accuracy": accuracy,
            "licence": avatars.licence,
            "credit": avatars.credit,
        }
        halves = {name: array.astype(np.float16) for name, array in weights.items()}
        save_arrays(target, halves, header)


def right(classifier, avatars):
    """How often it is right on avatars that it has not learned from: attribute -> share."""
    _, logits = classifier.look(avatars.images)
    known = classifier.spec.conditions
    seen, true = named(logits, known), named(one_hot(avatars, known), known)
    return {name: round(float((seen[name] == true[name]).mean()), 4) for name in seen}


if __name__ == "__main__":
    main()
