"""What is shown never stops the work, and is shown as well as the terminal can."""

import io
import os
import sys

import pytest

from avatarlib.core.terminal import Screen, bar, say
from avatarlib.data import render


class Writer(io.RawIOBase):
    """A terminal that is gone, or a full disk."""

    def __init__(self, error):
        self.error = error

    def writable(self):
        return True

    def write(self, data):
        raise self.error


def gone():
    """Streams that nothing can be written to."""
    reader, writer = os.pipe()
    os.close(reader)
    closed = io.StringIO()
    closed.close()
    return {
        "missing": None,
        "closed": closed,
        "a pipe that nobody reads": io.TextIOWrapper(open(writer, "wb", 0), write_through=True),
        "a terminal that was closed": io.TextIOWrapper(Writer(OSError(5, "EIO")), "utf-8"),
        "a full disk": io.TextIOWrapper(Writer(OSError(28, "ENOSPC")), write_through=True),
    }


CODE_PAGES = ["utf-8", "cp1251", "cp1253", "cp866", "cp932", "cp437", "cp850", "ascii", "latin-1"]


@pytest.mark.parametrize("code_page", CODE_PAGES)
def test_what_a_code_page_lacks_is_shown_otherwise(code_page, monkeypatch):
    paper = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(paper, code_page, write_through=True))
    say("“Fréchet”: 95\N{NO-BREAK SPACE}%, 3 × 头 – ∞")
    shown = paper.getvalue().decode(code_page)
    plain = shown.replace("“", '"').replace("”", '"').replace("é", "e").replace("\xa0", " ")
    plain = plain.replace("×", "x").replace("–", "-").replace("头", "\\u5934")
    assert plain.replace("∞", "\\u221e") == '"Frechet": 95 %, 3 x \\u5934 - \\u221e' + os.linesep


def test_names_that_are_no_text_are_shown_with_their_numbers(monkeypatch):
    paper = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(paper, "utf-8", write_through=True))
    say(os.fsdecode(b"caf\xe9") + " é")
    assert paper.getvalue().decode() == "caf\\udce9 é" + os.linesep


@pytest.mark.parametrize("name", gone())
def test_where_nothing_can_be_shown_the_work_goes_on(name, monkeypatch):
    stream = gone()[name]
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    say("nobody hears this")
    with bar(total=3, mininterval=0) as progress:
        for _ in range(3):
            progress.set_postfix_str("nor sees this")
            progress.update()
            say("nor this")
    assert render("big-smile", 3, 16, seed=hash(name) % 2**32).images.shape == (3, 16, 16, 3)


def test_a_sentence_and_a_bar_share_a_terminal(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    with bar(total=2, mininterval=0) as progress:
        progress.update()
        say("a sentence")
    # The bar was wiped out before, and is drawn again below.
    assert "\ra sentence\n\r" in screen.getvalue()
    assert "2/2" not in screen.getvalue() and "1/2" in screen.getvalue()


def test_a_bar_can_be_left_out(capsys):
    with bar(shown=False, total=2) as progress:
        progress.update(2)
    assert capsys.readouterr() == ("", "")


def test_a_screen_says_what_its_stream_says():
    stream = io.StringIO()
    assert Screen(stream) == stream and Screen(stream) == Screen(stream)
    assert Screen(stream) != io.StringIO()
    assert Screen(sys.__stdout__).encoding == sys.__stdout__.encoding
