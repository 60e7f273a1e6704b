"""How does a table come in or go out? CSV as text, Parquet through DuckDB, the same bytes each time."""

import codecs
import csv
import io as streams
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from microresearch.errors import DataError, Problem
from microresearch.io.files import read_bytes, replacing, shown, write_text

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# longest first: the UTF-32 mark begins with the UTF-16 one
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_csv_text(path: str | Path, encoding: str | None = None) -> str:
    """The text of a CSV file, its byte order mark taken off.

    A byte order mark says what the file is (UTF-8, UTF-16); without one it is UTF-8. Anything else (`"latin-1"`,
    `"cp1252"`, `"utf-16-le"`) must be declared as `encoding`: it is never guessed, for a wrong guess garbles names.

    Raises
    ------
    DataError
        The file is missing, empty, or not in its encoding; names the file, the row and the byte.
    """
    data = read_bytes(path)
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        raise DataError(Problem("the file is empty", file=shown(path), mend="export it again"))
    marked = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), None)
    name = marked or encoding or "utf-8"
    if not name.lower().startswith(("utf-16", "utf-32", "utf_16", "utf_32")) and b"\x00" in data:
        row = data[: data.index(b"\x00")].count(b"\n") + 1
        mend = 'declare encoding = "utf-16-le" if it is UTF-16, or export it as UTF-8'
        raise DataError(Problem("the file holds NUL characters", file=shown(path), row=row, mend=mend))
    try:
        text = data.decode(name)
    except LookupError:
        raise DataError(Problem(f"there is no encoding called {encoding!r}", file=shown(path))) from None
    except UnicodeDecodeError as cause:
        before = data[: cause.start].decode(name, errors="replace")
        what = f"the file is not in {name.removesuffix('-sig').upper()} (byte {cause.start + 1})"
        mend = 'declare its encoding (say encoding = "latin-1" or "utf-16-le"), or export it as UTF-8'
        raise DataError(Problem(what, file=shown(path), row=_row_reached(before), mend=mend)) from None
    return text


