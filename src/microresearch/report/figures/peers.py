"""Where does one unit stand among its peers?"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError
from microresearch.report.figures.inputs import enough, frame_of, known, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import FAINT, INK, QUIET, Look, Names, StudyFigure, context, looks, settle

FEWEST = 5
"""Peers that a characteristic needs: among fewer each could be recognised."""


def unit_dot_plot(
    scores: object, names: Names, unit: str, *, value: str = "eb", minimum: int = 0, title: str = ""
) -> StudyFigure:
    """One unit's scores (large dots) among those of its peers (small ones), with the peers' median and quartiles.

    Parameters
    ----------
    scores : UnitScores or DataFrame
        A row per unit and characteristic: `unit`, `characteristic`, and the column named by `value`.
    names : Instrument or mapping of code to name
        Rows and their order.
    unit : str
        The unit to show.
    value : str
        The score shown.
    minimum : int
        Raters that a score needs to be shown (where `n_raters` is known); the note says how many units lack them.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns characteristic, score (of the unit), peers_q1, peers_median, peers_q3, n_units: no row of
        a peer, and no count of people.

    Raises
    ------
    DataError
        The unit has no score, or fewer than five peers have one.

    Examples
    --------
    >>> scores = pd.DataFrame({"unit": list("abcdef"), "characteristic": "trust", "eb": [3, 3.1, 3.2, 3.3, 3.4, 4.0]})
    >>> unit_dot_plot(scores, {"trust": "Trust"}, "f").data.loc[0, ["score", "peers_median"]].tolist()
    [4.0, 3.2]
    """
    frame = frame_of(scores, ("unit", "characteristic", value), "unit_dot_plot").dropna(subset=[value])
    frame, left_out = enough(frame, minimum)
    rows = looks(names)
    known(frame["characteristic"], [look.code for look in rows], "unit_dot_plot")
    data: list[tuple[object, ...]] = []
    strips: list[NDArray[np.float64]] = []
    for look in rows:
        part = frame[frame["characteristic"] == look.code]
        own = part.loc[part["unit"] == unit, value].to_numpy(float)
        peers = np.sort(part.loc[part["unit"] != unit, value].to_numpy(float))
        strips.append(peers)
        if 0 < len(peers) < FEWEST:
            raise DataError(f"unit_dot_plot: only {len(peers)} peers have a score on {look.name}; {FEWEST} are needed.")
        quartiles = np.quantile(peers, [0.25, 0.5, 0.75]).round(2) if len(peers) else [np.nan] * 3
        shown = round(float(own[0]), 2) if len(own) else np.nan
        data.append((look.code, shown, *quartiles, len(peers) + len(own)))
    table = pd.DataFrame(data, columns=["characteristic", "score", "peers_q1", "peers_median", "peers_q3", "n_units"])
    if table["score"].isna().all():
        raise DataError("unit_dot_plot: this unit has no score.")
    figure = StudyFigure(
        "double", 20 + 8 * len(rows), data=table, title=title or f"Unit {unit} among its peers",
        alt=_alt(table, rows, unit),
        note="Large dot: the unit; small dots: its peers; bar: their quartiles, with the median."
        f"{left_out}",
    )  # fmt: skip
    with context():
        axes = figure.add_subplot()
        for y, (look, peers) in enumerate(zip(rows, strips, strict=True)):
            score, q1, median, q3 = table.loc[y, ["score", "peers_q1", "peers_median", "peers_q3"]].to_numpy(float)
            if not len(peers):
                where = axes.get_yaxis_transform()
                axes.text(0.5, y, "no scores", transform=where, ha="center", va="center", color=QUIET)
                continue
            axes.scatter(peers, np.full(len(peers), y), s=5, color="#9b9b9b", alpha=0.6, lw=0, zorder=2)
            axes.plot([q1, q3], [y, y], color=FAINT, lw=7, solid_capstyle="butt", zorder=1)
            axes.plot([median] * 2, [y - 0.26, y + 0.26], color=INK, lw=1.0, zorder=3)
            axes.plot(score, y, "o", ms=6.5, color=look.colour, mec="white", mew=0.8, zorder=4)
        axes.set_yticks(range(len(rows)), [wrap(look.name, 32) for look in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_xlabel("Unit score")
        return settle(figure)


def _alt(table: pd.DataFrame, rows: Sequence[Look], unit: str) -> str:
    pairs = zip(rows, table["score"].to_numpy(float), table["peers_median"].to_numpy(float), strict=True)
    said = [
        f"{look.name}: {apa(own)} (peers' median {apa(median)})" for look, own, median in pairs if not math.isnan(own)
    ]
    return f"Scores of unit {unit} among its peers. {'; '.join(said)}."
