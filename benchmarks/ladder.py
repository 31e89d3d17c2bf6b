"""From the article's network to the recommended one in nine steps, and back again.

    python benchmarks/ladder.py    # about an hour on two cores; finished runs are kept

Colour avatars at 32 pixels. Every run sees 100,000 pictures, in PyTorch on one thread, as many
runs at a time as there are cores. Each is scored on validation avatars. `climb`, with two seeds,
begins with the article's network, exchanges it for a lighter one and then adds one change after
the other; `descent` takes one away from the recommended network. What comes out is shipped with
the library: `al.measured("ladder")`.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scoring import row, scale
from side_by_side import train_all

import avatarlib as al
from avatarlib.evaluation import classifier
from avatarlib.training.layers import BatchNorm, Conv, ConvTranspose, ToRGB

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from keeping import keep_measured

PICTURES = 100_000
RECOMMENDED = al.presets.small()
GAME = RECOMMENDED.config


def rules(spec, **changes):
    """A spec with other rules of the game."""
    return replace(spec, config=replace(spec.config, **changes))


def unpainted(spec):
    """The generator paints at full size only, as plain generators do."""
    *earlier, last = (layer for layer in spec.generator if isinstance(layer, ToRGB))
    kept = tuple(layer for layer in spec.generator if layer not in earlier)
    return replace(spec, generator=kept)


def with_kernel(spec, kernel):
    """All convolutions that change the size get another kernel."""

    def changed(layers):
        return tuple(
            replace(layer, kernel=kernel) if isinstance(layer, (Conv, ConvTranspose)) else layer
            for layer in layers
        )

    players = changed(spec.generator), changed(spec.discriminator)
    return replace(spec, generator=players[0], discriminator=players[1])


def unnormalised(spec):
    """The generator without batch normalisation."""
    kept = tuple(layer for layer in spec.generator if not isinstance(layer, BatchNorm))
    return replace(spec, generator=kept)


def climb():
    """The rungs, each with all changes of those before it: name -> Spec."""
    article = al.presets.article(32, 3)
    rungs = {"article": article}
    spec = rungs["lighter"] = replace(unpainted(RECOMMENDED), config=article.config)
    changes = {
        "alternating": {"update_order": "alternating"},
        "pairs": {"loss": "relativistic"},
        "penalties": {"r1": GAME.r1, "r2": GAME.r2},
        "memory": {"beta1": GAME.beta1, "beta2": GAME.beta2, "epsilon": GAME.epsilon},
        "bold": {"lr_d": GAME.lr_d, "lr_g": GAME.lr_g},
        "falling": {"final_lr_fraction": GAME.final_lr_fraction},
        "averaged": {"ema_half_life": GAME.ema_half_life},
    }
    for name, change in changes.items():
        spec = rungs[name] = rules(spec, **change)
    painting = replace(spec, generator=RECOMMENDED.generator)
    assert painting == RECOMMENDED, "the climb must end at the recommended network"
    return rungs | {"painting": painting}


def descent():
    """The recommended network without one of its parts: name -> Spec."""
    return {
        "non-saturating loss": rules(RECOMMENDED, loss="non-saturating"),
        "no penalties": rules(RECOMMENDED, r1=0.0, r2=0.0),
        "penalties of 0.5, not 3": rules(RECOMMENDED, r1=0.5, r2=0.5),
        "beta1 0.9, beta2 0.999": rules(RECOMMENDED, beta1=0.9, beta2=0.999),
        "rates of 0.0002": rules(RECOMMENDED, lr_d=2e-4, lr_g=2e-4),
        "rates that do not fall": rules(RECOMMENDED, final_lr_fraction=1.0),
        "no average": rules(RECOMMENDED, ema_half_life=0),
        "both move at once": rules(RECOMMENDED, update_order="simultaneous"),
        "kernel 5": with_kernel(RECOMMENDED, 5),
        "no batch normalisation": unnormalised(RECOMMENDED),
        "batches of 128": rules(RECOMMENDED, batch=128),
    }


def main():
    """Train what is missing, score everything, keep the record and print the table."""
    plan = [("climb", name, spec, seed) for seed in (0, 1) for name, spec in climb().items()]
    plan += [("descent", name, spec, 0) for name, spec in descent().items()]
    runs = {f"{part} {name} {seed}": (spec, seed) for part, name, spec, seed in plan}
    found = train_all(Path("_build/ladder"), runs, PICTURES)
    score_of, rows = scale("big-smile-32", classifier.VALIDATION_SEED), []
    for (part, name, _, seed), (run, of) in zip(plan, found.items(), strict=True):
        score, seconds = score_of(of["images"]), round(float(of["seconds"]))
        rows.append({"part": part, "name": name, "seed": seed, "seconds": seconds} | row(score))
        print(f"{run:<34} {seconds:5} s  {score}")
    shown = np.stack([of["shown"] for of in found.values()])
    keep_measured("ladder", "python benchmarks/ladder.py", rows, drawings=shown)


if __name__ == "__main__":
    main()
