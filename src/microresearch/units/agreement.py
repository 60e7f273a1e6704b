"""Do the staff of a unit agree, and do units differ? rwg, rwg(j), average deviation, ICC(1) and ICC(2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.numeric.moments import Floats, Ints, group_moments, group_sums
from microresearch.psychometrics.scores import characteristic_scores, keyed_items, least_share, pick_items
from microresearch.responses import Responses
from microresearch.results import tidy
from microresearch.units.between import between_rows

SLIGHT_SKEW = {5: (0.05, 0.15, 0.20, 0.35, 0.25)}
"""Slightly skewed null of James, Demaree & Wolf (1984), share of each option; published for five options alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Agreement within units and differences between them.

    Attributes
    ----------
    units : DataFrame
        A row per scale and unit: `scale`, `unit`, `n_raters`, `n_items`, `rwg_j`, `rwg_j_skewed`, `ad_mean`,
        `ad_median` (mean over items, scale points), `note` where a number cannot be had. With one item rwg_j is rwg.
    items : DataFrame
        The same per item: `rwg`, `rwg_skewed`, `ad_mean`, `ad_median`.
    scales : DataFrame
        Tidy, over all units: ICC(1) and ICC(2) by ANOVA and by REML with F, p and named intervals; median of rwg_j and
        mean of the average deviation over units.
    null_variance : mapping
        Variance of the null distributions, squared scale points, by scale and null.
    confidence : float
    n_dropped : int
        Persons without a unit.
    """

    units: pd.DataFrame
    items: pd.DataFrame
    scales: pd.DataFrame
    null_variance: dict[str, dict[str, float]]
    confidence: float
    n_dropped: int

    def to_frame(self) -> pd.DataFrame:
        """The table over all units."""
        return self.scales


def agreement(
    data: Responses | pd.DataFrame,
    unit: str | pd.Series = "unit",
    columns: Sequence[str] | None = None,
    high: float | None = None,
    low: float | None = None,
    skewed: Sequence[float] | None = None,
    missing: str | float = "half",
    confidence: float = 0.95,
) -> Agreement:
    """Agreement of raters within units, and how much of a score lies between units.

    Parameters
    ----------
    data : Responses, or DataFrame (persons x items, keyed)
        `Responses` (first wave): every characteristic is a scale, its items keyed, its bounds the form's.
    unit : str or Series
        For a frame: its column with the unit, or units in the same index.
    columns : sequence of str, optional
        Items of the one scale in a frame; all columns but `unit` if left out.
    high, low : float
        For a frame: the bounds of the response scale, in whole steps of 1. Never taken from the data.
    skewed : sequence of float, optional
        Share of each option, lowest first, under the skewed null. With five options the slight skew of James et al. is
        the default; none is published for other numbers, and without one the skewed columns are absent.
    missing : {"half", "all", "any"} or float
        Rule of the scale score behind the ICCs (see `characteristic_scores`).
    confidence : float, default 0.95

    Returns
    -------
    Agreement

    Raises
    ------
    DataError
        Bounds not given, an answer outside them, a missing column, shares that are no distribution.

    Notes
    -----
    A variance above the null's counts as the null's, so that rwg and rwg_j lie between 0 and 1 (LeBreton & Senter
    2008). Items answered by one rater of a unit are left out there. ICCs by ANOVA take the average unit size
    (Bliese 2000); those by REML weigh units by size, so that the two differ.

    References
    ----------
    James, Demaree & Wolf (1984), Journal of Applied Psychology 69, 85-98. doi:10.1037/0021-9010.69.1.85
    Burke & Dunlap (2002), Organizational Research Methods 5, 159-172 (AD). doi:10.1177/1094428102005002002
    LeBreton & Senter (2008), Organizational Research Methods 11, 815-852. doi:10.1177/1094428106296642
    Bliese (2000), in Klein & Kozlowski (eds), Multilevel Theory, Research, and Methods in Organizations, 349-381.

    Examples
    --------
    >>> people = pd.DataFrame({"unit": list("AAABBB"), "trust": [4, 4, 5, 2, 1, 2], "help": [5, 4, 5, 2, 2, 1]})
    >>> agreement(people, high=5, low=1).units["rwg_j"].round(3).tolist()
    [0.909, 0.909]
    """
    scales, scores, where = _scales(data, unit, columns, low, high, missing)
    names = sorted(set(where) - {""})
    codes = np.asarray(pd.Index(names).get_indexer(pd.Index(where)), dtype=np.int64)
    units: list[pd.DataFrame] = []
    items: list[pd.DataFrame] = []
    rows: list[dict[str, object]] = []
    nulls: dict[str, dict[str, float]] = {}
    for scale, (frame, bottom, top) in scales.items():
        nulls[scale] = null_variances(bottom, top, skewed)
        by_item = _items(scale, frame, codes, names, nulls[scale])
        by_unit = _units(scale, frame, by_item, codes, names, nulls[scale])
        items.append(by_item.drop(columns="variance"))
        units.append(by_unit)
        moments = group_moments(scores[scale].to_numpy(np.float64), codes, len(names))
        rows += between_rows(scale, moments, confidence) + _summary(scale, by_unit)
    return Agreement(
        pd.concat(units, ignore_index=True), pd.concat(items, ignore_index=True), tidy(rows, extra=EXTRA), nulls,
        confidence, int((codes < 0).sum()),
    )  # fmt: skip


EXTRA = ("df2", "method", "note")
Scale = tuple[pd.DataFrame, float, float]


def null_variances(low: float, high: float, skewed: Sequence[float] | None = None) -> dict[str, float]:
    """Variance of the answers of raters who do not agree at all: uniform (A^2 - 1) / 12, and skewed where there is one.

    Examples
    --------
    >>> null_variances(1, 5)
    {'uniform': 2.0, 'skewed': 1.34}
    """
    options = round(high - low) + 1
    if abs(options - (high - low + 1)) > 1e-9 or options < 2:
        raise DataError("the response scale must have two or more options in whole steps; check low and high.")
    found = {"uniform": (options**2 - 1) / 12}
    shares = SLIGHT_SKEW.get(options) if skewed is None else tuple(skewed)
    if shares is not None:
        if len(shares) != options or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise DataError(f"the skewed null needs {options} shares of 0 or more that add up to 1.")
        p, x = np.asarray(shares, dtype=np.float64), np.arange(options)
        found["skewed"] = round(float(p @ x**2 - (p @ x) ** 2), 12)
    return found


def _scales(
    data: Responses | pd.DataFrame, unit: str | pd.Series, columns: Sequence[str] | None, low: float | None,
    high: float | None, missing: str | float,
) -> tuple[dict[str, Scale], pd.DataFrame, pd.Series]:  # fmt: skip
    """Keyed items and bounds of each scale, scale scores, and the unit of each person."""
    if isinstance(data, Responses):
        first = data.wave(int(data.people["wave"].min())) if len(data) else data
        scales: dict[str, Scale] = {}
        for characteristic in data.instrument.characteristics:
            bounds = [(item.low, item.high) for item in data.instrument.items_of(characteristic.code)]
            if len(set(bounds)) > 1:
                raise DataError(f"the items of {characteristic.code} differ in their bounds; rwg(j) needs one scale.")
            scales[characteristic.code] = (keyed_items(first, characteristic.code), *bounds[0])
        return scales, characteristic_scores(first, missing), first.people["unit"].fillna("").astype(str)
    if isinstance(unit, str) and unit not in data.columns:
        raise DataError(Problem("the data have no such column", column=unit))
    where = (data[unit] if isinstance(unit, str) else unit.reindex(data.index)).fillna("").astype(str)
    rest = [name for name in data.columns if not (isinstance(unit, str) and name == unit)]
    frame = pick_items(data, list(columns) if columns is not None else [str(name) for name in rest])
    bottom, top = _bounds(frame, low, high)
    answered = frame.notna().sum(axis=1)
    enough = (answered > 0) & (answered >= least_share(missing) * frame.shape[1])
    scores = pd.DataFrame({"scale": frame.mean(axis=1).where(enough)})
    return {"scale": (frame, bottom, top)}, scores, where


def _bounds(frame: pd.DataFrame, low: float | None, high: float | None) -> tuple[float, float]:
    if low is None or high is None:
        raise DataError("agreement needs low and high, the bounds of the response scale; observed ones would mislead.")
    problems = [
        Problem(f"{int(outside.sum())} answers are out of range", column=str(name), allowed=f"{low:g} to {high:g}")
        for name in frame.columns
        if (outside := (frame[name] < low) | (frame[name] > high)).any()
    ]
    if problems:
        raise DataError(problems)
    return float(low), float(high)


def _items(scale: str, frame: pd.DataFrame, codes: Ints, names: list[str], null: dict[str, float]) -> pd.DataFrame:
    """One row per item and unit: raters, variance, rwg, average deviations."""
    parts = []
    for item in frame.columns:
        x = frame[item].to_numpy(np.float64)
        moments = group_moments(x, codes, len(names))
        several = moments.n > 1
        variance = np.where(several, moments.ss / np.maximum(moments.n - 1, 1), np.nan)
        part = pd.DataFrame({"scale": scale, "item": str(item), "unit": names, "n_raters": moments.n})
        part["variance"] = variance
        for kind, value in null.items():
            part["rwg" if kind == "uniform" else "rwg_skewed"] = 1 - np.minimum(variance / value, 1.0)
        part["ad_mean"] = np.where(several, _deviation(x, codes, moments.mean), np.nan)
        part["ad_median"] = np.where(several, _deviation(x, codes, _medians(x, codes, len(names))), np.nan)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _deviation(x: Floats, codes: Ints, centre: Floats) -> Floats:
    """Mean absolute deviation of each unit's answers from its centre."""
    known = ~np.isnan(x) & (codes >= 0)
    g = codes[known]
    total = group_sums(np.abs(x[known] - centre[g]), g, len(centre))
    return total / np.maximum(np.bincount(g, minlength=len(centre)), 1)


