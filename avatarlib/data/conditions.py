"""Attributes that a generator can be asked for, as numbers: one for each value, 0 or 1."""

from itertools import pairwise

import numpy as np

from avatarlib.core.errors import InputError


def conditions(avatars, names):
    """The attributes of a set by which a network shall draw, for a spec.

    Args:
        avatars: an AvatarSet.
        names: names of its attributes, such as ("hair_colour", "accessories").

    Returns:
        ((name, (value, ...)), ...).

    Raises:
        InputError: the set has no such attribute.
    """
    return tuple((name, tuple(avatars.counts(name))) for name in names)


def one_hot(labels, conditions):
    """Conditions as a network reads them.

    Args:
        labels: name -> n values (texts), or an AvatarSet.
        conditions: a spec's, ((name, (value, ...)), ...).

    Returns:
        float32 (n, number of all values): for each attribute, a 1 at its value.

    Raises:
        InputError: an attribute is missing or has a value that the spec does not know.
    """
    columns = []
    for name, values in conditions:
        found = np.asarray(_labels_of(labels, name))
        unknown = set(found.tolist()) - set(values)
        if unknown:
            raise InputError(
                f"The network knows no {name} {', '.join(sorted(unknown))}; it knows "
                f"{', '.join(values)}."
            )
        columns.append(found[:, None] == np.array(values))
    return np.concatenate(columns, axis=1).astype(np.float32)


def by_attribute(columns, conditions):
    """Cut what has a number for each value of each attribute: each attribute's own numbers.

    Args:
        columns: (..., number of all values), such as logits or zeros and ones.
        conditions: a spec's, ((name, (value, ...)), ...).

    Returns:
        A list with an array (..., number of its values) for each attribute.
    """
    ends = np.cumsum([0, *(len(values) for _, values in conditions)])
    return [columns[..., start:end] for start, end in pairwise(ends)]


def shares_of_each(shares, conditions):
    """How often each value is drawn when nobody asks for one.

    Args:
        shares: n numbers from 0 to 1, one for each value of each attribute, as a network's file
            gives them; or None: each value of an attribute equally often.
        conditions: a spec's, ((name, (value, ...)), ...).

    Returns:
        A list with a float64 array for each attribute, which adds up to 1.

    Raises:
        InputError: there are more or fewer shares than values, one is negative, or all of an
            attribute are 0.
    """
    sizes = [len(values) for _, values in conditions]
    if not sizes:
        return []
    found = np.ones(sum(sizes)) if shares is None else np.array(shares, np.float64)
    of_each = by_attribute(found, conditions)
    if len(found) != sum(sizes) or not all((of >= 0).all() and of.any() for of in of_each):
        raise InputError(
            f"Shares are {sum(sizes)} numbers from 0 to 1, one for each value of each attribute, "
            "and not all of an attribute may be 0."
        )
    return [of / of.sum() for of in of_each]


def _labels_of(labels, name):
    if hasattr(labels, "labels"):
        return labels.labels(name)
    if name not in labels:
        raise InputError(f"Say which {name}: this network draws by it.")
    return labels[name]
