"""Values at the door: what a caller or a file gives becomes plain Python, or gets a sentence."""

import json
import math
import numbers

import numpy as np

from avatarlib.core.errors import InputError

LARGEST_SEED = 2**64 - 1


def whole(value, name, least=0, most=None):
    """A whole number, NumPy's included, as an int.

    Args:
        value: what was given.
        name: of the setting, for the sentence.
        least, most: its limits; None is no limit.

    Raises:
        InputError: no whole number (True and 2.0 are none), or beyond a limit.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
    if is_whole and value >= least and (most is None or value <= most):
        return int(value)
    limit = "" if most is None else f" and at most {'2^64 - 1' if most == LARGEST_SEED else most}"
    raise InputError(f"{name} is a whole number of at least {least}{limit}, not {_shown(value)}.")


def seed(value, name="The seed"):
    """A seed as an int, 0 to 2^64 - 1."""
    return whole(value, name, 0, LARGEST_SEED)


def number(value, name, least=-math.inf, most=math.inf, *, above=None, below=None):
    """A finite number, NumPy's included, as a float or, if it was whole, as an int.

    Args:
        value: what was given.
        name: of the setting, for the sentence.
        least, most: limits that it may reach.
        above, below: limits that it may not reach.

    Raises:
        InputError: no finite number, or beyond a limit.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if is_number and _is_finite(value):
        inside = least <= value <= most
        inside = inside and (above is None or value > above) and (below is None or value < below)
        if inside:
            return int(value) if isinstance(value, numbers.Integral) else float(value)
    wanted = [f"of at least {least}"] if least != -math.inf else []
    wanted += [f"above {above}"] if above is not None else []
    wanted += [f"at most {most}"] if most != math.inf else []
    wanted += [f"below {below}"] if below is not None else []
    raise InputError(f"{name} is a number {' and '.join(wanted)}, not {_shown(value)}.")


def _is_finite(value):
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def of_type(value, name, kind, called):
    """The value itself, if it is of a type.

    Args:
        value: what was given.
        name: of the setting, for the sentence.
        kind: the type.
        called: what people call it, such as "a text in quotes".

    Raises:
        InputError: it is of another type.
    """
    if isinstance(value, kind):
        return value
    raise InputError(f"{name} is {called}; this is {_shown(value)}.")


def plain(value, name):
    """Data that JSON can hold, with NumPy's scalars and arrays as plain numbers and lists.

    Args:
        value: dictionaries, lists, texts, numbers, None.
        name: of the setting, for the sentence.

    Raises:
        InputError: something in it cannot be kept in JSON.
    """

    def simpler(part):
        if isinstance(part, np.generic | np.ndarray):
            return part.tolist()
        raise TypeError(f"{type(part).__name__} {_shown(part)}")

    try:
        return json.loads(json.dumps(value, default=simpler))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} is plain data: texts, numbers, lists and dictionaries. This cannot be kept: "
            f"{error}."
        ) from error


def array(value, name):
    """What is given as an array, as a NumPy array.

    Args:
        value: an array, nested lists, a tensor on the CPU.
        name: of the argument, for the sentence.

    Raises:
        InputError: a tensor that NumPy cannot have, rows of different lengths, or a masked array.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name} is a masked array; fill or drop what is masked, then give it.")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} is no array: its rows have different lengths.") from error
    except (TypeError, RuntimeError) as error:  # a tensor with a gradient, or on a GPU
        raise InputError(
            f"{name} is a {type(value).__name__} that NumPy cannot read; give "
            "x.detach().cpu().numpy()."
        ) from error


def _shown(value):
    """A value for a sentence, cut where it is long."""
    if isinstance(value, numbers.Integral) and abs(int(value)) >= 10**40:
        return "a number of more than 40 digits"  # Python does not even print one of 4,301
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
