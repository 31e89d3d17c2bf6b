"""What the course's long benchmarks measured, kept with the library so that a page can show it."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

import numpy as np

from avatarlib.arrays import save_arrays
from avatarlib.backends import pretrained_folder
from avatarlib.errors import InputError
from avatarlib.files import atomic_write
from avatarlib.quantisation import quantise


def measured(name):
    """The results of a long benchmark.

    Args:
        name: "ladder", "scores", "stability" or "time-to-quality".

    Returns:
        (record, pictures): `record["rows"]` is a list of plain dictionaries, one for each run;
        "command" repeats the measurement; "machine" and "versions" say where it was made. Of some
        benchmarks there are `pictures`, name -> uint8 array with one entry for each row.

    Raises:
        InputError: there is no such record.
    """
    folder = pretrained_folder() / "measured"
    known = sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".json"))
    if name not in known:
        raise InputError(f"Nothing called {name!r} was measured; there is: {', '.join(known)}.")
    record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    pictures = folder / f"{name}.npz"
    if not pictures.is_file():
        return record, {}
    with np.load(pictures, allow_pickle=False) as file:
        return record, dict(file)


def keep_measured(name, command, rows, **pictures):
    """Write a record that `measured` reads; benchmarks call it.

    Args:
        name: of the record.
        command: what repeats the measurement.
        rows: plain dictionaries, one for each run.
        pictures: name -> uint8 array with one entry for each row.
    """
    folder = Path(str(pretrained_folder())) / "measured"
    folder.mkdir(exist_ok=True)
    packages = ("numpy", "torch", "dicebear-core", "dicebear-styles")
    record = {
        "command": command,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {"python": platform.python_version()}
        | {package: metadata.version(package) for package in packages},
        "rows": rows,
    }
    with atomic_write(folder / f"{name}.json") as file:
        file.write(json.dumps(record, indent=1, ensure_ascii=False).encode() + b"\n")
    if pictures:
        with atomic_write(folder / f"{name}.npz") as file:
            np.savez_compressed(file, **pictures)


def keep_generator(name, spec, weights, steps, bits):
    """Keep a run's generator at one moment, for `through_training`; tools and benchmarks call it.

    Args:
        name: of the run.
        spec: its `Spec`.
        weights: of the generator, name -> array.
        steps: of the run until then.
        bits: for each weight, see `quantise`.
    """
    folder = Path(str(pretrained_folder())) / "through-training" / name
    folder.mkdir(parents=True, exist_ok=True)
    header = {"spec": spec.to_json(), "steps": steps, "bits": bits}
    save_arrays(folder / f"generator-{steps:08}.safetensors", quantise(weights, bits), header)
