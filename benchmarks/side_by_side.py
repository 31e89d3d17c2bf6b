"""Training many networks on one thread each, as many at a time as there are cores."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from scoring import keep, kept

import avatarlib as al


def train_all(folder, runs, pictures):
    """Train what is missing, in PyTorch; finished runs stay, unless their settings have changed.

    Args:
        folder: where the drawings lie.
        runs: name -> (spec, seed); 20,000 colour avatars at 32 pixels are the data of all.
        pictures: how many real pictures each run sees.

    Returns:
        name -> {"images": uint8 (5000, 32, 32, 3), "shown": uint8 (16, 32, 32, 3), "seconds", …},
        the seconds being the processor's, which other work on the machine hardly changes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    al.data.render("big-smile", 20_000, 32, 0)  # so that the workers find it
    files = {name: folder / f"{name.replace(' ', '-')}.npz" for name in runs}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _one_thread) as pool:
        jobs = [pool.submit(_train, files[name], *runs[name], pictures) for name in runs]
        for name, job in zip(runs, jobs, strict=True):
            job.result()
            print(name, flush=True)
    return {name: kept(files[name], _made_of(*runs[name], pictures)) for name in runs}


def _one_thread():
    """What a worker does first."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


def _train(file, spec, seed, pictures):
    """Train one run and keep its drawings; nothing is done twice."""
    made_of = _made_of(spec, seed, pictures)
    if kept(file, made_of):
        return
    avatars = al.data.render("big-smile", 20_000, 32, 0, progress=False)
    steps, start = pictures // spec.config.batch, time.process_time()
    run = al.train(spec, avatars, steps=steps, seed=seed, backend="torch", progress=False)
    keep(file, made_of, run, time.process_time() - start)


def _made_of(spec, seed, pictures):
    """What a run's drawings depend on."""
    return {"spec": spec.to_json(), "seed": seed, "pictures": pictures}
