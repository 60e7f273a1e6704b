"""How was each item answered?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from microresearch.errors import DataError
from microresearch.report.figures.inputs import row_labels, wrap
from microresearch.report.style import MAX_HEIGHT, QUIET, StudyFigure, context, settle

_LOW, _MIDDLE, _HIGH, _NONE = ("#7a3b00", "#c98a3c", "#e6c594"), "#d9d9d9", ("#9ecae1", "#4292c6", "#084a91"), "#8c8c8c"


def item_distributions(
    counts: pd.DataFrame,
    options: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    aside: Sequence[str] = (),
    threshold: int = 10,
    title: str = "",
) -> StudyFigure:
    """Diverging stacked bars: answers below the middle to the left, above it to the right.

    Parameters
    ----------
    counts : DataFrame, items x answers
        How many people gave each answer: a column for each of `options` and of `aside`.
    options : sequence of str
        The answers from the lowest to the highest; with an odd number the middle one is split by the axis.
    labels : mapping of item to str
        What stands beside a bar; the item's code when absent.
    aside : sequence of str
        What is no answer (can't rate, blank): bars of their own to the right, in per cent of everybody.
    threshold : int
        An answer given by so few is drawn with its neighbour towards the middle, one given by nobody too.
    title : str

    Returns
    -------
    StudyFigure
        `data` has columns item, answer, percent: whole per cents of those who answered (of everybody for `aside`);
        missing where an answer is drawn with its neighbour.

    Raises
    ------
    DataError
        A column is missing, fewer than two options, or an item that so few answered that it may not be shown.

    References
    ----------
    Heiberger & Robbins (2014), Journal of Statistical Software 57(5). doi:10.18637/jss.v057.i05

    Examples
    --------
    >>> counts = pd.DataFrame({"no": [4, 40], "partly": [30, 30], "yes": [66, 30]}, ["a", "b"])
    >>> item_distributions(counts, ["no", "partly", "yes"]).data["percent"].tolist()
    [nan, 34.0, 66.0, 40.0, 30.0, 30.0]
    """
    lacking = [column for column in (*options, *aside) if column not in counts.columns]
    if lacking or len(options) < 2:
        raise DataError(f"item_distributions needs two or more options as columns; missing: {lacking}.")
    pooled = np.array([pool(row, threshold) for row in counts[list(options)].to_numpy(float)])
    answered = np.nansum(pooled, axis=1)
    if ((answered > 0) & (answered <= threshold)).any():
        raise DataError("item_distributions: an item has too few answers to be shown; leave it out.")
    with np.errstate(invalid="ignore"):
        share = 100 * pooled / answered[:, None]
    everybody = counts[[*options, *aside]].to_numpy(float).sum(axis=1)
    none = counts[list(aside)].to_numpy(float)
    small = (none > 0) & (none <= threshold)
    few = small.any(axis=1, keepdims=True)  # with the others and everybody, the few would follow
    none = np.where(few | (none <= threshold), np.nan, 100 * none / everybody[:, None])
    data = _long(counts.index, [*options, *aside], np.column_stack([share, none]).round())
    tall = min(6.5, (MAX_HEIGHT - 26) / len(counts))
    said, letters = row_labels([(labels or {}).get(str(item), str(item)) for item in counts.index], tall)
    figure = StudyFigure(
        "double", 26 + tall * len(said), data=data, title=title or "How each item was answered",
        alt=f"Diverging bars of the answers to {len(said)} items on {len(options)} options"
        + (f", with {' and '.join(aside)} beside." if aside else "."),
        note=f"Per cent of those who answered. Answers given by {threshold} or fewer people are drawn with their "
        "neighbour towards the middle"
        + (f"; what is no answer is left out where one kind of it is of {threshold} or fewer." if aside else "."),
    )  # fmt: skip
    with context():
        axes = figure.subplots(1, 2, sharey=True, width_ratios=[4.4, 1]) if aside else [figure.add_subplot()]
        _bars(axes[0], np.nan_to_num(share), options, tall)
        axes[0].set_yticks(range(len(said)), said, fontsize=letters, linespacing=0.9)
        if aside:
            _aside(axes[1], none, aside)
            axes[1].margins(x=0)
        handles = [handle for one in axes for handle in one.get_legend_handles_labels()[0]]
        words = [wrap(option, 40) for option in (*options, *aside)]
        columns = max(1, int(172 / (1.35 * max(len(line) for word in words for line in word.split("\n")) + 7)))
        columns = len(words) if sum(1.35 * len(word) + 7 for word in words) <= 172 else columns
        figure.legend(handles, words, loc="outside upper center", ncols=columns, columnspacing=1.1, handlelength=1)
        return settle(figure)


def pool(row: np.ndarray, threshold: int) -> np.ndarray:
    """One item's counts with the small ones added to a neighbour, from both ends; what was added (or 0) is missing.

    Examples
    --------
    >>> pool(np.array([4.0, 30.0, 0.0, 66.0]), 10)
    array([nan, 34., nan, 66.])
    """
    row, middle = row.copy(), (len(row) - 1) / 2
    for i in sorted(range(len(row)), key=lambda i: -abs(i - middle)):
        others = [j for j in range(len(row)) if j != i and not np.isnan(row[j])]
        if row[i] <= threshold and others:
            nearest = min(others, key=lambda j: (abs(j - i), abs(j - middle), -row[j]))
            row[nearest], row[i] = row[nearest] + row[i], np.nan
    return row


def _long(items: pd.Index, answers: Sequence[str], values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": np.repeat(items.astype(str), len(answers)), "answer": list(answers) * len(items),
            "percent": values.ravel(),
        }
    )  # fmt: skip


def _colours(count: int) -> list[str]:
    half = count // 2
    low = [_LOW[round(i * 2 / max(half - 1, 1))] for i in range(half)]
    high = [_HIGH[2 - round(i * 2 / max(half - 1, 1))] for i in range(half)][::-1]
    return [*low, *([_MIDDLE] if count % 2 else []), *high]


def _bars(axes: Axes, share: np.ndarray, options: Sequence[str], tall: float) -> None:
    count, half = len(options), len(options) // 2
    left = -share[:, :half].sum(axis=1) - (share[:, half] / 2 if count % 2 else 0)
    for i, colour in enumerate(_colours(count)):
        axes.barh(range(len(share)), share[:, i], left=left, height=0.78, color=colour, label=options[i], lw=0)
        for row, (start, wide) in enumerate(zip(left, share[:, i], strict=True)):
            if wide >= 7 and tall >= 3.5:
                dark = colour in (_LOW[0], _HIGH[1], _HIGH[2])
                axes.text(start + wide / 2, row, f"{wide:.0f}", ha="center", va="center", fontsize=5.5,
                          color="white" if dark else "black")  # fmt: skip
        left = left + share[:, i]
    axes.axvline(0, color=QUIET, lw=0.6)
    axes.set_xlim(-100, 100)
    axes.set_xticks(range(-100, 101, 50), ["100", "50", "0", "50", "100"])
    axes.set_xlabel("% of answers")
    axes.set_ylim(len(share) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _aside(axes: Axes, none: np.ndarray, aside: Sequence[str]) -> None:
    left = np.zeros(len(none))
    for i, name in enumerate(aside):
        wide = np.nan_to_num(none[:, i])
        axes.barh(range(len(none)), wide, left=left, height=0.78, color=(_NONE, "#c9c9c9")[i % 2], label=name, lw=0)
        left = left + wide
    axes.set_xlabel("% of all")
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, max(10.0, 1.1 * float(left.max())))
