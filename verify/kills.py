"""Kill a training run again and again, and compare its end with that of a run left in peace.

    python verify/kills.py --backend torch --kills 50

Each life of the run is ended by SIGKILL at a random moment, every third one inside the writing of a
checkpoint (its unfinished file was there, and stays behind). A few more lives end by SIGTERM and
by Ctrl-C. Then weights, moments and history must be the same, bit for bit.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from avatarlib.training.checkpoint import checkpoints, load_checkpoint

STOPS = [signal.SIGTERM, signal.SIGINT]

CHILD = """
import dataclasses, signal, sys
import avatarlib as al
from avatarlib.training.loop import Budget, Loop

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have had it ignored
name, folder, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
twin = al.backend(name)
if name == "torch":
    import torch
    torch.set_num_threads(1)  # bits are promised for one machine and one number of threads
spec = al.presets.small(28, 1)
spec = dataclasses.replace(spec, config=dataclasses.replace(spec.config, batch=4))
avatars = al.data.render("big-smile", 64, 28, progress=False).grey()
gan, seldom = twin.GAN(spec, seed=3), 10**9
loop = Loop(gan, avatars, Budget(steps), folder, sample_every=seldom, save_every=0.25)
print("ready", flush=True)
loop(progress=False)
print("done", flush=True)
"""


def start(backend, folder, steps):
    """A child that trains in `folder`; returns when it has begun to step."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, backend, str(folder), str(steps)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if child.stdout.readline() != "ready\n":
        raise RuntimeError("the run did not start")
    return child


def writing(folder):
    """Whether an unfinished checkpoint is there."""
    return any(name.endswith(".partial") for name in os.listdir(folder))


def end_life(child, folder, rng, how, in_write):
    """Kill the child at a random moment; whether it happened inside the writing of a checkpoint.

    Returns:
        None if the run was done before.
    """
    time.sleep(rng.uniform(0.0, 1.5))
    while in_write and child.poll() is None and not writing(folder):
        pass  # a checkpoint is written every quarter of a second
    child.send_signal(how)
    child.wait()
    if child.returncode == 0:
        return None
    return writing(folder)


def run_with_kills(backend, folder, steps, kills, signals=(), seed=0):
    """Lives until the run is done.

    Returns:
        counts: {"SIGKILL": …, "inside a write": …, "SIGTERM": …, "SIGINT": …}.
    """
    rng, counts = random.Random(seed), {"SIGKILL": 0, "inside a write": 0}
    plan = [(signal.SIGKILL, i % 3 == 0) for i in range(kills)] + [(how, False) for how in signals]
    rng.shuffle(plan)
    for how, in_write in plan:
        inside = end_life(start(backend, folder, steps), folder, rng, how, in_write)
        if inside is None:
            break
        counts[how.name] = counts.get(how.name, 0) + 1
        counts["inside a write"] += inside
    last = start(backend, folder, steps)
    if last.wait() != 0:
        raise RuntimeError("the last life did not reach the end")
    return counts


def left_by(folder):
    """What a finished run left: name -> bytes of every array, and the history's lines."""
    arrays, header, _ = load_checkpoint(folder)
    lines = (Path(folder) / "history.jsonl").read_text(encoding="utf-8").splitlines()
    state = {name: array.tobytes() for name, array in arrays.items()}
    return state | {"steps": header["steps"], "history": [json.loads(line) for line in lines]}


def compare(backend, steps, kills, signals):
    """Run once in peace and once with kills; the counts, and in what the two ends differ."""
    with tempfile.TemporaryDirectory() as place:
        calm, hunted = Path(place) / "calm", Path(place) / "hunted"
        start(backend, calm, steps).wait()
        counts = run_with_kills(backend, hunted, steps, kills, signals)
        one, other = left_by(calm), left_by(hunted)
        differing = [name for name in one if one[name] != other.get(name)]
        if [path.name for path in checkpoints(hunted)][-1] != checkpoints(calm)[-1].name:
            differing.append("the last checkpoint's name")
        return counts, differing


def main():
    """Print the counts and the verdict; exit with 1 if anything differs or too few kills came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch", choices=("torch", "tensorflow"))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=9000)
    options = parser.parse_args()
    started = time.time()
    counts, differing = compare(options.backend, options.steps, options.kills, 3 * STOPS)
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    verdict = f"differs in {differing}" if differing else "bit for bit the same"
    minutes = (time.time() - started) / 60
    print(f"{options.backend}: {options.steps:,} steps, {told}: {verdict} ({minutes:.0f} minutes)")
    sys.exit(bool(differing) or counts["SIGKILL"] < options.kills)


if __name__ == "__main__":
    main()
