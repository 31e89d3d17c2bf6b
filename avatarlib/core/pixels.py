"""Between pictures, uint8 [0, 255], and what the networks compute with, float32 [-1, 1]."""

import numpy as np


def to_float(images):
    """uint8 [0, 255] -> float32 [-1, 1], an array of the same shape; others stay as they are."""
    if images.dtype != np.uint8:
        return images
    return images.astype(np.float32) / np.float32(127.5) - 1


def to_uint8(images):
    """float32 [-1, 1] -> uint8 [0, 255], rounded to the nearest, an array of the same shape."""
    return np.rint(np.clip(images * 127.5 + 127.5, 0, 255)).astype(np.uint8)
