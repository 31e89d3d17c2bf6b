"""The Colab edition: a Sphinx builder that writes each notebook page in plain Markdown.

Run by tools/build_colab.py. Nothing is executed: a code cell that draws a figure gets a stand-in
for it, which bears the figure's caption and its number, so that all numbers are the book's.

What a page says of itself, in its notebook's metadata:

    {"avatarlib": {"gpu": true, "extras": ["imagenet"]}}

`gpu`: it gains from one, and Colab opens it with one; `extras`: what it needs of avatarlib's
extras, besides the frameworks, which Colab has.
"""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import v4
from plain_markdown import Code, PlainMarkdown
from sphinx.builders import Builder

COLAB = "https://colab.research.google.com/github"
RAW = "https://raw.githubusercontent.com"
MINUTES = re.compile(r"\*.*\bminutes? to read\b.*\*")

ABOUT = """\
> This page of the course [{course}]({book}) is made to be run. \
[Read it in the book]({page}), where nothing needs to be installed.
>
> The next cell installs the course's library; run it first. (On Kaggle, switch *Internet* on \
before. On a computer of your own where avatarlib is installed, skip it.)"""
GPU = """
>
> With a GPU this page trains longer, and shows more. On Colab: *Runtime*, *Change runtime type*, \
*T4 GPU*. On Kaggle: *Settings*, *Accelerator*, *GPU T4 x2*."""


class ColabBuilder(Builder):
    """Writes the notebooks."""

    name = "colab"
    format = "colab"

    def init(self):
        """Called by Sphinx before anything is read."""
        self.config.nb_execution_mode = "off"
        self.config.nb_mime_priority_overrides = [
            *self.config.nb_mime_priority_overrides,
            [self.name, "text/plain", 0],
        ]
        self.app.connect("source-read", put_stand_ins)
        options = self.config.html_theme_options
        self.repository = options["repository_url"].rstrip("/")
        self.branch = options["repository_branch"]
        self.place = self.repository.removeprefix("https://github.com/")

    def get_outdated_docs(self):
        """All pages: the numbers of one depend on the others."""
        return self.env.found_docs

    def is_notebook(self, docname):
        """Whether a page is a notebook. The others stay in the book."""
        return self.env.doc2path(docname).endswith(".ipynb")

    def book(self, path=""):
        """The address of a page of the rendered book, on GitHub Pages if nothing else is said."""
        owner, name = self.place.split("/")
        base = self.config.html_baseurl or f"https://{owner}.github.io/{name}"
        return f"{base.rstrip('/')}/{path}"

    def get_target_uri(self, docname, typ=None):
        """The address of a page: of its notebook, if it is one, else in the book.

        In full, since Colab does not know where the notebook that it shows came from. It leads
        from a local copy to Colab, too; so does the book.
        """
        if not self.is_notebook(docname):
            return self.book(f"{docname}.html")
        branch = f"{COLAB}/{self.place}/blob/{self.branch}"
        return f"{branch}/colab/{docname}.ipynb"

    def get_relative_uri(self, from_, to, typ=None):
        """The same, from wherever."""
        return self.get_target_uri(to)

    def prepare_writing(self, docnames):
        """Nothing."""

    def write_doc(self, docname, doctree):
        """Write one notebook."""
        if not self.is_notebook(docname):
            return
        source = nbformat.read(self.env.doc2path(docname), 4)
        markdown = PlainMarkdown(
            self.env.toc_fignumbers.get(docname, {}),
            self.config.numfig_format,
            self.get_target_uri(docname),
            f"{RAW}/{self.place}/{self.branch}/",
        )
        page = self.notebook(docname, source, markdown.blocks(doctree))
        path = Path(self.outdir, f"{docname}.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(page, path)

    def notebook(self, docname, source, blocks):
        """A notebook: what it is, how to install, then the page's blocks."""
        about = source.metadata.get("avatarlib", {})
        header = ABOUT.format(
            course=self.config.html_title,
            book=self.book(),
            page=self.book(f"{docname}.html"),
        )
        header += GPU if about.get("gpu") else ""
        start = 2 if MINUTES.fullmatch(blocks[1]) else 1
        cells = [
            text_cell([*blocks[:start], header]),
            v4.new_code_cell(self.installation(about.get("extras", []))),
            *cells_of(blocks[start:], source),
        ]
        name_cells(cells, docname)
        return v4.new_notebook(cells=cells, metadata=metadata(about))

    def installation(self, extras):
        """The one line that installs the library.

        Neither quiet nor through Python: else Colab would not see that a restart is needed. It
        never names the frameworks, which Colab has, in versions that belong together.
        """
        of = f"[{','.join(extras)}]" if extras else ""
        address = f"git+{self.repository}@{self.branch}"
        return f'%pip install "avatarlib{of} @ {address}"'


def put_stand_ins(app, docname, source):
    """Give each cell that draws a figure an output, for the caption and the number."""
    if not app.builder.is_notebook(docname):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if "figure" in cell["metadata"].get("mystnb", {}):
            picture = {"text/plain": "a picture"}
            output = {"output_type": "display_data", "data": picture}
            cell["outputs"] = [output | {"metadata": {}}]
    source[0] = json.dumps(notebook)


def cells_of(blocks, source):
    """The cells that blocks become: each heading begins one, and what folds open ends one."""
    cells, texts = [], []
    for block in [*blocks, None]:
        is_next = not isinstance(block, str) or block.startswith("#")
        if texts and (is_next or texts[-1].endswith("</details>")):
            cells.append(text_cell(texts))
            texts = []
        if isinstance(block, Code):
            cells.append(copied(source.cells[block.index], block.title))
        elif block:
            texts.append(block)
    return cells


def text_cell(blocks):
    """A cell of Markdown."""
    return v4.new_markdown_cell("\n\n".join(blocks))


def copied(cell, title):
    """A code cell of the page, with the output that the page stores; folded if it has a title."""
    tags = cell.metadata.get("tags")
    marks = {"tags": tags} if tags else {}
    source = cell.source
    if title:
        source = f"#@title {title}\n{source}"
        # Folded on Colab, in JupyterLab and on Kaggle.
        marks |= {"cellView": "form", "jupyter": {"source_hidden": True}}
        marks |= {"_kg_hide-input": True}
    return v4.new_code_cell(
        source,
        metadata=marks,
        outputs=cell.outputs,
        execution_count=cell.execution_count,
    )


def name_cells(cells, docname):
    """Give the cells names made from the page and their text: the same each time, and on."""
    seen = Counter()
    for cell in cells:
        text = f"{docname}\n{seen[cell.source]}\n{cell.source}"
        seen[cell.source] += 1
        cell.id = hashlib.sha256(text.encode()).hexdigest()[:8]


def metadata(about):
    """A notebook's metadata; `about` is what its page says of itself."""
    python = {"name": "python3", "display_name": "Python 3"}
    found = {
        "colab": {"toc_visible": True},
        "kernelspec": python | {"language": "python"},
        "language_info": {"name": "python"},
    }
    if about.get("gpu"):
        found["accelerator"] = "GPU"
        found["colab"]["gpuType"] = "T4"
    return found


def setup(app):
    """Register with Sphinx."""
    app.add_builder(ColabBuilder)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
