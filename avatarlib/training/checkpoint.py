"""The checkpoints of a run: the last two, so that one is sound whatever happens to the other."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from avatarlib.core.about import VERSION
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.errors import InputError
from avatarlib.training.spec import Spec

KEPT = 2  # checkpoints in a folder; the older one is for the case that the newer one is damaged


def save_checkpoint(folder, arrays, header):
    """Write one more checkpoint of a run, then remove all but the last two.

    Args:
        folder: the run's folder; it must exist.
        arrays: the state of a GAN, name -> array.
        header: plain data with the number of steps under "steps".

    Raises:
        InputError: the state holds values that are not numbers, or the place cannot be written to.
    """
    odd = not_numbers(arrays)
    if odd:
        raise InputError(f"Nothing was saved: values in {odd} are not numbers.")
    save_arrays(Path(folder) / f"checkpoint-{header['steps']:08}.safetensors", arrays, header)
    for old in checkpoints(folder)[:-KEPT]:
        with suppress(OSError):  # somebody has it open, or removed it; the new one is what counts
            old.unlink()


def load_checkpoint(folder):
    """The newest checkpoint of a run that is sound.

    Returns:
        (arrays, header, notes): notes are sentences about newer ones that are not.

    Raises:
        InputError: there are checkpoints, and none is sound.
    """
    problems = []
    for path in reversed(checkpoints(folder)):
        try:
            arrays, header = load_arrays(path)
            odd = not_numbers(arrays)
            if odd:
                raise InputError(f"{path} is not usable: values in {odd} are not numbers.")
            notes = [f"{problem} Going on from the checkpoint before it." for problem in problems]
            return arrays, header, notes
        except InputError as error:
            problems.append(error)
    raise InputError(
        f"No checkpoint in {folder} is usable. {problems[0]} Start again in another folder."
    )


def spec_of(header):
    """The `Spec` in a header.

    Raises:
        InputError: it is none; or another version of this library wrote it, which knows more.
    """
    try:
        return Spec.from_json(header["spec"])
    except InputError as error:
        version = header.get("versions", {}).get("avatarlib", VERSION)
        if version == VERSION:
            raise
        raise InputError(
            f"It was written by avatarlib {version}, and this is avatarlib {VERSION}, which does "
            f"not understand all of it ({error}) Take the version that wrote it."
        ) from error


def checkpoints(folder):
    """The files of a run's checkpoints, oldest first."""
    return sorted(Path(folder).glob("checkpoint-*.safetensors"))


def sampling_weights(state, spec):
    """Of a GAN's state, the weights of the generator that draws: the averaged one, if there is."""
    player = "average" if spec.config.ema_half_life else "generator"
    wanted = {name: f"{player}/{name}" for name in spec.weights("generator")}
    return {name: state[long] for name, long in wanted.items() if long in state}


def not_numbers(arrays):
    """The name of an array that holds NaN or infinity; None if all are finite."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
