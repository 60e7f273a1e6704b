"""How do units differ on each characteristic, and which differences stand out from their uncertainty?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from microresearch.errors import DataError
from microresearch.report.figures.inputs import enough, frame_of, known, wrap
from microresearch.report.style import QUIET, Look, Names, StudyFigure, context, looks, settle

FEW = 10
"""Raters up to which a unit's own interval would tell their number (the disclosure guard's default threshold)."""


def caterpillar_plot(
    scores: object,
    names: Names,
    *,
    z: float = 1.959963984540054,
    minimum: int = 0,
    label: str = "EB score (95% interval)",
    title: str = "",
) -> StudyFigure:
    """Empirical-Bayes unit scores with intervals, ranked, one panel a characteristic.

    Parameters
    ----------
    scores : UnitScores or DataFrame
        A row per unit and characteristic: `unit`, `characteristic`, `eb`, `eb_se`; `n_raters` where known.
    names : Instrument or mapping of code to name
        The panels and their order; a characteristic without scores keeps its panel and says so.
    z : float
        Half-width of the interval in standard errors.
    minimum : int
        Raters that a score needs to be shown (where `n_raters` is known); the note says how many units lack them.
    label, title : str
        Of the score axis; of the figure.

    Returns
    -------
    StudyFigure
        `data` has columns characteristic, unit, rank, score, ci_low, ci_high (two decimals).

    Raises
    ------
    DataError
        A column is missing, a characteristic is unknown, or there is no score at all.

    Notes
    -----
    The standard error of an EB score is a function of the number of raters. Units with ten or fewer therefore share
    the widest interval among them; where fewer than three units are so small they are drawn without interval.

    References
    ----------
    Goldstein & Spiegelhalter (1996), Journal of the Royal Statistical Society A 159, 385-409. doi:10.2307/2983325

    Examples
    --------
    >>> scores = pd.DataFrame({"unit": ["A", "B"], "characteristic": "leadership", "eb": [3.1, 4.2], "eb_se": 0.2})
    >>> caterpillar_plot(scores, {"leadership": "Leadership"}).data["rank"].tolist()
    [1, 2]
    """
    frame = frame_of(scores, ("unit", "characteristic", "eb", "eb_se"), "caterpillar_plot")
    frame, left_out = enough(frame, minimum)
    panels = looks(names)
    known(frame["characteristic"], [look.code for look in panels], "caterpillar_plot")
    data = _ranked(frame, z, [look.code for look in panels])
    if data.empty:
        raise DataError("caterpillar_plot: no unit has an EB score.")
    columns = min(5, len(panels))
    rows = -(-len(panels) // columns)
    apart = data.groupby("characteristic", sort=False)["apart"].sum()
    figure = StudyFigure(
        "double" if columns > 2 else "single",
        14 + 52 * rows,
        data=data.drop(columns="apart"),
        title=title or "Unit scores in rank order",
        alt="Ranked unit scores with intervals, one panel a characteristic. Units whose interval excludes the mean: "
        + "; ".join(f"{look.name} {int(apart.get(look.code, 0))}" for look in panels)
        + ".",
        note="Coloured: the interval excludes the mean over units (line). Units with ten or fewer raters share the "
        f"widest interval among them.{left_out}",
    )
    with context():
        grid = np.asarray(figure.subplots(rows, columns, sharey=True, squeeze=False)).ravel()
        for axes, look in zip(grid, panels, strict=False):
            _panel(axes, data[data["characteristic"] == look.code], look)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        figure.supylabel(label, fontsize=7)
        figure.supxlabel("Units in rank order", fontsize=7)
        return settle(figure)


def _ranked(frame: pd.DataFrame, z: float, order: list[str]) -> pd.DataFrame:
    parts = []
    for code in order:
        part = frame[(frame["characteristic"] == code) & frame["eb"].notna()].sort_values(["eb", "unit"])
        if part.empty:
            continue
        score, half = part["eb"].to_numpy(float), z * _shared(part)
        middle = float(score.mean())
        parts.append(
            pd.DataFrame(
                {
                    "characteristic": code, "unit": part["unit"].to_numpy(), "rank": np.arange(1, len(part) + 1),
                    "score": score.round(2), "ci_low": (score - half).round(2), "ci_high": (score + half).round(2),
                    "apart": (score - half > middle) | (score + half < middle),
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _shared(part: pd.DataFrame) -> np.ndarray:
    se = part["eb_se"].to_numpy(float).copy()
    if "n_raters" in part:
        few = (part["n_raters"] <= FEW).to_numpy(bool)
        if few.any():
            se[few] = np.nanmax(se[few]) if few.sum() >= 3 else np.nan
    return se


def _panel(axes: Axes, part: pd.DataFrame, look: Look) -> None:
    axes.set_title(wrap(look.name, 20), fontsize=7, linespacing=1.05)
    axes.set_xticks([])
    if part.empty:
        axes.text(0.5, 0.5, "no scores", transform=axes.transAxes, ha="center", va="center", color=QUIET)
        return
    middle = float(part["score"].mean())
    axes.axhline(middle, color=QUIET, lw=0.6)
    thin = 1.1 if len(part) <= 30 else (0.6 if len(part) <= 100 else 0.3)
    dot = 9.0 if len(part) <= 30 else (3.0 if len(part) <= 100 else 1.4)
    for apart, colour, dots, order in ((False, "#c4c4c4", "#6f6f6f", 2), (True, look.colour, look.colour, 3)):
        some = part[part["apart"] == apart]
        axes.vlines(some["rank"], some["ci_low"], some["ci_high"], color=colour, lw=thin, zorder=order)
        axes.scatter(some["rank"], some["score"], s=dot, color=dots, linewidths=0, zorder=order + 2)
    axes.margins(x=0.04)
    axes.grid(axis="y")
