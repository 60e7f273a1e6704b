"""How strongly is each characteristic linked to an outcome, corrected for unreliability and not?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, known, row_labels, wrap
from microresearch.report.rounding import apa, interval, missing, p_value
from microresearch.report.style import FAINT, INK, QUIET, Names, StudyFigure, context, looks, settle


@dataclass(frozen=True, slots=True)
class Panel:
    """One scale of a forest plot: which columns it draws, how, and what its axis says.

    Attributes
    ----------
    estimate, low, high : str
        Columns of the corrected effect and its bounds; where a bound is missing the point stands alone.
    naive, crude : str
        Columns of the naive effect and of the one with nothing held constant, "" for none; bounds are drawn where
        columns of these names with "_low" and "_high" have them.
    label : str
        Of the axis.
    null : float
        The value of no association: 0, or 1 for ratios.
    log : bool
        Draw on a logarithmic axis.
    decimals : int
        In the text beside the panel.
    head : str
        Above that text; the axis label up to its first bracket when empty.
    """

    estimate: str = "estimate"
    low: str = "ci_low"
    high: str = "ci_high"
    naive: str = "estimate_naive"
    label: str = "Effect per SD (95% CI)"
    null: float = 0.0
    log: bool = False
    decimals: int = 2
    head: str = ""
    crude: str = ""


RATIO = Panel(label="Cost ratio per SD (95% CI)", null=1.0, log=True, head="Cost ratio")
"""A ratio, on a logarithmic axis."""

CURRENCY = Panel(
    "effect_currency", "currency_low", "currency_high", "", "Difference per stay, per SD", decimals=0, head="Difference"
)
"""A difference in money."""


def forest_plot(
    linked: object,
    names: Names,
    *,
    panels: Sequence[Panel] = (Panel(),),
    alpha: float = 0.05,
    title: str = "",
) -> StudyFigure:
    """Effects of the characteristics on one outcome: corrected (filled) with naive (hollow) beside, Holm marked.

    Where a panel names a crude effect, all three stand below each other: corrected, adjusted (the naive one) and crude.

    Parameters
    ----------
    linked : LinkedEstimates or DataFrame
        A row per characteristic: `characteristic`, the columns that the panels name; `p_holm` and `note` where known.
        A missing interval or estimate is drawn as such, and the row's `note` says why.
    names : Instrument or mapping of code to name
        The rows and their order.
    panels : sequence of Panel
        One or two scales side by side: `(RATIO, CURRENCY)` for cost.
    alpha : float
        Family-wise level at which a row is marked by a filled square and bold text.
    title : str

    Returns
    -------
    StudyFigure
        `data` has the columns that were drawn, a row a characteristic.

    Raises
    ------
    DataError
        A column is missing, a characteristic is unknown or stands twice (give one outcome at a time).

    References
    ----------
    Lewis & Clarke (2001), BMJ 322, 1479-1480. doi:10.1136/bmj.322.7300.1479
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> linked = pd.DataFrame({"characteristic": ["leadership"], "estimate": [1.9], "ci_low": [0.4], "ci_high": [3.4],
    ...                        "estimate_naive": [1.3], "p_holm": [0.04]})
    >>> forest_plot(linked, {"leadership": "Leadership"}).alt
    'Forest plot of 1 effect. Leadership: 1.90 (0.40 to 3.40), Holm p .040.'
    """
    frame = frame_of(linked, ("characteristic", *(panel.estimate for panel in panels)), "forest_plot")
    rows = looks(names)
    known(frame["characteristic"], [look.code for look in rows], "forest_plot")
    if frame["characteristic"].duplicated().any():
        raise DataError("forest_plot: a characteristic stands twice; give the rows of one outcome and one model.")
    frame = frame.set_index("characteristic").reindex([look.code for look in rows])
    titles = {look.code: look.name for look in rows}
    marks, foot = _footnotes(frame)
    figure = StudyFigure(
        "double",
        22 + 7.6 * len(frame) + 3.2 * len(foot),
        data=_plotted(frame, panels),
        title=title or "Effects by characteristic",
        alt=f"Forest plot of {len(frame)} effect{'s' if len(frame) > 1 else ''}. "
        + " ".join(_sentence(titles[str(code)], row, panels[0]) for code, row in frame.iterrows()),
        note=f"{_marks(panels)} Bold and square: Holm p < {alpha:g} over the family. Bars: 95% confidence intervals.",
    )
    marked = np.array([_number(row, "p_holm") < alpha for _, row in frame.iterrows()])
    with context():
        _compose(figure, frame, [titles[str(code)] for code in frame.index], panels, marked, (marks, foot))
        return settle(figure)


def _marks(panels: Sequence[Panel]) -> str:
    """What filled and hollow marks are."""
    filled = "Filled: corrected for unreliability of the unit score"
    if not any(panel.crude for panel in panels):
        return f"{filled}; hollow: naive."
    return f"{filled}; hollow circle: adjusted, raw unit means; diamond: crude, raw unit means, nothing held constant."


def _plotted(frame: pd.DataFrame, panels: Sequence[Panel]) -> pd.DataFrame:
    beside = [f"{name}{end}" for p in panels for name in (p.crude, p.naive) if name for end in ("", "_low", "_high")]
    wanted = [*beside, *(name for panel in panels for name in (panel.estimate, panel.low, panel.high))]
    keep = [name for name in (*wanted, "p", "p_holm", "note") if name in frame.columns]
    return frame[list(dict.fromkeys(keep))].reset_index()


def _number(row: pd.Series, column: str) -> float:
    value = row.get(column) if column else None
    return float(value) if isinstance(value, (int, float, np.number)) and not missing(value) else float("nan")


def _sentence(name: str, row: pd.Series, panel: Panel) -> str:
    p = _number(row, "p_holm")
    said = _text(row, panel)
    return f"{name}: {said}{'' if np.isnan(p) else f', Holm p {p_value(p)}'}."


def _text(row: pd.Series, panel: Panel) -> str:
    estimate = _number(row, panel.estimate)
    if np.isnan(estimate):
        return "not available"
    bounds = (_number(row, panel.low), _number(row, panel.high))
    said = apa(estimate, panel.decimals)
    return said if np.isnan(bounds).any() else f"{said} ({interval(*bounds, panel.decimals)})"


def _footnotes(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """A letter for each row's note (the same note, the same letter), and the lines to print below."""
    letters: dict[str, str] = {}
    marks = []
    for note in frame["note"] if "note" in frame.columns else [""] * len(frame):
        said = "" if missing(note) else " ".join(str(note).split())
        marks.append(letters.setdefault(said, chr(ord("a") + len(letters))) if said else "")
    return marks, [line for said, mark in letters.items() for line in wrap(f"{mark}  {said}", 128).split("\n")]


