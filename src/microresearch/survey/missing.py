"""Which answers are missing, together with which, and could that be chance? Patterns, Little's test, can't rate."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from microresearch.errors import ConvergenceError, DataError, Problem
from microresearch.responses import Responses, State
from microresearch.results import NotAvailable
from microresearch.survey.em import em_normal


@dataclass(frozen=True, slots=True, eq=False)
class MissingPatterns:
    """The combinations of missing items that occur.

    Attributes
    ----------
    table : DataFrame
        A row a pattern, commonest first: `pattern` (1, 2, ...), `n` (responses), `share`, `n_missing` (items), and a
        column an item, True where it is missing. Exact counts, so private.
    n_complete, n_used : int
        Responses without a missing item, and all.
    """

    table: pd.DataFrame
    n_complete: int
    n_used: int

    def to_frame(self) -> pd.DataFrame:
        """The table of patterns."""
        return self.table


def missing_patterns(items: pd.DataFrame | Responses) -> MissingPatterns:
    """The combinations of missing items and how many responses show each.

    Parameters
    ----------
    items : DataFrame or Responses
        Persons x items. Of Responses, blank and can't rate count as missing; not applicable does not.

    Raises
    ------
    DataError
        There is nobody or no item.

    Examples
    --------
    >>> found = missing_patterns(pd.DataFrame({"a": [1, 2, np.nan], "b": [1, 3, 2.0]}))
    >>> found.table[["pattern", "n", "n_missing", "a", "b"]]
       pattern  n  n_missing      a      b
    0        1  2          0  False  False
    1        2  1          1   True  False
    """
    missing = _missing(items)
    if not missing.size:
        raise DataError("missing-data patterns need at least one response and one item.")
    kinds, counts = np.unique(missing.to_numpy(), axis=0, return_counts=True)
    order = np.lexsort((kinds.sum(axis=1), -counts))
    kinds, counts = kinds[order], counts[order]
    table = pd.DataFrame(
        {"pattern": np.arange(1, len(counts) + 1), "n": counts, "share": counts / counts.sum(),
         "n_missing": kinds.sum(axis=1)}
    )  # fmt: skip
    table = pd.concat([table, pd.DataFrame(kinds, columns=missing.columns)], axis=1)
    return MissingPatterns(table, int(counts[kinds.sum(axis=1) == 0].sum()), len(missing))


def _missing(items: pd.DataFrame | Responses) -> pd.DataFrame:
    if isinstance(items, Responses):
        return items.state.isin([State.BLANK, State.CANT_RATE])
    return items.isna()


@dataclass(frozen=True, slots=True, eq=False)
class McarTest:
    """Little's test that answers are missing completely at random.

    Attributes
    ----------
    statistic : float
        Chi-square distributed with `df` degrees of freedom when they are.
    df : int
    p : float
    n_patterns : int
        Missing-data patterns with something observed.
    n_used, n_dropped : int
        People with at least one answer, and those with none.
    columns : tuple of str
        The items tested.
    left_out : tuple of str
        Items not tested because they do not apply to everyone or do not vary.
    method : str
    converged : bool
    """

    statistic: float
    df: int
    p: float
    n_patterns: int
    n_used: int
    n_dropped: int
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    method: str
    converged: bool = True

    def to_frame(self) -> pd.DataFrame:
        """Tidy: one row."""
        return pd.DataFrame(
            {"term": ["Little's MCAR test"], "statistic": [self.statistic], "df": [self.df], "p": [self.p],
             "n": [self.n_used]}
        )  # fmt: skip


def little_mcar(
    items: pd.DataFrame | Responses, columns: list[str] | None = None, tolerance: float = 1e-9
) -> McarTest | NotAvailable:
    """Little's chi-square test of missing completely at random.

    Parameters
    ----------
    items : DataFrame or Responses
        Persons x items, NaN where missing. Of Responses, items that do not apply to everyone are left out, because
        their gaps are by design.
    columns : list of str, optional
        Items to test, say those of one characteristic. Many items give many patterns of one person each, and the
        chi-square distribution then holds poorly.
    tolerance : float
        Of the EM moments, in standard deviations.

    Returns
    -------
    McarTest, or NotAvailable with the reason (nothing is missing, too few people, EM did not settle).

    Raises
    ------
    DataError
        A column is not there.

    References
    ----------
    Little (1988), Journal of the American Statistical Association 83, 1198-1202 (eq. 4, with the maximum-likelihood
    covariance divided by n). doi:10.1080/01621459.1988.10478722
    """
    frame = items.values if isinstance(items, Responses) else items
    absent = [name for name in columns or [] if name not in frame]
    if absent:
        raise DataError([Problem("no such item", column=name) for name in absent])
    frame = frame[columns] if columns is not None else frame
    tested = [name for name in frame.columns if _testable(items, frame, name)]
    left_out = tuple(str(name) for name in frame.columns if name not in tested)
    x = frame[tested].to_numpy(dtype=np.float64)
    if not np.isnan(x).any():
        return NotAvailable("nothing is missing among the items tested")
    try:
        moments = em_normal(x, tolerance)
        statistic = sum(_distance(x, kind.rows, kind.observed, moments.mean, moments.cov) for kind in moments.patterns)
    except (DataError, ConvergenceError, np.linalg.LinAlgError) as error:
        return NotAvailable(str(error))
    df = sum(len(kind.observed) for kind in moments.patterns) - x.shape[1]
    if df < 1:
        return NotAvailable("there is only one missing-data pattern, so nothing can be compared")
    method = "Little (1988), moments by EM, missing answers of all kinds taken together"
    n = moments.n_used
    return McarTest(
        float(statistic), df, float(stats.chi2.sf(statistic, df)), len(moments.patterns), n, len(x) - n,
        tuple(str(name) for name in tested), left_out, method,
    )  # fmt: skip


def _testable(items: pd.DataFrame | Responses, frame: pd.DataFrame, name: str) -> bool:
    by_design = isinstance(items, Responses) and bool((items.state[name] == State.NOT_APPLICABLE).any())
    return not by_design and frame[name].nunique() > 1


def _distance(
    x: NDArray[np.float64], rows: NDArray[np.intp], observed: NDArray[np.intp], mean: NDArray[np.float64],
    cov: NDArray[np.float64],
) -> float:  # fmt: skip
    """One pattern's part of the statistic: its people times the squared distance of their mean."""
    apart = x[np.ix_(rows, observed)].mean(axis=0) - mean[observed]
    return float(len(rows) * apart @ np.linalg.solve(cov[np.ix_(observed, observed)], apart))


