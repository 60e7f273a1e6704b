"""How do a hundred million stays become some thousand cells? One pass over the stays, then labels for what is left."""

from collections.abc import Sequence

import duckdb
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.casemix import Stratum
from microresearch.linking.cells import Outcome
from microresearch.linking.exact import splits
from microresearch.linking.sources import View, quoted, text_sql

COUNTED = ("n", "zeros", "odd")
SUMMED = ("sum", "sumsq", "sumlog")
LARGEST = 1e100
LARGEST_LOG = 1024.0


def pack_stays(
    connection: duckdb.DuckDBPyConnection, stays: View, key: str, unit: str, variables: Sequence[Stratum],
    wanted: Sequence[Outcome], cost: str,
) -> None:  # fmt: skip
    """Group stays by unit and case-mix pattern into the table `packed`, out of core.

    The pass over the rows groups by the columns as stored (g0 the unit, g1 ... the case mix) and by band numbers, after
    a pass that finds the largest value of every outcome. Sums are kept in two exact parts (`splits`), so that they
    depend neither on the order of the rows nor on the number of threads.

    Parameters
    ----------
    key, unit : str
        Columns of the stay's identifier and of its unit.
    cost : str
        The outcome column that comes from `stay_costs`; "" without costs.

    Raises
    ------
    DataError
        An outcome that is infinite or beyond what can be summed.
    """
    coded, values, source = _selected(connection, stays, key, unit, variables, wanted, cost)
    whole = [not (cost and o.column == cost) and stays.whole(o.column) for o in wanted]
    found = connection.execute(
        f"SELECT count(*), {', '.join(f'coalesce(max(abs(v{i})), 0)' for i in range(len(wanted)))} "
        f"FROM (SELECT {', '.join(values)} FROM {source})"
    ).fetchone()
    n, *largest = found if found is not None else (0, *[0.0] * len(wanted))
    check_largest(wanted, largest, stays.file)
    sums = [
        f"{sql} AS {quoted(f'{outcome.name}_{part}')}"
        for i, outcome in enumerate(wanted)
        for part, sql in _parts(f"v{i}", float(largest[i]), int(n), whole[i]).items()
    ]
    names = ", ".join(f"g{j}" for j in range(len(coded)))
    connection.execute(
        f"CREATE TEMP TABLE packed AS SELECT {names}, count(*) AS n, {', '.join(sums)} "
        f"FROM (SELECT {', '.join([*coded, *values])} FROM {source}) GROUP BY {names}"
    )


def _selected(
    connection: duckdb.DuckDBPyConnection,
    stays: View,
    key: str,
    unit: str,
    variables: Sequence[Stratum],
    wanted: Sequence[Outcome],
    cost: str,
) -> tuple[list[str], list[str], str]:
    """SQL of the groups g0 (unit), g1 ... (case mix), of the outcomes v0 ..., and of where they come from."""
    groups = [
        quoted(unit),
        *(_band(v, quoted(v.column)) if v.bands is not None else quoted(v.column) for v in variables),
    ]
    join = f" LEFT JOIN stay_costs ON stay_costs.id = {stays.text(key)}" if cost else ""
    source = f"{stays.name}{join}"
    values: list[str] = []
    for i, outcome in enumerate(wanted):
        value = cost if cost and outcome.column == cost else stays.number(outcome.column)
        if outcome.winsor is not None:
            found = connection.execute(f"SELECT quantile_disc({value}, {outcome.winsor!r}) FROM {source}").fetchone()
            if found is not None and found[0] is not None:
                value = f"CASE WHEN {value} > {found[0]!r} THEN {found[0]!r}::DOUBLE ELSE {value} END"
        values.append(f"{value} AS v{i}")
    return [f"{sql} AS g{j}" for j, sql in enumerate(groups)], values, source


def incomplete_stays(
    connection: duckdb.DuckDBPyConnection, stays: View, key: str, unit: str, variables: Sequence[Stratum],
    wanted: Sequence[Outcome], cost: str,
) -> pd.DataFrame:  # fmt: skip
    """Stays with a unit that lack a case-mix variable, like ones counted: unit, strata, the outcomes' values, n.

    As `pack_stays`, after it; the order is that of the values, whatever that of the rows.
    """
    coded, values, source = _selected(connection, stays, key, unit, variables, wanted, cost)
    labels, _ = _labelled(connection, variables)
    lacking = " OR ".join(f"{quoted(v.name)} IS NULL" for v in variables) or "false"
    made = ", ".join(f"v{i} AS {quoted(o.name)}" for i, o in enumerate(wanted))
    return connection.execute(
        f"SELECT *, count(*)::BIGINT AS n FROM (SELECT {', '.join(labels)}, {made} FROM "
        f"(SELECT {', '.join([*coded, *values])} FROM {source})) WHERE unit IS NOT NULL AND ({lacking}) "
        "GROUP BY ALL ORDER BY ALL"
    ).df()


