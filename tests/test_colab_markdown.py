"""The Colab edition's texts: plain Markdown and mathematics, and links that lead somewhere."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from docutils.nodes import make_id
from edition import BOOK, CONFIG, PAGES, ROOT, edition, every_page, texts
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

PLACE = CONFIG["repository"]["url"].removeprefix("https://github.com/")
BRANCH = CONFIG["repository"]["branch"]
COLAB = f"https://colab.research.google.com/github/{PLACE}/blob/{BRANCH}/"
RAW = f"https://raw.githubusercontent.com/{PLACE}/{BRANCH}/"

# ---------------------------------------------------------------- what notebook programs show

# What directives, roles and Markdown look like when they were not understood.
LEFT = [
    r":::", r"```", r"~~~", r"\{[\w:-]+\}$", r"^\s*:\w+:", r"\(\w[\w-]*\)=$", r"\*\*", r"\]\(",
    r"\$", r"\\tag", r"\\begin", r"<\w", r"\[\^", r"%%",
]  # fmt: skip
HTML = re.compile(r"<details><summary><b>[^<]+</b></summary>|</details>|<br>")
parser = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, allow_digits=True)


def faults(text):
    """What is wrong with a cell of Markdown, one sentence a fault."""
    found = []
    for token in flat(parser.parse(text)):
        content = token.content
        if token.type == "text":
            hits = [hit[0] for raw in LEFT for hit in re.finditer(raw, content)]
            found += [f"{hit!r} is left in {content[:60]!r}" for hit in hits]
        elif token.type in ("html_block", "html_inline"):
            if HTML.sub("", content).strip():
                found.append(f"HTML: {content[:60]!r}")
        elif token.type in ("math_block", "math_inline"):
            if re.search(r"^\s*[=-]+\s*$|\n\s*\n|[<>]", content.strip("\n"), re.MULTILINE):
                found.append(f"a formula that is taken for something else: {content[:60]!r}")
        elif token.type == "fence" and token.info.startswith("{"):
            found.append(f"a directive: {token.info}")
    if text.count("<details>") != text.count("</details>"):
        found.append("what folds open does not end")
    if text.count("$$") != 2 * sum(t.type == "math_block" for t in flat(parser.parse(text))):
        found.append("a displayed formula is not taken for one")
    return found


def flat(tokens):
    """All tokens, those within lines, too."""
    for token in tokens:
        yield token
        yield from token.children or []


@every_page
def test_each_cell_is_plain_markdown(page):
    """A directive, a role or a sign that a notebook program would show as it is."""
    assert [fault for text in texts(edition(page)) for fault in faults(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "```{note}\nA box.\n```",
        "See {eq}`eq-value`.",
        ":::{dropdown} Answer\nYes.\n:::",
        "$$\na\n=\nb\n$$",
        "$$\na\n\nb\n$$",
        "A price of $5.",
        "<div>a widget</div>",
        "<details><summary><b>Answer</b></summary>\n\nNever ends",
        "$a <b$",
        "(a-label)=",
    ],
)
def test_a_faulty_cell_is_found(text):
    assert faults(text)


@every_page
def test_headings_nest(page):
    """A heading that skips a level, or a second title: the table of contents would be wrong."""
    text = "\n\n".join(texts(edition(page)))
    levels = [int(token.tag[1]) for token in parser.parse(text) if token.type == "heading_open"]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in zip(levels, levels[1:], strict=False))


def links(notebook):
    """The addresses of links and pictures."""
    tokens = flat([t for text in texts(notebook) for t in parser.parse(text)])
    found = [token.attrGet("href") or token.attrGet("src") for token in tokens]
    return [address for address in found if address]


@every_page
def test_links_lead_somewhere(page):
    """A relative link, which Colab does not know; a page or a term that is not there."""
    glossary = (ROOT / "book/reference/glossary.md").read_text(encoding="utf-8")
    terms = {make_id(line) for line in glossary.splitlines()}
    in_book = {Path(each).with_suffix(".html").as_posix(): each for each in PAGES}
    for address in links(edition(page)):
        assert re.match("https?://", address), f"relative: {address}"
        if "//colab." in address:
            assert address.startswith(f"{COLAB}colab/"), address
            assert (ROOT / address.removeprefix(COLAB)).is_file(), address
            assert address != f"{COLAB}colab/{page}", "a link to the page itself"
        elif address.startswith(RAW):
            assert (ROOT / address.removeprefix(RAW)).is_file(), address
        elif address.startswith(BOOK) and address != BOOK:
            name, _, anchor = address.removeprefix(BOOK).partition("#")
            assert in_book[name] == page or in_book[name].endswith(".md"), f"a notebook: {address}"
            assert not anchor.startswith("term-") or make_id(anchor[5:]) in terms, address


# ---------------------------------------------------------------- elements that no page has yet

MORE = """\
# More

*5 minutes to read.*

```{note}
A note with $a|b$.
```

|  left | right |
|-------|------:|
| $x\\|y$ | a\\|b  |

````{tab-set}
```{tab-item} PyTorch
~~~python
loss = "softplus"
~~~
```
````

```{figure} cover.png
:alt: A wall of faces
:name: fig-wall

The *wall*.
```

2019\\. and 2 \\* 3 < b, `a|b`, {numref}`fig-wall`.

1. One

   $$
   a < b
   $$
"""
EXPECTED = """\
> **Note**
>
> A note with $a|b$.

| left | right |
| --- | ---: |
| $x\\vert y$ | a\\|b |

**PyTorch**

```python
loss = "softplus"
```

![A wall of faces](https://raw.githubusercontent.com/a/b/main/cover.png)

**Fig. 1:** The *wall*.

2019\\. and 2 \\* 3 < b, `a|b`, Fig. 1.

1. One

   $$ a \\lt b $$"""


@pytest.fixture
def small_book(tmp_path, monkeypatch):
    """Builds a book of one page; returns the texts of its cells."""
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    shutil.copy(ROOT / "book/_static/cover.png", tmp_path)

    def build(text):
        cells = [nbformat.v4.new_markdown_cell(text)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "index.ipynb")
        settings = {
            "extensions": ["myst_nb", "sphinx_design", "colab"],
            "myst_enable_extensions": ["dollarmath"],
            "numfig": True,
            "html_title": "A book",
            "html_baseurl": "https://example.org/book/",
            "html_theme": "sphinx_book_theme",
            "html_theme_options": {
                "repository_url": "https://github.com/a/b",
                "repository_branch": "main",
            },
        }
        app = Sphinx(
            tmp_path, None, tmp_path / "out", tmp_path / "trees", "colab",
            confoverrides=settings, status=None, warning=None, freshenv=True,
        )  # fmt: skip
        app.build(force_all=True)
        return texts(nbformat.read(tmp_path / "out" / "index.ipynb", 4))

    return build


def test_elements_that_pages_to_come_will_have(small_book):
    first, text = small_book(MORE)
    assert text == EXPECTED
    assert "[A book](https://example.org/book/)" in first


def test_an_element_that_is_not_known_stops_the_build(small_book):
    """Nothing is left out in silence."""
    with pytest.raises(ExtensionError, match="add block_glossary"):
        small_book("# More\n\n```{glossary}\nterm\n  What it is.\n```")
