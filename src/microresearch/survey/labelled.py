"""How is a file of SPSS or Stata read? Codes as they are stored, with value labels and user-missing codes."""

from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem
from microresearch.survey.apart import read_apart
from microresearch.survey.export import Export, unique_names
from microresearch.survey.qualtrics import plain_wording


def cell_text(value: object) -> str:
    """A stored value as text: whole numbers without decimals, times in ISO order, missing as "".

    Examples
    --------
    >>> cell_text(4.0), cell_text(None), cell_text(datetime(2026, 3, 1, 8, 5))
    ('4', '', '2026-03-01 08:05:00')
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "True" if value else "False"
    if isinstance(value, int | float | np.integer | np.floating):
        return f"{float(value):.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()


def read_labelled(raw: bytes, file: str, format: str, program: str, kind: str) -> Export:
    """A binary file with value labels as an Export.

    Parameters
    ----------
    raw : bytes
        The file.
    file, format, program : str
        Name for messages, format name, and the program's name for `said`.
    kind : {"sav", "dta"}

    Raises
    ------
    DataError
        The file is damaged or holds no responses.
    """
    found = read_apart(raw, kind)
    if found is None:
        what = f"this is not a readable {program} file"
        raise DataError(Problem(what, file, mend=f"save it again in {program}"))
    columns, meta = found
    n = len(next(iter(columns.values()))) if columns else 0
    if not n:
        raise DataError(Problem("variables but no responses", file, mend="export the survey with its answers"))
    names, repeated = unique_names([str(name) for name in columns], file)
    cells = pd.DataFrame({name: _texts(column) for name, column in zip(names, columns.values(), strict=True)})
    labels = {
        name: {cell_text(code): str(label).strip() for code, label in one.items()}
        for name, one in meta["variable_value_labels"].items()
    }
    wording = dict(zip(meta["column_names"], meta["column_labels"], strict=True))
    return Export(
        file, format, f"{program} file with {len(labels)} labelled variables", cells,
        np.arange(1, n + 1, dtype=np.int64),
        texts={name: plain_wording(text) for name, text in wording.items() if text},
        labels=labels,
        user_missing={name: _user_missing(cells[name], meta, name) for name in names},
        repeated=repeated,
    )  # fmt: skip


def _texts(column: list[Any]) -> pd.Series:
    """Stored values as categorical text."""
    codes, uniques = pd.factorize(pd.Series(column, dtype=object), use_na_sentinel=False)
    texts = [cell_text(value) for value in uniques]
    distinct = list(dict.fromkeys(texts))
    place = np.array([distinct.index(text) for text in texts], dtype=np.intp)
    return pd.Series(pd.Categorical.from_codes(place[codes], categories=pd.Index(distinct, dtype="str")))


def _user_missing(column: pd.Series, meta: dict[str, Any], name: str) -> frozenset[str]:
    """Codes in the data that the file declares missing: ranges (SPSS) or letters (Stata's .a to .z)."""
    ranges = meta["missing_ranges"].get(name, [])
    letters = {str(letter) for letter in meta["missing_user_values"].get(name, [])}
    found: set[str] = set()
    for text in column.cat.categories:
        for one in ranges:
            low, high = one["lo"], one["hi"]
            if isinstance(low, str):
                inside = text == low.strip()
            else:
                value = pd.to_numeric(text, errors="coerce")
                inside = bool(low <= value <= high)
            if inside:
                found.add(text)
        if text in letters:
            found.add(text)
    return frozenset(found - {""})