def _labelled(connection: duckdb.DuckDBPyConnection, variables: Sequence[Stratum]) -> tuple[list[str], list[str]]:
    """SQL of the unit and the strata as text, and their names, from g0, g1 ... as `packed` holds them."""
    described = {str(row[0]): str(row[1]) for row in connection.execute("DESCRIBE packed").fetchall()}
    texts = [text_sql("g0", described["g0"])]
    texts += [_label(variable, f"g{j}", described[f"g{j}"]) for j, variable in enumerate(variables, 1)]
    names = ["unit", *(quoted(v.name) for v in variables)]
    return [f"{sql} AS {name}" for sql, name in zip(texts, names, strict=True)], names


def label_cells(
    connection: duckdb.DuckDBPyConnection, variables: Sequence[Stratum], wanted: Sequence[Outcome]
) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...]]:
    """The table `packed` as cells: texts in place of stored values, groups of the same text joined.

    Returns
    -------
    table : DataFrame
        `unit`, the strata, `n`, and `<outcome>_n`, `_sum`, `_sumsq`, `_sumlog`, `_zeros`, `_odd` (values that are no
        integers), `_min`, `_max`; sorted by unit and pattern.
    excluded : tuple of (reason, number)
        Stays without a unit or without a case-mix variable, each under the first that it lacks.
    """
    labelled, labels = _labelled(connection, variables)
    said = ", ".join(labelled)
    again: list[str] = []
    for outcome in wanted:
        for part in ("n", *SUMMED, "zeros", "odd", "min", "max"):
            name = quoted(f"{outcome.name}_{part}")
            if part in SUMMED:
                low = quoted(f"{outcome.name}_{part}_low")
                again.append(f"sum({name})::DOUBLE + sum({low})::DOUBLE AS {name}")
            elif part in COUNTED or part == "n":
                again.append(f"sum({name})::BIGINT AS {name}")
            else:
                again.append(f"{part}({name})::DOUBLE AS {name}")
    order = ", ".join(str(j) for j in range(1, len(labels) + 1))
    table = connection.execute(
        f"SELECT {said}, sum(n)::BIGINT AS n, {', '.join(again)} FROM packed GROUP BY {order} ORDER BY {order}"
    ).df()
    return _complete(table, ["unit", *(v.name for v in variables)])


def check_largest(wanted: Sequence[Outcome], largest: Sequence[float], file: str) -> None:
    """Refuse outcomes that cannot be summed."""
    problems = [
        Problem("a value is infinite, or too large to be summed", file, column=outcome.column)
        for outcome, value in zip(wanted, largest, strict=True)
        if not value < LARGEST
    ]
    if problems:
        raise DataError(problems)


def exact_sum(term: str, largest: float, n: int, whole: bool = False) -> tuple[str, str]:
    """SQL of the two exact parts of a sum; the second is zero where one is enough."""
    constants = splits(largest, n, whole)
    if not constants:
        return f"coalesce(sum({term}), 0)::DOUBLE", "0::DOUBLE"
    high, low = (f"{c:.17e}" for c in constants)
    head = f"(({term} + {high}) - {high})"
    tail = f"((({term} - {head}) + {low}) - {low})"
    return f"coalesce(sum({head}), 0)::DOUBLE", f"coalesce(sum({tail}), 0)::DOUBLE"


def _parts(v: str, largest: float, n: int, whole: bool) -> dict[str, str]:
    """What is summed of one outcome."""
    parts = {"n": f"count({v})"}
    for name, term, bound, integers in (
        ("sum", v, largest, whole), ("sumsq", f"({v} * {v})", largest**2, whole),
        ("sumlog", f"(CASE WHEN {v} > 0 THEN ln({v}) END)", LARGEST_LOG, False),
    ):  # fmt: skip
        parts[name], parts[f"{name}_low"] = exact_sum(term, bound, n, integers)
    return parts | {
        "zeros": f"count(CASE WHEN {v} = 0 THEN 1 END)",
        "odd": "0" if whole else f"count(CASE WHEN {v} <> round({v}) THEN 1 END)",
        "min": f"min({v})", "max": f"max({v})",
    }  # fmt: skip


def _band(variable: Stratum, column: str) -> str:
    """The number of a band, from a quoted numeric column; NULL stays NULL."""
    steps = " ".join(f"WHEN {column} < {float(bound)!r} THEN {i}" for i, bound in enumerate(variable.bands or ()))
    missing = f"{column} IS NULL OR isnan(CAST({column} AS DOUBLE))"
    return f"CASE WHEN {missing} THEN NULL {steps} ELSE {len(variable.bands or ())} END"


def _label(variable: Stratum, group: str, kind: str) -> str:
    if variable.bands is None:
        return text_sql(group, kind)
    steps = " ".join(f"WHEN {i} THEN '{label}'" for i, label in enumerate(variable.labels() or ()))
    return f"CASE {group} {steps} END"


def _complete(table: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...]]:
    """The cells that lack nothing, and how many stays lack what."""
    excluded = []
    for name in keys:
        lacking = table[name].isna()
        if lacking.any():
            excluded.append((f"no {name}", int(table.loc[lacking, "n"].sum())))
            table = table[~lacking]
    return table.reset_index(drop=True), tuple(excluded)
