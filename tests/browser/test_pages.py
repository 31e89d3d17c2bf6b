"""Every page of the built book, opened in a browser: wide and light, narrow and dark."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

# What a directive or role looks like when it was not understood.
RAW = [
    r":::", r"```", r"~~~", r"\{\w+[:\w-]*\}`", r"`\{", r"\{(?:numref|eq|ref|doc|cite|prf|term)\b",
    r"^\s*:(?:name|label|class|alt|width|caption|tags):", r"\$\$", r"\\begin\{", r"\[\^\w+\]",
]  # fmt: skip

# ---------------------------------------------------------------- each page, on each screen


def test_nothing_goes_wrong(shown):
    assert shown.errors == []


def test_no_other_host_is_asked(shown):
    assert shown.strangers == []


def test_the_page_does_not_scroll_sideways(shown):
    wider = shown.page.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        const wide = [...document.querySelectorAll('body *')]
            .filter(e => e.getBoundingClientRect().right > width + 1);
        return ['the page is ' + document.documentElement.scrollWidth + ' wide',
                ...wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120))];
    }""")
    assert wider == []


def test_no_text_is_cut_off_beside_the_screen(shown):
    """What is too wide scrolls in a box of its own; nothing just sticks out and is hidden."""
    cut = shown.page.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        const scrolls = e => e && e !== document.body &&
            (/(auto|scroll)/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
        return [...document.querySelectorAll('article.bd-article *')]
            .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e))
            .filter(e => !e.closest('mjx-assistive-mml') && e.checkVisibility())
            .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
    }""")
    assert cut == []


def test_no_raw_directives(shown):
    text = shown.page.evaluate("""() => {
        const article = document.querySelector('article').cloneNode(true);
        article.querySelectorAll('pre, code, script, style, mjx-container')
            .forEach(e => e.remove());
        return article.textContent;
    }""")
    assert [hit[0] for raw in RAW for hit in re.finditer(raw, text, re.MULTILINE)] == []


def test_mathematics_is_drawn(shown):
    """Every formula became MathJax's, without an error or an unknown command, which is red."""
    undrawn = shown.page.evaluate("""() => {
        const wrong = 'mjx-merror, mjx-container [style*="color: red"]';
        return [...document.querySelectorAll('.math')]
            .filter(e => !e.querySelector('mjx-container') || e.querySelector(wrong))
            .map(e => e.textContent);
    }""")
    assert undrawn == []


def test_images_are_loaded_and_described(shown):
    images = shown.page.evaluate("""() => [...document.images].map(
        image => ({src: image.src, alt: image.alt, width: image.naturalWidth}))""")
    assert [image for image in images if image["width"] == 0] == [], "not loaded"
    file_name = re.compile(r"^\s*$|/|_build|_images|\.(png|svg|jpe?g|gif|webp)\b", re.IGNORECASE)
    assert [image for image in images if file_name.search(image["alt"])] == [], "not described"


def test_figures_show_something(shown):
    """A figure holds a picture, a table or a widget, not the name of a Python object."""
    empty = shown.page.evaluate("""() =>
        [...document.querySelectorAll('article figure')]
            .filter(e => !e.querySelector('img, svg, video, canvas, table, .text_html'))
            .map(e => e.textContent.slice(0, 100))""")
    assert empty == []
    outputs = shown.page.locator("article .cell_output pre").all_inner_texts()
    assert [text for text in outputs if re.search(r"^<[\w. ]+.*>$|\bat 0x[0-9a-f]+", text)] == []


def test_everybody_can_read_it(shown):
    """axe-core finds no serious barrier, such as faint text or a button without a name."""
    # axe's preloading fetches style sheets from the wrong folder, and logs errors of its own.
    results = Axe().run(shown.page, options={"preload": False}).response
    barriers = [
        f"{rule['id']}: {node['html'][:150]} {node['failureSummary']}"
        for rule in results["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert barriers == []


def test_code_can_be_copied(shown):
    without = shown.page.evaluate("""() =>
        [...document.querySelectorAll('div.cell_input div.highlight')]
            .filter(e => !e.querySelector('button.copybtn')).length""")
    assert without == 0


# ---------------------------------------------------------------- the book as a whole


def test_the_first_page_is_the_cover(visit, pages):
    opened = visit(pages[0])
    address = opened.page.url.removesuffix(pages[0])
    opened.page.goto(f"{address}index.html", wait_until="commit")  # it sends the reader on
    opened.page.wait_for_url(f"{address}{pages[0]}")
    assert opened.errors == []


def test_search_finds_pages(visit):
    search = visit("search.html?q=avatars")
    search.page.wait_for_selector("#search-results li a")
    assert search.errors == [] and search.strangers == []


def test_a_word_that_is_nowhere_is_not_found(visit):
    search = visit("search.html?q=xylophonequagga")
    search.page.wait_for_selector("#search-results p.search-summary")
    search.page.wait_for_function(
        "document.querySelector('#search-results').innerText.includes('did not match')"
    )
    assert search.page.query_selector("#search-results li a") is None


@pytest.mark.parametrize("screen", ["wide", "phone"])
def test_light_and_dark_can_be_switched(visit, pages, screen):
    opened = visit(pages[0], screen)
    seen = set()
    for _ in range(3):  # automatic, light, dark
        seen.add(opened.page.evaluate("document.documentElement.dataset.theme"))
        opened.page.locator(".theme-switch-button:visible").first.click()
    assert seen == {"light", "dark"}
    assert opened.errors == []


# ---------------------------------------------------------------- links, without a browser


class Anchors(HTMLParser):
    """The ids of a page, and the links and files that it points at."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value)
            if name in ("href", "src") and value and tag not in ("base",):
                self.targets.append(value)


def broken_links(book: Path):
    """Links of the built pages that lead nowhere inside the book."""
    files = [path.resolve() for path in book.rglob("*.html")]
    pages = {path: Anchors(path) for path in files if "_static" not in path.parts}  # no templates
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue  # another site, a letter, data
            to = (path.parent / unquote(url.path)).resolve() if url.path else path
            anchor = unquote(url.fragment)
            if not to.is_file():
                broken.append(f"{path.relative_to(book.resolve())}: {target}: no such file")
            elif anchor and to in pages and anchor not in pages[to].ids:
                broken.append(f"{path.relative_to(book.resolve())}: {target}: no such place")
    return broken


def test_every_internal_link_leads_somewhere(book):
    assert broken_links(book) == []


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here"></a><a href="b.html#away"></a><img src="c.png"><a href="#top"></a>'
    )
    assert len(broken_links(tmp_path)) == 3


def test_every_page_of_the_contents_is_built(book, pages):
    assert [page for page in pages if not (book / page).exists()] == []
