"""How are stays reduced where they lie? The group-by of `reduce` through narwhals, by the engine that holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.linking.casemix import Stratum
from microresearch.linking.cells import Outcome
from microresearch.linking.exact import splits
from microresearch.linking.ledger import check_ratios
from microresearch.linking.reduce import LARGEST_LOG, SUMMED, check_largest

_WHOLE = 1.5 * 2.0**52
_HALF_CENT = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A table of some engine, never brought here: its frame, its name for a reader, its columns with their types."""

    frame: "nw.LazyFrame[Any]"
    file: str
    types: dict[str, Any]

    def numeric(self, column: str) -> bool:
        """Whether the column holds numbers."""
        return bool(self.types[column].is_numeric() or self.types[column] == nw.Boolean)

    def whole(self, column: str) -> bool:
        """Whether the column's type holds integers alone."""
        return bool(self.types[column].is_integer() or self.types[column] == nw.Boolean)

    def number(self, column: str) -> nw.Expr:
        """A numeric column as doubles, missing where it is not a number."""
        value = nw.col(column).cast(nw.Float64())
        return nw.when(~value.is_nan()).then(value) if self.types[column].is_float() else value


def open_frame(source: Any, name: str, needs: Sequence[str]) -> Frame:
    """A frame of any engine that narwhals knows.

    Raises
    ------
    DataError
        Something else, no rows, or missing columns (all at once).
    """
    file = f"the {name} table"
    try:
        frame = nw.from_native(source).lazy()
    except TypeError:
        allowed = "a path; a table of pandas, Polars, DuckDB, Dask, PySpark or Ibis"
        raise DataError(Problem("this is no table that can be read", file, allowed=allowed)) from None
    types = dict(frame.collect_schema())
    if missing := [column for column in dict.fromkeys(needs) if column not in types]:
        allowed = ", ".join(types)
        raise DataError([Problem("this column is missing", file, column=c, allowed=allowed) for c in missing])
    return Frame(frame.select(*dict.fromkeys(needs)), file, types)


def check_stays(stays: Frame, on: str, columns: Sequence[str]) -> None:
    """Refuse stays without an identifier or listed twice, outcomes that are no numbers, and an empty table."""
    problems = [
        Problem("this column holds text, not numbers", stays.file, column=c, mend="code it as numbers")
        for c in columns
        if not stays.numeric(c)
    ]
    rows, named = _row(stays.frame.select(nw.len().alias("n"), nw.col(on).count().alias("named")))
    if not rows:
        raise DataError(Problem("there are no rows", stays.file))
    if named < rows:
        problems.append(Problem(f"{rows - named} stays have no identifier", stays.file, column=on))
    counts = stays.frame.filter(~nw.col(on).is_null()).group_by(on).agg(nw.len().alias("k"))
    distinct = _count(counts)
    if distinct < named:
        mend = "one row a stay: remove copies, or make the identifier unique"
        problems.append(Problem(f"{named - distinct} rows repeat a stay", stays.file, column=on, mend=mend))
    if problems:
        raise DataError(problems)


