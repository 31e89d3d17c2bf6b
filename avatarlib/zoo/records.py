"""What the course's long benchmarks measured, kept with the library so that a page can show it."""

import json

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.zoo.networks import pretrained_folder


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
