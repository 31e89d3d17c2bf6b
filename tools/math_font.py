"""Write book/_static/math.woff2, the font of the book's formulas, from Latin Modern Math.

    python tools/math_font.py /usr/share/texmf/fonts/opentype/public/lm-math/latinmodern-math.otf

The book's readers download it, so it holds only the characters that formulas use; a test says when
one is missing. Needs fonttools and brotli; Latin Modern Math is in Debian's fonts-lmodern, and on
CTAN. Nothing but the font's own licence (GUST) asks for the other name.
"""

import sys
from pathlib import Path

from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

NAME = "Avatars Math"
TARGET = Path(__file__).resolve().parents[1] / "book" / "_static" / "math.woff2"
CHARACTERS = (
    "".join(map(chr, range(0x20, 0x7F)))  # ASCII
    + "ΓΔΘΛΞΠΣΦΨΩ"
    + "".join(map(chr, range(0x1D434, 0x1D468)))  # Latin, italic
    + "".join(map(chr, range(0x1D6FC, 0x1D71C)))  # Greek, italic
    + "ℎℓℝℤℕ𝔼ℙℒ𝒩𝒟𝖳"
    + "¬±·×¯ˆ˙˜̲…’“”′‖∣"
    + "←→↔↦⇒⇔"
    + "∀∃∂∅∇∈∉∏∑−∗∘√∝∞∧∨∩∪∫∼≃≈≠≡≤≥≪≫⊂⊆⊙⊤⋀⋁⋂⋃⋅⋮⋯"
    + "⌈⌉⌊⌋⟨⟩⏞⏟"
)
SIDE = 100  # units of 1,000, left and right of a bracket
TALLEST = 2500  # taller brackets are put together from parts
PRIME = 0x2032
# How far indices may stand beside their base's lower and upper edge. Browsers ask this even of a
# single letter, where TeX does not; with Latin Modern's 200 and 250, the z of p_z hangs too low.
DROPS = {"SubscriptBaselineDropMin": 0, "SuperscriptBaselineDropMax": 380}
FENCES = "()[]{}⌈⌉⌊⌋⟨⟩|‖√"


def main():
    """Subset, trim, rename, write."""
    font = TTFont(sys.argv[1])
    trim(font)
    for name, value in DROPS.items():
        getattr(font["MATH"].table.MathConstants, name).Value = value
    for table in font["cmap"].tables:
        if PRIME in table.cmap:  # the form that a superscript lifts; the other is lifted already
            table.cmap[PRIME] = "minute.st"
    options = Options(
        flavor="woff2", layout_features=[], name_IDs=[1, 2, 4, 6], notdef_outline=True,
        hinting=False, desubroutinize=True, drop_tables=["FFTM", "DSIG"],
    )  # fmt: skip
    subsetter = Subsetter(options)
    subsetter.populate(text=CHARACTERS)
    subsetter.subset(font)
    rename(font)
    font.flavor = "woff2"
    font.save(TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")


def trim(font):
    """Give the brackets of all sizes narrow margins, and leave out the tallest.

    Chromium gives a bracket the room of its widest size, whichever it shows.
    """
    cmap, glyphs = font.getBestCmap(), font.getGlyphSet()
    variants = font["MATH"].table.MathVariants
    for character in FENCES:
        name = cmap[ord(character)]
        made = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(name)]
        sizes = [r for r in made.MathGlyphVariantRecord if r.AdvanceMeasurement <= TALLEST]
        made.MathGlyphVariantRecord, made.VariantCount = sizes, len(sizes)
        made.GlyphAssembly = made.GlyphAssembly if character in "|‖√" else None
        for size in sizes[1:] if character != "√" else ():
            narrow(font, glyphs, size.VariantGlyph)


def narrow(font, glyphs, name):
    """Move an outline to SIDE from the left and end its glyph SIDE behind it."""
    box = BoundsPen(glyphs)
    glyphs[name].draw(box)
    left, _, right, _ = box.bounds
    width = round(right - left + 2 * SIDE)
    top = font["CFF "].cff.topDictIndex[0]
    private = top.CharStrings[name].private
    pen = T2CharStringPen(width - private.nominalWidthX, glyphs)
    glyphs[name].draw(TransformPen(pen, (1, 0, 0, 1, SIDE - left, 0)))
    top.CharStrings[name] = pen.getCharString(private, top.GlobalSubrs)
    font["hmtx"][name] = (width, SIDE)


def rename(font):
    """Another name for a changed font."""
    for record in font["name"].names:
        text = NAME.replace(" ", "") if record.nameID == 6 else NAME
        record.string = "Regular" if record.nameID == 2 else text
    top = font["CFF "].cff
    top.fontNames = [NAME.replace(" ", "")]
    top.topDictIndex[0].FullName = top.topDictIndex[0].FamilyName = NAME


if __name__ == "__main__":
    main()
