import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from microresearch.errors import DataError
from microresearch.instrument import load_instrument
from microresearch.report.style import PALETTE, WIDTHS, StudyFigure, context, looks, settle

# Machado, Oliveira & Fernandes (2009), IEEE TVCG 15, 1291-1298, table 1, severity 1.0
SIGHT = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colours: np.ndarray, sight: object) -> np.ndarray:
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.asarray(sight).T, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("sight", SIGHT)
def test_palette_stays_apart_for_every_sight(sight: str) -> None:
    points = lab(np.array([to_rgb(colour) for colour in PALETTE]), SIGHT[sight])
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1))
    assert distance[np.triu_indices(10, 1)].min() > 22


def test_palette_prints_in_grey() -> None:
    lightness = np.sort(lab(np.array([to_rgb(colour) for colour in PALETTE]), SIGHT["normal"])[:, 0])
    assert np.diff(lightness).min() > 2.4
    assert lightness.max() < 70  # readable on white


def small_figure() -> StudyFigure:
    figure = StudyFigure("single", 50, data=pd.DataFrame({"x": [1, 2]}), title="A line", alt="A rising line.")
    with context():
        axes = figure.add_subplot()
        axes.plot([1, 2], [-1, 2])
        axes.set_ylabel("minus one to two")
        return settle(figure)


@pytest.mark.parametrize("format", ["svg", "pdf", "png"])
def test_same_bytes_every_time_and_no_date(format: str) -> None:
    one, two = small_figure(), small_figure()
    first = one.to_bytes(format, dpi=120)
    assert first == one.to_bytes(format, dpi=120) == two.to_bytes(format, dpi=120)
    for word in (b"CreationDate", b"dc:date", b"Software", b"<dc:"):
        assert word not in first


def test_the_callers_settings_neither_change_nor_matter() -> None:
    before = dict(mpl.rcParams)
    plain = small_figure().to_bytes("svg")
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"font.size": 20, "font.family": ["serif"], "svg.fonttype": "none", "axes.facecolor": "red"}):
        assert small_figure().to_bytes("svg") == plain


def test_pdf_embeds_truetype_fonts_and_width_is_the_journals() -> None:
    figure = small_figure()
    assert b"/FontType 42" in figure.to_bytes("pdf") or b"/Subtype /Type0" in figure.to_bytes("pdf")
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(WIDTHS["single"])


def test_another_format_is_refused() -> None:
    with pytest.raises(DataError, match="svg, pdf or png"):
        small_figure().to_bytes("jpg")  # type: ignore[arg-type]


def test_a_notebook_shows_the_picture_with_its_alt_text() -> None:
    data, metadata = small_figure()._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == "A rising line."
    assert data["image/png"].startswith("iVBOR")


def test_a_characteristic_keeps_its_colour_and_place() -> None:
    instrument = load_instrument("long-form")
    shown = looks(instrument)
    assert [look.code for look in shown] == [c.code for c in instrument.characteristics]
    assert [look.colour for look in shown] == list(PALETTE)
    with pytest.raises(DataError, match="no characteristic"):
        looks({})