def _medians(x: Floats, codes: Ints, n_groups: int) -> Floats:
    known = ~np.isnan(x) & (codes >= 0)
    found = pd.Series(x[known]).groupby(codes[known]).median()
    return np.asarray(found.reindex(range(n_groups)), dtype=np.float64)


def _units(
    scale: str, frame: pd.DataFrame, by_item: pd.DataFrame, codes: Ints, names: list[str], null: dict[str, float]
) -> pd.DataFrame:
    """rwg(j) and average deviation of each unit, over its items with two raters or more."""
    grouped = by_item.groupby("unit", sort=False)
    variance, n_items = grouped["variance"].mean(), grouped["variance"].count()
    any_item = frame.notna().any(axis=1).to_numpy() & (codes >= 0)
    table = pd.DataFrame({"scale": scale, "unit": names})
    table["n_raters"] = np.bincount(codes[any_item], minlength=len(names))
    table["n_items"] = n_items.loc[names].to_numpy()
    for kind, value in null.items():
        ratio = np.minimum(variance.loc[names].to_numpy() / value, 1.0)
        j = table["n_items"].to_numpy()
        table["rwg_j" if kind == "uniform" else "rwg_j_skewed"] = j * (1 - ratio) / (j * (1 - ratio) + ratio)
    table["ad_mean"] = grouped["ad_mean"].mean().loc[names].to_numpy()
    table["ad_median"] = grouped["ad_median"].mean().loc[names].to_numpy()
    table["note"] = np.where(n_items.loc[names].to_numpy() == 0, "no item with two raters or more", "")
    return table


def _summary(scale: str, by_unit: pd.DataFrame) -> list[dict[str, object]]:
    """Medians over the units that have a number."""
    words = {"rwg_j": "rwg(j), uniform null, median", "rwg_j_skewed": "rwg(j), skewed null, median",
             "ad_mean": "AD about the mean, mean", "ad_median": "AD about the median, mean"}  # fmt: skip
    rows: list[dict[str, object]] = []
    for column, term in words.items():
        if column not in by_unit:
            rows.append(
                {"term": term, "group": scale, "note": "no skewed null is published for this number of options"}
            )
            continue
        values = by_unit[column].dropna()
        if values.empty:
            rows.append({"term": term, "group": scale, "note": "no unit has two raters"})
            continue
        middle = values.median() if column.startswith("rwg") else values.mean()
        rows.append({"term": term, "group": scale, "estimate": float(middle), "n": len(values)})
    return rows
