"""Which answers are missing together, and how often?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from microresearch.report.figures.inputs import frame_of, row_labels
from microresearch.report.style import ACCENT, FAINT, MAX_HEIGHT, QUIET, StudyFigure, context, settle
from microresearch.results import NotAvailable

_FIXED = ("pattern", "n", "share", "n_missing")


def missing_patterns_plot(
    patterns: object,
    *,
    labels: Mapping[str, str] | None = None,
    threshold: int = 10,
    most: int = 20,
    title: str = "",
) -> StudyFigure | NotAvailable:
    """The commonest patterns of missing answers, items down, patterns across, with how many people show each.

    Parameters
    ----------
    patterns : MissingPatterns or DataFrame
        What `survey.missing_patterns` returns: `pattern`, `n`, `share`, `n_missing`, and a column an item.
    labels : mapping of item to str
        What stands beside an item.
    threshold : int
        Patterns of so few people are not drawn; they are counted together in the note, in per cent.
    most : int
        Patterns drawn.
    title : str

    Returns
    -------
    StudyFigure, or NotAvailable where so few people stand behind everything that nothing may be shown
        `data` has a row a pattern and item: pattern, percent (of people; one decimal), item, missing. Items that are
        missing in no drawn pattern are left out of the picture and of the data.

    Raises
    ------
    DataError
        A column is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"pattern": [1, 2], "n": [80, 20], "share": [0.8, 0.2], "n_missing": [0, 1],
    ...                       "a": [False, True], "b": [False, False]})
    >>> missing_patterns_plot(table).data[["pattern", "percent", "item", "missing"]].values.tolist()
    [[1, 80.0, 'a', False], [2, 20.0, 'a', True]]
    """
    frame = frame_of(patterns, _FIXED, "missing_patterns_plot")
    shown = frame[frame["n"] > threshold].head(most)
    if shown.empty:
        return NotAvailable(f"every pattern of missing answers is of {threshold} or fewer people")
    items = [str(name) for name in frame.columns if name not in _FIXED and shown[name].any()]
    percent = (100 * shown["share"]).round(1)
    rest, kinds = 100 * (1 - float(shown["share"].sum())), len(frame) - len(shown)
    rows = [
        {"pattern": int(p), "percent": float(q), "item": item, "missing": bool(shown.at[i, item])}
        for i, p, q in zip(shown.index, shown["pattern"], percent, strict=True)
        for item in items
    ]
    tall = min(5.0, (MAX_HEIGHT - 52) / max(len(items), 1))
    figure = StudyFigure(
        "double", 52 + tall * len(items), data=pd.DataFrame(rows, columns=["pattern", "percent", "item", "missing"]),
        title=title or "Patterns of missing answers",
        alt=f"The {len(shown)} commonest patterns of missing answers; {_complete(shown)}. "
        f"{len(items)} items are missing in one of them.",
        note=f"A column is a pattern, filled where the answer is missing (blank or can't rate). {_rest(rest, kinds)}",
    )  # fmt: skip
    with context():
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[22, max(tall * len(items), 4)])
        _shares(above, percent.to_numpy(dtype=np.float64))
        _cells(below, shown[items].to_numpy(dtype=np.float64).T, items, labels or {}, tall)
        return settle(figure)


def _complete(shown: pd.DataFrame) -> str:
    whole = shown[shown["n_missing"] == 0]
    return f"{100 * float(whole['share'].iloc[0]):.0f} per cent miss nothing" if len(whole) else "nobody misses nothing"


def _rest(rest: float, kinds: int) -> str:
    if not kinds:
        return "No other pattern occurs."
    return f"Not drawn: {kinds:,} rarer patterns, {rest:.0f} % of people."


def _shares(axes: Axes, percent: np.ndarray) -> None:
    axes.bar(np.arange(len(percent)) + 0.5, percent, 0.8, color=ACCENT)
    for i, value in enumerate(percent):
        axes.text(i + 0.5, value, f"{value:.1f}", ha="center", va="bottom", fontsize=6, color=QUIET)
    axes.set_ylabel("People (%)")
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.margins(y=0.18)


def _cells(axes: Axes, missing: np.ndarray, items: list[str], labels: Mapping[str, str], tall: float) -> None:
    if not len(items):
        axes.set_axis_off()
        return
    axes.pcolormesh(missing, cmap=ListedColormap(["#f4f4f4", ACCENT]), vmin=0, vmax=1, edgecolors="white", lw=0.6)
    said, letters = row_labels([labels.get(item, item) for item in items], tall)
    axes.set_yticks(np.arange(len(items)) + 0.5, said, fontsize=letters, linespacing=0.9)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_xlabel("Patterns, commonest first")
    axes.tick_params(length=0)
    axes.spines[:].set_color(FAINT)
