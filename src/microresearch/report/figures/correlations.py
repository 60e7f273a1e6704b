"""How closely do the characteristics go together?"""

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from microresearch.errors import DataError
from microresearch.report.figures.inputs import column_labels, known, row_labels
from microresearch.report.figures.matrix import draw_bar, draw_cells
from microresearch.report.rounding import apa
from microresearch.report.style import DIVERGING, Names, StudyFigure, context, looks, settle


def correlation_heat_map(
    correlations: pd.DataFrame, names: Names, *, label: str = "Correlation", title: str = ""
) -> StudyFigure:
    """Heat map of a correlation matrix: the lower triangle, signs kept, each value printed.

    Parameters
    ----------
    correlations : DataFrame, characteristics x characteristics
        Symmetric, codes in index and columns; a missing value is hatched.
    names : Instrument or mapping of code to name
        Order and names; characteristics that the matrix lacks are left out.
    label, title : str

    Returns
    -------
    StudyFigure
        `data` has columns row, column, correlation (the lower triangle).

    Raises
    ------
    DataError
        Not square, a value beyond 1, or a code that is not known.

    Examples
    --------
    >>> matrix = pd.DataFrame([[1, -0.4], [-0.4, 1]], ["a", "b"], ["a", "b"])
    >>> correlation_heat_map(matrix, {"a": "Trust", "b": "Help"}).data["correlation"].tolist()
    [-0.4]
    """
    refuse_other_matrices(correlations, "correlation_heat_map")
    known(correlations.index, [look.code for look in looks(names)], "correlation_heat_map")
    order = [look for look in looks(names) if look.code in correlations.index]
    codes = [look.code for look in order]
    values = correlations.loc[codes, codes].to_numpy(float)
    lower = np.where(np.tri(len(codes), k=-1, dtype=bool), values, np.nan)[1:, :-1]
    pairs = [(i, j) for i in range(1, len(codes)) for j in range(i)]
    data = pd.DataFrame(
        {
            "row": [codes[i] for i, _ in pairs], "column": [codes[j] for _, j in pairs],
            "correlation": [values[i, j] for i, j in pairs],
        }
    )  # fmt: skip
    low, high = data["correlation"].min(), data["correlation"].max()
    rows, size = row_labels([look.name for look in order[1:]], 8.5, 42.0)
    columns, how, room = column_labels([look.name for look in order[:-1]], 138 / max(len(lower), 1))
    figure = StudyFigure(
        "double", 16 + room + 8.5 * len(lower), data=data, title=title or "Correlations between the characteristics",
        alt=f"Heat map of the correlations between {len(codes)} characteristics, from {apa(low, 2, True)} to "
        f"{apa(high, 2, True)}.",
    )  # fmt: skip
    texts = [
        ["" if j > i else ("–" if np.isnan(lower[i, j]) else apa(lower[i, j], 2, True)) for j in range(len(lower))]
        for i in range(len(lower))
    ]
    with context():
        axes = figure.add_subplot()
        draw_cells(axes, lower, texts, DIVERGING, Normalize(-1, 1))
        axes.set_yticks(np.arange(len(lower)) + 0.5, rows, fontsize=size, linespacing=1.0)
        axes.set_xticks(np.arange(len(lower)) + 0.5, columns, **how)
        draw_bar(figure, axes, label)
        return settle(figure)


def refuse_other_matrices(correlations: pd.DataFrame, figure: str) -> None:
    """An error unless index and columns are the same codes and no value is beyond 1 in size."""
    if list(correlations.index) != list(correlations.columns):
        raise DataError(f"{figure}: index and columns must be the same codes in the same order.")
    if (correlations.abs().to_numpy(float) > 1 + 1e-9).any():
        raise DataError(f"{figure}: a correlation cannot be larger than 1 in size.")
