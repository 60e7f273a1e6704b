"""Where do the letters of figures come from? Cut the fonts of `report/fonts`: `python docs/make_fonts.py`.

matplotlib cuts the fonts of each PDF out of DejaVu Sans, whose six thousand signs take most of the time. These are the
same outlines, widths and kerning, of the signs that papers in Latin script need, under a name of their own, as their
licence asks; every other sign is taken from DejaVu Sans itself.
"""

import shutil
from pathlib import Path

import matplotlib
from fontTools import subset

FONTS = Path(__file__).parents[1] / "src" / "microresearch" / "report" / "fonts"
FACES = ("", "-Bold", "-Oblique", "-BoldOblique")
LATIN = (*range(0x20, 0x7F), *range(0xA0, 0x180), *map(ord, "ƒȘșȚțˆ˜ẞ"), *range(0x300, 0x305), 0x308, 0x327)
GREEK = (*range(0x384, 0x38B), 0x38C, *range(0x38E, 0x3A2), *range(0x3A3, 0x3CF), *map(ord, "ϑϕϰϱϵ"))
SIGNS = map(ord, "‐‑‒–—―‖‘’‚‛“”„‟†‡•…‰‱′″‴‹›⁄€™℃№←↑→↓↔↕⇐⇑⇒⇓⇔∂∅∆∇∈∉∋∏∑−∓∗∘√∝∞∠∣∥∧∨∩∪∫∼≃≅≈≠≡≤≥≪≫⊂⊃⊆⊇⊕⊗⊥⋅")
SHAPES = map(ord, "■□▪▫▲△▶▷▼▽◀◁◆◇○●◦★☆✓✔✗✘")
RAISED = map(ord, "⁰ⁱ⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵃᵇᶜᵈᵉᶠᵍʰʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
CODES = (*LATIN, *GREEK, *SIGNS, *SHAPES, *RAISED)


def cut(source: Path, face: str) -> None:
    """One face, without hints, which no_hinting leaves unused."""
    options = subset.Options(
        glyph_names=True, name_IDs=["*"], notdef_outline=True, hinting=False, recalc_timestamp=False
    )
    options.drop_tables += ["FFTM", "MATH"]
    font = subset.load_font(str(source / f"DejaVuSans{face}.ttf"), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=CODES)
    subsetter.subset(font)
    for name in font["name"].names:
        if name.nameID in (1, 3, 4, 6, 16):
            name.string = str(name).replace("DejaVu", "Microresearch")
    subset.save_font(font, str(FONTS / f"MicroresearchSans{face}.ttf"), options)


def main() -> None:
    """Cut the four faces, and put the licence beside them."""
    source = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    FONTS.mkdir(exist_ok=True)
    for face in FACES:
        cut(source, face)
    shutil.copy(source / "LICENSE_DEJAVU", FONTS / "LICENSE_DEJAVU")


if __name__ == "__main__":
    main()
