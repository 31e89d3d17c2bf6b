"""What makes the pages of the book light: book/_ext, piece by piece."""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import avatarlib as al
from avatarlib.training.initial import initial_weights

sys.path.insert(0, str(Path(__file__).parents[1] / "book" / "_ext"))
import icons
import later
import mathematics
import pictures
import styles

# ---------------------------------------------------------------- formulas


def test_a_sign_after_an_ampersand_stands_between_two_sides():
    text = mathematics.mathml(r"\begin{aligned} a &= b \\[0.3em] &\quad + c \end{aligned}", True)
    assert '<mo form="infix">=</mo>' in text and '<mo form="infix">+</mo>' in text
    assert "0.3" not in text


def test_a_sign_between_words_stands_between_two_sides():
    text = mathematics.mathml(r"\text{fan-in} + \text{fan-out}", False)
    assert '</mtext><mo form="infix">+</mo><mtext>' in text


def test_a_large_bracket_with_an_exponent_is_in_a_row_that_can_stretch_it():
    text = mathematics.mathml(r"\Bigl( x \Bigr)^3", True)
    assert re.search(r"<msup><mrow><mo [^>]*>\)</mo></mrow><mn>3</mn></msup>", text)


def test_quotation_marks_in_words_open_and_close():
    assert "<mtext>“machine”</mtext>" in mathematics.mathml('\\text{"machine"}', False)


def test_an_unknown_command_is_an_error():
    with pytest.raises(mathematics.LatexError):
        mathematics.mathml(r"\frak{}\nosuchthing", True)


# ---------------------------------------------------------------- style sheets and icons


def test_rules_that_no_page_can_mean_are_left_out():
    known = styles.words(['<p class="here also" id="place">'], ["add('shown'); 'made-' + side"])
    rules = {
        ".here { color: red }": True,
        ".here .gone { color: red }": False,
        ".gone, #place > p { color: red }": True,
        "#nowhere { color: red }": False,
        ".shown, .made-left { color: red }": True,
        "p:not(.gone) { color: red }": True,
        "@media print { .here { color: red } .gone { color: red } }": True,
        "@media print { .gone { color: red } }": False,
        ":root { --gone: 1 }": True,
    }
    icons_alone = len(styles.one_sheet([], known))
    kept = {rule: len(styles.one_sheet([rule], known)) > icons_alone for rule in rules}
    assert kept == rules
    sheet = styles.one_sheet(rules, known)
    assert ".gone" not in re.sub(r":not\(\.gone\)", "", sheet)


def test_rules_of_two_sheets_keep_their_order():
    sheet = styles.one_sheet(["p{color:red}", "p{color:blue}"], set())
    assert 0 < sheet.index("red") < sheet.index("blue")


def test_an_icon_becomes_a_drawing_without_a_name_of_its_own():
    html = icons.draw('<button title="Menu"><span class="fa-solid fa-bars"></span></button>')
    assert html.startswith('<button title="Menu"><svg class="svg-inline--fa fa-bars"')
    assert 'aria-hidden="true"' in html and ' d="M' in html
    assert icons.draw('<i class="other"></i>') == '<i class="other"></i>'


# ---------------------------------------------------------------- widgets


def frames(n):
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)) for _ in range(n)]


def content(folder, name):
    """What a file beside the page holds: (name, data, pictures)."""
    text = (folder / name).read_text()
    return json.JSONDecoder().raw_decode(text.removeprefix("later("))[0], text


def test_the_frames_of_a_film_move_out_of_the_page_except_the_one_that_is_seen(tmp_path):
    film = al.show.Film(frames(4), ["a", "b", "c", "d"], "noise")._repr_html_()
    name = re.search(r'id="(film-\w+)"', film)[1]
    html = later.take_out(f"<p>before</p>{film}<p>after</p>", tmp_path, "page")
    assert html.startswith("<p>before</p>") and html.endswith("<p>after</p>")
    assert html.count("data:image") == 1 and html.count("<img") == 4
    assert f'data-played="page-{name}.js?v=' in html
    (found, data, images), _ = content(tmp_path, f"page-{name}.js")
    assert (found, data) == (name, None)
    assert images == re.findall(r'src="(data:[^"]+)"', film)[:3]
    assert 'slider.addEventListener("input"' in html  # it works as soon as they are there


