"""Train the judges of avatarlib/pretrained/judges: AvatarNet on labelled avatars.

    python tools/train_judges.py

Two minutes each on two cores. A judge has its own avatars: no generator learns from data seed 101.
"""

from pathlib import Path

import numpy as np

from avatarlib.arrays import save_arrays
from avatarlib.backends import backend
from avatarlib.data import render
from avatarlib.data.conditions import one_hot
from avatarlib.judges import named, train_judge

BIG_SMILE = ("skin_colour", "hair", "hair_colour", "eyes", "mouth", "accessories")
ADVENTURER = ("skin_colour", "hair", "hair_colour", "eyes", "eyebrows", "mouth", "glasses")
ADVENTURER += ("details", "earrings")
JUDGES = {
    "big-smile-32": ("big-smile", 32, BIG_SMILE, 0),
    "big-smile-32-second": ("big-smile", 32, BIG_SMILE, 1),
    "adventurer-64": ("adventurer", 64, ADVENTURER, 0),
}
COUNT, DATA_SEED, TEST_SEED, STEPS = 20_000, 101, 102, 3000
TARGET = Path(__file__).parents[1] / "avatarlib" / "pretrained" / "judges"


def main():
    """Train each judge that is not there yet, and write it in half precision with its accuracy."""
    for name, (style, size, attributes, seed) in JUDGES.items():
        target = TARGET / f"{name}.safetensors"
        if target.exists():
            continue
        avatars = render(style, COUNT, size, DATA_SEED)
        judge = train_judge(avatars, attributes, steps=STEPS, seed=seed)
        accuracy = right(judge, render(style, 5000, size, TEST_SEED))
        print(name, accuracy)
        weights = backend().get_weights(judge.network)
        header = {
            "spec": judge.spec.to_json(),
            "data": {"style": style, "count": COUNT, "size": size, "seed": DATA_SEED},
            "steps": STEPS,
            "seed": seed,
            "accuracy": accuracy,
            "licence": avatars.licence,
            "credit": avatars.credit,
        }
        halves = {name: array.astype(np.float16) for name, array in weights.items()}
        save_arrays(target, halves, header)


def right(judge, avatars):
    """How often the judge is right on avatars that it has not learned from: attribute -> share."""
    _, logits = judge.look(avatars.images)
    known = judge.spec.conditions
    seen, true = named(logits, known), named(one_hot(avatars, known), known)
    return {name: round(float((seen[name] == true[name]).mean()), 4) for name in seen}


if __name__ == "__main__":
    main()