def pack_elsewhere(
    connection: duckdb.DuckDBPyConnection, stays: Frame, unit: str, variables: Sequence[Stratum],
    wanted: Sequence[Outcome], cost: str,
) -> None:  # fmt: skip
    """As `pack_stays`, where the rows are: what comes back is a row a group, and becomes the table `packed` here.

    The sums are exact in parts, so they equal those of `pack_stays` to the last digit; logarithms are each engine's.
    """
    groups = {"g0": nw.col(unit)} | {
        f"g{j}": _band(v, stays.number(v.column)) if v.bands is not None else nw.col(v.column)
        for j, v in enumerate(variables, 1)
    }
    values = {f"v{i}": nw.col(cost) if o.column == cost else stays.number(o.column) for i, o in enumerate(wanted)}
    rows = stays.frame.select(**groups, **values)
    seen = _row(rows.select(nw.len().alias("n"), *(nw.col(v).abs().max().alias(v) for v in values)))
    n, largest = int(seen[0]), [0.0 if pd.isna(value) else float(value) for value in seen[1:]]
    check_largest(wanted, largest, stays.file)
    columns: dict[str, nw.Expr] = {}
    sums: list[nw.Expr] = [nw.len().alias("n")]
    for i, outcome in enumerate(wanted):
        whole = outcome.column != cost and stays.whole(outcome.column)
        made = _parts(f"v{i}", outcome.name, largest[i], n, whole)
        columns |= made
        sums += [nw.col(name).sum() for name in made]
        sums += [
            nw.col(f"v{i}").count().alias(f"{outcome.name}_n"), nw.col(f"v{i}").min().alias(f"{outcome.name}_min"),
            nw.col(f"v{i}").max().alias(f"{outcome.name}_max"),
        ]  # fmt: skip
    packed = collected(rows.with_columns(**columns).group_by(*groups).agg(*sums))
    connection.register("packed_frame", packed)
    connection.execute("CREATE TEMP TABLE packed AS SELECT * FROM packed_frame")


def _parts(v: str, name: str, largest: float, n: int, whole: bool) -> dict[str, nw.Expr]:
    """Columns whose plain sums are those of `packed`."""
    value = nw.col(v)
    made: dict[str, nw.Expr] = {}
    logs = nw.when(value > 0).then(value).log()
    terms = ((value, largest, whole), (value * value, largest**2, whole), (logs, LARGEST_LOG, False))
    for part, (term, bound, integers) in zip(SUMMED, terms, strict=True):
        made[f"{name}_{part}"], made[f"{name}_{part}_low"] = split(term, bound, n, integers)
    zero, one = nw.lit(0, nw.Int64()), nw.lit(1, nw.Int64())
    made[f"{name}_zeros"] = nw.when(value == 0).then(one).otherwise(zero)
    odd = (value.abs() < 2.0**51) & ((value + _WHOLE) - _WHOLE != value)
    made[f"{name}_odd"] = nw.when(odd).then(one).otherwise(zero)
    return made


def split(term: nw.Expr, largest: float, n: int, whole: bool = False) -> tuple[nw.Expr, nw.Expr]:
    """The two parts of a value whose sums are exact; the second is zero where one is enough."""
    constants = splits(largest, n, whole)
    if not constants:
        return term, term * 0.0
    head = (term + constants[0]) - constants[0]
    return head, ((term - head) + constants[1]) - constants[1]


def _band(variable: Stratum, value: nw.Expr) -> nw.Expr:
    """The number of a band: bounds at or below the value; missing stays missing."""
    passed = nw.lit(0, nw.Int64())
    for bound in variable.bands or ():
        passed = nw.when(value >= bound).then(nw.lit(1, nw.Int64())).otherwise(nw.lit(0, nw.Int64())) + passed
    return nw.when(~value.is_null()).then(passed)


