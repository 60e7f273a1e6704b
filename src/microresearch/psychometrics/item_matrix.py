"""Which columns of a frame are items, and can they be computed with? One gate for every estimator of items."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError

Floats = NDArray[np.float64]
Missing = Literal["pairwise", "listwise"]


def item_matrix(items: pd.DataFrame, columns: Sequence[str] | None = None, least: int = 2) -> tuple[list[str], Floats]:
    """Names and values of the items as floats, NaN where missing.

    Parameters
    ----------
    items : DataFrame, persons x items
    columns : names in a larger frame, optional
    least : int
        Fewest items that can be used.

    Raises
    ------
    SpecError
        Not a frame, unknown or repeated column, fewer than `least` items.
    DataError
        A column that does not hold numbers, or an infinite value; all such columns are named at once.
    """
    if not isinstance(items, pd.DataFrame):
        raise SpecError(f"items must be a pandas DataFrame, persons x items; got {type(items).__name__}.")
    chosen = list(items.columns) if columns is None else list(columns)
    problems = [
        Problem("no such column", column=str(name), allowed=", ".join(map(str, items.columns[:20])))
        for name in chosen
        if name not in items.columns
    ]
    if problems:
        raise SpecError(problems)
    if len(set(chosen)) < len(chosen) or not items.columns.is_unique:
        raise SpecError("a column is named twice; every item needs its own name.")
    if len(chosen) < least:
        raise SpecError(f"{least} or more items are needed; got {len(chosen)}.")
    values = np.empty((len(items), len(chosen)))
    for j, name in enumerate(chosen):
        column = items[name]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
            problems.append(Problem("not numbers", column=str(name), mend="recode the answers to numbers first"))
            continue
        values[:, j] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(values[:, j]).any():
            problems.append(Problem("an infinite value", column=str(name), allowed="finite numbers or missing"))
    if problems:
        raise DataError(problems)
    return [str(name) for name in chosen], values


def keep_rows(values: Floats, missing: Missing) -> tuple[Floats, int]:
    """Rows that are used under the rule, and how many were dropped.

    "listwise" keeps rows without a hole; "pairwise" keeps rows with any answer.
    """
    if missing not in ("pairwise", "listwise"):
        raise SpecError(Problem("unknown rule for missing answers", value=str(missing), allowed="pairwise, listwise"))
    holes = np.isnan(values)
    kept = ~holes.any(axis=1) if missing == "listwise" else ~holes.all(axis=1)
    return values[kept], int((~kept).sum())


def check_variation(names: Sequence[str], values: Floats) -> None:
    """Refuse columns with fewer than two values, and pairs of columns that nobody answered both; all at once."""
    problems = []
    for name, column in zip(names, values.T, strict=True):
        seen = column[~np.isnan(column)]
        if not seen.size:
            problems.append(Problem("no answers", column=name, mend="leave the item out"))
        elif (seen == seen[0]).all():
            what = "every answer is the same: an item with fewer than two categories has no correlation"
            problems.append(Problem(what, column=name, mend="leave the item out"))
    if not problems:
        answered = (~np.isnan(values)).astype(np.float64)
        for i, j in np.argwhere(np.tril(answered.T @ answered < 0.5, -1)):
            what = "nobody answered both items: their correlation cannot be estimated"
            problems.append(Problem(what, column=f"{names[j]} and {names[i]}", mend="leave one of the two out"))
    if problems:
        raise DataError(problems)
