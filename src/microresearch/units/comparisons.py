"""Do roles, or types of units, score differently? Welch and Games-Howell between units, paired tests within them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from microresearch.errors import DataError, Problem
from microresearch.psychometrics.scores import characteristic_scores
from microresearch.responses import Responses
from microresearch.results import tidy
from microresearch.units.score_table import UnitScores

EXTRA = ("df2", "effect", "effect_name", "p_holm", "method", "note")
FEWEST = 3
"""Units that a group (or a pair of groups in the same units) needs."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupComparison:
    """Groups compared on each characteristic; the unit is what counts, never the person.

    Attributes
    ----------
    means : DataFrame
        A row per characteristic and group: term, group, estimate (mean of the units' means), se, n (units).
    overall : DataFrame
        A row per characteristic: term, statistic (F), df, df2, p, p_holm (over the characteristics), effect, method.
    pairs : DataFrame
        A row per characteristic and pair: term, group ("a - b"), estimate (difference), se, ci_low, ci_high, statistic,
        df, p (adjusted for the pairs of the characteristic), effect (Hedges' g), n (units), method.
    design : "between units" or "within units"
    confidence : float
    """

    means: pd.DataFrame
    overall: pd.DataFrame
    pairs: pd.DataFrame
    design: str
    confidence: float

    def to_frame(self) -> pd.DataFrame:
        """The tests over all groups and of each pair, one below the other."""
        return pd.concat([self.overall, self.pairs], ignore_index=True)


