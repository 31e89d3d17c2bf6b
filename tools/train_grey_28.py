"""Train the pretrained network `grey-28`: the article's DCGAN for its 100 epochs.

    python tools/train_grey_28.py

On two cores it takes one to two hours. It saves its state every minute and, called again, goes on
where it stopped. The result goes to avatarlib/zoo/pretrained/.

The file there was made before dropout masks were drawn from 16-bit numbers: a new run ends in
another network, as good.
"""

import json
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from avatarlib.backends.torch.gan import GAN, generate
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.files import atomic_write
from avatarlib.core.pixels import to_uint8
from avatarlib.core.randomness import noise
from avatarlib.data.dicebear import render
from avatarlib.training import presets

RECIPE = {
    "network": "the article's DCGAN, 28x28x1",
    "data": {"style": "big-smile", "count": 10_000, "size": 28, "seed": 0, "colour": "grey"},
    "epochs": 100,
    "batch": 64,
    "optimizer": "Adam, rate 1e-4, beta1 0.9, beta2 0.999, eps 1e-7, both players",
    "seed": 0,
}
SHOWN_EPOCHS = (0, 1, 2, 5, 10, 20, 35, 50, 75, 100)
TARGET = Path(__file__).parents[1] / "avatarlib" / "zoo" / "pretrained"
STATE = Path("_build/grey-28-state.safetensors")
SAVE_EVERY = 60  # seconds


def main():
    """Train from the last saved state to the end and write the network, samples and model card."""
    data = RECIPE["data"]
    avatars = render(data["style"], data["count"], data["size"], data["seed"]).grey()
    per_epoch = len(avatars) // RECIPE["batch"]
    gan, log = resume()
    z16 = noise(7, "latent", 0, (16, 100))
    started, last_save = time.time() - log["seconds"], time.time()
    if not log["shown"]:
        log["shown"]["0"] = samples(gan, z16)

    bar = tqdm(total=RECIPE["epochs"] * per_epoch, initial=gan.steps, unit="step")
    while gan.steps < RECIPE["epochs"] * per_epoch:
        epoch, place = divmod(gan.steps, per_epoch)
        for images in list(avatars.batches(RECIPE["batch"], RECIPE["seed"], epoch))[place:]:
            z = noise(RECIPE["seed"], "latent", gan.steps, (RECIPE["batch"], 100))
            log["losses"].append(gan.step(images, z)[:2])
            bar.update()
            if time.time() - last_save > SAVE_EVERY:
                log["seconds"], last_save = time.time() - started, time.time()
                save_arrays(STATE, gan.state(), log | {"steps": gan.steps})
        if epoch + 1 in SHOWN_EPOCHS:
            log["shown"][str(epoch + 1)] = samples(gan, z16)
    log["seconds"] = time.time() - started
    save_arrays(STATE, gan.state(), log | {"steps": gan.steps})
    publish(gan, avatars, log, per_epoch)


def resume():
    """The GAN and its log as last saved, or new ones."""
    gan = GAN(presets.article(), RECIPE["seed"])
    log = {"losses": [], "shown": {}, "seconds": 0}
    if STATE.exists():
        arrays, log = load_arrays(STATE)
        gan.restore(arrays, log.pop("steps"))
    STATE.parent.mkdir(exist_ok=True)
    return gan, log


def samples(gan, z):
    """The 16 fixed latents as pictures, nested lists of uint8, for the log."""
    return to_uint8(generate(gan.generator, z)).tolist()


def publish(gan, avatars, log, per_epoch):
    """Write the generator in half precision, and the course of the run."""
    weights = {
        name.removeprefix("generator/"): array.astype(np.float16)
        for name, array in gan.state().items()
        if name.startswith("generator/") and not name.endswith(("/m", "/v"))
    }
    header = RECIPE | {
        "spec": gan.spec.to_json(),
        "minutes": round(log["seconds"] / 60),
        "licence": avatars.licence,
        "credit": avatars.credit,
        "versions": avatars.options["versions"],
    }
    save_arrays(TARGET / "grey-28.safetensors", weights, header)
    losses = np.array(log["losses"], dtype=np.float32).reshape(-1, per_epoch, 2).mean(axis=1)
    with atomic_write(TARGET / "grey-28-history.npz") as file:
        np.savez_compressed(
            file,
            losses=losses,
            epochs=np.array([int(epoch) for epoch in log["shown"]]),
            samples=np.array(list(log["shown"].values()), dtype=np.uint8),
        )
    with atomic_write(TARGET / "grey-28.json") as file:
        file.write(json.dumps(header, indent=2, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    main()
