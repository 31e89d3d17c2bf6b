"""What a graphics card does with the course: the same pictures, the same steps, how fast.

    python verify/gpu.py                 # with PyTorch and a CUDA card: some minutes

It needs no network, and has not been run yet. The result is added to verify/gpu.md, with the card's
name.
"""

import argparse
import datetime
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from gpu_opponent import MEDIUM, SMALL, Plain, recommended, torch_networks

import avatarlib as al
from avatarlib.training import presets
from avatarlib.training.callbacks import HealthWarnings
from avatarlib.training.loop import Budget, Loop

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "verify/gpu.md"
ROUNDS = 3
SECONDS = 1.0  # a round of each


def on(device, make):
    """Whatever is made, on the processor or on the card."""
    with patch.dict(os.environ, AVATARLIB_DEVICE=device):
        return make()


# ------------------------------------------------------------------------------------ the same?


def pictures():
    """The pretrained networks' pictures: levels of 255 between card and processor, worst pixel."""
    twin, rows = al.backend("torch"), []
    for name in al.pretrained_names():
        drawn = {}
        for device in ("cpu", "gpu"):
            network = on(device, lambda name=name: al.pretrained(name, backend="torch"))
            z = al.latents(256, network)
            condition = None
            if network.spec.conditions:
                sizes = [len(values) for _, values in network.spec.conditions]
                parts = [np.eye(size, dtype=np.float32)[np.arange(256) % size] for size in sizes]
                condition = np.concatenate(parts, axis=1)
            drawn[device] = al.to_uint8(twin.generate(network, z, condition)).astype(int)
        apart = np.abs(drawn["cpu"] - drawn["gpu"])
        rows.append(f"| {name} | {apart.max()} | {(apart > 0).mean():.4%} |")
    return ["| network | worst pixel | pixels that differ |", "|---|---|---|", *rows]


CALM = {"lr_d": 2e-4, "lr_g": 2e-4, "r1": 0.5, "r2": 0.5, "final_lr_fraction": 1.0}


def ten_steps():
    """Ten steps of each game on the card and on the processor: the state's largest difference."""
    small = presets.small(32)
    games = {
        "article": presets.article(),
        "dcgan": presets.dcgan(32),
        "small": replace(small, config=replace(small.config, **CALM)),
        "small, lazy penalties": replace(
            small, config=replace(small.config, **CALM | {"penalty_every": 4, "translation": 0.125})
        ),
    }
    rows = []
    for name, spec in games.items():
        cells = []
        for dtype in ("float64", "float32"):
            states = [
                on(device, lambda s=spec, d=dtype: after_steps(s, d)) for device in ("cpu", "gpu")
            ]
            cells.append(f"{farthest(*states):.1e}")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return ["| game | float64 | float32 |", "|---|---|---|", *rows]


def after_steps(spec, dtype, steps=10, n=16):
    gan = al.backend("torch").GAN(spec, 3, dtype)
    for step in range(steps):
        rng = np.random.default_rng(step)
        real = rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8)
        gan.step(real, al.noise(1, "latent", step, (n, spec.latent)), progress=step / steps)
    return gan.state()


def farthest(one, other):
    """‖one - other‖ / ‖one‖ of the weights, the worst array."""
    moment = ("/m", "/v")
    return max(
        np.linalg.norm(one[k] - other[k]) / max(np.linalg.norm(one[k]), 1e-3)
        for k in one
        if not k.endswith(moment)
    )


