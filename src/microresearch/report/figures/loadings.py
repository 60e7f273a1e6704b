"""Which item loads on which factor?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from microresearch.errors import DataError
from microresearch.report.figures.inputs import column_labels, row_labels
from microresearch.report.figures.matrix import draw_bar, draw_cells
from microresearch.report.rounding import apa
from microresearch.report.style import DIVERGING, INK, MAX_HEIGHT, StudyFigure, context, settle

if TYPE_CHECKING:
    from microresearch.psychometrics.efa import Efa


def loadings(
    result: "Efa | pd.DataFrame",
    *,
    labels: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
    cut: float = 0.3,
    title: str = "",
) -> StudyFigure:
    """Heat map of a loading matrix, signs kept; values smaller than `cut` are coloured but not printed.

    Parameters
    ----------
    result : Efa or DataFrame (items x factors)
    labels : mapping of item to str
        What stands beside a row; the item's code when absent.
    groups : mapping of item to str
        The characteristic an item belongs to: a line is drawn where it changes.
    cut : float
        Printed from this size on.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns item, factor, loading: every loading, also the small ones.

    Raises
    ------
    DataError
        No loading, or more items than a page holds (95).

    Examples
    --------
    >>> loadings(pd.DataFrame({"F1": [0.7, -0.1]}, ["a", "b"])).data["loading"].tolist()
    [0.7, -0.1]
    """
    table = result if isinstance(result, pd.DataFrame) else result.loadings
    items = [str(item) for item in table.index]
    if table.empty or len(items) > 95:
        raise DataError(f"loadings holds 1 to 95 items on a page, not {len(items)}; draw them in parts.")
    values = table.to_numpy(float)
    columns, how, room = column_labels(map(str, table.columns), 98 / values.shape[1])
    tall = min(6.0, (MAX_HEIGHT - 18 - room) / len(items))
    data = table.rename_axis("item").reset_index().melt("item", var_name="factor", value_name="loading")
    figure = StudyFigure(
        "double", 18 + room + tall * len(items), data=data, title=title or "Loadings",
        alt=f"Heat map of the loadings of {len(items)} items on {values.shape[1]} factors; "
        f"{int((np.abs(values) >= cut).sum())} are {apa(cut, 2, True)} or more in size.",
        note=f"Loadings of {apa(cut, 2, True)} or more in size are printed.",
    )  # fmt: skip
    texts = [[apa(v, 2, True) if abs(v) >= cut else " " for v in row] for row in values]
    bound = max(1.0, float(np.nanmax(np.abs(values))))
    with context():
        axes = figure.add_subplot()
        draw_cells(axes, values, texts, DIVERGING, Normalize(-bound, bound), min(6.0, 2.2 * tall))
        said, letters = row_labels([(labels or {}).get(item, item) for item in items], tall)
        axes.set_yticks(np.arange(len(items)) + 0.5, said, fontsize=letters, linespacing=0.9)
        axes.set_xticks(np.arange(values.shape[1]) + 0.5, columns, **how)
        kinds = [(groups or {}).get(item, "") for item in items]
        for row in range(1, len(items)):
            if kinds[row] != kinds[row - 1]:
                axes.axhline(row, color=INK, lw=0.6)
        draw_bar(figure, axes, "Loading", 0.6)
        return settle(figure)
