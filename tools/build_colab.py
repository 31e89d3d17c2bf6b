"""Write the Colab edition of the book's notebooks into colab/: `make colab`.

The pages as plain Markdown with the book's numbers, and a first cell that installs avatarlib.
book/_ext/colab.py makes them; no notebook is executed. Each bears the fingerprint of what it was
made from, so that a test can say, without a build, that the edition is stale.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import nbformat
import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
EDITION = ROOT / "colab"
MAKERS = ("book/_ext/colab.py", "book/_ext/plain_markdown.py", "book/references.bib", "_toc.yml")

# What other pages say that a page repeats: headings and labels; and whatever is counted.
OUTLINE = re.compile(r"#{1,6} |\([\w-]+\)=|(?:`{3,}|:{3,})\{|:(?:label|name):|\$\$")


def main():
    """Build the pages in a folder of their own, stamp them, and put them in place of the old."""
    with tempfile.TemporaryDirectory() as folder:
        code = build(folder)
        if code:
            sys.exit(code)
        shutil.rmtree(EDITION, ignore_errors=True)
        for page in notebooks():
            stamp(page, Path(folder, "_build", "colab", page))
    print(f"The Colab edition: {len(notebooks())} notebooks in {EDITION.name}/")


def build(folder):
    """Build the pages with Sphinx; a warning is an error. Returns the exit code."""
    command = "from jupyter_book.cli.main import main; main()"
    options = ["build", str(ROOT), "--path-output", folder, "--quiet", "-W", "-n", "--keep-going"]
    options += ["--builder", "custom", "--custom-builder", "colab"]
    return subprocess.run([sys.executable, "-c", command, *options], cwd=ROOT).returncode


def stamp(page, built):
    """Put a page in its place, with where it comes from and its fingerprint."""
    notebook = nbformat.read(built, 4)
    notebook.metadata["avatarlib"] = {"made_from": page, "fingerprint": fingerprint(page)}
    target = EDITION / page
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def pages():
    """The files of the table of contents, in its order."""
    names = [ROOT / page for page in parse_toc_yaml(ROOT / "_toc.yml")]
    found = [name.with_suffix(end) for name in names for end in (".ipynb", ".md")]
    return [path.relative_to(ROOT).as_posix() for path in found if path.exists()]


def notebooks():
    """The pages that are notebooks."""
    return [page for page in pages() if page.endswith(".ipynb")]


def fingerprint(page):
    """A hash of what a page of the edition is made from.

    Its own source; what makes it; and of the other pages what it may repeat, such as their
    headings, and what is counted through the book, such as their figures. So a new sentence on
    one page leaves the others as they are.
    """
    return digest(text_of(page), common())


@cache
def common():
    """A hash of what all pages are made from."""
    config = yaml.safe_load(text_of("_config.yml"))
    settings = [config["title"], config["repository"], config["html"].get("baseurl")]
    outlines = [f"{page}\n{outline(page)}" for page in pages()]
    return digest(json.dumps(settings), *map(text_of, MAKERS), *outlines)


def outline(page):
    """The lines of a page that others repeat or count, and its figures."""
    if page.endswith(".md"):
        return "\n".join(filter(OUTLINE.match, text_of(page).splitlines()))
    found = []
    for cell in json.loads(text_of(page))["cells"]:
        if cell["cell_type"] == "markdown":
            found += filter(OUTLINE.match, "".join(cell["source"]).splitlines())
        elif "figure" in cell["metadata"].get("mystnb", {}):
            found.append(cell["metadata"]["mystnb"]["figure"]["name"])
    return "\n".join(found)


def text_of(name):
    """The text of one of the project's files, with the same line ends on every system."""
    return (ROOT / name).read_text(encoding="utf-8")


def digest(*texts):
    """A hash of texts, in this order."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


if __name__ == "__main__":
    main()