def csv_records(text: str, file: str, delimiter: str = ",") -> list[list[str]]:
    """The records of CSV text, quotes resolved, blank lines as empty lists: record i is row i + 1 of a spreadsheet.

    DataError names `file` and the row where a quote is left open or stands where none can.
    """
    reader = csv.reader(streams.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        records.extend(reader)
    except csv.Error as cause:
        mend = "look for a quotation mark that is not closed or not doubled"
        raise DataError(Problem(f"this is not CSV: {cause}", file=file, row=len(records) + 1, mend=mend)) from None
    return records


def read_csv(
    path: str | Path, *, numbers: Sequence[str] = (), encoding: str | None = None, delimiter: str = ","
) -> "pd.DataFrame":
    """A CSV file with one header row as a frame of text, nothing guessed: `"007"` stays `"007"`, blank is `""`.

    Parameters
    ----------
    path : str or Path
    numbers : sequence of str
        Columns to read as float64; blank becomes NaN, anything else that is no number is an error.
    encoding, delimiter : str
        As declared; see `read_csv_text`.

    Returns
    -------
    DataFrame
        The index, named `row`, is the row of the file as a spreadsheet shows it (the first data row is 2), so that
        a later check can say where. Blank lines are skipped and still counted.

    Raises
    ------
    DataError
        All of: missing or doubled column names, rows of another length, cells that are no numbers.
    """
    import pandas as pd

    file = shown(path)
    records = csv_records(read_csv_text(path, encoding), file, delimiter)
    header = [name.strip() for name in records[0]]
    rows = {i: record for i, record in enumerate(records[1:], start=2) if record}
    problems = [Problem("a column has no name", file=file, row=1) for name in header if not name]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    problems += [Problem("two columns have this name", file=file, row=1, column=name) for name in twice]
    problems += [
        Problem(f"the row has {len(record)} cells, the header {len(header)}", file=file, row=row)
        for row, record in rows.items()
        if len(record) != len(header)
    ]
    problems += [
        Problem("this column is missing", file=file, column=name, allowed=", ".join(header))
        for name in numbers
        if name not in header
    ]
    if problems:
        raise DataError(problems)
    index = pd.Index(list(rows), name="row", dtype="int64")
    frame = pd.DataFrame(list(rows.values()), columns=header, index=index, dtype="str")
    for name in numbers:
        frame[name] = _numbers(frame[name], file)
    return frame


def _numbers(cells: "pd.Series[str]", file: str) -> "pd.Series[float]":
    """Text cells as finite float64, blank as NaN; DataError lists the rows that hold something else."""
    import numpy as np
    import pandas as pd

    stripped = cells.str.strip()
    values = pd.to_numeric(stripped.where(stripped != ""), errors="coerce").astype("float64")
    wrong = cells.index[(stripped != "") & ~np.isfinite(values)]
    if len(wrong):
        raise DataError(
            [Problem("this is not a number", file=file, row=int(row), column=str(cells.name)) for row in wrong]
        )
    return values


def write_csv(path: str | Path, frame: "pd.DataFrame") -> Path:
    """Write a frame as UTF-8 CSV with `\\n` line ends and floats in full (shortest text that reads back exactly).

    A named index becomes the first columns; an unnamed one is not written. Missing is blank.
    """
    return write_text(path, _with_index(frame).to_csv(index=False, lineterminator="\n"))


def read_parquet(path: str | Path, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """A Parquet file, or some of its columns, as a frame; DataError when it is missing, broken or lacks a column."""
    import duckdb

    path = Path(path)
    if not path.is_file():
        raise DataError(Problem("there is no such file", file=shown(path), mend="check the name and the folder"))
    with _database().cursor() as connection:
        try:
            relation = connection.read_parquet(str(path))
        except duckdb.Error:
            raise DataError(Problem("this is not a Parquet file", file=shown(path), mend="export it again")) from None
        missing = [name for name in columns or () if name not in relation.columns]
        if missing:
            allowed = ", ".join(relation.columns)
            raise DataError(
                [Problem("this column is missing", file=shown(path), column=name, allowed=allowed) for name in missing]
            )
        if columns is not None:
            relation = relation.project(", ".join(_quoted(name) for name in columns))
        return relation.df()


@cache
def _database() -> "duckdb.DuckDBPyConnection":
    """One empty database for all files of this process, as opening one takes ten times as long as reading a table.

    It keeps nothing of a file: what was read a moment ago may have been written anew.
    """
    import duckdb

    database = duckdb.connect(config={"threads": 1})
    if database.execute("FROM duckdb_settings() WHERE name = 'enable_external_file_cache'").fetchall():
        database.execute("SET enable_external_file_cache = false")  # DuckDB 1.2 has no such cache
    return database


def write_parquet(path: str | Path, frame: "pd.DataFrame") -> Path:
    """Write a frame as Parquet (zstd) in its row order, the same bytes for the same frame and DuckDB version.

    A named index becomes the first columns; an unnamed one is not written.
    """
    path, frame = Path(path), _with_index(frame)
    lower = [str(name).lower() for name in frame.columns]
    if twice := sorted({name for name in lower if lower.count(name) > 1}):
        raise DataError(
            [Problem("Parquet needs names that differ by more than case", file=shown(path), column=n) for n in twice]
        )
    with replacing(path) as part, _database().cursor() as connection:
        connection.register("frame", frame)
        target = str(part).replace("'", "''")
        connection.execute(f"COPY frame TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    return path


def _with_index(frame: "pd.DataFrame") -> "pd.DataFrame":
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row_reached(text: str) -> int:
    """The spreadsheet row in which `text`, cut off somewhere, ends."""
    records = sum(1 for _ in csv.reader(streams.StringIO(text, newline="")))
    return max(records + (text.endswith("\n") or not text), 1)
