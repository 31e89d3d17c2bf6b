"""Every page of the built book, opened in a browser: wide and light, narrow and dark."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PAGES, ROOT
from server import serve

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
            .filter(e => e.checkVisibility())
            .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
    }""")
    assert cut == []


def test_no_raw_directives(shown):
    text = shown.page.evaluate("""() => {
        const article = document.querySelector('article').cloneNode(true);
        article.querySelectorAll('pre, code, script, style, math')
            .forEach(e => e.remove());
        return article.textContent;
    }""")
    assert [hit[0] for raw in RAW for hit in re.finditer(raw, text, re.MULTILINE)] == []


def test_mathematics_is_drawn(shown):
    """Every formula is MathML, and every letter of it is in the book's own font."""
    undrawn = shown.page.evaluate("""() =>
        [...document.querySelectorAll('.math')]
            .filter(e => !e.querySelector('math') || e.querySelector('merror, mtext[style*=red]'))
            .map(e => e.textContent)""")
    assert undrawn == []
    devtools = shown.page.context.new_cdp_session(shown.page)
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")
    root = devtools.send("DOM.getDocument")["root"]["nodeId"]
    found = devtools.send("DOM.querySelectorAll", {"nodeId": root, "selector": "article math"})
    fonts = {
        (font["familyName"], node)
        for node in found["nodeIds"]
        for font in devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    }
    strange = [
        (family, devtools.send("DOM.getOuterHTML", {"nodeId": node})["outerHTML"])
        for family, node in fonts
        if family != "Avatars Math"
    ]
    assert strange == []


def test_formulas_that_are_too_wide_can_be_scrolled_by_keyboard(shown):
    hidden = shown.page.evaluate("""() =>
        [...document.querySelectorAll('article .formula, article span.math')]
            .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth)
            .filter(e => getComputedStyle(e).display !== 'inline' && e.tabIndex !== 0)
            .map(e => e.textContent)""")
    assert hidden == []


def test_no_displayed_formula_is_wider_than_its_place(shown):
    wide = shown.page.evaluate("""() => [...document.querySelectorAll('article div.formula')]
        .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth)
        .map(e => e.textContent)""")
    assert wide == []


def test_a_formula_and_the_marks_beside_it_stay_together(shown):
    """No comma begins a line, and no bracket ends one."""
    alone = shown.page.evaluate("""() => [...document.querySelectorAll('article span.math')]
        .filter(e => e.checkVisibility()).flatMap(e => {
            const before = e.previousSibling?.data ?? '', after = e.nextSibling?.data ?? '';
            const sign = (node, at) => {
                const mark = document.createRange();
                mark.setStart(node, at);
                mark.setEnd(node, at + 1);
                return mark.getBoundingClientRect();
            };
            const formula = e.getBoundingClientRect(), found = [];
            if (/^[.,;:!?)]/.test(after) && sign(e.nextSibling, 0).left < formula.left)
                found.push(e.textContent + after.slice(0, 9));
            if (/[(“‘]$/.test(before)
                && sign(e.previousSibling, before.length - 1).left > formula.right)
                found.push(before.slice(-9) + e.textContent);
            return found;
        })""")
    assert alone == []


def test_a_number_and_its_per_cent_sign_stay_together(shown):
    text = shown.page.evaluate("""() => {
        const article = document.querySelector('article').cloneNode(true);
        article.querySelectorAll('pre, code, script, style, math, .film, .studio')
            .forEach(e => e.remove());
        return article.textContent;
    }""")
    assert re.findall(r"\d %", text) == []


def test_no_table_has_an_empty_heading(shown):
    assert "" not in [text.strip() for text in shown.page.locator("th").all_inner_texts()]


