"""Put a trained network among the pretrained ones: python tools/publish.py big-smile-32

Takes what `python -m avatarlib train recipes/NAME.toml` left in runs/NAME. Of the generators kept
through the run, the one with the best score on validation avatars is published, and scored once
more on held-out avatars by a classifier of another seed, where there is one. Beside the weights go
a card (recipe, seed, data, scores, the first 20 losses in double precision), a grid of samples,
and for runs that the book compares all kept generators, in eight bits.
"""

import json
import sys
from pathlib import Path

import numpy as np
from keeping import first_losses, keep_generator

import avatarlib as al
from avatarlib.backends import backend
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.files import atomic_write
from avatarlib.data.conditions import one_hot
from avatarlib.evaluation.classifier import HELD_OUT_SEED, VALIDATION_SEED, Scorer, load
from avatarlib.training.recipes import load_recipe
from avatarlib.training.spec import Spec

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "avatarlib" / "zoo" / "pretrained"
LATENT_SEED = 11
COUNT = 5000
CLASSIFIERS = {  # the classifier that chooses, and the classifier that reports
    "big-smile": ("big-smile-32", "big-smile-32-second"),
    "adventurer": ("adventurer-64", "adventurer-64"),
}
COMPARED = ("big-smile-32",)  # runs that the book scores through their training
BITS = 8  # of the weights of generators that are kept only to be scored


def main(name):
    """Score, choose and write."""
    run = ROOT / "runs" / name
    recipe_file = ROOT / "recipes" / f"{name}.toml"
    recipe = load_recipe(recipe_file)
    chooser, reporter = (load(classifier) for classifier in CLASSIFIERS[recipe.style])
    validation, held_out = (
        al.data.render(recipe.style, COUNT, recipe.size, seed)
        for seed in (VALIDATION_SEED, HELD_OUT_SEED)
    )
    choose, report = Scorer(chooser, validation), Scorer(reporter, held_out)
    kept = sorted(run.glob("generator-*.safetensors"))
    scores = {path: choose(drawings(path, validation)) for path in kept}
    for path, score in scores.items():
        print(path.name, score)
        if name in COMPARED:
            weights, header = load_arrays(path)
            spec = Spec.from_json(header["spec"])
            keep_generator(name, spec, weights, header["steps"], BITS)
    best = min(scores, key=lambda path: scores[path].distance)
    final = report(drawings(best, held_out))
    print("held out:", final)
    _, header = load_arrays(best)
    card = {
        "recipe": recipe_file.read_text(encoding="utf-8"),
        "spec": header["spec"],
        "seed": header["seed"],
        "steps": header["steps"],
        "data": header["data"],
        "shares": header["shares"],
        "minutes": round(header["seconds"] / 60),
        "validation": {path.stem: round(score.distance, 2) for path, score in scores.items()},
        "held_out": {
            "distance": round(final.distance, 2),
            "real_avatars": round(final.floor, 2),
            "rarest": list(final.rarest),
        },
        "first_losses": first_losses(recipe).tolist(),
        "licence": validation.licence,
        "credit": validation.credit,
        "versions": header["versions"] | validation.options["versions"],
    }
    halve(best, TARGET / f"{name}.safetensors", card)
    with atomic_write(TARGET / f"{name}.json") as file:
        file.write(json.dumps(card, indent=2, ensure_ascii=False).encode() + b"\n")
    with atomic_write(TARGET / f"{name}.png") as file:
        al.show.image_grid(al.sample(name, 64), columns=8, zoom=2).save(file, "PNG", optimize=True)


def drawings(path, like):
    """5,000 drawings of a kept generator, asked for the attributes of the given avatars."""
    network = al.load_network(path)
    z = al.noise(LATENT_SEED, "latent", 0, (len(like), network.spec.latent))
    condition = one_hot(like, network.spec.conditions) if network.spec.conditions else None
    return al.to_uint8(backend().generate(network, z, condition))


def halve(source, target, card):
    """Copy a network with its weights in half precision."""
    arrays, _ = load_arrays(source)
    save_arrays(target, {name: array.astype(np.float16) for name, array in arrays.items()}, card)


if __name__ == "__main__":
    main(sys.argv[1])
