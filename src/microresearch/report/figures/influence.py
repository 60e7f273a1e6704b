"""Does the answer hang on one unit or one hospital?"""

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.report.figures.inputs import frame_of, known, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import FAINT, INK, QUIET, Names, StudyFigure, context, looks, settle


def influence_plot(
    influence: object, whole: object, names: Names, *, label: str = "Effect per SD", by: str = "unit", title: str = ""
) -> StudyFigure:
    """Effects with each unit (or hospital) left out in turn, around the whole effect.

    Parameters
    ----------
    influence : Influence or DataFrame
        A row per characteristic and group left out: `characteristic`, `estimate`. Which group it was is not drawn.
    whole : result or DataFrame
        A row per characteristic: `characteristic`, `estimate`, of all units by the same model.
    names : Instrument or mapping of code to name
        Rows and their order.
    label, title : str
    by : str
        What was left out: "unit" or "hospital".

    Returns
    -------
    StudyFigure
        `data` has a row per characteristic: estimate, lowest, highest, n_units or n_hospitals (left out in turn).

    Raises
    ------
    DataError
        A column is missing, or nothing could be estimated.

    Examples
    --------
    >>> one = pd.DataFrame({"characteristic": "trust", "estimate": [0.8, 1.0, 1.3]})
    >>> influence_plot(one, one.tail(1), {"trust": "Trust"}).data[["lowest", "highest"]].values.tolist()
    [[0.8, 1.3]]
    """
    frame = frame_of(influence, ("characteristic", "estimate"), "influence_plot").dropna(subset=["estimate"])
    all_units = frame_of(whole, ("characteristic", "estimate"), "influence_plot").set_index("characteristic")
    rows = looks(names)
    known(frame["characteristic"], [look.code for look in rows], "influence_plot")
    if frame.empty:
        raise DataError("influence_plot: no effect could be estimated with a group left out.")
    grouped = frame.groupby("characteristic")["estimate"].agg(["min", "max", "size"])
    shown = [look for look in rows if look.code in grouped.index and look.code in all_units.index]
    codes = [look.code for look in shown]
    table = pd.DataFrame({"characteristic": codes, "estimate": all_units.loc[codes, "estimate"].to_numpy(float),
                          "lowest": grouped.loc[codes, "min"].to_numpy(),
                          "highest": grouped.loc[codes, "max"].to_numpy(),
                          f"n_{by}s": grouped.loc[codes, "size"].to_numpy()})  # fmt: skip
    ends = table[["lowest", "highest"]].to_numpy(float).tolist()
    said = "; ".join(f"{look.name} {apa(low)} to {apa(high)}" for look, (low, high) in zip(shown, ends, strict=True))
    figure = StudyFigure(
        "double", 20 + 7 * len(shown), data=table, title=title or f"Effects with each {by} left out",
        alt=f"Effects with each {by} left out in turn, lowest to highest: {said}.",
        note=f"Dots: the effect without one {by}, each in turn; bar: all {by}s together.",
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        for y, look in enumerate(shown):
            values = np.sort(frame.loc[frame["characteristic"] == look.code, "estimate"].to_numpy(float))
            axes.plot(values[[0, -1]], [y, y], color=FAINT, lw=5, solid_capstyle="butt", zorder=1)
            axes.scatter(values, np.full(len(values), y), s=7, color=look.colour, alpha=0.5, lw=0, zorder=2)
            axes.plot([table["estimate"][y]] * 2, [y - 0.3, y + 0.3], color=INK, lw=1.2, zorder=3)
        axes.axvline(0, color=QUIET, lw=0.7)
        axes.set_yticks(range(len(shown)), [wrap(look.name, 32) for look in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_xlabel(f"{label}, without one {by}")
        return settle(figure)
