import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties, findfont, fontManager
from PIL import Image

from microresearch.report.style import FAMILY, StudyFigure, context, settle

STOCK = Path(mpl.get_data_path()) / "fonts" / "ttf"
FACES = {"": ("normal", "normal"), "-Bold": ("bold", "normal"), "-Oblique": ("normal", "italic"),
         "-BoldOblique": ("bold", "italic")}  # fmt: skip


def ours(face: str) -> Path:
    weight, style = FACES[face]
    with context():
        return Path(str(findfont(FontProperties(family=[FAMILY], weight=weight, style=style))))


def outline(font: TTFont, sign: int) -> tuple[object, int]:
    pen, glyphs, name = RecordingPen(), font.getGlyphSet(), font.getBestCmap()[sign]
    glyphs[name].draw(pen)
    return pen.value, glyphs[name].width


def words(text: str, family: list[str], **look: object) -> StudyFigure:
    figure = StudyFigure("single", 20, data=pd.DataFrame({"x": [1]}), title="Words", alt="Words.")
    with context():
        figure.text(0.02, 0.5, text, family=family, **look)
        return settle(figure)


@pytest.mark.parametrize("face", FACES)
def test_every_sign_has_the_outline_and_width_of_dejavu(face: str) -> None:
    cut, whole = TTFont(ours(face)), TTFont(STOCK / f"DejaVuSans{face}.ttf")
    assert len(cut.getBestCmap()) > 500
    step = 1 if not face else 7  # all of the face that figures use most, some of the others
    for sign in list(cut.getBestCmap())[::step]:
        assert outline(cut, sign) == outline(whole, sign)


@pytest.mark.parametrize("look", [{}, {"weight": "bold"}, {"style": "italic"}])
def test_words_are_drawn_as_dejavu_draws_them(look: dict[str, object]) -> None:
    text = "Affinity of AVATARS: To Wa, fjord, αβγ ≤ −1.5 ± 2 × 10⁻³ Ångström “naïve” ŠŁőß"
    mine, stock = (words(text, family, **look).to_bytes("png", 300) for family in ([FAMILY], ["DejaVu Sans"]))
    assert mine == stock


@pytest.mark.parametrize("text", ["Отделение кардиологии", "Station Α → Ж", "მეანობა", "وحدة العناية", "⚕ ward ☂"])
def test_a_sign_that_the_small_font_lacks_comes_from_dejavu(text: str) -> None:
    mine, stock = (words(text, family) for family in ([FAMILY, "DejaVu Sans"], ["DejaVu Sans"]))
    assert mine.to_bytes("png", 300) == stock.to_bytes("png", 300)
    assert b"+DejaVuSans" in mine.to_bytes("pdf")


def test_a_sign_that_neither_has_is_a_box_with_a_warning_as_before() -> None:
    figure = None
    for family in ([FAMILY, "DejaVu Sans"], ["DejaVu Sans"]):
        with pytest.warns(UserWarning, match=r"missing from font"):
            figure = words("病棟", family)
    assert figure is not None


def test_a_pdf_of_plain_text_holds_small_fonts_alone_all_embedded() -> None:
    figure = words("A unit's score: −0.5, α ≥ .70", [FAMILY, "DejaVu Sans"])
    found = figure.to_bytes("pdf")
    assert set(re.findall(rb"/BaseFont /[A-Z]{6}\+(\w+)", found)) == {b"MicroresearchSans"}
    assert b"/FontFile2" in found and len(found) < 40_000
    assert np.asarray(Image.open(io.BytesIO(figure.to_bytes("png", 100)))).min() < 100


def test_the_callers_fonts_are_found_as_before_and_ours_come_back_when_the_list_is_made_anew() -> None:
    before = findfont(FontProperties(family=["sans-serif"]))
    with context():
        assert findfont(FontProperties()) != before
    assert findfont(FontProperties(family=["sans-serif"])) == before
    kept = list(fontManager.ttflist)
    try:
        fontManager.ttflist[:] = [font for font in kept if font.name != FAMILY]
        with context():
            assert FAMILY in {font.name for font in fontManager.ttflist}
    finally:
        fontManager.ttflist[:] = kept


def test_the_licence_lies_beside_the_fonts_and_no_name_of_it_is_used() -> None:
    folder = ours("").parent
    assert "Permission is hereby granted" in (folder / "LICENSE_DEJAVU").read_text(encoding="utf-8")
    for face in FACES:
        font = TTFont(ours(face))
        names = [str(name) for name in font["name"].names if name.nameID in (1, 3, 4, 6, 16)]
        assert names and not any(re.search("Bitstream|Vera|Arev|DejaVu", name) for name in names)
