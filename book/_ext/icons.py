"""The theme's icons without its script of 1.5 megabytes: drawings in the page, and a small font.

Both are taken from the font that the theme brings, Font Awesome Free 6 (icons: CC BY 4.0, font:
SIL OFL 1.1): an icon that stands in a page becomes the SVG that the script would have made of it;
those that the style sheet puts before a title come from a font of just these characters.
"""

import base64
import io
import re
from functools import cache
from importlib import resources

from fontTools.misc.transform import Transform
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

THEME = (
    resources.files("pydata_sphinx_theme") / "theme/pydata_sphinx_theme/static"
)
FONT = THEME / "vendor/fontawesome/webfonts/fa-solid-900.ttf"
# Sizes and places, as Font Awesome's own script gives them.
STYLE = """
/* Icons: Font Awesome Free 6, https://fontawesome.com, CC BY 4.0 */
.svg-inline--fa { box-sizing: content-box; display: inline-block; height: 1em; overflow: visible; vertical-align: -.125em; }
.svg-inline--fa.fa-lg { vertical-align: -.2em; }
"""

ICON = re.compile(
    r'<(i|span) class="([^"]*\bfa-(?!solid|regular|lg\b)([a-z-]+)[^"]*)"([^>]*)></\1>'
)


@cache
def font():
    """Font Awesome's solid icons."""
    return TTFont(io.BytesIO(FONT.read_bytes()))


@cache
def codes():
    """Name -> character, as the theme's style sheet has them."""
    css = (THEME / "styles/pydata-sphinx-theme.css").read_text(encoding="utf-8")
    rules = re.findall(
        r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}', css
    )
    return {
        name: int(code, 16)
        for names, code in rules
        for name in re.findall(r"\.fa-([\w-]+):before", names)
    }


@cache
def drawing(name):
    """The width and the SVG path of an icon."""
    glyphs = font().getGlyphSet()
    glyph = glyphs[font().getBestCmap()[codes()[name]]]
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:.0f}")
    down = Transform(1, 0, 0, -1, 0, font()["hhea"].ascent)
    glyph.draw(TransformPen(pen, down))
    return glyph.width, pen.getCommands()


def draw(html):
    """A page whose icons are drawings. The button around each says what it does."""

    def svg(match):
        _, classes, name, attributes = match.groups()
        classes = re.sub(
            r"\bfa(s|-solid) ", "", classes
        )  # which speak of a font
        width, path = drawing(name)
        height = font()["head"].unitsPerEm
        return (
            f'<svg class="svg-inline--fa {classes}"{attributes} aria-hidden="true" '
            f'viewBox="0 0 {width} {height}"><path fill="currentColor" d="{path}"/></svg>'
        )

    return ICON.sub(svg, html)


def small_font(css):
    """The rule @font-face for the icons that a style sheet asks for."""
    asked = re.findall("[\uf000-\uf8ff]", css)
    small = TTFont(io.BytesIO(FONT.read_bytes()))
    subsetter = Subsetter(Options(layout_features=[], hinting=False))
    subsetter.populate(text="".join(asked))
    subsetter.subset(small)
    small.flavor = "woff"
    file = io.BytesIO()
    small.save(file)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        '@font-face{font-family:"Font Awesome 6 Free";font-weight:900;'
        f"src:url(data:font/woff;base64,{data})}}"
    )
