"""Pictures that come when the reader does: smaller, with their size known, and not before."""

import base64
import hashlib
import re
import shutil
from pathlib import Path

from PIL import Image

IMAGE = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'\ssrc="([^"]+)"')
SMALL = 1_500  # letters; a picture that short stays in the page
GAIN = 0.9  # WebP is used where it is smaller by a tenth


def lighten(html, page, images, kept):
    """A page whose pictures wait until they are near the screen.

    Args:
        html: the page.
        page: path of its file.
        images: the book's folder of pictures.
        kept: a folder where smaller pictures stay from build to build.
    """
    up = "../" * len(page.relative_to(images.parent).parent.parts)

    def better(match):
        tag = match[0]
        source = SOURCE.search(tag)
        if not source or "logo__image" in tag:
            return tag
        path = file_of(source[1], page, images)
        if path is None:
            return tag
        path, (width, height) = smallest(path, kept)
        if " width=" in tag:
            size = ""
        elif (
            "data-label=" in tag
        ):  # a film's style sheet asks whether its frames have a width
            size = f' style="aspect-ratio: {width} / {height}"'
        else:
            size = f' width="{width}" height="{height}"'
        place = path.resolve().relative_to(images.parent.resolve()).as_posix()
        tag = tag.replace(source[0], f' src="{up}{place}"')
        return f'<img loading="lazy"{size}{tag.removeprefix("<img")}'

    return IMAGE.sub(better, html)


def file_of(url, page, images):
    """The PNG file of a picture; one that stands in the page gets a file."""
    if url.startswith("data:image/png;base64,") and len(url) > SMALL:
        content = base64.b64decode(url.partition(",")[2])
        path = images / f"{hashlib.sha256(content).hexdigest()}.png"
        path.write_bytes(content)
        return path
    path = (page.parent / url).resolve()
    return path if path.suffix == ".png" and path.is_file() else None


def smallest(path, kept):
    """The file of a picture, as PNG or, pixel by pixel the same, as WebP; and its size."""
    content = path.read_bytes()
    webp = kept / f"{hashlib.sha256(content).hexdigest()}.webp"
    with Image.open(path) as image:
        size = image.size
        if not webp.exists():
            kept.mkdir(parents=True, exist_ok=True)
            image.save(
                webp, "WEBP", lossless=True, exact=True, method=4, quality=80
            )
    if webp.stat().st_size > GAIN * len(content):
        return path, size
    return Path(shutil.copy(webp, path.with_suffix(".webp"))), size
