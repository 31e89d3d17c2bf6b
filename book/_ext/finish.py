"""A Sphinx extension, the last hand on each page.

The built book needs no other host, no script comes twice, and lists are lists to a screen reader.
"""

import shutil
from importlib import resources
from pathlib import Path

# MathJax itself, its fonts, and what it loads when a reader opens its menu.
MATHJAX = (
    "tex-mml-chtml.js",
    "output/chtml",
    "input/tex/extensions",
    "a11y",
    "sre",
)


def copy_mathjax(app, error):
    """Put MathJax among the book's own files, from a Python package."""
    if error is None and app.builder.format == "html":
        # Not imported as usual, because the package's name has hyphens.
        source = (
            Path(str(resources.files("sphinx-mathjax-offline")))
            / "static"
            / "mathjax"
        )
        target = Path(app.outdir) / "_static" / "mathjax"
        for part in MATHJAX:
            copy = shutil.copytree if (source / part).is_dir() else shutil.copy2
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            copy(source / part, target / part)


def finish_page(app, pagename, templatename, context, doctree):
    """Drop repeated inline scripts, and mend the roles of the bibliography's entries."""
    # Jupyter Book adds one script twice; a second `const` of the same name is an error.
    seen, scripts = set(), []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if not body or body not in seen:
            scripts.append(script)
            seen.add(body)
    context["script_files"] = scripts
    # docutils gives the entries a role that is obsolete, and that a list may not contain.
    if "body" in context:
        context["body"] = context["body"].replace(
            'role="doc-biblioentry"', 'role="listitem"'
        )


def setup(app):
    """Register both with Sphinx."""
    app.connect("build-finished", copy_mathjax)
    app.connect(
        "html-page-context", finish_page, priority=900
    )  # after all who add scripts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
