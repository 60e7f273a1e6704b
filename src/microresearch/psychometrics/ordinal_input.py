"""Which variables are ordered, are their codes whole numbers, and who belongs to which cluster?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError

Floats = NDArray[np.float64]

MOST_CATEGORIES = 20


def which_continuous(names: list[str], values: Floats, kind: str, named: Sequence[str] | None) -> NDArray[np.bool_]:
    """Which variables are continuous: as named, or those with fractions or more than MOST_CATEGORIES values."""
    if kind == "ordinal":
        if named:
            raise SpecError("continuous variables need kind='mixed'.")
        return np.zeros(len(names), dtype=np.bool_)
    if named is not None:
        strange = sorted(set(named) - set(names))
        if strange:
            raise SpecError([Problem("not among the items", column=str(name)) for name in strange])
        return np.array([name in set(named) for name in names], dtype=np.bool_)
    return np.array([_fractions(x) or _n_values(x) > MOST_CATEGORIES for x in values.T], dtype=np.bool_)


def _fractions(column: Floats) -> bool:
    seen = column[~np.isnan(column)]
    return bool((seen != np.rint(seen)).any())


def _n_values(column: Floats) -> int:
    return len(np.unique(column[~np.isnan(column)]))


def check_codes(names: list[str], values: Floats, continuous: NDArray[np.bool_]) -> None:
    """Refuse ordered variables whose codes have fractions or too many values; all at once."""
    problems = []
    for name, column, number in zip(names, values.T, continuous, strict=True):
        if number:
            continue
        if _fractions(column):
            mend = "recode the categories, or use kind='mixed' for a continuous variable"
            problems.append(Problem("codes are not whole numbers", column=name, mend=mend))
        elif (k := _n_values(column)) > MOST_CATEGORIES:
            what = f"{k} categories are too many for a polychoric correlation"
            problems.append(Problem(what, column=name, allowed=f"2 to {MOST_CATEGORIES}", mend="use kind='mixed'"))
    if problems:
        raise DataError(problems)


def cluster_codes(items: pd.DataFrame, cluster: str | pd.Series | None) -> NDArray[np.int64] | None:
    """Clusters numbered from 0 in the order of their sorted names, one a person."""
    if cluster is None:
        return None
    if isinstance(cluster, str):
        if cluster not in items.columns:
            raise SpecError(Problem("no such column", column=cluster))
        cluster = items[cluster]
    if len(cluster) != len(items):
        raise SpecError(f"cluster has {len(cluster)} rows, items {len(items)}.")
    if cluster.isna().any():
        raise DataError(f"{int(cluster.isna().sum())} persons belong to no cluster.")
    codes, found = pd.factorize(cluster, sort=True)
    if len(found) < 2:
        raise DataError("cluster-robust errors need two or more clusters.")
    return codes.astype(np.int64)