def test_the_network_of_a_studio_moves_out_of_the_page_with_its_script(tmp_path):
    spec = al.presets.small(32, 3)
    weights = initial_weights(spec, "generator", 0)
    studio = al.show.Studio(spec, weights, frames(1)[0], "faces")._repr_html_()
    name = re.search(r'id="(studio-\w+)"', studio)[1]
    html = later.take_out(studio, tmp_path, "page")
    assert len(html) < len(studio) / 20
    assert "<script" in html and 'type="module"' not in html
    (found, data, images), text = content(tmp_path, f"page-{name}.js")
    assert (found, images) == (name, [])
    assert json.loads(data)["kernels"] in studio
    assert text.rstrip().endswith("});") and "function unpack" in text


def test_two_films_of_a_page_have_a_file_each(tmp_path):
    films = [al.show.Film(frames(2), ["a", "b"], "noise")._repr_html_() for _ in range(2)]
    html = later.take_out("".join(films), tmp_path, "page")
    assert len(list(tmp_path.iterdir())) == html.count("data-played=") == 2


def test_a_page_without_widgets_stays_as_it_is(tmp_path):
    html = '<p id="x">text</p><script type="module">other();</script>'
    assert later.take_out(html, tmp_path, "page") == html
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- pictures


@pytest.fixture
def book(tmp_path):
    """A book's folder with one picture."""
    (tmp_path / "_images").mkdir()
    (tmp_path / "book" / "part").mkdir(parents=True)
    smooth = np.linspace(0, 255, 200 * 300 * 3).reshape(200, 300, 3).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "_images" / "a.png", compress_level=1)
    return tmp_path


def lighten(html, book):
    page = book / "book" / "part" / "page.html"
    return pictures.lighten(html, page, book / "_images", book / "kept")


def test_a_picture_waits_keeps_its_place_and_every_pixel(book):
    before = np.asarray(Image.open(book / "_images" / "a.png"))
    html = lighten('<img alt="A" src="../../_images/a.png">', book)
    assert 'loading="lazy"' in html and 'width="300" height="200"' in html and 'alt="A"' in html
    path = book / "book" / "part" / re.search(r'src="([^"]+)"', html)[1]
    assert path.suffix == ".webp"
    assert np.array_equal(np.asarray(Image.open(path).convert("RGB")), before)


def test_a_picture_inside_a_page_becomes_a_file(book):
    png = io.BytesIO()
    frames(1)[0].save(png, "PNG")
    data = base64.b64encode(png.getvalue()).decode()
    html = lighten(f'<img data-label="x" src="data:image/png;base64,{data}" alt="A">', book)
    assert "data:" not in html and 'style="aspect-ratio: 40 / 40"' in html
    path = book / "book" / "part" / re.search(r'src="([^"]+)"', html)[1]
    shown = np.asarray(Image.open(path).convert("RGB"))
    assert np.array_equal(shown, np.asarray(frames(1)[0]))


def test_a_picture_of_the_theme_is_found_in_its_own_folder(book):
    (book / "_static").mkdir()
    (book / "_images" / "a.png").rename(book / "_static" / "a.png")
    html = lighten('<img alt="A" src="../../_static/a.png">', book)
    path = book / "book" / "part" / re.search(r'src="([^"]+)"', html)[1]
    assert path.is_file() and path.parent.name == "_static"


def test_tiny_pictures_drawings_and_the_logo_stay(book):
    for tag in (
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==">',
        '<img src="../../_static/logo.svg" class="logo__image">',
        "<img alt='no source yet'>",
    ):
        assert lighten(tag, book) == tag
