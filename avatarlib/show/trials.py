"""Tests of the eye: half of the pictures are real, the rest equally many of each generated kind."""

import math

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.core.values import whole


def share_of_each(trials, kinds):
    """How many pictures of each generated kind stand beside trials / 2 real ones.

    Raises:
        InputError: there is no such whole number.
    """
    trials = whole(trials, "The number of trials", 2)
    if not kinds:
        raise InputError("There are no generated pictures to tell from real ones; give some.")
    if trials % (2 * kinds):
        raise InputError(
            f"{trials} trials cannot be half real and half generated, equally many of each of "
            f"{kinds} kinds; take a multiple of {2 * kinds}."
        )
    return trials // 2 // kinds


def check_pictures(real, generated, trials, rounds=1, practice=0):
    """Refuse pictures that a test cannot show.

    Args:
        real: uint8 (n, height, width, channels), channels 1, 3 or 4.
        generated: name of a kind -> its pictures, of the same size.
        trials: pictures in a round, as in `share_of_each`.
        rounds: how many rounds without any picture shown twice.
        practice: pictures beside, half real, an even number.

    Raises:
        InputError: as `share_of_each`; a kind is called "real", or not by a text; no pictures, of
            another size, or too few.
    """
    share_of_each(trials, len(generated))
    if "real" in generated or not all(isinstance(name, str) for name in generated):
        names = ", ".join(map(repr, generated))
        raise InputError(
            f"Name generated pictures by texts, and not 'real'; these are named {names}."
        )
    for name, of in {"real": real, **generated}.items():
        fits = of.ndim == 4 and of.shape[3] in (1, 3, 4) and of.shape[1:] == real.shape[1:]
        if of.dtype != np.uint8 or not fits:
            raise InputError(
                f"The pictures {name!r} are {of.dtype} {of.shape}; all are uint8 "
                f"(n, height, width, 1, 3 or 4) of one size, here {real.shape[1:]}."
            )
        kinds = 1 if name == "real" else len(generated)
        needed = rounds * trials // 2 // kinds + math.ceil(practice / 2 / kinds)
        if len(of) < needed:
            raise InputError(f"{len(of)} pictures {name!r} are too few; it takes {needed}.")
