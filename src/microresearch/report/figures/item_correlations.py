"""Do the items of a characteristic go together, and apart from those of the others?"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from microresearch.errors import DataError
from microresearch.report.figures.correlations import refuse_other_matrices
from microresearch.report.figures.inputs import column_labels, wrap
from microresearch.report.figures.matrix import draw_bar
from microresearch.report.rounding import apa
from microresearch.report.style import DIVERGING, INK, StudyFigure, context, settle

MOST_ITEMS = 150


def item_correlation_heat_map(
    correlations: pd.DataFrame,
    groups: Mapping[str, str],
    *,
    label: str = "Correlation",
    bound: float = 1.0,
    title: str = "",
) -> StudyFigure:
    """Heat map of all correlations between items, ordered by characteristic, signs kept.

    Parameters
    ----------
    correlations : DataFrame, items x items
        Symmetric, the same codes in index and columns.
    groups : mapping of item to the name of its characteristic
        Items are ordered by the first appearance of their group; a line stands between groups.
    label : str
        What the values are: correlations, or the residual correlations that a model leaves.
    bound : float
        Where the colours end at least: 1 for correlations, less for residuals; a larger value widens it.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns row, column, correlation (the lower triangle).

    Raises
    ------
    DataError
        Not square, a value beyond 1, an item without a group, or more than 150 items.

    Examples
    --------
    >>> matrix = pd.DataFrame([[1, -0.4], [-0.4, 1]], ["a", "b"], ["a", "b"])
    >>> item_correlation_heat_map(matrix, {"a": "Trust", "b": "Help"}).data["correlation"].tolist()
    [-0.4]
    """
    codes, kinds = _ordered(correlations, groups)
    values = correlations.loc[codes, codes].to_numpy(float, copy=True)
    rows, columns = np.tril_indices(len(codes), -1)
    data = pd.DataFrame(
        {"row": np.array(codes)[rows], "column": np.array(codes)[columns], "correlation": values[rows, columns]}
    )
    together = np.equal.outer(kinds, kinds)[rows, columns]
    said = [apa(float(np.nanmean(part)), 2, True) for part in (values[rows, columns][together],
            values[rows, columns][~together]) if part.size and not np.isnan(part).all()]  # fmt: skip
    figure = StudyFigure(
        "double", 170, data=data, title=title or f"{label}s between the items",
        alt=f"Heat map of the {label.lower()}s between {len(codes)} items of {len(set(kinds))} characteristics; the "
        f"mean within and between characteristics is {' and '.join(said)}.",
        note="A dash marks negative values of a tenth of the scale or more, for readers in grey.",
    )  # fmt: skip
    np.fill_diagonal(values, np.nan)
    bound = max(bound, float(np.nanmax(np.abs(values))))
    edges = [0, *(i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), len(kinds)]
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    names = [wrap(kinds[a], 24) for a in edges[:-1]]
    narrow = 120 * min(b - a for a, b in pairwise(edges)) / len(codes)
    below, how, _ = column_labels([kinds[a] for a in edges[:-1]], min(narrow, 12.0))
    minus = np.argwhere(values <= -0.1 * bound)
    with context():
        axes = figure.add_subplot()
        axes.pcolormesh(np.ma.masked_invalid(values), cmap=DIVERGING, norm=Normalize(-bound, bound))
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for edge in edges[1:-1]:
            axes.axhline(edge, color=INK, lw=0.5)
            axes.axvline(edge, color=INK, lw=0.5)
        axes.set_yticks(middles, names, fontsize=6, linespacing=0.9)
        axes.set_xticks(middles, below, **how)
        size = (300 / len(codes)) ** 2 / 12  # of the signs, a third of a cell wide
        axes.scatter(minus[:, 1] + 0.5, minus[:, 0] + 0.5, s=size, marker="_", color=INK, lw=0.5)
        draw_bar(figure, axes, label)
        return settle(figure)


def _ordered(correlations: pd.DataFrame, groups: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Codes and the names of their groups, group by group."""
    refuse_other_matrices(correlations, "item_correlation_heat_map")
    if not 2 <= len(correlations) <= MOST_ITEMS:
        raise DataError(f"item_correlation_heat_map holds 2 to {MOST_ITEMS} items, not {len(correlations)}.")
    without = [str(code) for code in correlations.index if code not in groups]
    if without:
        raise DataError(f"item_correlation_heat_map: no characteristic is given for {', '.join(without)}.")
    place = {name: at for at, name in enumerate(dict.fromkeys(groups.values()))}
    codes = sorted((str(code) for code in correlations.index), key=lambda code: place[groups[code]])
    return codes, [groups[code] for code in codes]