def test_images_are_loaded_and_described(shown):
    # A film's other frames come when it is played.
    images = shown.page.evaluate("""() => [...document.images].filter(
        image => image.hasAttribute('src') || !image.closest('.film')).map(
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


def test_equations_are_numbered_in_reading_order(visit, pages):
    numbers = [
        int(re.search(r"\d+", number)[0])
        for page in pages
        for number in visit(page).page.locator(".eqno").all_inner_texts()
    ]
    assert numbers == list(range(1, len(numbers) + 1)) and numbers


# ---------------------------------------------------------------- light pages


MOST = 800_000  # bytes, compressed, before anybody plays
WITH_WIDGETS = {
    "book/00-first-avatar.html": "studio",
    "book/02-concepts.html": "guess",
    "book/04-training-steps.html": "duel",
    "book/06-evaluation/human-evaluation.html": "study",
}
WITH_FILMS = ("book/00-first-avatar.html", "book/03-minimax.html")


@pytest.fixture
def on_a_phone(browser, book):
    """A function that opens a page and does nothing: (page, what the server has sent, errors)."""
    with serve(book) as server:
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page, errors = context.new_page(), []
        page.on("console", lambda m: m.type == "error" and errors.append(m.text))
        page.on("pageerror", lambda error: errors.append(str(error)))

        def open_page(path, root=server.address):
            page.goto(f"{root}/{path}", wait_until="load")
            page.wait_for_load_state("networkidle")
            return page, server.sent, errors

        yield open_page
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_before_anybody_plays(on_a_phone, path):
    page, sent, errors = on_a_phone(path)
    assert sum(size for _, size in sent) <= MOST, sorted(sent, key=lambda one: -one[1])[:5]
    waiting = page.locator("[data-reached], [data-played]").evaluate_all(
        """all => all.filter(e => e.getBoundingClientRect().top > 2000)
            .map(e => (e.dataset.reached || e.dataset.played).replace(/\\?.*/, ''))"""
    )
    assert set(waiting) & {name.rpartition("/")[2] for name, _ in sent} == set()
    assert errors == []


@pytest.mark.parametrize("path", PAGES)
def test_only_the_style_sheet_comes_before_the_first_paragraph(on_a_phone, path):
    page, _, _ = on_a_phone(path)
    blocking = page.evaluate("""() => performance.getEntriesByType('resource')
        .filter(entry => entry.renderBlockingStatus === 'blocking')
        .map(entry => new URL(entry.name).pathname)""")
    assert blocking == ["/_static/book.css"]
    scripts = page.evaluate("""() => {
        const first = document.querySelector('article p');
        return [...document.scripts].filter(script => script.src &&
            first.compareDocumentPosition(script) & Node.DOCUMENT_POSITION_PRECEDING)
            .map(script => script.src);
    }""")
    # Those that later.js has put into the head come last, wherever they stand.
    assert [script for script in scripts if "_static" in script] == []


@pytest.mark.parametrize("path, kind", WITH_WIDGETS.items())
@pytest.mark.parametrize("disk", [False, True], ids=["served", "disk"])
def test_a_widget_comes_when_it_is_reached(on_a_phone, book, path, kind, disk):
    page, sent, errors = on_a_phone(path, book.as_uri()) if disk else on_a_phone(path)
    widget = page.locator(f".{kind}[data-reached]")
    file = widget.get_attribute("data-reached").partition("?")[0]
    opened = {"study": ".study-first:not([hidden])"}.get(kind, f".{kind}-open")
    assert page.locator(opened).count() == 0
    widget.evaluate("widget => widget.scrollIntoView()")
    page.wait_for_selector(opened)
    assert disk or file in [name.rpartition("/")[2] for name, _ in sent]
    assert errors == []


@pytest.mark.parametrize("path", WITH_FILMS)
@pytest.mark.parametrize("disk", [False, True], ids=["served", "disk"])
def test_a_film_comes_when_it_is_played(on_a_phone, book, path, disk):
    page, sent, errors = on_a_phone(path, book.as_uri()) if disk else on_a_phone(path)
    film = page.locator(".film").first
    last = film.locator("output").inner_text()
    film.evaluate("film => film.scrollIntoView()")
    page.wait_for_load_state("networkidle")
    file = film.get_attribute("data-played").partition("?")[0]
    assert file not in [name.rpartition("/")[2] for name, _ in sent]
    film.get_by_role("button", name="Play").evaluate("button => button.click()")
    page.wait_for_function(
        "last => document.querySelector('.film output').textContent !== last", arg=last
    )
    wide = film.locator("img").evaluate_all("all => all.map(image => image.naturalWidth)")
    assert min(wide) > 0 and len(wide) > 1
    assert errors == []


def test_a_film_on_a_slow_line_plays_when_it_has_come(on_a_phone):
    page, _, errors = on_a_phone(WITH_FILMS[0])
    held = []
    page.route("**/*-film-*.js*", lambda route: held.append(route))
    film = page.locator(".film").first
    last = film.locator("output").inner_text()
    film.get_by_role("button", name="Play").click()
    page.wait_for_timeout(700)  # longer than a frame lasts
    assert film.get_attribute("aria-busy") and film.locator("output").inner_text() == last
    held[0].continue_()
    page.wait_for_function(
        "last => document.querySelector('.film output').textContent !== last", arg=last
    )
    assert film.get_by_role("button").inner_text() == "Pause"
    assert errors == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_works_from_a_disk(on_a_phone, book, path):
    page, _, errors = on_a_phone(path, book.as_uri())
    assert page.locator("button.copybtn").count() == page.locator("div.highlight").count()
    drawn = page.evaluate("document.fonts.check('16px \"Avatars Math\"')")
    assert drawn or page.locator("math").count() == 0
    assert errors == []


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


def test_the_page_of_the_last_runs_lists_every_notebook(book):
    text = (book / "book/reference/status.html").read_text(encoding="utf-8")
    pages = [page.removesuffix(".html") for page in PAGES]
    notebooks = [page for page in pages if (ROOT / f"{page}.ipynb").exists()]
    assert len(notebooks) > 10
    assert [page for page in notebooks if f">{page}</span>" not in text] == []
