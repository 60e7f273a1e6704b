"""Can this extract be what it is said to be? Its identifiers, numbers, levels and kinds of outcome, checked."""

from collections.abc import Sequence

import duckdb
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.casemix import MOST_LEVELS, Stratum
from microresearch.linking.cells import Outcome
from microresearch.linking.elsewhere import Frame
from microresearch.linking.sources import View, first_bad, quoted


def check_identified(connection: duckdb.DuckDBPyConnection, stays: View, on: str, single: bool) -> None:
    """Refuse rows without a stay's identifier and, where one row is one stay, stays listed twice."""
    problems = []
    key = stays.text(on)
    all_named, all_distinct = _identified(connection, stays, on)
    if not all_named:
        without, row = first_bad(connection, stays, f"{key} IS NULL")
        problems.append(Problem(f"{without} stays have no identifier", stays.file, row, on))
    again = connection.execute(
        f"SELECT count(*), min(row) FROM (SELECT row_number() OVER () + 1 AS row, "
        f"row_number() OVER (PARTITION BY {key}) AS seen, {key} AS id FROM {stays.name}) "
        f"WHERE seen > 1 AND id IS NOT NULL"
    ).fetchone() if single and not all_distinct else None  # fmt: skip
    if again is not None and again[0]:
        mend = "one row a stay: remove copies, make the identifier unique, or say whose a stay in several units is"
        problems.append(Problem(f"{again[0]} rows repeat a stay", stays.file, int(again[1]), on, mend=mend))
    if problems:
        raise DataError(problems)


def check_numbers(
    connection: duckdb.DuckDBPyConnection, stays: View, columns: Sequence[str], variables: Sequence[Stratum]
) -> None:
    """Refuse outcomes and banded case mix that are no numbers."""
    problems = []
    for column in (*columns, *(v.column for v in variables if v.bands is not None)):
        if not stays.numeric(column):
            count, row = first_bad(
                connection, stays, f"TRY_CAST({quoted(column)} AS DOUBLE) IS NULL AND {quoted(column)} IS NOT NULL"
            )
            what = f"{count} values are not numbers" if count else "this column holds text, not numbers"
            problems.append(Problem(what, stays.file, row or None, column, mend="code it as numbers"))
    if problems:
        raise DataError(problems)


def _identified(connection: duckdb.DuckDBPyConnection, stays: View, on: str) -> tuple[bool, bool]:
    """Whether every stay has an identifier, and whether each has its own: one pass."""
    raw = quoted(on) if stays.whole(on) else stays.text(on)
    found = connection.execute(f"SELECT count(*), count({raw}), count(DISTINCT {raw}) FROM {stays.name}").fetchone()
    total, named, distinct = found if found is not None else (0, 0, 0)
    return total == named, named == distinct


def check_closed(
    connection: duckdb.DuckDBPyConnection, stays: View | Frame, table: pd.DataFrame, variables: Sequence[Stratum]
) -> None:
    """Refuse values outside declared levels: found among the cells, then placed among the rows that are here."""
    problems = []
    for variable in variables:
        if variable.levels is None or table[variable.name].isin(variable.levels).all():
            continue
        row, count = None, int(table.loc[~table[variable.name].isin(variable.levels), "n"].sum())
        if isinstance(stays, View):
            listed = ", ".join("'" + level.replace("'", "''") + "'" for level in variable.levels)
            text = stays.text(variable.column)
            count, row = first_bad(connection, stays, f"{text} IS NOT NULL AND {text} NOT IN ({listed})")
        allowed = ", ".join(variable.levels)
        problems.append(Problem(f"{count} values are no level", stays.file, row, variable.column, allowed=allowed))
    if problems:
        raise DataError(problems)


def check_values(table: pd.DataFrame, wanted: Sequence[Outcome], file: str) -> None:
    """Refuse values that an outcome's declared kind does not allow."""
    problems = []
    for outcome in wanted:
        low, high = table[f"{outcome.name}_min"].min(), table[f"{outcome.name}_max"].max()
        odd = int(table[f"{outcome.name}_odd"].sum())
        if not table[f"{outcome.name}_n"].sum():
            problems.append(Problem("no stay has this outcome", file, column=outcome.column))
        elif outcome.kind == "binary" and (odd or low < 0 or high > 1):
            problems.append(
                Problem("a binary outcome holds something else", file, column=outcome.column, allowed="0, 1")
            )
        elif outcome.kind == "count" and (odd or low < 0):
            problems.append(
                Problem("a count holds something else", file, column=outcome.column, allowed="0, 1, 2, ...")
            )
        elif outcome.kind == "cost" and low < 0:
            problems.append(Problem("a cost is negative", file, column=outcome.column, allowed="0 and more"))
    if problems:
        raise DataError(problems)


def check_levels(table: pd.DataFrame, variables: Sequence[Stratum], file: str) -> None:
    """Refuse case mix with more levels than cells can hold."""
    for variable in variables:
        if (count := table[variable.name].nunique()) > MOST_LEVELS:
            mend = f'cut it: {{"column": "{variable.column}", "bands": [...]}}'
            what = f"{count} levels are too many for case mix (at most {MOST_LEVELS})"
            raise DataError(Problem(what, file, column=variable.column, mend=mend))
