"""The pages as notebooks in JupyterLab, with its own settings."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import ROOT

RAW = [r":::", r"```", r"\{(?:numref|eq|ref|doc|cite(?::\w+)?|term|math|dropdown|exercise\S*)\}"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Where JupyterLab shows a copy of a page; no reader's settings are read or changed."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "book" / "03-minimax.ipynb", folder / "page.ipynb")
    own = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *settings, str(folder)],
        env=os.environ | own,
        stderr=subprocess.DEVNULL,
    )
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/api")
                break
            except OSError:
                assert time.monotonic() < end, "JupyterLab does not start"
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait()


def test_jupyterlab_shows_what_pages_are_written_in(browser, lab):
    """Formulas with numbers, folded answers, citations: `jupyterlab-myst` draws them."""
    page = browser.new_page(viewport={"width": 1280, "height": 6000})
    page.goto(f"{lab}/lab/tree/page.ipynb?reset")
    page.wait_for_selector(".jp-MarkdownCell h1", timeout=60_000)
    page.wait_for_timeout(3000)  # myst first draws the text, then what it refers to
    texts = page.evaluate("""() => [...document.querySelectorAll('.jp-MarkdownCell')]
        .filter(cell => !cell.querySelector('.cm-line')?.checkVisibility())  // not drawn yet
        .map(cell => cell.innerText)""")
    assert len(texts) > 5
    assert [hit[0] for raw in RAW for text in texts for hit in re.finditer(raw, text)] == []
    assert page.locator(".jp-MarkdownCell .katex").count() > 10
    assert page.locator(".jp-MarkdownCell details").count() > 0
    page.close()
