"""How do a hundred million stays become some thousand cells? One pass over the stays, then labels for what is left."""

from collections.abc import Sequence

import duckdb
import pandas as pd

from microresearch.linking.casemix import Stratum
from microresearch.linking.cells import Outcome
from microresearch.linking.sources import View, quoted, text_sql

COUNTS = ("n", "zeros", "odd")


def reduce_stays(
    connection: duckdb.DuckDBPyConnection, stays: View, key: str, unit: str, variables: Sequence[Stratum],
    wanted: Sequence[Outcome], cost: str,
) -> tuple[pd.DataFrame, tuple[tuple[str, int], ...]]:  # fmt: skip
    """Group stays by unit and case-mix pattern, out of core.

    The pass over the rows groups by the columns as stored and by band numbers; texts are made of the groups. Sums
    of columns that are no integers are compensated (Neumaier), so that they hold at any size.

    Parameters
    ----------
    key, unit : str
        Columns of the stay's identifier and of its unit.
    cost : str
        The outcome column that comes from `stay_costs`; "" without costs.

    Returns
    -------
    table : DataFrame
        `unit`, the strata, `n`, and `<outcome>_n`, `_sum`, `_sumsq`, `_sumlog`, `_zeros`, `_odd` (values that are no
        integers), `_min`, `_max`; sorted by unit and pattern.
    excluded : tuple of (reason, number)
        Stays without a unit or without a case-mix variable, each under the first that it lacks.
    """
    groups = [
        quoted(unit),
        *(_band(v, quoted(v.column)) if v.bands is not None else quoted(v.column) for v in variables),
    ]
    values: list[str] = []
    sums: list[str] = []
    again: list[str] = []
    for i, outcome in enumerate(wanted):
        from_costs = bool(cost) and outcome.column == cost
        values.append(f"{cost if from_costs else stays.number(outcome.column)} AS v{i}")
        whole = not from_costs and stays.whole(outcome.column)
        for part, sql in _parts(f"v{i}", whole).items():
            name = quoted(f"{outcome.name}_{part}")
            sums.append(f"{sql} AS {name}")
            again.append(f"{_combine(part)}({name}){'::BIGINT' if part in COUNTS else ''} AS {name}")
    coded = ", ".join(f"{sql} AS g{j}" for j, sql in enumerate(groups))
    names = ", ".join(f"g{j}" for j in range(len(groups)))
    join = f" LEFT JOIN stay_costs ON stay_costs.id = {stays.text(key)}" if cost else ""
    connection.execute(
        f"CREATE TEMP TABLE packed AS SELECT {names}, count(*) AS n, {', '.join(sums)} "
        f"FROM (SELECT {', '.join([coded, *values])} FROM {stays.name}{join}) GROUP BY {names}"
    )
    texts = [text_sql("g0", stays.types[unit]), *(_label(v, f"g{j}", stays) for j, v in enumerate(variables, 1))]
    labels = ["unit", *(quoted(v.name) for v in variables)]
    said = ", ".join(f"{sql} AS {label}" for sql, label in zip(texts, labels, strict=True))
    order = ", ".join(str(j) for j in range(1, len(labels) + 1))
    table = connection.execute(
        f"SELECT {said}, sum(n)::BIGINT AS n, {', '.join(again)} FROM packed GROUP BY {order} ORDER BY {order}"
    ).df()
    return _complete(table, ["unit", *(v.name for v in variables)])


def _parts(v: str, whole: bool) -> dict[str, str]:
    """What is summed of one outcome; sums of integers are exact in doubles as they are."""
    add = "sum" if whole else "fsum"
    return {
        "n": f"count({v})", "sum": f"coalesce({add}({v}), 0)", "sumsq": f"coalesce({add}({v} * {v}), 0)",
        "sumlog": f"coalesce(fsum(CASE WHEN {v} > 0 THEN ln({v}) END), 0)",
        "zeros": f"count(CASE WHEN {v} = 0 THEN 1 END)",
        "odd": "0" if whole else f"count(CASE WHEN {v} <> round({v}) THEN 1 END)", "min": f"min({v})",
        "max": f"max({v})",
    }  # fmt: skip


def _combine(part: str) -> str:
    if part in ("min", "max"):
        return part
    return "sum" if part in COUNTS else "fsum"


def _band(variable: Stratum, column: str) -> str:
    """The number of a band, from a quoted numeric column; NULL stays NULL."""
    steps = " ".join(f"WHEN {column} < {float(bound)!r} THEN {i}" for i, bound in enumerate(variable.bands or ()))
    missing = f"{column} IS NULL OR isnan(CAST({column} AS DOUBLE))"
    return f"CASE WHEN {missing} THEN NULL {steps} ELSE {len(variable.bands or ())} END"


def _label(variable: Stratum, group: str, stays: View) -> str:
    if variable.bands is None:
        return text_sql(group, stays.types[variable.column])
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
