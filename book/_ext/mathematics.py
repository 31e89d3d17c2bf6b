"""Formulas as MathML, set while the book is built: browsers show them without a script.

math-core turns LaTeX into MathML. What it leaves to the browser and Chromium does otherwise than
TeX is mended here; the font, `_static/math.woff2`, comes from tools/math_font.py.
"""

import re

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
converter = LatexToMathML()

ROW_GAP = re.compile(r"\\\\\[[^\]]*\]")
CELL_SIGN = re.compile(
    r'(padding-left: 0;">(?:<mspace [^>]*/>)?<mo)(?![^>]*(?:form|stretchy|minsize)=)'
)
TEXT_SIGN = re.compile(r"(</mtext><mo)>(?=[+−=≤≥<>&·⋅∣])")
OPENING, CLOSING = re.compile(r"[(\[“‘]+$"), re.compile(r"[.,;:!?)\]”’]+")
QUOTED = re.compile(r'"([^"]*)"')
LIFTED_BRACKET = re.compile(
    r"(<msu[bp](?:sup)?>)(<mo minsize=[^>]*>[^<]*</mo>)"
)


def mathml(latex, block):
    """LaTeX as a MathML element.

    Args:
        latex: a formula without dollars.
        block: whether it stands on lines of its own.

    Raises:
        LatexError: math-core does not understand it.
    """
    # Rows get their gap from the style sheet.
    latex = QUOTED.sub(r"“\1”", ROW_GAP.sub(r"\\\\", latex))
    text = converter.convert_with_local_state(latex, displaystyle=block)
    # After & and after words, TeX takes = and + as signs between two sides; a browser takes them
    # as signs of what follows.
    text = CELL_SIGN.sub(r'\1 form="infix"', text)
    text = TEXT_SIGN.sub(r'\1 form="infix">', text)
    # Chromium stretches a bracket only in a row, not as the base of an exponent.
    return LIFTED_BRACKET.sub(r"\1<mrow>\2</mrow>", text)


def set_formula(latex, block, node):
    """The same, with Sphinx's warning, and the source for the reader, if it is not understood."""
    try:
        return mathml(latex, block)
    except LatexError as error:
        logger.warning("A formula cannot be set: %s", error, location=node)
        return f"<code>{latex}</code>"


def visit_math(self, node):
    """A formula in a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(f"{set_formula(node.astext(), False, node)}</span>")
    raise nodes.SkipNode


def visit_displaymath(self, node):
    """A formula on lines of its own, and its number beside it."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(
        f'<div class="formula">{set_formula(node.astext(), True, node)}</div>'
    )
    if node["number"]:
        self.body.append(
            f'<span class="eqno">({get_node_equation_number(self, node)})'
        )
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


class KeepTogether(SphinxPostTransform):
    """No line breaks between a formula and its comma or bracket, or between a number and its %."""

    default_priority = 900
    formats = ("html",)

    def run(self, **_):
        """Put each formula in a line, with the marks beside it, into one span."""
        for formula in list(self.document.findall(nodes.math)):
            before, after = _text_beside(formula, -1), _text_beside(formula, 1)
            opening, closing = OPENING.search(before), CLOSING.match(after)
            if not opening and not closing:
                continue
            parts = [formula]
            pair = nodes.inline("", "", classes=["together"])
            formula.parent.replace(formula, pair)
            if opening:
                _replace(before, before[: opening.start()])
                parts.insert(0, nodes.Text(opening[0]))
            if closing:
                _replace(after, after[closing.end() :])
                parts.append(nodes.Text(closing[0]))
            pair += parts
        for text in list(self.document.findall(nodes.Text)):
            if not isinstance(
                text.parent, nodes.FixedTextElement | nodes.literal
            ):
                _replace(text, text.replace(" %", "\u00a0%"))


def _text_beside(formula, side):
    """The text before (-1) or after (1) a formula, in the same paragraph; none is empty."""
    place = formula.parent.index(formula) + side
    beside = formula.parent[place] if 0 <= place < len(formula.parent) else None
    return beside if isinstance(beside, nodes.Text) else nodes.Text("")


def _replace(text, new):
    if new != text:
        text.parent.replace(text, nodes.Text(new))


def setup(app):
    """Register with Sphinx; _config.yml chooses it: html_math_renderer."""
    app.add_post_transform(KeepTogether)
    app.add_html_math_renderer(
        "mathml", (visit_math, None), (visit_displaymath, None)
    )