def _compose(
    figure: StudyFigure,
    frame: pd.DataFrame,
    names: list[str],
    panels: Sequence[Panel],
    marked: np.ndarray,
    notes: tuple[list[str], list[str]],
) -> None:
    figure.set_layout_engine("none")
    tall = figure.get_size_inches()[1] * 25.4
    bottom, high = (13.0 + 3.2 * len(notes[1])) / tall, 7.6 * len(frame) / tall
    left, p_wide, gap = 47.0, 12.0, 4.0
    text = [29.0 + 4.5 * max(panel.decimals - 2, 0) if panel.decimals else 34.0 for panel in panels]
    wide = (180.0 - left - p_wide - sum(text) - len(panels) * gap) / len(panels)
    last = figure.add_axes(((179 - p_wide) / 180, bottom, p_wide / 180, high))
    start = left
    for number, (panel, space) in enumerate(zip(panels, text, strict=True)):
        axes = figure.add_axes((start / 180, bottom, wide / 180, high))
        _panel(axes, frame, panel, marked)
        axes.set_yticks([])
        beside = figure.add_axes(((start + wide + 1.0) / 180, bottom, space / 180, high), sharey=axes)
        _column(
            beside, [_text(row, panel) for _, row in frame.iterrows()], marked, panel.head or panel.label.split(" (")[0]
        )
        if number == 0:
            _names(axes, names, notes[0], marked)
            _legend(axes, panel)
        start += wide + space + gap
    said = [p_value(p) if not np.isnan(p := _number(row, "p_holm")) else "–" for _, row in frame.iterrows()]
    _column(last, said, marked, "Holm p")
    figure.text(2 / 180, 1.5 / tall, "\n".join(notes[1]), ha="left", va="bottom", fontsize=6, color=QUIET)


