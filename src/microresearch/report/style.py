"""How does every figure look? One style, applied in a context, and a figure that carries its data and alt text."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, Protocol, TypeAlias

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from microresearch.errors import DataError
from microresearch.report.png import to_png
from microresearch.report.svg import compact

WIDTHS = {"single": 88.0, "double": 180.0}
"""Widths of one and of two journal columns, in mm."""

MAX_HEIGHT = 230.0
"""Height in mm of the type area of a journal page, a caption left room for."""

PALETTE = (
    "#005ac3", "#87a52d", "#961e5a", "#69a5ff", "#4b4b00",
    "#d26996", "#5a0f78", "#d24b5a", "#5a0f1e", "#965aa5",
)  # fmt: skip
"""Ten colours at least 22 CIELAB units apart for normal, protan, deutan and tritan sight, each of its own lightness."""

INK, QUIET, FAINT, ACCENT, SECOND = "#1a1a1a", "#5c5c5c", "#d0d0d0", "#005ac3", "#9a5b13"
SEQUENTIAL, DIVERGING = "YlGnBu", "RdBu_r"

FAMILY = "Microresearch Sans"
"""The signs of DejaVu Sans that papers in Latin script need, under a name of their own: see docs/make_fonts.py."""

RC: dict[str, Any] = {
    "font.family": [FAMILY, "DejaVu Sans"], "font.size": 7.0, "mathtext.fontset": "dejavusans",
    "axes.titlesize": 7.5, "axes.titleweight": "bold", "axes.labelsize": 7.0, "axes.linewidth": 0.6,
    "axes.edgecolor": QUIET, "axes.labelcolor": INK, "axes.titlecolor": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True, "axes.unicode_minus": True, "axes.grid": False,
    "axes.facecolor": "white", "axes.formatter.use_locale": False, "text.color": INK, "text.usetex": False,
    "xtick.labelsize": 6.5, "ytick.labelsize": 6.5, "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "grid.color": "#e4e4e4", "grid.linewidth": 0.5,
    "lines.linewidth": 1.0, "lines.markersize": 3.5, "patch.linewidth": 0.6, "hatch.linewidth": 0.5,
    "legend.fontsize": 6.5, "legend.frameon": False, "legend.title_fontsize": 6.5,
    "figure.facecolor": "white", "figure.edgecolor": "white", "figure.dpi": 100.0, "figure.titlesize": 8.0,
    "savefig.facecolor": "white", "savefig.edgecolor": "white", "savefig.bbox": None, "savefig.transparent": False,
    "pdf.fonttype": 42, "pdf.compression": 6, "svg.fonttype": "path", "svg.hashsalt": "microresearch",
    "path.simplify": True, "path.sketch": None, "text.hinting": "no_hinting",
}  # fmt: skip

_NO_DATES: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {},
}


class _Named(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


class HasCharacteristics(Protocol):
    """Anything that lists characteristics in order: an `Instrument`."""

    @property
    def characteristics(self) -> Sequence[_Named]:
        """The characteristics, in their fixed order."""
        ...


Names: TypeAlias = HasCharacteristics | Mapping[str, str]
"""Characteristics in their fixed order: an `Instrument`, or a mapping of code to name."""


@dataclass(frozen=True, slots=True)
class Look:
    """One characteristic as every figure shows it: its code, its name, its colour."""

    code: str
    name: str
    colour: str


def looks(names: Names) -> tuple[Look, ...]:
    """The characteristics in the instrument's order, each with the colour that it has in every figure.

    Examples
    --------
    >>> looks({"leadership": "Leadership", "staff_focus": "Staff focus"})[1].colour
    '#87a52d'
    """
    pairs = list(names.items()) if isinstance(names, Mapping) else [(c.code, c.name) for c in names.characteristics]
    if not pairs:
        raise DataError("no characteristic is named; give an Instrument or a mapping of code to name.")
    return tuple(Look(code, name, PALETTE[i % len(PALETTE)]) for i, (code, name) in enumerate(pairs))


def _list_fonts() -> None:
    """Let matplotlib's list of fonts hold ours: none there changes, and no figure has them that does not name them.

    It is looked at each time, for matplotlib makes its list anew where it finds that a font file is gone.
    """
    if not any(font.name == FAMILY for font in fontManager.ttflist):
        for face in ("", "-Bold", "-Oblique", "-BoldOblique"):
            fontManager.addfont(str(files("microresearch.report") / "fonts" / f"MicroresearchSans{face}.ttf"))


@contextmanager
def context() -> Iterator[None]:
    """The style inside a `with` block; the caller's matplotlib settings are as before when it ends."""
    _list_fonts()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


