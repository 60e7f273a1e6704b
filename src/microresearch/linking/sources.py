"""Where do the extracts lie? Files and frames as views of one private DuckDB, with the checks that all need."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.linking.workbooks import TABLES, matching, read_tables

Source = str | Path | pd.DataFrame | Any
"""A path, or a table of pandas or of any engine that narwhals knows."""

_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "FLOAT", "DOUBLE", "BOOLEAN")  # fmt: skip


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text_sql(name: str, kind: str) -> str:
    """SQL of an expression of this type as text: 7.0, which a file with gaps makes of 7, is "7" again."""
    if kind in ("FLOAT", "DOUBLE"):
        whole = f"CAST(CAST({name} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN {name} = round({name}) THEN {whole} ELSE nullif(CAST({name} AS VARCHAR), 'nan') END"
    return f"nullif(trim(CAST({name} AS VARCHAR)), '')"


def is_local(source: Source) -> bool:
    """Whether our own DuckDB reads it: a file, or a table of pandas."""
    return isinstance(source, str | Path | pd.DataFrame)


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of our own: one thread (sums in the rows' order, so the same digits), its spill deleted after."""
    with io.scratch() as spill:
        settings: dict[str, bool | float | int | list[str] | str] = {
            "threads": 1,
            "memory_limit": "1GB",
            "temp_directory": str(spill),
        }
        with duckdb.connect(config=settings) as connection:
            # A bar would stand in a notebook's output; a kernel without ipywidgets has none, and refuses the setting.
            with suppress(duckdb.InvalidInputException):
                connection.execute("SET enable_progress_bar = false")
            yield connection


@dataclass(frozen=True, slots=True)
class View:
    """One source as a view: its name in SQL, its name for a reader, and its columns with their types."""

    name: str
    file: str
    types: dict[str, str]

    def text(self, column: str) -> str:
        """SQL of a column as text: 7.0, which a file with gaps makes of 7, is "7" again."""
        return text_sql(quoted(column), self.types[column])

    def number(self, column: str) -> str:
        """SQL of a numeric column as a double, missing when it is not a number."""
        if self.whole(column):
            return f"CAST({quoted(column)} AS DOUBLE)"
        return f"CASE WHEN isnan(CAST({quoted(column)} AS DOUBLE)) THEN NULL ELSE CAST({quoted(column)} AS DOUBLE) END"

    def whole(self, column: str) -> bool:
        """Whether the column's type holds integers alone."""
        return self.types[column] in _NUMERIC and self.types[column] not in ("FLOAT", "DOUBLE")

    def numeric(self, column: str) -> bool:
        """Whether the column holds numbers."""
        kind = self.types[column]
        return kind in _NUMERIC or kind.startswith("DECIMAL")


def open_view(
    connection: duckdb.DuckDBPyConnection, source: Source, name: str, text: Sequence[str], needs: Sequence[str]
) -> View:
    """A path (globs allowed), a table of a DuckDB database (file.duckdb#table) or a frame of pandas as a view.

    Parameters
    ----------
    name : str
        The view's name, and the source's name in messages when it is a frame.
    text : sequence of str
        Columns that hold identifiers: a CSV's are kept as written ("007" is no number).
    needs : sequence of str
        Columns that must be there.

    Raises
    ------
    DataError
        No such file, not a table, no rows, or missing columns (all at once).
    """
    if isinstance(source, pd.DataFrame):
        file = f"the {name} table"
        try:
            connection.register(f"{name}_frame", source)
        except duckdb.Error:  # rows in reverse are no array that DuckDB can scan
            connection.register(f"{name}_frame", source.copy())
        relation = f"SELECT * FROM {name}_frame"
    else:
        file = Path(source).name
        if "#" in file:
            relation = _attached(connection, str(source), name)
        elif Path(source).suffix.lower() in TABLES:
            connection.register(f"{name}_frame", read_tables(matching(source), file, text))
            relation = f"SELECT * FROM {name}_frame"
        else:
            relation = _read(source, file, text)
    try:
        connection.execute(f"CREATE TEMP VIEW {name} AS {relation}")
        described = connection.execute(f"DESCRIBE {name}").fetchall()
        empty = connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() is None
    except duckdb.Error as cause:
        kind = "there is no such file" if "No files found" in str(cause) else "this cannot be read as a table"
        mend = (
            "check the name and the folder" if "No files" in str(cause) else "export it again as CSV (UTF-8) or Parquet"
        )
        raise DataError(Problem(kind, file=file, mend=mend)) from None
    view = View(name, file, {str(row[0]): str(row[1]) for row in described})
    if missing := [column for column in dict.fromkeys(needs) if column not in view.types]:
        allowed = ", ".join(view.types)
        raise DataError([Problem("this column is missing", file=file, column=c, allowed=allowed) for c in missing])
    if empty:
        raise DataError(Problem("there are no rows", file=file))
    return view


def _read(source: str | Path, file: str, text: Sequence[str]) -> str:
    path = _literal(source)
    suffix = Path(source).suffix.lower()
    if suffix in (".parquet", ".pq"):
        return f"SELECT * FROM read_parquet({path})"
    if suffix in (".csv", ".gz", ".tsv", ".txt"):
        header = (
            duckdb.sql(f"SELECT * FROM read_csv({path}, header=true, all_varchar=true) LIMIT 0").columns
            if matching(source)
            else []
        )
        types = ", ".join(f"{_literal(c)}: 'VARCHAR'" for c in text if c in header)
        kept = f", types={{{types}}}" if types else ""
        return f"SELECT * FROM read_csv({path}, header=true, nullstr=['', 'NA']{kept})"
    allowed = ".parquet, .csv, .xlsx, .sav, .dta, or a database as file.duckdb#table"
    raise DataError(Problem("this kind of file is not read here", file=file, allowed=allowed))


def _literal(value: object) -> str:
    """A text as SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"


def _attached(connection: duckdb.DuckDBPyConnection, source: str, name: str) -> str:
    """The SQL of a table of a DuckDB database, which is opened for reading alone."""
    path, _, table = source.partition("#")
    file = Path(path).name
    if not matching(path):
        raise DataError(Problem("there is no such file", file=file, mend="check the name and the folder"))
    try:
        connection.execute(f"ATTACH {_literal(path)} AS {quoted(f'{name}_base')} (READ_ONLY)")
    except duckdb.Error:
        raise DataError(Problem("this cannot be read as a DuckDB database", file=file)) from None
    listed = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal ORDER BY ALL",
        [f"{name}_base"] * 2,
    ).fetchall()
    known = {one if schema == "main" else f"{schema}.{one}": (schema, one) for schema, one in listed}
    if table not in known:
        raise DataError(Problem("the database has no such table", file=file, value=table, allowed=", ".join(known)))
    return f"SELECT * FROM {quoted(f'{name}_base')}.{'.'.join(map(quoted, known[table]))}"


def first_bad(connection: duckdb.DuckDBPyConnection, view: View, condition: str) -> tuple[int, int]:
    """How many rows meet a condition, and the first of them as a spreadsheet counts (the header is row 1)."""
    found = connection.execute(
        f"SELECT count(*), min(row) FROM (SELECT row_number() OVER () + 1 AS row, * FROM {view.name}) WHERE {condition}"
    ).fetchone()
    count, row = found if found is not None else (0, None)
    return int(count), int(row or 0)
