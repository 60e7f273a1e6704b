"""Which units score high or low on which characteristic?"""

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from microresearch.errors import DataError
from microresearch.report.figures.inputs import enough, frame_of, known, listed, row_labels, wrap
from microresearch.report.rounding import apa
from microresearch.report.style import QUIET, SEQUENTIAL, Names, StudyFigure, context, looks, settle


def unit_heat_map(
    scores: object,
    names: Names,
    *,
    value: str = "eb",
    minimum: int = 0,
    label: str = "Unit score (1 to 5)",
    title: str = "",
) -> StudyFigure:
    """Unit by characteristic heat map: characteristics in rows, units in columns from the lowest to the highest.

    Parameters
    ----------
    scores : UnitScores or DataFrame
        A row per unit and characteristic: columns `unit`, `characteristic` and the column named by `value`.
    names : Instrument or mapping of code to name
        The rows and their order; a characteristic without scores keeps its row and says so.
    value : str
        The score shown: `eb` (empirical Bayes) or `mean`.
    minimum : int
        Raters that a score needs to be shown (where `n_raters` is known); the note says how many units lack them.
    label, title : str
        What the colours mean; the figure's title.

    Returns
    -------
    StudyFigure
        `data` has columns unit, characteristic, score; scores with two decimals, as exact unit means would give
        away how many staff answered.

    Raises
    ------
    DataError
        A column is missing, a characteristic is unknown, a unit stands twice, or there is no score at all.

    Examples
    --------
    >>> scores = pd.DataFrame({"unit": ["A", "B"], "characteristic": "leadership", "eb": [3.1, 4.2]})
    >>> unit_heat_map(scores, {"leadership": "Leadership"}).data["score"].tolist()
    [3.1, 4.2]
    """
    shown, left_out = enough(frame_of(scores, ("unit", "characteristic", value), "unit_heat_map"), minimum)
    grid = _grid(shown, names, value)
    lack = [look.name for look in looks(names) if grid.loc[look.code].isna().all()]
    data = grid.round(2).T.rename_axis("unit").reset_index().melt("unit", value_name="score").dropna(ignore_index=True)
    low, high = float(np.nanmin(grid)), float(np.nanmax(grid))
    figure = StudyFigure(
        "double",
        28 + 7.2 * len(grid) + _label_room(grid),
        data=data,
        title=title or "Unit scores by characteristic",
        alt=f"Heat map of {grid.shape[1]} units by {len(grid)} characteristics, units ordered from the lowest to the "
        f"highest mean score. Scores run from {apa(low)} to {apa(high)}. Without scores: {listed(lack)}.",
        note="Units from left to right by their mean over the characteristics, each first standardised. "
        f"Hatched: no score.{left_out}",
    )
    with context():
        _draw(figure, grid, {look.code: look.name for look in looks(names)}, label)
        return settle(figure)


def _grid(frame: pd.DataFrame, names: Names, value: str) -> pd.DataFrame:
    codes = [look.code for look in looks(names)]
    known(frame["characteristic"], codes, "unit_heat_map")
    if frame.duplicated(["unit", "characteristic"]).any():
        raise DataError("unit_heat_map: a unit has two scores for one characteristic.")
    grid = frame.pivot(index="characteristic", columns="unit", values=value).reindex(codes).astype(float)
    grid = grid.loc[:, grid.notna().any()]
    if grid.empty:
        raise DataError(f"unit_heat_map: no unit has a value in column {value!r}.")
    spread = grid.std(axis=1, ddof=0).replace(0.0, np.nan).fillna(1.0)
    height = grid.sub(grid.mean(axis=1), axis=0).div(spread, axis=0).mean()
    return grid[sorted(grid.columns, key=lambda unit: (height[unit], str(unit)))]


def _upright(grid: pd.DataFrame) -> bool:
    """Whether each unit's label fits under its column when broken between words."""
    longest = max(len(word) for unit in grid.columns for word in str(unit).split())
    return longest * grid.shape[1] <= 110


def _ticks(grid: pd.DataFrame) -> list[str]:
    letters = 110 // grid.shape[1] if _upright(grid) else 24
    return [wrap(str(unit), letters) for unit in grid.columns]


def _label_room(grid: pd.DataFrame) -> float:
    if grid.shape[1] > 40:
        return 4.0
    lines = [label.split("\n") for label in _ticks(grid)]
    if _upright(grid):
        return 3.0 * max(len(parts) for parts in lines)
    return 1.5 * max(len(part) for parts in lines for part in parts)


def _draw(figure: StudyFigure, grid: pd.DataFrame, names: dict[str, str], label: str) -> None:
    axes = figure.add_subplot()
    values = grid.to_numpy()
    rows, columns = values.shape
    norm = Normalize(float(np.nanmin(values)), float(np.nanmax(values)))
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(values), cmap=SEQUENTIAL, norm=norm, edgecolors="white" if columns <= 60 else "face",
        linewidth=0.6 if columns <= 60 else 0.0,
    )  # fmt: skip
    for row, column in zip(*np.nonzero(np.isnan(values)), strict=True):
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor="white", edgecolor="#b5b5b5", hatch="////", lw=0))
    if columns <= 14:
        for (row, column), score in np.ndenumerate(values):
            if not np.isnan(score):
                shade = "white" if norm(score) > 0.55 else "black"
                axes.text(column + 0.5, row + 0.5, apa(score), ha="center", va="center", color=shade, fontsize=6)
    said, size = row_labels([names[code] for code in grid.index], 7.2, 42.0)
    axes.set_yticks(np.arange(rows) + 0.5, said, fontsize=size, linespacing=1.0)
    axes.invert_yaxis()
    if columns <= 40:
        turn = 0 if _upright(grid) else 90
        axes.set_xticks(np.arange(columns) + 0.5, _ticks(grid), rotation=turn, fontsize=6, linespacing=1.0)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{columns} units, from the lowest to the highest mean score")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if columns > 60:
        axes.hlines(np.arange(1, rows), 0, columns, color="white", lw=0.6)
    bar = figure.colorbar(mesh, ax=axes, location="top", aspect=50, shrink=0.45, pad=0.02, anchor=(0.93, 0.5))
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=QUIET)
    bar.set_label(label)
