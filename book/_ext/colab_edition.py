"""The Colab edition: each notebook page as Colab shows it, without a directive left.

A Sphinx builder. It takes the words from the resolved doctree, where the book's numbers are, and
the code from the notebook itself. `make colab` runs it; colab/ is its output and is never edited.
"""

import hashlib
import json
import re
from pathlib import Path

import nbformat
from docutils import nodes
from plain_markdown import Page, blocks, caption, heading
from sphinx.builders import Builder
from sphinx.util.console import bold
from sphinx.util.display import status_iterator

COLAB = "https://colab.research.google.com"
FOLDED = {"hide-input", "hide-cell"}
HERE = Path(__file__).parent


class Colab(Builder):
    """Writes colab/book/….ipynb for each notebook of the book."""

    name = "colab"
    epilog = "The notebooks for Colab are in %(outdir)s."

    def init(self):
        """Take the addresses from _config.yml."""
        self.addresses = Addresses(self.config.html_theme_options)

    def get_outdated_docs(self):
        """All of them: numbers change with other pages."""
        return self.env.found_docs

    def get_target_uri(self, docname, typ=None):
        """The address that a link to a page leads to."""
        if is_notebook(self.env, docname):
            return self.addresses.colab(docname)
        return self.addresses.book(docname)

    def get_relative_uri(self, from_, to, typ=None):
        """The same: a notebook knows no other place to start from."""
        return self.get_target_uri(to, typ)

    def write(self, *_):
        """Write every notebook page."""
        pages = sorted(
            name for name in self.env.found_docs if is_notebook(self.env, name)
        )
        for name in status_iterator(
            pages, bold("writing notebooks... "), "green", len(pages)
        ):
            notebook = make_notebook(self, name)
            path = Path(self.outdir) / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
            path.write_text(text, encoding="utf-8")


class Addresses:
    """Where the book, its notebooks and its pictures are found.

    Args:
        options: the theme's, which Jupyter Book fills from `repository` in _config.yml.
    """

    def __init__(self, options):
        self.repository = options["repository_url"]
        self.branch = options["repository_branch"]
        self.owner, self.name = self.repository.rstrip("/").split("/")[-2:]

    def book(self, docname):
        """A page of the rendered book."""
        return f"https://{self.owner}.github.io/{self.name}/{docname}.html"

    def colab(self, docname):
        """A notebook, opened in Colab."""
        place = (
            f"{self.owner}/{self.name}/blob/{self.branch}/colab/{docname}.ipynb"
        )
        return f"{COLAB}/github/{place}"

    def picture(self, path):
        """A file of the repository, as it is."""
        server = "https://raw.githubusercontent.com"
        return f"{server}/{self.owner}/{self.name}/{self.branch}/{path}"

    def install(self, extras):
        """The line that installs the library, with some of its extras."""
        wanted = f"[{','.join(extras)}]" if extras else ""
        return f'%pip install "avatarlib{wanted} @ git+{self.repository}@{self.branch}"'


def is_notebook(env, docname):
    """Whether a page is a notebook that a reader can run."""
    return env.doc2path(docname).endswith(".ipynb")


def make_notebook(builder, docname):
    """A page as plain data of a notebook."""
    env, addresses = builder.env, builder.addresses
    source = nbformat.read(env.doc2path(docname), 4)
    about = source.metadata.get("avatarlib", {})
    page = Page(env.toc_fignumbers.get(docname, {}), addresses.picture)
    cells = body(
        env.get_and_resolve_doctree(docname, builder), page, source.cells
    )
    title, minutes, words = "".join(cells[0]["source"]).split("\n\n", 2)
    first = [
        markdown(f"{title}\n\n{minutes}"),
        *opening(addresses, docname, about),
        markdown(words),
    ]
    metadata = {
        "avatarlib": about
        | {"made_of": fingerprint(Path(env.doc2path(docname)))},
        "colab": {
            "name": Path(docname).name,
            "provenance": [],
            "toc_visible": True,
        },
        "kernelspec": dict(source.metadata["kernelspec"]),
        "language_info": {"name": "python"},
    }
    if about.get("gpu"):
        metadata["accelerator"] = "GPU"
    return {
        "cells": [
            with_id(docname, i, cell)
            for i, cell in enumerate([*first, *cells[1:]])
        ],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def fingerprint(path):
    """A hash of what a page is made of, without the numbers that other pages decide."""
    text = b"".join(
        file.read_bytes()
        for file in (
            path,
            HERE / "colab_edition.py",
            HERE / "plain_markdown.py",
        )
    )
    return hashlib.sha256(text).hexdigest()[:16]


def opening(addresses, docname, about):
    """Where the page comes from, what a GPU brings, and the line that installs the library."""
    words = f"This is a page of the course [Avatars from Noise]({addresses.book(docname)}), made for Colab."
    if about.get("gpu"):
        words += f"\n\n**A GPU helps here:** {about['gpu']} Runtime → Change runtime type → T4 GPU."
    words += (
        "\n\nThe next cell installs the course's library; it changes none of the packages that are "
        "there. On Kaggle, switch the internet on first, and choose T4 as accelerator."
    )
    return [
        markdown(words),
        code_cell(addresses.install(about.get("extras", []))),
    ]


def body(doctree, page, sources):
    """The page's cells: what stands between code cells is one cell of Markdown."""
    cells, words = [], []

    def flush():
        if words:
            cells.append(markdown("\n\n".join(words)))
            words.clear()

    def walk(node, level):
        for child in node.children:
            if isinstance(child, nodes.section):
                walk(child, level + 1)
            elif child.get("nb_element") == "cell_code":
                flush()
                captions = [
                    caption(figure, page)
                    for figure in child.findall(nodes.figure)
                ]
                cells.append(copied(sources[child["cell_index"]], captions))
                words.extend(captions)
            elif child.get("nb_element"):
                walk(child, level)
            elif has_code(
                child
            ):  # an exercise or a solution that goes over several cells
                words.append(heading(child, page, level + 1))
                walk(nodes.Element("", *child.children[1:]), level + 1)
            else:
                words.extend(blocks(nodes.Element("", child), page, level))

    walk(doctree, 0)
    flush()
    return cells


def has_code(node):
    """Whether a block holds a cell of code."""
    return any(
        part.get("nb_element") == "cell_code"
        for part in node.findall(nodes.container)
    )


def copied(cell, captions):
    """A code cell as in the source; where the book folds its code, Colab and Jupyter do."""
    metadata = {"tags": list(cell.metadata.get("tags", []))}
    source = cell.source
    if FOLDED & set(metadata["tags"]):
        metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
        source = f"#@title {form_title(captions)}\n{source}"
    return code_cell(source, metadata if metadata["tags"] else {})


def form_title(captions):
    """What stands in place of folded code."""
    number = re.match(r"\*\*(Figure \d+)", captions[0]) if captions else None
    return f"{number[1]}: the code" if number else "The code"


def markdown(text):
    """A cell of words."""
    return {"cell_type": "markdown", "metadata": {}, "source": lines(text)}


def code_cell(source, metadata=None):
    """A cell of code, not run."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata or {},
        "outputs": [],
        "source": lines(source),
    }


def lines(text):
    """A text as nbformat keeps it."""
    return text.splitlines(keepends=True)


def with_id(docname, place, cell):
    """The cell with a name that is the same each time."""
    digest = hashlib.sha256(f"{docname} {place}".encode()).hexdigest()[:8]
    return {"cell_type": cell["cell_type"], "id": digest} | cell


def setup(app):
    """Called by Sphinx."""
    app.add_builder(Colab)
    return {"parallel_read_safe": True}