def cant_rate_rates(responses: Responses, by: str = "role", confidence: float = 0.95) -> pd.DataFrame:
    """How often each item was marked can't rate, by role or unit.

    Parameters
    ----------
    responses : Responses
    by : str
        Column of `people`.
    confidence : float

    Returns
    -------
    DataFrame
        A row an item and group, and a row "all items" a group: `item`, the group, `n` (applicable items seen),
        `cant_rate`, `estimate` (share), `ci_low`, `ci_high`. Intervals are Wilson's; over all items, whose answers of
        one person hang together, they come from the persons' shares (t), and are absent for fewer than two persons.
        Exact counts, so private.

    Raises
    ------
    DataError
        There is no such column.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    if by not in responses.people:
        raise DataError(f"people have no column {by!r}; there are {', '.join(responses.people.columns)}.")
    cant = (responses.state == State.CANT_RATE).to_numpy()
    seen = (responses.state != State.NOT_APPLICABLE).to_numpy()
    rows: list[dict[str, object]] = []
    for name in sorted(responses.people[by].unique(), key=str):
        mask = (responses.people[by] == name).to_numpy()
        n, k = seen[mask].sum(axis=0), cant[mask].sum(axis=0)
        low, high = _wilson(k, n, confidence)
        for j, item in enumerate(responses.state.columns):
            row = {"item": item, by: name, "n": int(n[j]), "cant_rate": int(k[j])}
            if n[j]:
                row |= {"estimate": k[j] / n[j], "ci_low": low[j], "ci_high": high[j]}
            rows.append(row)
        rows.append({"item": "all items", by: name, "n": int(n.sum()), "cant_rate": int(k.sum()),
                     **_shares(cant[mask], seen[mask], confidence)})  # fmt: skip
    return pd.DataFrame(rows, columns=["item", by, "n", "cant_rate", "estimate", "ci_low", "ci_high"])


def _wilson(k: NDArray[np.int_], n: NDArray[np.int_], confidence: float) -> tuple[NDArray[np.float64], ...]:
    z = stats.norm.ppf((1 + confidence) / 2)
    m = np.maximum(n, 1)
    p = k / m
    centre = (p + z**2 / (2 * m)) / (1 + z**2 / m)
    half = z * np.sqrt(p * (1 - p) / m + z**2 / (4 * m**2)) / (1 + z**2 / m)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _shares(cant: NDArray[np.bool_], seen: NDArray[np.bool_], confidence: float) -> dict[str, float]:
    """Mean over persons of their share of can't rate, with its t interval."""
    share = cant.sum(axis=1)[seen.any(axis=1)] / seen.sum(axis=1)[seen.any(axis=1)]
    if not len(share):
        return {}
    if len(share) < 2:
        return {"estimate": float(share.mean())}
    half = stats.t.ppf((1 + confidence) / 2, len(share) - 1) * share.std(ddof=1) / np.sqrt(len(share))
    return {"estimate": float(share.mean()), "ci_low": max(float(share.mean() - half), 0.0),
            "ci_high": min(float(share.mean() + half), 1.0)}  # fmt: skip
