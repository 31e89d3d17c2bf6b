"""Between pictures, uint8 [0, 255], and what the networks compute with, float32 [-1, 1]."""

import numpy as np
from PIL import ImageColor

from avatarlib.core.errors import InputError


def to_float(images):
    """uint8 [0, 255] -> float32 [-1, 1], an array of the same shape; others stay as they are."""
    if images.dtype != np.uint8:
        return images
    return images.astype(np.float32) / np.float32(127.5) - 1


def to_uint8(images):
    """float32 [-1, 1] -> uint8 [0, 255], rounded to the nearest, an array of the same shape."""
    return np.rint(np.clip(images * 127.5 + 127.5, 0, 255)).astype(np.uint8)


def opaque_colour(text):
    """(red, green, blue), each 0 to 255, of a colour name or #rrggbb.

    Raises:
        InputError: it is none, or one that is transparent.
    """
    try:
        red, green, blue, *opacity = ImageColor.getrgb(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{text!r} is no colour. Write a name or #rrggbb.") from error
    if opacity not in ([], [255]):
        raise InputError(f"{text!r} is a transparent colour. Write a name or #rrggbb.")
    return red, green, blue
