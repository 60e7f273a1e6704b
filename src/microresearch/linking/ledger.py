"""What did each stay cost? Lines summed, reversals included, charges turned into costs by hospital and year."""

import duckdb
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.prices import YEAR, Prices
from microresearch.linking.reduce import exact_sum
from microresearch.linking.sources import Source, View, first_bad, open_view, quoted

COST = "cost"


def add_costs(
    connection: duckdb.DuckDBPyConnection, costs: Source, ccr: Source | None, stays: View, on: str, amount: str,
    ccr_by: tuple[str, ...], prices: Prices | None = None, known: str = "",
) -> dict[str, float]:  # fmt: skip
    """Make the table `stay_costs` (id, cost) of all stays with lines, and count what did not join.

    Parameters
    ----------
    prices : Prices, optional
        Brings every line to the prices of one year.
    known : str
        The table with all stays that lines may name; by default `stays`. "episodes": stays that `members` joined, of
        which some may be left out of `stays` by a rule.

    Returns
    -------
    dict
        `lines`, `unlinked` (lines whose stay is not in the admissions), `amount` (their sum) and `without` (stays
        without lines).

    Raises
    ------
    DataError
        A line without a stay or an amount, a missing or doubtful ratio, a stay whose lines sum to less than zero.
    """
    by = ccr_by if ccr is not None else ()
    year = [YEAR] if prices is not None else []
    lines = open_view(connection, costs, "finance", [on, *by, *year], [on, amount, *by, *year])
    _check_lines(connection, lines, on, amount)
    if known == "episodes":
        lines = _renamed(connection, lines, on)
    ratio, join = "1", ""
    if ccr is not None:
        join = _join_ratios(connection, ccr, lines, by)
        ratio = "ratios.ratio"
    if prices is not None:
        ratio = f"{ratio} * {prices.factor(connection, lines)}"
    key = lines.text(on)
    priced = f"CAST(finance.{quoted(amount)} AS DOUBLE) * {ratio}"
    found = connection.execute(f"SELECT count(*), max(abs({priced})) FROM finance{join}").fetchone()
    n, largest = found if found is not None else (0, 0.0)
    high, low = exact_sum(f"({priced})", float(largest), int(n))
    connection.execute(
        f"CREATE TEMP TABLE stay_costs AS SELECT {key.replace(quoted(on), 'finance.' + quoted(on))} AS id, "
        f"{high} + {low} AS cost FROM finance{join} GROUP BY 1 ORDER BY 1"
    )
    stay = stays.text(on)
    listed = "SELECT episode FROM episodes" if known == "episodes" else f"SELECT {stay} FROM {stays.name}"
    unlinked = connection.execute(
        f"SELECT count(*), coalesce(fsum(CAST({quoted(amount)} AS DOUBLE)), 0) FROM finance "
        f"WHERE {key} NOT IN ({listed})"
    ).fetchone()
    counts = connection.execute(
        f"SELECT (SELECT count(*) FROM finance), "
        f"(SELECT count(*) FROM {stays.name} WHERE {stay} NOT IN (SELECT id FROM stay_costs)), "
        f"(SELECT count(*) FROM stay_costs WHERE cost < -0.005 AND id IN (SELECT {stay} FROM {stays.name}))"
    ).fetchone()
    total, without, negative = counts if counts is not None else (0, 0, 0)
    if negative:
        mend = "a reversal without its charge, or counted twice: correct the extract"
        raise DataError(
            Problem(f"the lines of {negative} stays sum to less than zero", lines.file, column=amount, mend=mend)
        )
    connection.execute("UPDATE stay_costs SET cost = 0 WHERE abs(cost) < 0.005")
    return {
        "lines": total, "without": without, "unlinked": unlinked[0] if unlinked else 0,
        "amount": unlinked[1] if unlinked else 0,
    }  # fmt: skip


