"""How often does something happen in a unit's month, given its patient-days? Counts with an exposure, as cells."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.cells import Cells, Linkage, Outcome


def read_unit_months(
    months: pd.DataFrame, outcomes: Mapping[str, str], unit: str = "unit", month: str | None = None
) -> Cells:
    """Nursing indicators, a row a unit and month, as cells whose outcomes are rates.

    A count with log exposure as offset has the likelihood of so many patient-days with an event or none: estimates are
    those of the offset model, exactly. CR2 takes a patient-day as the row, so that months may be added up without
    changing a digit (with a month as the row its errors differ in the third one).

    Parameters
    ----------
    months : DataFrame
        A row per unit and month.
    outcomes : mapping of count column to exposure column
        Such as {"falls": "patient_days"}.
    unit : str
        Column with the unit.
    month : str, optional
        Column with the month: a unit's month that stands twice is an error.

    Returns
    -------
    Cells
        One cell a row, without case mix; `link_outcome` takes them (Poisson with CR2, or "negative binomial").

    Raises
    ------
    DataError
        A missing column, a count that is no whole number of 0 or more, an exposure below 1 with a count, a unit's month
        that stands twice. Rows without exposure and without count are left out and counted in `linkage`.

    Examples
    --------
    >>> months = pd.DataFrame({"unit": ["A", "A", "B"], "falls": [2, 0, 1], "patient_days": [300, 280, 400]})
    >>> read_unit_months(months, {"falls": "patient_days"}).table[["unit", "falls_n", "falls_sum"]].values.tolist()
    [['A', 300.0, 2.0], ['A', 280.0, 0.0], ['B', 400.0, 1.0]]
    """
    wanted = [unit, *outcomes, *outcomes.values(), *([month] if month else [])]
    if missing := [name for name in wanted if name not in months]:
        raise DataError([Problem("the unit-months have no such column", column=name) for name in missing])
    if month and months.duplicated([unit, month]).any():
        raise DataError(Problem("a unit's month stands twice", column=month, mend="add its rows up first"))
    lost = int(months[unit].isna().sum())
    kept = months[months[unit].notna()]
    table = pd.DataFrame({"unit": kept[unit].astype(str), "n": 1})
    empty: list[tuple[str, int]] = []
    for name, exposure in outcomes.items():
        count, days = (pd.to_numeric(kept[c], errors="coerce").to_numpy(np.float64) for c in (name, exposure))
        none = np.isnan(count) | np.isnan(days) | ((days == 0) & (count == 0))
        _check(name, exposure, count[~none], days[~none])
        count, days = np.where(none, 0.0, count), np.where(none, 0.0, days)
        table[f"{name}_n"], table[f"{name}_sum"], table[f"{name}_sumsq"] = days, count, count**2
        table[f"{name}_sumlog"], table[f"{name}_zeros"] = 0.0, (count == 0) & ~none
        empty.append((name, int(none.sum())))
    table = table.sort_values("unit", kind="stable", ignore_index=True)
    excluded = (("no unit", lost),) if lost else ()
    linkage = Linkage(len(months), len(kept), excluded, tuple((n, k) for n, k in empty if k))
    return Cells(table, (), tuple(Outcome(name, name, "rate") for name in outcomes), linkage)


def named(cells: Cells, names: Mapping[str, str]) -> Cells:
    """The same cells with outcomes called otherwise: column of the file -> name of the outcome."""
    parts = {
        f"{column}_{part}": f"{name}_{part}"
        for column, name in names.items()
        for part in ("n", "sum", "sumsq", "sumlog", "zeros")
    }
    missing = tuple((names[column], n) for column, n in cells.linkage.missing)
    outcomes = tuple(replace(one, name=names[one.column]) for one in cells.outcomes)
    linkage = replace(cells.linkage, missing=missing)
    return replace(cells, table=cells.table.rename(columns=parts), outcomes=outcomes, linkage=linkage)


def _check(name: str, exposure: str, count: np.ndarray, days: np.ndarray) -> None:
    problems = []
    if bad := int(((count < 0) | (count != np.round(count))).sum()):
        problems.append(Problem(f"{bad} counts are no whole numbers of 0 or more", column=name))
    if bad := int((days < 1).sum()):
        problems.append(Problem(f"{bad} exposures are below 1", column=exposure, allowed="1 patient-day or more"))
    if problems:
        raise DataError(problems)
