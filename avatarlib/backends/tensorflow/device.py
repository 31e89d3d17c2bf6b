"""Where TensorFlow computes: on the processor, or on a graphics card."""

import tensorflow as tf

from avatarlib.backends.choice import device_name
from avatarlib.core.errors import InputError


def has_gpu():
    """Whether TensorFlow sees a graphics processor that it can compute on."""
    return bool(tf.config.list_physical_devices("GPU"))


def find_device(name=None):
    """The device of a name.

    Args:
        name: "cpu", "gpu" or "gpu:1", counted from 0; by default as in `device_name`.

    Returns:
        a text for `tf.device`.

    Raises:
        InputError: no such name, or this machine has no such card.
    """
    kind, number = device_name(name, has_gpu())
    if kind == "cpu":
        return "/CPU:0"
    cards = len(tf.config.list_physical_devices("GPU"))
    if number < cards:
        return f"/GPU:{number}"
    raise InputError(
        f"TensorFlow sees {cards} graphics cards here, and number {number} (from 0) was asked for. "
        'Ask for "cpu", or install a TensorFlow for your card.'
    )
