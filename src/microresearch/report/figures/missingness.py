"""Where are answers missing, and for whom?"""

import numpy as np
from matplotlib.colors import Normalize

from microresearch.errors import DataError
from microresearch.report.figures.inputs import column_labels, frame_of, row_labels
from microresearch.report.figures.matrix import draw_bar, draw_cells
from microresearch.report.style import MAX_HEIGHT, StudyFigure, context, settle


def missingness_map(
    missing: object,
    *,
    labels: dict[str, str] | None = None,
    threshold: int = 10,
    label: str = "Not answered (%)",
    title: str = "",
) -> StudyFigure:
    """Heat map of the share of missing answers, items by groups.

    Parameters
    ----------
    missing : DataFrame
        A row per item and group (a role, a state): columns `item`, `group`, `missing` (people) and `n` (people asked).
    labels : mapping of item to str
        What stands beside a row.
    threshold : int
        Shares of so few people (or of all but so few) are drawn as "few" without number.
    label, title : str

    Returns
    -------
    StudyFigure
        `data` has columns item, group, percent (whole; missing where few people stand behind it).

    Raises
    ------
    DataError
        A column is missing, an item stands twice in a group, or more items than a page holds (95).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"item": ["a", "b"], "group": "nurse", "missing": [30, 4], "n": 200})
    >>> missingness_map(frame).data["percent"].tolist()
    [15.0, nan]
    """
    frame = frame_of(missing, ("item", "group", "missing", "n"), "missingness_map")
    if frame.duplicated(["item", "group"]).any():
        raise DataError("missingness_map: an item stands twice in one group.")
    items, groups = list(dict.fromkeys(frame["item"])), list(dict.fromkeys(frame["group"]))
    if not 0 < len(items) <= 95:
        raise DataError(f"missingness_map holds 1 to 95 items on a page, not {len(items)}.")
    few, most = frame["missing"].between(1, threshold), (frame["n"] - frame["missing"]).between(1, threshold)
    hidden = (few | most | (frame["n"] <= threshold)).to_numpy(dtype=bool).copy()
    for rows in frame.groupby("item", sort=False).indices.values():
        _cover(frame["missing"].to_numpy(), hidden, np.asarray(rows), threshold)
    percent = (100 * frame["missing"] / frame["n"]).round().where(~hidden)
    data = frame[["item", "group"]].assign(percent=percent)
    grid = data.pivot(index="item", columns="group", values="percent").loc[items, groups].to_numpy(float)
    columns, how, room = column_labels(map(str, groups), 98 / len(groups))
    tall = min(6.0, (MAX_HEIGHT - 18 - room) / len(items))
    figure = StudyFigure(
        "double", 18 + room + tall * len(items), data=data, title=title or "Missing answers by item",
        alt=f"Heat map of the share of missing answers to {len(items)} items in {len(groups)} groups, up to "
        f"{np.nanmax(grid, initial=0):.0f} per cent.",
        note=f"–: {threshold} or fewer people, a share from which they would follow, or nobody asked.",
    )  # fmt: skip
    texts = [["–" if np.isnan(v) else f"{v:.0f}" for v in row] for row in grid]
    with context():
        axes = figure.add_subplot()
        norm = Normalize(0, max(10.0, float(np.nanmax(grid, initial=0))))
        draw_cells(axes, grid, texts, "YlOrBr", norm, min(6.0, 2.2 * tall))
        said, letters = row_labels([(labels or {}).get(item, item) for item in items], tall)
        axes.set_yticks(np.arange(len(items)) + 0.5, said, fontsize=letters, linespacing=0.9)
        axes.set_xticks(np.arange(len(groups)) + 0.5, columns, **how)
        draw_bar(figure, axes, label, 0.6)
        return settle(figure)


def _cover(missing: np.ndarray, hidden: np.ndarray, rows: np.ndarray, threshold: int) -> None:
    """Hide (in place) more groups of an item, smallest first, until the hidden ones together tell nothing."""
    while hidden[rows].any():
        open_rows = [row for row in rows if not hidden[row] and missing[row] > 0]
        gone = missing[rows][hidden[rows]]
        if gone.sum() - (gone > 0).sum() + 1 > threshold or not gone.sum() or not open_rows:
            return
        hidden[min(open_rows, key=lambda row: missing[row])] = True
