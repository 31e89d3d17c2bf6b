"""A page of the book as Markdown and mathematics that every notebook program shows.

What Sphinx has resolved (numbers, citations, links) becomes plain text here; what Markdown has
no sign for becomes a heading, a quotation or `<details>`. An element that is not known here
stops the build: nothing is left out in silence.
"""

import html
import re
from dataclasses import dataclass
from itertools import groupby
from textwrap import indent

from docutils import nodes
from sphinx.errors import ExtensionError

FORMULA = re.compile(r"(\$[^$]+\$)")
DISPLAYED = re.compile(r"\$\$\n(.*?)\n\$\$", re.DOTALL)
SIGNS = re.compile(r"([*`$]|(?<!\w)_|_(?!\w)|~(?=~)|\](?=\())")
# What a code cell's prompt calls the thing that the book folds.
FOLDED = {"input": "source", "all": "content"}


@dataclass
class Code:
    """A code cell's place between blocks of Markdown.

    Attributes:
        index: which cell of the source notebook it is.
        title: what stands in the place of folded code; empty if the code is open.
    """

    index: int
    title: str = ""


class PlainMarkdown:
    """Writes a page's elements, each with the method that bears its name.

    Args:
        numbers: the page's part of Sphinx's `toc_fignumbers`.
        formats: what figures and exercises are called: Sphinx's `numfig_format`.
        address: the page's own address, which needs no link.
        files: the address of the folder that the paths of pictures begin from.
    """

    def __init__(self, numbers, formats, address, files):
        self.numbers, self.formats = numbers, formats
        self.address, self.files = address, files
        self.level = 0  # of the heading above
        self.solution = ""  # the title of the solution around, if there is one

    def method(self, name, node):
        """The method for an element."""
        if not hasattr(self, name):
            raise ExtensionError(
                f"The Colab edition cannot show {node.astext()[:60]!r}: "
                f"add {name} to book/_ext/plain_markdown.py."
            )
        return getattr(self, name)

    def blocks(self, elements):
        """The blocks that elements become, in their order: texts, and Code."""
        found = []
        for node in elements:
            found += self.method(f"block_{type(node).__name__}", node)(node)
        return found

    def text(self, elements):
        """The blocks of elements that hold no code cell, as one text."""
        return "\n\n".join(self.blocks(elements))

    def inline(self, elements):
        """What stands within a line."""
        return "".join(
            self.method(f"inline_{type(node).__name__}", node)(node)
            for node in elements
        )

    def name(self, kind, node):
        """What the book calls a figure or an exercise: Fig. 3."""
        return self.formats[kind] % self.number(kind, node)

    def number(self, kind, node):
        """The number that the book gives to a figure, an exercise or an equation."""
        return ".".join(map(str, self.numbers[kind][node["ids"][0]]))

    # ------------------------------------------------------------ text

    def block_section(self, node):
        """A heading and what stands below it."""
        self.level += 1
        found = self.blocks(node)
        self.level -= 1
        return found

    def block_title(self, node):
        """The heading of a section."""
        return [f"{'#' * self.level} {self.inline(node)}"]

    def block_paragraph(self, node):
        """A paragraph on one line, whose first sign does not make it something else."""
        text = re.sub(r"\s*\n\s*", " ", self.inline(node)).strip()
        return [re.sub(r"^(\d+(?=[.)])|(?=[-+#>=]))", r"\1\\", text)]

    def block_block_quote(self, node):
        """A quotation."""
        return [quoted(self.text(node))]

    def block_bullet_list(self, node):
        """A list with bullets."""
        return [self.items(node, ["*"] * len(node))]

    def block_enumerated_list(self, node):
        """A list with numbers."""
        first = node.get("start", 1)
        return [self.items(node, [f"{first + i}." for i in range(len(node))])]

    def items(self, node, signs):
        """The items of a list, each behind its sign."""
        texts = [on_one_line(self.text(item)) for item in node.children]
        gap = "\n\n" if any("\n\n" in text for text in texts) else "\n"
        return gap.join(
            f"{sign} {indent(text, ' ' * (len(sign) + 1)).lstrip()}"
            for sign, text in zip(signs, texts, strict=True)
        )

    def block_table(self, node):
        """A table."""
        rows = list(node.findall(nodes.row))
        right = ["text-right" in entry["classes"] for entry in rows[0]]
        lines = [" | ".join(map(self.entry, row.children)) for row in rows]
        marks = " | ".join("---:" if is_right else "---" for is_right in right)
        return [
            "\n".join(f"| {line} |" for line in (lines[0], marks, *lines[1:]))
        ]

    def entry(self, node):
        """A cell of a table, where a bar would end it."""
        parts = FORMULA.split("<br>".join(self.blocks(node)))
        for i, part in enumerate(parts):
            if i % 2:
                part = part.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
            parts[i] = part.replace("|", r"\|")
        return "".join(parts)

    def block_literal_block(self, node):
        """Code or text that is shown and not run."""
        text = node.astext().rstrip("\n")
        fence = "`" * max(3, longest_run(text) + 1)
        return [f"{fence}{node.get('language', '')}\n{text}\n{fence}"]

    def nothing(self, node):
        """What is not seen in the book either."""
        return []

    block_comment = block_target = nothing

    def block_raw(self, node):
        """The scripts that sphinx-thebe puts at the end of each page."""
        if isinstance(node.parent, nodes.document):
            return []
        return self.method("block_raw_html", node)(node)

    # ------------------------------------------------------------ numbered

    def block_math_block(self, node):
        """A formula on lines of its own, with the book's number."""
        lines = compared(node.astext()).split("\n")
        formula = "\n".join(line for line in lines if line.strip())
        # A line of nothing but = or - would make a heading of the line above.
        formula = re.sub(r"\n\s*([=-]+)\s*(?=\n|$)", r" \1", formula)
        if node["number"]:
            formula += rf" \tag{{{self.number('displaymath', node)}}}"
        return [f"$$\n{formula}\n$$"]

    def block_figure(self, node):
        """A picture and its caption."""
        return [*self.blocks(node), self.caption(node)]

    def block_image(self, node):
        """A picture on a line of its own."""
        return [self.inline_image(node)]

    def caption(self, node):
        """A figure's caption, behind its number."""
        caption = node[node.first_child_matching_class(nodes.caption)]
        return f"**{self.name('figure', node)}:** {self.inline(caption)}"

    block_caption = nothing  # block_figure writes it

    def block_exercise_enumerable_node(self, node):
        """An exercise: its number and title as a heading."""
        title, *parts = node
        name = self.name("exercise", node) + self.inline(title)
        found = [f"{'#' * (self.level + 1)} {name}"]
        for part in parts:
            found += self.blocks(part)
        return found

    def block_solution_node(self, node):
        """A solution: its text is folded, and so is its code."""
        title, *parts = node
        self.solution = " ".join(title.astext().split())
        found = [block for part in parts for block in self.blocks(part)]
        found = folded(self.solution, found)
        self.solution = ""
        return found

    # ------------------------------------------------------------ boxes

    def block_admonition(self, node):
        """A box with a title: a quotation with a bold first line."""
        title, *rest = node
        return [quoted(f"**{self.inline(title)}**\n\n{self.text(rest)}")]

    def block_note(self, node):
        """A box whose title is its kind."""
        title = type(node).__name__.capitalize()
        return [quoted(f"**{title}**\n\n{self.text(node)}")]

    block_hint = block_tip = block_important = block_warning = block_note

    def block_container(self, node):
        """A code cell, or one of sphinx-design's boxes."""
        if node.get("nb_element") == "cell_code":
            return self.cell(node)
        kind = node.get("design_component", "").replace("-", "_")
        return self.method(f"box_{kind}", node)(node)

    def box_dropdown(self, node):
        """What folds open."""
        title, *rest = node
        return folded(title.astext(), self.blocks(rest))

    def box_tab_set(self, node):
        """Tabs, one below the other."""
        return self.blocks(node)

    def box_tab_item(self, node):
        """A tab: its name in bold, then what it holds."""
        title, content = node
        return [f"**{self.inline(title)}**", *self.blocks(content)]

    def cell(self, node):
        """A code cell; then the caption of what it draws, and a description of that."""
        figures = list(node.findall(nodes.figure))
        found = [self.caption(figure) for figure in figures]
        image = node["cell_metadata"].get("mystnb", {}).get("image", {})
        if "alt" in image:
            found += folded("What the picture shows", [escaped(image["alt"])])
        title = self.solution
        if not title and node.get("hide_mode") in FOLDED:
            kind = FOLDED[node["hide_mode"]]
            names = [self.name("figure", figure) for figure in figures]
            title = node["prompt_show"].format(type=kind)
            title += "".join(f" ({name})" for name in names)
        return [Code(node["cell_index"], title), *found]

    # ------------------------------------------------------------ within a line

    def inline_Text(self, node):
        """Text, without signs that Markdown would take for its own."""
        return escaped(node.astext())

    def inline_emphasis(self, node):
        """Emphasis."""
        return f"*{self.inline(node)}*"

    def inline_strong(self, node):
        """Strong emphasis."""
        return f"**{self.inline(node)}**"

    def inline_literal(self, node):
        """Code in a line."""
        text = " ".join(node.astext().split("\n"))
        if "`" not in text:
            return f"`{text}`"
        fence = "`" * (longest_run(text) + 1)
        return f"{fence} {text} {fence}"

    def inline_math(self, node):
        """A formula in a line."""
        return f"${' '.join(compared(node.astext()).split())}$"

    def inline_inline(self, node):
        """A part of a line without a look of its own."""
        return self.inline(node)

    def inline_reference(self, node):
        """A link. What is on this page is named, and needs none."""
        text, address = self.inline(node), node.get("refuri", "")
        page, _, _ = address.partition("#")
        if page in ("", self.address):
            return text
        if page.endswith(".ipynb"):
            address = page  # a notebook's headings have other addresses
        return f"[{text}]({address})"

    inline_number_reference = inline_reference

    def inline_image(self, node):
        """A picture, from the repository."""
        return f"![{escaped(node.get('alt', ''))}]({self.files}{node['uri']})"


def quoted(text):
    """A text as a quotation."""
    lines = on_one_line(text).split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def on_one_line(text):
    """A text whose formulas take one line each: not all programs see through a list's margin."""
    return DISPLAYED.sub(
        lambda match: f"$$ {' '.join(match[1].split())} $$", text
    )


def folded(summary, blocks):
    """Blocks whose texts fold open; code cells stay between them."""
    found, summary = [], html.escape(summary, quote=False)
    for is_code, group in groupby(blocks, lambda b: isinstance(b, Code)):
        if is_code:
            found += group
            continue
        text = "\n\n".join(group)
        head = f"<details><summary><b>{summary}</b></summary>"
        found.append(f"{head}\n\n{text}\n\n</details>")
    return found


def escaped(text):
    """A text in which Markdown and HTML see no signs of their own."""
    text = re.sub(r"\\(?=[!-/:-@\[-`{-~])", r"\\\\", text)
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    return SIGNS.sub(r"\\\1", text)


def compared(formula):
    """A formula without the signs < and >, which could be taken for HTML."""
    return formula.replace("<", r"\lt ").replace(">", r"\gt ")


def longest_run(text):
    """How many backticks follow each other in a text."""
    return max(map(len, re.findall("`+", text)), default=0)
