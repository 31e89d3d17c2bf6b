"""Train the pretrained network `grey-28`: the article's DCGAN for its 100 epochs.

    python tools/train_grey_28.py

On two cores it takes one to two hours; stopped and called again, it goes on where it was. The
result goes to avatarlib/zoo/pretrained/.

The file there was made before dropout masks were drawn from 16-bit numbers: a new run ends in
another network, as good.
"""

import json
from pathlib import Path

import numpy as np

import avatarlib as al
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.files import atomic_write, write_text
from avatarlib.training import presets

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "avatarlib" / "zoo" / "pretrained"
RECIPE = {
    "network": "the article's DCGAN, 28x28x1",
    "data": {"style": "big-smile", "count": 10_000, "size": 28, "seed": 0, "colour": "grey"},
    "epochs": 100,
    "batch": 64,
    "optimizer": "Adam, rate 1e-4, beta1 0.9, beta2 0.999, eps 1e-7, both players",
    "seed": 0,
}
SHOWN_EPOCHS = (0, 1, 2, 5, 10, 20, 35, 50, 75, 100)


def main(recipe=RECIPE, run=ROOT / "runs" / "grey-28", target=TARGET):
    """Train, or go on, and write the network, its course and its card."""
    data, epochs = recipe["data"], recipe["epochs"]
    shown = [epoch for epoch in SHOWN_EPOCHS if epoch <= epochs]
    avatars = al.data.render(data["style"], data["count"], data["size"], data["seed"]).grey()
    spec, per_epoch = presets.article(), len(avatars) // recipe["batch"]
    trained = al.train(
        spec,
        avatars,
        steps=epochs * per_epoch,
        out=run,
        seed=recipe["seed"],
        backend="torch",
        keep_at=[epoch / epochs for epoch in shown],
        recipe=recipe,
    )
    header = recipe | {
        "spec": spec.to_json(),
        "minutes": round(trained.seconds / 60),
        "licence": avatars.licence,
        "credit": avatars.credit,
        "versions": avatars.options["versions"],
    }
    weights, _ = load_arrays(run / f"generator-{epochs * per_epoch:08}.safetensors")
    half = {name: array.astype(np.float16) for name, array in weights.items()}
    save_arrays(target / "grey-28.safetensors", half, header)
    write_history(target / "grey-28-history.npz", trained, run, shown, per_epoch)
    card = {name: value for name, value in header.items() if name != "spec"}
    write_text(target / "grey-28.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def write_history(file, trained, run, shown, per_epoch):
    """The mean losses of each epoch, and what the same 16 latents gave after some of them."""
    twin, latents = al.backend("torch"), al.noise(7, "latent", 0, (16, 100))
    generators = [
        al.load_network(run / f"generator-{epoch * per_epoch:08}.safetensors", "torch")
        if epoch
        else twin.Generator(trained.gan.spec, trained.gan.seed)
        for epoch in shown
    ]
    losses = np.column_stack([trained.column("loss_d"), trained.column("loss_g")])
    with atomic_write(file) as out:
        np.savez_compressed(
            out,
            losses=losses.astype(np.float32).reshape(-1, per_epoch, 2).mean(axis=1),
            epochs=np.array(shown),
            samples=np.stack([al.to_uint8(twin.generate(one, latents)) for one in generators]),
        )


if __name__ == "__main__":
    main()
