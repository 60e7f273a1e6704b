"""How is an Excel workbook read? One sheet, cells as stored; merged cells and uncalculated formulas are refused."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem
from microresearch.survey.labelled import cell_text
from microresearch.survey.problems import nearest, refuse

if TYPE_CHECKING:
    from openpyxl import Workbook

MAGIC = b"PK\x03\x04"
OLD = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True, eq=False)
class ExcelSheet:
    """The records of one sheet as text; record i stands in row `i + 1`.

    Attributes
    ----------
    file, name : str
        The workbook's name for messages, and the sheet's.
    records : list of list of str
        Every row and column to the last one that holds something.
    epoch : Timestamp
        Day 0 of serial dates in this workbook.
    above : int
        Always 0.
    """

    file: str
    name: str
    records: list[list[str]]
    epoch: pd.Timestamp
    above: int = 0

    @property
    def said(self) -> str:
        """What was recognised, in words."""
        return f"Excel sheet {self.name!r}"

    def head(self, n: int) -> list[list[str]]:
        """The cells of the first n rows."""
        return [list(row) for row in self.records[:n]]

    def body(self, first: int, width: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        """Rows from number `first` (0-based) as text cells, wholly empty ones left out, and their row numbers."""
        kept = [(i + 1, row) for i, row in enumerate(self.records) if i >= first and any(row)]
        rows = np.array([row for row, _ in kept], dtype=np.int64)
        frame = pd.DataFrame([cells for _, cells in kept], columns=range(width), dtype="str")
        return frame.astype("category"), rows


def open_excel(raw: bytes, file: str, sheet: str | None = None) -> ExcelSheet:
    """One sheet of a workbook.

    Parameters
    ----------
    raw : bytes
        The .xlsx file.
    file : str
        Its name, for messages.
    sheet : str, optional
        Which sheet; may be left out when only one holds something.

    Raises
    ------
    DataError
        Not a workbook, an old or protected one, several sheets and none named, merged cells, errors (#N/A) or
        formulas that were never calculated.
    """
    if raw.startswith(OLD):
        what = "an old (.xls) or password-protected workbook"
        raise DataError(Problem(what, file, mend="save it as .xlsx without a password"))
    values, formulas = _load(raw, file, True), _load(raw, file, False)
    name = _choose(values, file, sheet)
    page: Any = values[name]
    if page.merged_cells.ranges:
        where = ", ".join(sorted(str(one) for one in page.merged_cells.ranges)[:5])
        what = f"merged cells ({where}) leave open which column or row a value belongs to"
        raise DataError(Problem(what, file, mend="unmerge them and fill every cell"))
    problems: list[Problem] = []
    records: list[list[str]] = []
    for row, (seen, made) in enumerate(zip(page.iter_rows(), formulas[name].iter_rows(), strict=True), 1):
        for cell, origin in zip(seen, made, strict=True):
            if cell.data_type == "e":
                problems.append(Problem("an error value", file, row, cell.column_letter, mend="correct the formula"))
            elif origin.data_type == "f" and cell.value is None:
                mend = "open the file in Excel, save it, or paste values"
                problems.append(Problem("a formula without a stored value", file, row, cell.column_letter, mend=mend))
        records.append([cell_text(cell.value) for cell in seen])
    refuse(problems)
    while records and not any(records[-1]):
        records.pop()
    if not records:
        raise DataError(Problem("the sheet is empty", file, column=name, mend="export the survey again"))
    width = max(i + 1 for row in records for i, cell in enumerate(row) if cell)
    return ExcelSheet(file, name, [row[:width] for row in records], pd.Timestamp(values.epoch))


def _load(raw: bytes, file: str, values: bool) -> "Workbook":
    import openpyxl

    try:
        return openpyxl.load_workbook(BytesIO(raw), data_only=values, keep_links=False)
    except Exception as error:  # a foreign parser on damaged bytes may raise anything; the place is all we know
        raise DataError(
            Problem("this is not a readable Excel workbook", file, mend="save it again as .xlsx")
        ) from error


def _choose(book: "Workbook", file: str, sheet: str | None) -> str:
    """The sheet to read: the named one, else the only one that holds something."""
    pages: dict[str, Any] = {page.title: page for page in book.worksheets}
    if sheet is not None:
        if sheet not in pages:
            near = nearest(sheet, pages)
            mend = f"nearest: {', '.join(near)}" if near else ""
            raise DataError(Problem(f"no sheet {sheet!r}", file, allowed=", ".join(pages), mend=mend))
        return sheet
    filled = [name for name, page in pages.items() if any(cell.value is not None for row in page for cell in row)]
    if len(filled) > 1:
        what = f"{len(filled)} sheets hold something"
        raise DataError(Problem(what, file, allowed=", ".join(filled), mend="say which one with sheet = ..."))
    if not filled:
        raise DataError(Problem("the file is empty", file, mend="export the survey again"))
    return filled[0]
