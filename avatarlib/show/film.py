"""A film to scrub: frames with a slider and a play button."""

import html

from avatarlib.core.errors import InputError
from avatarlib.core.files import atomic_write, check_output
from avatarlib.show.html import data_uri, fill


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
        check_output(path, (".gif",))
        first, *rest = self.frames
        with atomic_write(path) as file:
            first.save(
                file, "GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0
            )

    def _repr_html_(self):
        last = len(self.frames) - 1
        pictures = "".join(
            f'<img src="{data_uri(frame)}" alt="{html.escape(f"{self.alt}: {label}")}" '
            f'data-label="{html.escape(str(label))}"{_size(frame)}{"" if i == last else " hidden"}>'
            for i, (frame, label) in enumerate(zip(self.frames, self.labels, strict=True))
        )
        return fill(
            __package__,
            "film",
            pictures=pictures,
            last=last,
            label=html.escape(str(self.labels[-1])),
            alt=html.escape(self.alt),
        )


def _size(frame):
    """A figure's size in dots; small pictures have none and keep their pixels when enlarged."""
    return f' width="{frame.width}" height="{frame.height}"' if frame.width > 600 else ""
