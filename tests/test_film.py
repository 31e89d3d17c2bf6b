"""Films that everyone can follow."""

import html
import io
import re
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from avatarlib import InputError
from avatarlib.show import Film

PICTURES = [np.full((3, 3, 3), 10 * i, np.uint8) for i in range(4)]
FRAMES = [Image.fromarray(picture) for picture in PICTURES]
LABELS = ["epoch 0", 'a "b" <i>', "c & d", "{e}"]


def tags(page, name):
    return re.findall(f"<{name}[^>]*>", page)


def attribute(tag, name):
    return html.unescape(re.search(f'{name}="([^"]*)"', tag).group(1))


def test_a_film_holds_every_frame_with_its_own_alternative_text():
    pictures = tags(Film(FRAMES, LABELS, 'faces "as" they <grow>')._repr_html_(), "img")
    assert len(pictures) == 4
    for picture, label, frame in zip(pictures, LABELS, FRAMES, strict=True):
        assert attribute(picture, "alt") == f'faces "as" they <grow>: {label}'
        start, _, content = attribute(picture, "src").partition(",")
        assert start == "data:image/png;base64"
        shown = Image.open(io.BytesIO(b64decode(content)))
        assert (np.asarray(shown) == np.asarray(frame)).all()


def test_without_javascript_a_film_shows_its_last_frame():
    pictures = tags(Film(FRAMES, LABELS, "faces")._repr_html_(), "img")
    assert [" hidden" in picture for picture in pictures] == [True, True, True, False]


def test_what_the_reader_wrote_cannot_break_the_page():
    page = Film(FRAMES[:1], ["<script>x</script>"], '"><script>y</script>')._repr_html_()
    assert len(tags(page, "script")) == 1 and "<i>" not in page
    (slider,) = tags(page, "input")
    assert attribute(slider, "aria-label").startswith('"><script>y</script>')


def test_films_on_one_page_do_not_share_their_name():
    film = Film(FRAMES, LABELS, "faces")
    names = [attribute(tags(film._repr_html_(), "figure")[0], "id") for _ in range(2)]
    assert len(set(names)) == 2


def test_a_film_is_saved_as_a_gif_with_every_frame(tmp_path):
    Film(FRAMES, LABELS, "faces").save(tmp_path / "a.gif", milliseconds=300)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 4
        for i in range(4):
            gif.seek(i)
            assert gif.info["duration"] == 300
            assert (np.asarray(gif.convert("L")) == 10 * i).all()


def test_a_film_is_saved_whole_or_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        Film(FRAMES, LABELS, "faces").save(tmp_path / "no" / "a.gif")


def test_frames_and_labels_must_fit():
    for frames, labels in (([], []), (FRAMES, LABELS[:3])):
        with pytest.raises(InputError, match="do not fit together"):
            Film(frames, labels, "faces")
