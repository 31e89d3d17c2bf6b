"""Pictures of many avatars at once: a contact sheet, a grid in a figure."""

import numpy as np
from PIL import Image

from avatarlib.core.errors import InputError


def image_grid(images, columns=8, zoom=1, gap=0):
    """Lay pictures out row by row in one picture.

    Args:
        images: uint8 (n, height, width, channels).
        columns: pictures in a row, or fewer if there are fewer.
        zoom: each pixel becomes zoom x zoom pixels.
        gap: white pixels between pictures, before zooming.

    Returns:
        a Pillow image; places that no picture fills are white.

    Raises:
        InputError: not uint8 pictures, or a number below its least value.
    """
    _check(images, columns)
    if zoom < 1 or gap < 0:
        raise InputError("A sheet has a zoom of at least 1 and no negative gap.")
    n, height, width, channels = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    canvas = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8
    )
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    canvas = canvas.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return Image.fromarray(canvas[..., 0] if channels == 1 else canvas)


def grid_figure(images, columns=8, titles=None, width=7.0):
    """A Matplotlib figure with one axis for each picture.

    Args:
        images: uint8 (n, height, width, channels).
        columns: pictures in a row.
        titles: n short texts, or None.
        width: of the figure, in inches.

    Returns:
        the figure. In a notebook, as a cell's last line, it is shown once.

    Raises:
        InputError: not uint8 pictures, no column, or not one title for each picture.
    """
    import matplotlib.pyplot as plt

    _check(images, columns)
    if titles is not None and len(titles) != len(images):
        raise InputError(f"{len(titles)} titles do not fit {len(images)} pictures.")
    rows = -(-len(images) // columns)
    cell = width / columns
    height = rows * cell * (1.25 if titles else 1.0)
    figure = plt.figure(figsize=(width, height), layout="constrained")
    plt.close(figure)  # else a notebook would show it a second time
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for i, (axis, image) in enumerate(zip(axes, images, strict=False)):
        axis.imshow(
            image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255
        )
        if titles is not None:
            axis.set_title(titles[i], fontsize=8)
    return figure


def _check(images, columns):
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise InputError(f"Pictures are uint8 (n, h, w, c); this is {images.dtype} {images.shape}.")
    if columns < 1:
        raise InputError(f"A sheet has at least 1 column, not {columns}.")
