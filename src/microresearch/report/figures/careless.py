"""Where does each index of careless responding put people, and where is its cut?"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from microresearch.report.figures.inputs import wrap
from microresearch.report.style import ACCENT, INK, QUIET, SECOND, StudyFigure, context, settle
from microresearch.results import NotAvailable

NAMES = {
    "longest_run": "Longest run of one answer (items)", "irv": "SD of a person's answers",
    "mahalanobis_p": "Mahalanobis distance (−log10 p)", "even_odd": "Even-odd consistency",
    "synonyms": "Consistency over synonyms", "antonyms": "Consistency over antonyms",
    "seconds_per_item": "Seconds an item",
}  # fmt: skip
BINS = 24
_COLUMNS = 3
_TALL = 40.0  # mm, a row of panels


class HasIndices(Protocol):
    """What `survey.careless` gives: a column an index, and the cuts."""

    @property
    def indices(self) -> pd.DataFrame:
        """Responses x indices."""
        ...

    @property
    def cuts(self) -> Mapping[str, float]:
        """Index -> cut."""
        ...

    @property
    def flags(self) -> pd.DataFrame:
        """Responses x indices with a cut."""
        ...


def careless_indices(found: HasIndices, *, threshold: int = 10, title: str = "") -> StudyFigure | NotAvailable:
    """A histogram of each index, the flagged side of its cut in another colour.

    Parameters
    ----------
    found : Careless
        What `survey.careless` returns.
    threshold : int
        Bars of so few people are joined with their neighbours, within their side of the cut; a side with so few is
        not drawn.
    title : str

    Returns
    -------
    StudyFigure, or NotAvailable where so few people stand behind everything that nothing may be shown
        `data` has a row a bar: index, low, high, percent (of those who are drawn; one decimal), flagged. The p of the
        Mahalanobis distance is drawn as -log10, so that the suspicious side can be seen.

    References
    ----------
    Curran (2016), Journal of Experimental Social Psychology 66, 4-19. doi:10.1016/j.jesp.2015.07.006

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> rng = np.random.default_rng(1)
    >>> indices = pd.DataFrame({"irv": rng.normal(1, 0.2, 500)})
    >>> found = SimpleNamespace(indices=indices, cuts={"irv": 0.7}, flags=indices < 0.7)
    >>> figure = careless_indices(found)
    >>> sorted(set(figure.data["flagged"])), round(figure.data["percent"].sum())
    ([False, True], 100)
    """
    wanted = [name for name in NAMES if name in found.indices and found.indices[name].notna().sum() > threshold]
    if not wanted:
        return NotAvailable(f"no index of careless responding is had by more than {threshold} people")
    data = pd.concat([_bars(found, name, threshold) for name in wanted], ignore_index=True)
    rows = -(-len(wanted) // _COLUMNS)
    cuts = ", ".join(f"{NAMES[name]} {found.cuts[name]:g}" for name in wanted if name in found.cuts)
    figure = StudyFigure(
        "double", 10 + _TALL * rows, data=data, title=title or "Indices of careless responding",
        alt=f"Histograms of {len(wanted)} indices of careless responding, each with its cut ({cuts or 'no cut'}); "
        "the flagged side is in another colour.",
        note=f"Dashed: the cut. A flag leaves nobody out. Bars of {threshold} or fewer people are joined with their "
        "neighbours, and a flagged side of so few is not drawn; the area of a bar is its share of people.",
    )  # fmt: skip
    with context():
        panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes, name in zip(panels, wanted, strict=False):
            _panel(axes, data[data["index"] == name], name, _cut(found, name), found.cuts.get(name))
        for axes in panels[len(wanted) :]:
            axes.set_axis_off()
        figure.supylabel("Density of people", fontsize=7)
        return settle(figure)


def _bars(found: HasIndices, name: str, threshold: int) -> pd.DataFrame:
    """The bars of one index: the flagged and the others each by themselves, with no bar of few people."""
    seen = found.indices[name].notna().to_numpy()
    values = _drawn(found.indices[name].to_numpy(dtype=np.float64)[seen], name)
    flagged = found.flags[name].to_numpy()[seen] if name in found.flags else np.zeros(len(values), dtype=bool)
    edges = _edges(values, name, _cut(found, name))
    bars = [
        (*bar, side)
        for side in (False, True)
        for bar in _joined(np.histogram(values[flagged == side], edges)[0], edges, threshold)
    ]
    drawn = sum(n for _, _, n, _ in bars)  # not everybody: what is left out must not follow from the rest
    return pd.DataFrame(
        [(name, low, high, round(100 * n / drawn, 1), side) for low, high, n, side in bars],
        columns=["index", "low", "high", "percent", "flagged"],
    )


def _drawn(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    return -np.log10(np.maximum(values, 1e-12)) if name == "mahalanobis_p" else values


def _cut(found: HasIndices, name: str) -> float | None:
    """The cut where it is drawn: between two whole runs, and of a p by its logarithm."""
    if name not in found.cuts:
        return None
    cut = float(found.cuts[name])
    if name == "longest_run":
        return float(np.ceil(cut)) - 0.5
    return float(_drawn(np.array([cut]), name)[0])


def _edges(values: NDArray[np.float64], name: str, cut: float | None) -> NDArray[np.float64]:
    """Edges of bars of one width, one of them at the cut; seconds end where nearly everybody is, with the last open."""
    low, high = float(values.min()), float(values.max())
    if name == "longest_run":
        low, high = low - 0.5, high + 0.5
        width = max(1.0, np.ceil((high - low) / BINS))
    else:
        high = float(np.quantile(values, 0.98)) if name == "seconds_per_item" else high
        width = max((high - low) / BINS, 1e-9)
    if cut is None or not low < cut < high:
        return np.append(low + width * np.arange(np.ceil((high - low) / width)), max(high, float(values.max())))
    if name == "longest_run":
        below = cut - width * np.arange(1, np.ceil((cut - low) / width) + 1)[::-1]
        above = cut + width * np.arange(1, np.ceil((high - cut) / width) + 1)
        return np.concatenate([below, [cut], above])
    below = np.linspace(low, cut, max(1, round((cut - low) / width)) + 1)
    above = np.linspace(cut, high, max(1, round((high - cut) / width)) + 1)
    return np.concatenate([below, above[1:-1], [max(high, float(values.max()))]])


def _joined(counts: NDArray[np.int_], edges: NDArray[np.float64], threshold: int) -> list[tuple[float, float, int]]:
    """Neighbouring bars joined, from the left, until each has more people than the threshold; none where all are few.

    What is left at the right end goes to the last bar.
    """
    bars: list[tuple[float, float, int]] = []
    low, n = None, 0
    for i, count in enumerate(counts):
        if low is None and not count:
            continue
        low = float(edges[i]) if low is None else low
        n += int(count)
        if n > threshold:
            bars.append((low, float(edges[i + 1]), n))
            low, n = None, 0
    if n and bars:
        start, _, before = bars.pop()
        last = int(np.flatnonzero(counts)[-1])
        bars.append((start, float(edges[last + 1]), before + n))
    return bars


def _panel(axes: Axes, bars: pd.DataFrame, name: str, at: float | None, cut: float | None) -> None:
    for side, colour in ((False, ACCENT), (True, SECOND)):
        some = bars[bars["flagged"] == side]
        wide = (some["high"] - some["low"]).to_numpy(dtype=np.float64)
        axes.bar(some["low"], some["percent"] / wide, wide, align="edge", color=colour, edgecolor="white", lw=0.3)
    axes.set_title(wrap(NAMES[name], 34), loc="left")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if name == "seconds_per_item" and len(bars):
        starts = bars["low"].to_numpy(dtype=np.float64)
        axes.set_xlim(min(0.0, float(starts.min())), float(starts.max()) * 1.15)
    if at is not None:
        axes.axvline(at, color=INK, lw=0.8, ls="--")
        low, high = axes.get_xlim()
        left = (at - low) / (high - low) > 0.6
        axes.annotate(
            f"cut {cut:g}", (at, 1), (-3 if left else 3, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right" if left else "left", va="top", color=QUIET, fontsize=6.5,
        )  # fmt: skip
