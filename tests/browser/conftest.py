"""The built book, served on this machine, and a browser to read it with."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

sys.path.insert(0, str(Path(__file__).parent))
from server import serve

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = [f"{page}.html" for page in parse_toc_yaml(ROOT / "_toc.yml")]
# A laptop by day and a phone by night: both widths and both themes.
SCREENS = {"wide": (1280, 900, "light"), "phone": (390, 844, "dark")}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def book():
    """The folder of the built book; it is built if it is missing."""
    if not (HTML / "index.html").exists():
        subprocess.run([sys.executable, ROOT / "tools" / "build_book.py"], check=True)
    return HTML


@pytest.fixture(scope="session")
def pages():
    """The pages' addresses in the book, in reading order."""
    return PAGES


@pytest.fixture(scope="session")
def address(book):
    """Where the book is served."""
    with serve(book) as server:
        yield server.address


@pytest.fixture(scope="session")
def browser():
    """Chromium, as the system has installed it."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        sentence = (
            "These tests need Chromium, and there is none here. On Debian and Ubuntu: "
            "sudo apt install chromium. Elsewhere, install Chromium or Chrome, on the PATH."
        )
        if os.environ.get("AVATARLIB_REQUIRE_CHROMIUM"):
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program,
            # No sandbox, because build servers run as root, where Chromium refuses it.
            args=["--no-sandbox", "--disable-background-networking"],
        )


@dataclass
class Visit:
    """A page that was opened, and what it did while it loaded."""

    page: Page
    errors: list = field(default_factory=list)
    strangers: list = field(default_factory=list)


@pytest.fixture(scope="session")
def visit(browser, address):
    """A function that opens a page of the book on a screen and waits until all is drawn."""
    contexts = []

    def open_page(path, screen="wide"):
        width, height, theme = SCREENS[screen]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        contexts.append(context)
        page = context.new_page()
        visit = Visit(page)
        page.on("console", lambda m: m.type == "error" and visit.errors.append(m.text))
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.on(
            "response", lambda r: r.status >= 400 and visit.errors.append(f"{r.status} {r.url}")
        )

        def is_elsewhere(url):
            parts = urlsplit(url)
            return parts.scheme in ("http", "https") and parts.netloc != urlsplit(address).netloc

        page.on("request", lambda r: is_elsewhere(r.url) and visit.strangers.append(r.url))
        page.route(is_elsewhere, lambda route: route.abort())
        page.goto(f"{address}/{path}", wait_until="load")
        # Pictures and widgets below the screen load only when somebody comes near them.
        page.evaluate("""async () => {
            for (const image of document.images) image.loading = 'eager';
            await Promise.allSettled([...document.images].map(image => image.decode()));
            for (const widget of document.querySelectorAll('[data-reached]')) {
                widget.scrollIntoView();
                await new Promise(done => setTimeout(done, 100));
            }
            scrollTo(0, 0);
            await document.fonts.ready;
        }""")
        page.wait_for_load_state("networkidle")
        return visit

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(
    scope="session",
    params=[(page, screen) for page in PAGES for screen in SCREENS],
    ids=lambda param: f"{param[0].removesuffix('.html')}-{param[1]}",
)
def shown(request, visit):
    """Each page on each screen."""
    opened = visit(*request.param)
    yield opened
    opened.page.close()


@dataclass
class Opened:
    """A page with widgets, and what went wrong in it."""

    page: Page
    errors: list = field(default_factory=list)


@pytest.fixture(scope="session")
def open_widgets(browser, tmp_path_factory):
    """A function that opens a page of nothing but these widgets, as a file, on a screen."""
    contexts = []

    def open_page(*widgets, ready, width=1280, script=True, theme="light", **settings):
        file = tmp_path_factory.mktemp("widgets") / "page.html"
        file.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Widgets</title>'
            '<meta name="viewport" content="width=device-width">'
            "<style>:root { color-scheme: light dark; } body { margin: 16px; }</style>"
            f"<main><h1>Widgets</h1>{''.join(widgets)}</main></html>",
            encoding="utf-8",
        )
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            java_script_enabled=script,
            color_scheme=theme,
            **settings,
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda m: m.type == "error" and opened.errors.append(m.text))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on(
            "request", lambda r: r.url.startswith("http") and opened.errors.append(r.url)
        )
        opened.page.goto(file.as_uri())
        if script:
            opened.page.wait_for_selector(ready)
        return opened

    yield open_page
    for context in contexts:
        context.close()