class StudyFigure(Figure):
    """A matplotlib `Figure` that carries what it shows.

    Attributes
    ----------
    data : DataFrame
        The plotted values, tidy: what the CSV beside the figure holds.
    title, alt : str
        One line; and what the figure shows in words, for readers who cannot see it.
    note : str
        What a caption has to add (intervals, corrections, who is missing).
    counts : tuple of str
        Columns of `data` that count people.
    of : str
        Of a flow: whom its columns excluded and remaining count ("responses"), so that no other count of the same
        people differs from one of them by few.
    """

    def __init__(
        self,
        width: Literal["single", "double"] | float = "double",
        height: float = 80.0,
        *,
        data: pd.DataFrame,
        title: str,
        alt: str,
        note: str = "",
        counts: Sequence[str] = (),
        of: str = "",
    ) -> None:
        """Make an empty figure; `width` is a journal width or mm, `height` is in mm."""
        mm = WIDTHS[width] if isinstance(width, str) else float(width)
        super().__init__(figsize=(mm / 25.4, height / 25.4), dpi=100, layout="constrained")
        FigureCanvasAgg(self)
        self.data, self.title, self.alt, self.note, self.counts, self.of = data, title, alt, note, tuple(counts), of

    def totals(self) -> list[float]:
        """Of a flow, the counts of people that remain at each step; none where `of` is empty."""
        return list(self.data["remaining"].dropna().astype(float)) if self.of else []

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """As matplotlib's, in the style of the study whatever the caller's settings are."""
        with context():
            super().savefig(fname, transparent=transparent, **kwargs)

    def to_bytes(self, format: Literal["svg", "pdf", "png"] = "png", dpi: float = 600) -> bytes:
        """The figure as a file's bytes: the same bytes every time, with no date inside.

        Parameters
        ----------
        format : {"svg", "pdf", "png"}
            PDF embeds its fonts (type 42), SVG draws its letters as paths: both look alike everywhere.
        dpi : float
            Dots an inch, of PNG and of pictures within the others.

        Raises
        ------
        DataError
            Another format.
        """
        if format not in _NO_DATES:
            raise DataError(f"a figure can be written as svg, pdf or png, not {format!r}.")
        buffer = io.BytesIO()
        if format == "png":
            self.savefig(buffer, format="rgba", dpi=dpi)
            width, height = (int(side * dpi) for side in self.get_size_inches())  # as matplotlib's canvas rounds
            return to_png(np.frombuffer(buffer.getbuffer(), np.uint8).reshape(height, width, 4), dpi)
        self.savefig(buffer, format=format, dpi=dpi, metadata=dict(_NO_DATES[format]))
        return compact(buffer.getvalue()) if format == "svg" else buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self.to_bytes("png", dpi=150)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        return {"image/png": base64.b64encode(self._repr_png_()).decode()}, {"image/png": {"alt": self.alt}}


def settle(figure: StudyFigure) -> StudyFigure:
    """The figure with its layout computed and frozen, so that each format shows the same; inside `context()`, last."""
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # with "none", a placeholder stays, for which every format is drawn twice
    return figure