def killed_and_gone_on():
    """A run killed in the middle and gone on with, against one that nobody disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--train", folder]
        child = subprocess.Popen(command)
        while not list(Path(folder).glob("checkpoint-*")):
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        reached = sorted(Path(folder).glob("checkpoint-*"))[-1].stem
        again = train(folder)
    whole, repeated = train(None), train(None)
    return [
        f"Killed after {reached}, gone on to step {again.gan.steps}: weights "
        f"{farthest(whole.gan.state(), again.gan.state()):.1e} from those of an undisturbed run; "
        f"two undisturbed runs: {farthest(whole.gan.state(), repeated.gan.state()):.1e}."
    ]


def train(folder):
    spec = presets.small(32)
    spec = replace(spec, config=replace(spec.config, **CALM))
    images = np.random.default_rng(0).integers(0, 256, (512, *spec.shape), dtype=np.uint8)
    return al.train(spec, images, steps=400, out=folder, save_every=0.2, progress=False)


# ------------------------------------------------------------------------------------ how fast?


def networks():
    """name -> (our spec, the opponent's networks, weight of R1 and R2)."""
    return {
        "article, 28 grey": (presets.article(), torch_networks, 0.0),
        "small, 32": (presets.small(32), lambda: recommended(SMALL[32], 32), 3.0),
        "medium, 32": (presets.medium(32), lambda: recommended(MEDIUM[32], 32), 3.0),
        "medium, 64": (presets.medium(64), lambda: recommended(MEDIUM[64], 64), 10.0),
    }


def speed(batches=(64, 256)):
    """Pictures a second in training, in turns."""
    lines = [
        "| network | batch | plain, as it is | plain, recorded | ours | ours / recorded | busy |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (spec, plain, gamma) in networks().items():
        images = np.random.default_rng(0).integers(0, 256, (20_000, *spec.shape), dtype=np.uint8)
        on_card = torch.from_numpy(images).cuda().permute(0, 3, 1, 2)
        for batch in batches:
            runners = {
                "eager": plain_runner(Plain(plain(), on_card, batch, gamma, recorded=False), batch),
                "graph": plain_runner(Plain(plain(), on_card, batch, gamma), batch),
                "ours": Ours(replace(spec, config=replace(spec.config, batch=batch)), images),
            }
            found = {who: [] for who in runners}
            for runner in runners.values():
                runner(0.3)
            for _ in range(ROUNDS):
                for who, runner in runners.items():
                    found[who].append(runner(SECONDS))
            rates = {who: statistics.median(rate) for who, rate in found.items()}
            ratio = statistics.median(
                a / b for a, b in zip(found["ours"], found["graph"], strict=True)
            )
            busy = busy_during(runners["ours"], 3 * SECONDS)
            lines.append(
                f"| {name} | {batch} | {rates['eager']:,.0f} | {rates['graph']:,.0f} | "
                f"{rates['ours']:,.0f} | {ratio:.2f} | {busy:.0%} |"
            )
            print(lines[-1], flush=True)
    return lines


def plain_runner(loop, batch):
    def run(seconds):
        start, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - start) < seconds:
            for _ in range(20):
                loop.step()
            loop.read()  # waits
            steps += 20
        return batch * steps / spent

    return run


class Ours:
    """The library's own loop, with everything that it draws, records and watches."""

    def __init__(self, spec, images):
        self.gan, self.images = al.backend("torch").GAN(spec), images

    def __call__(self, seconds):
        loop = Loop(
            self.gan,
            self.images,
            Budget(minutes=seconds / 60),
            callbacks=[HealthWarnings()],
            sample_every=10**9,
        )
        before = self.gan.steps
        start = time.perf_counter()
        loop(progress=False)
        spent = time.perf_counter() - start
        return self.gan.spec.config.batch * (self.gan.steps - before) / spent


def busy_during(work, seconds):
    """The share of time in which a kernel ran on the card, by nvidia-smi's own count."""
    seen, ended = [], threading.Event()

    def watch():
        time.sleep(0.7)
        while not ended.is_set():
            seen.append(torch.cuda.utilization())
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    work(seconds)
    ended.set()
    watcher.join()
    return statistics.mean(seen or [0]) / 100


def where_time_goes(batch=256):
    """Milliseconds a step: getting ready (one thread), asking for it, the card's own time."""
    lines = ["| network | batch | getting ready | asking | on the card |", "|---|---|---|---|---|"]
    for name, (spec, _, _) in networks().items():
        gan = al.backend("torch").GAN(replace(spec, config=replace(spec.config, batch=batch)))
        images = np.random.default_rng(0).integers(0, 256, (batch, *spec.shape), dtype=np.uint8)
        z = al.noise(0, "latent", 0, (batch, spec.latent))
        start = time.perf_counter()
        ready = [gan.prepare(images, z, step=step) for step in range(30)]
        preparing = time.perf_counter() - start
        for inputs in ready[:6]:
            gan.enqueue(inputs)()
        torch.cuda.synchronize()
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start = time.perf_counter()
        first.record()
        told = [gan.enqueue(inputs) for inputs in ready]
        asking = time.perf_counter() - start
        last.record()
        told[-1]()
        torch.cuda.synchronize()
        lines.append(
            f"| {name} | {batch} | {1000 * preparing / 30:.2f} | {1000 * asking / 30:.2f} | "
            f"{first.elapsed_time(last) / 30:.2f} |"
        )
    return lines


# ------------------------------------------------------------------------------------ the report


def card():
    """One line about the machine."""
    about = torch.cuda.get_device_properties(0)
    return (
        f"{about.name}, {about.total_memory / 2**30:.0f} GiB, {os.cpu_count()} processors, PyTorch "
        f"{torch.__version__}, Python {sys.version.split()[0]}, NumPy {np.__version__}."
    )


PARTS = {
    "Pictures of the pretrained networks, card against processor": pictures,
    "Ten steps, card against processor: ‖difference‖ / ‖weights‖, worst array": ten_steps,
    "A run that is killed": killed_and_gone_on,
    "Where a step's time goes, milliseconds": where_time_goes,
    "Pictures a second in training": speed,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(options.train)
        return
    lines = [f"\n## {datetime.date.today()}\n", card()]
    for title, part in PARTS.items():
        start = time.monotonic()
        try:
            found = part()
        except Exception:
            found = [f"```\n{traceback.format_exc()}```"]
        lines += [f"\n### {title}\n", *found]
        print(*lines[-len(found) - 1 :], sep="\n", flush=True)
        print(f"({time.monotonic() - start:.0f} s)", flush=True)
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else "# On a graphics card\n"
    TABLE.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