def _panel(axes: Axes, frame: pd.DataFrame, panel: Panel, marked: np.ndarray) -> None:
    if panel.log:
        axes.set_xscale("log")
    axes.axvline(panel.null, color=QUIET, lw=0.7, zorder=1)
    for y, (_, row) in enumerate(frame.iterrows()):
        axes.axhspan(y - 0.5, y + 0.5, color="#f5f5f5" if y % 2 else "white", lw=0, zorder=0)
        estimate, place = _number(row, panel.estimate), y - (0.26 if panel.crude else 0.1)
        bounds = np.array([_number(row, panel.low), _number(row, panel.high)])
        _hollow(axes, row, panel.naive, y + (0.06 if panel.crude else 0.24), "o")
        _hollow(axes, row, panel.crude, y + 0.33, "D")
        if not np.isnan(bounds).any():
            axes.plot(bounds, [place] * 2, color=INK, lw=1.5 if marked[y] else 0.9, solid_capstyle="butt", zorder=2)
        if not np.isnan(estimate):
            axes.plot(estimate, place, "s" if marked[y] else "o", ms=4.6 if marked[y] else 3.8, color=INK, zorder=4)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.margins(x=0.06)
    axes.set_xlabel(wrap(panel.label, 60 if axes.get_position().width > 0.25 else 34))
    axes.spines["left"].set_visible(False)
    if panel.log:
        _plain_ticks(axes)


def _hollow(axes: Axes, row: pd.Series, column: str, y: float, mark: str) -> None:
    """A naive or crude effect, with its interval where the frame has one."""
    value = _number(row, column)
    if np.isnan(value):
        return
    bounds = np.array([_number(row, f"{column}_low"), _number(row, f"{column}_high")])
    if not np.isnan(bounds).any():
        axes.plot(bounds, [y] * 2, color=QUIET, lw=0.6, solid_capstyle="butt", zorder=2)
    axes.plot(value, y, mark, ms=3.4 if mark == "o" else 2.8, mfc="white", mec=QUIET, mew=0.8, zorder=3)


def _plain_ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    room = 6 if axes.get_position().width > 0.25 else 4  # how many labels stand side by side
    steps = next(
        s
        for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 1e3)
        if (high - low) / s <= room or s == 1e3
    )
    ticks = np.arange(np.ceil(low / steps), np.floor(high / steps) + 1) * steps
    axes.set_xticks(ticks[ticks > 0], [apa(tick, 2 if steps < 0.1 else 1) for tick in ticks if tick > 0])
    axes.set_xticks([], minor=True)
    axes.set_xlim(low, high)


def _names(axes: Axes, names: list[str], marks: list[str], marked: np.ndarray) -> None:
    said, size = row_labels(names, 7.6, 40.0, 7.0)
    for y, (name, mark) in enumerate(zip(said, marks, strict=True)):
        axes.annotate(
            name + (f" $^{mark}$" if mark else ""), (0, y), (-4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="center", fontsize=size,
            fontweight="bold" if marked[y] else "normal", linespacing=1.0, annotation_clip=False,
        )  # fmt: skip


def _column(axes: Axes, said: list[str], marked: np.ndarray, head: str) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(said) - 0.5, -0.5)
    for y, text in enumerate(said):
        axes.text(1.0, y, text, ha="right", va="center", fontsize=6.5, fontweight="bold" if marked[y] else "normal")
    axes.text(1.0, -0.7, head, ha="right", va="bottom", fontsize=6.5, color=QUIET)


def _legend(axes: Axes, panel: Panel) -> None:
    axes.plot([], [], "o", color=INK, ms=3.8, label="corrected")
    if panel.naive:
        label = "adjusted" if panel.crude else "naive"
        axes.plot([], [], "o", mfc="white", mec=QUIET, ms=3.4, label=label)
    if panel.crude:
        axes.plot([], [], "D", mfc="white", mec=QUIET, ms=2.8, label="crude")
    wide = 180.0 * axes.get_position().width
    start = -45.0 / wide if panel.crude and wide < 45.0 else -0.02  # above the names where the panel is narrow
    axes.legend(
        loc="lower left", bbox_to_anchor=(start, 1.0), ncols=3, handletextpad=0.2, columnspacing=1.0, borderpad=0.2
    )
    axes.axhline(-0.5, color=FAINT, lw=0.6)
