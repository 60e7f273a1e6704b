"""Does a total give one contributor's amount away? The p % rule for totals of money."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.report.disclosure import hide
from microresearch.report.suppression import additive, complete
from microresearch.report.tables import Table


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """What stands behind a column of totals: each contributor's amount, and the group that it adds to.

    Attributes
    ----------
    column, by : str
        The column of totals in the table, and the one that names the groups.
    amounts, groups : Series, one row a contributor
    """

    column: str
    by: str
    amounts: pd.Series
    groups: pd.Series


def guard_amounts(table: Table, given: Amounts, p: float = 10.0) -> Table:
    """Hide the totals of a table that the p % rule finds dominated, and those from which they would follow.

    Examples
    --------
    >>> table = Table(pd.DataFrame({"hospital": ["a", "b", "c"], "cost": [100.0, 70.0, 90.0]}), "Cost")
    >>> amounts = pd.Series([99.0, 1, 30, 20, 20, 30, 30, 30])
    >>> guard_amounts(table, Amounts("cost", "hospital", amounts, pd.Series(list("aabbbccc")))).frame["cost"].tolist()
    ['hidden', 70.0, 90.0]
    """
    sensitive = dominated(given.amounts, given.groups, p)
    return guard_totals(table, given.column, sensitive, given.by) if sensitive.any() else table


def dominated(amounts: pd.Series, groups: pd.Series, p: float = 10.0) -> pd.Series:
    """Which groups' totals are dominated by their largest contributor.

    Parameters
    ----------
    amounts : Series
        What each contributor (a hospital, a unit, a patient) adds; not negative.
    groups : Series, index as `amounts`
        The group whose total is shown.
    p : float
        A total is dominated when, after the largest and the second largest amount are taken away, less than p per cent
        of the largest is left: the second could then estimate the first within p per cent.

    Returns
    -------
    Series of bool, a row per group

    Raises
    ------
    DataError
        A negative amount, or p outside 0 to 100.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, section 4.2.2. doi:10.1002/9781118348239

    Examples
    --------
    >>> amounts, groups = pd.Series([90.0, 8, 2, 30, 40, 30]), pd.Series(list("aaabbb"))
    >>> dominated(amounts, groups).to_dict()
    {'a': True, 'b': False}
    """
    if (amounts < 0).any() or not 0 <= p <= 100:
        raise DataError("dominated: amounts must not be negative, and p must lie between 0 and 100.")

    def leaves_little(some: pd.Series) -> bool:
        ordered = np.sort(some.to_numpy(float))[::-1]
        rest = ordered[2:].sum() if len(ordered) > 2 else 0.0
        return bool(ordered[0] > 0 and rest < p / 100 * ordered[0])

    return amounts.groupby(groups, sort=False).agg(leaves_little).astype(bool)


def guard_totals(table: Table, column: str, sensitive: pd.Series, by: str) -> Table:
    """Hide dominated totals, and the smallest other ones from which they would follow.

    Parameters
    ----------
    table : Table
    column : str
        The totals.
    sensitive : Series of bool
        What `dominated` returns.
    by : str
        The column of the table that names the groups.

    Examples
    --------
    >>> table = Table(pd.DataFrame({"hospital": ["a", "b", "c", "All"], "cost": [100.0, 70.0, 90.0, 260.0]}), "Cost")
    >>> guard_totals(table, "cost", pd.Series({"a": True, "b": False, "c": False}), "hospital").frame["cost"].tolist()
    ['hidden', 'hidden', 90.0, 260.0]
    """
    frame = table.frame
    values = frame[[column]].to_numpy(float)
    mask = frame[by].map(sensitive).fillna(False).to_numpy(bool)[:, None].copy()
    complete(values, mask, additive(frame, values, [column]), {column: 0}, 0)
    full = np.zeros(frame.shape, dtype=bool)
    full[:, frame.columns.get_loc(column)] = mask[:, 0]
    return hide(table, full, "hidden: a total dominated by one contributor, or one from which it could be worked out.")
