"""A page's doctree as plain Markdown with mathematics, which every notebook program shows.

Numbers, citations and captions stand in the resolved tree already; what is left are directives,
which become headings, quotes, tables and `<details>`. Links inside a page become plain words:
notebook programs have no anchors to lead to.
"""

import re

from docutils import nodes

SPECIAL = re.compile(r"([\\`*<$|]|(?<![^\W_])_|_(?![^\W_])|^#)")


class Page:
    """What the writer must know of a page.

    Args:
        numbers: {kind: {id: (number, ...)}}, Sphinx's `env.toc_fignumbers` of the page.
        picture: function from an image's path in the sources to its address.
    """

    def __init__(self, numbers, picture):
        self.numbers, self.picture = numbers, picture

    def number(self, kind, node):
        """A figure's, a table's or an equation's number as in the book, "" without one."""
        found = self.numbers.get(kind, {})
        number = next((found[i] for i in node["ids"] if i in found), ())
        return ".".join(map(str, number)) or str(node.get("number") or "")


def blocks(node, page, level=1):
    """The Markdown of a node's children, one paragraph or other block each."""
    texts = [block(child, page, level) for child in node.children]
    return [text for text in texts if text]


def block(node, page, level):
    """The Markdown of one block; "" where there is nothing to see."""
    if isinstance(node, nodes.Text):
        return line(node, page)
    if node.get("design_component") == "dropdown":
        return dropdown(node, page, level)
    if type(node).__name__.startswith(("exercise_", "solution_")):
        return exercise(node, page, level)
    match node:
        case nodes.title():
            return f"{'#' * level} {line(node, page)}"
        case nodes.paragraph():
            return line(node, page)
        case nodes.math_block():
            return display(node, page)
        case nodes.literal_block():
            return fenced(node)
        case nodes.bullet_list() | nodes.enumerated_list():
            return listed(node, page, level)
        case nodes.block_quote():
            return quote("\n\n".join(blocks(node, page, level)))
        case nodes.Admonition() | nodes.admonition():
            return admonition(node, page, level)
        case nodes.table():
            return table(node, page)
        case nodes.figure():
            return figure(node, page)
        case nodes.image():
            return line(node, page)
        case (
            nodes.comment()
            | nodes.target()
            | nodes.raw()
            | nodes.substitution_definition()
        ):
            return ""
        case nodes.rubric():
            return f"**{line(node, page)}**"
    return "\n\n".join(blocks(node, page, level))


# ------------------------------------------------------------------------------------ in a line


def line(node, page):
    """The Markdown of what stands in a line."""
    match node:
        case nodes.Text():
            return escape(node.astext().replace("\n", " "))
        case nodes.math():
            return f"${node.astext().strip()}$"
        case nodes.literal():
            return code(node.astext())
        case nodes.image():
            return (
                f"![{escape(node.get('alt', ''))}]({page.picture(node['uri'])})"
            )
        case nodes.raw() | nodes.target():
            return ""
    inner = "".join(line(child, page) for child in node.children)
    match node:
        case nodes.strong():
            return around(inner, "**")
        case nodes.emphasis():
            return around(inner, "*")
        case nodes.reference() if "refuri" in node:
            return f"[{inner}]({node['refuri']})"
    return inner


def escape(text):
    """Text in which Markdown finds no sign of its own."""
    return SPECIAL.sub(r"\\\1", text)


def around(text, mark):
    """Marked text; a space may not stand just inside the marks."""
    bare = text.strip()
    return text.replace(bare, f"{mark}{bare}{mark}", 1) if bare else text


def code(text):
    """Code in a line, between more backticks than it has."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"


# ------------------------------------------------------------------------------------ blocks


def display(node, page):
    """A formula on lines of its own, with the book's number."""
    number = page.number("displaymath", node)
    tag = f"\n\\tag{{{number}}}" if number else ""
    return f"$$\n{node.astext().strip()}{tag}\n$$"


def fenced(node):
    """Lines of code."""
    language = node.get("language", "")
    text = node.astext().rstrip("\n")
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}{'' if language in ('default', 'none') else language}\n{text}\n{ticks}"


def listed(node, page, level):
    """A list; what belongs to an item is set in under it."""
    items, tight = [], True
    for i, item in enumerate(node.children, start=node.get("start", 1)):
        sign = "* " if isinstance(node, nodes.bullet_list) else f"{i}. "
        parts = blocks(item, page, level)
        tight = tight and len(parts) < 2
        items.append(sign + indent("\n\n".join(parts), len(sign)))
    return ("\n" if tight else "\n\n").join(items)


def indent(text, width):
    """All lines but the first, set in."""
    return "\n".join(
        " " * width * bool(i and t) + t for i, t in enumerate(text.split("\n"))
    )


def quote(text):
    """A quotation."""
    return "\n".join(f"> {part}".rstrip() for part in text.split("\n"))


def admonition(node, page, level):
    """A box, as a quotation under its title."""
    title = next(
        (child for child in node.children if isinstance(child, nodes.title)),
        None,
    )
    parts = [
        block(child, page, level)
        for child in node.children
        if child is not title
    ]
    head = line(title, page) if title else type(node).__name__.capitalize()
    return quote("\n\n".join([f"**{head}**", *filter(None, parts)]))


def folded(summary, text):
    """What a reader opens."""
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"


def dropdown(node, page, level):
    """A dropdown: its title is its first child."""
    title, *rest = node.children
    inner = "\n\n".join(
        filter(None, (block(child, page, level) for child in rest))
    )
    return folded(words_of(title), inner)


def exercise(node, page, level):
    """An exercise under its heading; a solution, folded."""
    title, *rest = node.children
    inner = "\n\n".join(
        filter(None, (block(child, page, level) for child in rest))
    )
    if type(node).__name__.startswith("solution_"):
        return folded(words_of(title), inner)
    return f"{heading(node, page, level + 1)}\n\n{inner}"


def heading(node, page, level):
    """An exercise's or a solution's heading; Sphinx counts the exercises."""
    number = page.number("exercise", node)
    title = f"Exercise {number} " * bool(number) + words_of(node.children[0])
    return f"{'#' * level} {escape(title.strip())}"


def words_of(title):
    """A title's words, with single spaces."""
    return " ".join(title.astext().split())


def figure(node, page):
    """A picture and its caption; a figure without a picture is a caption."""
    pictures = [line(child, page) for child in node.findall(nodes.image)]
    return "\n\n".join([*pictures, *filter(None, [caption(node, page)])])


def caption(node, page):
    """A figure's caption with its number."""
    found = next(iter(node.findall(nodes.caption)), None)
    number = page.number("figure", node)
    return f"**Figure {number}.** {line(found, page)}" if found else ""


def table(node, page):
    """A table under its title."""
    title = next(
        (child for child in node.children if isinstance(child, nodes.title)),
        None,
    )
    rows = [
        [
            " ".join(blocks(entry, page)).replace("\n", " ")
            for entry in row.children
        ]
        for row in node.findall(nodes.row)
    ]
    heads = sum(len(head.children) for head in node.findall(nodes.thead))
    if not heads:
        rows.insert(0, [""] * len(rows[0]))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    number = page.number("table", node)
    head = [f"**Table {number}.** {line(title, page)}"] if title else []
    return "\n\n".join([*head, "\n".join(lines)])
