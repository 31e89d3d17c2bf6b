"""What all widgets share: their files, a name of their own, and what they hold inside the page."""

import base64
import html
import io
import json
import secrets
from importlib import resources


def fill(room, widget, name=None, **parts):
    """A widget's HTML, with its style and script, out of the three files that lie beside its code.

    Args:
        room: the package that holds them, such as "avatarlib.show".
        widget: their name before the ending, such as "film".
        name: the id in the page; by default one that no other output has.
        parts: what else the HTML asks for.
    """
    return read(room, f"{widget}.html").format(
        name=name or _own_name(widget),
        style=read(room, f"{widget}.css"),
        script=read(room, f"{widget}.js"),
        **parts,
    )


def read(room, name):
    """The text of a file that lies in a package."""
    return resources.files(room).joinpath(name).read_text(encoding="utf-8")


def _own_name(widget):
    """An id for an output. Outputs of many kernels may stand in one document, so it is random."""
    return f"{widget}-{secrets.token_hex(8)}"


def as_json(data):
    """Plain data for a script element, which no text inside them can end."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def credit(widget, text):
    """The line below a widget that says whose style it shows; empty where there is none."""
    return f'<p class="{widget}-credit">{html.escape(text)}</p>' if text else ""


def data_uri(image):
    """A Pillow image as a PNG inside a link."""
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
