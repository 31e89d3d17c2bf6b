"""How fast real avatars come: `render` on all cores and from its cache, beside a plain loop.

    python benchmarks/render.py

The plain loop uses the same packages for the same avatars in the same run: half of it before and
half of it after `render`, so that a machine that slows down slows both.
"""

import io
import json
import os
import platform
import tempfile
import time
from importlib import resources

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image

from avatarlib.data import render

STYLE, SIZE, SEED = "big-smile", 32, 0
LOOP, COUNT = 8_000, 20_000
ROW = "{:34}{:>9,}{:>10.2f}{:>12,.0f}{:>8.2f}"


def main():
    style = read_style()
    plain_loop(style, range(50))  # the first avatars also load the packages
    with tempfile.TemporaryDirectory() as cache:
        os.environ["AVATARLIB_CACHE"] = cache
        before, first = seconds(lambda: plain_loop(style, range(LOOP // 2)))
        rendering, avatars = seconds(lambda: render(STYLE, COUNT, SIZE, SEED, progress=False))
        next_time, _ = seconds(lambda: render(STYLE, COUNT, SIZE, SEED + 1, progress=False))
        after, second = seconds(lambda: plain_loop(style, range(LOOP // 2, LOOP)))
        loading, again = seconds(lambda: render(STYLE, COUNT, SIZE, SEED, progress=False))
    assert (avatars.images[:LOOP] == np.concatenate([first, second])).all()  # the same pictures
    assert (avatars.images == again.images).all()

    looping = before + after
    print(f"{STYLE} at {SIZE} pixels, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'':34}{'avatars':>9}{'seconds':>10}{'avatars/s':>12}{'ratio':>8}")
    for name, count, duration in (
        ("plain loop, one core", LOOP, looping),
        ("render, first call: starts workers", COUNT, rendering),
        ("render, next call: another seed", COUNT, next_time),
        ("render, the first call's cache", COUNT, loading),
    ):
        ratio = (count / duration) / (LOOP / looping)
        print(ROW.format(name, count, duration, count / duration, ratio))
    print("\nAims on two idle cores: render at least 1.8 times the loop; the cache below a second.")


def read_style():
    text = (resources.files("dicebear_styles") / f"{STYLE}.json").read_text(encoding="utf-8")
    return Style(json.loads(text))


def plain_loop(style, numbers):
    """What anyone would write: one avatar after the other, picture and labels."""
    images, labels = [], []
    for i in numbers:
        drawn = Avatar(style, {"seed": f"{SEED}-{i}"}).to_json()
        png = resvg_py.svg_to_bytes(
            svg_string=drawn["svg"], width=SIZE, height=SIZE, background="white"
        )
        images.append(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))
        labels.append(drawn["options"])
    return np.stack(images)


def seconds(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
