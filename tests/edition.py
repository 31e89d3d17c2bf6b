"""The book's notebooks and the Colab edition of them, as tests read them."""

import re
from functools import cache
from pathlib import Path

import build_colab
import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
EDITION = ROOT / "colab"
PAGES = build_colab.pages()
NOTEBOOKS = build_colab.notebooks()
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
OWNER, NAME = CONFIG["repository"]["url"].split("/")[-2:]
BOOK = CONFIG["html"].get("baseurl") or f"https://{OWNER}.github.io/{NAME}/"

every_page = pytest.mark.parametrize("page", NOTEBOOKS)


@cache
def source(page):
    """A notebook of the book."""
    return nbformat.read(ROOT / page, 4)


@cache
def edition(page):
    """The same page of the Colab edition."""
    return nbformat.read(EDITION / page, 4)


def texts(notebook):
    """The texts of a notebook's cells of Markdown."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


@cache
def prose(page):
    """A page's Markdown, without the code that it only shows."""
    path = ROOT / page
    is_notebook = path.suffix == ".ipynb"
    text = "\n\n".join(texts(source(page))) if is_notebook else path.read_text(encoding="utf-8")
    return re.sub(r"^(`{3,})(?!\{).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
