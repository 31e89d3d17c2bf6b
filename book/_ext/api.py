"""The API pages: the library's docstrings, by room, with their sources beside them.

The docstrings are written for an editor, in plain text and Google's sections. Here the few signs
that reStructuredText would take for markup are kept as they are, and indented lines stay code.
"""

import re

SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:", "Yields:")


def setup(app):
    """Called by Sphinx."""
    for extension in ("autodoc", "napoleon", "viewcode"):
        app.setup_extension(f"sphinx.ext.{extension}")
    app.config.autodoc_member_order = "bysource"
    app.config.autodoc_preserve_defaults = True
    app.config.default_role = (
        "py:obj"  # `Spec` in a docstring leads to its entry
    )
    app.config.napoleon_use_param = (
        False  # "real, fake: …" describes two at once
    )
    app.config.napoleon_use_rtype = False
    # "real, fake: …" here, too; else the second name stands as a type before the first.
    app.config.napoleon_custom_sections = [("Attributes", "params_style")]
    app.config.add_module_names = False
    app.connect(
        "autodoc-process-docstring", plain_text, priority=100
    )  # before napoleon
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def plain_text(app, what, name, thing, options, lines):
    """Keep a docstring's signs and its indented code as they stand."""
    kept, code, margin = [], False, ""
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        if code and line.strip() and len(indent) <= len(margin):
            code = False
        begins = (
            indent and kept and not kept[-1].strip() and _is_text(kept, indent)
        )
        if begins and not code:
            margin, code = _last_indent(kept), True
            kept += [f"{margin}.. code-block:: none", ""]
        kept.append(
            line
            if code
            else re.sub(r"([*|\\]|(?<=\w)_(?=\W|$))", r"\\\1", line)
        )
    lines[:] = kept


def _last_indent(lines):
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last[: len(last) - len(last.lstrip())]


def _is_text(lines, indent):
    """Whether the line before is a paragraph further left, and no section's head."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    in_section = any(line.strip() in SECTIONS for line in lines)
    return last and len(_last_indent(lines)) < len(indent) and not in_section


def skip(app, what, name, thing, skipped, options):
    """Leave out the fields of named tuples, which the class describes, and what is inherited."""
    return True if type(thing).__name__ == "_tuplegetter" else None
