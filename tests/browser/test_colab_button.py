"""The rocket at the top of a page, which opens the page's Colab edition."""

import re

from conftest import ROOT

LINK = re.compile(
    r'href="https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/\w+/([^"]+)"'
)


def test_the_button_of_each_notebook_leads_to_its_file_and_other_pages_have_none(book, pages):
    """A path that Colab does not find, or a button on a page without code."""
    for page in pages:
        notebook = page.replace(".html", ".ipynb")
        there = (ROOT / notebook).is_file()
        leads_to = LINK.findall((book / page).read_text(encoding="utf-8"))
        assert leads_to == [f"colab/{notebook}"] * there, page
        assert all((ROOT / path).is_file() for path in leads_to)


def test_the_pictures_of_the_buttons_are_there(book, pages):
    """A picture that was moved when the pages were made light."""
    for page in pages:
        path = book / page
        buttons = path.read_text(encoding="utf-8").split('class="article-header-buttons"')[1]
        for source in re.findall(r'<img[^>]* src="([^"]+)"', buttons.split("</article>")[0]):
            if not source.startswith("data:"):
                assert (path.parent / source).resolve().is_file(), f"{page}: {source}"