def _renamed(connection: duckdb.DuckDBPyConnection, lines: View, on: str) -> View:
    """The lines with each stay's id replaced by that of the stay that it became part of."""
    connection.execute(
        f"CREATE TEMP TABLE finance_joined AS SELECT finance.* REPLACE (coalesce(members.episode, {lines.text(on)}) "
        f"AS {quoted(on)}) FROM finance LEFT JOIN members ON members.stay = {lines.text(on)}"
    )
    connection.execute("CREATE OR REPLACE TEMP VIEW finance AS SELECT * FROM finance_joined")
    return View("finance", lines.file, lines.types | {on: "VARCHAR"})


def _check_lines(connection: duckdb.DuckDBPyConnection, lines: View, on: str, amount: str) -> None:
    problems = []
    if not lines.numeric(amount):
        raise DataError(Problem("amounts must be numbers", lines.file, column=amount))
    for column, condition, what in (
        (on, f"{lines.text(on)} IS NULL", "lines name no stay"),
        (amount, f"({lines.number(amount)}) IS NULL", "lines have no amount"),
        (amount, f"isinf(CAST({quoted(amount)} AS DOUBLE))", "lines have an infinite amount"),
    ):
        count, row = first_bad(connection, lines, condition)
        if count:
            problems.append(Problem(f"{count} {what}", lines.file, row, column))
    if problems:
        raise DataError(problems)


def check_ratios(
    connection: duckdb.DuckDBPyConnection, ccr: pd.DataFrame, keys: pd.DataFrame, by: tuple[str, ...]
) -> None:
    """Refuse ratios that cannot be, stand twice, or are missing for one of the keys that the lines have."""
    _join_ratios(connection, ccr, open_view(connection, keys, "finance", by, by), by)


def _join_ratios(connection: duckdb.DuckDBPyConnection, ccr: Source, lines: View, by: tuple[str, ...]) -> str:
    """The table `ratios`, checked, and the SQL that joins it to the lines."""
    view = open_view(connection, ccr, "ccr", by, [*by, "ccr"])
    if not view.numeric("ccr"):
        raise DataError(Problem("ratios must be numbers", view.file, column="ccr"))
    count, row = first_bad(connection, view, f"({view.number('ccr')}) IS NULL OR ccr <= 0 OR ccr > 10")
    if count:
        raise DataError(Problem(f"{count} ratios cannot be", view.file, row, "ccr", allowed="above 0, at most 10"))
    keys = ", ".join(f"{view.text(c)} AS k{i}" for i, c in enumerate(by))
    connection.execute(f"CREATE TEMP TABLE ratios AS SELECT {keys}, CAST(ccr AS DOUBLE) AS ratio FROM ccr")
    named = ", ".join(f"k{i}" for i in range(len(by)))
    twice = connection.execute(
        f"SELECT {named} FROM ratios GROUP BY {named} HAVING count(*) > 1 ORDER BY {named}"
    ).fetchall()
    problems = [Problem(f"two ratios for {_said(by, key)}", view.file, column="ccr") for key in twice]
    on = " AND ".join(
        f"ratios.k{i} = {lines.text(c).replace(quoted(c), 'finance.' + quoted(c))}" for i, c in enumerate(by)
    )
    absent = connection.execute(
        f"SELECT DISTINCT {', '.join(lines.text(c) for c in by)} FROM finance WHERE NOT EXISTS "
        f"(SELECT 1 FROM ratios WHERE {on}) ORDER BY ALL"
    ).fetchall()
    mend = "add its ratio, or leave its lines out of the extract"
    problems += [
        Problem(f"no cost-to-charge ratio for {_said(by, key)}", view.file, column="ccr", mend=mend) for key in absent
    ]
    if problems:
        raise DataError(problems)
    return f" JOIN ratios ON {on}"


def _said(by: tuple[str, ...], key: tuple[object, ...]) -> str:
    return ", ".join(f"{column} {value}" for column, value in zip(by, key, strict=True))
