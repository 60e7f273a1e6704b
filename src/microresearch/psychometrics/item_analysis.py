"""Which items of a scale work? Spread, shape, floor and ceiling, fit with the rest, and alpha without each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from microresearch.errors import SpecError
from microresearch.numeric.moments import Floats, pair_moments
from microresearch.psychometrics.coefficients import alpha_of
from microresearch.psychometrics.scores import keyed_items, pick_items
from microresearch.responses import Responses, State
from microresearch.results import NotAvailable

MOST_LEVELS = 50
Shape = Literal["spss", "psych", "population"]


@dataclass(frozen=True, slots=True, eq=False)
class ItemAnalysis:
    """Statistics of items, scale by scale.

    Attributes
    ----------
    table : DataFrame
        A row an item: `scale`, `item`, `n` (answered), `cant_rate`, `blank`, `not_applicable` (from `Responses`) or
        `missing`, `mean`, `sd` (scale points, ddof 1), `skew`, `kurtosis` (excess), `floor`, `ceiling` (per cent of the
        answers at the lowest and highest level), `item_rest_r` (correlation with the mean of the scale's other items),
        `alpha_dropped` (alpha of the others), `note` where a number cannot be had. Exact counts, so private.
    frequencies : DataFrame, items x levels, or NotAvailable
        Per cent of the answers at each level; not for answers that are no closed options.
    shape : str
        Which skewness and kurtosis.
    """

    table: pd.DataFrame
    frequencies: pd.DataFrame | NotAvailable
    shape: str

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def item_analysis(
    items: pd.DataFrame | Responses,
    columns: str | Sequence[str] | None = None,
    low: float | None = None,
    high: float | None = None,
    shape: Shape = "spss",
) -> ItemAnalysis:
    """Item statistics of one scale, or of every characteristic of an instrument.

    Parameters
    ----------
    items : DataFrame (persons x items, keyed, of one scale) or Responses (scale by scale, keyed)
    columns : str or sequence of str, optional
        Items in a larger frame; with `Responses` the code of one characteristic.
    low, high : float, optional
        Bounds of the response scale of a frame; without them floor and ceiling are left out, as observed bounds would
        mislead. `Responses` know theirs.
    shape : {"spss", "psych", "population"}
        Skewness and kurtosis: G1, G2 (SPSS, SAS); b1, b2 (psych's default); g1, g2 (Joanes & Gill 1998).

    Returns
    -------
    ItemAnalysis

    Raises
    ------
    SpecError
        An unknown shape.
    DataError
        A column is missing or holds text.

    Notes
    -----
    Item-rest correlations and alphas rest on pairwise covariances, as R's psych has them. A negative item-rest
    correlation hints at a wrong key; nothing is turned.

    References
    ----------
    Joanes & Gill (1998), The Statistician 47, 183-189. doi:10.1111/1467-9884.00122

    Examples
    --------
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 3, 3, 5], "c": [1, 3, 2, 4]})
    >>> item_analysis(items, low=1, high=5).table[["item", "floor", "item_rest_r"]].round(2).values.tolist()
    [['a', 25.0, 0.88], ['b', 0.0, 0.97], ['c', 25.0, 0.88]]
    """
    if shape not in ("spss", "psych", "population"):
        raise SpecError(f"shape must be spss, psych or population, not {shape!r}.")
    parts: list[pd.DataFrame] = []
    levels: list[pd.DataFrame | None] = []
    for scale, frame, bounds, state in _scales(items, columns, low, high):
        parts.append(_scale(scale, frame, bounds, state, shape))
        levels.append(_frequencies(frame))
    closed = [table for table in levels if table is not None]
    frequencies: pd.DataFrame | NotAvailable
    if len(closed) == len(levels):
        frequencies = pd.concat(closed)
        frequencies = frequencies[sorted(frequencies.columns)].fillna(0.0)
    else:
        frequencies = NotAvailable(
            f"a scale has more than {MOST_LEVELS} different answers: these are no closed options"
        )
    return ItemAnalysis(pd.concat(parts, ignore_index=True), frequencies, shape)


Scale = tuple[str, pd.DataFrame, tuple[Floats, Floats] | None, pd.DataFrame | None]


def _scales(
    items: pd.DataFrame | Responses, columns: str | Sequence[str] | None, low: float | None, high: float | None
) -> list[Scale]:
    if not isinstance(items, Responses):
        frame = pick_items(items, columns)
        known = None if low is None or high is None else (np.full(frame.shape[1], low), np.full(frame.shape[1], high))
        return [(columns if isinstance(columns, str) else "scale", frame, known, None)]
    codes = [c.code for c in items.instrument.characteristics]
    if columns is not None and not (isinstance(columns, str) and columns in codes):
        raise SpecError(f"of Responses, columns names one characteristic: {', '.join(codes)}.")
    made: list[Scale] = []
    for code in codes if columns is None else [columns]:
        frame = keyed_items(items, str(code))
        asked = [items.instrument.item(name) for name in frame.columns]
        bounds = np.array([item.low for item in asked]), np.array([item.high for item in asked])
        made.append((str(code), frame, bounds, items.state[list(frame.columns)]))
    return made


def _scale(
    scale: str, frame: pd.DataFrame, bounds: tuple[Floats, Floats] | None, state: pd.DataFrame | None, shape: str
) -> pd.DataFrame:
    x = frame.to_numpy(np.float64)
    answered = ~np.isnan(x)
    table = pd.DataFrame({"scale": scale, "item": frame.columns.astype(str), "n": answered.sum(axis=0)})
    if state is None:
        table["missing"] = (~answered).sum(axis=0)
    else:
        for name in (State.CANT_RATE, State.BLANK, State.NOT_APPLICABLE):
            table[name.name.lower()] = (state == name).sum(axis=0).to_numpy()
    moments = pair_moments(x)
    table["mean"], table["sd"] = moments.mean, np.sqrt(np.diag(moments.covariance))
    shapes = np.array([_shape(x[answered[:, j], j], shape) for j in range(x.shape[1])]).reshape(-1, 2)
    table["skew"], table["kurtosis"] = shapes[:, 0], shapes[:, 1]
    if bounds is not None:
        for name, level in (("floor", bounds[0]), ("ceiling", bounds[1])):
            table[name] = 100 * (x == level).sum(axis=0) / np.maximum(answered.sum(axis=0), 1)
    return table.join(_with_rest(moments.covariance))


def _shape(x: Floats, shape: str) -> tuple[float, float]:
    """Skewness and excess kurtosis; NaN for fewer than four answers or none of spread."""
    n = len(x)
    if n < 4 or np.ptp(x) == 0:
        return np.nan, np.nan
    d = x - x.mean()
    m2, m3, m4 = (float((d**p).mean()) for p in (2, 3, 4))
    g1, g2 = m3 / m2**1.5, m4 / m2**2 - 3
    if shape == "spss":
        return g1 * np.sqrt(n * (n - 1)) / (n - 2), ((n + 1) * g2 + 6) * (n - 1) / ((n - 2) * (n - 3))
    if shape == "psych":
        return g1 * ((n - 1) / n) ** 1.5, (g2 + 3) * (1 - 1 / n) ** 2 - 3
    return g1, g2


def _with_rest(covariance: Floats) -> pd.DataFrame:
    """Item-rest correlation and alpha without the item, from the covariances of one scale."""
    k = len(covariance)
    rest_r, dropped, notes = np.full(k, np.nan), np.full(k, np.nan), [""] * k
    for j in range(k):
        others = np.delete(np.arange(k), j)
        inner = covariance[np.ix_(others, others)]
        if k < 2:
            notes[j] = "a single item has no rest"
        elif not (np.isfinite(covariance).all() and inner.sum() > 0 and covariance[j, j] > 0):
            notes[j] = "the item or the rest does not vary, or some pair of items has too few answers"
        else:
            rest_r[j] = covariance[j, others].sum() / np.sqrt(covariance[j, j] * inner.sum())
            if k < 3:
                notes[j] = "without it one item is left: no alpha"
            else:
                dropped[j] = float(alpha_of(inner))
    return pd.DataFrame({"item_rest_r": rest_r, "alpha_dropped": dropped, "note": notes})


def _frequencies(frame: pd.DataFrame) -> pd.DataFrame | None:
    levels = np.unique(frame.to_numpy(np.float64))
    levels = levels[~np.isnan(levels)]
    if len(levels) > MOST_LEVELS:
        return None
    counts = {level: (frame == level).sum() for level in levels}
    return (100 * pd.DataFrame(counts)).div(frame.notna().sum().clip(lower=1), axis=0).rename_axis("item")
