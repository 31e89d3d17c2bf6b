"""A Sphinx extension, the last hand on each page.

The built book needs no other host; a page is small, and can be read before its scripts and
pictures are there; lists are lists, and heads of tables are heads, to a screen reader.
"""

import hashlib
import re
import shutil
from pathlib import Path

import icons
import later
import mathematics
import pictures
import styles

# What the theme loads, and no page needs.
UNUSED = (
    "fontawesome",  # icons.py draws what it would have drawn
    "sphinx-thebe",
    "THEBE_JS_URL",
    "sphinx_highlight",
    "OPTIONS.pagename",
    "widget-state+json",  # for kernels' widgets, whose manager is not here
)
# What only the page of search results needs.
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")

# The theme decides between light and dark when all is loaded, and changes the whole page then.
THEME = """
<script>
  if (document.documentElement.dataset.theme === "auto")
    document.documentElement.dataset.theme =
      matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
</script>"""

SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>\n?", re.DOTALL)
STYLE = re.compile(
    r'[ \t]*<link\b(?=[^>]*rel="stylesheet")[^>]*href="([^"?]+)[^>]*>\n?'
)
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
EMPTY_HEAD = re.compile(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>")


def mend_roles(app, pagename, templatename, context, doctree):
    """Mend the roles of the bibliography's entries, and cells that are heads of nothing."""
    if "body" in context:
        # docutils gives the entries a role that is obsolete, and that a list may not contain.
        body = context["body"].replace(
            'role="doc-biblioentry"', 'role="listitem"'
        )
        context["body"] = EMPTY_HEAD.sub(r"<td\1></td>", body)


def finish(app, error):
    """Rewrite all pages, when all are there."""
    if error is not None or app.builder.format != "html":
        return
    book = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8") for path in pages_of(book)}
    scripts, sheets = {}, {}  # dictionaries, for their order
    for path, html in pages.items():
        html = take_scripts(html, path, scripts)
        html = take_styles(html, path, sheets)
        html = later.take_out(icons.draw(html), path.parent, path.stem)
        html = pictures.lighten(
            html, path, book / "_images", book.parent / ".pictures"
        )
        pages[path] = html
    script = write(book / "_static" / "book.js", ";\n".join(scripts))
    known = styles.words(pages.values(), [*scripts, *widgets_of(book)])
    sheet = write(
        book / "_static" / "book.css", styles.one_sheet(sheets, known)
    )
    for path, html in pages.items():
        up = "../" * len(path.relative_to(book).parent.parts)
        link = f'</title>\n<link rel="stylesheet" href="{up}{sheet}">'
        html = html.replace("</title>", link, 1)
        html = html.replace("</script>", f"</script>{THEME}", 1)
        end = f"{last_scripts(path, up, script)}</body>"
        path.write_text(html.replace("</body>", end, 1), encoding="utf-8")
    sweep(book, pages.values())


def pages_of(book):
    """The pages of the table of contents, the sources beside the API, the search results."""
    folders = ("book", "_modules")
    paths = [
        page for name in folders for page in book.glob(f"{name}/**/*.html")
    ]
    paths.append(book / "search.html")
    return sorted(path for path in paths if path.exists())


def widgets_of(book):
    """The scripts that later.py has put beside the pages."""
    return [
        path.read_text(encoding="utf-8") for path in book.glob("book/**/*.js")
    ]


def take_scripts(html, page, scripts):
    """A page without the scripts of its head and those in files, which join `scripts`."""
    head = html.index("</head>")

    def take(match):
        attributes, body = match.groups()
        source = re.search(r'src="([^"?]+)', attributes)
        if not source and (
            match.start() > head or "data-cfasync" in attributes
        ):
            return match[0]
        if not any(name in match[0] for name in (*UNUSED, *SEARCH)):
            if source:
                body = (page.parent / source[1]).read_text(encoding="utf-8")
            scripts[SOURCE_MAP.sub("", body).strip()] = None
        return ""

    return PRELOAD.sub("", SCRIPT.sub(take, html))


def take_styles(html, page, sheets):
    """A page without its links to style sheets, whose texts join `sheets`."""

    def take(match):
        path = page.parent / match[1]
        text = path.read_text(encoding="utf-8")
        for imported in re.findall(r'@import "([^"]+)"', text):
            sheets[(path.parent / imported).read_text(encoding="utf-8")] = None
        sheets[text] = None
        return ""

    return STYLE.sub(take, html)


def write(path, text):
    """Write one of the book's own files; return how a page names it, new when it is new."""
    path.write_text(text, encoding="utf-8")
    return (
        f"_static/{path.name}?v={hashlib.sha256(text.encode()).hexdigest()[:8]}"
    )


def last_scripts(page, up, script):
    """The scripts at the end of a page: what stands above them can be read before they come."""
    files = [script]
    if page.name == "search.html":
        files += [
            "_static/sphinx_highlight.js",
            *(f"_static/{name}" for name in SEARCH[:2]),
        ]
        files += ["searchindex.js"]
    return "".join(
        f'<script src="{up}{file}" fetchpriority="low"></script>\n'
        for file in files
    )


def sweep(book, pages):
    """Remove what no page asks for any more."""
    for name in ("scripts", "styles", "vendor"):
        shutil.rmtree(book / "_static" / name, ignore_errors=True)
    asked = set(re.findall(r"_images/([^\"?#]+)", " ".join(pages)))
    for path in (book / "_images").iterdir():
        if path.name not in asked:
            path.unlink()


def setup(app):
    """Register all with Sphinx."""
    mathematics.setup(app)
    app.connect("html-page-context", mend_roles)
    app.connect(
        "build-finished", finish, priority=900
    )  # after all who write files
    return {"parallel_read_safe": True, "parallel_write_safe": True}
