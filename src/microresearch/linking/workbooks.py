"""What if an extract is a workbook, or a file of SPSS or Stata? Read whole by the survey's readers, as one table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.survey.excel import open_excel
from microresearch.survey.labelled import read_labelled

TABLES = {".xlsx": "", ".sav": "SPSS", ".zsav": "SPSS", ".dta": "Stata"}
"""Suffixes of files that are read whole, and the programs that write them."""


def matching(source: str | Path) -> list[Path]:
    """The files that a path or glob names, sorted."""
    path = Path(source)
    return [path] if path.is_file() else sorted(path.parent.glob(path.name)) if path.parent.is_dir() else []


def read_tables(paths: Sequence[Path], file: str, text: Sequence[str]) -> pd.DataFrame:
    """Files of one kind, one below the other; columns that hold numbers alone are numbers, but for those in `text`.

    Codes of SPSS and Stata stay codes (their labels are not used); codes that the file declares missing are missing.

    Raises
    ------
    DataError
        No such file, one that cannot be read, or files whose columns differ.
    """
    if not paths:
        raise DataError(Problem("there is no such file", file=file, mend="check the name and the folder"))
    parts = [_texts(path) for path in paths]
    problems = [
        Problem("its columns are not those of the first file", io.shown(path), allowed=", ".join(parts[0].columns))
        for path, part in zip(paths, parts, strict=True)
        if list(part.columns) != list(parts[0].columns)
    ]
    if problems:
        raise DataError(problems)
    whole = pd.concat(parts, ignore_index=True)
    for column in whole.columns.difference(list(text)):
        numbers = pd.to_numeric(whole[column], errors="coerce")
        if numbers.notna().equals(whole[column].notna()):
            whole[column] = numbers
    return whole


def _texts(path: Path) -> pd.DataFrame:
    """The cells of one file as text, missing where they are empty."""
    raw, file = io.read_bytes(path), io.shown(path)
    program = TABLES[path.suffix.lower()]
    if program:
        kind = "dta" if program == "Stata" else "sav"
        found = read_labelled(raw, file, kind, program, kind)
        cells = found.cells.astype("str")
        for name, codes in found.user_missing.items():
            cells[name] = cells[name].where(~cells[name].isin(list(codes)))
    else:
        sheet = open_excel(raw, file)
        width = len(sheet.records[0])
        cells = sheet.body(1, width)[0].astype("str")
        cells.columns = pd.Index(sheet.records[0])
    return cells.where(cells != "")