def compare_groups(
    data: Responses | UnitScores | pd.DataFrame,
    group: str | pd.Series,
    unit: str | None = None,
    columns: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> GroupComparison:
    """Compare groups of units (types of unit), or groups of staff within their units (roles).

    Staff of a unit resemble each other, so persons are first averaged to one value per unit and group. Where every unit
    is in one group, Welch's analysis of variance compares units, with Games & Howell's pairs. Where groups meet in the
    same units (roles), they are compared within units: repeated measures over the units that have every group,
    Greenhouse-Geisser corrected, and paired t tests with Holm's correction over the units that have both.

    Parameters
    ----------
    data : Responses, UnitScores or DataFrame
        `Responses` (first wave): scores of the characteristics by `group`, a column of the people such as "role".
        `UnitScores`: unit means. A frame: a row a person with `unit`, or a row a unit without.
    group : str or Series
        Column, or for `UnitScores` and frames groups by unit or row.
    unit : str, optional
        For a frame of persons: its column with the unit.
    columns : sequence of str, optional
        Characteristics; all numeric columns if left out.
    confidence : float, default 0.95

    Returns
    -------
    GroupComparison
        A characteristic that cannot be compared has a row whose `note` says why.

    Raises
    ------
    DataError
        A missing column, or fewer than two groups.

    References
    ----------
    Welch (1951), Biometrika 38, 330-336; Games & Howell (1976), J Educ Stat 1, 113-125; Greenhouse & Geisser (1959),
    Psychometrika 24, 95-112; Vallat (2018), pingouin, J Open Source Softw 3, 1026.

    Examples
    --------
    >>> units = pd.DataFrame({"type": list("aaaabbbb"), "trust": [3.0, 3.2, 3.1, 3.3, 4.0, 4.4, 3.9, 4.1]})
    >>> found = compare_groups(units, "type")
    >>> found.overall[["statistic", "p"]].round(3).values.tolist(), found.pairs["estimate"].round(2).tolist()
    ([[57.0, 0.001]], [-0.95])
    """
    table, names = _means(data, group, unit, columns)
    groups = sorted(set(table["group"]))
    if len(groups) < 2:
        raise DataError(Problem("there is one group only", column=str(group), mend="compare two groups or more"))
    within = bool(table.duplicated("unit").any())
    overall: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    for name in names:
        rows = table[["unit", "group", name]].rename(columns={name: "value"}).dropna()
        one, several = (_within if within else _between)(rows, groups, confidence)
        overall.append({"term": name, **one})
        pairs += [{"term": name, **row} for row in several]
    return GroupComparison(
        _summary(table, names, groups), tidy(_holm(overall), extra=EXTRA), tidy(pairs, extra=EXTRA),
        "within units" if within else "between units", confidence,
    )  # fmt: skip


def _means(
    data: Responses | UnitScores | pd.DataFrame, group: str | pd.Series, unit: str | None, columns: Sequence[str] | None
) -> tuple[pd.DataFrame, list[str]]:
    """One row per unit and group, and the characteristics."""
    if isinstance(data, Responses):
        first = data.wave(int(data.people["wave"].min()))
        frame = characteristic_scores(first).assign(_unit=first.people["unit"])
        frame["_group"] = first.people[group] if isinstance(group, str) else group
    else:
        frame = data.wide("mean") if isinstance(data, UnitScores) else data
        missing = [c for c in (group, unit, *(columns or ())) if isinstance(c, str) and c not in frame]
        if missing and not (isinstance(data, UnitScores) and missing == [group]):
            raise DataError([Problem("the data have no such column", column=c) for c in missing])
        if isinstance(group, str) and group not in frame:
            raise DataError(Problem("unit scores hold no groups", column=group, mend="give a Series of groups by unit"))
        labels = frame[group] if isinstance(group, str) else group.reindex(frame.index)
        place = pd.Series(np.arange(len(frame)), frame.index) if unit is None else frame[unit]
        frame = frame.drop(columns=[c for c in (group, unit) if isinstance(c, str)])
        frame = frame.assign(_unit=place, _group=labels)
    names = list(columns) if columns is not None else [
        str(c) for c in frame.select_dtypes("number") if c not in ("_unit", "_group")
    ]  # fmt: skip
    known = frame[frame["_unit"].notna() & frame["_group"].notna()]
    known = known.assign(_unit=known["_unit"].astype(str), _group=known["_group"].astype(str))
    known = known[(known["_unit"] != "") & (known["_group"] != "")]
    table = known.groupby(["_unit", "_group"], as_index=False)[names].mean()
    return table.rename(columns={"_unit": "unit", "_group": "group"}), names


def _between(
    rows: pd.DataFrame, groups: list[str], confidence: float
) -> tuple[dict[str, object], list[dict[str, object]]]:
    kept = [
        g for g in groups if (rows["group"] == g).sum() >= FEWEST and rows.loc[rows["group"] == g, "value"].var() > 0
    ]
    if len(kept) < 2:
        return {"note": f"fewer than two groups of {FEWEST} units whose scores differ"}, []
    pingouin = _pingouin()
    rows = rows[rows["group"].isin(kept)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = pingouin.welch_anova(rows, dv="value", between="group").iloc[0]
        found = pingouin.pairwise_gameshowell(rows, dv="value", between="group", effsize="hedges")
    pairs = []
    for row in found.to_dict("records"):
        half = _studentized(confidence, len(kept), float(row["df"])) / np.sqrt(2) * float(row["se"])
        n = int(rows["group"].isin([row["A"], row["B"]]).sum())
        pairs.append(_pair(row["A"], row["B"], row["diff"], row["se"], half, row["T"], row["df"], row["pval"],
                           row["hedges"], n, "Games-Howell"))  # fmt: skip
    note = "" if len(kept) == len(groups) else f"without {', '.join(g for g in groups if g not in kept)}: too few units"
    return {"statistic": float(f["F"]), "df": float(f["ddof1"]), "df2": float(f["ddof2"]), "p": float(f["p_unc"]),
            "effect": float(f["np2"]), "effect_name": "partial eta squared", "n": len(rows), "note": note,
            "method": "Welch's analysis of variance over units"}, pairs  # fmt: skip


def _studentized(probability: float, groups: int, df: float) -> float:
    """Quantile of the studentized range: an approximation, mended by a secant step (scipy's own search is slow)."""
    from statsmodels.stats.libqsturng import qsturng

    law = stats.studentized_range(groups, df)
    low = float(qsturng(probability, groups, df))
    high = low * 1.002
    gap_low, gap_high = float(law.cdf(low)) - probability, float(law.cdf(high)) - probability
    return low - gap_low * (high - low) / (gap_high - gap_low)


def _within(
    rows: pd.DataFrame, groups: list[str], confidence: float
) -> tuple[dict[str, object], list[dict[str, object]]]:
    wide = rows.pivot(index="unit", columns="group", values="value")
    shared = {(a, b): wide[[a, b]].dropna() for a, b in combinations([g for g in groups if g in wide], 2)}
    pairs = [_paired(a, b, both, confidence) for (a, b), both in shared.items()
             if len(both) >= FEWEST and (both[a] - both[b]).var() > 0]  # fmt: skip
    for row, p in zip(pairs, _adjusted([row["p"] for row in pairs]), strict=True):
        row["p"] = p
    whole = wide.dropna()
    if len(whole) < FEWEST or whole.shape[1] < 2 or not pairs:
        return {"note": f"fewer than {FEWEST} units have every group"}, pairs
    pingouin = _pingouin()
    long = whole.reset_index().melt("unit", var_name="group", value_name="value")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = pingouin.rm_anova(long, dv="value", within="group", subject="unit", correction=True, effsize="ng2").iloc[0]
    eps = float(f["eps"]) if whole.shape[1] > 2 else 1.0
    df, df2 = eps * float(f["ddof1"]), eps * float(f["ddof2"])
    return {"statistic": float(f["F"]), "df": df, "df2": df2, "p": float(stats.f.sf(f["F"], df, df2)),
            "effect": float(f["ng2"]), "effect_name": "generalised eta squared", "n": len(whole), "note": "",
            "method": "repeated measures over units that have every group, Greenhouse-Geisser"}, pairs  # fmt: skip


def _paired(a: str, b: str, both: pd.DataFrame, confidence: float) -> dict[str, object]:
    n, gap = len(both), both[a] - both[b]
    se = float(gap.std(ddof=1) / np.sqrt(n))
    t = float(gap.mean() / se)
    average = float(np.sqrt((both[a].var() + both[b].var()) / 2))
    g = float(gap.mean() / average * (1 - 3 / (4 * (n - 1) - 1)))
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * se
    return _pair(a, b, gap.mean(), se, half, t, n - 1, 2 * float(stats.t.sf(abs(t), n - 1)), g, n, "paired t, Holm")


def _pair(
    a: str, b: str, gap: float, se: float, half: float, t: float, df: float, p: float, g: float, n: int, method: str
) -> dict[str, object]:
    return {"group": f"{a} - {b}", "estimate": float(gap), "se": float(se), "ci_low": float(gap) - half,
            "ci_high": float(gap) + half, "statistic": float(t), "df": float(df), "p": float(p), "effect": float(g),
            "effect_name": "Hedges' g", "n": n, "method": method}  # fmt: skip


def _holm(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    tested = [row for row in rows if "p" in row]
    for row, p in zip(tested, _adjusted([row["p"] for row in tested]), strict=True):
        row["p_holm"] = p
    return rows


def _adjusted(p: list[object]) -> list[float]:
    """Holm's step-down p-values."""
    values = np.array(p, dtype=np.float64)
    order = np.argsort(values)
    steps = np.maximum.accumulate(values[order] * (len(values) - np.arange(len(values))))
    made = np.empty(len(values))
    made[order] = np.minimum(steps, 1.0)
    return [float(value) for value in made]


def _summary(table: pd.DataFrame, names: list[str], groups: list[str]) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for name in names:
        for group in groups:
            values = table.loc[table["group"] == group, name].dropna()
            row: dict[str, object] = {"term": name, "group": group, "n": len(values)}
            if len(values):
                row["estimate"] = float(values.mean())
            if len(values) > 1:
                row["se"] = float(values.std(ddof=1) / np.sqrt(len(values)))
            rows.append(row)
    return tidy(rows)


def _pingouin() -> Any:
    """The module, which takes seconds to import: paid only here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pingouin

    return pingouin
