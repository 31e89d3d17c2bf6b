"""What a run learns from: pictures or points, in batches that are a function of the step."""

import hashlib
from functools import lru_cache

import numpy as np

from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.data import AvatarSet
from avatarlib.data.conditions import one_hot


class Batches:
    """Batches of a data set for a spec.

    Each epoch goes through the data in an order of its own; what does not fill a batch waits for
    another epoch.

    Args:
        spec: a `Spec`.
        data: an AvatarSet, pictures uint8 (n, height, width, channels), or points float (n, 2).
        seed: the orders are a function of it.

    Attributes:
        fingerprint: a text, the same only for the same pictures and conditions in the same order.
        shares: how often each value of the conditions occurs in the data, from 0 to 1, in the
            order of `one_hot`; None without conditions.

    Raises:
        InputError: the data do not fit the spec, or are fewer than a batch.
    """

    def __init__(self, spec, data, seed):
        self.images = (
            data.images if isinstance(data, AvatarSet) else values.array(data, "What to learn from")
        )
        self.seed, self.batch = seed, spec.config.batch
        _check(spec, data, self.images)
        self.conditions = one_hot(data, spec.conditions) if spec.conditions else None
        self.shares = self.conditions.mean(axis=0).tolist() if spec.conditions else None
        self._order_of = lru_cache(2)(self._order)
        self.fingerprint = _fingerprint(self.images, self.conditions)

    def __call__(self, step):
        """The batch of a step: (real, condition), the condition being None without conditions."""
        epoch, place = divmod(step, len(self.images) // self.batch)
        rows = self._order_of(epoch)[place * self.batch : (place + 1) * self.batch]
        return self.images[rows], None if self.conditions is None else self.conditions[rows]

    def _order(self, epoch):
        return generator(self.seed, "order", epoch).permutation(len(self.images))


def _fingerprint(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:16]


def _check(spec, data, images):
    points = len(spec.shape) == 1
    if images.dtype.kind != "f" if points else images.dtype != np.uint8:
        expected = "floats" if points else "uint8, 0 to 255"
        raise InputError(f"The network {spec.name!r} learns from {expected}, not {images.dtype}.")
    if images.shape[1:] != tuple(spec.shape):
        theirs, ours = (" x ".join(map(str, shape)) for shape in (images.shape[1:], spec.shape))
        raise InputError(
            f"The data are {theirs}, but the network {spec.name!r} draws {ours}. Render the "
            "avatars in that size, or choose a network for theirs."
        )
    if points and not np.isfinite(images).all():
        raise InputError("Some of the points are not numbers.")
    if len(images) < spec.config.batch:
        raise InputError(
            f"A batch of {spec.config.batch} needs at least as many pictures; there are "
            f"{len(images)}. Take more, or set a smaller batch."
        )
    if spec.conditions and not isinstance(data, AvatarSet):
        raise InputError(f"The network {spec.name!r} draws by attributes; give it an AvatarSet.")