def add_costs_elsewhere(
    connection: duckdb.DuckDBPyConnection, stays: Frame, costs: Any, ccr: Any, on: str, amount: str,
    by: tuple[str, ...], cost: str,
) -> tuple[Frame, dict[str, float]]:  # fmt: skip
    """The stays with what they cost, and what did not join; as `add_costs`, where the rows are.

    Raises
    ------
    DataError
        Tables of different engines or types, a line without a stay or an amount, a doubtful or missing ratio, a
        negative total.
    """
    lines = open_frame(costs, "finance", [on, amount, *(by if ccr is not None else ())])
    _same(stays, lines, [on])
    if not lines.numeric(amount):
        raise DataError(Problem("amounts must be numbers", lines.file, column=amount))
    rows = lines.frame.with_columns(lines.number(amount).alias("amount_"))
    total, named, priced = _row(
        rows.select(nw.len().alias("n"), nw.col(on).count().alias("a"), nw.col("amount_").count().alias("b"))
    )
    problems = [Problem(f"{total - named} lines name no stay", lines.file, column=on)] if named < total else []
    if priced < total:
        problems.append(Problem(f"{total - priced} lines have no amount", lines.file, column=amount))
    if problems:
        raise DataError(problems)
    value = nw.col("amount_")
    if ccr is not None:
        rows = _with_ratios(connection, rows, lines, ccr, by)
        value = value * nw.col("ratio_")
    rows = rows.with_columns(value.alias("value_"))
    (largest,) = _row(rows.select(nw.col("value_").abs().max().alias("m")))
    high, low = split(nw.col("value_"), float(largest), int(total))
    sums = rows.with_columns(high_=high, low_=low).group_by(on).agg(nw.col("high_").sum(), nw.col("low_").sum())
    summed = sums.select(on, (nw.col("high_") + nw.col("low_")).alias(cost))
    listed = stays.frame.select(on)
    negative = _count(summed.filter(nw.col(cost) < -_HALF_CENT).join(listed, on=on, how="semi"))
    if negative:
        mend = "a reversal without its charge, or counted twice: correct the extract"
        what = f"the lines of {negative} stays sum to less than zero"
        raise DataError(Problem(what, lines.file, column=amount, mend=mend))
    strangers = collected(rows.join(listed, on=on, how="anti").select("amount_"))["amount_"]
    money = {
        "lines": total, "unlinked": len(strangers), "amount": float(strangers.sum()),
        "without": _count(listed.join(summed, on=on, how="anti")),
    }  # fmt: skip
    small = nw.when(nw.col(cost).abs() >= _HALF_CENT).then(nw.col(cost)).otherwise(nw.lit(0.0))
    joined = stays.frame.join(summed.with_columns(small.alias(cost)), on=on, how="left")
    return Frame(joined, stays.file, stays.types | {cost: nw.Float64()}), money


def _with_ratios(
    connection: duckdb.DuckDBPyConnection, rows: "nw.LazyFrame[Any]", lines: Frame, ccr: Any, by: tuple[str, ...]
) -> "nw.LazyFrame[Any]":
    """The lines with their ratio, which every one has."""
    ratios = open_frame(ccr, "ccr", [*by, "ccr"])
    _same(lines, ratios, by)
    check_ratios(connection, collected(ratios.frame), collected(rows.select(*by).unique()), by)
    known = ratios.frame.select(*by, nw.col("ccr").cast(nw.Float64()).alias("ratio_"))
    return rows.join(known, on=list(by), how="left")


def _same(one: Frame, other: Frame, columns: Sequence[str]) -> None:
    """Refuse tables that cannot be joined where they are."""
    if one.frame.implementation != other.frame.implementation:
        what = f"this table and {one.file} are of different engines"
        raise DataError(Problem(what, other.file, mend="hand all tables over from the same one, or all as files"))
    problems = [
        Problem(f"its type differs from {one.file}'s", other.file, column=c, allowed=str(one.types[c]))
        for c in columns
        if one.types[c] != other.types[c]
    ]
    if problems:
        raise DataError(problems)


def collected(frame: "nw.LazyFrame[Any]") -> pd.DataFrame:
    """A small result brought here, as pandas."""
    if frame.implementation.is_polars():
        return pd.DataFrame(frame.collect().to_dict(as_series=False))
    if frame.implementation.is_pyspark() or frame.implementation.is_pyspark_connect():
        native = frame.to_native()
        return pd.DataFrame([tuple(row) for row in native.collect()], columns=native.columns)
    return frame.collect(backend="pandas").to_native()


def _row(frame: "nw.LazyFrame[Any]") -> list[Any]:
    """The only row of a result."""
    return collected(frame).iloc[0].tolist()


def _count(frame: "nw.LazyFrame[Any]") -> int:
    return int(_row(frame.select(nw.len().alias("n")))[0])
