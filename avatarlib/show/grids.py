"""Pictures of many avatars at once: a contact sheet, a grid in a figure, a film to scrub."""

import base64
import html
import io
import itertools

import numpy as np
from PIL import Image

from avatarlib.core.errors import InputError

_film_number = itertools.count(1)


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


class Film:
    """Frames with a slider and a play button, which work in a page without a kernel.

    Nothing moves until the reader asks: by touch, by mouse, or by keyboard (Tab, then arrows).

    Args:
        frames: Pillow images of one size.
        labels: one text for each frame, such as "epoch 3".
        alt: what the pictures show, for those who cannot see them.
    """

    def __init__(self, frames, labels, alt):
        if len(frames) != len(labels) or not frames:
            raise InputError(f"{len(frames)} frames and {len(labels)} labels do not fit together.")
        self.frames, self.labels, self.alt = frames, labels, alt

    def save(self, path, milliseconds=400):
        """Write the frames as an animated GIF; the name ends in .gif."""
        from avatarlib.core.files import atomic_write, check_output

        check_output(path, (".gif",))
        first, *rest = self.frames
        with atomic_write(path) as file:
            first.save(
                file, "GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0
            )

    def _repr_html_(self):
        name = f"film-{next(_film_number)}"
        pictures = "".join(
            f'<img src="{data_uri(frame)}" alt="{html.escape(f"{self.alt}: {label}")}" '
            f'data-label="{html.escape(str(label))}"{_size(frame)}{"" if last else " hidden"}>'
            for frame, label, last in zip(
                self.frames, self.labels, [False] * (len(self.frames) - 1) + [True], strict=True
            )
        )
        return _FILM.format(
            name=name,
            pictures=pictures,
            last=len(self.frames) - 1,
            label=html.escape(str(self.labels[-1])),
            alt=html.escape(self.alt),
        )


def _size(frame):
    """A figure's size in dots; small pictures have none and keep their pixels when enlarged."""
    return f' width="{frame.width}" height="{frame.height}"' if frame.width > 600 else ""


def data_uri(image):
    """A Pillow image as a PNG inside a link."""
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


_FILM = """\
<figure class="film" id="{name}">
  <div class="film-frames">{pictures}</div>
  <div class="film-controls">
    <button type="button">Play</button>
    <input type="range" min="0" max="{last}" value="{last}" aria-label="{alt}: frame">
    <output>{label}</output>
  </div>
  <figcaption>{alt}.</figcaption>
</figure>
<style>
  .film {{ text-align: center; }}
  .film img {{ width: 100%; max-width: 28rem; image-rendering: pixelated; }}
  .film img[width] {{ max-width: 40rem; image-rendering: auto; }}
  .film img[hidden] {{ display: none; }}
  .film-controls {{ display: flex; gap: 0.75rem; align-items: center; }}
  .film-controls {{ max-width: 28rem; margin: 0.5rem auto; }}
  .film-controls input {{ flex: 1; min-width: 4rem; }}
  .film-controls button {{ min-width: 4.5rem; min-height: 2.25rem; }}
</style>
<script type="module">
  const film = document.getElementById("{name}");
  const pictures = film.querySelectorAll("img");
  const slider = film.querySelector("input"), button = film.querySelector("button");
  let timer = null;
  function show(i) {{
    pictures.forEach((picture, k) => {{ picture.hidden = k !== i; }});
    slider.value = i;
    slider.setAttribute("aria-valuetext", pictures[i].dataset.label);
    film.querySelector("output").textContent = pictures[i].dataset.label;
  }}
  function stop() {{ clearInterval(timer); timer = null; button.textContent = "Play"; }}
  slider.addEventListener("input", () => {{ stop(); show(Number(slider.value)); }});
  button.addEventListener("click", () => {{
    if (timer !== null) return stop();
    let i = Number(slider.value) === pictures.length - 1 ? 0 : Number(slider.value);
    show(i);
    button.textContent = "Pause";
    timer = setInterval(() => {{
      if (i === pictures.length - 1) return stop();
      show(++i);
    }}, 500);
  }});
  show(pictures.length - 1);
</script>
"""
